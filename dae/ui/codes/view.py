"""Inside the model: four views of the latent codes, of which one is computed at a time."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae.data import ImageSet
from dae.errors import DaeError
from dae.representation import validate_code_size
from dae.ui import model_options, resources, selectors
from dae.ui.codes.interpolation import render_interpolation
from dae.ui.codes.linear_probe import render_probe
from dae.ui.codes.maps import render_map
from dae.ui.codes.noise_ablation import render_noise_ablation
from dae.ui.model_options import ModelOption
from dae.ui.shell import messages, presentation
from dae.utils.text import describe_terms

# Test images of the map and the interpolation.
NUM_IMAGES = 2_000
MAP, INTERPOLATION, PROBE, ABLATION = "Map", "Interpolation", "Linear probe", "Effect of noise"
_HELP = {
    MAP: "each image is a point; similar images are close together",
    INTERPOLATION: "from one image to another, decoded from the codes in between",
    PROBE: "how well a linear classifier predicts the class from the code, compared with raw pixels and PCA",
    ABLATION: "the same model trained without noise, with weak or heavy noise, and with half the pixels masked",
}


def render_codes(row: DeltaGenerator) -> None:
    """Draw one view of the codes, with the choice of the view in `row`.

    Raises:
        DaeError: a run or the data set cannot be read.
    """
    with row:
        view = selectors.url_choice("Part", list(_HELP), key="part", help=describe_terms(_HELP))
    if view == ABLATION:
        render_noise_ablation()
        return
    drawer = row.popover("Options", icon=":material/tune:") if presentation.in_presentation_mode() else st.container()
    controls = drawer.container(horizontal=True, vertical_alignment="bottom")
    with controls:
        dataset = selectors.select_dataset()
        test = resources.images(dataset, "test", NUM_IMAGES)
        options = model_options.model_options(test)
        models = selectors.select_models(options, dataset)
    if not options:
        selectors.show_no_compatible_model(dataset)
        return
    models, reasons = exclude_large_codes(models, test)
    for reason in reasons:
        st.caption(f":material/info: {messages.for_viewer(reason)}")
    if not models:
        st.info("Choose at least one model that compresses images to a small code.")
    elif view == INTERPOLATION:
        render_interpolation(models, dataset, test)
    elif view == PROBE:
        render_probe(models, dataset)
    else:
        render_map(models, dataset, test, controls)


def exclude_large_codes(models: Sequence[ModelOption], images: ImageSet) -> tuple[list[ModelOption], list[str]]:
    """Return the models whose code is small enough, and the reasons for leaving out the others."""
    included, reasons = [], []
    for model in models:
        try:
            validate_code_size(resources.checkpoint(model.name).model, model.label, images.shape)
            included.append(model)
        except DaeError as error:
            reasons.append(str(error))
    return included, reasons
