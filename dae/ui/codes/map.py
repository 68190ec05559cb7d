"""Map: the codes of test images as points in two or three dimensions, moved by a slider of the noise level."""

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cachetools
import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from dae.data import ImageSet, dataset_label
from dae.evaluation import make_denoiser, psnr_db
from dae.evaluation.benchmark import noisy_batch_at
from dae.evaluation.denoisers import identity
from dae.noise import NOISES, NoiseSpec
from dae.representation import NUM_NOISE_LEVELS, CodeMap, build_code_map, describe_code_size, describe_drift
from dae.ui import resources, selectors
from dae.ui.background import background
from dae.ui.components.code_map import MapPanel, MapSelection, code_map, thumbnails
from dae.ui.components.frame_slider import SpriteRow, frame_slider
from dae.ui.model_options import ModelOption
from dae.utils import text
from dae.viz.images import make_grid, to_png

_SEED = 0
_PCA, _TSNE = "PCA", "t-SNE"
# A map takes a few hundred kilobytes.
_MAX_MAPS = 32


@dataclass(frozen=True, eq=False)
class MapSettings:
    """Selection of the view.

    Attributes:
        noise: its kind counts, at every level.
        dimensions: 2 or 3.
    """

    models: tuple[ModelOption, ...]
    dataset: str
    test: ImageSet
    noise: NoiseSpec
    use_tsne: bool
    dimensions: int

    def key(self, model: ModelOption) -> tuple[object, ...]:
        """Return a key that identifies the map of a model by one projection."""
        version = resources.weights_mtime(model.name)
        return model.name, version, self.dataset, len(self.test), str(self.noise), self.dimensions


def render_map(models: Sequence[ModelOption], dataset: str, test: ImageSet, controls: DeltaGenerator) -> None:
    """Draw the map of each model, and the image that was clicked; the settings are drawn in `controls`."""
    with controls:
        settings = _select(models, dataset, test)
    maps = _compute_pca_maps(settings)
    if settings.use_tsne:
        maps = _request_tsne_maps(settings, maps)
    levels = settings.noise.levels(NUM_NOISE_LEVELS)
    summary = f"{len(test):,} test images of {dataset_label(dataset)}, one noise sample (seed {_SEED})"
    selection = code_map(
        [_panel(model, model_map, test) for model, model_map in zip(settings.models, maps, strict=True)],
        test,
        _map_sprites(dataset, len(test)),
        steps=[f"{level:.2f}" for level in levels],
        label="Noise level",
        key=f"code_map_{settings.noise.kind}_{dataset}",
        alt=f"The codes of {summary}, each a point in the color of its class",
        caption=f"{summary}. Lines show how noise moves each code. Hover to see an image, click to denoise it. "
        f"{'Drag to rotate' if settings.dimensions == 3 else 'Drag to move'}, double-click to zoom in and out.",
    )
    drifts = [model_map.drift[selection.step] for model_map in maps]
    if sentence := describe_drift([model.label for model in models], drifts, levels[selection.step]):
        st.markdown(f"**{sentence}**")
    if selection.picture >= 0:
        _render_selected(settings, levels[selection.step], selection)


def _select(models: Sequence[ModelOption], dataset: str, test: ImageSet) -> MapSettings:
    kind = selectors.select_noise_kind(small=True)
    projection = st.segmented_control(
        "Projection",
        [_PCA, _TSNE],
        default=_PCA,
        required=True,
        key="map_by",
        bind="query-params",
        help="**PCA** is instant. **t-SNE** keeps neighbors together; distances between clusters mean nothing. About "
        "30 s per model.",
    )
    dimensions = 3 if st.toggle("3D", key="in_space", bind="query-params", help="Show in 3D.") else 2
    return MapSettings(
        tuple(models), dataset, test, NoiseSpec(kind, NOISES[kind].high), projection == _TSNE, dimensions
    )


@st.cache_data(show_spinner=False, max_entries=8)
def _map_sprites(dataset: str, limit: int) -> bytes:
    return thumbnails(resources.images(dataset, "test", limit))


