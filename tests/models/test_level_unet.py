"""The U-Net with a noise level: given or estimated, on small and on large images."""

import pytest
import torch

from dae.models import build_model, denoise_tiled
from dae.models.base import init_weights
from dae.models.level_unet import LevelUNet
from dae.noise import NoiseSpec, corrupt
from dae.utils.random import make_generator
from tests.helpers import tiny_dataset

SHAPE = (3, 16, 16)


@pytest.fixture(scope="module")
def trained() -> LevelUNet:
    generator, noise = make_generator(0), NoiseSpec("gaussian", (0.0, 0.4), clipped=False)
    model = LevelUNet(SHAPE, widths=(8, 8), blocks=(1, 1))
    init_weights(model, generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    clean = tiny_dataset(16, SHAPE).to_float()
    for _ in range(100):
        denoised, level_loss = model.forward_with_loss(corrupt(clean, noise, generator), clean)
        optimizer.zero_grad()
        ((denoised - clean).abs().mean() + level_loss).backward()
        optimizer.step()
    return model.eval().requires_grad_(False)


def test_level_unet_learns_to_estimate_the_noise_level(trained: LevelUNet) -> None:
    clean = tiny_dataset(24, SHAPE, seed=5).to_float()
    for level in (0.15, 0.3):
        noisy = corrupt(clean, NoiseSpec("gaussian", level, clipped=False), make_generator(0))
        assert trained.estimate_noise_level(noisy).mean().item() == pytest.approx(level, rel=0.4)


def test_a_higher_given_noise_level_changes_the_input_more(trained: LevelUNet) -> None:
    clean = tiny_dataset(8, SHAPE, seed=5).to_float()
    noisy = corrupt(clean, NoiseSpec("gaussian", 0.15, clipped=False), make_generator(0))
    removed = [(trained(noisy, torch.full((8,), level)) - noisy).square().mean() for level in (0.02, 0.15)]
    assert removed[0] < removed[1]


def test_the_estimate_is_the_default_level_for_images_and_tiles() -> None:
    model = build_model("level-unet", SHAPE, make_generator(0)).eval().requires_grad_(False)
    noisy = torch.rand(2, 3, 100, 40, generator=make_generator(1))
    level = model.estimate_noise_level(noisy)
    assert level is not None and level.shape == (2,) and level.dtype == torch.float32
    assert torch.equal(model(noisy), model(noisy, level=level))
    tiled = denoise_tiled(model, noisy, tile=32, margin=72)
    torch.testing.assert_close(tiled, model(noisy).clamp(0, 1), rtol=0, atol=1e-5)


def test_the_level_of_a_large_image_is_estimated_from_a_bounded_number_of_pixels(trained: LevelUNet) -> None:
    noisy = 0.5 + 0.2 * torch.randn(1, 3, 600, 700, generator=make_generator(0))
    pixels = []
    hook = trained.level_estimator.layers.register_forward_hook(lambda *args: pixels.append(args[1][0].shape))
    level = trained.estimate_noise_level(noisy)
    hook.remove()
    assert pixels == [(16, 12, 64, 64)]
    assert level.item() == pytest.approx(trained.estimate_noise_level(noisy[..., :512, :512]).item(), rel=0.1)
