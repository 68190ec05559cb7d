"""Export of models as they are loaded from files, and exports that fail."""

from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from dae.errors import CheckpointError, DataError
from dae.models.export import TOLERANCE, export_model
from dae.runs import find_run
from dae.utils import files
from tests.helpers import ROOT, untrained_checkpoint


@pytest.mark.parametrize(("run", "suffix"), [("mnist-conv", ".onnx"), ("mnist-conv", ".pt2"), ("mnist-blind", ".pt2")])
def test_shipped_models_are_exported_as_loaded(run: str, suffix: str, tmp_path: Path) -> None:
    checkpoint = find_run(run, ROOT / "checkpoints").load()
    strides = [weight.stride() for weight in checkpoint.model.parameters()]
    difference = export_model(checkpoint, tmp_path / f"model{suffix}")
    assert difference is not None and difference <= TOLERANCE
    assert [weight.stride() for weight in checkpoint.model.parameters()] == strides


def test_a_model_in_training_mode_is_exported_in_evaluation_mode(tmp_path: Path) -> None:
    trained = untrained_checkpoint("dncnn", (1, 9, 9))
    trained.model.train()
    difference = export_model(trained, str(tmp_path / "model.pt2"))
    assert difference is not None and difference <= TOLERANCE


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_a_failing_exporter_raises_a_one_line_error_and_leaves_no_file(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise torch._dynamo.exc.UserError(
            torch._dynamo.exc.UserErrorType.CONSTRAINT_VIOLATION, "Constraints violated (width)\n" + "more\n" * 70
        )

    monkeypatch.setattr(torch.export, "export", fail)
    with pytest.raises(CheckpointError, match="cannot be exported.*Constraints violated") as caught:
        export_model(untrained_checkpoint("linear-32"), tmp_path / f"model{suffix}")
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_a_full_disk_raises_a_data_error(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "atomic_write", lambda target: nullcontext(Path("/dev/full")))
    with pytest.raises(DataError, match="No space left on device"):
        export_model(untrained_checkpoint("linear-32"), tmp_path / f"model{suffix}")
