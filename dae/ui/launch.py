"""Starting runs: cards for those who want to see something, and every setting for those who want to choose."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import streamlit as st

from dae import words
from dae.config import TrainConfig
from dae.data import is_available, label
from dae.errors import DaeError
from dae.expected import Known, expected, finished
from dae.pretrained import find_pretrained
from dae.recipes import CODE_FAMILY, RECIPES
from dae.runs import RunDirectory, list_runs
from dae.ui import page, presenter, shared
from dae.ui.actions import Wanted, action, wanted
from dae.ui.advanced import advanced

QUICK = [name for name in RECIPES if name.startswith("quick-")]


class Race(NamedTuple):
    """Recipes that are trained in turns, an epoch each.

    Attributes:
        images, epochs, batch_size: instead of the recipes' own, so that it is quick and fair.
    """

    title: str
    words: str
    recipes: tuple[str, ...]
    images: int
    epochs: int
    batch_size: int

    def configs(self) -> dict[str, TrainConfig]:
        quick: dict[str, Any] = {"images": self.images, "epochs": self.epochs, "batch_size": self.batch_size}
        return {name: replace(RECIPES[name].config, **quick) for name in self.recipes}


RACES = {
    "race": Race(
        "Linear against convolutional",
        "A race: both learn in turns, side by side.",
        ("quick-linear", "quick-conv"),
        images=15_000,
        epochs=5,
        batch_size=128,
    ),
    "twins": Race(
        "Never shown a clean picture",
        "Twins race: one is corrected with clean pictures, the other with noisy ones alone.",
        ("clean-targets", "noisy-targets"),
        images=4_000,
        epochs=4,
        batch_size=32,
    ),
}


def _numbered(name: str, label: str, configs: dict[str, TrainConfig]) -> str:
    """The name asked for; the runs of a race have their model's added."""
    return f"{name}-{label}" if name and len(configs) > 1 else name


def _start(wish: Wanted, configs: dict[str, TrainConfig], name: str = "") -> None:
    """Make a run of each config, hand them to the lab as one job, and show them."""
    runs: list[RunDirectory] = []
    try:
        for config in configs.values():
            if config.pretrained:  # told before a run is made
                find_pretrained(config, shared.images(config.dataset, "train", 1).shape)
        for label, config in configs.items():
            recipe = label if label in RECIPES else ""
            runs.append(RunDirectory.create(config, recipe=recipe, name=_numbered(name, label, configs)))
    except DaeError:
        for run in runs:  # a race is whole or nothing
            run.delete()
        raise
    shared.lab().start(*runs)
    wish.show([run.name for run in runs])
    wish.launches += 1
    if any(config.target == "noisy" for config in configs.values()):
        wish.curve_y = "psnr_db"  # its loss is that against noisy pictures, which never gets small


def _takes(configs: dict[str, TrainConfig], known: Sequence[Known]) -> tuple[str, str]:
    """How long trainings one after the other take, and by what that was judged; both empty where nothing tells."""
    each = [expected(config, known) for config in configs.values()]
    judged = [one for one in each if one]
    if len(judged) < len(each):
        return "", ""
    told = words.roughly(sum(one.seconds for one in judged))
    by = words.listing(sorted({one.run for one in judged}))
    devices = {one.device for one in judged}
    where = f" ({devices.pop()})" if len(devices) == 1 else ""
    return f":material/schedule: {told[:1].upper()}{told[1:]}", f"Going by {by}{where}."


def _card(title: str, about: str, key: str, configs: dict[str, TrainConfig], known: Sequence[Known]) -> None:
    missing = sorted({config.dataset for config in configs.values() if not is_available(config.dataset)})
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{title}**")
        st.caption(about, width="stretch")
        takes, judged_by = _takes(configs, known)
        if takes:
            st.caption(takes, help=judged_by)
        st.button(
            "Start",
            icon=":material/play_arrow:",
            key=f"start-{key}",
            on_click=action(_start),
            args=(wanted(), configs),
            disabled=bool(missing),
        )
        if missing:
            st.caption(f"Needs {label(missing[0])}: `dae download {missing[0]}`.", width="stretch")


def launcher(expanded: bool) -> None:
    """Draw the ways to start a run, folded away while one is watched."""
    if not presenter.may_act():
        st.caption("Runs are started by the presenter; everybody may watch.")
        return
    folder = st.expander("Start a run", expanded=expanded, key=f"launcher:{wanted().launches}", on_change="rerun")
    if not folder.open:
        return  # each element on the page makes every update of the curves dearer
    with folder:
        quick_tab, best_tab, advanced_tab = st.tabs(["Quick start", "Best and published models", "Advanced"])
    runs = list_runs()
    known = finished(runs)
    with quick_tab:
        _quick_cards(known)
    with best_tab:
        _other_cards(known)
    with advanced_tab, st.form("advanced", border=False):
        configs, name = advanced(runs)
        if st.form_submit_button("Start training", icon=":material/play_arrow:", type="primary"):
            with page.told():
                action(_start)(wanted(), configs(), name)
                st.rerun()


def _quick_cards(known: Sequence[Known]) -> None:
    columns = iter(st.columns(len(QUICK) + len(RACES)))
    for name in QUICK:
        with next(columns):
            _card(RECIPES[name].label, RECIPES[name].help, name, {name: RECIPES[name].config}, known)
    for key, race in RACES.items():
        with next(columns):
            _card(race.title, race.words, key, race.configs(), known)


def _other_cards(known: Sequence[Known]) -> None:
    others = [name for name in RECIPES if name not in QUICK]
    groups = {
        "Ours": [name for name in others if not RECIPES[name].published and name not in CODE_FAMILY],
        "As their authors trained them": [name for name in others if RECIPES[name].published],
        "For what the code knows": list(CODE_FAMILY),
    }
    for title, names in groups.items():
        st.subheader(title, anchor=False)
        for first in range(0, len(names), 4):
            for column, name in zip(st.columns(4), names[first : first + 4], strict=False):
                recipe = RECIPES[name]
                with column:
                    source = f" From {recipe.source}." if recipe.published else ""
                    _card(recipe.label, f"{recipe.help}{source} `{name}`", name, {name: recipe.config}, known)
