"""Denoising view of the Explore page: images under one noise, denoised by each selected model."""

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae.evaluation import FILTERS
from dae.noise import NoiseSpec
from dae.ui import model_options, resources, selectors, user_image
from dae.ui.cleaning.uploads import select_uploads
from dae.ui.cleaning.view import CLEAN, render_cleaning, select_task
from dae.ui.explore.full_resolution import render_full_resolution
from dae.ui.explore.gallery import ordering
from dae.ui.explore.gallery.downloads import render_downloads
from dae.ui.explore.gallery.inspector import render_inspector
from dae.ui.explore.gallery.render import GALLERY_CAPTION, render_gallery, summarize
from dae.ui.explore.gallery.sprites import Gallery, ImageSelection, compute_sprites
from dae.ui.explore.gallery.uncertainty import select_uncertainty, uncertainty_rows
from dae.ui.explore.level import load_level, save_level
from dae.ui.explore.live_answer import render_live_answer
from dae.ui.explore.readings import describe_drawing, read_drawing
from dae.ui.model_options import ModelOption
from dae.ui.shell import auth, presentation
from dae.utils.text import describe_terms
from dae.viz import noise_sweep

TEST_IMAGES, UPLOAD, DRAWING = "Test images", "Your image", "Draw a digit"
# Copies of an uploaded image, each with its own noise.
_NUM_COPIES = 4
_NO_FILTER = "None"
# Key of the gallery's slider.
_SLIDER = "strength"


@dataclass(frozen=True, eq=False)
class DenoisingSelection:
    """Selection of the view.

    Attributes:
        slot: container of the gallery.
        num_pages: number of pages of test images; 0 for an image of the user.
        is_drawing: whether the image is drawn; the board is beside the gallery.
        is_copy: whether the images are small copies of a photograph.
    """

    gallery: Gallery
    slot: DeltaGenerator
    num_pages: int
    is_drawing: bool
    is_copy: bool


def render_denoising() -> None:
    """Draw the view: controls in a narrow column, in presentation mode in a drawer, and the images beside them.

    Raises:
        DaeError: a run or the data set cannot be read.
    """
    # The style sheet places the second container beside the others; on a phone it is drawn between them.
    with st.container(key="exploring"):
        is_large = presentation.in_presentation_mode()
        drawer = st.popover("Options", icon=":material/tune:", key="options") if is_large else st.container()
        controls = drawer.container(key="controls", horizontal=True, vertical_alignment="bottom")
        slot = st.container(key="shown", gap="small")
        drawer = drawer if is_large else st.container()
        more_controls = drawer.container(key="more_controls", horizontal=True, vertical_alignment="bottom")
    selection = _select(controls, slot, more_controls)
    if selection is None:
        return
    gallery = selection.gallery
    sprites = compute_sprites(gallery)
    has_ink = not selection.is_drawing or bool(gallery.images.clean().any())
    with selection.slot:
        clean_row = "" if selection.is_drawing else "first"
        is_beside = selection.is_drawing or (is_large and not gallery.images.user_pixels)
        verdict = st.container(key="verdict", horizontal=True, vertical_alignment="center")
        rows, progress = st.container(), st.empty()
        below = uncertainty_rows(gallery, sprites, _SLIDER, progress)
        # The browser has no rows of predicted errors, and clips the noise.
        is_live = selection.is_drawing and not gallery.unclipped
        with rows:
            step = render_gallery(
                gallery,
                sprites,
                _SLIDER,
                clean_row=clean_row,
                side_by_side=is_beside,
                live=is_live,
                below=below.rows,
            )
        with verdict:
            st.markdown(summarize(gallery, sprites, step, selection.is_copy) if has_ink else "")
            ordering.render_pager(selection.num_pages)
        if below.note:
            st.caption(below.note)
        readings = st.empty()
        presentation.footnote(GALLERY_CAPTION, key="gallery")
    noise = gallery.noise.with_level(noise_sweep.levels(gallery.noise)[step])
    save_level(noise)
    with more_controls:
        render_downloads(gallery, sprites, step)
    with slot:
        render_inspector(gallery, sprites, step)
    if selection.is_drawing:
        if has_ink:
            readings.markdown(describe_drawing(read_drawing(gallery, sprites, step)))
        # Not among the controls: a closed drawer does not run its components.
        with selection.slot:
            render_live_answer(gallery)


