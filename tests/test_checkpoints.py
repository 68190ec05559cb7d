"""Checkpoints: bit-exact there and back, and a clear refusal of whatever else a file may hold."""

import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from dae.checkpoints import FORMAT, import_weights, load_checkpoint, read_about, save_checkpoint, save_tensors
from dae.errors import CheckpointError, DaeError
from dae.models import MODELS, Autoencoder, build_model
from tests.conftest import same, small, weights

SHAPE = (1, 28, 28)
CONFIG = small().to_json()


def model_of(name: str = "linear-32", seed: int = 0) -> Autoencoder:
    return build_model(name, SHAPE, torch.Generator().manual_seed(seed))


def saved(path: Path, name: str = "linear-32", **about: Any) -> Path:
    """A checkpoint whose header is changed by `about`; None takes a key away."""
    header = {"format": FORMAT, "model": name, "shape": list(SHAPE), "config": CONFIG} | about
    tensors = dict(model_of(name).state_dict())
    save_tensors(path, tensors, {key: value for key, value in header.items() if value is not None})
    return path


def refused(path: Path, *words: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value) and all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("name", MODELS)
def test_there_and_back_bit_for_bit(name: str, tmp_path: Path) -> None:
    model, path = model_of(name), tmp_path / "model.safetensors"
    save_checkpoint(path, model, name, SHAPE, CONFIG)
    loaded = load_checkpoint(path)
    assert same(weights(loaded.model), weights(model))
    assert (loaded.name, loaded.shape, loaded.config) == (name, SHAPE, CONFIG)
    assert not loaded.model.training and not any(value.requires_grad for value in loaded.model.parameters())
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_channels_last_and_bfloat16_trained_weights_are_kept(tmp_path: Path) -> None:
    model = model_of("unet").to(memory_format=torch.channels_last)
    save_checkpoint(tmp_path / "m", model, "unet", SHAPE, CONFIG)
    assert same(weights(load_checkpoint(tmp_path / "m").model), weights(model))


def test_a_loaded_model_outlives_its_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "m")
    loaded = load_checkpoint(path).model
    path.unlink()
    assert same(weights(loaded), weights(model_of()))


def test_truncated_anywhere(tmp_path: Path) -> None:
    content = saved(tmp_path / "whole").read_bytes()
    header = int.from_bytes(content[:8], "little")
    cuts = {0, 1, 7, 8, 9, header // 2, header + 7, header + 8, header + 9, len(content) // 2, len(content) - 1}
    for cut in cuts:
        (tmp_path / "cut").write_bytes(content[:cut])
        refused(tmp_path / "cut", "truncated")
    (tmp_path / "cut").write_bytes(content + b"more")
    refused(tmp_path / "cut")


@pytest.mark.parametrize("claimed", [0, 1, 2**20 + 1, 2**31, 2**63, 2**64 - 1])
def test_a_header_of_hostile_size(claimed: int, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(claimed.to_bytes(8, "little") + b"{}" * 600_000)
    refused(tmp_path / "m", "truncated")


def test_a_header_that_claims_a_huge_tensor(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    (tmp_path / "m").write_bytes(len(header).to_bytes(8, "little") + header)
    refused(tmp_path / "m")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_changed_byte_of_the_header_does_more_than_be_refused(data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(saved(tmp_path / "m", "conv-pool").read_bytes())
    end = 8 + int.from_bytes(content[:8], "little")
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "m").write_bytes(content)
    try:
        load_checkpoint(tmp_path / "m")
    except CheckpointError:
        pass


@pytest.mark.parametrize(
    "about",
    [
        {"model": None},
        {"model": 5},
        {"shape": [1, 28]},
        {"shape": [1, 28, 0]},
        {"shape": [1, -28, 28]},
        {"shape": [1, 28.0, 28]},
        {"shape": [1, 10**9, 10**9]},
        {"shape": "1x28x28"},
        {"config": None},
        {"config": [1, 2]},
    ],
)
def test_nonsense_about_the_model(about: dict[str, Any], tmp_path: Path) -> None:
    refused(saved(tmp_path / "m", **about), "which model")


def test_models_that_do_not_exist_or_fit(tmp_path: Path) -> None:
    refused(saved(tmp_path / "m", model="linear-33"), "linear-33", "Did you mean")
    refused(saved(tmp_path / "m", model="linear-10"), "does not fit its model")
    refused(saved(tmp_path / "m", shape=[1, 32, 32]), "does not fit its model")
    refused(saved(tmp_path / "m", "conv-64", shape=[1, 37, 31]), "37 x 31")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64, torch.int64])
def test_tensors_of_another_type(dtype: torch.dtype, tmp_path: Path) -> None:
    tensors = {name: value.to(dtype) for name, value in model_of().state_dict().items()}
    about = {"format": FORMAT, "model": "linear-32", "shape": list(SHAPE), "config": CONFIG}
    save_tensors(tmp_path / "m", tensors, about)
    refused(tmp_path / "m", "does not fit its model")


def test_a_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    refused(saved(tmp_path / "m", format=FORMAT + 1), f"format {FORMAT + 1}", "Update")


def test_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "m"
    refused(path, "cannot be read")
    refused(tmp_path, "cannot be read")
    save_file(dict(model_of().state_dict()), path)
    refused(path, "import-weights")
    for text in ("", "[]", "null", "{", '{"format": []}', "[" * 50_000):
        save_file({"w": torch.zeros(1)}, path, {"dae": text})
        with pytest.raises(CheckpointError):
            read_about(path)


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(Path(__file__).parent / "EXPLODED"), "w"))


