"""Distributed training: ranks agree with each other and with a single process, and a run survives a killed rank.

torchrun starts real processes on this machine, which communicate through gloo. Two launches serve all tests: each
imports PyTorch three times, which takes longer than all the trainings.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dae.data import load_dataset
from dae.errors import SpecError
from dae.noise import NoiseSpec
from dae.runs import Run, list_runs, run_training
from dae.training import DistributedContext, TrainReport, TrainState, fit
from dae.training.distributed import SINGLE_PROCESS, init_distributed
from tests.helpers import (
    PATIENCE_S,
    ROOT,
    epochs,
    new_run,
    small_config,
    stop_at_epoch,
    tensors_equal,
    train,
    wait_for,
    weights,
)

# One worker runs the tests of one launch.
pytestmark = [pytest.mark.distributed, pytest.mark.xdist_group("distributed")]

QUIET = NoiseSpec("gaussian", 0.0)


@contextmanager
def launched(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Start two processes with torchrun; end all at the end of the block."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*command, *map(str, arguments)], env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def workers(launcher: subprocess.Popen[str]) -> dict[str, int]:
    """Return the process ids of the launcher's children, by rank."""
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    ranks = {}
    for pid in children:
        variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
        ranks |= {name.removeprefix("RANK="): int(pid) for name in variables if name.startswith("RANK=")}
    return ranks


def close(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.allclose(one, two, rtol=1e-4, atol=1e-5) for one, two in zip(first, second, strict=True))


@dataclass(frozen=True)
class Launch:
    """A finished launch of `distributed_program.py`: its output folder, and exit code and errors of torchrun."""

    folder: Path
    returncode: int
    errors: str

    def printed(self, name: str) -> str:
        """Return what both ranks have printed."""
        return "".join((self.folder / f"{name}-{rank}.txt").read_text() for rank in (0, 1))


@pytest.fixture(scope="module")
def launch(photos: str, tmp_path_factory: pytest.TempPathFactory) -> Launch:
    """Run `distributed_program.py` with two processes."""
    folder = tmp_path_factory.mktemp("launch")
    whole, parts = (new_run(folder / "runs", photos, name, noise=QUIET) for name in ("whole", "parts"))
    list(run_training(whole))
    stop_at_epoch(parts, 1)
    new_run(folder / "runs", photos, "endless", epochs=10_000)
    with launched("-m", "tests.training.distributed_program", photos, folder) as launcher:
        _, errors = launcher.communicate(timeout=PATIENCE_S)
    # Each training writes such a file; the last one fails.
    assert (folder / "mistake-0.txt").exists(), errors
    return Launch(folder, launcher.returncode, errors)


