"""Export of trained models to ONNX or to a `torch.export` program.

The exported model maps `noisy`, float32 (B, C, H, W), to `denoised` of the same shape, clamped to [0, 1]. The batch
size is dynamic, as are height and width for models of any size; U-Nets then need at least 5 pixels per side.
"""

import copy
import importlib.util
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from dae.errors import CheckpointError, DaeError, SpecError
from dae.models.base import Autoencoder
from dae.models.checkpoint import Checkpoint
from dae.models.registry import MODELS
from dae.utils.files import write_output
from dae.utils.random import make_generator

SUFFIXES = (".onnx", ".pt2")
TOLERANCE = 1e-5


def export_model(checkpoint: Checkpoint, target: Path | str) -> float | None:
    """Export a model atomically, in the format of the target's suffix, and compare its output with PyTorch's.

    Returns:
        The largest difference from PyTorch's output; None for ONNX without onnxruntime.

    Raises:
        SpecError: the suffix is neither .onnx nor .pt2, or a package for ONNX is missing.
        DataError: the file cannot be written.
        CheckpointError: the difference exceeds TOLERANCE, or PyTorch cannot export the model.
    """
    target = Path(target)
    check_target(target)
    module = _ExportModule(_contiguous_copy(checkpoint.model)).eval()
    exported: Callable[[Tensor], Tensor] | None
    with write_output(target) as temporary, _explain_failure(checkpoint, target):
        program = torch.export.export(module, (_example(checkpoint, 2),), dynamic_shapes=(_dynamic_shapes(checkpoint),))
        if target.suffix == ".onnx":
            converted = torch.onnx.export(
                program, input_names=["noisy"], output_names=["denoised"], dynamo=True, verbose=False
            )
            if converted is None:
                raise CheckpointError(f"Model {checkpoint.name!r} could not be converted to ONNX. Use .pt2.")
            converted.save(temporary)
            exported = _load_onnx(temporary) if _is_installed("onnxruntime") else None
        else:
            # torch reports a full disk by a RuntimeError without its reason.
            content = io.BytesIO()
            torch.export.save(program, content)
            temporary.write_bytes(content.getbuffer())
            exported = program.module()
        difference = None if exported is None else _max_difference(checkpoint, module, exported)
        # NaN fails this comparison, too.
        if difference is not None and not difference <= TOLERANCE:
            raise CheckpointError(f"The export differs from the model by {difference:g}, so it was not written.")
    return difference


@contextmanager
def _explain_failure(checkpoint: Checkpoint, target: Path) -> Iterator[None]:
    """Turn any other error of the exporters, whose messages fill pages, into a CheckpointError of one sentence."""
    try:
        yield
    except (DaeError, OSError):
        raise
    except Exception as error:
        other = ".pt2" if target.suffix == ".onnx" else ".onnx"
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise CheckpointError(
            f"Model {checkpoint.name!r} cannot be exported to {target.suffix}: {reason[:200]} Try {other}."
        ) from error


def _contiguous_copy(model: Autoencoder) -> Autoencoder:
    """Return a copy with contiguous weights; those of loaded models are channels-last, on which export depends."""
    model = copy.deepcopy(model)
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone(memory_format=torch.contiguous_format)
    return model


def check_target(target: Path) -> None:
    """Raise SpecError unless the suffix of `target` is supported and the packages for it are installed."""
    if target.suffix not in SUFFIXES:
        raise SpecError(f"{target.name} has an unknown suffix. Use {' or '.join(SUFFIXES)}.")
    required = ("onnx", "onnxscript") if target.suffix == ".onnx" else ()
    if missing := [package for package in required if not _is_installed(package)]:
        raise SpecError(f"ONNX export needs missing packages. Run: pip install {' '.join(missing)}")


class _ExportModule(nn.Module):
    """The model with clamped output, and with padding that keeps height and width symbolic.

    The models pad and crop by slicing, which makes torch.export specialize on some sizes. Selecting rows and columns by
    index computes the same values for all sizes.
    """

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model
        self.multiple = model.size_multiple

    def forward(self, noisy: Tensor) -> Tensor:
        if self.multiple == 1:
            return self.model(noisy).clamp(0, 1)  # type: ignore[no-any-return]
        padded, sides = noisy, noisy.shape[-2:]
        for axis, side in zip((2, 3), sides, strict=True):
            padded_side = (side + self.multiple - 1) // self.multiple * self.multiple
            padded = padded.index_select(axis, torch.arange(padded_side).clamp(max=side - 1))
        denoised = self.model(padded)
        for axis, side in zip((2, 3), sides, strict=True):
            denoised = denoised.index_select(axis, torch.arange(side))
        return denoised.clamp(0, 1)  # type: ignore[no-any-return]


def _dynamic_shapes(checkpoint: Checkpoint) -> dict[int, torch.export.Dim]:
    dimensions = {0: torch.export.Dim("batch", min=1)}
    if MODELS[checkpoint.name].any_size:
        multiple = checkpoint.model.size_multiple
        # torch.export specializes on sizes of 1, here those of the coarsest feature map.
        min_side = multiple + 1 if multiple > 1 else 1
        for axis, name in ((2, "height"), (3, "width")):
            dimensions[axis] = torch.export.Dim(name, min=min_side, max=checkpoint.model.max_exported_side)
    return dimensions


def _example(checkpoint: Checkpoint, batch_size: int, odd_sides: bool = True) -> Tensor:
    """Return random images (batch_size, C, H, W); with odd sides, which every padding model pads, if it accepts any."""
    channels, height, width = checkpoint.shape
    if odd_sides and MODELS[checkpoint.name].any_size:
        height, width = 29, 31
    return torch.rand(batch_size, channels, height, width, generator=make_generator(batch_size))


def _max_difference(
    checkpoint: Checkpoint, module: Callable[[Tensor], Tensor], exported: Callable[[Tensor], Tensor]
) -> float:
    """Return the largest difference from the module's output over several batch sizes, sizes and contrasts."""
    differences = []
    for batch_size, odd_sides, contrast in ((1, False, 1.0), (3, True, 1.0), (4, False, 1.0), (8, True, 0.01)):
        noisy = _example(checkpoint, batch_size, odd_sides) * contrast
        with torch.no_grad():
            differences.append((exported(noisy) - module(noisy)).abs().max())
    # Unlike Python's max, this is NaN if any difference is.
    return float(torch.stack(differences).max())


def _load_onnx(path: Path) -> Callable[[Tensor], Tensor]:
    # onnxruntime is an optional dependency.
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return lambda noisy: torch.from_numpy(session.run(None, {"noisy": noisy.numpy()})[0])


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
