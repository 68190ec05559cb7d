"""The map: codes of test pictures in a plane or in space, which a slider of noise moves."""

from collections.abc import Sequence
from functools import partial

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from dae import codes, data, pictures, words
from dae.codes import CodeMap, code_map
from dae.contenders import as_denoiser, nothing
from dae.evaluation import noisy_at
from dae.metrics import psnr_db
from dae.models import Autoencoder
from dae.noise import NOISES, NoiseSpec
from dae.packed import ImageSet
from dae.ui import choosing, shared
from dae.ui.later import later
from dae.ui.scatter import Look, Panel, scatter, thumbnails
from dae.ui.shared import Choice
from dae.ui.slider import FrameRow, frame_slider

SEED = 0
_LINEAR, _NEIGHBOURS = "PCA", "t-SNE"
_MOST = 32  # maps that are kept, each a few hundred kilobytes


@st.cache_resource(show_spinner=False)
def _maps() -> dict[tuple[object, ...], CodeMap]:
    """By run, its version, data set, noise and dimensions; for all sessions."""
    return {}


@st.cache_data(show_spinner=False, max_entries=8)
def _sheet(dataset: str, limit: int) -> bytes:
    return thumbnails(shared.images(dataset, "test", limit))


def mapped(runs: Sequence[Choice], dataset: str, test: ImageSet, controls: DeltaGenerator) -> None:
    """Draw the map of each run, and the picture that was clicked; how to map is chosen in `controls`."""
    with controls:
        kind = choosing.noise_kind(small=True)
        way = st.segmented_control(
            "Map by",
            [_LINEAR, _NEIGHBOURS],
            default=_LINEAR,
            required=True,
            key="map_by",
            bind="query-params",
            help="**PCA** looks from the side from which the codes differ most, at once. **t-SNE** bends space so that "
            "neighbours stay neighbours; distances between heaps then mean nothing, and a noisy picture stands among "
            "the clean ones whose codes are nearest. It takes half a minute a model, in the background.",
        )
        dimensions = 3 if st.toggle("In space", key="in_space", bind="query-params", help="Three dimensions.") else 2
    noise = NoiseSpec(kind, NOISES[kind].high)
    drawn = _compute(runs, dataset, test, noise, dimensions)
    if way == _NEIGHBOURS:
        drawn = _neighbours(runs, dataset, test, noise, dimensions, drawn)
    steps = noise.levels(codes.STRENGTHS)
    spec = f"{len(test):,} test pictures of {data.label(dataset)}, one draw of the noise (seed {SEED})"
    look = scatter(
        [_panel(run, drawn[run.name], dataset) for run in runs],
        test,
        _sheet(dataset, len(test)),
        steps=[f"{level:.2f}" for level in steps],
        label="Noise strength",
        key=f"code_map_{kind}_{dataset}",
        alt=f"The codes of {spec}, each a point in the colour of its class",
        caption=f"{spec}. A line leads from where the clean picture's code is to where noise has moved it. Point at a "
        "picture to see it, click for what the models make of it. "
        f"{'Drag to turn' if dimensions == 3 else 'Drag to move'}, double-click to zoom in and out.",
    )
    told = codes.describe_drift(
        [run.label for run in runs], [drawn[run.name].drift[look.step] for run in runs], steps[look.step]
    )
    if told:
        st.markdown(f"**{told}** The less a code moves, the more of what matters it keeps under noise.")
    if look.picture >= 0:
        _picked(runs, dataset, test, noise.at(steps[look.step]), look)


def _compute(
    runs: Sequence[Choice], dataset: str, test: ImageSet, noise: NoiseSpec, dimensions: int
) -> dict[str, CodeMap]:
    """The maps by principal components, made where they are not kept; a bar shows how far it has come."""
    kept, found = _maps(), {}
    slot = st.empty()
    for done, run in enumerate(runs):
        key = (run.name, shared.version(run.name), dataset, len(test), str(noise), dimensions)
        if key not in kept:
            model = shared.checkpoint(run.name).model

            def on_share(share: float, before: int = done, label: str = run.label) -> None:
                slot.progress((before + share) / len(runs), f"The codes of {label} …")

            on_share(0)
            with shared.turn(partial(slot.progress, done / len(runs), "Waiting: another page is computing …")):
                kept[key] = code_map(model, test, noise, SEED, dimensions, on_share=on_share)
            while len(kept) > _MOST:
                kept.pop(next(iter(kept)), None)
        found[run.name] = kept.get(key) or code_map(shared.checkpoint(run.name).model, test, noise, SEED, dimensions)
    slot.empty()
    return found


def _neighbours(
    runs: Sequence[Choice],
    dataset: str,
    test: ImageSet,
    noise: NoiseSpec,
    dimensions: int,
    meanwhile: dict[str, CodeMap],
) -> dict[str, CodeMap]:
    """The maps by t-SNE as far as the background has made them, the given ones for the others."""
    found, missing = dict(meanwhile), []
    for run in runs:
        key = ("t-SNE", run.name, shared.version(run.name), dataset, len(test), str(noise), dimensions)
        model = shared.checkpoint(run.name).model

        def make(model: Autoencoder = model) -> CodeMap:
            return code_map(model, test, noise, SEED, dimensions, neighbours=True)

        made = later().ask(key, make)
        if made is None:
            missing.append((run.label, key))
        else:
            found[run.name] = made
    if missing:
        _wait(missing)
    return found


@st.fragment(run_every=1.0)
def _wait(missing: Sequence[tuple[str, object]]) -> None:
    """Say what is still being made, and draw the page again when some of it is there."""
    since = [later().seconds(key) for _, key in missing]
    seconds = [each for each in since if each is not None]
    if len(seconds) < len(since):
        st.rerun()
    names = words.listing([label for label, _ in missing])
    st.markdown(
        f":material/hourglass_top: t-SNE of {names} is being computed, for {max(seconds):.0f} s so far. Meanwhile the "
        "map by PCA stands here."
    )


def _panel(run: Choice, made: CodeMap, dataset: str) -> Panel:
    size = codes.size_in_words(shared.checkpoint(run.name).model, shared.images(dataset, "test", 1).shape)
    shows = f", of whose spread {made.share:.0%} is seen here" if made.share == made.share else ", by t-SNE"
    moved = tuple(
        "moved by " + (f"{share:.2f} of the usual distance between two pictures" if share == share else "nothing known")
        if step
        else "clean"
        for step, share in enumerate(made.drift)
    )
    return Panel(run.label, size + shows, run.color, made.places.numpy(), moved)


def _picked(runs: Sequence[Choice], dataset: str, test: ImageSet, noise: NoiseSpec, look: Look) -> None:
    """The clicked picture: clean, noisy, and what each run makes of it."""
    clean, noisy = noisy_at(test, noise, SEED, [look.picture])
    shown = [clean, nothing(noisy), *(as_denoiser(shared.checkpoint(run.name), test)(noisy) for run in runs)]
    sheet = pictures.to_png(pictures.grid(torch.cat(shown), columns=len(shown)))
    names = ["noisy", *(run.label for run in runs)]
    under = [words.with_decibels(name, float(psnr_db(own, clean))) for name, own in zip(names, shown[1:], strict=True)]
    name = test.classes[int(test.labels[look.picture])] if len(test.classes) > 1 else "A picture"
    frame_slider(
        [FrameRow(f"{name}, picture {look.picture}", sheet, words=(str(noise),), numbers=(("clean", *under),))],
        steps=[""],
        columns=len(shown),
        value=0,
        label="",
        key="picked",
        alt=f"Picture {look.picture}: clean, noisy, and {words.listing(names[1:])}",
    )
