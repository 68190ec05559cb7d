"""Map: the codes of test images as points in two or three dimensions, moved by a slider of the noise level."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from dae.data import ImageSet, dataset_label
from dae.evaluation import SHIPPED_RESULTS, make_denoiser, psnr_db
from dae.evaluation.benchmark import noisy_batch_at
from dae.evaluation.denoisers import identity
from dae.noise import NOISES, NoiseSpec
from dae.representation import (
    NUM_NOISE_LEVELS,
    CodeMap,
    Encoder,
    MapCache,
    MapSettings,
    describe_code_size,
    describe_drift,
)
from dae.ui import measuring, resources, selectors
from dae.ui.background import background
from dae.ui.components.code_map import MapPanel, MapSelection, code_map, thumbnails
from dae.ui.components.frame_slider import SpriteRow, frame_slider
from dae.ui.model_options import ModelOption
from dae.utils import text
from dae.viz.images import make_grid, to_png

_SEED = 0
_PCA, _TSNE = "PCA", "t-SNE"


@dataclass(frozen=True, eq=False)
class MapInputs:
    """Selection of the view: models, test images, and how their codes are projected."""

    models: tuple[ModelOption, ...]
    dataset: str
    test: ImageSet
    settings: MapSettings

    @property
    def cache(self) -> MapCache:
        """Return the maps of these images."""
        return map_cache(self.dataset, len(self.test))


@st.cache_resource(show_spinner=False, max_entries=4)
def map_cache(dataset: str, limit: int) -> MapCache:
    """Return the maps of the first `limit` test images, shared by all sessions and on disk."""
    return MapCache(resources.images(dataset, "test", limit), _SEED, shipped=SHIPPED_RESULTS)


def encoder(model: ModelOption) -> Encoder:
    """Return the model of an option."""
    key = measuring.weights_key(model.name)
    return Encoder(model.name, resources.checkpoint(model.name).model, key)


def default_settings(kind: str) -> MapSettings:
    """Return the projection with which the view opens."""
    return MapSettings(NoiseSpec(kind, NOISES[kind].high), dimensions=2, use_tsne=True)


def render_map(models: Sequence[ModelOption], dataset: str, test: ImageSet, controls: DeltaGenerator) -> None:
    """Draw the map of each model, and the image that was clicked; the settings are drawn in `controls`."""
    with controls:
        selected = MapInputs(tuple(models), dataset, test, _select_settings())
    maps = _tsne_maps(selected) if selected.settings.use_tsne else _pca_maps(selected, models)
    settings = selected.settings
    levels = settings.noise.levels(NUM_NOISE_LEVELS)
    summary = f"{len(test):,} test images of {dataset_label(dataset)}, one noise draw (seed {_SEED})"
    selection = code_map(
        [_panel(model, model_map, test) for model, model_map in zip(models, maps, strict=True)],
        test,
        _map_sprites(dataset, len(test)),
        steps=[f"{level:.2f}" for level in levels],
        label="Noise level",
        key=f"code_map_{settings.noise.kind}_{dataset}",
        alt=f"The codes of {summary}, each a point in the color of its class",
        caption=f"{summary}. Lines show how noise moves each code. Hover to see an image, click to denoise it below. "
        f"{'Drag to rotate' if settings.dimensions == 3 else 'Drag to move'}, double-click to zoom in and out.",
    )
    drifts = [model_map.drift[selection.step] for model_map in maps]
    if sentence := describe_drift([model.label for model in models], drifts, levels[selection.step]):
        st.markdown(f"**{sentence}**")
    if selection.picture >= 0:
        _render_selected(selected, levels[selection.step], selection)


def _select_settings() -> MapSettings:
    settings = default_settings(selectors.select_noise_kind(small=True))
    projection = selectors.url_choice(
        "Projection",
        [_TSNE, _PCA],
        key="map_by",
        help="**t-SNE** keeps neighbors together; distances between clusters mean nothing. It takes about 30 s for a "
        "model that was not shipped. **PCA** shows the directions in which the codes differ the most.",
    )
    in_space = st.toggle("3D", key="in_space", bind="query-params", help="Show in 3D.")
    return replace(settings, dimensions=3 if in_space else 2, use_tsne=projection == _TSNE)


@st.cache_data(show_spinner=False, max_entries=8)
def _map_sprites(dataset: str, limit: int) -> bytes:
    return thumbnails(resources.images(dataset, "test", limit))


def _pca_maps(selected: MapInputs, models: Sequence[ModelOption]) -> list[CodeMap]:
    """Return the maps of some of the models by PCA, with a progress bar over those that are not cached."""
    settings, slot, maps = replace(selected.settings, use_tsne=False), st.empty(), []
    for index, model in enumerate(models):

        def on_progress(done: float, caption: str, index: int = index) -> None:
            slot.progress((index + done) / len(models), caption)

        if (found := selected.cache.get(encoder(model), settings)) is None:
            caption = f"Encoding images with {model.label} …"
            on_progress(0, caption)
            with resources.compute_lock(partial(on_progress, 0, "Waiting for another computation …")):
                found = selected.cache.compute(encoder(model), settings, partial(on_progress, caption=caption))
        maps.append(found)
    slot.empty()
    return maps


def _tsne_maps(selected: MapInputs) -> list[CodeMap]:
    """Return the map of each model by t-SNE; the one by PCA while t-SNE is computed in the background."""
    settings, cache = selected.settings, selected.cache
    maps = {model.name: known for model in selected.models if (known := cache.get(encoder(model), settings))}
    missing = [model for model in selected.models if model.name not in maps]
    pending = []
    for model, pca_map in zip(missing, _pca_maps(selected, missing), strict=True):
        key = model.name, resources.weights_mtime(model.name), selected.dataset, len(selected.test), settings
        tsne_map = background().submit(key, partial(cache.compute, encoder(model), settings))
        maps[model.name] = tsne_map or pca_map
        if tsne_map is None:
            pending.append(key)
    if pending:
        _wait(pending)
    return [maps[model.name] for model in selected.models]


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
    return MapPanel(model.label, f"{shown} · {size}", model.color, model_map.positions.numpy(), moved)


def describe_movement(drift: float) -> str:
    """Return in words how far noise moves the codes, a fraction of the typical distance between images."""
    return "movement unknown" if math.isnan(drift) else f"moved {drift:.0%} of the typical distance between images"


def _render_selected(selected: MapInputs, level: float, selection: MapSelection) -> None:
    """Draw the clicked image: clean, noisy, and denoised by each model."""
    index, test = selection.picture, selected.test
    noise = selected.settings.noise.with_level(level)
    clean, noisy = noisy_batch_at(test, noise, _SEED, [index])
    denoisers = [make_denoiser(resources.checkpoint(model.name), test) for model in selected.models]
    names = ["noisy", *(model.label for model in selected.models)]
    images = [identity(noisy), *(denoiser(noisy) for denoiser in denoisers)]
    captions = [
        text.label_with_db(name, float(psnr_db(image, clean))) for name, image in zip(names, images, strict=True)
    ]
    class_name = test.classes[int(test.labels[index])] if len(test.classes) > 1 else "Selected"
    frame_slider(
        [
            SpriteRow(
                f"{class_name}, image {index + 1}",
                to_png(make_grid(torch.cat([clean, *images]), columns=len(images) + 1)),
                words=(noise.label,),
                numbers=(("clean", *captions),),
            )
        ],
        columns=len(images) + 1,
        key="selected_image",
        alt=f"Image {index + 1}: clean, noisy, and {text.join_words(names[1:])}",
    )
