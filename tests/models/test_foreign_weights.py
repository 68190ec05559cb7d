"""Foreign weights: prefixes, other layer numbers and types are accepted; weights that are not finite are refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from dae.errors import CheckpointError
from dae.models import build_model, import_weights, load_checkpoint, save_checkpoint
from tests.helpers import tensors_equal, weights

SHAPE = (1, 28, 28)


def state_dict(name: str = "linear-32") -> dict[str, Tensor]:
    return {key: value.contiguous() for key, value in model(name).state_dict().items()}


def model(name: str = "linear-32") -> torch.nn.Module:
    return build_model(name, SHAPE, torch.Generator().manual_seed(1))


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "model.module.net."])
@pytest.mark.parametrize("name", ["linear-32", "unet"])
def test_common_prefixes_are_removed(name: str, prefix: str, tmp_path: Path) -> None:
    save_file({prefix + key: value for key, value in state_dict(name).items()}, tmp_path / "w")
    assert tensors_equal(weights(import_weights(tmp_path / "w", name, SHAPE)), weights(model(name)))


@pytest.mark.parametrize("prefix", ["", "net."])
def test_the_same_network_with_other_layer_numbers_is_matched_encoder_first(prefix: str, tmp_path: Path) -> None:
    renamed = {}
    for key, value in state_dict().items():
        renamed[prefix + key.replace("encoder.1", "encoder.0").replace("encoder.3", "encoder.2")] = value
    assert renamed.keys() != state_dict().keys()
    save_file(renamed, tmp_path / "w")
    assert tensors_equal(weights(import_weights(tmp_path / "w", "linear-32", SHAPE)), weights(model()))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_types_of_floats_become_float32(dtype: torch.dtype, tmp_path: Path) -> None:
    save_file({key: value.to(dtype) for key, value in state_dict().items()}, tmp_path / "w")
    imported = weights(import_weights(tmp_path / "w", "linear-32", SHAPE))
    assert tensors_equal(imported, [value.to(dtype).float() for value in weights(model())])


def test_floats_beyond_the_range_of_float32_are_refused(tmp_path: Path) -> None:
    tensors = {key: value.double() for key, value in state_dict().items()}
    next(iter(tensors.values()))[0] = 1e300
    save_file(tensors, tmp_path / "w")
    with pytest.raises(CheckpointError, match="finite"):
        import_weights(tmp_path / "w", "linear-32", SHAPE)


@pytest.mark.parametrize("suffix", ["pth", "pt", "ckpt", "onnx"])
def test_other_formats_are_refused_with_the_conversion(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"w.{suffix}").write_bytes(b"PK\3\4")
    with pytest.raises(CheckpointError, match=r"save_file\(model.state_dict\(\), 'w.safetensors'\)"):
        import_weights(tmp_path / f"w.{suffix}", "linear-32", SHAPE)


def test_a_layer_number_of_5000_digits_raises_a_short_error(tmp_path: Path) -> None:
    save_file({f"layer{'1' * 5_000}.weight": torch.zeros(1)}, tmp_path / "w")
    with pytest.raises(CheckpointError, match="does not fit") as caught:
        import_weights(tmp_path / "w", "linear-32", SHAPE)
    assert len(str(caught.value)) < 1_000


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    broken = model()
    next(broken.parameters()).data[0, 0] = value
    save_checkpoint(tmp_path / "m", broken, "linear-32", SHAPE, {})  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match="NaN or infinite"):
        load_checkpoint(tmp_path / "m")
    with pytest.raises(CheckpointError, match="NaN or infinite"):
        import_weights(tmp_path / "m", "linear-32", SHAPE)
