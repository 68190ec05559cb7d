"""Compute the cleaned copies of an image, without drawing anything."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from dae.data.image_file import ImageFile, decode_file
from dae.data.image_formats import SUFFIXES
from dae.errors import DaeError
from dae.evaluation.restoration import estimate_level, has_correlated_noise, restore, restore_into, sure_psnr_db
from dae.models import Checkpoint
from dae.ui import resources
from dae.ui.cleaning.strengths import Strength, scale_level, strengths
from dae.ui.cleaning.uploads import Upload
from dae.ui.components.divider import data_url
from dae.ui.model_options import ModelOption
from dae.utils.random import make_generator
from dae.viz.images import make_grid

# Images of up to this many pixels are cleaned at all strengths, so that the slider needs no round trip.
_MAX_LIVE_PIXELS = 300_000
# The removed noise is drawn around gray, this many times stronger.
_REMOVED_GAIN = 3
# The probe of SURE must be independent of the noise, also of that of the sample photographs.
_SURE_STREAM = 1


@dataclass(eq=False)
class Cleaning:
    """An image and what is computed of it.

    Attributes:
        key: identifies file and model.
        level: estimated noise level in pixel units.
        is_correlated: whether neighboring pixels share the noise.
        steps: positions of the slider.
        before: data URL of the noisy image.
        outputs: of the model, (1, C, H, W), by the level that it received; a large image has one.
        restored: cleaned images (1, C, H, W) by step; a large image has one.
        views: data URLs of the cleaned images and of the removed noise, by step.
        sure_db: results of `estimate_quality` by step.
    """

    key: str
    file: ImageFile
    level: float
    is_correlated: bool
    steps: list[Strength]
    before: str
    outputs: dict[float | None, Tensor] = field(default_factory=dict)
    restored: dict[int, Tensor] = field(default_factory=dict)
    views: dict[int, tuple[str, str]] = field(default_factory=dict)
    sure_db: dict[int, float] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Return whether all strengths are computed at once."""
        return self.file.pixels[0, 0].numel() <= _MAX_LIVE_PIXELS


def open_image(content: bytes, model: ModelOption, key: str = "") -> Cleaning:
    """Decode an image file and estimate its noise level.

    Raises:
        DataError: the file cannot be decoded.
    """
    file, checkpoint = decode_file(content), resources.checkpoint(model.name)
    with resources.compute_lock():
        level = estimate_level(checkpoint.model, checkpoint.shape[0], file.pixels)
    steps = strengths(level, checkpoint.model.takes_level)
    return Cleaning(key, file, level, has_correlated_noise(file.pixels), steps, data_url(make_grid(file.pixels, 1)))


def clean_step(cleaning: Cleaning, step: int, model: ModelOption, on_progress: Callable[[float], object]) -> None:
    """Clean the image at one strength, tile by tile, and store the result in `cleaning`.

    Args:
        on_progress: called after each tile with the share that is done; may raise to cancel.
    """
    noisy, strength = cleaning.file.pixels, cleaning.steps[step]
    if strength.level not in cleaning.outputs:
        checkpoint = resources.checkpoint(model.name)
        output = restore_with_progress(checkpoint, noisy, strength.level, 1.0, on_progress)
        if not cleaning.is_live:
            cleaning.outputs.clear()
        cleaning.outputs[strength.level] = output
    output = cleaning.outputs[strength.level]
    restored = output if strength.amount == 1 else noisy.lerp(output, strength.amount)
    if not cleaning.is_live:
        cleaning.restored.clear()
        cleaning.views.clear()
    cleaning.restored[step] = restored
    cleaning.views[step] = view_urls(noisy, restored)


def view_urls(noisy: Tensor, restored: Tensor) -> tuple[str, str]:
    """Return data URLs of a restored image (1, C, H, W) and of what was removed from the noisy one, amplified."""
    removed = (0.5 + _REMOVED_GAIN * (noisy - restored)).clamp_(0, 1)
    return data_url(make_grid(restored, 1)), data_url(make_grid(removed, 1))


def restore_with_progress(
    checkpoint: Checkpoint,
    noisy: Tensor,
    level: float | None,
    amount: float,
    on_progress: Callable[[float], object],
    on_wait: Callable[[float], object] | None = None,
) -> Tensor:
    """Denoise an image (1, C, H, W) as `restore` does; other sessions can compute between two tiles.

    Args:
        on_progress: called after each tile with the share that is done; may raise to cancel.
        on_wait: called with that share while another session computes; None for `on_progress`.
    """
    output, done = torch.empty_like(noisy), 0.0
    tiles = restore_into(output, checkpoint.model, checkpoint.shape[0], noisy, level, amount)
    while done < 1:
        with resources.compute_lock(partial(on_wait or on_progress, done)):
            done = next(tiles)
        on_progress(done)
    return output


def estimate_quality(cleaning: Cleaning, step: int, model: ModelOption) -> float:
    """Return the PSNR in dB that SURE estimates for one strength; NaN if there is no estimate."""
    if step not in cleaning.sure_db:
        checkpoint, strength = resources.checkpoint(model.name), cleaning.steps[step]

        def denoiser(images: Tensor) -> Tensor:
            return restore(checkpoint.model, checkpoint.shape[0], images, strength.level, strength.amount)

        generator = make_generator(0, _SURE_STREAM)
        with resources.compute_lock():
            cleaning.sure_db[step] = sure_psnr_db(denoiser, cleaning.file.pixels, cleaning.level, generator)
    return cleaning.sure_db[step]


def cleaned_name(name: str, file: ImageFile) -> str:
    """Return the name of the cleaned file: "photo-clean.jpg", with the suffix of its format."""
    stem, dot, suffix = name.rpartition(".")
    suffixes = SUFFIXES[file.format]
    return f"{stem if dot else name}-clean" + (f".{suffix}" if f".{suffix.lower()}" in suffixes else suffixes[0])


def clean_all(
    uploads: list[Upload], strength: Strength, model: ModelOption, on_progress: Callable[[float, str], object]
) -> tuple[bytes, list[str]]:
    """Clean several images, each with its own estimated noise level.

    Returns:
        A ZIP archive, empty if every image failed, and a sentence per image that failed.
    """
    checkpoint, files, failures = resources.checkpoint(model.name), {}, []
    for number, upload in enumerate(uploads):
        try:

            def show(done: float, number: int = number, name: str = upload.name) -> None:
                on_progress((number + done) / len(uploads), f"Cleaning {name} …")

            show(0.0)
            file = decode_file(upload.content)
            with resources.compute_lock():
                level = estimate_level(checkpoint.model, checkpoint.shape[0], file.pixels)
            given = scale_level(level, strength.factor) if checkpoint.model.takes_level else None
            restored = restore_with_progress(checkpoint, file.pixels, given, strength.amount, show)
            name = cleaned_name(upload.name, file)
            files[f"{number + 1}-{name}" if name in files else name] = file.encode(restored)
        except DaeError as error:
            failures.append(f"{upload.name}: {error}")
    buffer = io.BytesIO()
    # Stored: image files are compressed already.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue() if files else b"", failures
