"""Clean this image: the user's image is noisy already, and a model removes the noise."""

import hashlib
import math

import streamlit as st

from dae.evaluation.restoration import describe_level
from dae.ui import resources
from dae.ui.cleaning.jobs import Cleaning, clean_all, clean_step, cleaned_name, estimate_quality, open_image
from dae.ui.cleaning.strengths import Strength
from dae.ui.cleaning.uploads import Upload
from dae.ui.components.divider import Step, strength_divider
from dae.ui.model_options import ModelOption, photo_options
from dae.ui.selectors import link_to_train, select_model, url_choice
from dae.ui.shell import page

CLEAN, ADD_NOISE = "Clean this image", "Add noise to it"
# Largest view in CSS pixels, and how much it magnifies small images.
_VIEW_WIDTH, _VIEW_HEIGHT, _MAX_MAGNIFICATION = 1200, 760, 6
# Session state: the latest result, the key of the image whose cleaning was stopped, and the archive of all images.
_RESULT, _STOPPED, _ARCHIVE = "cleaning", "cleaning_stopped", "cleaning_archive"


def select_task() -> str:
    """Let the user select CLEAN or ADD_NOISE."""
    return url_choice(
        "What to do with it",
        [CLEAN, ADD_NOISE],
        key="task",
        help="Clean an image that is noisy already, or add noise to a clean one and see how well it is removed.",
    )


def render_cleaning(uploads: list[Upload], index: int) -> None:
    """Draw the choice of a model, and the cleaned image; a hint without an image.

    Args:
        uploads, index: of `select_uploads`.
    """
    if not uploads:
        st.info("Upload a noisy image, or choose a sample photograph.")
        return
    upload = uploads[index]
    with page.show_errors():
        options = photo_options()
        if not options:
            st.info("No model for photographs yet. Train a U-Net first: it takes images of any size.")
            link_to_train()
            return
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            model = select_model(options, "clean_run")
            cleaning = _open(upload, model)
            level = cleaning.level
            words = f"**Estimated noise: {describe_level(level)}** (level {level:.3f}, or {255 * level:.0f} of 255)"
            st.markdown(words, width="content")
        for sentence in mismatches(cleaning, model):
            st.warning(sentence)
        chosen = _render_image(cleaning, model)
        if chosen is not None:
            _render_result(cleaning, chosen, upload, model)
            _render_all(uploads, cleaning.steps[chosen], model)


def _open(upload: Upload, model: ModelOption) -> Cleaning:
    """Decode the image and estimate its noise, unless it is that of the last run of the script."""
    digest = hashlib.blake2b(upload.content, digest_size=8).hexdigest()
    key = f"{digest}:{model.name}:{resources.weights_mtime(model.name)}"
    # Not a cache of the session, which Streamlit empties when a connection is lost for a moment.
    cleaning = st.session_state.get(_RESULT)
    if cleaning is None or cleaning.key != key:
        cleaning = open_image(upload.content, model, key)
        # One image at most: a large one takes a lot of memory.
        st.session_state[_RESULT] = cleaning
    result: Cleaning = cleaning
    return result


def mismatches(cleaning: Cleaning, model: ModelOption) -> list[str]:
    """Return a sentence for each way in which the noise of the image is not that of the model's training."""
    level, gaussian, sentences = cleaning.level, model.noise.component("gaussian"), []
    if gaussian is None:
        sentences.append(
            f"{model.label} was trained on {model.noise.label}, not on Gaussian noise; results may be poor."
        )
    elif level > 1.2 * gaussian.high or level < 0.8 * gaussian.low:
        is_range = gaussian.low < gaussian.high
        trained = f"{gaussian.low:.3g} to {gaussian.high:.3g}" if is_range else f"{gaussian.high:.3g}"
        relation = "stronger" if level > gaussian.high else "weaker"
        sentences.append(
            f"The noise is {relation} than {model.label} was trained for ({trained}); results may be poor."
        )
    if cleaning.is_correlated and not model.noise.component("camera"):
        sentences.append(
            f"Neighboring pixels seem to share this noise, as in photographs from a camera; {model.label} was trained "
            "on other noise and may leave blotches."
        )
    return sentences


