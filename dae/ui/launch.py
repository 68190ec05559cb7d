"""Starting runs: cards for those who want to see something, and every setting for those who want to choose."""

from dataclasses import replace

import streamlit as st

from dae.config import LOSSES, TrainConfig
from dae.data import DATASETS, is_available
from dae.devices import available_devices
from dae.errors import DaeError, SpecError
from dae.models import MODELS
from dae.noise import NOISES, NoiseSpec
from dae.recipes import RECIPES
from dae.runs import RunDirectory
from dae.ui import page, presenter, shared
from dae.ui.controls import show, tell

QUICK = [name for name in RECIPES if name.startswith("quick-")]
RACE = ("quick-linear", "quick-conv")
RACE_IMAGES = 15_000


def _numbered(name: str, label: str, configs: dict[str, TrainConfig]) -> str:
    """The name asked for; the runs of a race have their model's added."""
    return f"{name}-{label}" if name and len(configs) > 1 else name


def _start(configs: dict[str, TrainConfig], name: str = "") -> None:
    """Make a run of each config, hand them to the lab as one job, and show them."""
    try:
        presenter.demand()
        runs = [
            RunDirectory.create(config, recipe=label if label in RECIPES else "", name=_numbered(name, label, configs))
            for label, config in configs.items()
        ]
        shared.lab().start(*runs)
        show([run.name for run in runs])
        st.session_state["launched"] = True
    except DaeError as error:
        tell(str(error))


def _card(title: str, words: str, key: str, configs: dict[str, TrainConfig]) -> None:
    missing = {config.dataset for config in configs.values() if not is_available(config.dataset)}
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{title}**")
        st.caption(words, width="stretch")
        st.button(
            "Start",
            icon=":material/play_arrow:",
            key=f"start-{key}",
            on_click=_start,
            args=(configs,),
            disabled=bool(missing),
            help=f"Needs {missing.pop()}: fetch it with `dae download`." if missing else None,
        )


def launcher(expanded: bool) -> None:
    """Draw the ways to start a run, folded away while one is watched."""
    if not presenter.may_act():
        st.caption("Runs are started by the presenter; everybody may watch.")
        return
    if st.session_state.pop("launched", False):
        st.session_state["launcher"] = False
    folder = st.expander(
        "Start a run", icon=":material/rocket_launch:", expanded=expanded, key="launcher", on_change="rerun"
    )
    if not folder.open:
        return  # each element on the page makes every update of the curves dearer
    with folder:
        quick_tab, best_tab, advanced_tab = st.tabs(["Quick start", "Best and published models", "Advanced"])
    with quick_tab:
        _quick_cards()
    with best_tab:
        _other_cards()
    with advanced_tab, st.form("advanced", border=False):
        _advanced()


def _quick_cards() -> None:
    for column, name in zip(st.columns(4), [*QUICK, "race"], strict=True):
        with column:
            if name == "race":
                race = {
                    recipe: replace(RECIPES[recipe].config, images=RACE_IMAGES, epochs=5, batch_size=128)
                    for recipe in RACE
                }
                _card(
                    "Linear against convolutional",
                    "A race: both learn in turns, an epoch each, side by side.",
                    name,
                    race,
                )
            else:
                _card(RECIPES[name].label, RECIPES[name].help, name, {name: RECIPES[name].config})


def _other_cards() -> None:
    others = [name for name in RECIPES if name not in QUICK]
    for first in range(0, len(others), 4):
        for column, name in zip(st.columns(4), others[first : first + 4], strict=False):
            recipe = RECIPES[name]
            with column:
                source = f" From {recipe.source}." if recipe.published else ""
                _card(recipe.label, f"{recipe.help}{source} `{name}`", name, {name: recipe.config})


def _advanced() -> None:
    left, middle, right = st.columns(3)
    usual = TrainConfig()
    dataset = left.selectbox(
        "Pictures",
        [name for name in DATASETS if is_available(name)],
        format_func=lambda name: DATASETS[name].label,
        help="What the model learns from.",
    )
    models = left.multiselect(
        "Model, or several for a race",
        list(MODELS),
        default=[usual.model],
        max_selections=4,
        format_func=lambda name: MODELS[name].label,
        help="\n".join(f"- **{entry.label}**: {entry.help}" for entry in MODELS.values()),
    )
    kind = left.selectbox(
        "Noise",
        list(NOISES),
        format_func=lambda name: NOISES[name].label,
        help="\n".join(f"- **{entry.label}**: {entry.help}" for entry in NOISES.values()),
    )
    low, high = left.slider(
        "Noise strength",
        0.0,
        1.0,
        (0.5, 0.5),
        0.05,
        help="One strength, or a range: each picture then gets its own, and the model learns to cope with all of them.",
    )
    epochs = middle.number_input("Epochs", 1, 10_000, usual.epochs, help="How often all pictures are gone through.")
    batch_size = middle.number_input(
        "Batch size",
        1,
        65_536,
        usual.batch_size,
        help="How many pictures make one step. Lower it when memory runs out.",
    )
    lr = middle.number_input(
        "Learning rate",
        1e-7,
        10.0,
        usual.lr,
        format="%.5f",
        help="How far a step goes. Too high and training diverges.",
    )
    weight_decay = middle.number_input(
        "Weight decay",
        0.0,
        10.0,
        usual.weight_decay,
        format="%.5f",
        help="Pulls the weights towards zero; often not needed.",
    )
    loss = right.selectbox(
        "Loss",
        list(LOSSES),
        format_func=str.upper,
        help="What counts as an error. **MSE** squares the differences, **L1** takes them as they are, "
        "**BCE** treats a pixel as a chance of being white.",
    )
    count = right.number_input(
        "Training pictures (0 for all)", 0, 10_000_000, 15_000, help="Fewer pictures make shorter epochs."
    )
    seed = right.number_input("Seed", 0, 2**32 - 1, usual.seed, help="The same seed gives the same result again.")
    device = right.selectbox(
        "Device", ["auto", *available_devices()], help="**auto** takes a graphics card where there is one."
    )
    name = right.text_input("Name of the run (optional)", max_chars=64, help="Small letters, digits and dashes.")
    if st.form_submit_button("Start training", icon=":material/play_arrow:", type="primary"):
        with page.told():
            shared_config = TrainConfig(
                dataset=dataset,
                noise=NoiseSpec(kind, low, high),
                epochs=int(epochs),
                batch_size=int(batch_size),
                lr=float(lr),
                weight_decay=float(weight_decay),
                loss=str(loss),
                images=int(count) or None,
                seed=int(seed),
                device=device,
            )
            if not models:
                raise SpecError("No model is chosen. Choose one, or two to four for a race.")
            configs = {model: replace(shared_config, model=model) for model in models}
            _start(configs, name=name.strip())
            st.rerun()
