"""Results are stored under the hash of the weights that produced them, or of older ones, but never of newer ones."""

import shutil
from pathlib import Path

import pytest

from dae.models import Checkpoint
from dae.runs import Run, run_training
from dae.ui import measuring, model_options, resources
from dae.ui.codes import maps
from dae.ui.model_options import ModelOption
from tests.helpers import new_run


@pytest.mark.parametrize("kind", ["denoiser", "map"])
def test_weights_saved_while_a_model_is_loaded_do_not_get_its_results(
    kind: str, trained: Path, photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(option: ModelOption) -> object:
        return measuring.denoiser_for(option, photos).key if kind == "denoiser" else maps.encoder(option).key

    monkeypatch.setenv("DAE_CHECKPOINTS", str(tmp_path))
    shutil.copytree(trained / "small-linear-32", tmp_path / "run")
    (option,) = model_options.model_options(resources.images(photos, "test")).values()
    newer = new_run(tmp_path / "newer", photos, seed=1)
    list(run_training(newer))
    load = resources.checkpoint

    def load_before_a_save(name: str) -> Checkpoint:
        loaded = load(name)
        shutil.copy(newer.model_path, Run(tmp_path / name).model_path)
        return loaded

    before = key(option)
    with monkeypatch.context() as patch:
        patch.setattr(resources, "checkpoint", load_before_a_save)
        during = key(option)
    assert during == before != key(option)
