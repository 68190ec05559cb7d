"""Render: the rows of images under a slider of noise levels, and a sentence on the best model."""

import math
from collections.abc import Iterator, Mapping, Sequence

from dae.noise import NoiseSpec
from dae.ui.components.frame_slider import LiveNoise, SpriteRow, frame_slider
from dae.ui.explore.gallery.sprites import Gallery, GallerySprites
from dae.ui.model_options import ModelOption
from dae.ui.shell import presentation
from dae.utils import text
from dae.viz import noise_sweep
from dae.viz.noise_sweep import SpriteSheet

GALLERY_CAPTION = "Numbers are PSNR in dB: higher is closer to the original. Next to each name: average improvement."


def render_gallery(
    gallery: Gallery,
    sprites: GallerySprites,
    key: str,
    *,
    clean_row: str = "first",
    side_by_side: bool = False,
    live: bool = False,
    below: Mapping[int, SpriteRow] | None = None,
) -> int:
    """Draw the rows of images under a slider of noise levels, and return the index of the selected level.

    Args:
        clean_row: "first", "last", or "" to leave it out.
        side_by_side: draw the rows as columns.
        live: let the browser answer while a digit is drawn.
        below: a row to draw below that of a model, by its index.
    """
    noise, num_images = gallery.noise, len(gallery.images.indices)
    clean, *others = gallery_rows(gallery, sprites, below or {})
    return frame_slider(
        {"first": [clean, *others], "last": [*others, clean], "": others}[clean_row],
        steps=[f"{level:.2f}" for level in noise_sweep.levels(noise)],
        columns=num_images,
        value=noise_sweep.nearest_level_index(noise, noise.level),
        label="Noise level",
        key=key,
        trained=_training_range(gallery.models, noise),
        alt=f"{num_images} images with {noise.info.label} noise and the output of each model",
        fold=True,
        side_by_side=side_by_side,
        live=LiveNoise(noise.kind, psnr_unit(), text.HALLUCINATION_BELOW_DB) if live else None,
    )


def summarize(gallery: Gallery, sprites: GallerySprites, step: int, is_copy: bool) -> str:
    """Return a Markdown sentence on the best model; empty without models or at the lowest noise level.

    Args:
        step: index of the noise level.
        is_copy: whether the images are small copies of a larger one.
    """
    if not gallery.models or not step:
        return ""
    best = max(range(len(gallery.models)), key=lambda index: sprites.denoised[index].mean_psnr_db[step])
    model, gain_db = gallery.models[best], sprites.gain_db(best, step)
    if not math.isfinite(gain_db):
        return "No noise added."
    if gain_db < 0:
        where = "on these small copies" if is_copy else "here"
        return f"**No model helps {where}**: the best, {model.label}, makes the images {-gain_db:.1f} dB worse."
    hallucinates = model.can_hallucinate(gallery.images.image_set())
    if hallucinates and text.is_hallucinated(sprites.denoised[best].mean_psnr_db[step]):
        verb = "is closest" if len(gallery.models) > 1 else "helps"
        return (
            f"**{model.label}** {verb} (+{gain_db:.1f} dB), but the noise hides so much that the model "
            "invents details: compare with the original."
        )
    verb = "wins here" if len(gallery.models) > 1 else "helps"
    return f"**{model.label} {verb}**: {gain_db:.1f} dB clearer than the noisy images."


def gallery_rows(gallery: Gallery, sprites: GallerySprites, below: Mapping[int, SpriteRow]) -> Iterator[SpriteRow]:
    """Yield the rows from top to bottom: clean, noisy, then the models, each with the row below it."""
    yield SpriteRow("Clean", sprites.clean, words=("the original",))
    # Gains on an empty drawing board mean nothing.
    is_empty = bool(gallery.images.user_pixels) and not gallery.images.clean().any()
    added = f"{gallery.noise.info.label} noise"
    unit = psnr_unit()
    yield SpriteRow("Noisy", sprites.noisy.png, words=(added,), numbers=_format_psnr(sprites.noisy, is_empty, unit))
    image_set = gallery.images.image_set()
    for index, (model, sheet) in enumerate(zip(gallery.models, sprites.denoised, strict=True)):
        hallucinates = model.can_hallucinate(image_set)
        words = tuple(
            "" if is_empty else text.describe_gain(sprites.gain_db(index, step), psnr_db if hallucinates else math.inf)
            for step, psnr_db in enumerate(sheet.mean_psnr_db)
        )
        yield SpriteRow(
            model.label, sheet.png, color=model.color, words=words, numbers=_format_psnr(sheet, is_empty, unit)
        )
        if index in below:
            yield below[index]


def psnr_unit() -> str:
    """Return what follows the PSNR under an image: the unit, where no caption names it."""
    return " dB" if presentation.in_presentation_mode() else ""


def _format_psnr(sheet: SpriteSheet, is_empty: bool, unit: str) -> tuple[tuple[str, ...], ...]:
    """Return the text under each image by level."""

    def describe(psnr_db: float) -> str:
        return "" if is_empty else text.format_db(psnr_db, unit)

    return tuple(tuple(map(describe, level)) for level in sheet.psnr_db)


def _training_range(models: Sequence[ModelOption], noise: NoiseSpec) -> tuple[int, int] | None:
    """Return the first and last level index that all models were trained on; None if they differ."""
    trained = {model.noise.component(noise.kind) for model in models if model.family != "classical"}
    if len(trained) != 1 or not (spec := trained.pop()):
        return None
    return noise_sweep.nearest_level_index(noise, spec.low), noise_sweep.nearest_level_index(noise, spec.high)
