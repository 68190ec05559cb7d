"""Widgets that several pages share, whose values are in the URL."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

import streamlit as st

from dae.data import dataset_label
from dae.noise import NOISES
from dae.ui import address, model_options, resources
from dae.ui.model_options import ModelOption
from dae.ui.shell import page
from dae.utils.text import describe_terms

MAX_MODELS = 4
_NUM_SEEDS = 10_000


def select_noise_kind(small: bool = False) -> str:
    """Let the user select a key of NOISES.

    Args:
        small: draw a select box instead of a row of buttons.
    """
    labels = {kind: info.label for kind, info in NOISES.items()}
    _load_choice("noise", labels)
    help_text = describe_terms({info.label: info.help for info in NOISES.values()})

    kind: str | None
    if small:
        kind = st.selectbox(
            "Noise", list(labels), format_func=labels.__getitem__, key="noise", help=help_text, width=200
        )
    else:
        kind = st.pills(
            "Noise", list(labels), format_func=labels.__getitem__, key="noise", required=True, help=help_text
        )
    return _save_choice("noise", labels, kind)


def select_models(options: Mapping[str, ModelOption], dataset: str | None) -> list[ModelOption]:
    """Let the user select up to MAX_MODELS of the models, and return them with distinct labels.

    Args:
        dataset: the selection returns to the default models when this changes; None: where no data set is selected.
    """
    names = url_multiselect(
        "Models",
        list(options),
        model_options.default_options(options),
        key="models",
        depends_on=dataset,
        help="Choose up to four. Each model keeps its color on every page.",
        max_selections=MAX_MODELS,
        format_func=lambda name: model_options.full_label(options[name]),
    )
    return model_options.disambiguate_labels([options[name] for name in names])


def select_model(options: Sequence[ModelOption], key: str) -> ModelOption:
    """Let the user select one of the models, of which there is at least one; return it with a distinct label."""
    models = {option.name: option for option in model_options.disambiguate_labels(options)}
    # A list, as there can be many: models of one kind of noise, and those that were trained here.
    name = st.selectbox("Model", list(models), key=key, format_func=lambda name: models[name].label, width=320)
    return models.get(name) or next(iter(models.values()))


def show_no_compatible_model(dataset: str) -> None:
    """Tell the user that no model takes the images of the data set, with a link to Train."""
    st.info(f"No model for {dataset_label(dataset)} yet. Train one first.")
    link_to_train()


def link_to_train() -> None:
    """Draw a link to the Train page."""
    st.page_link("pages/train.py", label="Train a model", icon=page.PAGES["pages/train.py"][1])


def select_dataset() -> str:
    """Let the user select one of the data sets on this machine."""
    names = resources.available_datasets()
    labels = {name: dataset_option(name, names) for name in names}
    _load_choice("data", labels)
    dataset = st.selectbox(
        "Data set",
        names,
        format_func=labels.__getitem__,
        key="data",
        help="Where the test images come from. Models are never trained on these.",
        width=200,
    )
    return _save_choice("data", labels, dataset)


def dataset_option(dataset: str, available: Sequence[str] | None = None) -> str:
    """Return the label of a data set in its widget and in the URL: its full name if another one has the same label.

    Args:
        available: data sets to choose from; None for all on this machine.
    """
    labels = [dataset_label(name) for name in available or resources.available_datasets()]
    return dataset if labels.count(dataset_label(dataset)) > 1 else dataset_label(dataset)


def url_choice(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    help: str | None = None,
    label_visibility: Literal["visible", "collapsed"] = "visible",
) -> str:
    """Draw a row of buttons, of which one is selected, and return it; it is in the URL unless it is the first one."""
    choice = st.segmented_control(
        label,
        options,
        default=options[0],
        required=True,
        key=key,
        bind="query-params",
        help=help,
        label_visibility=label_visibility,
    )
    # An empty query parameter selects nothing.
    return choice or options[0]


def url_number_input(
    label: str, low: int, high: int, *, key: str, help: str, width: int, default: int | None = None
) -> int:
    """Draw a number input whose value is in the URL.

    Streamlit's own `bind` raises on a URL with 1e999.

    Args:
        default: initial value, which the URL leaves out; None for `low`.
    """
    default = low if default is None else default
    if key not in st.session_state:
        st.session_state[key] = parse_whole_number(_load_param(key), default)
    # The limits can change between two runs of the script.
    st.session_state[key] = min(max(int(st.session_state[key]), low), high)
    value = int(st.number_input(label, low, high, key=key, help=help, width=width))
    _save_param(key, [str(value)] if value != default else [])
    return value


def select_seed(label: str, button: str, *, key: str, help: str) -> int:
    """Draw a number input for a random seed that is in the URL, and a button for the next seed."""
    seed = url_number_input(label, 0, _NUM_SEEDS - 1, key=key, help=help, width=120)
    # The next seed and not a step, as a press can arrive twice.
    following = {key: (seed + 1) % _NUM_SEEDS}
    st.button(button, icon=":material/casino:", on_click=st.session_state.update, args=(following,), key=f"{key}_next")
    return seed


def url_multiselect(
    label: str,
    options: Sequence[str],
    default: Sequence[str],
    *,
    key: str,
    help: str,
    max_selections: int,
    depends_on: str | None,
    format_func: Callable[[str], str],
) -> list[str]:
    """Draw a selection of names that is always in the URL.

    Streamlit's own `bind` leaves the default out, which here depends on other widgets. Names in the URL that are not
    options are ignored.

    Args:
        depends_on: the selection returns to `default` when this value changes, except to or from None, or if none of
            its names is an option.
    """
    previous = st.session_state.get(f"{key}:of")
    if depends_on is not None:
        st.session_state[f"{key}:of"] = depends_on
    if None not in (previous, depends_on) and previous != depends_on:
        st.session_state.pop(_state_key(key), None)
        # If there is no widget yet, a link from another page has opened this one, and the names in it apply.
        if key in st.session_state:
            st.session_state[key] = list(default)
    is_new = key not in st.session_state
    requested = _load_param(key) if is_new else st.session_state[key]
    names = parse_names(requested, options, max_selections)
    # An empty selection stays empty if the user made it so.
    st.session_state[key] = names or (list(default) if is_new or requested else [])
    selected = list(
        st.multiselect(label, options, key=key, help=help, max_selections=max_selections, format_func=format_func)
    )
    _save_param(key, selected)
    return selected


def parse_whole_number(values: Sequence[str], default: int) -> int:
    """Return the last value of a query parameter as a number, or the default if it is not one of at most 9 digits."""
    return int(values[-1]) if values and re.fullmatch(r"[0-9]{1,9}", values[-1]) else default


def parse_names(values: Sequence[str], options: Collection[str], max_selections: int) -> list[str]:
    """Return the distinct values of a query parameter that are options, in their order, at most `max_selections`."""
    return [name for name in dict.fromkeys(values) if name in options][:max_selections]


def _load_choice(key: str, labels: Mapping[str, str]) -> None:
    """Set the value of a new widget to the option whose label is in the URL, else to the first one.

    With Streamlit's own `bind`, Back to another page that has a widget with this key would lose the parameter.

    Args:
        labels: option -> label.
    """
    if address.is_history_navigation() or st.session_state.get(key) not in labels:
        requested = _load_param(key)[-1:]
        st.session_state[key] = next((name for name in labels if [labels[name]] == requested), next(iter(labels)))


def _save_choice(key: str, labels: Mapping[str, str], option: str | None) -> str:
    """Write the label of an option to the URL, which leaves the first option out; return the option, never None."""
    default = next(iter(labels))
    option = option or default
    _save_param(key, [labels[option]] if option != default else [])
    return option


def _load_param(key: str) -> list[str]:
    """Return the values of a new widget from the URL, else those from the last visit of the page.

    Streamlit drops the value of a widget, and its query parameter, when the user opens another page.
    """
    kept = [] if address.is_history_navigation() else st.session_state.get(_state_key(key), [])
    return st.query_params.get_all(key) or kept


def _save_param(key: str, values: list[str]) -> None:
    """Write the value of a widget to the URL, and keep it for the next visit of the page."""
    st.session_state[_state_key(key)] = values
    address.write_param(key, values)


def _state_key(key: str) -> str:
    return f"{key}:kept"
