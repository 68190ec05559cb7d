"""Metrics agree with closed forms, scikit-image and torchmetrics, and return one value per image."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from dae.data import ImageSet
from dae.errors import SpecError
from dae.evaluation import METRICS, l2, mean_psnr_db, mse, psnr_db, score, ssim
from tests.helpers import blobs

SHAPES = [(1, 28, 28), (1, 37, 31), (3, 37, 31), (3, 32, 32), (1, 7, 9)]


def pair(shape: tuple[int, int, int], number: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(sum(shape))
    clean = torch.from_numpy(blobs(number, shape)).float() / 255
    return (clean + 0.3 * torch.randn(clean.shape, generator=generator)).clamp(0, 1), clean


def assert_equal_to_skimage(denoised: Tensor, clean: Tensor) -> None:
    ours = {name: METRICS[name](denoised, clean).tolist() for name in ("mse", "psnr_db", "ssim")}
    for place, (one, other) in enumerate(zip(clean.double().numpy(), denoised.double().numpy(), strict=True)):
        theirs = {
            "mse": mean_squared_error(one, other),
            "psnr_db": peak_signal_noise_ratio(one, other, data_range=1),
            "ssim": structural_similarity(one, other, data_range=1, channel_axis=0),
        }
        for name, value in theirs.items():
            assert ours[name][place] == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("shape", SHAPES)
def test_metrics_equal_scikit_image(shape: tuple[int, int, int]) -> None:
    assert_equal_to_skimage(*pair(shape))


def test_metrics_equal_scikit_image_on_mnist(mnist: ImageSet) -> None:
    clean = mnist.to_float(slice(0, 8))
    assert_equal_to_skimage((clean + 0.5 * torch.randn(clean.shape, generator=torch.Generator())).clamp(0, 1), clean)


# torchmetrics raises a FutureWarning when it is imported.
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("shape", SHAPES)
def test_metrics_equal_torchmetrics(shape: tuple[int, int, int]) -> None:
    functional = pytest.importorskip("torchmetrics.functional")
    denoised, clean = (images.double() for images in pair(shape))
    for place, value in enumerate(psnr_db(denoised, clean)):
        theirs = functional.peak_signal_noise_ratio(denoised[place], clean[place], data_range=1.0)
        assert value.item() == pytest.approx(theirs.item(), abs=1e-6)
    assert mse(denoised, clean).mean() == pytest.approx(functional.mean_squared_error(denoised, clean).item())


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("shape", [*SHAPES, (1, 1, 1), (3, 2, 5)])
def test_metrics_are_float64_per_image_and_independent_of_the_batch(name: str, shape: tuple[int, int, int]) -> None:
    denoised, clean = pair(shape)
    scores = METRICS[name](denoised, clean)
    assert scores.shape == (4,) and scores.dtype == torch.float64 and scores.isfinite().all()
    alone = torch.cat([METRICS[name](denoised[k : k + 1], clean[k : k + 1]) for k in range(4)])
    assert torch.allclose(scores, alone, rtol=0, atol=1e-12)


def test_identical_images_have_zero_error_and_infinite_psnr() -> None:
    _, clean = pair((3, 37, 31))
    assert (mse(clean, clean) == 0).all() and (l2(clean, clean) == 0).all()
    assert (psnr_db(clean, clean) == math.inf).all()
    assert torch.allclose(ssim(clean, clean), torch.ones(4, dtype=torch.float64), atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_metrics_of_a_constant_shift_equal_their_closed_forms(shape: tuple[int, int, int]) -> None:
    clean = torch.full((2, *shape), 0.25, dtype=torch.float64)
    denoised = clean + 0.1
    assert mse(denoised, clean).tolist() == pytest.approx([0.01] * 2)
    assert psnr_db(denoised, clean).tolist() == pytest.approx([20.0] * 2)
    assert l2(denoised, clean).tolist() == pytest.approx([0.1 * math.sqrt(math.prod(shape))] * 2)
    # Flat images only differ in luminance, not in contrast or structure.
    luminance = (2 * 0.25 * 0.35 + 1e-4) / (0.25**2 + 0.35**2 + 1e-4)
    assert ssim(denoised, clean).tolist() == pytest.approx([luminance] * 2, abs=1e-9)


def test_ssim_is_symmetric_and_at_most_1() -> None:
    denoised, clean = pair((1, 37, 31))
    assert torch.allclose(ssim(denoised, clean), ssim(clean, denoised), atol=1e-12)
    assert (ssim(denoised, clean) < 1).all() and (ssim(1 - clean, clean) < 0.5).all()


def test_ssim_of_bright_flat_areas_is_accurate_in_float32() -> None:
    clean = torch.full((1, 1, 28, 28), 0.999)
    denoised = clean + 1e-4 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    expected = structural_similarity(clean[0, 0].double().numpy(), denoised[0, 0].double().numpy(), data_range=1.0)
    assert ssim(denoised, clean).item() == pytest.approx(float(np.float64(expected)), abs=1e-6)


def test_mean_psnr_only_counts_corrupted_images() -> None:
    values = torch.tensor([10.0, math.inf, 20.0], dtype=torch.float64)
    assert mean_psnr_db(values, torch.tensor([True, False, True])) == 15
    assert mean_psnr_db(values, torch.tensor([False, False, False])) == math.inf


def test_score_of_invalid_output_is_nan() -> None:
    denoised, clean = pair((1, 7, 9))
    denoised[0] = math.nan
    assert all(math.isnan(value) for value in vars(score(denoised, denoised, clean)).values())


@pytest.mark.parametrize("metric", METRICS)
def test_batches_that_do_not_match_and_integers_are_refused(metric: str) -> None:
    images = torch.rand(2, 3, 28, 28)
    for other in (images[:1], images[:, :1], (images * 255).byte()):
        with pytest.raises(SpecError, match="two batches of floats of the same shape"):
            METRICS[metric](other, images)