@pytest.mark.parametrize("name", ["model.safetensors", "model.pt", "model.pkl"])
def test_a_pickle_with_a_friendly_name_is_not_run(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    for content in (pickle.dumps(_Bomb()), (100).to_bytes(8, "little") + pickle.dumps(_Bomb()) + b" " * 200):
        path.write_bytes(content)
        refused(path, "truncated or no safetensors file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(model_of().state_dict(), path)
    refused(path)
    with pytest.raises(CheckpointError):
        import_weights(path, "linear-32", SHAPE)
    assert not (Path(__file__).parent / "EXPLODED").exists()


@pytest.mark.parametrize("name", MODELS)
def test_foreign_weights_by_name_and_by_order(name: str, tmp_path: Path) -> None:
    model, path = model_of(name, seed=3), tmp_path / "w.safetensors"
    save_file(dict(model.state_dict()), path)
    assert same(weights(import_weights(path, name, SHAPE)), weights(model))
    # the natural order: layer 10 after layer 9, and of one layer the weight before the bias
    layers = list(dict.fromkeys(key.rpartition(".")[0] for key in model.state_dict()))
    places = {layer: place for place, layer in enumerate(layers)}
    foreign = {
        f"fc{places[layer]}.{own}": value.contiguous()
        for (layer, _, own), value in ((key.rpartition("."), value) for key, value in model.state_dict().items())
    }
    save_file(foreign, path)
    assert same(weights(import_weights(path, name, SHAPE)), weights(model))
    for form in ("layer{}.w", "w{}", "weights.{}"):
        numbered = {form.format(place): value.contiguous() for place, value in enumerate(model.state_dict().values())}
        save_file(numbered, path)
        assert same(weights(import_weights(path, name, SHAPE)), weights(model))


def test_foreign_weights_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    tensors = dict(model_of().state_dict())
    first = next(iter(tensors))
    for wrong in (
        {"only": torch.zeros(3)},
        {},
        tensors | {"more": torch.zeros(1)},
        tensors | {first: torch.zeros(2, 2)},
    ):
        save_file(wrong, path)
        with pytest.raises(CheckpointError, match="does not fit"):
            import_weights(path, "linear-32", SHAPE)
    with pytest.raises(DaeError, match="linear-33"):
        import_weights(path, "linear-33", SHAPE)


def test_strange_names_of_foreign_tensors(tmp_path: Path) -> None:
    save_file({"²": torch.zeros(1), "1": torch.zeros(1), "a-1": torch.zeros(1), "": torch.zeros(1)}, tmp_path / "w")
    with pytest.raises(CheckpointError):
        import_weights(tmp_path / "w", "linear-32", SHAPE)


def test_weights_in_half_precision_are_read_in_float32(tmp_path: Path) -> None:
    model = model_of()
    save_checkpoint(tmp_path / "whole", model, "linear-32", SHAPE, CONFIG)
    wanted = weights(model)
    save_checkpoint(tmp_path / "half", model.half(), "linear-32", SHAPE, CONFIG)
    assert (tmp_path / "half").stat().st_size < 0.51 * (tmp_path / "whole").stat().st_size
    for found in (load_checkpoint(tmp_path / "half").model, import_weights(tmp_path / "half", "linear-32", SHAPE)):
        for value, whole in zip(weights(found), wanted, strict=True):
            torch.testing.assert_close(value, whole, rtol=1e-3, atol=1e-7)  # of the same type, too
