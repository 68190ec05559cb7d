"""Checkpoints: bit-exact round trips, foreign weights, and refusal of all other files."""

import json
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from dae.errors import CheckpointError, DaeError, SpecError, UnknownNameError
from dae.models import MODELS, Autoencoder, build_model, import_weights, load_checkpoint, save_checkpoint
from dae.models.checkpoint import FORMAT, read_header, read_tensor_metadata, save_tensors
from tests.helpers import small_config, tensors_equal, weights

SHAPE = (1, 28, 28)
CONFIG = small_config().to_json()


def model_of(name: str = "linear-32", seed: int = 0) -> Autoencoder:
    return build_model(name, SHAPE, torch.Generator().manual_seed(seed))


def saved(path: Path, name: str = "linear-32", **changes: Any) -> Path:
    """Write a checkpoint with changes to its header; None removes a key."""
    header = {"format": FORMAT, "model": name, "shape": list(SHAPE), "config": CONFIG} | changes
    tensors = dict(model_of(name).state_dict())
    save_tensors(path, tensors, {key: value for key, value in header.items() if value is not None})
    return path


def assert_refused(path: Path, *words: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value) and all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("name", MODELS)
def test_round_trip_is_bit_exact(name: str, tmp_path: Path) -> None:
    model, path = model_of(name), tmp_path / "model.safetensors"
    save_checkpoint(path, model, name, SHAPE, CONFIG)
    loaded = load_checkpoint(path)
    assert tensors_equal(weights(loaded.model), weights(model))
    assert (loaded.name, loaded.shape, loaded.config) == (name, SHAPE, CONFIG)
    assert not loaded.model.training and not any(value.requires_grad for value in loaded.model.parameters())
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_paths_may_be_strings_and_unknown_model_names_are_refused(tmp_path: Path) -> None:
    save_checkpoint(str(tmp_path / "m"), model_of("unet"), "unet", SHAPE, CONFIG)
    assert load_checkpoint(str(tmp_path / "m")).name == "unet"
    with pytest.raises(UnknownNameError, match="'unett'"):
        save_checkpoint(tmp_path / "other", model_of("unet"), "unett", SHAPE, CONFIG)
    assert not (tmp_path / "other").exists()


def test_weights_in_channels_last_format_are_saved(tmp_path: Path) -> None:
    model = model_of("unet").to(memory_format=torch.channels_last)
    save_checkpoint(tmp_path / "m", model, "unet", SHAPE, CONFIG)
    assert tensors_equal(weights(load_checkpoint(tmp_path / "m").model), weights(model))


def test_loaded_model_does_not_need_its_file(tmp_path: Path) -> None:
    path = saved(tmp_path / "m")
    loaded = load_checkpoint(path).model
    path.unlink()
    assert tensors_equal(weights(loaded), weights(model_of()))


def test_truncated_or_extended_file_is_refused(tmp_path: Path) -> None:
    content = saved(tmp_path / "full").read_bytes()
    header = int.from_bytes(content[:8], "little")
    cuts = {0, 1, 7, 8, 9, header // 2, header + 7, header + 8, header + 9, len(content) // 2, len(content) - 1}
    for cut in cuts:
        (tmp_path / "cut").write_bytes(content[:cut])
        assert_refused(tmp_path / "cut", "truncated")
    (tmp_path / "cut").write_bytes(content + b"more")
    assert_refused(tmp_path / "cut")


@pytest.mark.parametrize("claimed", [0, 1, 2**20 + 1, 2**31, 2**63, 2**64 - 1])
def test_header_of_hostile_size_is_refused(claimed: int, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(claimed.to_bytes(8, "little") + b"{}" * 600_000)
    assert_refused(tmp_path / "m", "truncated")


def test_header_that_declares_a_huge_tensor_is_refused(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    (tmp_path / "m").write_bytes(len(header).to_bytes(8, "little") + header)
    assert_refused(tmp_path / "m")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_bytes_of_the_header_raise_nothing_but_checkpoint_error(data: st.DataObject, tmp_path: Path) -> None:
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
    "changes",
    [
        {"model": None},
        {"model": 5},
        {"shape": [1, 28]},
        {"shape": [1, 28, 0]},
        {"shape": [1, -28, 28]},
        {"shape": [1, 28.0, 28]},
        {"shape": [1, 10**9, 10**9]},
        {"shape": "1x28x28"},
        {"shape": [True, 28, 28]},
        {"config": None},
        {"config": [1, 2]},
    ],
)
def test_header_without_valid_model_shape_and_config_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    assert_refused(saved(tmp_path / "m", **changes), "does not name its model")


def test_unknown_model_and_wrong_shapes_are_refused(tmp_path: Path) -> None:
    assert_refused(saved(tmp_path / "m", model="linear-33"), "linear-33", "Did you mean")
    with pytest.raises(CheckpointError, match="linear-33"):
        read_header(tmp_path / "m")
    assert_refused(saved(tmp_path / "m", model="linear-10"), "does not fit its model")
    assert_refused(saved(tmp_path / "m", shape=[1, 32, 32]), "does not fit its model")
    assert_refused(saved(tmp_path / "m", "conv-64", shape=[1, 37, 31]), "37 x 31")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64, torch.int64])
