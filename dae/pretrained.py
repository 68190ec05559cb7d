"""Trained models on which a training builds: as its first weights, or as its teacher."""

from pathlib import Path

from dae.config import TrainConfig
from dae.errors import RunError
from dae.models import Autoencoder, Shape, meta_model
from dae.runs import RunDirectory, find_run

_SHIPPED = Path(__file__).parents[1] / "checkpoints"


def find_pretrained(config: TrainConfig, shape: Shape, root: Path | str | None = None) -> Autoencoder | None:
    """The model whose weights a training begins with, on the CPU; None where it begins with random ones.

    Args:
        shape: of the images that are to be learnt from, (C, H, W).
        root: as `finished_run`.

    Raises:
        RunError: there is no such finished run, or its model is another one.
        DaeError: its weights are missing or damaged.
    """
    if not config.pretrained:
        return None
    run = finished_run(config.pretrained, root, "Or begin a new run with random weights: --pretrained ''.")
    checkpoint = run.load()
    trained, wanted = (
        {name: weight.shape for name, weight in model.state_dict().items()}
        for model in (checkpoint.model, meta_model(config.model, shape))
    )
    if checkpoint.name != config.model or trained != wanted:
        raise RunError(
            f"Run {run.name!r} is {checkpoint.name!r} for {_pictures(checkpoint.shape)}, and no {config.model!r} for "
            f"{_pictures(shape)} can begin with its weights. Begin with a run of that model for such pictures, "
            "or with random weights."
        )
    return checkpoint.model


def finished_run(name: str, root: Path | str | None, way_out: str) -> RunDirectory:
    """The finished run of that name; one that is not finished, such as the one to be trained, is passed over.

    Args:
        root: the folder of runs that is looked through first; then the usual one, then the shipped one.
        way_out: what to do without it, for the message.

    Raises:
        RunError: there is none.
    """
    missing: RunError | None = None
    for folder in (root, None, _SHIPPED):
        try:
            run = find_run(name, folder)
        except RunError as error:
            missing = missing or error
            continue
        if run.state == "finished":
            return run
        missing = RunError(f"Run {name!r} is {run.state}; it has to be finished before a training can build on it.")
    raise RunError(f"{missing} {way_out}")


def _pictures(shape: Shape) -> str:
    channels, height, width = shape
    return f"{'grey' if channels == 1 else 'colour'} pictures of {height} x {width}"
