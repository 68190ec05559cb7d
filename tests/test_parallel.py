"""Training on several processes: they agree, they give what one gives, and one that is lost costs no run.

The processes are real ones, started by torchrun on this machine and joined through gloo.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from dae.data import load_dataset
from dae.errors import SpecError
from dae.noise import NoiseSpec
from dae.parallel import ALONE, Crew, joined
from dae.recording import record
from dae.runs import RunDirectory, list_runs
from dae.seeds import generator
from dae.state import TrainState
from dae.training import fit
from tests.conftest import ROOT, epochs, new_run, same, small, stop_after, train, wait_for, weights

LIMIT_S = 90.0  # two processes import PyTorch, on two cores, beside whatever else runs there
QUIET = NoiseSpec("gaussian", 0.0)


@contextmanager
def launched(*arguments: object, processes: int = 2) -> Iterator[subprocess.Popen[str]]:
    """`torchrun ARGUMENTS`, ended with all its processes at the end of the block."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
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
    """The process numbers of the launcher's children, by rank."""
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    ranks = {}
    for pid in children:
        variables = Path(f"/proc/{pid}/environ").read_text().split("\0")
        ranks |= {name.removeprefix("RANK="): int(pid) for name in variables if name.startswith("RANK=")}
    return ranks


def close(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.allclose(one, two, rtol=1e-4, atol=1e-5) for one, two in zip(first, second, strict=True))


PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path

from safetensors.torch import save_file

from dae import training
from dae.data import load_dataset
from dae.noise import NoiseSpec
from dae.parallel import joined
from dae.state import TrainState
from dae.training import fit
from tests.conftest import small

photos, target = sys.argv[1], Path(sys.argv[2])
images, test = (load_dataset(photos, split) for split in ("train", "test"))
with joined() as crew:
    for level in (0.0, 0.5):
        config = small(dataset=photos, images=21, batch_size=10, noise=NoiseSpec("gaussian", level))
        state = TrainState(config, images.shape)
        training.REPORT_EVERY_S = 0.0  # a report after each step
        reports = [report for report in crew.together(fit(config, state, images, test, crew))]
        losses = [str(report.loss) for report in reports]
        (target / f"{level}-{crew.rank}.txt").write_text("\\n".join(losses))
        save_file(dict(state.model.state_dict()), target / f"{level}-{crew.rank}.safetensors")
    config = replace(config, epochs=10_000)
    state = TrainState(config, images.shape)
    for report in crew.together(fit(config, state, images, test, crew)):
        if crew.rank == 0 and report.step == 5:
            break
    assert state.step == 5, state.step
