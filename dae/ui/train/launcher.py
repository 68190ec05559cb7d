"""Ways to start a training: a line of buttons, and dialogs with all recipes and with all settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from dae.data import dataset_label, is_available
from dae.errors import DaeError
from dae.runs import Reference, Run, estimate_duration, load_pretrained, reference_runs
from dae.training import RECIPES, TrainConfig
from dae.training.recipes import NOISE_ABLATION_RECIPES
from dae.ui import resources
from dae.ui.shell import auth, messages
from dae.ui.shell.actions import PageState, page_state, presenter_callback
from dae.ui.train.config_form import render_config_form
from dae.utils import text

_QUICK = [name for name in RECIPES if name.startswith("quick-")]


@dataclass(frozen=True)
class Launch:
    """Trainings that one button starts: a recipe, or several that are trained in turns, an epoch each.

    Attributes:
        overrides: settings that replace those of all recipes, so that a race is quick and fair.
    """

    title: str
    help: str
    recipes: tuple[str, ...]
    overrides: Mapping[str, float]

    def configs(self) -> dict[str, TrainConfig]:
        """Return the config of each recipe, by name."""
        return {name: replace(RECIPES[name].config, **self.overrides) for name in self.recipes}  # type: ignore[arg-type]


SIDE_BY_SIDE_TRAININGS = {
    "race": Launch(
        "Start the race",
        "Linear, convolutional and U-Net learn the same task in turns. Which one learns to denoise best?",
        tuple(_QUICK),
        {"max_images": 5_000, "epochs": 4, "batch_size": 32, "lr": 3e-3},
    ),
    "twins": Launch(
        "No clean images needed",
        "Two identical networks: one trained with clean targets, one with noisy ones only.",
        ("clean-targets", "noisy-targets"),
        {"max_images": 4_000, "epochs": 4, "batch_size": 32},
    ),
}


def render_launcher() -> None:
    """Draw the line of buttons, and the dialog that is open."""
    if not auth.is_presenter():
        return
    state, runs = page_state(), resources.usable_runs()
    references = reference_runs(runs)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="launcher"):
        _start_button("race", SIDE_BY_SIDE_TRAININGS["race"], references, is_primary=True)
        for name in _QUICK:
            _start_button(name, _launch_recipe(name), references)
        for key, label, icon in (("recipes", "More recipes", "list"), ("custom", "Custom", "tune")):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=f"open-{key}",
                type="tertiary",
                on_click=_open,
                args=(state, key),
            )
    if state.dialog:
        title = {"recipes": "More recipes", "custom": "Custom training"}[state.dialog]

        @st.dialog(title, width="large", on_dismiss=lambda: _open(state, ""))
        def render_dialog() -> None:
            is_pressed = _render_form(state, runs) if state.dialog == "custom" else _render_recipes(references)
            if is_pressed and not state.problem:
                # Closes the dialog.
                st.rerun()

        render_dialog()


def _launch_recipe(name: str) -> Launch:
    recipe = RECIPES[name]
    source = f" From {recipe.source}." if recipe.is_published else ""
    return Launch(recipe.label, f"{recipe.help}{source}", (name,), {})


def _start_button(key: str, launch: Launch, references: Sequence[Reference], is_primary: bool = False) -> bool:
    """Draw a button that starts a training, and return whether it was pressed."""
    configs = launch.configs()
    missing = next((config.dataset for config in configs.values() if not is_available(config.dataset)), "")
    needs = f"Needs {dataset_label(missing)}: `dae download {missing}`." if missing else ""
    # A tooltip stays while the pointer rests on its button, and would cover the race.
    is_covering = is_primary and resources.training_queue().jobs()
    help_text = " ".join(filter(None, (launch.help, duration_hint(configs, references), needs)))
    return st.button(
        launch.title,
        icon=":material/play_arrow:",
        key=f"start-{key}",
        type="primary" if is_primary else "secondary",
        help=None if is_covering else help_text,
        on_click=presenter_callback(_start),
        args=(page_state(), configs),
        disabled=bool(missing),
    )


def duration_hint(configs: dict[str, TrainConfig], references: Sequence[Reference]) -> str:
    """Estimate how long the trainings take one after the other on this machine.

    Returns:
        For example "About 40 s here, estimated from digits-conv."; empty if one is unknown.
    """
    estimates = [estimate_duration(config, references) for config in configs.values()]
    known = [estimate for estimate in estimates if estimate]
    if len(known) < len(estimates):
        return ""
    duration = text.approximate_duration(sum(estimate.seconds for estimate in known))
    sources = text.join_words(sorted({estimate.run for estimate in known}))
    return f"{duration[0].upper()}{duration[1:]} here, estimated from {sources}."


def _open(state: PageState, dialog: str) -> None:
    state.dialog, state.problem = dialog, ""


def _render_recipes(references: Sequence[Reference]) -> bool:
    """Draw all recipes but those of the line, and return whether one was started."""
    others = [name for name in RECIPES if name not in _QUICK and name not in NOISE_ABLATION_RECIPES]
    groups = {
        "Ours": [name for name in others if not RECIPES[name].is_published],
        "Published baselines": [name for name in others if RECIPES[name].is_published],
        "Effect of noise": NOISE_ABLATION_RECIPES,
    }
    launches = {"Side by side": {"twins": SIDE_BY_SIDE_TRAININGS["twins"]}}
    launches |= {title: {name: _launch_recipe(name) for name in names} for title, names in groups.items()}
    pressed = False
    for title, group in launches.items():
        st.subheader(title, anchor=False)
        for key, launch in group.items():
            with st.container(horizontal=True, vertical_alignment="center"):
                is_pressed = _start_button(key, launch, references)
                st.caption(launch.help)
            if is_pressed:
                _show_error(page_state())
            pressed |= is_pressed
    return pressed


def _render_form(state: PageState, runs: Sequence[Run]) -> bool:
    """Draw the form with all settings, and return whether it was sent."""
    with st.form("advanced", border=False):
        values = render_config_form(runs)
        is_pressed = st.form_submit_button("Start training", icon=":material/play_arrow:", type="primary")
        if is_pressed:
            presenter_callback(lambda: _start(state, values.configs(), values.name))()
            _show_error(state)
    return is_pressed


def _show_error(state: PageState) -> None:
    """Show why the training could not start, below its button."""
    if state.problem:
        messages.show_error(state.problem)


def _start(state: PageState, configs: dict[str, TrainConfig], name: str = "") -> None:
    """Create a run per config, queue them as one job, and watch them unless another job trains.

    Raises:
        DaeError: a run cannot be created; those already created are deleted.
    """
    runs: list[Run] = []
    queue = resources.training_queue()
    try:
        for config in configs.values():
            if config.pretrained:
                # Fails before a run is created if the weights do not fit.
                load_pretrained(config, resources.images(config.dataset, "train", 1).shape)
        for label, config in configs.items():
            run_name = f"{name}-{label}" if name and len(configs) > 1 else name
            runs.append(Run.create(config, recipe=label if label in RECIPES else "", name=run_name))
    except DaeError:
        for run in runs:
            run.delete()
        raise
    is_idle = not queue.jobs()
    queue.start(*runs)
    state.dialog = ""
    if is_idle:
        state.show([run.name for run in runs])
