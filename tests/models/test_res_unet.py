"""The residual U-Net: noise conditioning and level estimation."""

import pytest
import torch
from torch import Generator

from dae.models import Autoencoder, build_model
from dae.models.res_unet import ResUNet
from dae.noise import NoiseSpec, corrupt
from tests.helpers import small_config, tiny_dataset, train


def build(name: str) -> Autoencoder:
    return build_model(name, (1, 28, 28), Generator().manual_seed(0))


def test_blind_model_uses_the_given_noise_level_or_estimates_it() -> None:
    model, plain = build("res-unet-blind").eval(), build("res-unet").eval()
    noisy = torch.rand(3, 1, 37, 31, generator=Generator())
    weak, strong = (model(noisy, torch.full((3,), level)) for level in (0.1, 0.5))
    assert not torch.equal(weak, strong) and not torch.equal(model(noisy), weak)
    levels = model.estimate_noise_level(noisy)
    assert isinstance(model, ResUNet) and levels is not None and levels.shape == (3,) and (levels >= 0).all()
    assert plain.estimate_noise_level(noisy) is None and plain.global_context(noisy) == {}


def test_blind_model_conditions_its_blocks_on_the_noise_embedding() -> None:
    model = build("res-unet-blind").eval()
    noisy, level = torch.rand(2, 1, 28, 28, generator=Generator()), torch.full((2,), 0.3)
    embedding = model.global_context(noisy)["embedding"]
    assert torch.equal(model(noisy, level, embedding), model(noisy, level))
    assert not torch.equal(model(noisy, level, embedding + 1), model(noisy, level))


@pytest.mark.stress
def test_blind_model_learns_to_estimate_the_noise_level() -> None:
    noise = NoiseSpec("gaussian", (0.0, 0.8), clipped=False)
    model = train(small_config(model="res-unet-blind", noise=noise, epochs=50, lr=3e-3))[0].model.eval()
    clean = tiny_dataset(24, seed=5).to_float()
    levels = torch.tensor([0.0, 0.3, 0.5, 0.7])
    batches = [corrupt(clean, noise.with_level(level), Generator()) for level in levels.tolist()]
    with torch.no_grad():
        estimates = torch.stack([model.estimate_noise_level(noisy).mean() for noisy in batches])
    assert (estimates.diff() > 0).all()
    torch.testing.assert_close(estimates[1:], levels[1:], rtol=0.3, atol=0)
