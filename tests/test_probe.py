"""Probes: codes that are easy, codes that are noise, and few labels dealt out fairly."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from dae import findings, finetune, probed
from dae.checkpoints import Checkpoint
from dae.errors import DataError, SpecError
from dae.packed import ImageSet
from dae.probe import LinearProbe, Task, code, pca, pixels
from dae.probed import Learner, Probes, learners, once, read_labels
from tests.conftest import tiny, untrained


def heaps(number: int, split: str, classes: int = 3) -> ImageSet:
    """Pictures whose class is how bright they are."""
    labels = torch.arange(number) % classes
    images = tiny(number, seed=len(split), split=split).images // 8 + (labels * 70).to(torch.uint8).view(-1, 1, 1, 1)
    return ImageSet("heaps", split, images, labels, tuple("abc"[:classes]))


@pytest.fixture
def task() -> Task:
    return Task(heaps(90, "train"), heaps(30, "test"))


@pytest.fixture
def checkpoint() -> Checkpoint:
    return untrained("linear-32")


def brightness(images: Tensor) -> Tensor:
    return images.flatten(1).mean(1, keepdim=True)


def test_a_feature_that_separates_the_classes_is_always_right(task: Task) -> None:
    assert LinearProbe(brightness, task).accuracies(3, (0, 1)) == [1, 1]
    assert LinearProbe(pixels, task).accuracies(30, (0,)) == [1]
    assert LinearProbe(pca(task.train, 2), task).accuracies(30, (0,)) == [1]


def test_a_feature_that_says_nothing_is_right_as_often_as_chance(task: Task) -> None:
    (found,) = LinearProbe(lambda images: torch.zeros(len(images), 4), task).accuracies(30, (0,))
    assert found == pytest.approx(1 / 3)


def test_labels_are_balanced_nested_and_never_those_held_out(task: Task) -> None:
    few, more = (task.labelled(count, 1).tolist() for count in (7, 24))
    assert few == more[:7] and len(set(more)) == 24
    assert torch.bincount(task.train.labels[more]).tolist() == [8, 8, 8]
    assert sorted(torch.bincount(task.train.labels[few]).tolist()) == [2, 2, 3]
    assert not set(task.held.tolist()) & set(task.free.tolist())
    assert len(task.held) + len(task.free) == 90 and set(more) <= set(task.free.tolist())
    assert task.labelled(7, 1).tolist() == few != task.labelled(7, 2).tolist()


@pytest.mark.parametrize("count", [0, 2, 73, 10**6])
def test_labels_that_cannot_be_given_are_told_with_the_limits(task: Task, count: int) -> None:
    with pytest.raises(SpecError, match="choose 3 to 72, or all"):
        task.labelled(count, 0)


def test_a_set_without_classes_and_one_too_small_are_told() -> None:
    plain = heaps(20, "train", classes=1)
    with pytest.raises(DataError, match="1 class .* each subfolder is a class"):
        Task(plain, plain)
    with pytest.raises(DataError, match="too few"):
        Task(heaps(3, "train"), heaps(3, "test"))


def test_the_same_seeds_give_the_same_numbers(task: Task, checkpoint: Checkpoint) -> None:
    first, again = (LinearProbe(code(checkpoint.model), task).accuracies(9, (0, 1)) for _ in range(2))
    assert first == again and len(first) == 2
    assert len(LinearProbe(brightness, task).accuracies(len(task.free), (0, 1))) == 1


@pytest.mark.parametrize("scratch", [True, False])
def test_fine_tuning_learns_and_leaves_the_checkpoint_alone(
    task: Task, checkpoint: Checkpoint, scratch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune, "STEPS", 300)
    before = [value.clone() for value in checkpoint.model.parameters()]
    shares: list[float] = []
    first = finetune.accuracies(checkpoint, task, 30, (0,), scratch, shares.append)
    assert first == finetune.accuracies(checkpoint, task, 30, (0,), scratch)
    assert first[0] > 0.9 and shares[-1] == 1.0
    assert all(map(torch.equal, before, checkpoint.model.parameters()))
    assert not any(value.requires_grad for value in checkpoint.model.parameters())


def counted(key: str = "key") -> tuple[Learner, list[int]]:
    """A learner, and the numbers of labels that it was asked for."""
    asked: list[int] = []

    def accuracies(count: int, seeds: object, on_share: object) -> list[float]:
        asked.append(count)
        return [0.5, 0.75]

    return Learner("run", probed.CODE, 4, key, accuracies), asked


def test_a_probe_tells_of_itself_before_its_first_result(task: Task) -> None:
    shares: list[float] = []
    assert LinearProbe(brightness, task).accuracies(3, (0, 1), shares.append) == [1, 1]
    assert shares == sorted(shares) and shares.count(0) > 3 and shares[-1] == 1


def test_what_was_found_is_read_by_the_next_process(task: Task, tmp_path: Path) -> None:
    learner, asked = counted()
    assert Probes(task, 2, tmp_path).measure(learner, 9) == [0.5, 0.75]
    kept = Probes(task, 2, tmp_path)
    assert kept.measure(learner, 9) == [0.5, 0.75] and asked == [9]
    row = kept.row(learner, 9)
    assert row and (row["accuracy"], row["seeds"], row["n"]) == (0.625, 2, 30)
    assert row["accuracy_sd"] == pytest.approx(0.25 / 2**0.5)
    assert kept.row(learner, 12) is None


def test_other_labels_seeds_pictures_or_weights_are_another_result(task: Task, tmp_path: Path) -> None:
    learner, _ = counted()
    Probes(task, 2, tmp_path).measure(learner, 9)
    relabelled = replace(task.train, labels=task.train.labels.flip(0))
    assert Probes(task, 3, tmp_path).kept(learner, 9) is None
    assert Probes(Task(relabelled, task.test), 2, tmp_path).kept(learner, 9) is None
    assert Probes(Task(task.train, task.test.head(20)), 2, tmp_path).kept(learner, 9) is None
    assert Probes(task, 2, tmp_path).kept(counted("other")[0], 9) is None


@pytest.mark.parametrize("content", ["", "[", "[]", "[2.0]", '["a"]', "[null]", "{}", "[" * 100_000])
def test_a_damaged_file_is_found_again(task: Task, tmp_path: Path, content: str) -> None:
    learner, asked = counted()
    Probes(task, 2, tmp_path).measure(learner, 9)
    (file,) = tmp_path.iterdir()
    file.write_text(content)
    assert Probes(task, 2, tmp_path).measure(learner, 9) == [0.5, 0.75] and asked == [9, 9]
    assert json.loads(file.read_text()) == [0.5, 0.75]


def test_a_folder_that_cannot_be_written_only_costs_time(task: Task, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    learner, asked = counted()
    kept = Probes(task, 2, tmp_path / "file" / "folder")
    assert kept.measure(learner, 9) == kept.measure(learner, 9) and asked == [9]


def test_what_does_not_depend_on_the_weights_is_measured_once(task: Task, checkpoint: Checkpoint) -> None:
    both = [*learners("one", checkpoint, task, "a"), *learners("other", checkpoint, task, "b")]
    kept = once(both)
    assert [(learner.run, learner.way) for learner in kept if learner.run == "other"] == [
        ("other", probed.CODE),
        ("other", probed.SCRATCH),
        ("other", probed.TUNED),
    ]
    assert {learner.way for learner in kept} == set(probed.WAYS) and len(kept) == 9


def test_a_model_that_does_not_fit_the_pictures_is_told(checkpoint: Checkpoint) -> None:
    wide = [tiny(40, (1, 32, 28), seed=seed) for seed in (0, 1)]
    with pytest.raises(DataError, match="cannot take"):
        learners("run", checkpoint, Task(*wide))


def test_numbers_of_labels_are_read_and_nonsense_is_told(task: Task) -> None:
    assert read_labels("10, 100,ALL,10") == (10, 100, None)
    for text in ("", "ten", "1.5", "-1", "0", "10,,100", "9" * 40):
        with pytest.raises(SpecError, match="no number of labels"):
            read_labels(text)
    assert Probes(task).counts((1, 9, 10_000, None)) == [9, 72]
    with pytest.raises(SpecError, match="choose 1 to 100"):
        Probes(task, 0)


def test_the_sentence_names_the_best_code_and_both_numbers() -> None:
    def row(run: str, way: str, labels: int, accuracy: float) -> dict[str, Any]:
        return {"run": run, "way": way, "labels": labels, "accuracy": accuracy}

    rows = [row("", probed.RAW, 100, 0.74), row("a", probed.CODE, 100, 0.81), row("b", probed.CODE, 100, 0.831)]
    rows += [row("", probed.RAW, 1_000, 0.9), row("b", probed.CODE, 1_000, 0.89)]
    rows += [row("b", probed.TUNED, 1_000, 0.95), row("b", probed.SCRATCH, 1_000, 0.955)]
    first, second = findings.sentences(rows, {"a": "A", "b": "B"})
    assert "With 100 labels" in first and "code of B" in first and "83.1%" in first and "9.1 points more" in first
    assert "With 1,000 labels" in second and "95.0%" in second and "0.5 points less" in second and "Of " not in second
    assert list(findings.sentences([], {})) == []
    (told,) = findings.best_and_worst(rows, {"a": "A", "b": "B"})
    assert "code of B lets 83.1%" in told and "that of A 81.0%" in told
    assert list(findings.best_and_worst(rows[:2], {"a": "A"})) == []
