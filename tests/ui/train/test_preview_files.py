"""Preview files that training did not write cause an error message, and no page waits for them."""

import io
import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from dae.errors import RunError
from dae.ui.train import previews
from tests.helpers import png_header


def strip(path: Path, size: tuple[int, int] = (224, 28)) -> Path:
    Image.new("L", size).save(path)
    return path


def test_strips_of_one_size_are_stacked(tmp_path: Path) -> None:
    sheet = previews._read_sheet([strip(tmp_path / "a.png"), strip(tmp_path / "b.png")], (224, 28))
    with Image.open(io.BytesIO(sheet)) as image:
        assert image.size == (224, 56)


def test_missing_or_damaged_filter_images_become_gray_and_a_run_without_any_has_no_row(tmp_path: Path) -> None:
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG")
    paths = [tmp_path / "missing.png", strip(tmp_path / "a.png", (24, 3)), tmp_path / "damaged.png"]
    sheet = previews._read_filters(paths, side=28, columns=8)
    assert sheet is not None
    with Image.open(io.BytesIO(sheet)) as image:
        assert image.size == (224, 84)
        assert [image.getpixel((14, row)) for row in (14, 42, 70)] == [128, 0, 128]
    assert previews._read_filters(paths[:1], side=28, columns=8) is None


@pytest.mark.parametrize("size", [(224, 27), (200, 28), (1, 1)])
def test_strips_of_different_sizes_raise_an_error(size: tuple[int, int], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Preview images are damaged"):
        previews._read_sheet([strip(tmp_path / "a.png"), strip(tmp_path / "b.png", size)], (224, 28))
    # A whole row of another size than the clean images.
    with pytest.raises(RunError, match="Preview images are damaged"):
        previews._read_sheet([tmp_path / "b.png"], (224, 28))


@pytest.mark.parametrize("content", [png_header(9_000, 9_000), png_header(2**31 - 1, 1), b"", b"\x89PNG\r\n\x1a\n"])
def test_huge_and_damaged_strips_are_refused_before_decoding(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(RunError, match="Preview images are damaged"):
        previews._read_sheet([tmp_path / "a.png"], (224, 28))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in directories")
def test_a_named_pipe_in_place_of_a_strip_raises_an_error_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(RunError, match="Preview images are damaged"):
        previews._read_sheet([tmp_path / "a.png"], (224, 28))
