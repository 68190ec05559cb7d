"""The benchmark of photographs: its protocol, folders, and the photograph at night."""

from pathlib import Path

import pytest
import torch

from dae.data.image_file import decode_file
from dae.evaluation import FILTERS
from tests.benchmarks import photographs
from tests.helpers import ROOT, gray_noise


def test_photographs_are_measured_by_the_protocol_of_the_literature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    images = [photographs.photograph(name)[..., :40, :40] for name in ("astronaut", "camera")]
    assert [image.shape for image in images] == [(1, 3, 40, 40), (1, 1, 40, 40)]
    rows = {row[""]: row for row in photographs.rows(["cifar10-unet"], images, [photographs.white_noise(25)], draws=1)}
    assert {"noisy", *FILTERS, "cifar10-unet"} < set(rows)
    # Noise of standard deviation 25/255 gives 20.2 dB; clamping removes some of it.
    assert 20 < float(rows["noisy"]["PSNR"]) < 22 < float(rows["cifar10-unet"]["PSNR"])
    assert float(rows["total-variation"]["SSIM"]) > float(rows["noisy"]["SSIM"])
    untrained = rows["dncnn, untrained"]
    assert untrained["PSNR"] == "" and float(untrained["s/MP"]) > 0


def test_a_photograph_at_night_is_written_noisy_and_denoised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    small = photographs.photograph("astronaut")[..., :40, :40]
    monkeypatch.setattr(photographs, "photograph", lambda name: small)
    photographs.write_night(["cifar10-unet"], tmp_path / "night")
    images = {path.stem: decode_file(path.read_bytes()).pixels for path in (tmp_path / "night").iterdir()}
    assert set(images) == {"clean", "noisy", "cifar10-unet"}
    assert images["clean"].max() < 0.5 and not torch.equal(images["noisy"], images["cifar10-unet"])
    assert capsys.readouterr().out.count(" dB") == 3


def test_photographs_can_come_from_a_folder_and_published_figures_are_complete(tmp_path: Path) -> None:
    gray_noise(50, 60, 40).save(tmp_path / "gray.png")
    (image,) = photographs.load_photographs(tmp_path, limit=None, side=32)
    assert image.shape == (1, 1, 32, 32)
    assert all(len(row) == 5 for row in photographs.published_rows())