"""


def test_two_processes_give_what_one_gives_and_have_the_same_weights(tmp_path: Path, photos: str) -> None:
    """21 images in batches of 10: in the last batch of an epoch the second process has no image."""
    (tmp_path / "program.py").write_text(PROGRAM)
    with launched(tmp_path / "program.py", photos, tmp_path) as launcher:
        _, told = launcher.communicate(timeout=LIMIT_S)
        assert launcher.returncode == 0, told
    images, test = (load_dataset(photos, split) for split in ("train", "test"))
    for level in (0.0, 0.5):
        config = small(dataset=photos, images=21, batch_size=10, noise=NoiseSpec("gaussian", level))
        state = TrainState(config, images.shape)
        reports = list(fit(config, state, images, test))
        first, second = (list(load_file(tmp_path / f"{level}-{rank}.safetensors").values()) for rank in (0, 1))
        assert same(first, second)
        one, two = ((tmp_path / f"{level}-{rank}.txt").read_text().split() for rank in (0, 1))
        assert one == two and len(one) == 1 + 3 * 4  # before the first epoch, then three steps and an end each
        names = sorted(state.model.state_dict())
        alone = [state.model.state_dict()[name] for name in names]
        together = [load_file(tmp_path / f"{level}-0.safetensors")[name] for name in names]
        assert close(together, alone) is (level == 0.0)
        known = [float(loss) for loss in one if loss != "None"]
        last = [report.loss for report in reports if report.loss][-1]
        assert last == pytest.approx(sum(known[-3:]) / 3, rel=1e-4 if level == 0.0 else 0.1)


def test_a_run_begun_by_one_process_goes_on_with_two(tmp_path: Path, photos: str) -> None:
    whole, parts = (new_run(tmp_path, photos, name, noise=QUIET) for name in ("whole", "parts"))
    list(record(whole))
    stop_after(parts, 1)
    with launched("-m", "dae", "train", "--checkpoints", tmp_path, "--resume", "parts") as launcher:
        out, told = launcher.communicate(timeout=LIMIT_S)
        assert launcher.returncode == 0, told
    assert out.count("Run parts in") == 1 and "trained by 2 processes" in out and out.count("epoch 3/3") == 1
    assert parts.state == "finished" and epochs(parts) == [0, 1, 2, 3]
    assert [run.name for run in list_runs(tmp_path)] == ["parts", "whole"]
    facts, before = parts.facts(), whole.facts()
    assert facts and facts.processes == 2 and before and before.processes == 1
    assert close(weights(parts.load().model), weights(whole.load().model))
    scores, expected = parts.progress()[-1]["scores"], whole.progress()[-1]["scores"]
    assert scores == {name: pytest.approx(value, rel=1e-3) for name, value in expected.items()}


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the process to kill through /proc")
def test_a_killed_process_ends_the_whole_run_which_can_be_resumed(tmp_path: Path, photos: str) -> None:
    options = ["--dataset", photos, "--model", "linear-32", "--batch-size", 8, "--epochs", 10_000, "--device", "cpu"]
    with launched("-m", "dae", "train", "--checkpoints", tmp_path, *options, "--name", "run") as launcher:
        wait_for((tmp_path / "run" / "resume.safetensors").exists, LIMIT_S)
        os.kill(workers(launcher)["1"], signal.SIGKILL)
        _, told = launcher.communicate(timeout=LIMIT_S)
        assert launcher.returncode != 0
    run = RunDirectory(tmp_path / "run")
    assert run.state == "stopped" and "one of its 2 processes was lost" in run.status.message
    assert told.count("dae: The training ended because") == 1
    assert not (run.path / "failure.txt").exists()
    recorded = record(run)
    while (report := next(recorded)).scores is None or report.epoch == 0:
        pass
    recorded.close()
    assert epochs(run) == list(range(report.epoch + 1)) and run.has_model


def test_a_request_stops_both_and_leaves_a_resumable_run(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos, epochs=10_000)
    with launched("-m", "dae", "train", "--checkpoints", tmp_path, "--resume", "run") as launcher:
        wait_for(lambda: epochs(run)[1:], LIMIT_S)
        run.status.request_stop()
        out, told = launcher.communicate(timeout=LIMIT_S)
        assert launcher.returncode == 0, told
    assert run.state == "stopped" and run.status.message == "Stopped on request." and not run.status.stop_requested
    assert "dae train --resume run" in out and run.has_model
    speeds = [line["images_per_second"] for line in run.progress() if line["images_per_second"]]
    assert speeds and min(speeds) > 0


def test_a_mistake_is_told_and_leaves_nothing(tmp_path: Path, photos: str) -> None:
    with launched("-m", "dae", "train", "--checkpoints", tmp_path, "--dataset", photos, "--batch-size", 1) as launcher:
        out, told = launcher.communicate(timeout=LIMIT_S)
    assert "dae: A batch of 1 cannot be shared by 2 processes" in told and "exitcode  : 2" in told
    assert list(tmp_path.iterdir()) == [] and "Run" not in out


# Without other processes


@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("number", [1, 2, 5, 24])
def test_shares_make_up_the_batch_and_their_weighted_means_its_mean(number: int, size: int) -> None:
    values = torch.rand(100, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    batch = torch.randperm(100, generator=torch.Generator().manual_seed(1))[:number]
    shares = [Crew(rank, size).share(batch) for rank in range(size)]
    counted = torch.cat([mine for mine, weight in shares if weight])
    assert sorted(counted.tolist()) == sorted(batch.tolist()) and all(len(mine) for mine, _ in shares)
    mean = sum(values[mine].mean() * weight for mine, weight in shares) / size
    assert float(mean) == pytest.approx(float(values[batch].mean()), rel=1e-12)


def test_one_process_draws_what_it_always_drew() -> None:
    for stream in ((42, 2, 0), (2**32 - 1, 2, 9_999)):
        before, now = generator(*stream), generator(*stream, ALONE.rank)
        assert torch.equal(torch.rand(9, generator=before), torch.rand(9, generator=now))


def test_a_process_alone_joins_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)
    with joined() as crew:
        assert crew is ALONE and list(crew.together([1, 2])) == [1, 2]
    assert not torch.distributed.is_initialized()
    assert train(small(epochs=1))[1][-1].scores


@pytest.mark.parametrize("cards, name, expected", [(0, "auto", "cpu"), (2, "auto", "cuda:1"), (2, "cuda", "cuda:1")])
def test_each_process_has_a_device(cards: int, name: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cards > 0)
    assert Crew(1, 2).device(name) == expected and Crew(1, 2).device("cpu") == "cpu"
    assert ALONE.device("cuda:3") == "cuda:3"


@pytest.mark.parametrize("name", ["cuda:1", "mps"])
def test_devices_that_cannot_be_shared(name: str) -> None:
    with pytest.raises(SpecError, match="cannot be shared by 2 processes; write auto, cuda or cpu"):
        Crew(1, 2).device(name)


def test_facts_of_older_runs_have_one_process(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos, epochs=1)
    list(record(run))
    path = run.path / "facts.json"
    values = json.loads(path.read_text())
    del values["processes"]
    path.write_text(json.dumps(values))
    facts = run.facts()
    assert facts and facts.processes == 1
    for wrong in (0, "x", None, 1e400):
        path.write_text(json.dumps(values | {"processes": wrong}))
        assert run.facts() is None
