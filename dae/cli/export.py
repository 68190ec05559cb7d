"""`dae export`: write a model as an ONNX or torch.export file, or up to three models as an HTML file."""

from pathlib import Path

from dae.cli.common import Commands, Options, add_command, find_trained_run
from dae.data import ImageSet, is_available, is_folder, load_dataset
from dae.errors import DataError, SpecError
from dae.html_demo import MAX_MODELS, DemoModel, render_demo
from dae.models import MODELS, Checkpoint
from dae.models.export import SUFFIXES, check_target, export_model
from dae.utils.files import write_output

_HTML = ".html"
_NUM_TEST_IMAGES = 1_000


def add(commands: Commands) -> None:
    """Register the command."""
    parser = add_command(
        commands, "export", _export, "Export a trained model to ONNX or torch.export, or several to an HTML file."
    )
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help=f"run to export; up to {MAX_MODELS} for an HTML file that compares them"
    )
    parser.add_argument(
        "target",
        metavar="OUT",
        help="file to write: .onnx for ONNX, .pt2 for torch.export, .html for a page that runs in any browser, offline",
    )


def _export(options: Options) -> None:
    target = Path(options.target)
    if target.suffix == _HTML:
        _export_html(options, target)
        return
    if target.suffix not in SUFFIXES:
        raise SpecError(f"{target.name} has an unknown suffix. Use {', '.join(SUFFIXES)} or {_HTML}.")
    if len(options.runs) > 1:
        raise SpecError(
            f"{target.suffix} files contain one model, not {len(options.runs)}. Name one run, or a {_HTML} file."
        )
    check_target(target)
    checkpoint = find_trained_run(options.runs[0], options).load()
    difference = export_model(checkpoint, target)
    channels, height, width = checkpoint.shape
    sides = "height, width" if MODELS[checkpoint.name].any_size else f"{height}, {width}"
    print(f"{target}: noisy (batch, {channels}, {sides}) to denoised of the same shape, clamped to [0, 1]")
    if limit := checkpoint.model.max_exported_side:
        print(f"Height and width: at most {limit}. Denoise larger images in tiles, or with `dae denoise`.")
    checked = "not checked (install onnxruntime)" if difference is None else f"at most {difference:.1g}"
    print(f"Difference from PyTorch: {checked}")


def _export_html(options: Options, target: Path) -> None:
    runs = [find_trained_run(name, options) for name in dict.fromkeys(options.runs)]
    models = [DemoModel(run.name, run.load()) for run in runs]
    images = _sample_images(runs[0].dataset, models[0].checkpoint, options.data)
    page = render_demo(models, images).encode()
    with write_output(target) as temporary:
        temporary.write_bytes(page)
    print(f"{target}: {len(page) / 1e6:.1f} MB, opens in any browser without a network; samples from {images.name}")


def _sample_images(dataset: str, checkpoint: Checkpoint, root: str | None) -> ImageSet:
    """Return test images of the data set that the model was trained on, or drawn digits if it is not on this machine.

    Raises:
        DataError: the data set is missing, and drawn digits have another shape.
    """
    if is_available(dataset, root):
        return load_dataset(dataset, "test", root=root, limit=_NUM_TEST_IMAGES)
    digits = load_dataset("digits", "test", limit=_NUM_TEST_IMAGES)
    if digits.shape != checkpoint.shape:
        raise DataError(
            f"An HTML file needs images of {dataset}, which are not on this machine. Name the data root with --data"
            + ("." if is_folder(dataset) else f", or run `dae download {dataset}`.")
        )
    return digits
