"""Linear probe: how well a linear classifier predicts the class from a code, and whether fine-tuning helps."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dae.errors import DaeError
from dae.evaluation import SHIPPED_RESULTS
from dae.models import MODELS
from dae.representation import (
    LABEL_COUNTS,
    Method,
    ProbeCache,
    ProbeMethod,
    ProbeTask,
    deduplicate,
    describe_task,
    finetune,
    probe_jobs,
    probe_methods,
    summary_sentences,
)
from dae.ui import measuring, resources
from dae.ui.components.live_chart import live_chart
from dae.ui.model_options import ModelOption
from dae.ui.shell import messages, presentation
from dae.viz import plots

Row = Mapping[str, Any]
Sentences = Callable[[Sequence[Row], Mapping[str, str]], Iterable[str]]

_DASHES = {Method.RAW: "solid", Method.PCA: "dash", Method.UNTRAINED: "dot", Method.CODE: "solid"}


@dataclass(frozen=True, eq=False)
class Probes:
    """Methods to measure, each with a number of labels.

    Attributes:
        jobs: (method, number of labels).
    """

    models: tuple[ModelOption, ...]
    cache: ProbeCache
    jobs: tuple[tuple[ProbeMethod, int], ...]

    @property
    def labels(self) -> dict[str, str]:
        """Return the display name of each run."""
        return {model.name: model.label for model in self.models}

    def rows(self) -> list[Row]:
        """Return a row for each measured job, ordered by method and number of labels."""
        rows = [row for job in self.jobs if (row := self.cache.summary_row(*job))]
        return sorted(rows, key=lambda row: (list(Method).index(row["method"]), row["labels"]))

    def measure(self, slot: DeltaGenerator, key: str, on_update: Callable[[], object]) -> bool:
        """Run the missing measurements, with a progress bar in `slot`; return whether all are done."""
        on_update()
        selection_key = f"{key} {self.cache.task.test.name} {[model.name for model in self.models]}"
        jobs = [self._job(method, count) for method, count in self.jobs]
        return measuring.run_jobs(jobs, slot, selection_key, key, on_update)

    def _job(self, method: ProbeMethod, count: int) -> measuring.Job:
        name = method_label(method.method, method.run, method.num_dimensions, self.models)
        return measuring.Job(
            f"{name}, {count:,} labels",
            lambda: self.cache.get(method, count) is not None,
            partial(self.cache.compute, method, count),
        )


@st.cache_resource(show_spinner=False, max_entries=4)
def probe_cache(dataset: str) -> ProbeCache:
    """Return the probe results of a data set, which all sessions share; raise DataError if it has no classes."""
    task = ProbeTask(resources.images(dataset, "train"), resources.images(dataset, "test"))
    return ProbeCache(task, shipped=SHIPPED_RESULTS)


def collect_probes(
    models: Sequence[ModelOption], cache: ProbeCache, counts: Sequence[int | None]
) -> tuple[Probes, Probes]:
    """Return the linear probes and the fine-tuning of models; draw the reason for each model that is left out.

    Args:
        counts: numbers of labels; None stands for all.
    """
    methods: list[ProbeMethod] = []
    for model in models:
        try:
            key = measuring.weights_key(model.name)
            methods += probe_methods(model.name, resources.checkpoint(model.name), cache.task, key)
        except DaeError as error:
            st.caption(f":material/info: {model.label}: {messages.for_viewer(str(error))}")
    jobs = list(probe_jobs(deduplicate(methods), cache.feasible_counts(counts)))
    linear, tuned = (
        Probes(tuple(models), cache, tuple(job for job in jobs if job[0].is_linear_probe == is_linear))
        for is_linear in (True, False)
    )
    return linear, tuned


def render_probe(models: Sequence[ModelOption], dataset: str) -> None:
    """Draw the linear probe of each model's code, then its fine-tuning."""
    linear, tuned = collect_probes(models, probe_cache(dataset), LABEL_COUNTS)
    if not render_linear_probes(linear, "probe"):
        return
    st.header("With fine-tuning", anchor=False)
    table, bar = st.empty(), st.empty()
    tuned.measure(bar, "tuning", lambda: _render_table(table, tuned))
    for sentence in summary_sentences(tuned.rows(), tuned.labels):
        st.markdown(f"**{sentence}**")
    presentation.footnote(
        f"Same network, {finetune.NUM_STEPS} steps, same labels; once starting from the trained encoder, once from "
        f"scratch, each with the learning rate that is best on held-out images. {_describe_averages(tuned.cache)}",
        key="tuning",
    )


