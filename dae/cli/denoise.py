"""`dae denoise`: denoise image files, folders of images and ZIP archives."""

import argparse
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from dae.cli.common import Commands, Options, RenamedOption, add_command, find_trained_run, noise_argument
from dae.cli.image_sources import Source, list_sources, read_file
from dae.data import uploads
from dae.data.image_file import ImageFile, decode_file, format_of
from dae.errors import DaeError, DataError, SpecError
from dae.evaluation.restoration import describe_level, estimate_level, restore_into
from dae.models import MODELS, Checkpoint, denoise_tiled, self_ensemble
from dae.noise import corrupt
from dae.utils.files import explain_write_error, write_output
from dae.utils.random import make_generator
from dae.utils.text import counted


def add(commands: Commands) -> None:
    """Register the command."""
    parser = add_command(commands, "denoise", _denoise, "Denoise images.")
    parser.add_argument("run", metavar="RUN", help="run whose model denoises the images")
    parser.add_argument("sources", metavar="IN", nargs="+", help="image files, folders or ZIP archives to read")
    parser.add_argument("target", metavar="OUT", help="file for a single image, else a folder for all of them")
    parser.add_argument(
        "--level",
        type=_level_argument,
        metavar="auto|LEVEL",
        help="noise level of the images, where white is 1, for models that take one (default: auto, estimated)",
    )
    parser.add_argument(
        "--amount", type=_amount_argument, default=1.0, metavar="0..1", help="share of the noise to remove (default: 1)"
    )
    parser.add_argument("--noise", type=noise_argument, metavar="SPEC", help="add this noise first")
    parser.add_argument(
        "--tta",
        action="store_true",
        help="test-time augmentation: average over eight flips and rotations, for photographs",
    )
    parser.add_argument("--ensemble", dest="tta", nargs=0, action=RenamedOption, renamed_to="--tta")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed of the noise (default: 0)")


def _level_argument(text: str) -> float | None:
    return None if text == "auto" else _number(text, "Level", "auto or a number from 0 to 1")


def _amount_argument(text: str) -> float:
    return _number(text, "Amount", "a number from 0 to 1")


