"""Interpolation: from one test image to another along a straight line between their codes."""

from collections.abc import Sequence

import streamlit as st
import torch
from torch import Tensor

from dae.data import ImageSet
from dae.representation import decode, describe_code_size, encode, has_decoder, lerp
from dae.ui import resources, selectors
from dae.ui.components.frame_slider import SpriteRow, frame_slider
from dae.ui.model_options import ModelOption
from dae.ui.shell import presentation
from dae.utils import text
from dae.viz.images import hstack, make_grid, to_png

NUM_STEPS = 21
# Steps of the full sequence, side by side.
_NUM_SHOWN = 11
_DEFAULT_CLASSES = ("3", "8")
_CROSS_FADE = "Plain cross-fade"


def render_interpolation(models: Sequence[ModelOption], dataset: str, test: ImageSet) -> None:
    """Draw the interpolation by each model that can decode a code alone, next to a cross-fade of the pixels."""
    decodable = tuple(model for model in models if has_decoder(resources.checkpoint(model.name).model))
    if excluded := text.join_words([model.label for model in models if model not in decodable]):
        st.caption(
            f":material/info: Left out: {excluded}. These models also pass the input image around the code (skip "
            "connections), so the code alone cannot produce an image."
        )
    if not decodable:
        st.info("Choose a linear or a convolutional model: these decode the code alone.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        start = _select_image(test, "from", "From", _DEFAULT_CLASSES[0])
        end = _select_image(test, "to", "To", _DEFAULT_CLASSES[1], anchor=start)
    sequences = compute_sequences(decodable, dataset, test, (start, end))
    names = [*(model.label for model in decodable), _CROSS_FADE]
    _render_steps(names, sequences)
    sizes = [describe_code_size(resources.checkpoint(model.name).model, test.shape) for model in decodable]
    colors = [*(model.color for model in decodable), ""]
    _render_full_sequence(names, sequences, colors, [*sizes, "for comparison"])
    presentation.footnote(
        "Each model decodes codes at equal steps on the straight line between those of the two clean images. If the "
        "code captures digits, the steps in between look like digits; a cross-fade shows both at once.",
        key="walk",
    )


def compute_sequences(
    models: Sequence[ModelOption], dataset: str, test: ImageSet, ends: tuple[int, int]
) -> list[Tensor]:
    """Return one sequence of images (NUM_STEPS, C, H, W) per model, then that of the cross-fade.

    Args:
        ends: indices of the first and the last test image.
    """
    start, end = test.to_float(list(ends))
    cross_fade = lerp(start.flatten(), end.flatten(), NUM_STEPS).view(NUM_STEPS, *test.shape)
    decoded = [
        decode_path(model.name, resources.weights_mtime(model.name), dataset, len(test), *ends) for model in models
    ]
    return [*decoded, cross_fade]


@st.cache_data(show_spinner=False, max_entries=64)
def decode_path(run: str, version: int, dataset: str, limit: int, start: int, end: int) -> Tensor:
    """Return the images (NUM_STEPS, C, H, W) that a run decodes on the line between two codes.

    Args:
        version: modification time of the weights; only part of the cache key.
        limit: number of test images to load.
        start: index of a test image.
        end: index of another test image.
    """
    model, test = resources.checkpoint(run).model, resources.images(dataset, "test", limit)
    codes = encode(model, test.to_float([start, end]))
    return decode(model, lerp(codes[0], codes[1], NUM_STEPS), test.shape)


def _render_steps(names: Sequence[str], sequences: Sequence[Tensor]) -> None:
    """Draw one step at a time under a slider."""
    by_step = torch.stack(list(sequences), dim=1).flatten(0, 1)  # (steps * sequences, C, H, W)
    ends = {0: "the first image's code", NUM_STEPS - 1: "the second image's code"}
    frame_slider(
        [
            SpriteRow(
                "Interpolated image",
                to_png(make_grid(by_step, columns=len(names))),
                words=tuple(ends.get(step, "between the two codes") for step in range(NUM_STEPS)),
                numbers=(tuple(names),),
            )
        ],
        steps=[f"{step / (NUM_STEPS - 1):.0%}" for step in range(NUM_STEPS)],
        columns=len(names),
        value=NUM_STEPS // 2,
        label="Position",
        key="walk",
        alt=f"An image between the first and the second one, by {text.join_words(names)}",
        fold=True,
    )


def _render_full_sequence(
    names: Sequence[str], sequences: Sequence[Tensor], colors: Sequence[str], words: Sequence[str]
) -> None:
    """Draw steps of each sequence side by side."""
    st.header("Full sequence", anchor=False)
    shown = torch.linspace(0, NUM_STEPS - 1, _NUM_SHOWN).round().long()
    frame_slider(
        [
            SpriteRow(name, to_png(hstack(sequence[shown])), color, words=(line,))
            for name, sequence, color, line in zip(names, sequences, colors, words, strict=True)
        ],
        columns=_NUM_SHOWN,
        key="walk_whole",
        alt=f"The sequence from the first to the second image in {_NUM_SHOWN} steps, by {text.join_words(names)}",
    )


def _select_image(test: ImageSet, key: str, label: str, default_class: str, anchor: int | None = None) -> int:
    """Draw the choice of an image by class and number; return its index.

    Args:
        default_class: initial class, if it exists.
        anchor: index of the image to which the initial image is the most similar; None for the first image.
    """
    candidates = torch.arange(len(test))
    if len(test.classes) > 1:
        present = [name for index, name in enumerate(test.classes) if (test.labels == index).any()]
        fallback = 0 if key == "from" else len(present) - 1
        default = present.index(default_class) if default_class in present else fallback
        name = st.selectbox(label, present, index=default, key=f"walk_{key}", bind="query-params", width=150)
        candidates = (test.labels == test.classes.index(name or present[default])).nonzero().flatten()
    number = selectors.url_number_input(
        f"{label}, image no." if len(test.classes) > 1 else label,
        1,
        len(candidates),
        key=f"walk_{key}_picture",
        default=1 + nearest_position(test, candidates, anchor),
        help=f"1 to {len(candidates):,}, in the order of the data set.",
        width=150,
    )
    return int(candidates[number - 1])


def nearest_position(images: ImageSet, candidates: Tensor, anchor: int | None) -> int:
    """Return the position in `candidates` of the image closest to the image at index `anchor`, itself excluded."""
    others = candidates[candidates != anchor] if anchor is not None else candidates[:0]
    if anchor is None or not len(others):
        return 0
    distances = (images.to_float(others) - images.to_float([anchor])).flatten(1).square().sum(1)
    return int((candidates == others[distances.argmin()]).nonzero())
