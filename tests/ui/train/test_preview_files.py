"""Preview files that training did not write end in a message and hang no page."""

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
    assert previews._read_sheet([strip(tmp_path / "a.png"), strip(tmp_path / "b.png")]).startswith(b"\x89PNG")


@pytest.mark.parametrize("size", [(224, 27), (200, 28), (1, 1)])
def test_strips_of_uneven_sizes_are_damaged(size: tuple[int, int], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Preview images are damaged"):
        previews._read_sheet([strip(tmp_path / "a.png"), strip(tmp_path / "b.png", size)])


@pytest.mark.parametrize("content", [png_header(9_000, 9_000), png_header(2**31 - 1, 1), b"", b"\x89PNG\r\n\x1a\n"])
def test_huge_and_damaged_strips_are_refused_before_decoding(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(RunError, match="Preview images are damaged"):
        previews._read_sheet([tmp_path / "a.png"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in directories")
def test_a_pipe_in_place_of_a_strip_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(RunError, match="Preview images are damaged"):
        previews._read_sheet([tmp_path / "a.png"])
