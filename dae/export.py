"""Trained models for other programs: an ONNX file, or a program of torch.export.

Either takes `noisy`, float32 (B, C, H, W), and gives `denoised` of the same shape, clamped to [0, 1]. The batch is
dynamic; so are height and width where the model takes any size. For the U-Net each side is then 5 pixels or more.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from dae.checkpoints import Checkpoint
from dae.errors import CheckpointError, DataError, SpecError
from dae.files import whole_file
from dae.models import MODELS, Autoencoder
from dae.seeds import generator

SUFFIXES = (".onnx", ".pt2")
TOLERANCE = 1e-5


def export(checkpoint: Checkpoint, target: Path) -> float | None:
    """Write the model as the suffix of `target` says, whole or not at all.

    Returns:
        The largest difference from PyTorch's own output that a check found; None for ONNX without onnxruntime.

    Raises:
        SpecError: the suffix is neither .onnx nor .pt2, or packages for ONNX are missing.
        DataError: the file cannot be written.
        CheckpointError: what was exported differs from the model by more than TOLERANCE.
    """
    check_target(target)
    program = torch.export.export(
        _Graph(checkpoint.model).eval(), (_example(checkpoint, 2),), dynamic_shapes=(_dynamic(checkpoint),)
    )
    try:
        with whole_file(target) as temporary:
            if target.suffix == ".onnx":
                converted = torch.onnx.export(
                    program, input_names=["noisy"], output_names=["denoised"], dynamo=True, verbose=False
                )
                if converted is None:
                    raise CheckpointError(f"Model {checkpoint.name!r} could not be converted to ONNX.")
                converted.save(temporary)
                difference = _difference(checkpoint, _onnx(temporary)) if _installed("onnxruntime") else None
            else:
                with temporary.open("wb") as file:
                    torch.export.save(program, file)
                difference = _difference(checkpoint, program.module())
            if difference is not None and not difference <= TOLERANCE:
                raise CheckpointError(f"The export differs from the model by {difference:g}, so it is not kept.")
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror}.") from error
    return difference


def check_target(target: Path) -> None:
    """Raise SpecError unless a model can be exported to a file of this name, with the packages that are here."""
    if target.suffix not in SUFFIXES:
        raise SpecError(f"{target.name} ends in neither {' nor '.join(SUFFIXES)}, which say what to write.")
    missing = [name for name in ("onnx", "onnxscript") if target.suffix == ".onnx" and not _installed(name)]
    if missing:
        raise SpecError(f"An ONNX file needs what is not installed here: pip install {' '.join(missing)}")


def dynamic_sides(checkpoint: Checkpoint) -> bool:
    """Whether the exported model takes pictures of other heights and widths than it was trained on."""
    return MODELS[checkpoint.name].any_size


class _Graph(nn.Module):
    """The model with its output clamped, and with its padding written so that height and width can be symbols.

    The U-Net pads and crops by slices, which torch.export takes as a promise that some sizes never come. Here the
    border is repeated, and cut off again, by picking rows and columns: the same numbers, for all sizes.
    """

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model
        self.multiple = model.multiple

    def forward(self, noisy: Tensor) -> Tensor:
        if self.multiple == 1:
            return self.model(noisy).clamp(0, 1)  # type: ignore[no-any-return]
        padded, sides = noisy, noisy.shape[-2:]
        for axis, side in zip((2, 3), sides, strict=True):
            whole = (side + self.multiple - 1) // self.multiple * self.multiple
            padded = padded.index_select(axis, torch.arange(whole).clamp(max=side - 1))
        denoised = self.model(padded)
        for axis, side in zip((2, 3), sides, strict=True):
            denoised = denoised.index_select(axis, torch.arange(side))
        return denoised.clamp(0, 1)  # type: ignore[no-any-return]


def _dynamic(checkpoint: Checkpoint) -> dict[int, torch.export.Dim]:
    dimensions = {0: torch.export.Dim("batch", min=1)}
    if dynamic_sides(checkpoint):
        multiple = checkpoint.model.multiple
        least = multiple + 1 if multiple > 1 else 1  # a map of one row or column would be a case of its own
        dimensions |= {2: torch.export.Dim("height", min=least), 3: torch.export.Dim("width", min=least)}
    return dimensions


def _example(checkpoint: Checkpoint, number: int, odd: bool = True) -> Tensor:
    """Noisy images (number, C, H, W); of odd sides that no model would pad to, where any are taken."""
    channels, height, width = checkpoint.shape
    if odd and dynamic_sides(checkpoint):
        height, width = 29, 31
    return torch.rand(number, channels, height, width, generator=generator(number))


def _difference(checkpoint: Checkpoint, exported: Callable[[Tensor], Tensor]) -> float:
    """The largest from the model's own output, clamped, over some batches and sizes, of little noise and of much."""
    worst = 0.0
    for number, odd, strength in ((1, False, 1.0), (3, True, 1.0), (4, False, 1.0), (8, True, 0.01)):
        noisy = _example(checkpoint, number, odd) * strength
        with torch.no_grad():
            expected = checkpoint.model(noisy).clamp(0, 1)
            worst = max(worst, float((exported(noisy) - expected).abs().max()))
    return worst


def _onnx(path: Path) -> Callable[[Tensor], Tensor]:
    import onnxruntime  # optional

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return lambda noisy: torch.from_numpy(session.run(None, {"noisy": noisy.numpy()})[0])


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
