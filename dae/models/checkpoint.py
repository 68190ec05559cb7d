"""Weights as safetensors files, with everything needed to rebuild the model in the header.

Header size and the name, shape and type of every tensor are validated before memory is allocated. Nothing is unpickled.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dae.errors import CheckpointError, SpecError
from dae.models.base import Autoencoder, Shape
from dae.models.registry import MODELS, build_on_meta, canonical_model_name, validate_input_shape
from dae.utils.files import atomic_write, cached_by_stat, open_regular
from dae.utils.registry import lookup

FORMAT = 1
# Headers of this package have a few thousand bytes.
_MAX_HEADER_BYTES = 1 << 20
# A training state contains up to four times the weights of a model.
_MAX_FILE_BYTES = 1 << 32
_MAX_SIDE = 1_024
_MAX_NAME_LENGTH = 60

# Shape and type of a tensor, as in the header.
Signature = tuple[torch.Size, str]
# Types of weights and of the counters of batch normalization.
_TYPES = {torch.float32: "F32", torch.float16: "F32", torch.int64: "I64"}
# Weights may be stored in half precision, and are read as float32.
_HALF = "F16"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained model on the CPU in evaluation mode, with the metadata of its file.

    Attributes:
        name: the architecture, a key of MODELS.
        shape: of a training image, (C, H, W).
        config: the training configuration as JSON values.
    """

    model: Autoencoder
    name: str
    shape: Shape
    config: dict[str, Any]


def save_checkpoint(path: Path | str, model: Autoencoder, name: str, shape: Shape, config: Mapping[str, Any]) -> None:
    """Write weights and header atomically.

    A model in half precision (`model.half()`) makes a file of half the size, which is read as float32.

    Args:
        model: after a training, usually `TrainState.ema_model`.
        name: its key in MODELS.
        shape: of its images, (C, H, W).
        config: how it was trained, `TrainConfig.to_json()`; {} if unknown.

    Raises:
        UnknownNameError: there is no such model.
        SpecError: the weights are not those of this architecture for images of this shape.
        OSError: the write fails.
    """
    path = Path(path)
    if len(shape) != 3:
        raise SpecError(f"Image shape {tuple(shape)} is not valid. Use (channels, height, width).")
    expected, actual = signatures(build_on_meta(canonical_model_name(name), shape)), signatures(model)
    if actual != expected:
        raise SpecError(
            f"The weights are not those of model {name!r} for images of {tuple(shape)}: they contain "
            f"{_describe_tensors(actual)}. Expected {_describe_tensors(expected)}."
        )
    metadata = {"format": FORMAT, "model": name, "shape": list(shape), "config": dict(config)}
    save_tensors(path, {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}, metadata)


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write tensors, with `metadata` in the header, atomically; raise OSError if the write fails."""
    with atomic_write(path) as temporary:
        mode = temporary.stat().st_mode
        try:
            save_file(tensors, temporary, {"dae": json.dumps(metadata)})
        except SafetensorError as error:
            raise OSError(str(error)) from error
        # The file of safetensors can be read only by its owner.
        temporary.chmod(mode)


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Rebuild a model from a file of `save_checkpoint`.

    Raises:
        CheckpointError: the file is missing, truncated, foreign, of a newer format, or does not fit its model, or it
            contains NaN or infinity.
    """
    path = Path(path)
    name, shape, config = read_header(path)
    try:
        model = build_on_meta(name, shape)
        tensors = read_tensors(path, signatures(model))
        check_finite(path, tensors)
        assign_weights(model, tensors)
        # Convolutions on a CPU run up to twice as fast.
        model.to(memory_format=torch.channels_last)
        validate_input_shape(model, name, shape)
    except SpecError as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from error
    return Checkpoint(model, name, shape, dict(config))


@cached_by_stat
def read_header(path: Path) -> tuple[str, Shape, dict[str, Any]]:
    """Return architecture, image shape and training configuration from a header; raise as `load_checkpoint` does."""
    match read_tensor_metadata(path):
        case {"model": str(name), "config": dict(config), "shape": [int(channels), int(height), int(width)]} if all(
            # A boolean is an integer in Python.
            type(side) is int and 1 <= side <= _MAX_SIDE
            for side in (channels, height, width)
        ):
            name = canonical_model_name(name)
            try:
                lookup("model", MODELS, name)
            except SpecError as error:
                raise CheckpointError(f"{path} cannot be used: {error}") from error
            return name, (channels, height, width), config
        case _:
            raise CheckpointError(f"{path} does not name its model and shape. Use a file that `dae train` wrote.")


