"""Maps of codes are computed once, and shipped with positions that are rounded."""

from pathlib import Path

import pytest
import torch

from dae.evaluation import write_results
from dae.noise import NoiseSpec
from dae.representation import Encoder, MapCache, MapSettings
from tests.helpers import tiny_dataset, untrained_checkpoint

FLAT = MapSettings(NoiseSpec("gaussian", 1), 2, use_tsne=False)


@pytest.fixture
def encoder() -> Encoder:
    return Encoder("run", untrained_checkpoint("linear-32").model, "key")


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[MapSettings]:
    """Return the settings of the maps that are computed from now on."""
    settings: list[MapSettings] = []
    measure = MapCache._measure

    def record(self: MapCache, subject: Encoder, setting: MapSettings, on_progress: object) -> object:
        settings.append(setting)
        return measure(self, subject, setting, lambda done: None)

    monkeypatch.setattr(MapCache, "_measure", record)
    return settings


def test_the_next_process_reads_a_map_from_disk(encoder: Encoder, computed: list[MapSettings], tmp_path: Path) -> None:
    first = MapCache(tiny_dataset(12), folder=tmp_path).compute(encoder, FLAT)
    again = MapCache(tiny_dataset(12), folder=tmp_path).compute(encoder, FLAT)
    assert torch.equal(first.positions, again.positions) and first.drift == again.drift
    assert (first.num_dimensions, first.explained_variance) == (again.num_dimensions, again.explained_variance)
    others = [MapSettings(FLAT.noise, 3, False), MapSettings(FLAT.noise, 2, True)]
    others.append(MapSettings(NoiseSpec("masking", 1), 2, False))
    assert [MapCache(tiny_dataset(12), folder=tmp_path).get(encoder, other) for other in others] == [None] * 3
    assert MapCache(tiny_dataset(11), folder=tmp_path).get(encoder, FLAT) is None and computed == [FLAT]


def test_a_shipped_map_differs_by_less_than_a_hundredth_of_its_width(
    encoder: Encoder, computed: list[MapSettings], tmp_path: Path
) -> None:
    author = MapCache(tiny_dataset(12), folder=tmp_path / "author")
    exact = author.compute(encoder, FLAT)
    tensors = author.to_ship(encoder, FLAT)
    assert tensors and sum(tensor.nbytes for tensor in tensors.values()) < exact.positions.nbytes / 2
    write_results(tmp_path / "results.safetensors", {author.shipped_key(encoder, FLAT): tensors})
    user = MapCache(tiny_dataset(12), folder=tmp_path / "user", shipped=tmp_path / "results.safetensors")
    shipped = user.compute(encoder, FLAT)
    assert computed == [FLAT] and shipped.drift == exact.drift
    width = float((exact.positions.amax((0, 1)) - exact.positions.amin((0, 1))).max())
    torch.testing.assert_close(shipped.positions, exact.positions, rtol=0, atol=width / 100)
    retrained = Encoder(encoder.name, encoder.model, "other")
    assert user.get(retrained, FLAT) is None
