"""The walk: from one test picture to another along a straight line between their codes, drawn at every step."""

from collections.abc import Sequence

import streamlit as st
import torch
from torch import Tensor

from dae import codes, pictures, words
from dae.packed import ImageSet
from dae.ui import page, shared, stage
from dae.ui.shared import Choice
from dae.ui.slider import FrameRow, frame_slider

STEPS = 21
_SHOWN = 11  # of them side by side
_USUAL = ("3", "8")  # classes to begin with, where they are there
_FADE = "Without a code: a cross-fade"


def walk(runs: Sequence[Choice], dataset: str, test: ImageSet) -> None:
    """Draw the walk through the code of each run that can draw from it."""
    able = [run for run in runs if codes.decodes(shared.checkpoint(run.name).model)]
    if unable := words.listing([run.label for run in runs if run not in able]):
        st.caption(
            f":material/info: {unable} cannot walk: what it draws comes from its code and from the noisy picture "
            "itself, past the code, so there is no picture of a code alone."
        )
    if not able:
        st.info("Choose a linear or a convolutional model: these draw from their code alone.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = _choose(test, "from", "From", _USUAL[0])
        last = _choose(test, "to", "To", _USUAL[1], beside=first)
    ends = test.clean([first, last])
    rows = [(run, _way(run, dataset, len(test), first, last)) for run in able]
    fade = codes.between(ends[0].flatten(), ends[1].flatten(), STEPS).view(STEPS, *test.shape)
    names = [*(run.label for run, _ in rows), _FADE]
    moving = torch.stack([*(way for _, way in rows), fade], dim=1).flatten(0, 1)  # (steps * rows, C, H, W)
    frame_slider(
        [
            FrameRow(
                "On the way",
                pictures.to_png(pictures.grid(moving, columns=len(names))),
                words=tuple(_where(step) for step in range(STEPS)),
                numbers=(tuple(names),),
            )
        ],
        steps=[f"{step / (STEPS - 1):.0%}" for step in range(STEPS)],
        columns=len(names),
        value=STEPS // 2,
        label="How far",
        key="walk",
        alt=f"A picture on the way from one to the other, by {words.listing(names)}",
        play=True,
    )
    st.header("All the way", anchor=False)
    shown = torch.linspace(0, STEPS - 1, _SHOWN).round().long()
    frame_slider(
        [
            *(FrameRow(run.label, _strip(way[shown]), run.color, words=(_size(run, test),)) for run, way in rows),
            FrameRow(_FADE, _strip(fade[shown]), words=("at its ends the two pictures themselves",)),
        ],
        steps=[""],
        columns=_SHOWN,
        value=0,
        label="",
        key="walk_whole",
        alt=f"The whole way from one picture to the other in {_SHOWN} steps, by {words.listing(names)}",
    )
    stage.fine_print(
        "Between the codes of the two clean pictures the code changes by equal steps along a straight line, and each "
        "model draws what it finds there. Where a code knows digits, pictures on the way look like digits; a "
        "cross-fade shows two at once.",
        key="walk",
    )


@st.cache_data(show_spinner=False, max_entries=64)
def _decoded(run: str, version: int, dataset: str, limit: int, first: int, last: int) -> Tensor:
    """(STEPS, C, H, W); `version` is part of the key alone."""
    checkpoint, test = shared.checkpoint(run), shared.images(dataset, "test", limit)
    ends = codes.encode(checkpoint.model, test.clean([first, last]))
    return codes.decode(checkpoint.model, codes.between(ends[0], ends[1], STEPS), test.shape)


def _way(run: Choice, dataset: str, limit: int, first: int, last: int) -> Tensor:
    return _decoded(run.name, shared.version(run.name), dataset, limit, first, last)


def _choose(test: ImageSet, key: str, label: str, usual: str, beside: int | None = None) -> int:
    """The place of a picture, chosen by class and number; to begin with the one most like the one `beside`."""
    places = torch.arange(len(test))
    if len(test.classes) > 1:
        here = [name for place, name in enumerate(test.classes) if (test.labels == place).any()]
        start = here.index(usual) if usual in here else (0 if key == "from" else len(here) - 1)
        name = st.selectbox(label, here, index=start, key=f"walk_{key}", bind="query-params", width=150)
        places = (test.labels == test.classes.index(name or here[start])).nonzero().flatten()
    nearest = 1
    if beside is not None and len(others := places[places != beside]):
        away = (test.clean(others) - test.clean([beside])).flatten(1).square().sum(1)
        nearest += int((places == others[away.argmin()]).nonzero())
    number = page.whole_number(
        f"{label}, picture" if len(test.classes) > 1 else label,
        1,
        len(places),
        key=f"walk_{key}_picture",
        usual=nearest,
        help=f"1 to {len(places):,}, in the order of the data set.",
        width=150,
    )
    return int(places[number - 1])


def _strip(images: Tensor) -> bytes:
    return pictures.to_png(pictures.strip(images))


def _size(run: Choice, test: ImageSet) -> str:
    return codes.size_in_words(shared.checkpoint(run.name).model, test.shape)


def _where(step: int) -> str:
    return {0: "the first picture's code", STEPS - 1: "the second picture's code"}.get(step, "between the two codes")
