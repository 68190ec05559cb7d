"""Weights on disk: safetensors, with all that is needed to rebuild the model in the file's own header.

A file is checked against its model before memory is taken: the header's size, then every tensor's name, shape and
type. Nothing is ever loaded by pickle.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dae.errors import CheckpointError, SpecError
from dae.files import whole_file
from dae.models import Autoencoder, Shape, check_shape, meta_model

FORMAT = 1
_HEADER_LIMIT = 1 << 20  # bytes; ours are a few thousand
_SIDE_LIMIT = 1_024
_FILE_LIMIT = 1 << 32  # a state to resume from has four times the weights of a model

Form = tuple[torch.Size, str]  # shape and type of a tensor, as a file's header has them
_TYPES = {torch.float32: "F32", torch.int64: "I64"}  # of weights, and of the counters of batch normalisation
_OF_LAYER = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_HALF = "F16"  # stored to halve the file, read as float32


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A trained model, on the CPU and ready to denoise, with what its file says of it.

    Attributes:
        name: the architecture, a key of MODELS.
        shape: of the images that it was trained on, (C, H, W).
        config: the training's configuration as JSON values.
    """

    model: Autoencoder
    name: str
    shape: Shape
    config: dict[str, Any]


def save_checkpoint(path: Path, model: Autoencoder, name: str, shape: Shape, config: Mapping[str, Any]) -> None:
    """Write weights and header to `path`, whole or not at all; raises OSError.

    A model in half precision (`model.half()`) makes half the file, and is read in float32 again.
    """
    about = {"format": FORMAT, "model": name, "shape": list(shape), "config": dict(config)}
    save_tensors(path, {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}, about)


def save_tensors(path: Path, tensors: dict[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors with `about` in the header, whole or not at all; raises OSError."""
    with whole_file(path) as temporary:
        try:
            save_file(tensors, temporary, {"dae": json.dumps(about)})
        except SafetensorError as error:  # what safetensors makes of a full disk
            raise OSError(str(error)) from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Rebuild the model that `save_checkpoint` wrote.

    Raises:
        CheckpointError: the file is missing, truncated, foreign, of a newer format, or does not fit its model.
    """
    name, shape, config = describe(path)
    try:
        model = meta_model(name, shape)
        _assign(model, read_tensors(path, _forms(model)))
        model.to(memory_format=torch.channels_last)  # convolutions on a CPU run up to twice as fast
        check_shape(model, name, shape)
    except SpecError as error:
        raise CheckpointError(f"{path} cannot be used: {error}") from error
    return Checkpoint(model, name, shape, config)


def describe(path: Path) -> tuple[str, Shape, dict[str, Any]]:
    """The architecture, image shape and configuration in a checkpoint's header; raises as `load_checkpoint`."""
    about = read_about(path)
    match about:
        case {"model": str(name), "config": dict(config), "shape": [int(channels), int(height), int(width)]} if all(
            1 <= side <= _SIDE_LIMIT for side in (channels, height, width)
        ):
            return name, (channels, height, width), config
        case _:
            raise CheckpointError(f"{path} does not say which model it holds; use one that `dae train` wrote.")


def import_weights(path: Path, name: str, shape: Shape) -> Autoencoder:
    """The model `name` with the weights of a foreign safetensors file.

    Tensors are matched by name, or else in the natural order of their names when all shapes then agree.

    Raises:
        CheckpointError: the file is no safetensors file, or its tensors do not fit the model.
        SpecError: the model cannot take images of this shape.
    """
    model = meta_model(name, shape)
    wanted = _forms(model)
    with _opened(path) as file:
        found = {key: _form(file, key) for key in file.keys()}  # noqa: SIM118
    ordered = list(wanted) if found.keys() == wanted.keys() else sorted(found, key=_natural)
    if [found[key] for key in ordered] != list(wanted.values()):
        raise CheckpointError(
            f"{path} does not fit model {name!r}: it holds {_listed(found)}, the model wants {_listed(wanted)}."
        )
    tensors = read_tensors(path)
    _assign(model, {own: tensors[theirs] for own, theirs in zip(wanted, ordered, strict=True)})
    check_shape(model, name, shape)
    return model


def read_about(path: Path) -> dict[str, Any]:
    """What `save_tensors` put into the header; raises CheckpointError as `load_checkpoint` does."""
    with _opened(path) as file:
        text = (file.metadata() or {}).get("dae")
    try:
        about = json.loads(text or "")
        version = about["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CheckpointError(
            f"{path} was not written by this program; bring its weights in with `dae import-weights`."
        ) from None
    if version != FORMAT:
        raise CheckpointError(f"{path} has format {version}, newer than this program's {FORMAT}. Update the program.")
    return dict(about)


def read_tensors(path: Path, wanted: Mapping[str, Form] | None = None) -> dict[str, Tensor]:
    """The file's tensors; where `wanted` is given, refused before they are read unless names and forms agree."""
    with _opened(path) as file:
        keys = list(file.keys())
        if wanted is not None:
            found = {key: _form(file, key) for key in keys}
            if found != dict(wanted):
                raise CheckpointError(
                    f"{path} does not fit its model: it holds {_listed(found)}, the model wants {_listed(wanted)}."
                )
            keys = list(wanted)
        return {key: _widened(file.get_tensor(key)) for key in keys}


def _opened(path: Path) -> Any:
    """A safetensors file whose header is known to be small enough and whose length to be right."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = int.from_bytes(file.read(8), "little")
        if size < 8 or header > min(_HEADER_LIMIT, size - 8) or size > _FILE_LIMIT:
            raise CheckpointError(f"{path} is truncated or no safetensors file; use one that `dae train` wrote.")
        return safe_open(path, framework="pt", device="cpu")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from error
    except SafetensorError as error:
        raise CheckpointError(f"{path} is truncated or no safetensors file ({error}).") from error


def _assign(model: Autoencoder, tensors: dict[str, Tensor]) -> None:
    model.load_state_dict(tensors, assign=True)
    model.requires_grad_(False)
    model.eval()


def _natural(name: str) -> tuple[list[int | str], int, list[int | str]]:
    """Where a tensor stands among others: layer 10 after layer 9, and a layer's own as PyTorch orders them."""
    layer, _, own = name.rpartition(".")
    return _numbered(layer), _OF_LAYER.index(own) if own in _OF_LAYER else len(_OF_LAYER), _numbered(own)


def _numbered(text: str) -> list[int | str]:
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", text)]


def _forms(model: Autoencoder) -> dict[str, Form]:
    return {key: (value.shape, _TYPES[value.dtype]) for key, value in model.state_dict().items()}


def _form(file: Any, key: str) -> Form:
    part = file.get_slice(key)
    kind = part.get_dtype()
    return torch.Size(part.get_shape()), _TYPES[torch.float32] if kind == _HALF else kind


def _widened(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype == torch.float16 else tensor


def _listed(forms: Mapping[str, Form]) -> str:
    listed = [
        f"{key} {'x'.join(map(str, shape)) or 'scalar'}{'' if kind == 'F32' else f' of type {kind}'}"
        for key, (shape, kind) in forms.items()
    ]
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
