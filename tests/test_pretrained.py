"""A training that begins with the weights of a trained model: what it begins with, and what it cannot."""

from pathlib import Path

import pytest
import torch

from dae.cli import main
from dae.errors import DaeError, RunError, SpecError
from dae.pretrained import find_pretrained
from dae.recording import prepare, record
from dae.runs import RunDirectory, find_run
from dae.state import TrainState
from dae.training import fit
from tests.conftest import new_run, same, small, stop_after, tiny, untrained, weights


def test_it_begins_with_those_weights(tmp_path: Path, photos: str) -> None:
    base = new_run(tmp_path, photos, "base")
    list(record(base))
    trained = base.load().model
    tuned = new_run(tmp_path, photos, "tuned", pretrained="base", lr=1e-7, seed=7)
    reports = list(record(tuned))
    moved = [(a - b).abs().max() for a, b in zip(weights(trained), weights(tuned.load().model), strict=True)]
    assert 0 < max(moved) < 1e-4
    assert reports[0].scores and reports[-1].scores
    assert reports[0].scores.mse == pytest.approx(reports[-1].scores.mse, rel=1e-3)


def test_the_average_begins_with_them_too() -> None:
    model = untrained("linear-32", seed=3).model
    state = TrainState(small(model="linear-32", average=0.9), tiny().shape, model)
    assert same(weights(state.averaged), weights(model))


@pytest.mark.parametrize("epoch", [0, 1])
def test_it_goes_on_when_the_first_weights_have_gone(tmp_path: Path, photos: str, epoch: int) -> None:
    base = new_run(tmp_path, photos, "base", epochs=1)
    list(record(base))
    whole, parts = (new_run(tmp_path, photos, name, pretrained="base", epochs=3) for name in ("whole", "parts"))
    list(record(whole))
    stop_after(parts, epoch)
    base.delete()
    list(record(parts))
    assert same(weights(whole.load().model), weights(parts.load().model))


def test_a_run_may_be_named_as_the_shipped_one_that_it_begins_with(tmp_path: Path) -> None:
    config = small(dataset="digits", model="linear-32", images=8, epochs=1, lr=1e-7, pretrained="digits-linear")
    run = RunDirectory.create(config, root=tmp_path, name="digits-linear")
    list(record(run))
    shipped = find_run("digits-linear", Path(__file__).parents[1] / "checkpoints").load().model
    distance = [(a - b).abs().max() for a, b in zip(weights(shipped), weights(run.load().model), strict=True)]
    assert max(distance) < 1e-4


def test_weights_that_are_asked_for_are_not_forgotten() -> None:
    config = small(pretrained="somebody")
    with pytest.raises(SpecError, match="Pretrained 'somebody' has to be given"):
        next(fit(config, TrainState(config, tiny().shape), tiny(), tiny(8)))


def test_what_it_cannot_begin_with(tmp_path: Path, photos: str) -> None:
    new_run(tmp_path, photos, "untrained")
    for name, model, shape, words in (
        ("nobody", "conv-64", (1, 28, 28), "There is no run 'nobody'.*--pretrained ''"),
        ("untrained", "conv-64", (1, 28, 28), "is stopped; it has to be finished before a training can build on it"),
        ("digits-linear", "conv-64", (1, 28, 28), "is 'linear-32' for grey pictures of 28 x 28, and no 'conv-64'"),
        ("cifar10-unet", "res-unet", (1, 28, 28), "colour pictures of 32 x 32, and no 'res-unet' for grey pictures"),
    ):
        with pytest.raises(RunError, match=words):
            find_pretrained(small(model=model, pretrained=name), shape, tmp_path)
    assert find_pretrained(small(), (1, 28, 28), tmp_path) is None


def test_a_finished_run_needs_none(tmp_path: Path, photos: str) -> None:
    base = new_run(tmp_path, photos, "base", epochs=1)
    tuned = new_run(tmp_path, photos, "tuned", pretrained="base", epochs=1)
    list(record(base))
    list(record(tuned))
    base.delete()
    with pytest.raises(RunError, match="'tuned' is finished"):
        list(record(tuned))
    prepare(tuned.config, tmp_path, run=tuned)


def test_no_folder_is_made_for_what_cannot_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DaeError, match="nobody"):
        prepare(small(dataset="digits", pretrained="nobody"), tmp_path)
    asked = ["train", "--recipe", "quick-linear", "--pretrained", "nobody", "--checkpoints", str(tmp_path)]
    assert main(asked) and "There is no run 'nobody'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_pretrained_model_stays_as_it_is() -> None:
    model = untrained("linear-32", seed=3).model
    before = [weight.clone() for weight in weights(model)]
    config = small(model="linear-32", epochs=1)
    list(fit(config, TrainState(config, tiny().shape, model), tiny(), tiny(8)))
    assert all(torch.equal(a, b) for a, b in zip(before, weights(model), strict=True))
