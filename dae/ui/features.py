"""Features: what a straight rule reads from the codes, beside raw pixels and others, and what fine-tuning gains."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dae import findings, finetune, plots, probed
from dae.errors import DaeError
from dae.models import MODELS
from dae.probe import Task
from dae.probed import CODE, LABELS, PCA, RAW, SCRATCH, TUNED, UNTRAINED, Learner, Probes
from dae.ui import contest, shared, stage
from dae.ui.chart import live_chart
from dae.ui.shared import Choice

Say = Callable[[Sequence[Mapping[str, Any]], Mapping[str, str]], Iterable[str]]

_ORDER = (RAW, PCA, UNTRAINED, CODE, SCRATCH, TUNED)


@st.cache_resource(show_spinner=False, max_entries=4)
def probes(dataset: str) -> Probes:
    """Of a data set, shared by all sessions and kept on the disk; DataError where it has no classes to tell apart."""
    return Probes(Task(shared.images(dataset, "train"), shared.images(dataset, "test")))


def features(runs: Sequence[Choice], dataset: str) -> None:
    """Draw the linear probe of each run's code, then its fine-tuning."""
    kept = probes(dataset)
    learners = found(runs, kept)
    if not probe(runs, kept, learners, dataset, "features", LABELS):
        return
    st.header("And when the encoder may learn on", anchor=False)
    tuned = [learner for learner in learners if not learner.probes]
    table, bar = st.empty(), st.empty()
    jobs = list(probed.jobs(tuned, kept.counts(LABELS)))

    def draw() -> None:
        show(table, [row for job in jobs if (row := kept.row(*job))], runs)

    draw()
    question = f"tuning {dataset} {[run.name for run in runs]}"
    contest.work([_job(kept, runs, *job) for job in jobs], bar, question, "tuning", draw)
    for sentence in findings.sentences([row for job in jobs if (row := kept.row(*job))], _labels(runs)):
        st.markdown(f"**{sentence}**")
    stage.fine_print(
        f"The same network and the same {finetune.STEPS} steps on the same labels: started from the trained encoder, "
        "and from initial weights; the learning rate of each is chosen on the held-out pictures. Means over "
        f"{len(kept.seeds)} seeds, ± their standard deviation; {findings.in_data(kept.task)}.",
        key="tuning",
    )


def found(runs: Sequence[Choice], kept: Probes) -> list[Learner]:
    """All learners of the runs; a run that cannot take part is named with the reason."""
    learners: list[Learner] = []
    for run in runs:
        try:
            key = contest.weights_key(run.name, shared.version(run.name))
            learners += probed.learners(run.name, shared.checkpoint(run.name), kept.task, key)
        except DaeError as error:
            st.caption(f":material/info: {run.label}: {error}")
    return probed.once(learners)


def probe(
    runs: Sequence[Choice],
    kept: Probes,
    learners: Sequence[Learner],
    dataset: str,
    key: str,
    counts: Sequence[int | None],
    say: Say = findings.sentences,
) -> bool:
    """Draw the linear probe: what `say` makes of it, a table and a chart; whether all of it is measured."""
    verdict, table, bar, chart = st.empty(), st.empty(), st.empty(), st.container()
    jobs = [job for job in probed.jobs(learners, kept.counts(counts)) if job[0].probes]

    def draw() -> None:
        rows = [row for job in jobs if (row := kept.row(*job))]
        for sentence in say(rows, _labels(runs)):
            verdict.header(sentence, anchor=False)
        show(table, rows, runs)

    draw()
    question = f"{key} {dataset} {[run.name for run in runs]}"
    whole = contest.work([_job(kept, runs, *job) for job in jobs], bar, question, key, draw)
    rows = [row for job in jobs if (row := kept.row(*job))]
    with chart:
        if rows:
            drawn = plots.probe_figure(_curves(rows, runs))
            live_chart(drawn, key=f"{key}_chart", alt="The share of pictures recognised against the number of labels")
        stage.fine_print(
            "A straight rule (logistic regression) learns to tell the classes apart from the feature alone, with few "
            "labels and with all; its scaling and strength are chosen for every feature in the same way, on "
            f"{len(kept.task.held):,} training pictures that nothing else sees. PCA is of the same size as a code and "
            f"learnt from training pictures, without labels. Means over {len(kept.seeds)} seeds (0 to "
            f"{len(kept.seeds) - 1}), which choose the labels, ± their standard deviation; "
            f"{findings.in_data(kept.task)}.",
            key=key,
        )
    return whole


def show(slot: Any, rows: Sequence[Mapping[str, Any]], runs: Sequence[Choice]) -> None:
    """Draw a table with a line a feature and a column a number of labels; nothing where nothing is measured."""
    if not rows:
        return
    lines: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (_ORDER.index(row["way"]), row["labels"])):
        line = lines.setdefault(named(row, runs), {"Learns from": named(row, runs), "Numbers": row["numbers"]})
        spread = f" ± {100 * row['accuracy_sd']:.1f}" if row["seeds"] > 1 else ""
        line[f"{row['labels']:,} labels"] = f"{row['accuracy']:.1%}{spread}"
    columns = sorted({row["labels"] for row in rows})
    whole = pd.DataFrame(
        lines.values(), columns=["Learns from", "Numbers", *(f"{count:,} labels" for count in columns)]
    )
    first = {"Learns from": st.column_config.TextColumn(width=260)}
    alt = "The share of test pictures that is recognised, a line for each feature, a column for each number of labels."
    slot.dataframe(whole.fillna("–"), hide_index=True, width="stretch", column_config=first, alt=alt)


def named(row: Mapping[str, Any], runs: Sequence[Choice]) -> str:
    """What people call the feature of a row."""
    run = next((run for run in runs if run.name == row["run"]), None)
    if row["way"] == RAW:
        return "Raw pixels"
    if row["way"] == PCA:
        return f"PCA, {row['numbers']:,} numbers"
    if row["way"] in (UNTRAINED, SCRATCH) or run is None:
        model = MODELS[run.model].label if run else row["run"]
        return f"{model}, untrained" if row["way"] == UNTRAINED else f"{model}, from scratch"
    return f"{run.label}, its code" if row["way"] == CODE else f"{run.label}, fine-tuned"


def _curves(rows: Sequence[Mapping[str, Any]], runs: Sequence[Choice]) -> list[plots.ProbeCurve]:
    colors = {run.name: run.color for run in runs}
    curves: dict[str, plots.ProbeCurve] = {}
    dashes = {RAW: "solid", PCA: "dash", UNTRAINED: "dot", CODE: "solid"}
    for row in sorted(rows, key=lambda row: (_ORDER.index(row["way"]), row["labels"])):
        name = named(row, runs)
        color = colors.get(row["run"], plots.NEUTRAL)
        curve = curves.setdefault(name, plots.ProbeCurve(name, color, dashes[row["way"]], [], []))
        curve.labels.append(row["labels"])
        curve.accuracies.append(row["accuracy"])
    return list(curves.values())


def _job(kept: Probes, runs: Sequence[Choice], learner: Learner, count: int) -> contest.Job:
    name = named({"run": learner.run, "way": learner.way, "numbers": learner.numbers}, runs)
    return contest.Job(
        f"{name}, {count:,} labels",
        lambda: kept.kept(learner, count) is not None,
        lambda on_share: kept.measure(learner, count, on_share),
    )


def _labels(runs: Sequence[Choice]) -> dict[str, str]:
    return {run.name: run.label for run in runs}
