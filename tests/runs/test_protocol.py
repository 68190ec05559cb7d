"""The test split stays unread while a run trains."""

from pathlib import Path

import pytest

from dae.data import load_dataset
from dae.runs import run_training
from dae.utils.files import user_cache_dir
from tests.helpers import new_run


def test_training_works_while_the_test_split_cannot_be_read(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = load_dataset

    def without_test(name: str, split: str = "train", **options: object) -> object:
        assert split != "test", "training opened the test split"
        return load(name, split, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("dae.runs.recorder.load_dataset", without_test)
    monkeypatch.setattr("dae.data.datasets.load_dataset", without_test)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run = new_run(tmp_path / "runs", photos)
    list(run_training(run))
    assert run.state == "finished"
    packed = [path.name for path in (user_cache_dir() / "images").iterdir()]
    assert any("-train-" in name for name in packed) and not any("-test-" in name for name in packed)