def _last_epoch_loss(reports: list[TrainReport]) -> float:
    """Return the mean loss of the last epoch; a report has the mean of the steps since the one before."""
    last_epoch = [report for report in reports if report.loss is not None and report.step > reports[-1].steps * 2 // 3]
    steps = [reports[-1].steps * 2 // 3, *(report.step for report in last_epoch)]
    weights = [step - before for before, step in zip(steps, steps[1:], strict=False)]
    return sum(weight * float(report.loss or 0) for weight, report in zip(weights, last_epoch, strict=True)) / sum(
        weights
    )


def test_two_ranks_have_equal_weights_that_match_a_single_process_without_noise(launch: Launch, photos: str) -> None:
    """21 images in batches of 10: in the last batch of an epoch the second process has no image."""
    images, test = (load_dataset(photos, split) for split in ("train", "test"))
    for level in (0.0, 0.5):
        config = small_config(dataset=photos, max_images=21, batch_size=10, noise=NoiseSpec("gaussian", level))
        state = TrainState(config, images.shape)
        reports = list(fit(config, state, images, test))
        first, second = (load_file(launch.folder / f"{level}-{rank}.safetensors") for rank in (0, 1))
        assert tensors_equal(list(first.values()), list(second.values()))
        one, two = ((launch.folder / f"{level}-{rank}.txt").read_text().split() for rank in (0, 1))
        # One report before training, then three steps and a validation per epoch.
        assert one == two and len(one) == 1 + 3 * 4
        names = sorted(state.model.state_dict())
        alone = [state.model.state_dict()[name] for name in names]
        assert close([first[name] for name in names], alone) is (level == 0.0)
        known = [float(loss) for loss in one if loss != "None"]
        last = _last_epoch_loss(reports)
        assert last == pytest.approx(sum(known[-3:]) / 3, rel=1e-4 if level == 0.0 else 0.1)


def test_a_run_of_one_process_resumes_with_two_and_ends_like_an_uninterrupted_one(launch: Launch) -> None:
    whole, parts = (Run(launch.folder / "runs" / name) for name in ("whole", "parts"))
    out = launch.printed("resumed")
    assert out.count("Run parts in") == 1 and "trained by 2 processes" in out and out.count("epoch 3/3") == 1
    assert parts.state == "finished" and epochs(parts) == [0, 1, 2, 3]
    facts, before = parts.metadata(), whole.metadata()
    assert facts and facts.world_size == 2 and before and before.world_size == 1
    assert close(weights(parts.load().model), weights(whole.load().model))
    scores, expected = parts.progress()[-1]["scores"], whole.progress()[-1]["scores"]
    assert scores == {name: pytest.approx(value, rel=1e-3) for name, value in expected.items()}


def test_a_stop_request_stops_both_ranks_and_leaves_a_resumable_run(launch: Launch) -> None:
    run = Run(launch.folder / "runs/endless")
    assert run.state == "stopped" and run.status.message == "Stopped on request." and not run.status.stop_requested
    assert f"dae train --resume {run.path}" in launch.printed("stopped") and run.has_model
    speeds = [line["images_per_second"] for line in run.progress() if line["images_per_second"]]
    assert speeds and min(speeds) > 0


def test_a_batch_smaller_than_the_world_size_is_reported_and_creates_no_run(launch: Launch) -> None:
    assert launch.returncode != 0 and "exitcode  : 2" in launch.errors
    assert "dae: A batch of 1 cannot be shared by 2 processes" in launch.errors
    assert "Run" not in launch.printed("mistake")
    assert {run.name for run in list_runs(launch.folder / "runs")} == {"endless", "parts", "whole"}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the process to kill through /proc")
def test_a_killed_process_ends_the_whole_run_which_can_be_resumed(tmp_path: Path, photos: str) -> None:
    options = ["--dataset", photos, "--model", "linear-32", "--batch-size", 8, "--epochs", 10_000, "--device", "cpu"]
    with launched("-m", "dae", "train", "--checkpoints", tmp_path, *options, "--name", "run") as launcher:
        wait_for((tmp_path / "run" / "resume.safetensors").exists, launcher)
        os.kill(workers(launcher)["1"], signal.SIGKILL)
        _, errors = launcher.communicate(timeout=PATIENCE_S)
        assert launcher.returncode != 0
    run = Run(tmp_path / "run")
    assert run.state == "stopped" and "2 processes" in run.status.message
    assert errors.count("dae: Training ended because") == 1
    assert not (run.path / "failure.txt").exists()
    recorded = run_training(run)
    while (report := next(recorded)).scores is None or report.epoch == 0:
        pass
    recorded.close()
    assert epochs(run) == list(range(report.epoch + 1)) and run.has_model


# Tests within a single process


@pytest.mark.parametrize(("number", "size"), [(1, 1), (1, 8), (2, 3), (5, 2), (5, 3), (24, 8)])
def test_shards_partition_the_batch_and_their_weighted_means_average_to_its_mean(number: int, size: int) -> None:
    values = torch.rand(100, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    batch = torch.randperm(100, generator=torch.Generator().manual_seed(1))[:number]
    shares = [DistributedContext(rank, size).shard(batch) for rank in range(size)]
    counted = torch.cat([mine for mine, weight in shares if weight])
    assert sorted(counted.tolist()) == sorted(batch.tolist()) and all(len(mine) for mine, _ in shares)
    mean = sum(values[mine].mean() * weight for mine, weight in shares) / size
    assert float(mean) == pytest.approx(float(values[batch].mean()), rel=1e-12)


def test_a_single_process_initializes_no_process_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    with init_distributed() as group:
        assert group is SINGLE_PROCESS and list(group.synchronize([1, 2])) == [1, 2]
    assert not torch.distributed.is_initialized()
    assert train(small_config(epochs=1))[1][-1].scores


@pytest.mark.parametrize("cards, name, expected", [(0, "auto", "cpu"), (2, "auto", "cuda:1"), (2, "cuda", "cuda:1")])
def test_each_rank_uses_the_gpu_of_its_local_rank_or_the_cpu(
    cards: int, name: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cards > 0)
    assert DistributedContext(1, 2).device(name) == expected and DistributedContext(1, 2).device("cpu") == "cpu"
    assert SINGLE_PROCESS.device("cuda:3") == "cuda:3"


@pytest.mark.parametrize("name", ["cuda:1", "mps"])
def test_devices_that_ranks_cannot_share_are_refused(name: str) -> None:
    with pytest.raises(SpecError, match="cannot be shared by 2 processes. Use auto, cuda or cpu"):
        DistributedContext(1, 2).device(name)


def test_missing_world_size_is_1_and_an_invalid_one_makes_the_metadata_none(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos, epochs=1)
    list(run_training(run))
    path = run.path / "facts.json"
    values = json.loads(path.read_text())
    del values["processes"]
    path.write_text(json.dumps(values))
    facts = run.metadata()
    assert facts and facts.world_size == 1
    for wrong in (0, "x", None, 1e400):
        path.write_text(json.dumps(values | {"processes": wrong}))
        assert run.metadata() is None
