"""`dae imagine`: a PNG of the images or a GIF of every step, determined by the seed."""

from pathlib import Path

import pytest
from PIL import Image

from tests.cli.calls import call, fails


def test_imagine_writes_the_images_or_every_step(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    png, gif = tmp_path / "out.png", tmp_path / "out.gif"
    contents = []
    for seed in (3, 3, 4):
        assert call(root, "imagine", "trained", png, "--number", 10, "--steps", 6, "--seed", seed) == 0
        assert "10 images, seed" in capsys.readouterr().out
        contents.append(png.read_bytes())
    assert contents[0] == contents[1] != contents[2]
    with Image.open(png) as image:
        # Two rows of eight images of 28 x 28, magnified three times.
        assert image.format == "PNG" and image.size == (8 * 84, 2 * 84)
    assert call(root, "imagine", "trained", gif, "--number", 2, "--steps", 6) == 0
    assert "mnist-prior gives better images" in capsys.readouterr().out
    with Image.open(gif) as animation:
        assert animation.format == "GIF" and animation.n_frames == 7


def test_imagine_refuses_other_formats_and_numbers(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "ends in .png or .gif" in fails(capsys, root, "imagine", "trained", tmp_path / "out.jpg")
    assert "Ask for 1 or more" in fails(capsys, root, "imagine", "trained", tmp_path / "out.png", "--number", 0)
    assert "3 or more" in fails(capsys, root, "imagine", "trained", tmp_path / "out.png", "--steps", 1)
    assert "cannot be written" in fails(
        capsys, root, "imagine", "trained", tmp_path / "no" / "out.png", "--number", 1, "--steps", 3
    )
    assert list(tmp_path.iterdir()) == []


def test_imagine_refuses_more_images_than_fit_into_a_grid(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "outside 1 to 1,000" in fails(capsys, root, "imagine", "trained", "out.png", "--number", 10**11)
