"""Links of former versions."""

import pytest

from dae.models import MODELS
from dae.ui.cleaning.view import ADD_NOISE
from dae.ui.codes import view as codes
from dae.ui.explore import denoising, view
from dae.ui.explore.links import _FORMER_MODEL_LABELS, _RENAMED, update_params


def test_former_option_names_become_current_ones() -> None:
    former = {"view": ["What the code knows"], "part": ["Walk"], "models": ["a", "b"], "level": ["0.3"]}
    assert update_params(former) == former | {"view": ["Inside the model"], "part": ["Interpolation"]}
    current = {"view": {view._INSIDE}, "pictures": {denoising.UPLOAD}, "part": set(codes._HELP)}
    for name, renamed in _RENAMED.items():
        assert set(renamed.values()) <= current[name] and not set(renamed) & current[name]


def test_former_links_to_an_image_of_the_user_add_noise() -> None:
    assert update_params({"pictures": ["Your picture"]}) == {"pictures": [denoising.UPLOAD], "task": [ADD_NOISE]}
    assert update_params({"pictures": [denoising.UPLOAD]}) == {"pictures": [denoising.UPLOAD]}


def test_current_and_invalid_values_are_kept() -> None:
    params = {"view": ["Inside the model"], "part": [""], "order": ["\x00"], "pictures": ["Walk"]}
    assert update_params(params) == params


@pytest.mark.parametrize(
    ("former", "current"),
    [
        ("Hardest for Conv (64 numbers)", f"Hardest for {MODELS['conv-64'].label}"),
        ("Hardest for U-Net · my-run", "Hardest for U-Net · my-run"),
        ("Linear (32 numbers) and U-Net differ most", f"Largest difference: {MODELS['linear-32'].label} vs. U-Net"),
    ],
)
def test_former_orders_become_current_ones(former: str, current: str) -> None:
    assert update_params({"order": [former]}) == {"order": [current]}
    assert set(_FORMER_MODEL_LABELS.values()) <= set(MODELS)