def fit_view(width: int, height: int) -> int:
    """Return the width in CSS pixels at which an image of this size is drawn, where the window has room."""
    return min(_MAX_MAGNIFICATION * width, _VIEW_WIDTH, max(_VIEW_HEIGHT * width // height, 240))


def _render_image(cleaning: Cleaning, model: ModelOption) -> int | None:
    """Draw noisy against cleaned, computing what is missing; return the chosen step, None if it is missing."""
    height, width = cleaning.file.pixels.shape[-2:]
    view_width = fit_view(width, height)
    default = next(index for index, strength in enumerate(cleaning.steps) if strength.is_default)
    available = next(iter(cleaning.restored), default) if not cleaning.is_live else default
    steps = [
        Step(strength.words, *cleaning.views.get(index, ("", ""))) for index, strength in enumerate(cleaning.steps)
    ]
    if available not in cleaning.views:
        steps[available] = Step("not cleaned yet", cleaning.before, cleaning.before)
    key = cleaning.key.replace(":", "_")
    chosen = strength_divider(
        cleaning.before, (width, height), steps, available, id=cleaning.key, width=view_width, key=f"cleaned_{key}"
    )
    wanted = range(len(steps)) if cleaning.is_live else [chosen]
    missing = [index for index in wanted if index not in cleaning.restored]
    if not missing:
        return chosen
    if st.session_state.get(_STOPPED) == (cleaning.key, chosen):
        st.button("Clean", icon=":material/play_arrow:", key="clean_go", on_click=_set_stopped, args=(None,))
        return chosen if chosen in cleaning.restored else None
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, "Cleaning …", width=480)
        st.button(
            "Stop", icon=":material/stop:", key="clean_stop", on_click=_set_stopped, args=((cleaning.key, chosen),)
        )
    # The default comes first, so that it is there if somebody stops the others.
    for number, step in enumerate(sorted(missing, key=lambda step: step != default)):

        def on_progress(done: float, number: int = number) -> None:
            share = (number + done) / len(missing)
            bar.progress(share, f"Cleaning … {share:.0%}")

        clean_step(cleaning, step, model, on_progress)
    st.rerun()


def _set_stopped(key: tuple[str, int] | None) -> None:
    st.session_state[_STOPPED] = key


def _render_result(cleaning: Cleaning, step: int, upload: Upload, model: ModelOption) -> None:
    """Draw the estimated quality, and the download in the format of the upload."""
    file = cleaning.file
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Cleaned image",
            lambda: file.encode(cleaning.restored[step]),
            cleaned_name(upload.name, file),
            f"image/{file.format.lower()}",
            icon=":material/download:",
            on_click="ignore",
            key="clean_download",
            help=f"{file.format}, {file.pixels.shape[3]} × {file.pixels.shape[2]} pixels, metadata kept.",
        )
        if math.isfinite(sure_db := estimate_quality(cleaning, step, model)):
            st.caption(
                f"Estimated PSNR: {sure_db:.1f} dB.",
                help="There is no clean original to compare with. This is Stein's unbiased risk estimate (SURE) for "
                "white Gaussian noise of the estimated level; other noise makes it wrong.",
            )


def _render_all(uploads: list[Upload], strength: Strength, model: ModelOption) -> None:
    """Draw the cleaning of several images into one archive."""
    if len(uploads) < 2:
        return
    files = tuple((upload.name, hashlib.blake2b(upload.content).hexdigest()) for upload in uploads)
    key = (model.name, resources.weights_mtime(model.name), strength.factor, strength.amount, files)
    if st.session_state.get(_ARCHIVE, (None,))[0] != key:
        if not st.button(f"Clean all {len(uploads)} images", icon=":material/burst_mode:", key="clean_all"):
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            bar = st.progress(0.0, "Cleaning …", width=480)
            st.button("Stop", icon=":material/stop:", key="clean_all_stop")
        st.session_state[_ARCHIVE] = key, *clean_all(uploads, strength, model, bar.progress)
        st.rerun()
    _, archive, failures = st.session_state[_ARCHIVE]
    for failure in failures:
        st.warning(failure)
    if archive:
        st.download_button(
            "All cleaned images (ZIP)",
            archive,
            "cleaned.zip",
            "application/zip",
            icon=":material/download:",
            on_click="ignore",
            key="clean_all_download",
        )
