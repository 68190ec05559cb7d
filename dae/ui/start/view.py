"""The Start page: digits under noise, what a model for many kinds of noise makes of them, and the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from dae.noise import NOISES, NoiseSpec
from dae.ui import model_options, resources
from dae.ui.explore.denoising import DRAWING, UPLOAD
from dae.ui.explore.gallery.render import GALLERY_CAPTION, render_gallery
from dae.ui.explore.gallery.sprites import Gallery, ImageSelection, compute_sprites
from dae.ui.explore.level import parse_level
from dae.ui.model_options import ModelOption
from dae.ui.room.projector import view as room_view
from dae.ui.shell import auth, page, presentation
from dae.utils.text import describe_terms

NUM_IMAGES = 6


@dataclass(frozen=True)
class Door:
    """A link to another page, by what a visitor does there.

    Attributes:
        params: query parameters of the page.
    """

    path: str
    label: str
    icon: str
    params: Mapping[str, str]


DOORS = (
    Door("pages/train.py", "Watch it learn", ":material/school:", {}),
    Door("pages/explore.py", "Clean a photo", ":material/add_photo_alternate:", {"pictures": UPLOAD}),
    Door("pages/compare.py", "Which is best?", ":material/leaderboard:", {}),
)
# Only the presenter may upload an image.
AUDIENCE_DOORS = (
    DOORS[0],
    Door("pages/explore.py", "Draw a digit", ":material/draw:", {"pictures": DRAWING}),
    DOORS[2],
)


def render_start() -> None:
    """Draw the page below its header."""
    render_doors()
    with page.show_errors():
        dataset = resources.available_datasets()[0]
        options = model_options.model_options(resources.images(dataset, "test", NUM_IMAGES))
        model = select_model(list(options.values()))
        if model is None:
            st.info("No trained model yet. Train one on the **Train** page.")
        with st.container(horizontal=True, vertical_alignment="center"):
            kind = _select_kind(trained_kinds(model) if model else ["gaussian"])
            has_answer = st.toggle("Show the answer", key="answer", persist_state="session")
        images = ImageSelection(dataset, tuple(range(NUM_IMAGES)), limit=NUM_IMAGES)
        noise = NoiseSpec(kind, parse_level(kind, st.query_params.get("level", "")))
        gallery = Gallery((model,) if model else (), images, noise, seed=0)
        clean_row = "last" if has_answer else ""
        render_gallery(gallery, compute_sprites(gallery), key="front", clean_row=clean_row)
        presentation.footnote(GALLERY_CAPTION, key="front")


def render_doors() -> None:
    """Draw the links to the other pages in one line, and for presenters the one to the room."""
    with st.container(key="doors", horizontal=True, gap="small"):
        is_presenter = auth.is_presenter()
        for door in DOORS if is_presenter else AUDIENCE_DOORS:
            with st.container(key=f"door_{page.PAGES[door.path][0]}", border=True):
                st.page_link(door.path, label=f"**{door.label}**", icon=door.icon, query_params=dict(door.params))
        if is_presenter:
            with st.container(key="door_Room", border=True):
                room_view.render_open_button()


def select_model(options: Sequence[ModelOption]) -> ModelOption | None:
    """Return the model that was trained on most kinds of noise, of several the best architecture; None for no model."""
    best = model_options.default_options({option.name: option for option in options})[-1:]
    return max(options, key=lambda option: (len(trained_kinds(option)), option.name in best), default=None)


def trained_kinds(option: ModelOption) -> list[str]:
    """Return the kinds of noise that a model was trained on, in the order of NOISES."""
    return [kind for kind in NOISES if option.noise.component(kind)]


def _select_kind(kinds: Sequence[str]) -> str:
    """Let the user select a kind of noise if there are several."""
    if len(kinds) == 1:
        return kinds[0]
    kind = st.pills(
        "Noise",
        kinds,
        format_func=lambda name: NOISES[name].label,
        key="start_noise",
        default=kinds[0],
        required=True,
        persist_state="session",
        label_visibility="collapsed",
        help=describe_terms({NOISES[name].label: NOISES[name].help for name in kinds}),
    )
    return kind or kinds[0]
