"""Compare: linear versus convolutional, on the same pictures and the same noise."""

from typing import Any

import streamlit as st

from dae import comparison
from dae.classical import CLASSICAL
from dae.contenders import NOISY
from dae.data import label
from dae.noise import NOISES, NoiseSpec
from dae.ui import again, choosing, contest, evidence, page, shared, stage, tables, takeaway
from dae.ui.lineup import extremes, lineup

QUICK = 1_000
AT_ONCE = 16
SIDE_BY_SIDE = tuple(range(8))

page.begin(
    "pages/compare.py",
    "Compare",
    "Linear against convolutional, against filters, against doing nothing: the same pictures, the same noise.",
)

with page.told():
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = shared.choose_dataset()
        kind = choosing.noise_kind(small=True)
        level = st.slider(
            "Noise strength",
            NOISES[kind].low,
            NOISES[kind].high,
            NOISES[kind].typical,
            NOISES[kind].step,
            key=f"strength_{kind}",  # each kind has its own usual one
            bind="query-params",
            help=f"The {NOISES[kind].unit}.",
            width=260,
        )
        full = st.toggle(
            "All test pictures",
            key="full",
            bind="query-params",
            help=f"Slower, and a little more exact than the first {QUICK:,}.",
        )
    test = shared.images(dataset, "test")
    found = shared.choices(test)
    filters = {name: shared.classical(name, dataset) for name in CLASSICAL if name not in found}
    chosen = page.several(
        "Who is compared",
        [*found, *filters],
        [*shared.usual(found, ("linear", "convolutional", "modern")), *filters],
        key="compared",
        of=dataset,
        help="Trained runs, and classical filters, each at its best strength. Doing nothing is always beside them.",
        most=AT_ONCE,
        named=lambda name: shared.in_full((found | filters)[name]),
    )
    if not found:
        choosing.none_fits(dataset)
    choices = [shared.doing_nothing(), *shared.told_apart([(found | filters)[name] for name in chosen])]
    spec = NoiseSpec(kind, level)
    limit = None if full else min(QUICK, len(test))
    question = f"{dataset} {spec} {limit} {chosen}"
    note = (
        f"The first {limit or len(test):,} test pictures of {label(dataset)}, noise {spec}, one draw of it (seed "
        f"{contest.SEED}) for all; outputs clamped to 0 to 1; each number is the mean over pictures, ± half its 95 % "
        "interval; PSNR and gain over those that the noise changed. Filters have the strength that is best on training "
        "pictures. Times are of one core of this machine, and not taken while a model trains."
    )

    verdict, table, bar = st.empty(), st.empty(), st.empty()
    stage.fine_print(note, key="note")
    chosen_row, pictures = st.container(), st.container()

    kept = contest.measurements(dataset, limit)
    who = {choice.name: contest.contender(choice, dataset) for choice in choices}

    def say(sentences: list[str], whole: bool) -> None:
        with verdict.container():
            st.header(sentences[0] if whole else f"So far: {sentences[0]}", anchor=False)
            st.markdown(" ".join(sentences[1:]))

    def draw(choosable: bool = False) -> str:
        """Draw what is measured so far."""
        scores = {name: known for name, one in who.items() if (known := kept.kept(one, spec)) is not None}
        if NOISY not in scores:
            return ""
        about = {choice.name: contest.about(choice, dataset, spec) for choice in choices}
        say(list(comparison.verdict(scores, about)), len(scores) == len(who))
        return tables.show(table, comparison.table(rows(), about), choosable)

    def rows() -> list[dict[str, Any]]:
        return [row for one in who.values() if (row := kept.row(one, spec))]

    jobs = contest.measuring(choices, dataset, limit, [spec]) + contest.timing(choices, dataset, spec)
    whole = contest.work(jobs, bar, question, "table", draw)
    clicked = draw(choosable=True)
    if whole:
        scores = {name: kept.measure(one, spec) for name, one in who.items()}
        about = {choice.name: contest.about(choice, dataset, spec) for choice in choices}
        if not clicked and len(choices) > 1:
            chosen_row.caption("Click a line of the table to see its best and its worst pictures.")
        if clicked and clicked != NOISY:
            with chosen_row:
                mine = next(choice for choice in choices if choice.name == clicked)
                st.header(f"{mine.label}: its best, median and worst pictures", anchor=False)
                lineup([choices[0], mine], scores, dataset, spec, extremes(scores[clicked]), key="extremes")
        with pictures:
            st.header("The same pictures through everyone", anchor=False)
            strips = lineup(choices, scores, dataset, spec, SIDE_BY_SIDE[: len(test)], key="side_by_side")
        measured = comparison.table(rows(), about)
        points, figure = evidence.robustness(choices, dataset, spec, about, question)
        sentences = [*comparison.verdict(scores, about), *points]
        say(sentences, whole=True)
        gains = evidence.grid(choices, dataset, question)
        again.show(choices)
        takeaway.offer(measured, sentences, strips, figure, gains, note, f"{dataset}-{kind}-{level:g}")
