"""Classical filters: the call of a model, and the best strength of each."""

import numpy as np
import pytest
import torch

from dae import contenders
from dae.classical import _TUNING, CLASSICAL, TUNING_IMAGES, Classical, classical_denoiser, tuned
from dae.data import load_dataset
from dae.errors import UnknownName
from dae.metrics import mse
from dae.noise import NoiseSpec, corrupt
from dae.seeds import generator
from tests.conftest import tiny

QUARTER = NoiseSpec("gaussian", 0.25)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", CLASSICAL)
def test_a_filter_has_the_call_of_a_model(name: str, channels: int) -> None:
    noisy = torch.rand(2, channels, 37, 31, generator=generator(0))
    before = noisy.clone()
    for strength in CLASSICAL[name].strengths:
        denoised = classical_denoiser(name, strength)(noisy)
        assert denoised.shape == noisy.shape and denoised.dtype == torch.float32
        assert torch.equal(noisy, before) and 0 <= denoised.min() and denoised.max() <= 1


@pytest.mark.parametrize("name", CLASSICAL)
def test_each_picture_is_filtered_by_itself(name: str) -> None:
    noisy = torch.rand(3, 1, 28, 28, generator=generator(0))
    denoiser = classical_denoiser(name, CLASSICAL[name].strengths[1])
    torch.testing.assert_close(denoiser(noisy)[1:2], denoiser(noisy[1:2]))


@pytest.mark.parametrize("name", CLASSICAL)
def test_the_best_strength_cleans_and_follows_the_noise(name: str) -> None:
    train = load_dataset("digits", "train", limit=64)
    clean = load_dataset("digits", "test", limit=64).clean()
    noisy = corrupt(clean, QUARTER, generator(1))
    denoised = classical_denoiser(name, tuned(name, train, QUARTER))(noisy)
    assert mse(denoised, clean).mean() < 0.75 * mse(noisy, clean).mean()
    weak, strong = (tuned(name, train, NoiseSpec("gaussian", level)) for level in (0.05, 0.5))
    assert weak <= strong and (weak < strong or len(CLASSICAL[name].strengths) == 2)


@pytest.mark.parametrize("noise", [QUARTER, NoiseSpec("salt-and-pepper", 0.9)], ids=str)
def test_the_race_is_won_by_the_strength_that_is_best_on_all_pictures(noise: NoiseSpec) -> None:
    train = load_dataset("digits", "train", limit=TUNING_IMAGES)
    noisy = corrupt(train.clean(), noise, generator(0, _TUNING))
    strengths = CLASSICAL["total-variation"].strengths
    errors = [mse(classical_denoiser("total-variation", each)(noisy), train.clean()).mean() for each in strengths]
    assert tuned("total-variation", train, noise) == strengths[int(torch.stack(errors).argmin())]


@pytest.mark.parametrize("number", [1, 5, 16, 17, 40])
def test_a_strength_that_is_clearly_behind_is_not_tried_on_every_picture(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: dict[float, int] = dict.fromkeys((14, 1, -1), 0)  # pixels; one to the left is as bad as one to the right

    def pushed(noisy: np.ndarray, strength: float) -> np.ndarray:
        tried[strength] += len(noisy)
        return np.roll(noisy, int(strength), axis=-1)

    monkeypatch.setitem(CLASSICAL, "pushed", Classical("Pushed", "", pushed, tuple(tried)))
    assert tuned("pushed", tiny(number), QUARTER) in (1, -1)
    assert tried[14] == min(number, 16) and max(tried.values()) == number


def test_a_contender_looks_for_its_strength_once_for_each_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(contenders, "tuned", lambda name, train, noise: asked.append(noise) or 3)
    median, strong = contenders.classical("median", tiny()), NoiseSpec("gaussian", 0.5)
    for noise in (QUARTER, strong, QUARTER, NoiseSpec("gaussian", 0.25)):
        median.denoiser(noise)
    assert asked == [QUARTER, strong]


def test_an_unknown_filter_is_told() -> None:
    with pytest.raises(UnknownName, match="median"):
        classical_denoiser("medium", 3)
    with pytest.raises(UnknownName):
        tuned("medium", tiny(), QUARTER)