def is_cleaning() -> bool:
    """Return whether the view is about to open with an image to clean."""
    source, task = (
        st.session_state.get(key) or st.query_params.get(key, default)
        for key, default in (("pictures", TEST_IMAGES), ("task", CLEAN))
    )
    return source == UPLOAD and task == CLEAN and auth.is_presenter()


def _select(controls: DeltaGenerator, slot: DeltaGenerator, more_controls: DeltaGenerator) -> DenoisingSelection | None:
    """Draw the controls; return None, after a hint, while there is no image to show."""
    with controls:
        source = _select_source()
        is_noisy = source == UPLOAD and select_task() == CLEAN
        uploads = select_uploads(is_noisy) if source == UPLOAD else ([], 0)
    if is_noisy:
        with slot:
            render_cleaning(*uploads)
        return None
    with controls:
        kind = selectors.select_noise_kind()
    noise = NoiseSpec(kind, load_level(kind))
    # A drawing is a digit.
    photo, is_digit, seed = None, True, None
    if source == UPLOAD:
        with slot:
            photo = user_image.decode_selected(*uploads)
        if photo is None:
            return None
        with controls:
            is_digit = user_image.select_is_digit(photo)
    if photo is not None and not is_digit:
        with more_controls:
            seed = _select_seed()
        with slot:
            has_model = render_full_resolution(photo, kind, seed)
            label = "Also denoise small copies with the models for small images"
            if not st.toggle(label, not has_model, key="copies", bind="query-params"):
                return None
    with more_controls:
        dataset = selectors.select_dataset()
        test = resources.images(dataset, "test")
        options = model_options.model_options(test)
        models = selectors.select_models(options, dataset)
        unclipped = select_uncertainty(noise, models, options)
        filters = _select_filter(dataset)
        images, num_pages = None, 0
        if source == TEST_IMAGES:
            images, num_pages = ordering.select_images(dataset, test, models, noise)
            if images is None:
                return None
        seed = _select_seed() if seed is None else seed
    if not options:
        selectors.show_no_compatible_model(dataset)
    if images is None:
        board, slot = slot.columns([1, 3]) if source == DRAWING else (slot, slot)
        with board:
            image = user_image.draw_board(live=True) if photo is None else photo
            if image is None:
                return None
            pixels = user_image.prepare_image(image, test, is_digit, is_drawn=photo is None)
        copies = 1 if source == DRAWING else _NUM_COPIES
        images = ImageSelection(dataset, (0,) * copies, user_pixels=pixels.numpy().tobytes())
    gallery = Gallery((*models, *filters), images, noise, seed, unclipped)
    return DenoisingSelection(gallery, slot, num_pages, source == DRAWING, is_copy=not is_digit)


def _select_source() -> str:
    # Only the presenter may upload to the server.
    sources = [TEST_IMAGES, UPLOAD, DRAWING] if auth.is_presenter() else [TEST_IMAGES, DRAWING]
    help_text = "Test images, a drawing, or (for presenters) your own image."
    return selectors.url_choice("Images", sources, key="pictures", help=help_text)


def _select_filter(dataset: str) -> list[ModelOption]:
    """Draw the choice of a classical filter; return it, or nothing."""
    name = st.selectbox(
        "Classical filter",
        [_NO_FILTER, *FILTERS],
        format_func=lambda name: FILTERS[name].label if name in FILTERS else name,
        key="filter",
        bind="query-params",
        width=200,
        help="A classical filter (no training), tuned for each noise level:\n"
        + describe_terms({entry.label: entry.help for entry in FILTERS.values()}),
    )
    return [model_options.filter_option(name, dataset)] if name in FILTERS else []


def _select_seed() -> int:
    return selectors.select_seed(
        "Noise seed", "New noise", key="seed", help="The same seed gives the same noise, for every model."
    )
