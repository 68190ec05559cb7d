"""Preview images: the same validation images, denoised at the first steps, about once a second and after epochs."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from PIL import Image

from dae.errors import RunError
from dae.runs import ACTIVE_STATES, Run, preview_of
from dae.ui.components.frame_slider import SpriteRow, frame_slider
from dae.ui.model_options import run_color
from dae.ui.train.headline import PixelRange, epochs_passed
from dae.utils import text
from dae.utils.files import cached_by_stat, open_regular
from dae.viz import to_png
from dae.viz.filters import stack_filters
from dae.viz.plots import validation_scores

# The frames of an active run are sent again with each new one.
_MAX_FRAMES, _MAX_LIVE_FRAMES = 48, 24
# Eight images of up to 512 x 512.
_MAX_STRIP_PIXELS = 8 * 512 * 512
_DAMAGED = "Preview images are damaged; the model is fine."
_FILTERS_CAPTION = (
    "Filters are what the first layer looks for: bright pixels count in favor, dark ones against, gray ones not at "
    "all. They begin as noise, and some turn into strokes or edges while the model learns."
)


class Frame(NamedTuple):
    """One preview of a run.

    Attributes:
        position: epochs passed, with fractions.
        gain_db: PSNR above that of the noisy input.
        filters: path of the filters of the first layer, which may be missing.
    """

    position: float
    step: int
    path: Path
    gain_db: float
    filters: Path = Path()


def run_frames(run: Run, lines: Sequence[Mapping[str, Any]]) -> list[Frame]:
    """Return the previews of a run, oldest first.

    Args:
        lines: its progress.
    """
    noisy_db = next((line["noisy_scores"]["psnr_db"] for line in lines if line.get("noisy_scores")), 0.0)
    frames = []
    for line in lines:
        if (scores := validation_scores(line)) and (path := run.preview_path(preview_of(line))).is_file():
            gain_db, filters = scores["psnr_db"] - noisy_db, run.filters_path(preview_of(line))
            frames.append(Frame(epochs_passed(line), line["step"], path, gain_db, filters))
    return frames


def select_positions(frames: Sequence[Sequence[Frame]], limit: int) -> list[float]:
    """Return at most `limit` positions of the frames of several runs, evenly spaced among them, with the last one.

    As runs grow, a position stays until every second one is dropped, so that a slider can stay where it is.
    """
    positions = sorted({round(frame.position, 6) for run in frames for frame in run})
    stride = 1
    while len(range(0, len(positions), stride)) + 1 > limit:
        stride *= 2
    return sorted({*positions[::stride], *positions[-1:]})


def render_previews(runs: Sequence[Run], progress: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    """Draw the preview images of runs that have those of the first run.

    Args:
        progress: lines of progress by name of the run.
        labels: display names by name of the run.

    Raises:
        RunError: an image is damaged.
    """
    shown = [run for run in runs if _preview_key(run) == _preview_key(runs[0])]
    frames = {run.name: run_frames(run, progress[run.name]) for run in shown}
    shown = [run for run in shown if frames[run.name]]
    if not shown:
        return
    is_active = any(run.state in ACTIVE_STATES for run in shown)
    positions = select_positions(list(frames.values()), _MAX_LIVE_FRAMES if is_active else _MAX_FRAMES)
    with _open_strip(shown[0].preview_path("clean")) as strip:
        size = strip.size
    num_images = size[0] // size[1]
    rows, filter_rows = [], []
    for which, words in (("clean", "the original"), ("noisy", "the input")):
        sheet = _read_sheet([shown[0].preview_path(which)], size)
        rows.append(SpriteRow(which.capitalize(), sheet, words=(words,)))
    for run in shown:
        latest = [_latest(frames[run.name], position) for position in positions]
        gains = tuple(text.describe_gain(frame.gain_db) for frame in latest)
        sheet = _read_sheet([frame.path for frame in latest], size)
        color = run_color(run)
        rows.append(SpriteRow(labels[run.name], sheet, color=color, words=gains))
        if filters := _read_filters([frame.filters for frame in latest], size[1], num_images):
            source = f"of the first layer of {labels[run.name]}"
            filter_rows.append(SpriteRow("Filters", filters, color=color, words=(source,), below=True))
    others = text.join_words([labels[run.name] for run in runs if _preview_key(run) != _preview_key(runs[0])])
    captions = [_FILTERS_CAPTION] if filter_rows else []
    captions += [f"Not shown (different images or noise): {others}."] if others else []
    frame_slider(
        [*rows, *filter_rows],
        steps=_step_labels(positions, {frame.position: frame.step for run in shown for frame in frames[run.name]}),
        columns=num_images,
        label="Watch it learn: after",
        key="playback",
        alt=f"{num_images} validation images: clean, noisy, and denoised during the training",
        caption=" ".join(captions),
        follow=" ".join(run.name for run in shown),
        fold=True,
    )


def latest_pixel_ranges(run: Run, lines: Sequence[Mapping[str, Any]]) -> list[PixelRange]:
    """Return the pixel ranges of those of the last two previews that can be read."""
    ranges = []
    for frame in run_frames(run, lines[-400:])[-2:]:
        with suppress(RunError):
            ranges.append(PixelRange(frame.step, *_extremes(frame.path)))
    return ranges


@cached_by_stat
def _extremes(path: Path) -> tuple[int, int]:
    """Return the lowest and the highest pixel of a strip."""
    pixels = np.asarray(_read_strip(path))
    return int(pixels.min()), int(pixels.max())


def _latest(frames: Sequence[Frame], position: float) -> Frame:
    """Return the last frame up to a position, the first one if there is none."""
    return frames[max(bisect_right(frames, position + 1e-6, key=lambda frame: frame.position) - 1, 0)]


def _step_labels(positions: Sequence[float], steps: Mapping[float, int]) -> list[str]:
    """Return the label of each position: steps within the first epoch, epochs after it."""
    steps = {round(position, 6): step for position, step in steps.items()}
    labels = []
    for position in positions:
        is_epoch = position >= 1
        count = f"{position:.2f}".rstrip("0").rstrip(".") if is_epoch else str(steps[position])
        labels.append(f"{count} {'epoch' if is_epoch else 'step'}{'' if count == '1' else 's'}")
    return labels


def _preview_key(run: Run) -> tuple[object, ...]:
    """Return what determines the clean and the noisy preview images."""
    return run.dataset, run.noise, run.seed


def _read_sheet(paths: Sequence[Path], size: tuple[int, int]) -> bytes:
    return _stack(tuple((str(path), path.stat().st_mtime_ns) for path in paths), size)


def _read_filters(paths: Sequence[Path], side: int, columns: int) -> bytes | None:
    """Return a PNG with the filters of each path in cells of this side, gray if missing; None if all are missing."""
    stamped = tuple((str(path), path.stat().st_mtime_ns) if path.is_file() else None for path in paths)
    return _stack_filters(stamped, side, columns) if any(stamped) else None


@st.cache_data(show_spinner=False, max_entries=64)
def _stack_filters(paths: tuple[tuple[str, int] | None, ...], side: int, columns: int) -> bytes:
    strips: list[Image.Image | None] = []
    for path in paths:
        strips.append(None)
        # A power failure can damage them.
        with suppress(RunError):
            strips[-1] = _read_strip(Path(path[0])) if path else None
    return to_png(stack_filters(strips, (side, side), columns))


@st.cache_data(show_spinner=False, max_entries=64)
def _stack(paths: tuple[tuple[str, int], ...], size: tuple[int, int]) -> bytes:
    """Return a PNG with image strips of this (width, height) on top of each other.

    Args:
        paths: of the strips, with the times of their last change, which are part of the cache key.
    """
    strips = [_read_strip(Path(path)) for path, _ in paths]
    if {(strip.size, strip.mode) for strip in strips} != {(size, strips[0].mode)}:
        raise RunError(_DAMAGED)
    return to_png(Image.fromarray(np.vstack([np.asarray(strip) for strip in strips])))


def _read_strip(path: Path) -> Image.Image:
    with _open_strip(path) as strip:
        strip.load()
        return strip


@contextmanager
def _open_strip(path: Path) -> Iterator[Image.Image]:
    """Open a strip of squares without decoding it; raise RunError if it is damaged or larger than training writes."""
    try:
        with open_regular(path) as file, Image.open(file, formats=["PNG"]) as strip:
            if strip.width % strip.height or strip.width * strip.height > _MAX_STRIP_PIXELS:
                raise RunError(_DAMAGED)
            yield strip
    except RunError:
        raise
    except Exception as error:
        # Damaged files make Pillow's decoders raise errors of any class.
        raise RunError(_DAMAGED) from error
