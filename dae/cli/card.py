"""The command `dae card`: measure a run on test images and write its model card."""

import shlex

from dae.cli.common import Commands, Options, add_command, add_measuring_options, load_test_images
from dae.errors import RunError
from dae.evaluation import evaluate, model_denoiser
from dae.runs import find_run
from dae.runs.model_card import CARD_FILE, card_noises, model_card
from dae.utils.files import write_output


def add(commands: Commands) -> None:
    """Register the command."""
    parser = add_command(commands, "card", _card, "Measure a run on test images and write its model card, README.md.")
    parser.add_argument("run", metavar="RUN", help="a finished run")
    add_measuring_options(parser)
    parser.add_argument(
        "--data-terms", metavar="TEXT", default="", help="license of the training images, if it restricts the weights"
    )


def _card(options: Options) -> None:
    run = find_run(options.run, options.checkpoints)
    if run.state != "finished":
        raise RunError(
            f"Run {run.name!r} is {run.state}, and a model card needs a finished run. Let it finish, or resume it."
        )
    images = load_test_images(options.dataset or run.config.dataset, options, [run.config.model])
    noises = options.noise or card_noises(run.config.noise)
    denoiser = model_denoiser(run.name, run.load(), images[0])
    rows = list(evaluate([denoiser], images, noises, draws=options.draws, protocol=options.protocol))
    with write_output(run.path / CARD_FILE) as part:
        part.write_text(model_card(run, rows, _command(options), options.data_terms), encoding="utf-8")
    print(f"Wrote {run.path / CARD_FILE}.")


def _command(options: Options) -> str:
    """Return the command line that the options came from, without paths of this machine."""
    parts = ["dae", "card", options.run]
    parts += ["--dataset", options.dataset] if options.dataset else []
    parts += [part for noise in options.noise or [] for part in ("--noise", str(noise))]
    parts += ["--limit", str(options.limit)] if options.limit else []
    parts += ["--draws", str(options.draws)]
    parts += ["--protocol", options.protocol] if options.protocol != "clamped" else []
    parts += ["--data-terms", options.data_terms] if options.data_terms else []
    return shlex.join(parts)
