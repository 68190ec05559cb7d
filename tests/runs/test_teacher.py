"""Distillation from a teacher, and runs that cannot be teachers."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dae.errors import DaeError, RunError, SpecError
from dae.models import denoise
from dae.noise import NoiseSpec
from dae.runs import Run, load_inputs, load_teacher, run_training
from dae.training import TrainState, fit
from dae.training.step import num_shards
from tests.helpers import epochs, new_run, small_config, stop_at_epoch, tensors_equal, tiny_dataset, weights

CPU = torch.device("cpu")


def _black(noisy: Tensor) -> Tensor:
    return torch.zeros_like(noisy)


def test_a_student_that_equals_its_teacher_does_not_change() -> None:
    config = small_config(distillation_weight=1.0)
    state = TrainState(config, tiny_dataset().shape)
    before = weights(state)
    reports = list(fit(config, state, tiny_dataset(), tiny_dataset(8), teacher=state.model))
    assert tensors_equal(before, weights(state))
    assert {report.loss for report in reports if report.loss is not None} == {0.0}


def test_the_distillation_weight_scales_the_teachers_influence() -> None:
    """The larger the weight of a teacher with black output, the darker the output."""
    brightness = []
    for weight in (0.0, 0.5, 1.0):
        config = small_config(epochs=20, lr=1e-2, distillation_weight=weight)
        state = TrainState(config, tiny_dataset().shape)
        list(fit(config, state, tiny_dataset(), tiny_dataset(8), teacher=_black))
        brightness.append(float(denoise(state.model, tiny_dataset().to_float()).mean()))
    assert brightness[0] > 1.3 * brightness[1] > 1.69 * brightness[2]


def test_a_teacher_of_weight_zero_has_no_effect() -> None:
    ends = []
    for teacher in (None, _black):
        config = small_config(epochs=1, distillation_weight=0.0)
        state = TrainState(config, tiny_dataset().shape)
        list(fit(config, state, tiny_dataset(), tiny_dataset(8), teacher=teacher))
        ends.append(weights(state))
    assert tensors_equal(*ends)


def test_teacher_outputs_are_computed_once_for_repeated_noisy_images() -> None:
    inputs: list[Tensor] = []

    def teacher(noisy: Tensor) -> Tensor:
        inputs.append(noisy)
        return noisy.roll(1, 0)

    config = small_config(epochs=5, distillation_weight=1.0, num_noise_epochs=2)
    state = TrainState(config, tiny_dataset().shape)
    # Each batch is computed in shards.
    batches = -(-len(tiny_dataset()) // config.batch_size) * num_shards(state.model, config.batch_size)
    for report in fit(config, state, tiny_dataset(), tiny_dataset(8), teacher=teacher):
        assert report.scores is None or len(inputs) == min(report.epoch, 2) * batches
    first, second = inputs[:batches], inputs[batches:]
    assert not any(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("num_noise_epochs", [None, 2])
def test_a_resumed_run_with_a_teacher_ends_like_an_uninterrupted_one(
    tmp_path: Path, photos: str, num_noise_epochs: int | None
) -> None:
    list(run_training(new_run(tmp_path, photos, "teacher", model="unet", epochs=1)))
    alone, whole, parts = (
        new_run(tmp_path, photos, name, teacher=teacher, num_noise_epochs=num_noise_epochs)
        for name, teacher in (("alone", ""), ("whole", "teacher"), ("parts", "teacher"))
    )
    for run in (alone, whole):
        list(run_training(run))
    stop_at_epoch(parts, 1)
    list(run_training(Run(parts.path)))
    ends = [weights(run.load().model) for run in (alone, whole, parts)]
    assert tensors_equal(ends[1], ends[2]) and not tensors_equal(ends[0], ends[1]) and epochs(parts) == [0, 1, 2, 3]


def test_shipped_runs_are_teachers_for_any_runs_directory(tmp_path: Path) -> None:
    digits = tiny_dataset(4, (1, 28, 28))
    teacher = load_teacher(small_config(teacher="digits-unet"), digits, CPU, tmp_path)
    noisy = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert teacher and teacher(noisy).shape == noisy.shape and teacher(noisy).dtype == torch.float32
    assert load_teacher(small_config(), digits, CPU, tmp_path) is None


def test_a_run_may_have_the_name_of_its_shipped_teacher(tmp_path: Path) -> None:
    config = small_config(dataset="digits", max_images=8, epochs=1, teacher="digits-unet")
    trained = []
    for name, each in (("student", config), ("digits-unet", config), ("alone", replace(config, teacher=""))):
        run = Run.create(each, root=tmp_path, name=name)
        list(run_training(run))
        trained.append(weights(run.load().model))
    assert tensors_equal(trained[0], trained[1]) and not tensors_equal(trained[1], trained[2])


def test_fit_without_the_configured_teacher_raises_a_spec_error() -> None:
    config = small_config(teacher="somebody")
    with pytest.raises(SpecError, match="(?i)teacher.*'somebody'"):
        next(fit(config, TrainState(config, tiny_dataset().shape), tiny_dataset(), tiny_dataset(8)))


def test_unusable_teachers_are_refused_before_a_run_is_created(tmp_path: Path, photos: str) -> None:
    new_run(tmp_path, photos, "untrained")
    for config, words in (
        (
            small_config(dataset=photos, teacher="nobody"),
            "There is no run 'nobody'.*Or start a new run without a teacher",
        ),
        (small_config(dataset=photos, teacher="untrained"), "is stopped. It must be finished before another training"),
        (
            small_config(dataset=photos, teacher="digits-linear", noise=NoiseSpec("masking", 0.5)),
            "was trained on gaussian:0.5, not on masking:0.5",
        ),
        (small_config(dataset=photos, teacher="cifar10-unet", noise=NoiseSpec("gaussian", 0.1)), "cannot process"),
    ):
        with pytest.raises(DaeError, match=words):
            load_inputs(config, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["untrained"]


def test_a_missing_teacher_fails_the_run(tmp_path: Path, photos: str) -> None:
    run = new_run(tmp_path, photos, teacher="gone")
    with pytest.raises(RunError, match="There is no run .gone."):
        list(run_training(run))
    assert run.state == "failed" and "without a teacher" in run.status.message


def test_a_teacher_needs_clean_targets() -> None:
    noise = NoiseSpec("gaussian", 0.5, clipped=False)
    with pytest.raises(SpecError, match="(?i)teacher 'digits-unet'"):
        small_config(target="noisy", teacher="digits-unet", noise=noise)
