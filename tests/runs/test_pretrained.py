"""Initial weights from a finished run, and runs that cannot provide them."""

from pathlib import Path

import pytest
import torch

from dae.cli import main
from dae.errors import DaeError, RunError, SpecError
from dae.runs import Run, find_run, load_inputs, load_pretrained, run_training
from dae.training import TrainState, fit
from tests.helpers import (
    ROOT,
    new_run,
    small_config,
    stop_at_epoch,
    tensors_equal,
    tiny_dataset,
    untrained_checkpoint,
    weights,
)


def test_training_starts_from_the_pretrained_weights(tmp_path: Path, photos: str) -> None:
    base = new_run(tmp_path, photos, "base")
    list(run_training(base))
    trained = base.load().model
    tuned = new_run(tmp_path, photos, "tuned", pretrained="base", lr=1e-7, seed=7)
    reports = list(run_training(tuned))
    moved = [(a - b).abs().max() for a, b in zip(weights(trained), weights(tuned.load().model), strict=True)]
    assert 0 < max(moved) < 1e-4
    assert reports[0].scores and reports[-1].scores
    assert reports[0].scores.mse == pytest.approx(reports[-1].scores.mse, rel=1e-3)


def test_the_ema_starts_from_the_pretrained_weights() -> None:
    model = untrained_checkpoint("linear-32", seed=3).model
    state = TrainState(small_config(model="linear-32", ema_decay=0.9), tiny_dataset().shape, model)
    assert tensors_equal(weights(state.ema_model), weights(model))


@pytest.mark.parametrize("epoch", [0, 1])
def test_a_run_resumes_without_the_run_of_its_initial_weights(tmp_path: Path, photos: str, epoch: int) -> None:
    base = new_run(tmp_path, photos, "base", epochs=1)
    list(run_training(base))
    whole, parts = (new_run(tmp_path, photos, name, pretrained="base", epochs=3) for name in ("whole", "parts"))
    list(run_training(whole))
    stop_at_epoch(parts, epoch)
    base.delete()
    list(run_training(parts))
    assert tensors_equal(weights(whole.load().model), weights(parts.load().model))


def test_a_run_may_have_the_name_of_the_shipped_run_that_it_starts_from(tmp_path: Path) -> None:
    config = small_config(
        dataset="digits", model="linear-32", max_images=8, epochs=1, lr=1e-7, pretrained="digits-linear"
    )
    run = Run.create(config, root=tmp_path, name="digits-linear")
    list(run_training(run))
    shipped = find_run("digits-linear", ROOT / "checkpoints").load().model
    distance = [(a - b).abs().max() for a, b in zip(weights(shipped), weights(run.load().model), strict=True)]
    assert max(distance) < 1e-4


def test_fit_without_the_configured_pretrained_weights_raises_a_spec_error() -> None:
    config = small_config(pretrained="somebody")
    with pytest.raises(SpecError, match="Initial weights 'somebody'"):
        next(fit(config, TrainState(config, tiny_dataset().shape), tiny_dataset(), tiny_dataset(8)))


def test_missing_unfinished_and_incompatible_runs_are_refused_as_initial_weights(tmp_path: Path, photos: str) -> None:
    new_run(tmp_path, photos, "untrained")
    for name, model, shape, words in (
        ("nobody", "conv-64", (1, 28, 28), "There is no run 'nobody'.*--pretrained ''"),
        (
            "untrained",
            "conv-64",
            (1, 28, 28),
            "is stopped. It must be finished before another training can build on it",
        ),
        (
            "digits-linear",
            "conv-64",
            (1, 28, 28),
            "is 'linear-32' for gray images of 28 x 28, which does not fit 'conv-64'",
        ),
        (
            "cifar10-unet",
            "res-unet",
            (1, 28, 28),
            "color images of 32 x 32, which does not fit 'res-unet' for gray images",
        ),
    ):
        with pytest.raises(RunError, match=words):
            load_pretrained(small_config(model=model, pretrained=name), shape, tmp_path)
    assert load_pretrained(small_config(), (1, 28, 28), tmp_path) is None


def test_a_finished_run_needs_no_initial_weights(tmp_path: Path, photos: str) -> None:
    base = new_run(tmp_path, photos, "base", epochs=1)
    tuned = new_run(tmp_path, photos, "tuned", pretrained="base", epochs=1)
    list(run_training(base))
    list(run_training(tuned))
    base.delete()
    with pytest.raises(RunError, match="'tuned' is finished"):
        list(run_training(tuned))
    load_inputs(tuned.config, tmp_path, run=tuned)


def test_missing_initial_weights_leave_no_run_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DaeError, match="nobody"):
        load_inputs(small_config(dataset="digits", pretrained="nobody"), tmp_path)
    arguments = ["train", "--recipe", "quick-linear", "--pretrained", "nobody", "--checkpoints", str(tmp_path)]
    assert main(arguments) and "There is no run 'nobody'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_training_does_not_change_the_pretrained_model() -> None:
    model = untrained_checkpoint("linear-32", seed=3).model
    before = [weight.clone() for weight in weights(model)]
    config = small_config(model="linear-32", epochs=1)
    list(fit(config, TrainState(config, tiny_dataset().shape, model), tiny_dataset(), tiny_dataset(8)))
    assert all(torch.equal(a, b) for a, b in zip(before, weights(model), strict=True))
