"""What the code knows: the second view of Explore, in four parts of which one is computed at a time."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae import codes
from dae.errors import DaeError
from dae.ui import choosing, shared
from dae.ui.features import features
from dae.ui.mapped import mapped
from dae.ui.noise_matters import noise_matters
from dae.ui.shared import Choice
from dae.ui.walk import walk

IMAGES = 2_000  # test pictures of the map and of the walk
_MAP, _WALK, _FEATURES, _NOISE = "Map", "Walk", "Features", "Noise matters"
_HELP = {
    _MAP: "every picture as a point: alike pictures lie together",
    _WALK: "from one picture to another, drawn from the code at every step",
    _FEATURES: "how well the code tells the classes apart, beside raw pixels and others",
    _NOISE: "the same model trained without noise, with little and with much",
}


def knows(row: DeltaGenerator) -> None:
    """Draw the view, the choice of its part into `row`; raises DaeError where a run or the data set cannot be used."""
    part = row.segmented_control(
        "Part",
        list(_HELP),
        default=_MAP,
        required=True,
        key="part",
        bind="query-params",
        help="\n".join(f"- **{name}**: {words}" for name, words in _HELP.items()),
    )
    part = part or _MAP  # an empty name in the address chooses none
    if part == _NOISE:
        noise_matters()
        return
    controls = st.container(horizontal=True, vertical_alignment="bottom")
    with controls:
        dataset = shared.choose_dataset()
        test = shared.images(dataset, "test", IMAGES)
        found = shared.choices(test)
        runs = choosing.models(found, dataset)
    if not found:
        choosing.none_fits(dataset)
        return
    runs = _with_codes(runs, dataset)
    if not runs:
        st.info("Choose at least one model whose code can be looked at.")
    elif part == _WALK:
        walk(runs, dataset, test)
    elif part == _FEATURES:
        features(runs, dataset)
    else:
        mapped(runs, dataset, test, controls)


def _with_codes(runs: list[Choice], dataset: str) -> list[Choice]:
    """Those whose codes are small enough; of the others it is said why they are left out."""
    able = []
    for run in runs:
        try:
            codes.check_size(shared.checkpoint(run.name).model, run.label, shared.images(dataset, "test", IMAGES).shape)
            able.append(run)
        except DaeError as error:
            st.caption(f":material/info: {error}")
    return able