def _number(text: str, name: str, rule: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{name} {text!r} is not valid. Use {rule}.")
    return value


def _denoise(options: Options) -> None:
    checkpoint = find_trained_run(options.run, options).load()
    if options.level is not None and not checkpoint.model.takes_level:
        raise SpecError(f"Model {checkpoint.name!r} takes no noise level. Omit --level, or use --amount.")
    # Path("") would be the current directory.
    if not all([*options.sources, options.target]):
        raise SpecError("A path is empty. Name image files, folders or ZIP archives, then the output.")
    target, paths = Path(options.target), [Path(source) for source in options.sources]
    is_single = len(paths) == 1 and not paths[0].is_dir() and paths[0].suffix.lower() != ".zip"
    if is_single and target.suffix and not target.is_dir():
        format_of(target.name)
        source = Source(str(paths[0]), partial(read_file, paths[0]), paths[0])
        _check_original(target, _originals([source]))
        with tqdm(total=1.0, leave=False, disable=None, bar_format="{l_bar}{bar}") as bar:
            try:
                bar.write(_denoise_file(source, target, checkpoint, options, bar.update))
            except DaeError as error:
                raise DataError(f"{source.name}: {error}") from error
        return
    if target.exists() and not target.is_dir():
        raise SpecError(f"{target} is a file. Name a folder, or a file with a suffix such as .png for a single image.")
    _denoise_all(list_sources(paths, exclude=target), target, checkpoint, options)


def _originals(sources: Sequence[Source]) -> set[str]:
    """Return the paths of the sources, without links."""
    # Unlike Path.resolve, this raises no error for a link that leads to itself.
    return {os.path.realpath(source.file) for source in sources if source.file}


def _check_original(target: Path, originals: set[str]) -> None:
    """Raise DataError if a result would replace one of the sources."""
    if os.path.realpath(target) in originals:
        raise DataError(f"{target} is an original, which the result would replace. Choose another folder or name.")


def _denoise_all(sources: list[Source], folder: Path, checkpoint: Checkpoint, options: Options) -> None:
    """Denoise into a folder; name the files that fail, continue with the others, and raise DataError at the end."""
    failed, originals = 0, _originals(sources)
    written: set[Path] = set()
    with tqdm(total=float(len(sources)), leave=False, disable=None, bar_format="{l_bar}{bar} {elapsed}") as bar:
        for number, source in enumerate(sources, start=1):
            target = folder / source.name
            try:
                _check_original(target, originals)
                if target in written:
                    raise DataError("Another image has the same name. Denoise it into another folder.")
                written.add(target)
                _make_folder(target.parent)
                bar.write(_denoise_file(source, target, checkpoint, options, bar.update))
            except DaeError as error:
                failed += 1
                bar.write(f"{source.name}: {error}")
            bar.update(number - bar.n)
    if failed:
        others = " The others are written." if failed < len(sources) else ""
        raise DataError(f"{failed} of {counted(len(sources), 'image')} could not be denoised; see above.{others}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder} cannot be created: {explain_write_error(error)}") from error


def _denoise_file(
    source: Source, target: Path, checkpoint: Checkpoint, options: Options, on_progress: Callable[[float], object]
) -> str:
    """Denoise one image, write it atomically and return a line about it."""
    content = source.read()
    if MODELS[checkpoint.name].any_size:
        encoded, words = _restore(decode_file(content), target.name, checkpoint, options, on_progress)
    else:
        encoded, words = _denoise_resized(content, target.name, checkpoint, options)
    with write_output(target) as temporary:
        temporary.write_bytes(encoded)
    return f"{target}: {words}"


def _restore(
    file: ImageFile, name: str, checkpoint: Checkpoint, options: Options, on_progress: Callable[[float], object]
) -> tuple[bytes, str]:
    """Denoise an image at its own size, depth and number of channels."""
    noisy, model, channels = file.pixels, checkpoint.model, checkpoint.shape[0]
    if options.noise:
        noisy = corrupt(noisy, options.noise, make_generator(options.seed))
    steps = 8 if options.tta else 1

    def run(images: Tensor) -> Tensor:
        restored, previous = images.new_empty(images.shape), 0.0
        for done in restore_into(restored, model, channels, images, options.level, options.amount):
            on_progress((done - previous) / steps)
            previous = done
        return restored

    denoised = self_ensemble(run, noisy) if options.tta else run(noisy)
    _check_finite(denoised, options.run)
    encoded = file.encode(denoised, format_of(name))
    level = estimate_level(model, channels, noisy)
    height, width = noisy.shape[-2:]
    words = f"{width} x {height}, estimated noise level {level:.2f} (RMS, white is 1; {describe_level(level)})"
    return encoded, words


def _denoise_resized(content: bytes, name: str, checkpoint: Checkpoint, options: Options) -> tuple[bytes, str]:
    """Denoise an image at the only size that the model takes."""
    decoded = uploads.decode_upload(content)
    noisy, resized = uploads.fit_image(decoded.image, checkpoint)
    if options.noise:
        noisy = corrupt(noisy, options.noise, make_generator(options.seed))
    denoiser = partial(denoise_tiled, checkpoint.model)
    denoised = self_ensemble(denoiser, noisy) if options.tta else denoiser(noisy)
    _check_finite(denoised, options.run)
    denoised = noisy.clamp(0, 1).lerp(denoised, options.amount)
    encoded = ImageFile(denoised, format_of(name)).encode(denoised)
    height, width = denoised.shape[-2:]
    words = [f"{width} x {height}", "resized to fit the model" if resized else "", _as_phrase(decoded.note)]
    return encoded, ", ".join(filter(None, words))


def _as_phrase(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:].rstrip('.')}"


def _check_finite(denoised: Tensor, run: str) -> None:
    if not denoised.isfinite().all():
        raise DataError(f"The output of run {run!r} is not finite for this image. Use another model.")
