"""How long a training takes is judged by finished runs alone, and not at all where none is like it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dae.config import TrainConfig
from dae.expected import Known, expected, finished
from dae.facts import Facts
from dae.runs import RunDirectory, list_runs
from dae.training import Report
from tests.conftest import small

WHOLE = TrainConfig(model="conv-64", epochs=10, images=None, batch_size=100)
KNOWN = Known("before", "CPU, 1 thread", WHOLE, pictures=600_000, seconds=300.0)


def run_of(root: Path, name: str, state: str = "finished", processes: int = 1) -> RunDirectory:
    run = RunDirectory.create(small(epochs=2), root=root, name=name, recipe=name)
    run.save_facts(Facts("CPU, 1 thread", {}, processes))
    run.append(Report(epoch=2, epochs=2, step=6, steps=6, seconds=4.0, loss=0.1, images_per_second=None))
    run.status.set(state)
    return run


def test_only_a_finished_run_of_one_process_tells(tmp_path: Path) -> None:
    run_of(tmp_path, "whole")
    run_of(tmp_path, "cut", "stopped")
    run_of(tmp_path, "many", processes=4)
    RunDirectory.create(small(), root=tmp_path, name="imported").status.set("finished")
    newer = run_of(tmp_path, "newer")
    values = json.loads((newer.path / "config.json").read_text())
    values["config"]["model"] = "of-tomorrow"
    (newer.path / "config.json").write_text(json.dumps(values))
    (known,) = finished(list_runs(tmp_path))
    assert (known.run, known.seconds, known.pictures) == ("whole", 4.0, 6 * small().batch_size)


def test_the_same_training_takes_as_long_as_it_took() -> None:
    slow = replace(WHOLE, epochs=1)
    assert expected(WHOLE, [KNOWN._replace(config=slow, seconds=900.0), KNOWN]) == (300.0, "before", "CPU, 1 thread")


def test_another_one_is_judged_by_its_pictures() -> None:
    assert expected(replace(WHOLE, epochs=5), [KNOWN]) == (pytest.approx(150), "before", "CPU, 1 thread")
    fewer = expected(replace(WHOLE, images=6_000, lr=1e-4), [KNOWN, KNOWN._replace(run="slow", seconds=600.0)])
    assert fewer == (pytest.approx(60), "slow", "CPU, 1 thread")  # rather too long than too short


def test_nothing_is_said_where_no_run_is_like_it() -> None:
    assert expected(replace(WHOLE, model="linear-32"), [KNOWN]) is None
    assert expected(replace(WHOLE, dataset="cifar10"), [KNOWN]) is None
    assert expected(replace(WHOLE, dataset="mnist"), [KNOWN]) is None  # alike, but nobody knows how many those are
    assert expected(replace(WHOLE, dataset="mnist", images=600), [KNOWN]) is not None
    assert expected(WHOLE, []) is None
