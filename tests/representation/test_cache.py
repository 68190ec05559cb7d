"""Probe methods, their cached accuracies, and the sentences about them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dae.errors import DataError, SpecError
from dae.models import Checkpoint
from dae.representation import (
    Method,
    ProbeCache,
    ProbeMethod,
    ProbeTask,
    deduplicate,
    parse_label_counts,
    probe_jobs,
    probe_methods,
    ranking_sentence,
    summary_sentences,
)
from tests.helpers import tiny_dataset, untrained_checkpoint
from tests.representation.image_sets import images_of_brightness


@pytest.fixture
def task() -> ProbeTask:
    return ProbeTask(images_of_brightness(90, "train"), images_of_brightness(30, "test"))


@pytest.fixture
def checkpoint() -> Checkpoint:
    return untrained_checkpoint("linear-32")


def counting_method(key: str = "key") -> tuple[ProbeMethod, list[int]]:
    """Return a method, and the numbers of labels that it was measured with."""
    measured: list[int] = []

    def accuracies(count: int, seeds: object, on_progress: object) -> list[float]:
        measured.append(count)
        return [0.5, 0.75]

    return ProbeMethod("run", Method.CODE, 4, key, accuracies), measured


def test_the_next_process_reads_accuracies_from_disk(task: ProbeTask, tmp_path: Path) -> None:
    method, measured = counting_method()
    assert ProbeCache(task, 2, tmp_path).compute(method, 9)["accuracy"].tolist() == [0.5, 0.75]
    cache = ProbeCache(task, 2, tmp_path)
    assert cache.compute(method, 9)["accuracy"].tolist() == [0.5, 0.75] and measured == [9]
    row = cache.summary_row(method, 9)
    assert row and (row["accuracy"], row["seeds"], row["n"], row["method"]) == (0.625, 2, 30, "code")
    assert row["accuracy_sd"] == pytest.approx(0.25 / 2**0.5)
    assert cache.summary_row(method, 12) is None


def test_other_labels_seeds_images_or_weights_are_not_cached(task: ProbeTask, tmp_path: Path) -> None:
    method, _ = counting_method()
    ProbeCache(task, 2, tmp_path).compute(method, 9)
    relabeled = replace(task.train, labels=task.train.labels.flip(0))
    assert ProbeCache(task, 3, tmp_path).get(method, 9) is None
    assert ProbeCache(ProbeTask(relabeled, task.test), 2, tmp_path).get(method, 9) is None
    assert ProbeCache(ProbeTask(task.train, task.test.take(20)), 2, tmp_path).get(method, 9) is None
    assert ProbeCache(task, 2, tmp_path).get(counting_method("other")[0], 9) is None


def test_a_method_without_a_key_is_only_cached_in_memory(task: ProbeTask, tmp_path: Path) -> None:
    method, measured = counting_method("")
    cache = ProbeCache(task, 2, tmp_path)
    assert cache.compute(method, 9) is cache.compute(method, 9)
    assert measured == [9] and not list(tmp_path.iterdir())


def test_methods_that_depend_on_no_run_are_measured_once(task: ProbeTask, checkpoint: Checkpoint) -> None:
    methods = [*probe_methods("one", checkpoint, task, "a"), *probe_methods("other", checkpoint, task, "b")]
    unique = deduplicate(methods)
    assert [method.method for method in unique if method.run == "other"] == [
        Method.CODE,
        Method.SCRATCH,
        Method.FINE_TUNED,
    ]
    assert {method.method for method in unique} == set(Method) and len(unique) == 9


def test_linear_probes_are_measured_before_fine_tuning(task: ProbeTask, checkpoint: Checkpoint) -> None:
    jobs = list(probe_jobs(probe_methods("run", checkpoint, task), (10, 60)))
    assert [count for _, count in jobs] == [10] * 4 + [60] * 4 + [60] * 2
    assert all(method.is_linear_probe for method, _ in jobs[:8])
    assert not any(method.is_linear_probe for method, _ in jobs[8:])


def test_a_model_that_cannot_take_the_images_raises_a_data_error(checkpoint: Checkpoint) -> None:
    wide = [tiny_dataset(40, (1, 32, 28), seed=seed) for seed in (0, 1)]
    with pytest.raises(DataError, match="cannot process"):
        probe_methods("run", checkpoint, ProbeTask(*wide))


def test_numbers_of_labels_are_parsed_and_limited_to_the_task(task: ProbeTask) -> None:
    assert parse_label_counts("10, 100,ALL,10") == (10, 100, None)
    assert ProbeCache(task).feasible_counts((1, 9, 10_000, None)) == [9, 72]


@pytest.mark.parametrize("text", ["", "ten", "1.5", "-1", "0", "10,,100", "9" * 40])
def test_an_invalid_number_of_labels_raises_a_spec_error(text: str) -> None:
    with pytest.raises(SpecError, match="Number of labels .* is invalid"):
        parse_label_counts(text)


@pytest.mark.parametrize("num_seeds", [0, 101])
def test_an_invalid_number_of_seeds_raises_a_spec_error(task: ProbeTask, num_seeds: int) -> None:
    with pytest.raises(SpecError, match="Choose 1 to 100"):
        ProbeCache(task, num_seeds)


def row(run: str, method: Method, labels: int, accuracy: float) -> dict[str, Any]:
    return {"run": run, "method": method.value, "labels": labels, "accuracy": accuracy}


ROWS = [
    row("", Method.RAW, 100, 0.74),
    row("a", Method.CODE, 100, 0.81),
    row("b", Method.CODE, 100, 0.831),
    row("", Method.RAW, 1_000, 0.9),
    row("b", Method.CODE, 1_000, 0.89),
    row("b", Method.FINE_TUNED, 1_000, 0.95),
    row("b", Method.SCRATCH, 1_000, 0.955),
]
LABELS = {"a": "A", "b": "B"}


def test_summary_sentences_name_the_best_code_and_what_it_is_compared_with() -> None:
    assert list(summary_sentences(ROWS, LABELS)) == [
        "With 100 labels, a linear classifier on the code of B recognizes 83.1% of the images, against 74.0% on raw "
        "pixels.",
        "With 1,000 labels, starting from the encoder of B: 95.0%; from scratch: 95.5%.",
    ]
    assert list(summary_sentences([], {})) == []


@pytest.mark.parametrize(("accuracy", "share"), [(0.9, "1 of 2"), (0.96, "all 2")])
def test_summary_sentences_count_the_models_that_pretraining_helped(accuracy: float, share: str) -> None:
    rows = [row("a", Method.FINE_TUNED, 1_000, 0.97), row("a", Method.SCRATCH, 1_000, 0.9)]
    rows += [row("b", Method.FINE_TUNED, 1_000, accuracy), row("b", Method.SCRATCH, 1_000, 0.95)]
    (sentence,) = summary_sentences(rows, LABELS)
    assert sentence == (
        "With 1,000 labels, starting from the encoder of A: 97.0%; from scratch: 90.0%. "
        f"Pretraining helped {share} models."
    )


def test_ranking_sentence_compares_the_best_and_the_worst_code() -> None:
    (sentence,) = ranking_sentence(ROWS, LABELS)
    assert sentence == "With 100 labels, the code of B identifies 83.1% of the images; that of A, 81.0%."
    assert list(ranking_sentence(ROWS[:2], LABELS)) == []
