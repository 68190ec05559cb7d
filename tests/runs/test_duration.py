"""Training times are estimated from finished runs on this machine, and not at all if none is similar."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dae.runs import Run, RunMetadata, list_runs
from dae.runs.duration import Reference, estimate_duration, reference_runs
from dae.runs.metadata import machine_id, write_metadata
from dae.runs.progress import append_report
from dae.training import TrainConfig, TrainReport
from tests.helpers import small_config

CONFIG = TrainConfig(model="conv-64", epochs=10, max_images=None, batch_size=100, device="cpu")
REFERENCE = Reference("before", "CPU, 1 thread", True, CONFIG, num_images=600_000, seconds=300.0)


def new_trained_run(
    root: Path, name: str, state: str = "finished", world_size: int = 1, machine: str | None = None
) -> Run:
    run = Run.create(small_config(epochs=2), root=root, name=name, recipe="quick-linear")
    machine = machine_id() if machine is None else machine
    metadata = RunMetadata(device="CPU, 1 thread", baselines={}, world_size=world_size, machine_id=machine)
    write_metadata(run.path, metadata)
    append_report(
        run.path, TrainReport(epoch=2, epochs=2, step=6, steps=6, seconds=4.0, loss=0.1, images_per_second=None)
    )
    run.status.set(state)
    return run


def test_references_are_all_finished_runs_of_one_process(tmp_path: Path) -> None:
    new_trained_run(tmp_path, "first")
    new_trained_run(tmp_path, "second")
    new_trained_run(tmp_path, "stopped", "stopped")
    new_trained_run(tmp_path, "distributed", world_size=4)
    Run.create(small_config(), root=tmp_path, name="imported").status.set("finished")
    newer = new_trained_run(tmp_path, "newer")
    values = json.loads((newer.path / "config.json").read_text())
    values["config"]["model"] = "of-tomorrow"
    (newer.path / "config.json").write_text(json.dumps(values))
    references = reference_runs(list_runs(tmp_path))
    assert {reference.run for reference in references} == {"first", "second"}
    for reference in references:
        assert reference.is_local and reference.config == small_config(epochs=2)
        assert (reference.seconds, reference.num_images) == (4.0, 6 * small_config().batch_size)


@pytest.mark.parametrize("machine", ["", "another"])
def test_times_of_other_machines_are_not_used(machine: str, tmp_path: Path) -> None:
    run = new_trained_run(tmp_path, "run", machine=machine)
    references = reference_runs([run])
    assert [reference.is_local for reference in references] == [False]
    assert estimate_duration(run.config, references) is None
    assert estimate_duration(run.config, reference_runs([new_trained_run(tmp_path, "local")])) is not None


def test_estimate_for_the_same_config_is_the_median_of_its_runs() -> None:
    other = REFERENCE._replace(run="other", config=replace(CONFIG, epochs=1), seconds=900.0)
    runs = [REFERENCE._replace(run=f"run-{seconds:.0f}", seconds=seconds) for seconds in (500.0, 100.0, 300.0)]
    assert estimate_duration(CONFIG, [other, *runs]) == (300.0, "run-300", "CPU, 1 thread")


def test_another_config_of_the_same_model_is_extrapolated_from_the_slowest_run() -> None:
    half = estimate_duration(replace(CONFIG, epochs=5), [REFERENCE])
    assert half == (pytest.approx(150), "before", "CPU, 1 thread")
    slow = REFERENCE._replace(run="slow", seconds=600.0)
    fewer_images = estimate_duration(replace(CONFIG, max_images=6_000, lr=1e-4), [REFERENCE, slow])
    assert fewer_images == (pytest.approx(60), "slow", "CPU, 1 thread")
    # The data set has no more images.
    more_images = estimate_duration(replace(CONFIG, max_images=10**9, lr=1e-4), [REFERENCE])
    assert more_images == (pytest.approx(300), "before", "CPU, 1 thread")


def test_the_size_of_a_data_set_may_come_from_another_machine() -> None:
    limited = REFERENCE._replace(config=replace(CONFIG, max_images=6_000), num_images=60_000, seconds=30.0)
    remote = REFERENCE._replace(is_local=False, seconds=1.0)
    assert estimate_duration(CONFIG, [limited]) is None
    assert estimate_duration(CONFIG, [remote, limited]) == (pytest.approx(300), "before", "CPU, 1 thread")


def test_there_is_no_estimate_without_a_similar_run() -> None:
    assert estimate_duration(CONFIG, []) is None
    assert estimate_duration(CONFIG, [REFERENCE._replace(device="NVIDIA H200")]) is None
    assert estimate_duration(replace(CONFIG, device="cuda:99"), [REFERENCE]) is None
    assert estimate_duration(replace(CONFIG, model="linear-32"), [REFERENCE]) is None
    assert estimate_duration(replace(CONFIG, dataset="cifar10"), [REFERENCE]) is None
    # The images have the same shape, but their number is unknown.
    assert estimate_duration(replace(CONFIG, dataset="mnist"), [REFERENCE]) is None
    assert estimate_duration(replace(CONFIG, dataset="mnist", max_images=600), [REFERENCE]) is not None


def test_estimates_ignore_the_number_of_threads() -> None:
    assert estimate_duration(CONFIG, [REFERENCE._replace(device="CPU, 64 threads")]) is not None
