"""Display names of trained models."""

from pathlib import Path

import pytest

from dae.noise import NOISES, NoiseSpec
from dae.ui.model_options import run_labels
from tests.helpers import new_run


@pytest.mark.parametrize(
    ("kinds", "label"),
    [(list(NOISES), "U-Net (any noise)"), (["gaussian", "masking"], "U-Net"), (["gaussian"], "U-Net")],
)
def test_a_model_trained_on_every_kind_of_noise_is_named_so(kinds: list[str], label: str, tmp_path: Path) -> None:
    noise = NoiseSpec.mixture([NoiseSpec(kind, (0, 1)) for kind in kinds])
    assert run_labels([new_run(tmp_path, "digits", "run", model="unet", noise=noise)]) == {"run": label}
