"""`dae denoise` on photographs: formats, several files, folders, archives, and files that fail."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from dae.data.image_file import decode_file
from dae.runs import run_training
from tests.cli.calls import call
from tests.helpers import gray_noise, new_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, photos: str) -> Path:
    """Return a directory of runs with "plain" and "level", the latter with a noise level as its input."""
    folder = tmp_path_factory.mktemp("runs")
    for name, model in (("plain", "unet"), ("level", "level-unet")):
        list(run_training(new_run(folder, photos, name, model=model, epochs=1)))
    return folder


def photograph(path: Path, mode: str = "RGB", size: tuple[int, int] = (30, 40)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    gray_noise(*size, 60).convert(mode).save(path)
    return path


def test_a_photograph_keeps_its_size_format_and_mode(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, mode in (("a.jpg", "RGB"), ("b.png", "L"), ("c.png", "RGBA")):
        source, target = photograph(tmp_path / name, mode), tmp_path / f"out-{name}"
        assert call(runs, "denoise", "plain", source, target) == 0
        with Image.open(target) as image, Image.open(source) as original:
            assert (image.format, image.mode, image.size) == (original.format, mode, (30, 40))
    assert "strong)" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_16_bit_color_image_keeps_its_bit_depth(suffix: str, runs: Path, tmp_path: Path) -> None:
    colors = np.random.default_rng(0).integers(65_536, size=(40, 30, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", colors, photometric="rgb")
    target = tmp_path / f"out.{suffix}"
    assert call(runs, "denoise", "plain", tmp_path / "in.tif", target, "--amount", 0) == 0
    denoised = decode_file(target.read_bytes()).pixels[0] * 65_535
    assert np.array_equal(denoised.round().numpy().transpose(1, 2, 0), colors)


def test_level_and_amount_change_the_result(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = photograph(tmp_path / "in.png"), tmp_path / "out.png"
    results = []
    for options in ([], ["--level", "auto"], ["--level", 0.5], ["--amount", 0.5], ["--amount", 0]):
        assert call(runs, "denoise", "level", source, target, *options) == 0
        results.append(target.read_bytes())
    assert results[0] == results[1] and len(set(results)) == 4
    with Image.open(source) as original, Image.open(target) as unchanged:
        assert np.array_equal(original, unchanged)
    assert call(runs, "denoise", "plain", source, target, "--level", 0.1) == 2
    assert "takes no noise level" in capsys.readouterr().err
    for options in (["--level", "much"], ["--amount", 2]):
        with pytest.raises(SystemExit):
            call(runs, "denoise", "level", source, target, *options)


def test_files_folders_and_archives_go_to_a_folder_and_failures_are_named(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photograph(tmp_path / "album" / "trip" / "one.png")
    (tmp_path / "album" / "broken.png").write_bytes(b"no image")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(photograph(tmp_path / "two.webp"), "../../two.webp")
        archive.writestr("notes.txt", "none")
    three = photograph(tmp_path / "three.bmp")
    sources = [tmp_path / "album", tmp_path / "more.zip", three, tmp_path / "missing.png", three]
    assert call(runs, "denoise", "plain", *sources, tmp_path / "out") == 2
    printed = capsys.readouterr()
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert files == ["three.bmp", "trip/one.png", "two.webp"]
    assert "broken.png: The file is damaged" in printed.out and "missing.png: The file cannot be read" in printed.out
    assert "three.bmp: Another image has the same name" in printed.out
    assert "3 of 6 images could not be denoised" in printed.err


def test_originals_are_not_replaced_by_their_results(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = photograph(tmp_path / "one.png"), photograph(tmp_path / "two.png")
    content = one.read_bytes(), two.read_bytes()
    assert call(runs, "denoise", "plain", one, one) == 2
    assert call(runs, "denoise", "plain", tmp_path, tmp_path) == 2
    assert call(runs, "denoise", "plain", one, two, f"{tmp_path}/./") == 2
    assert capsys.readouterr().err.count("the result would replace") == 1
    assert (one.read_bytes(), two.read_bytes()) == content


def test_results_within_the_folder_of_the_originals_are_not_denoised_again(runs: Path, tmp_path: Path) -> None:
    photograph(tmp_path / "one.png")
    for _ in range(2):
        assert call(runs, "denoise", "plain", tmp_path, tmp_path / "clean") == 0
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["clean", "one.png", "one.png"]
    (tmp_path / "one.png").unlink()
    assert call(runs, "denoise", "plain", tmp_path, tmp_path / "clean") == 2


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_link_to_itself_is_named(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    assert call(runs, "denoise", "plain", tmp_path / "loop.png", tmp_path / "out.png") == 2
    assert "loop.png: The file cannot be read" in capsys.readouterr().err


def test_a_single_damaged_file_an_empty_path_and_a_file_as_folder_are_named(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "damaged.png").write_bytes(b"no image")
    one = photograph(tmp_path / "one.png")
    for sources, words in (
        ((tmp_path / "damaged.png", tmp_path / "out.png"), "damaged.png: The file is damaged"),
        (("", tmp_path / "out.png"), "A path is empty"),
        ((one, one, tmp_path / "damaged.png"), "damaged.png is a file. Name a folder"),
    ):
        assert call(runs, "denoise", "plain", *sources) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_a_jpeg_of_a_model_of_one_size_has_the_quality_of_the_others(
    tmp_path: Path, photos: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    list(run_training(new_run(folder, photos, "small", epochs=1)))
    assert call(folder, "denoise", "small", photograph(tmp_path / "in.png"), tmp_path / "out.jpg") == 0
    with Image.open(tmp_path / "out.jpg") as image:
        reference = tmp_path / "reference.jpg"
        image.save(reference, quality=95)
    with Image.open(tmp_path / "out.jpg") as image, Image.open(reference) as other:
        assert image.quantization == other.quantization


@pytest.mark.parametrize("name", ["empty.zip", "damaged.zip", "name.zip", "version.zip", "none.zip"])
def test_an_archive_without_images_or_a_damaged_one_is_refused(
    name: str, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("notes.txt", "none")
    (tmp_path / "damaged.zip").write_bytes(b"no archive")
    with zipfile.ZipFile(tmp_path / "valid.zip", "w") as archive:
        archive.writestr("\N{LATIN SMALL LETTER E WITH ACUTE}.png", "none")
    content = (tmp_path / "valid.zip").read_bytes()
    (tmp_path / "name.zip").write_bytes(content.replace("\N{LATIN SMALL LETTER E WITH ACUTE}".encode(), b"\xff\xff"))
    # The version that a reader needs, in the entry of the directory.
    version = content.index(b"PK\1\2") + 6
    (tmp_path / "version.zip").write_bytes(content[:version] + bytes([99]) + content[version + 1 :])
    assert call(runs, "denoise", "plain", tmp_path / name, tmp_path / "out") == 2
    assert name in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_damaged_file_of_an_archive_is_named_and_the_others_are_denoised(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "more.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(photograph(tmp_path / "bad.bmp"), "bad.bmp")
        archive.write(photograph(tmp_path / "good.bmp"), "good.bmp")
    content = bytearray((tmp_path / "more.zip").read_bytes())
    # Its compressed data begin after a header of 30 bytes and the name.
    start = 30 + len("bad.bmp")
    content[start : start + 8] = b"\xff" * 8
    (tmp_path / "more.zip").write_bytes(content)
    assert call(runs, "denoise", "plain", tmp_path / "more.zip", tmp_path / "out") == 2
    printed = capsys.readouterr()
    assert "bad.bmp: It cannot be read from" in printed.out and "1 of 2 images could not" in printed.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.bmp"]
