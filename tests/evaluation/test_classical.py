"""Classical filters are called like a model, and their strength is tuned for each noise."""

import numpy as np
import pytest
import torch

from dae.data import load_dataset
from dae.errors import UnknownNameError
from dae.evaluation import FILTERS, FilterInfo, denoisers, make_filter, mse, tune_strength
from dae.evaluation.classical import _TUNING_STREAM, NUM_TUNING_IMAGES
from dae.noise import NoiseSpec, corrupt
from dae.utils.random import make_generator
from tests.helpers import tiny_dataset

QUARTER = NoiseSpec("gaussian", 0.25)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", FILTERS)
def test_filters_keep_shape_and_range_and_leave_their_input_unchanged(name: str, channels: int) -> None:
    noisy = torch.rand(2, channels, 37, 31, generator=make_generator(0))
    before = noisy.clone()
    for strength in FILTERS[name].strengths:
        denoised = make_filter(name, strength)(noisy)
        assert denoised.shape == noisy.shape and denoised.dtype == torch.float32
        assert torch.equal(noisy, before) and 0 <= denoised.min() and denoised.max() <= 1


@pytest.mark.parametrize("name", FILTERS)
def test_filters_process_each_image_on_its_own(name: str) -> None:
    noisy = torch.rand(3, 1, 28, 28, generator=make_generator(0))
    denoiser = make_filter(name, FILTERS[name].strengths[1])
    torch.testing.assert_close(denoiser(noisy)[1:2], denoiser(noisy[1:2]))


@pytest.mark.parametrize("name", FILTERS)
def test_tuned_filters_reduce_the_error_and_get_stronger_with_the_noise(name: str) -> None:
    train = load_dataset("digits", "train", limit=64)
    clean = load_dataset("digits", "test", limit=64).to_float()
    noisy = corrupt(clean, QUARTER, make_generator(1))
    denoised = make_filter(name, tune_strength(name, train, QUARTER))(noisy)
    assert mse(denoised, clean).mean() < 0.75 * mse(noisy, clean).mean()
    weak, strong = (tune_strength(name, train, NoiseSpec("gaussian", level)) for level in (0.05, 0.5))
    assert weak <= strong and (weak < strong or len(FILTERS[name].strengths) == 2)


@pytest.mark.parametrize("noise", [QUARTER, NoiseSpec("salt-and-pepper", 0.9)], ids=str)
def test_tuning_finds_the_strength_with_the_lowest_error_on_all_images(noise: NoiseSpec) -> None:
    train = load_dataset("digits", "train", limit=NUM_TUNING_IMAGES)
    noisy = corrupt(train.to_float(), noise, make_generator(0, _TUNING_STREAM))
    strengths = FILTERS["total-variation"].strengths
    errors = [mse(make_filter("total-variation", each)(noisy), train.to_float()).mean() for each in strengths]
    assert tune_strength("total-variation", train, noise) == strengths[int(torch.stack(errors).argmin())]


@pytest.mark.parametrize("number", [1, 5, 16, 17, 40])
def test_significantly_worse_strengths_are_only_evaluated_on_the_first_images(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Shifts in pixels; one to the left is as bad as one to the right.
    num_images: dict[float, int] = dict.fromkeys((14, 1, -1), 0)

    def shift(noisy: np.ndarray, strength: float) -> np.ndarray:
        num_images[strength] += len(noisy)
        return np.roll(noisy, int(strength), axis=-1)

    monkeypatch.setitem(FILTERS, "shift", FilterInfo("Shift", "", shift, tuple(num_images)))
    assert tune_strength("shift", tiny_dataset(number), QUARTER) in (1, -1)
    assert num_images[14] == min(number, 16) and max(num_images.values()) == number


def test_filter_denoiser_is_tuned_once_per_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    tuned = []
    monkeypatch.setattr(denoisers, "tune_strength", lambda name, train, noise: tuned.append(noise) or 3)
    median, strong = denoisers.filter_denoiser("median", tiny_dataset()), NoiseSpec("gaussian", 0.5)
    for noise in (QUARTER, strong, QUARTER, NoiseSpec("gaussian", 0.25)):
        median.for_noise(noise)
    assert tuned == [QUARTER, strong]


@pytest.mark.parametrize("strengths", [(1.0, 2.0), (2.0, 1.0)])
def test_a_strength_with_nan_output_is_never_the_best(
    strengths: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(noisy: np.ndarray, strength: float) -> np.ndarray:
        return noisy * np.nan if strength == 1 else noisy

    monkeypatch.setitem(FILTERS, "broken", FilterInfo("Broken", "", broken, strengths))
    assert tune_strength("broken", tiny_dataset(40), QUARTER) == 2


def test_unknown_filter_raises_an_error_with_the_closest_name() -> None:
    with pytest.raises(UnknownNameError, match="median"):
        make_filter("medium", 3)
    with pytest.raises(UnknownNameError):
        tune_strength("medium", tiny_dataset(), QUARTER)
