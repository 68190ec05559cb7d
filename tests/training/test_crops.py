"""Random crops and gray images: training pairs, bit-exact resuming, and refused settings."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dae.errors import SpecError
from dae.noise import NoiseSpec, corrupt
from dae.runs import Run
from dae.training import TrainConfig
from dae.training.loss import TrainingPairs
from dae.utils.random import make_generator
from tests.helpers import small_config, stop_at_epoch, tensors_equal, tiny_dataset, train, weights

CONFIG = replace(
    small_config(model="unet", noise=NoiseSpec("gaussian", (0, 0.3), clipped=False)),
    augment="dihedral",
    crop=16,
    gray_share=0.5,
)


def test_a_share_of_the_crops_is_gray_with_the_same_noise_in_all_channels() -> None:
    colors = torch.randint(256, (64, 3, 20, 24), generator=make_generator(0), dtype=torch.uint8)
    noisy, clean = TrainingPairs(CONFIG, None)(colors, make_generator(1))
    assert noisy.shape == clean.shape == (64, 3, 16, 16)
    gray = (noisy == noisy[:, :1]).flatten(1).all(1)
    assert torch.equal(gray, (clean == clean[:, :1]).flatten(1).all(1)) and 16 < gray.sum() < 48
    noise = (noisy - clean)[~gray]
    assert torch.corrcoef(noise.transpose(0, 1).flatten(1))[0, 1].abs() < 0.1


def test_gray_crops_have_the_camera_noise_of_a_gray_photograph() -> None:
    """Converting to gray averages the noise of the channels."""
    flat = torch.full((32, 3, 16, 16), 128, dtype=torch.uint8)
    noise = NoiseSpec("camera", 0.3)
    noisy, clean = TrainingPairs(replace(CONFIG, noise=noise, gray_share=1.0), None)(flat, make_generator(0))
    expected = corrupt(clean[:, :1], noise, make_generator(1)) - clean[:, :1]
    assert float((noisy - clean).std()) == pytest.approx(float(expected.std()), rel=0.05)


def test_a_run_on_photographs_resumes_bit_for_bit(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(4):
        pixels = np.random.default_rng(index).integers(256, size=(24, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    config = replace(CONFIG, dataset=f"photos:{folder}@24", epochs=3)
    runs = [Run.create(config, root=tmp_path / "runs", name=name) for name in ("once", "twice")]
    stop_at_epoch(runs[1], 1)
    for run in runs:
        stop_at_epoch(run, 3)
    assert tensors_equal(*(weights(run.load().model) for run in runs))


def test_crops_are_drawn_anew_in_each_epoch() -> None:
    images = tiny_dataset(4, (3, 20, 20))
    # All images are one batch, without noise and augmentation: epochs differ in their crops only.
    fresh = replace(
        CONFIG, noise=NoiseSpec("gaussian", 0.0), augment="none", gray_share=0.0, epochs=3, batch_size=len(images)
    )

    def difference(crop: int) -> float:
        """Return the largest difference of the weights from those of a training whose epochs are equal."""
        trained, repeated = (
            weights(train(replace(fresh, crop=crop, num_noise_epochs=epochs), images)[0]) for epochs in (None, 1)
        )
        return max(float((one - other).abs().max()) for one, other in zip(trained, repeated, strict=True))

    assert difference(crop=16) > 100 * difference(crop=20)


def test_impossible_crops_and_gray_shares_are_refused() -> None:
    with pytest.raises(SpecError, match="Crops of 64 pixels do not fit into images of 28 x 28"):
        train(replace(CONFIG, crop=64))
    with pytest.raises(SpecError, match="needs whole images"):
        TrainConfig(model="linear-32", crop=16)
    with pytest.raises(SpecError, match="Gray share 2 is outside 0 to 1"):
        TrainConfig(gray_share=2)
