"""Cached measurements are read by the next process, and only under exactly the same conditions."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor

from dae.evaluation import (
    MetricsCache,
    NamedDenoiser,
    cache,
    identity_baseline,
    per_image_metrics,
    read_results,
    write_results,
)
from dae.noise import NoiseSpec
from tests.helpers import tiny_dataset

HALF = NoiseSpec("gaussian", 0.5)


class CountingDenoiser:
    """Dims images and counts its calls."""

    def __init__(self, key: str = "dim") -> None:
        self.num_calls = 0
        self.named = NamedDenoiser("dim", "dim", key, lambda noise: self)

    def __call__(self, noisy: Tensor) -> Tensor:
        self.num_calls += 1
        return noisy.clamp(0, 1) * 0.5


def test_the_next_process_reads_measurements_from_disk(tmp_path: Path) -> None:
    denoiser, images = CountingDenoiser(), tiny_dataset(12)
    first = MetricsCache(images, folder=tmp_path)
    assert first.get(denoiser.named, HALF) is None
    progress: list[float] = []
    scores = first.compute(denoiser.named, HALF, progress.append)
    assert progress == [1.0] and denoiser.num_calls == 1
    pd.testing.assert_frame_equal(scores, per_image_metrics(denoiser, images, HALF), check_exact=True)
    denoiser.num_calls = 0
    again = MetricsCache(images, folder=tmp_path).compute(denoiser.named, HALF)
    pd.testing.assert_frame_equal(again, scores, check_exact=True)
    assert denoiser.num_calls == 0


def test_another_model_image_noise_seed_or_number_of_images_is_not_cached(tmp_path: Path) -> None:
    images, dim = tiny_dataset(12), CountingDenoiser().named
    MetricsCache(images, folder=tmp_path).compute(dim, HALF)
    changed = replace(images, images=images.images.clone().index_fill_(0, torch.tensor([3]), 9))
    assert MetricsCache(images, folder=tmp_path).get(CountingDenoiser("other").named, HALF) is None
    assert MetricsCache(changed, folder=tmp_path).get(dim, HALF) is None
    assert MetricsCache(images.take(11), folder=tmp_path).get(dim, HALF) is None
    assert MetricsCache(images, 1, tmp_path).get(dim, HALF) is None
    assert MetricsCache(images, folder=tmp_path).get(dim, NoiseSpec("gaussian", 0.4)) is None


def test_measurements_of_another_package_version_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [version.split()[0] for version in cache._versions()]
    assert set(names) >= {"torch", "scikit-image", "scikit-learn"}
    images, dim = tiny_dataset(12), CountingDenoiser().named
    MetricsCache(images, folder=tmp_path).compute(dim, HALF)
    monkeypatch.setattr(cache, "_versions", lambda: ["torch 0.1"])
    assert MetricsCache(images, folder=tmp_path).get(dim, HALF) is None


def test_two_runs_with_the_same_weights_have_a_row_each(tmp_path: Path) -> None:
    metrics_cache = MetricsCache(tiny_dataset(), folder=tmp_path)
    one, other = (NamedDenoiser(name, "dim", "dim", lambda noise: CountingDenoiser()) for name in ("one", "other"))
    assert metrics_cache.summary_row(one, HALF) is None
    for denoiser in (identity_baseline(), one):
        metrics_cache.compute(denoiser, HALF)
    rows = [metrics_cache.summary_row(one, HALF), metrics_cache.summary_row(other, HALF)]
    assert [row and row["run"] for row in rows] == ["one", "other"]
    assert {**rows[0], "run": ""} == {**rows[1], "run": ""}


def test_measurements_without_a_key_stay_in_memory(tmp_path: Path) -> None:
    denoiser = CountingDenoiser("")
    metrics_cache = MetricsCache(tiny_dataset(), folder=tmp_path)
    assert metrics_cache.compute(denoiser.named, HALF) is metrics_cache.compute(denoiser.named, HALF)
    assert denoiser.num_calls == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b'{"a": 1}', b"[" * 100_000])
def test_a_damaged_file_is_measured_again(tmp_path: Path, content: bytes) -> None:
    dim = CountingDenoiser().named
    scores = MetricsCache(tiny_dataset(), folder=tmp_path).compute(dim, HALF)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    again = MetricsCache(tiny_dataset(), folder=tmp_path)
    assert again.get(dim, HALF) is None
    pd.testing.assert_frame_equal(again.compute(dim, HALF), scores)
    assert file.read_bytes() != content
    assert MetricsCache(tiny_dataset(), folder=tmp_path).get(dim, HALF) is not None


def test_a_folder_that_cannot_be_written_keeps_measurements_in_memory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("blocks the folder")
    metrics_cache, dim = MetricsCache(tiny_dataset(), folder=file / "folder"), CountingDenoiser().named
    assert metrics_cache.compute(dim, HALF) is metrics_cache.get(dim, HALF)


def test_old_files_are_deleted_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MetricsCache, "max_files", 4)
    metrics_cache = MetricsCache(tiny_dataset(), folder=tmp_path)
    for number in range(7):
        metrics_cache.compute(CountingDenoiser(str(number)).named, HALF)
    assert 2 <= len(list(tmp_path.iterdir())) <= 4
    assert MetricsCache(tiny_dataset(), folder=tmp_path).get(CountingDenoiser("6").named, HALF) is not None


def test_memory_holds_a_bounded_number_of_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A row has four metrics of eight bytes and one flag.
    monkeypatch.setattr("dae.evaluation.cache._MAX_BYTES", 30 * (4 * 8 + 1))
    metrics_cache = MetricsCache(tiny_dataset(12), folder=tmp_path)
    first, second, third = (CountingDenoiser(str(number)) for number in range(3))
    for denoiser in (first, second, third):
        metrics_cache.compute(denoiser.named, HALF)
    for file in tmp_path.iterdir():
        file.unlink()
    assert metrics_cache.get(first.named, HALF) is None
    assert metrics_cache.get(third.named, HALF) is not None


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """Return a file with the measurement of `CountingDenoiser` on twelve images."""
    metrics_cache, dim = MetricsCache(tiny_dataset(12), folder=tmp_path / "author"), CountingDenoiser().named
    metrics_cache.compute(dim, HALF)
    tensors = metrics_cache.to_ship(dim, HALF)
    assert tensors and metrics_cache.to_ship(identity_baseline(), HALF) is None
    write_results(tmp_path / "results.safetensors", {metrics_cache.shipped_key(dim, HALF): tensors})
    return tmp_path / "results.safetensors"


def test_shipped_results_are_read_by_every_version(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_versions", lambda: ["torch 0.1"])
    denoiser, images = CountingDenoiser(), tiny_dataset(12)
    metrics_cache = MetricsCache(images, folder=tmp_path / "user", shipped=shipped)
    scores = metrics_cache.compute(denoiser.named, HALF)
    assert denoiser.num_calls == 0
    pd.testing.assert_frame_equal(scores, per_image_metrics(denoiser, images, HALF), rtol=1e-6)
    # Shipping what was shipped loses nothing.
    (stored,), again = read_results(shipped).values(), metrics_cache.to_ship(denoiser.named, HALF)
    assert again and again.keys() == stored.keys() and all(torch.equal(again[name], stored[name]) for name in stored)


def test_shipped_results_of_other_weights_images_or_settings_are_ignored(shipped: Path, tmp_path: Path) -> None:
    images, dim = tiny_dataset(12), CountingDenoiser().named
    user = tmp_path / "user"
    assert MetricsCache(images, folder=user, shipped=shipped).get(CountingDenoiser("retrained").named, HALF) is None
    assert MetricsCache(images, folder=user, shipped=shipped).get(dim, NoiseSpec("gaussian", 0.4)) is None
    assert MetricsCache(images, 1, user, shipped=shipped).get(dim, HALF) is None
    assert MetricsCache(tiny_dataset(12, seed=1), folder=user, shipped=shipped).get(dim, HALF) is None


@pytest.mark.parametrize("content", [None, b"", b"\0" * 40, b'{"a": 1}', b"[" * 100_000])
def test_a_damaged_file_of_shipped_results_is_ignored(shipped: Path, tmp_path: Path, content: bytes | None) -> None:
    shipped.write_bytes(shipped.read_bytes()[:-1] if content is None else content)
    denoiser = CountingDenoiser()
    MetricsCache(tiny_dataset(12), folder=tmp_path / "user", shipped=shipped).compute(denoiser.named, HALF)
    assert denoiser.num_calls == 1


def test_a_shipped_result_without_a_column_is_ignored(shipped: Path, tmp_path: Path) -> None:
    write_results(shipped, {key: {"mse": tensors["mse"]} for key, tensors in read_results(shipped).items()})
    metrics_cache = MetricsCache(tiny_dataset(12), folder=tmp_path / "user", shipped=shipped)
    assert metrics_cache.get(CountingDenoiser().named, HALF) is None
