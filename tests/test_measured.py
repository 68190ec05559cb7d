"""Kept measurements: the same numbers again, from the disk, and never those of something else."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor

from dae.contenders import Contender, doing_nothing
from dae.evaluation import measure
from dae.measured import Measurements
from dae.noise import NoiseSpec
from tests.conftest import tiny

HALF = NoiseSpec("gaussian", 0.5)


class Dimmed:
    """A contender that counts how often it is asked."""

    def __init__(self, key: str = "dimmed", factor: float = 0.5) -> None:
        self.asked = 0
        self.factor = factor
        self.contender = Contender("dimmed", "dimmed", key, lambda noise: self)

    def __call__(self, noisy: Tensor) -> Tensor:
        self.asked += 1
        return noisy.clamp(0, 1) * self.factor


def test_what_was_measured_is_read_by_the_next_process(tmp_path: Path) -> None:
    dimmed, images = Dimmed(), tiny(12)
    first = Measurements(images, folder=tmp_path)
    assert first.kept(dimmed.contender, HALF) is None
    shares: list[float] = []
    scores = first.measure(dimmed.contender, HALF, shares.append)
    assert shares == [1.0] and dimmed.asked == 1
    pd.testing.assert_frame_equal(scores, measure(dimmed, images, HALF), check_exact=True)
    dimmed.asked = 0
    again = Measurements(images, folder=tmp_path).measure(dimmed.contender, HALF)
    pd.testing.assert_frame_equal(again, scores, check_exact=True)
    assert dimmed.asked == 0


def test_another_model_picture_noise_seed_or_number_is_another_measurement(tmp_path: Path) -> None:
    images = tiny(12)
    Measurements(images, folder=tmp_path).measure(Dimmed().contender, HALF)
    other = Dimmed("other").contender
    changed = replace(images, images=images.images.clone().index_fill_(0, torch.tensor([3]), 9))
    assert Measurements(images, folder=tmp_path).kept(other, HALF) is None
    assert Measurements(changed, folder=tmp_path).kept(Dimmed().contender, HALF) is None
    assert Measurements(images.head(11), folder=tmp_path).kept(Dimmed().contender, HALF) is None
    assert Measurements(images, 1, tmp_path).kept(Dimmed().contender, HALF) is None
    assert Measurements(images, folder=tmp_path).kept(Dimmed().contender, NoiseSpec("gaussian", 0.4)) is None


def test_two_runs_with_the_same_weights_have_a_row_each(tmp_path: Path) -> None:
    kept = Measurements(tiny(), folder=tmp_path)
    one, other = (Contender(name, "dimmed", "dimmed", lambda noise: Dimmed()) for name in ("one", "other"))
    assert kept.row(one, HALF) is None
    for contender in (doing_nothing(), one):
        kept.measure(contender, HALF)
    rows = [kept.row(one, HALF), kept.row(other, HALF)]
    assert [row and row["run"] for row in rows] == ["one", "other"]
    assert {**rows[0], "run": ""} == {**rows[1], "run": ""}


def test_without_a_key_nothing_is_written(tmp_path: Path) -> None:
    dimmed = Dimmed("")
    kept = Measurements(tiny(), folder=tmp_path)
    assert kept.measure(dimmed.contender, HALF) is kept.measure(dimmed.contender, HALF)
    assert dimmed.asked == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b'{"a": 1}'])
def test_a_damaged_file_is_measured_again(tmp_path: Path, content: bytes) -> None:
    dimmed = Dimmed()
    scores = Measurements(tiny(), folder=tmp_path).measure(dimmed.contender, HALF)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    again = Measurements(tiny(), folder=tmp_path)
    assert again.kept(dimmed.contender, HALF) is None
    pd.testing.assert_frame_equal(again.measure(dimmed.contender, HALF), scores)
    assert len(file.read_bytes()) > 100


def test_a_folder_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    kept = Measurements(tiny(), folder=file / "folder")
    assert kept.measure(Dimmed().contender, HALF) is kept.kept(Dimmed().contender, HALF)


def test_old_measurements_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dae.measured._MOST", 4)
    kept = Measurements(tiny(), folder=tmp_path)
    for number in range(7):
        kept.measure(Dimmed(str(number)).contender, HALF)
    assert 2 <= len(list(tmp_path.iterdir())) <= 4
    assert Measurements(tiny(), folder=tmp_path).kept(Dimmed("6").contender, HALF) is not None