def read_tensor_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata that `save_tensors` wrote into the header; raise as `load_checkpoint` does."""
    with open_weights(path) as file:
        text = (file.metadata() or {}).get("dae")
    try:
        metadata = json.loads(text or "")
        version = metadata["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CheckpointError(
            f"{path} was not written by this program. Import its weights with `dae import-weights`."
        ) from None
    if version != FORMAT:
        raise CheckpointError(f"{path} has format {version}; this program reads format {FORMAT}. Update the program.")
    return dict(metadata)


def read_tensors(path: Path, expected: Mapping[str, Signature] | None = None) -> dict[str, Tensor]:
    """Read all tensors; raise CheckpointError, before reading any, if their signatures are not the expected ones."""
    with open_weights(path) as file:
        if expected is not None and (actual := file_signatures(file)) != expected:
            raise mismatch_error(path, "its model", actual, expected)
        tensors = {key: file.get_tensor(key) for key in expected or file.keys()}
    return {key: tensor.float() if tensor.dtype == torch.float16 else tensor for key, tensor in tensors.items()}


def open_weights(path: Path) -> Any:
    """Open a safetensors file, after validating its size and the size of its header."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            header_size = int.from_bytes(file.read(8), "little")
        if size < 8 or header_size > min(_MAX_HEADER_BYTES, size - 8) or size > _MAX_FILE_BYTES:
            raise CheckpointError(f"{path} is truncated or not a safetensors file. Use another file.")
        return safe_open(path, framework="pt", device="cpu")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    except SafetensorError as error:
        raise CheckpointError(f"{path} is truncated or not a safetensors file: {error}. Use another file.") from error


def check_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError if a weight is NaN or infinite, as after a training that diverged."""
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise CheckpointError(
                f"{path} contains weights that are NaN or infinite ({shorten(name)}), as after a training that "
                "diverged. Use other weights, or train again with a lower learning rate."
            )


def assign_weights(model: Autoencoder, tensors: dict[str, Tensor]) -> None:
    """Replace all weights and switch to evaluation mode without gradients."""
    model.load_state_dict(tensors, assign=True)
    model.requires_grad_(False)
    model.eval()


def signatures(model: Autoencoder) -> dict[str, Signature]:
    """Return shape and type of all weights by name, with half precision as float32."""
    return {key: (value.shape, _TYPES.get(value.dtype, str(value.dtype))) for key, value in model.state_dict().items()}


def file_signatures(file: Any) -> dict[str, Signature]:
    """Return the signatures of all tensors of a file, with half precision as float32."""
    signatures = {}
    for key in file.keys():
        tensor = file.get_slice(key)
        kind = tensor.get_dtype()
        signatures[key] = torch.Size(tensor.get_shape()), "F32" if kind == _HALF else kind
    return signatures


def mismatch_error(
    path: Path, target: str, actual: Mapping[str, Signature], expected: Mapping[str, Signature]
) -> CheckpointError:
    """Return the error for tensors with other signatures than the expected ones."""
    contents, requirements = _describe_tensors(actual), _describe_tensors(expected)
    return CheckpointError(f"{path} does not fit {target}: it contains {contents}. Expected {requirements}.")


def _describe_tensors(signatures: Mapping[str, Signature]) -> str:
    """Return names and shapes of the first four tensors, and their type unless it is float32."""
    tensors = [
        f"{shorten(key)} {'x'.join(map(str, shape)) or 'scalar'}{'' if kind == 'F32' else f' of type {kind}'}"
        for key, (shape, kind) in signatures.items()
    ]
    return ", ".join(tensors[:4]) + (f" and {len(tensors) - 4} more" if len(tensors) > 4 else "")


def shorten(name: str) -> str:
    """Return the name of a tensor for a message, cut if it is too long to read."""
    return name if len(name) <= _MAX_NAME_LENGTH else f"{name[:_MAX_NAME_LENGTH]}…"
