"""The pictures of Explore: one noise, its strength to be dragged, and what each model makes of it."""

import math

import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

from dae import frames, words
from dae.classical import CLASSICAL
from dae.errors import SpecError
from dae.noise import NOISES, NoiseSpec
from dae.packed import ImageSet
from dae.ui import choosing, own, page, presenter, shared
from dae.ui.closer import closer
from dae.ui.downloads import downloads
from dae.ui.gallery import Batch, gallery, may_guess
from dae.ui.order import filtered, ordered
from dae.ui.whole import whole

_COLUMNS = 8
_SEEDS = 10_000
_NO_FILTER = "None"
_TEST, _UPLOAD, _DRAW = "Test pictures", "Your picture", "Draw a digit"
_OWN_COPIES = 4  # the same picture under as many draws of the noise


def _new_noise() -> None:
    st.session_state["seed"] = (st.session_state["seed"] + 1) % _SEEDS


def _asked_level(kind: str) -> float:
    """What the user had this kind at, or the address, when the view was opened; else the kind's usual strength."""
    if "seed" not in st.session_state:  # of a control that this view alone has: it has just been opened
        asked, left = st.query_params.get("level", ""), st.session_state.get("left", ("", ""))
        st.session_state["opened"] = left if asked in ("", left[1]) else (kind, asked)
    of, level = st.session_state["opened"]
    try:
        return NoiseSpec(kind, float(level if of == kind else "")).low
    except (ValueError, SpecError):
        return NOISES[kind].typical


def _or_stop(picture: Image.Image | None, invitation: str) -> Image.Image:
    """The user's own picture; where there is none yet, the page ends with the invitation."""
    if picture is None:
        st.info(invitation)
        st.stop()
    return picture


def _of_their_own(picture: Image.Image, digit: bool, dataset: str, test: ImageSet) -> Batch:
    """A picture of the user's own as a batch."""
    return Batch(dataset, (0,) * _OWN_COPIES, own=own.fitted(picture, test, digit).numpy().tobytes())


def noisy_pictures(row: DeltaGenerator) -> None:
    """Draw the view, what it is of into `row`; raises DaeError where a run or the data set cannot be used."""
    with row:
        source = st.segmented_control(
            "Pictures",
            [_TEST, _UPLOAD, _DRAW] if presenter.may_act() else [_TEST, _DRAW],
            default=_TEST,
            required=True,
            key="pictures",
            bind="query-params",
            help="Pictures of the data set, or one of your own for the models that fit this data set.",
        )
        source = source or _TEST  # an empty name in the address chooses none
        kind = choosing.noise_kind()
    spec = NoiseSpec(kind, _asked_level(kind))
    pictures = st.container()
    whose = st.container(horizontal=True, vertical_alignment="bottom")
    which = st.container(horizontal=True, vertical_alignment="bottom")
    with whose:
        dataset = shared.choose_dataset()
        test = shared.images(dataset, "test")
        found = shared.choices(test)
        runs = choosing.models(found, dataset)
        classic = st.selectbox(
            "Classical filter",
            [_NO_FILTER, *CLASSICAL],
            format_func=lambda name: CLASSICAL[name].label if name in CLASSICAL else name,
            key="filter",
            bind="query-params",
            width=200,
            help="A filter that has learnt nothing, at its best strength for each noise:\n"
            + "\n".join(f"- **{entry.label}**: {entry.help}" for entry in CLASSICAL.values()),
        )
    with which:
        if source == _TEST:
            places = ordered(test, filtered(test), runs, spec)
            pages = max(-(-len(places) // _COLUMNS), 1)
            help_text = f"{len(places):,} test pictures, {_COLUMNS} a page."
            number = page.whole_number("Page", 1, pages, key="page", help=help_text, width=110)
            if not places:
                st.info("None of the pictures that are put in order belongs to this class. Choose another order.")
                st.stop()
            batch = Batch(dataset, places[_COLUMNS * (number - 1) : _COLUMNS * number])
        seed = page.whole_number(
            "Noise seed",
            0,
            _SEEDS - 1,
            key="seed",
            help="The same number gives the same noise again, for every model.",
            width=120,
        )
        st.button("New noise", icon=":material/casino:", on_click=_new_noise, key="new_noise")

    if not found:
        choosing.none_fits(dataset)

    if classic in CLASSICAL:
        runs.append(shared.classical(classic, dataset))
    large = None  # a picture that is worth more than a small copy
    with pictures:
        if source == _UPLOAD:
            picture = _or_stop(own.uploaded(), "Upload a picture, and drag the noise on it.")
            digit = own.is_digit(picture, test)
            batch, large = _of_their_own(picture, digit, dataset, test), None if digit else picture
        elif source == _DRAW:
            board, pictures = st.columns([1, 3])
            with board:
                picture = _or_stop(own.drawn(), "Draw a digit with the pointer or a finger.")
                batch = _of_their_own(picture, own.takes_digits(test), dataset, test)
    with pictures:
        if batch.own:
            st.caption("The same picture four times, each time under noise of its own.")
        step, sheets = gallery(runs, batch, spec, seed, key="strength")
        if runs and step:
            best = max(runs, key=lambda run: sheets[run.name].mean_psnr_db[step])
            psnr_db = sheets[best.name].mean_psnr_db[step]
            gain = psnr_db - sheets["noisy"].mean_psnr_db[step]
            if not math.isfinite(gain):
                st.markdown("There is no noise to take away here.")
            elif gain < 0:
                where = "copies as small as these" if large else "here"
                st.markdown(f"**Nothing helps {where}**: even {best.label} ends at {gain:+.1f} dB.")
            elif words.is_guessed(psnr_db) and may_guess(best, test):
                st.markdown(
                    f"**{best.label}** comes closest here, by {gain:+.1f} dB, but so little is left of these pictures "
                    "that it makes some of them up: hold its row against the clean one."
                )
            else:
                st.markdown(
                    f"**{best.label}** is the clearest here: {words.gain(gain)}, compared with the noisy pictures."
                )
    st.query_params["level"] = level = f"{frames.levels(spec)[step]:g}"
    st.session_state["left"] = kind, level
    with pictures:
        finish = whole(large, runs, spec.at(frames.levels(spec)[step]), seed) if large else None
    with which:
        downloads(batch, runs, sheets, step, spec, seed)
    closer(batch, runs, sheets, step)
    if finish:
        finish()
