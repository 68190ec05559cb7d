"""`dae imagine`: draw images from the prior of a denoiser."""

from pathlib import Path

from PIL import Image

from dae.cli.common import Commands, Options, add_command, find_trained_run
from dae.errors import SpecError
from dae.imagination import dream
from dae.imagination.sampling import HIGHEST_LEVEL, NUM_STEPS, as_prior
from dae.utils.files import write_output
from dae.utils.random import make_generator
from dae.utils.text import counted
from dae.viz.images import make_grid

_COLUMNS = 8
_SCALE = 3
_FRAME_MS, _LAST_FRAME_MS = 80, 2_000
# All images form one grid, whose memory grows with their number.
_MAX_NUMBER = 1_000


def add(commands: Commands) -> None:
    """Register the command."""
    parser = add_command(commands, "imagine", _imagine, "Generate images from pure noise.")
    parser.add_argument(
        "run", metavar="RUN", help="run whose model generates the images; mnist-prior is trained for this"
    )
    parser.add_argument("target", metavar="OUT", help="file to write: .png for the images, .gif for every step")
    parser.add_argument("--number", type=int, default=24, metavar="N", help="number of images (default: 24)")
    parser.add_argument(
        "--steps", type=int, default=NUM_STEPS, metavar="N", help=f"number of steps (default: {NUM_STEPS})"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default: 0)")


def _imagine(options: Options) -> None:
    target = Path(options.target)
    suffix = target.suffix.lower()
    if suffix not in (".png", ".gif"):
        raise SpecError(f"Output format not supported: {target}. Write to a file that ends in .png or .gif.")
    if options.number > _MAX_NUMBER:
        raise SpecError(f"Number of images {options.number:,} is outside 1 to {_MAX_NUMBER:,}.")
    run = find_trained_run(options.run, options)
    checkpoint, noise = run.load(), run.config.noise
    prior = as_prior(checkpoint.model, clipped=not noise.is_zero_mean)
    frames = dream(prior, options.number, make_generator(options.seed), shape=checkpoint.shape, num_steps=options.steps)
    images = [make_grid(frame.images, _COLUMNS) for frame in frames]
    images = [image.resize((_SCALE * image.width, _SCALE * image.height), Image.Resampling.NEAREST) for image in images]
    with write_output(target) as temporary:
        if suffix == ".png":
            images[-1].save(temporary, "PNG")
        else:
            durations = [_FRAME_MS] * (len(images) - 1) + [_LAST_FRAME_MS]
            images[0].save(temporary, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)
    gaussian = noise.component("gaussian")
    is_prior = gaussian is not None and gaussian.high >= HIGHEST_LEVEL
    print(
        f"{target}: {counted(options.number, 'image')}, seed {options.seed}"
        + ("" if is_prior else f" (trained on {noise.label} only; mnist-prior gives better images)")
    )
