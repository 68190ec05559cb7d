"""`dae export` to an HTML file."""

from pathlib import Path

import pytest

from tests.cli.calls import call, fails
from tests.helpers import ROOT

CHECKPOINTS = ROOT / "checkpoints"


def test_export_writes_up_to_three_models_into_one_html_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "demo.html"
    assert call(CHECKPOINTS, "export", "digits-linear", "digits-conv", "digits-unet", target) == 0
    out = capsys.readouterr().out
    page = target.read_text()
    assert f"{target}: {len(page) / 1e6:.1f} MB" in out and "samples from digits" in out
    assert page.startswith("<!doctype html>") and all(label in page for label in ("Linear", "Convolutional", "U-Net"))
    assert len(page) < 5_000_000 and [path.name for path in tmp_path.iterdir()] == ["demo.html"]


def test_drawn_digits_replace_missing_mnist_samples_and_other_missing_data_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", tmp_path]
    assert call(CHECKPOINTS, "export", *options, "mnist-pool", tmp_path / "demo.html") == 0
    assert "samples from digits" in capsys.readouterr().out
    message = fails(capsys, CHECKPOINTS, "export", *options, "cifar10-conv", tmp_path / "color.html")
    assert (
        "images of folder:cifar-10-jpeg, which are not on this machine" in message and "Name the data root" in message
    )
    message = fails(capsys, CHECKPOINTS, "export", *options, "mnist-pool", "cifar10-conv", tmp_path / "both.html")
    assert "Model cifar10-conv cannot process the images of digits" in message
    assert [path.name for path in tmp_path.iterdir()] == ["demo.html"]
