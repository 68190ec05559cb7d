"""Import weights that another program wrote, with other names or types of tensors."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from dae.errors import CheckpointError
from dae.models.base import Autoencoder, Shape
from dae.models.checkpoint import (
    Signature,
    assign_weights,
    check_finite,
    file_signatures,
    mismatch_error,
    open_weights,
    read_tensors,
    signatures,
)
from dae.models.registry import build_on_meta, canonical_model_name, validate_input_shape

# Order of the tensors of one layer in a state_dict.
_LAYER_TENSORS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
# Parts of names in the order in which an image passes through the layers.
_STAGES = (("enc", "down", "head", "input"), ("mid", "bottleneck", "latent"), ("dec", "up", "tail", "out"))
# Types in a file that become float32.
_FLOATS = ("F64", "F16", "BF16")
_OTHER_FORMATS = {".pt", ".pth", ".ckpt", ".bin", ".pkl", ".h5", ".keras", ".onnx", ".npz", ".msgpack"}


def import_weights(path: Path, name: str, shape: Shape) -> Autoencoder:
    """Return the model `name` with the weights of a foreign safetensors file, as float32.

    Tensors are matched by name, after a common prefix such as "module." is removed; else by the natural order of their
    names, encoder first, if all shapes then agree.

    Raises:
        CheckpointError: the file is not a safetensors file, its tensors do not fit the model, or they are not finite.
        SpecError: the model cannot process images of this shape.
    """
    name = canonical_model_name(name)
    model = build_on_meta(name, shape)
    expected = signatures(model)
    if path.suffix.lower() in _OTHER_FORMATS:
        raise CheckpointError(
            f"{path} is not a safetensors file. In the program that made it, write one: "
            f"safetensors.torch.save_file(model.state_dict(), '{path.stem}.safetensors')."
        )
    with open_weights(path) as file:
        actual = {
            key: (size, "F32" if kind in _FLOATS else kind) for key, (size, kind) in file_signatures(file).items()
        }
    names = _match(actual, expected)
    if names is None:
        raise mismatch_error(path, f"model {name!r}", actual, expected)
    foreign = read_tensors(path)
    tensors = {key: foreign[names[key]] for key in expected}
    tensors = {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
    # After the conversion: large values of float64 become infinite.
    check_finite(path, tensors)
    assign_weights(model, tensors)
    validate_input_shape(model, name, shape)
    return model


def _match(actual: Mapping[str, Signature], expected: Mapping[str, Signature]) -> dict[str, str] | None:
    """Return the name in the file for each name in the model, or None if the shapes do not agree."""
    prefix = _common_prefix(list(actual), list(expected))
    if {key.removeprefix(prefix) for key in actual} == expected.keys():
        names = {key: prefix + key for key in expected}
        return names if all(actual[names[key]] == signature for key, signature in expected.items()) else None
    for order in (_natural_key, _staged_key):
        ordered = sorted(actual, key=order)
        if [actual[key] for key in ordered] == list(expected.values()):
            return dict(zip(expected, ordered, strict=True))
    return None


def _common_prefix(actual: Sequence[str], expected: Sequence[str]) -> str:
    """Return what all names of the file begin with, such as "module.", if no name of the model does."""
    prefix = ""
    while True:
        firsts = {key.removeprefix(prefix).partition(".")[0] for key in actual}
        if len(firsts) != 1 or any("." not in key.removeprefix(prefix) for key in actual):
            return prefix
        (first,) = firsts
        if any(key.startswith(f"{first}.") for key in expected):
            return prefix
        prefix += f"{first}."


_SortKey = tuple[list[tuple[int, str]], int, list[tuple[int, str]]]


def _natural_key(name: str) -> _SortKey:
    """Return a sort key: layer 10 after layer 9, and the tensors of one layer in PyTorch's order."""
    layer, _, tensor = name.rpartition(".")
    rank = _LAYER_TENSORS.index(tensor) if tensor in _LAYER_TENSORS else len(_LAYER_TENSORS)
    return _split_numbers(layer), rank, _split_numbers(tensor)


def _staged_key(name: str) -> tuple[int, _SortKey]:
    """Return a sort key that begins with the stage: encoder, then bottleneck, then decoder."""
    lowered = name.lower()
    stages = (number for number, parts in enumerate(_STAGES) if any(part in lowered for part in parts))
    return next(stages, 1), _natural_key(name)


def _split_numbers(text: str) -> list[tuple[int, str]]:
    """Split into texts, as (0, text), and numbers, as (digits, number), which compare like integers of any length."""
    parts = []
    for part in re.split(r"([0-9]+)", text):
        number = part.lstrip("0") or "0"
        parts.append((len(number), number) if part[:1].isdecimal() and part.isascii() else (0, part))
    return parts
