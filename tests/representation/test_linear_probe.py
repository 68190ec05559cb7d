"""Linear probes and fine-tuning, on image sets whose classes are easy or impossible to predict."""

import pytest
import torch
from torch import Tensor

from dae.data import ImageSet
from dae.errors import DataError, SpecError
from dae.models import Checkpoint
from dae.representation import ProbeTask, finetune
from dae.representation.linear_probe import LinearProbe, code_features, pca_features, pixel_features
from tests.helpers import untrained_checkpoint
from tests.representation.image_sets import images_of_brightness


@pytest.fixture
def task() -> ProbeTask:
    return ProbeTask(images_of_brightness(90, "train"), images_of_brightness(30, "test"))


@pytest.fixture
def checkpoint() -> Checkpoint:
    return untrained_checkpoint("linear-32")


def brightness(images: Tensor) -> Tensor:
    return images.flatten(1).mean(1, keepdim=True)


def test_a_feature_that_separates_the_classes_has_accuracy_1(task: ProbeTask) -> None:
    assert LinearProbe(brightness, task).accuracies(3, (0, 1)) == [1, 1]
    assert LinearProbe(pixel_features, task).accuracies(30, (0,)) == [1]
    assert LinearProbe(pca_features(task.train, 2), task).accuracies(30, (0,)) == [1]


def test_a_constant_feature_has_chance_accuracy(task: ProbeTask) -> None:
    (accuracy,) = LinearProbe(lambda images: torch.zeros(len(images), 4), task).accuracies(30, (0,))
    assert accuracy == pytest.approx(1 / 3)


def test_labels_are_balanced_nested_and_disjoint_from_validation(task: ProbeTask) -> None:
    few, more = (task.sample_labeled(count, 1).tolist() for count in (7, 24))
    assert few == more[:7] and len(set(more)) == 24
    assert torch.bincount(task.train.labels[more]).tolist() == [8, 8, 8]
    assert sorted(torch.bincount(task.train.labels[few]).tolist()) == [2, 2, 3]
    validation, train = set(task.validation_indices.tolist()), set(task.train_indices.tolist())
    assert not validation & train and len(validation) + len(train) == 90 and set(more) <= train
    assert task.sample_labeled(7, 1).tolist() == few != task.sample_labeled(7, 2).tolist()


@pytest.mark.parametrize("count", [0, 2, 73, 10**6])
def test_an_infeasible_number_of_labels_raises_an_error_with_the_limits(task: ProbeTask, count: int) -> None:
    with pytest.raises(SpecError, match="Choose 3 to 72, or all"):
        task.sample_labeled(count, 0)


def test_one_class_or_too_few_images_raise_a_data_error() -> None:
    plain = images_of_brightness(20, "train", classes=1)
    with pytest.raises(DataError, match="1 class.* each subfolder is a class"):
        ProbeTask(plain, plain)
    with pytest.raises(DataError, match="too few"):
        ProbeTask(images_of_brightness(3, "train"), images_of_brightness(3, "test"))


def test_the_same_seeds_give_the_same_accuracies(task: ProbeTask, checkpoint: Checkpoint) -> None:
    first, again = (LinearProbe(code_features(checkpoint.model), task).accuracies(9, (0, 1)) for _ in range(2))
    assert first == again and len(first) == 2


def test_all_labels_give_one_accuracy(task: ProbeTask) -> None:
    assert len(LinearProbe(brightness, task).accuracies(len(task.train_indices), (0, 1))) == 1


def test_a_probe_reports_progress_before_its_first_result(task: ProbeTask) -> None:
    progress: list[float] = []
    assert LinearProbe(brightness, task).accuracies(3, (0, 1), progress.append) == [1, 1]
    assert progress == sorted(progress) and progress.count(0) > 3 and progress[-1] == 1


@pytest.mark.parametrize("init", ["pretrained", "random"])
def test_fine_tuning_learns_and_leaves_the_checkpoint_unchanged(
    task: ProbeTask, checkpoint: Checkpoint, init: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune, "NUM_STEPS", 100)
    before = [value.clone() for value in checkpoint.model.parameters()]
    progress: list[float] = []
    first = finetune.finetune_accuracies(checkpoint, task, 30, (0,), init, progress.append)
    assert first == finetune.finetune_accuracies(checkpoint, task, 30, (0,), init)
    assert first[0] > 0.9 and progress[-1] == 1.0
    assert all(map(torch.equal, before, checkpoint.model.parameters()))
    assert not any(value.requires_grad for value in checkpoint.model.parameters())


def test_center_and_scale_of_a_classifier_are_saved_and_move_with_its_device(
    task: ProbeTask, checkpoint: Checkpoint
) -> None:
    images: ImageSet = task.train
    classifier = finetune.Classifier(checkpoint.model, images.to_float(), 3, 0)
    assert {"center", "scale"} <= classifier.state_dict().keys()
    assert classifier.to("meta").center.device.type == "meta"
