"""Exported models compute the same as PyTorch at every supported size and batch size."""

from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch

from dae.cli import main
from dae.errors import CheckpointError, DataError, SpecError
from dae.models import MODELS, Checkpoint
from dae.models import export as export_module
from dae.models.export import TOLERANCE, _dynamic_shapes, export_model
from dae.runs import run_training
from tests.helpers import new_run, untrained_checkpoint

SIZES = [(28, 28), (5, 64), (37, 31), (64, 48)]


def checkpoint(name: str, channels: int = 1) -> Checkpoint:
    """Return a model with large random weights, whose output leaves [0, 1] if it is unbounded."""
    original = untrained_checkpoint(name, (channels, 28, 28), seed=3)
    for weight in original.model.parameters():
        weight.mul_(1.7)
    return original


def batches(original: Checkpoint) -> list[torch.Tensor]:
    sizes = SIZES if MODELS[original.name].any_size else SIZES[:1] * 3
    # Each size and each number of images, instead of their product.
    shapes = [(number, original.shape[0], *size) for number, size in zip((1, 7, 2, 1), sizes, strict=False)]
    return [torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape))) for shape in shapes]


# An export takes seconds; these models have all kinds of layers.
_EXPORTED = ("linear-32", "conv-64", "unet")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in _EXPORTED else pytest.mark.stress) for name in MODELS]
)
def test_onnxruntime_computes_the_same_as_pytorch(name: str, tmp_path: Path) -> None:
    original = checkpoint(name, channels=3 if name == "unet" else 1)
    difference = export_model(original, tmp_path / "model.onnx")
    assert difference is not None and difference <= TOLERANCE
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    onnx.checker.check_model(str(tmp_path / "model.onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (source,), (target,) = session.get_inputs(), session.get_outputs()
    assert (source.name, target.name) == ("noisy", "denoised") and source.shape == target.shape
    fixed = [side for side in source.shape if isinstance(side, int)]
    assert fixed == ([original.shape[0]] if MODELS[name].any_size else list(original.shape))
    for noisy in batches(original):
        denoised = torch.from_numpy(session.run(None, {"noisy": noisy.numpy()})[0])
        assert torch.allclose(denoised, original.model(noisy).clamp(0, 1), rtol=0, atol=1e-5)


# The export to ONNX of the other models passes through such a program.
@pytest.mark.parametrize("name", _EXPORTED)
def test_torch_export_program_computes_the_same_as_pytorch(name: str, tmp_path: Path) -> None:
    original = checkpoint(name)
    difference = export_model(original, tmp_path / "model.pt2")
    assert difference is not None and difference <= TOLERANCE
    program = torch.export.load(tmp_path / "model.pt2").module()
    for noisy in batches(original):
        denoised = program(noisy)
        assert denoised.shape == noisy.shape and denoised.min() >= 0 and denoised.max() <= 1
        assert torch.allclose(denoised, original.model(noisy).clamp(0, 1), rtol=0, atol=1e-5)


def test_an_export_is_limited_to_sizes_for_which_its_graph_computes_the_same() -> None:
    limited, unlimited = (
        _dynamic_shapes(untrained_checkpoint(name, (1, 64, 64), seed=3)) for name in ("level-unet", "unet")
    )
    # Larger photographs take another branch of the estimator of the noise level.
    assert limited[2].max == limited[3].max == 512
    assert unlimited[2].max > 1 << 20


def test_export_command_reports_shape_and_difference(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    list(run_training(new_run(tmp_path / "runs", photos, "trained", epochs=1)))
    target = tmp_path / "model.onnx"
    assert main(["export", "--checkpoints", str(tmp_path / "runs"), "trained", str(target)]) == 0
    out = capsys.readouterr().out
    assert "noisy (batch, 1, 28, 28)" in out and "Difference from PyTorch: at most" in out and target.is_file()


def test_missing_onnxscript_is_an_error_and_missing_onnxruntime_skips_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "_is_installed", lambda name: name != "onnxscript")
    with pytest.raises(SpecError, match="pip install onnxscript"):
        export_model(checkpoint("linear-32"), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(export_module, "_is_installed", lambda name: name != "onnxruntime")
    assert export_model(checkpoint("linear-32"), tmp_path / "model.onnx") is None


@pytest.mark.parametrize("name", ["model", "model.ONNX.txt", ".onnx", "model.pt"])
def test_unknown_suffix_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="unknown suffix. Use .onnx or .pt2"):
        export_model(checkpoint("linear-32"), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_failed_export_leaves_no_file(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = checkpoint("linear-32")
    with pytest.raises(DataError, match="cannot be written"):
        export_model(original, tmp_path / "nowhere" / f"model{suffix}")
    monkeypatch.setattr(export_module, "_max_difference", lambda *_: float("nan"))
    with pytest.raises(CheckpointError, match="differs from the model by nan"):
        export_model(original, tmp_path / f"model{suffix}")
    assert list(tmp_path.iterdir()) == []