def _compute_pca_maps(settings: MapSettings) -> list[CodeMap]:
    """Return the map of each model by PCA, with a progress bar over those that are not cached."""
    slot, maps = st.empty(), []
    for index, model in enumerate(settings.models):

        def on_progress(done: float, caption: str, index: int = index) -> None:
            slot.progress((index + done) / len(settings.models), caption)

        maps.append(_pca_map(settings, model, on_progress))
    slot.empty()
    return maps


@cachetools.cached(
    cachetools.LRUCache(_MAX_MAPS),
    key=lambda settings, model, on_progress: settings.key(model),
    lock=threading.Lock(),
)
def _pca_map(settings: MapSettings, model: ModelOption, on_progress: Callable[[float, str], object]) -> CodeMap:
    caption, network = f"Encoding images with {model.label} …", resources.checkpoint(model.name).model
    on_progress(0, caption)
    with resources.compute_lock(partial(on_progress, 0, "Waiting for another computation …")):
        return build_code_map(
            network,
            settings.test,
            settings.noise,
            _SEED,
            settings.dimensions,
            on_progress=lambda done: on_progress(done, caption),
        )


def _request_tsne_maps(settings: MapSettings, pca_maps: Sequence[CodeMap]) -> list[CodeMap]:
    """Return the map of each model by t-SNE; the one by PCA while t-SNE is computed in the background."""
    maps, pending = list(pca_maps), []
    for index, model in enumerate(settings.models):
        key, network = ("t-SNE", *settings.key(model)), resources.checkpoint(model.name).model
        compute = partial(
            build_code_map, network, settings.test, settings.noise, _SEED, settings.dimensions, use_tsne=True
        )
        if (tsne_map := background().submit(key, compute)) is None:
            pending.append(key)
        else:
            maps[index] = tsne_map
    if pending:
        _wait(pending)
    return maps


@st.fragment(run_every=1.0)
def _wait(keys: Sequence[tuple[object, ...]]) -> None:
    """Draw the time that t-SNE has taken so far; draw the page again when one of the maps is ready."""
    elapsed = [seconds for key in keys if (seconds := background().elapsed(key)) is not None]
    if len(elapsed) < len(keys):
        st.rerun()
    st.markdown(f":material/hourglass_top: Computing t-SNE … {max(elapsed):.0f} s (showing PCA meanwhile)")


def _panel(model: ModelOption, model_map: CodeMap, test: ImageSet) -> MapPanel:
    size = describe_code_size(resources.checkpoint(model.name).model, test.shape)
    variance = model_map.explained_variance
    shown = "t-SNE" if math.isnan(variance) else f"{variance:.0%} of variance shown"
    moved = ("no noise", *map(describe_movement, model_map.drift[1:]))
    return MapPanel(model.label, f"{size} · {shown}", model.color, model_map.positions.numpy(), moved)


def describe_movement(drift: float) -> str:
    """Return in words how far noise moves the codes, a fraction of the typical distance between images."""
    return "movement unknown" if math.isnan(drift) else f"moved {drift:.0%} of the typical distance between images"


def _render_selected(settings: MapSettings, level: float, selection: MapSelection) -> None:
    """Draw the clicked image: clean, noisy, and denoised by each model."""
    index, test = selection.picture, settings.test
    noise = settings.noise.with_level(level)
    clean, noisy = noisy_batch_at(test, noise, _SEED, [index])
    denoisers = [make_denoiser(resources.checkpoint(model.name), test) for model in settings.models]
    names = ["noisy", *(model.label for model in settings.models)]
    images = [identity(noisy), *(denoiser(noisy) for denoiser in denoisers)]
    captions = [
        text.label_with_db(name, float(psnr_db(image, clean))) for name, image in zip(names, images, strict=True)
    ]
    class_name = test.classes[int(test.labels[index])] if len(test.classes) > 1 else "Selected"
    frame_slider(
        [
            SpriteRow(
                f"{class_name}, image {index}",
                to_png(make_grid(torch.cat([clean, *images]), columns=len(images) + 1)),
                words=(str(noise),),
                numbers=(("clean", *captions),),
            )
        ],
        steps=[""],
        columns=len(images) + 1,
        value=0,
        label="",
        key="picked",
        alt=f"Image {index}: clean, noisy, and {text.join_words(names[1:])}",
    )