def render_linear_probes(probes: Probes, key: str, sentences: Sentences = summary_sentences) -> bool:
    """Draw a summary, a table and a chart; return whether everything is measured.

    Args:
        sentences: summarize rows, given the display names of the runs.
    """
    heading, table, bar, chart = st.empty(), st.empty(), st.empty(), st.container()

    def update() -> None:
        for sentence in sentences(probes.rows(), probes.labels):
            heading.header(sentence, anchor=False)
        _render_table(table, probes)

    is_complete = probes.measure(bar, key, update)
    with chart:
        if curves := probe_curves(probes.rows(), probes.models):
            alt = "The share of recognized test images against the number of labels"
            live_chart(plots.probe_figure(curves), key=f"{key}_chart", alt=alt)
        presentation.footnote(
            "A linear classifier (logistic regression) predicts the class from each representation. Scaling and "
            f"regularization are tuned on {len(probes.cache.task.validation_indices):,} held-out images. PCA has the "
            f"same size as the code. {_describe_averages(probes.cache)}",
            key=key,
        )
    return is_complete


def _describe_averages(cache: ProbeCache) -> str:
    return f"Mean ± standard deviation over {len(cache.seeds)} seeds; {describe_task(cache.task)}."


def _render_table(slot: DeltaGenerator, probes: Probes) -> None:
    if rows := probes.rows():
        slot.dataframe(
            probe_table(rows, probes.models),
            hide_index=True,
            column_config={"Input": st.column_config.TextColumn(width=260)},
            alt="The share of recognized test images, a row per input, a column per number of labels.",
        )


def probe_table(rows: Sequence[Row], models: Sequence[ModelOption]) -> pd.DataFrame:
    """Return a table with a row per feature and a column per number of labels."""
    lines: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = row_label(row, models)
        line = lines.setdefault(name, {"Input": name, "Size": row["dimensions"]})
        deviation = f" ± {100 * row['accuracy_sd']:.1f}" if row["seeds"] > 1 else ""
        line[f"{row['labels']:,} labels"] = f"{row['accuracy']:.1%}{deviation}"
    counts = sorted({row["labels"] for row in rows})
    columns = ["Input", "Size", *(f"{count:,} labels" for count in counts)]
    return pd.DataFrame(lines.values(), columns=columns).fillna("–")


def probe_curves(rows: Sequence[Row], models: Sequence[ModelOption]) -> list[plots.ProbeCurve]:
    """Return the accuracy of each feature against the number of labels."""
    colors = {model.name: model.color for model in models}
    curves: dict[str, plots.ProbeCurve] = {}
    for row in rows:
        name, color = row_label(row, models), colors.get(row["run"], plots.BASELINE_COLOR)
        curve = curves.setdefault(name, plots.ProbeCurve(name, color, _DASHES[row["method"]], [], []))
        curve.labels.append(row["labels"])
        curve.accuracies.append(row["accuracy"])
    return list(curves.values())


def row_label(row: Row, models: Sequence[ModelOption]) -> str:
    """Return the display name of a row of `ProbeCache.summary_row`."""
    return method_label(row["method"], row["run"], row["dimensions"], models)


def method_label(method: str, run: str, num_dimensions: int, models: Sequence[ModelOption]) -> str:
    """Return the display name of a method of `Method`, applied to a run."""
    model = next((model for model in models if model.name == run), None)
    label, architecture = (model.label, MODELS[model.model].label) if model else (run, run)
    return {
        Method.RAW: "Raw pixels",
        Method.PCA: f"PCA, {num_dimensions:,} dimensions",
        Method.UNTRAINED: f"{architecture}, untrained",
        Method.CODE: f"{label}, code",
        Method.SCRATCH: f"{architecture}, from scratch",
        Method.FINE_TUNED: f"{label}, fine-tuned",
    }[Method(method)]
