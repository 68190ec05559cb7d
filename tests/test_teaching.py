"""A trained model teaches another: what is learnt from it, and who cannot teach."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dae.errors import DaeError, RunError, SpecError
from dae.noise import NoiseSpec
from dae.recording import prepare, record
from dae.runs import RunDirectory
from dae.state import TrainState
from dae.teaching import find_teacher
from dae.training import denoise, fit
from tests.conftest import epochs, new_run, same, small, stop_after, tiny, weights

CPU = torch.device("cpu")


def _black(noisy: Tensor) -> Tensor:
    return torch.zeros_like(noisy)


def test_who_answers_as_its_teacher_does_has_nothing_to_learn() -> None:
    config = small(distillation=1.0)
    state = TrainState(config, tiny().shape)
    before = weights(state)
    reports = list(fit(config, state, tiny(), tiny(8), teacher=state.model))
    assert same(before, weights(state)) and [report.loss for report in reports if report.loss is not None] == [0.0] * 3


def test_answers_weigh_as_much_as_asked() -> None:
    """A teacher of black pictures: the more it counts, the darker."""
    brightness = []
    for share in (0.0, 0.5, 1.0):
        config = small(epochs=20, lr=1e-2, distillation=share)
        state = TrainState(config, tiny().shape)
        list(fit(config, state, tiny(), tiny(8), teacher=_black))
        brightness.append(float(denoise(state.model, tiny().clean()).mean()))
    assert brightness[0] > 1.3 * brightness[1] > 1.69 * brightness[2]


def test_without_a_share_a_teacher_changes_nothing() -> None:
    ends = []
    for teacher in (None, _black):
        config = small(epochs=1, distillation=0.0)
        state = TrainState(config, tiny().shape)
        list(fit(config, state, tiny(), tiny(8), teacher=teacher))
        ends.append(weights(state))
    assert same(*ends)


def test_a_teacher_is_asked_once_where_the_same_noisy_images_come_again() -> None:
    asked: list[Tensor] = []

    def answers(noisy: Tensor) -> Tensor:
        asked.append(noisy)
        return noisy.roll(1, 0)

    config = small(epochs=5, distillation=1.0, fresh_epochs=2)
    state = TrainState(config, tiny().shape)
    batches = -(-len(tiny()) // config.batch_size)
    for report in fit(config, state, tiny(), tiny(8), teacher=answers):
        assert report.scores is None or len(asked) == min(report.epoch, 2) * batches
    first, second = asked[:batches], asked[batches:]
    assert not any(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("fresh", [None, 2])
def test_a_taught_run_stops_and_goes_on_as_if_it_had_not(tmp_path: Path, photos: str, fresh: int | None) -> None:
    list(record(new_run(tmp_path, photos, "teacher", model="unet", epochs=1)))
    alone, whole, parts = (
        new_run(tmp_path, photos, name, teacher=teacher, fresh_epochs=fresh)
        for name, teacher in (("alone", ""), ("whole", "teacher"), ("parts", "teacher"))
    )
    for run in (alone, whole):
        list(record(run))
    stop_after(parts, 1)
    list(record(RunDirectory(parts.path)))
    ends = [weights(run.load().model) for run in (alone, whole, parts)]
    assert same(ends[1], ends[2]) and not same(ends[0], ends[1]) and epochs(parts) == [0, 1, 2, 3]


def test_a_shipped_model_teaches_from_afar(tmp_path: Path) -> None:
    digits = tiny(4, (1, 28, 28))
    answers = find_teacher(small(teacher="digits-unet"), digits, CPU, tmp_path)
    noisy = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert answers and answers(noisy).shape == noisy.shape and answers(noisy).dtype == torch.float32
    assert find_teacher(small(), digits, CPU, tmp_path) is None


def test_a_run_named_as_its_shipped_teacher_learns_from_that_one(tmp_path: Path) -> None:
    config = small(dataset="digits", images=8, epochs=1, teacher="digits-unet")
    trained = []
    for name, taught in (("pupil", config), ("digits-unet", config), ("alone", replace(config, teacher=""))):
        run = RunDirectory.create(taught, root=tmp_path, name=name)
        list(record(run))
        trained.append(weights(run.load().model))
    assert same(trained[0], trained[1]) and not same(trained[1], trained[2])


def test_a_teacher_is_not_forgotten() -> None:
    config = small(teacher="somebody")
    with pytest.raises(SpecError, match="Teacher 'somebody' has to be given to fit"):
        next(fit(config, TrainState(config, tiny().shape), tiny(), tiny(8)))


def test_who_cannot_teach_is_told_before_a_run_begins(tmp_path: Path, photos: str) -> None:
    new_run(tmp_path, photos, "untrained")
    for config, words in (
        (small(dataset=photos, teacher="nobody"), "There is no run 'nobody'.*Or begin a new run without a teacher"),
        (small(dataset=photos, teacher="untrained"), "is stopped; it has to be finished before a training"),
        (
            small(dataset=photos, teacher="digits-linear", noise=NoiseSpec("masking", 0.5)),
            "has learnt gaussian:0.5 and cannot teach masking:0.5",
        ),
        (small(dataset=photos, teacher="cifar10-unet", noise=NoiseSpec("gaussian", 0.1)), "cannot take"),
    ):
        with pytest.raises(DaeError, match=words):
            prepare(config, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["untrained"]


def test_a_run_whose_teacher_has_gone_says_so(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos, teacher="gone")
    with pytest.raises(RunError, match="There is no run .gone."):
        list(record(run))
    assert run.state == "failed" and "without a teacher" in run.status.message


def test_a_teacher_knows_clean_pictures() -> None:
    noise = NoiseSpec("gaussian", 0.5, clipped=False)
    with pytest.raises(SpecError, match="choose one of them"):
        small(target="noisy", teacher="digits-unet", noise=noise)
