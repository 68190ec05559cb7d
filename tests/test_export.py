"""Exported models: other programs compute what PyTorch does, at every size and batch that is promised."""

from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F

from dae import export as export_module
from dae.checkpoints import Checkpoint
from dae.cli import main
from dae.data import load_dataset
from dae.errors import CheckpointError, DataError, SpecError
from dae.export import TOLERANCE, _Graph, export
from dae.models import MODELS
from dae.noise import NoiseSpec, corrupt
from dae.recording import record
from dae.runs import find_run
from tests.conftest import ROOT, new_run, untrained

SIZES = [(28, 28), (5, 64), (37, 31), (64, 48)]


def checkpoint(name: str, channels: int = 1) -> Checkpoint:
    """A model with large random weights, so that its output reaches beyond 0 to 1 where it can."""
    made = untrained(name, (channels, 28, 28), seed=3)
    for weight in made.model.parameters():
        weight.mul_(1.7)
    return made


def batches(made: Checkpoint) -> list[torch.Tensor]:
    sizes = SIZES if MODELS[made.name].any_size else SIZES[:1]
    shapes = [(number, made.shape[0], *size) for number in (1, 2, 7) for size in sizes]
    return [torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape))) for shape in shapes]


@pytest.mark.parametrize("name", MODELS)
def test_onnxruntime_computes_what_pytorch_does(name: str, tmp_path: Path) -> None:
    made = checkpoint(name, channels=3 if name == "unet" else 1)
    told = export(made, tmp_path / "model.onnx")
    assert told is not None and told <= TOLERANCE and [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    onnx.checker.check_model(str(tmp_path / "model.onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    (source,), (target,) = session.get_inputs(), session.get_outputs()
    assert (source.name, target.name) == ("noisy", "denoised") and source.shape == target.shape
    fixed = [side for side in source.shape if isinstance(side, int)]
    assert fixed == ([made.shape[0]] if MODELS[name].any_size else list(made.shape))
    for noisy in batches(made):
        denoised = torch.from_numpy(session.run(None, {"noisy": noisy.numpy()})[0])
        assert torch.allclose(denoised, made.model(noisy).clamp(0, 1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_a_program_of_torch_export_computes_what_the_model_does(name: str, tmp_path: Path) -> None:
    made = checkpoint(name)
    told = export(made, tmp_path / "model.pt2")
    assert told is not None and told <= TOLERANCE
    program = torch.export.load(tmp_path / "model.pt2").module()
    for noisy in batches(made):
        denoised = program(noisy)
        assert denoised.shape == noisy.shape and denoised.min() >= 0 and denoised.max() <= 1
        assert torch.allclose(denoised, made.model(noisy).clamp(0, 1), rtol=0, atol=1e-5)


def test_the_command(tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]) -> None:
    list(record(new_run(tmp_path / "runs", photos, "trained", epochs=1)))
    target = tmp_path / "model.onnx"
    assert main(["export", "--checkpoints", str(tmp_path / "runs"), "trained", str(target)]) == 0
    out = capsys.readouterr().out
    assert "noisy (batch, 1, 28, 28)" in out and "Difference from PyTorch: at most" in out and target.is_file()


def test_without_the_packages_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "_installed", lambda name: name != "onnxscript")
    with pytest.raises(SpecError, match="pip install onnxscript"):
        export(checkpoint("linear-32"), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(export_module, "_installed", lambda name: name != "onnxruntime")
    assert export(checkpoint("linear-32"), tmp_path / "model.onnx") is None


@pytest.mark.parametrize("name", ["model", "model.ONNX.txt", ".onnx", "model.pt"])
def test_the_suffix_says_what_to_write(name: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="neither .onnx nor .pt2"):
        export(checkpoint("linear-32"), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_what_is_wrong_or_cannot_be_written_leaves_nothing(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = checkpoint("linear-32")
    with pytest.raises(DataError, match="cannot be written"):
        export(made, tmp_path / "nowhere" / f"model{suffix}")
    monkeypatch.setattr(export_module, "_difference", lambda *_: float("nan"))
    with pytest.raises(CheckpointError, match="differs from the model by nan"):
        export(made, tmp_path / f"model{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("side", [25, 29])
def test_pictures_with_hardly_any_noise_come_out_alike(side: int) -> None:
    """Whether there is any at all is decided with the border that a picture is padded by."""
    made = find_run("mnist-blind", ROOT / "checkpoints").load()
    digits = F.interpolate(load_dataset("digits", "test", limit=32).clean(), side)
    for spec in ("gaussian:0.002", "gaussian:0.005", "masking:0.02"):
        noisy = corrupt(digits, NoiseSpec.parse(spec), torch.Generator().manual_seed(0))
        with torch.no_grad():
            torch.testing.assert_close(_Graph(made.model)(noisy), made.model(noisy).clamp(0, 1), rtol=0, atol=TOLERANCE)
