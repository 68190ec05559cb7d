"""Train: start a run in two clicks, then everybody sees it learn."""

from dataclasses import replace

import streamlit as st

from dae.config import LOSSES, TrainConfig
from dae.data import DATASETS, is_available
from dae.devices import available_devices
from dae.errors import DaeError, SpecError
from dae.models import MODELS
from dae.noise import NOISES, NoiseSpec
from dae.recipes import RECIPES
from dae.runs import RunDirectory, list_runs
from dae.ui import page, shared
from dae.ui.live import tell, watch

page.begin(
    "pages/train.py",
    "Train",
    "Start with a card. The model sees pictures with noise and learns, step by step, to give back the clean ones.",
)

RACE = ("quick-linear", "quick-conv")
RACE_IMAGES = 15_000


def numbered(name: str, label: str, configs: dict[str, TrainConfig]) -> str:
    """The name asked for; the runs of a race have their model's added."""
    return f"{name}-{label}" if name and len(configs) > 1 else name


def start(configs: dict[str, TrainConfig], name: str = "") -> None:
    """Make a run of each config, hand them to the lab as one job, and show them."""
    try:
        runs = [
            RunDirectory.create(config, recipe=label if label in RECIPES else "", name=numbered(name, label, configs))
            for label, config in configs.items()
        ]
        shared.lab().start(*runs)
        st.session_state["runs"] = [run.name for run in runs]
    except DaeError as error:
        tell(str(error))


def card(title: str, words: str, key: str, configs: dict[str, TrainConfig]) -> None:
    missing = {config.dataset for config in configs.values() if not is_available(config.dataset)}
    with st.container(border=True, height="stretch"):
        st.markdown(f"**{title}**")
        st.caption(words, width="stretch")
        st.button(
            "Start",
            icon=":material/play_arrow:",
            key=f"start-{key}",
            on_click=start,
            args=(configs,),
            disabled=bool(missing),
            help=f"Needs {missing.pop()}: fetch it with `dae download`." if missing else None,
        )


problem = st.session_state.pop("problem", "")
if problem:
    st.error(problem, icon=":material/error:")

quick = [name for name in RECIPES if name.startswith("quick-")]
watching = "runs" in st.session_state or bool(shared.lab().jobs())  # what is watched stays where it is
with st.expander("Start a run", icon=":material/rocket_launch:", expanded=not watching or bool(problem)):
    quick_tab, best_tab, advanced_tab = st.tabs(["Quick start", "Best and published models", "Advanced"])

with quick_tab:
    for column, name in zip(st.columns(4), [*quick, "race"], strict=True):
        with column:
            if name == "race":
                race = {
                    recipe: replace(RECIPES[recipe].config, images=RACE_IMAGES, epochs=5, batch_size=128)
                    for recipe in RACE
                }
                card(
                    "Linear against convolutional",
                    "A race: both learn in turns, an epoch each, side by side.",
                    name,
                    race,
                )
            else:
                card(RECIPES[name].label, RECIPES[name].help, name, {name: RECIPES[name].config})

with best_tab:
    others = [name for name in RECIPES if name not in quick]
    for first in range(0, len(others), 4):
        for column, name in zip(st.columns(4), others[first : first + 4], strict=False):
            recipe = RECIPES[name]
            with column:
                source = f" From {recipe.source}." if recipe.published else ""
                card(recipe.label, f"{recipe.help}{source} `{name}`", name, {name: recipe.config})

with advanced_tab, st.form("advanced", border=False):
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
        format_func={"mse": "MSE", "bce": "BCE", "l1": "L1"}.get,
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
            start(configs, name=name.strip())
            st.rerun()

with page.told():
    names = [run.name for run in list_runs()]
    jobs = shared.lab().jobs()
    first = None
    if "runs" in st.session_state:  # a run that was deleted meanwhile is no longer a choice
        st.session_state["runs"] = [name for name in st.session_state["runs"] if name in names]
    else:
        first = [name for name in (jobs[0] if jobs else names[:1]) if name in names]
    shown = st.multiselect(
        "Runs shown",
        names,
        default=first,
        key="runs",
        bind="query-params",
        max_selections=4,
        placeholder="Choose runs to watch, or to lay over each other",
        help="Every training is kept as a run. Choose several to compare their curves.",
    )
    if shown:
        watch(shown)
    else:
        st.info("No run is chosen. Start one with a card above.")
