"""Views of the codes without Streamlit's runtime: tables, curves, labels and interpolated images."""

import math
from pathlib import Path

import pytest
import torch

from dae.models import MODELS
from dae.representation import Method
from dae.ui import model_options, resources
from dae.ui.codes import linear_probe, maps
from dae.ui.codes.interpolation import NUM_STEPS, compute_sequences, nearest_position
from dae.ui.codes.linear_probe import method_label, probe_curves, probe_table
from dae.ui.codes.maps import describe_movement
from dae.ui.codes.view import exclude_large_codes
from dae.ui.model_options import ModelOption
from tests.helpers import tiny_dataset


@pytest.fixture
def models(trained: Path, photos: str, monkeypatch: pytest.MonkeyPatch) -> tuple[ModelOption, ...]:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    return tuple(model_options.model_options(resources.images(photos, "test")).values())


def row(method: str, run: str, labels: int, accuracy: float) -> dict[str, object]:
    """Return a row like those of `ProbeCache.summary_row`."""
    measured = {"accuracy": accuracy, "accuracy_sd": 0.012, "seeds": 5, "n": 100, "dataset": "digits"}
    return {"run": run, "method": method, "dimensions": 64, "labels": labels, **measured}


def test_a_table_has_a_row_per_feature_and_a_column_per_number_of_labels(models: tuple[ModelOption, ...]) -> None:
    name, label = models[0].name, models[0].label
    rows = [row("raw", "", 10, 0.5), row("raw", "", 1_000, 0.75), row("code", name, 10, 0.6)]
    table = probe_table(rows, models)
    assert list(table.columns) == ["Input", "Size", "10 labels", "1,000 labels"]
    assert table.values.tolist() == [
        ["Raw pixels", 64, "50.0% ± 1.2", "75.0% ± 1.2"],
        [f"{label}, code", 64, "60.0% ± 1.2", "–"],
    ]
    raw, code = probe_curves(rows, models)
    assert (raw.labels, raw.accuracies, raw.dash) == ([10, 1_000], [0.5, 0.75], "solid")
    assert code.color == models[0].color != raw.color


def test_every_method_has_a_label(models: tuple[ModelOption, ...]) -> None:
    labels = {method: method_label(method, models[0].name, 1_568, models) for method in Method}
    assert len(set(labels.values())) == len(Method)
    assert labels[Method.PCA] == "PCA, 1,568 dimensions"
    assert labels[Method.SCRATCH] == f"{MODELS[models[0].model].label}, from scratch"
    assert method_label("code", "deleted", 64, models) == "deleted, code"


def test_a_cross_fade_and_all_sequences_connect_the_two_images(models: tuple[ModelOption, ...], photos: str) -> None:
    test = resources.images(photos, "test")
    *decoded, cross_fade = compute_sequences(models, photos, test, (2, 6))
    assert len(decoded) == len(models) and all(sequence.shape == (NUM_STEPS, *test.shape) for sequence in decoded)
    torch.testing.assert_close(cross_fade[[0, -1]], test.to_float([2, 6]))
    torch.testing.assert_close(cross_fade[NUM_STEPS // 2], test.to_float([2, 6]).mean(0))


def test_the_nearest_image_excludes_the_image_itself() -> None:
    images = tiny_dataset(6)
    distances = (images.to_float() - images.to_float([3])).flatten(1).square().sum(1)
    candidates = torch.tensor([1, 3, 5])
    assert nearest_position(images, candidates, 3) == (0 if distances[1] < distances[5] else 2)
    assert nearest_position(images, candidates, None) == 0
    assert nearest_position(images, torch.tensor([3]), 3) == 0


def test_large_codes_are_excluded_with_a_reason(
    models: tuple[ModelOption, ...], photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = resources.images(photos, "test")
    assert exclude_large_codes(models, test) == (list(models), [])
    monkeypatch.setattr("dae.representation.latent.MAX_CODE_SIZE", 40)
    included, reasons = exclude_large_codes(models, test)
    assert [model.model for model in included] == ["linear-32"] and "64" in reasons[0]


def test_cached_tsne_maps_are_returned_without_computing_any_map(
    models: tuple[ModelOption, ...], photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = resources.images(photos, "test")
    selected = maps.MapInputs(models, photos, test, maps.default_settings("masking"))
    known = [selected.cache.compute(maps.encoder(model), selected.settings) for model in models]

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr("dae.representation.map_cache.build_code_map", fail)
    assert maps._tsne_maps(selected) == known


def test_movement_is_described_relative_to_the_distance_between_images() -> None:
    assert describe_movement(0.384) == "moved 38% of the typical distance between images"
    assert describe_movement(math.nan) == "movement unknown"
    assert list(linear_probe._DASHES) == list(Method)[:4]
