"""Display names of trained models."""

from pathlib import Path

import pytest

from dae.noise import NOISES, NoiseSpec
from dae.training import RECIPES
from dae.ui.model_options import run_labels
from tests.helpers import new_run

SEVEN = sorted({spec.kind for spec in RECIPES["mnist-blind"].config.noise.components})


@pytest.mark.parametrize(
    ("kinds", "label"),
    [(list(NOISES), "U-Net (any noise)"), (SEVEN, "U-Net (any noise)"), (SEVEN[1:], "U-Net"), (["gaussian"], "U-Net")],
)
def test_only_a_model_trained_on_all_kinds_of_the_blind_recipe_is_labeled_any_noise(
    kinds: list[str], label: str, tmp_path: Path
) -> None:
    noise = NoiseSpec.mixture([NoiseSpec(kind, (0, 1)) for kind in kinds])
    assert run_labels([new_run(tmp_path, "digits", "run", model="unet", noise=noise)]) == {"run": label}