def test_tensors_of_another_dtype_are_refused(dtype: torch.dtype, tmp_path: Path) -> None:
    tensors = {name: value.to(dtype) for name, value in model_of().state_dict().items()}
    metadata = {"format": FORMAT, "model": "linear-32", "shape": list(SHAPE), "config": CONFIG}
    save_tensors(tmp_path / "m", tensors, metadata)
    assert_refused(tmp_path / "m", "does not fit its model")


def test_newer_format_is_refused_with_a_request_to_update(tmp_path: Path) -> None:
    assert_refused(saved(tmp_path / "m", format=FORMAT + 1), f"format {FORMAT + 1}", "Update")


def test_old_model_names_are_read_as_the_current_ones(tmp_path: Path) -> None:
    model, path = model_of("res-unet-blind"), tmp_path / "m"
    save_checkpoint(path, model, "res-unet-level", SHAPE, CONFIG)
    assert (load_checkpoint(path).name, read_header(path)[0]) == ("res-unet-blind", "res-unet-blind")
    assert tensors_equal(weights(import_weights(path, "res-unet-level", SHAPE)), weights(model))


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m"
    assert_refused(path, "cannot be read")
    assert_refused(tmp_path, "cannot be read")
    save_file(dict(model_of().state_dict()), path)
    assert_refused(path, "import-weights")
    for text in ("", "[]", "null", "{", '{"format": []}', "[" * 50_000):
        save_file({"w": torch.zeros(1)}, path, {"dae": text})
        with pytest.raises(CheckpointError):
            read_tensor_metadata(path)


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(Path(__file__).parent / "EXPLODED"), "w"))


@pytest.mark.parametrize("name", ["model.safetensors", "model.pt", "model.pkl"])
def test_pickle_in_disguise_is_not_executed(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    for content in (pickle.dumps(_Bomb()), (100).to_bytes(8, "little") + pickle.dumps(_Bomb()) + b" " * 200):
        path.write_bytes(content)
        assert_refused(path, "truncated or not a safetensors file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(model_of().state_dict(), path)
    assert_refused(path)
    with pytest.raises(CheckpointError):
        import_weights(path, "linear-32", SHAPE)
    assert not (Path(__file__).parent / "EXPLODED").exists()


@pytest.mark.parametrize("name", MODELS)
def test_foreign_weights_are_matched_by_name_or_by_order(name: str, tmp_path: Path) -> None:
    model, path = model_of(name, seed=3), tmp_path / "w.safetensors"
    save_file(dict(model.state_dict()), path)
    assert tensors_equal(weights(import_weights(path, name, SHAPE)), weights(model))
    # In natural order: layer 10 after layer 9, and the weight of a layer before its bias.
    layers = list(dict.fromkeys(key.rpartition(".")[0] for key in model.state_dict()))
    index = {layer: number for number, layer in enumerate(layers)}
    foreign = {
        f"fc{index[layer]}.{tensor}": value.contiguous()
        for (layer, _, tensor), value in ((key.rpartition("."), value) for key, value in model.state_dict().items())
    }
    save_file(foreign, path)
    assert tensors_equal(weights(import_weights(path, name, SHAPE)), weights(model))
    for form in ("layer{}.w", "w{}", "weights.{}"):
        numbered = {form.format(number): value.contiguous() for number, value in enumerate(model.state_dict().values())}
        save_file(numbered, path)
        assert tensors_equal(weights(import_weights(path, name, SHAPE)), weights(model))


def test_foreign_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
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


def test_unusual_tensor_names_are_refused(tmp_path: Path) -> None:
    save_file({"²": torch.zeros(1), "1": torch.zeros(1), "a-1": torch.zeros(1), "": torch.zeros(1)}, tmp_path / "w")
    with pytest.raises(CheckpointError):
        import_weights(tmp_path / "w", "linear-32", SHAPE)


def test_half_precision_weights_are_read_as_float32(tmp_path: Path) -> None:
    model = model_of()
    save_checkpoint(tmp_path / "full", model, "linear-32", SHAPE, CONFIG)
    expected = weights(model)
    save_checkpoint(tmp_path / "half", model.half(), "linear-32", SHAPE, CONFIG)
    assert (tmp_path / "half").stat().st_size < 0.51 * (tmp_path / "full").stat().st_size
    for loaded in (load_checkpoint(tmp_path / "half").model, import_weights(tmp_path / "half", "linear-32", SHAPE)):
        for value, original in zip(weights(loaded), expected, strict=True):
            # Also compares the dtypes.
            torch.testing.assert_close(value, original, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize(("name", "shape"), [("unet", SHAPE), ("linear-32", (28, 28)), ("linear-32", (1, 32, 32))])
def test_weights_of_another_model_or_shape_are_not_saved(name: str, shape: Any, tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        save_checkpoint(tmp_path / "weights.safetensors", model_of(), name, shape, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="needs file permissions")
def test_files_have_the_permissions_that_the_umask_allows(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        save_checkpoint(tmp_path / "weights.safetensors", model_of(), "linear-32", SHAPE, {})
    finally:
        os.umask(umask)
    assert (tmp_path / "weights.safetensors").stat().st_mode & 0o777 == 0o644
