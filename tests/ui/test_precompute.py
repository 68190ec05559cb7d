"""The command that computes in advance what the pages show first for the shipped models."""

import sys
from pathlib import Path

import pytest

from dae.representation import cache, finetune
from dae.ui import measuring, precompute
from dae.ui.codes import linear_probe, maps, view
from tests.ui.apps import opened, shown


def test_pages_open_with_shipped_results_without_computing(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "results.safetensors"
    for module in (measuring, maps, linear_probe):
        monkeypatch.setattr(module, "SHIPPED_RESULTS", file)
    monkeypatch.setattr(precompute, "DATASETS", ("digits",))
    monkeypatch.setattr(view, "NUM_IMAGES", 60)
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "author"))
    precompute.precompute({"compare": True, "map": True}, file)
    first = file.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("computed again")

    # Another user.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    for cached in (measuring.metrics_cache, maps.map_cache):
        cached.clear()
    monkeypatch.setattr("dae.evaluation.cache.per_image_metrics", fail)
    monkeypatch.setattr("dae.representation.map_cache.build_code_map", fail)
    app = opened("pages/compare.py")
    assert list(app.dataframe[0].value["run"]) == ["noisy", "small-linear-32", "small-conv-64", "median"]
    assert set(app.dataframe[0].value["draws"]) == {3} and "60 test images and 3 noise draws" in shown(app)
    assert not opened("pages/explore.py", view="Inside the model").error
    # Results in the file are kept and not computed again.
    precompute.precompute({"compare": True, "map": False}, file)
    assert file.read_bytes() == first


def test_the_precomputed_probes_are_the_jobs_of_the_page(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    jobs = [job for name in ("probe", "fine-tuning") for job in precompute.PARTS[name]("digits")]
    linear, tuned = linear_probe.collect_probes(
        precompute._models("digits"), linear_probe.probe_cache("digits"), cache.LABEL_COUNTS
    )
    low, high = finetune.LABEL_COUNT_RANGE
    assert [(method.key, count) for _, method, count in jobs] == [
        (method.key, count) for method, count in (*linear.jobs, *tuned.jobs)
    ]
    assert any(method.method is cache.Method.FINE_TUNED and low <= count <= high for _, method, count in jobs)


def test_an_unknown_part_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["precompute", "everything"])
    with pytest.raises(SystemExit):
        precompute.main()
    assert "there is no part everything" in capsys.readouterr().err
