"""Table of trainings that were repeated with other random seeds."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dae.data import dataset_label
from dae.evaluation import HEADINGS, format_with_interval
from dae.runs import find_run
from dae.ui.model_options import ModelOption
from dae.ui.shell import presentation

_METRICS = ("psnr_db", "ssim", "mse")


def seed_table(models: Sequence[ModelOption]) -> pd.DataFrame:
    """Return a row per model and noise that was measured over several seeds; empty if there is none.

    Raises:
        RunError: a run was deleted.
    """
    return pd.DataFrame(
        {
            HEADINGS["label"]: option.label,
            "Images": f"{dataset_label(row['dataset'])}, {row['n']:,.0f}",
            "Noise": row["noise"],
            "Trainings": f"{row['seeds']:.0f}",
            **{HEADINGS[metric]: format_with_interval(row, metric, "_sd") for metric in _METRICS},
        }
        for option in models
        for row in find_run(option.name).seed_results()
    )


def render_seed_table(models: Sequence[ModelOption]) -> None:
    """Draw the table in a folded section; nothing if no model was trained with several seeds."""
    table = seed_table(models)
    if table.empty:
        return
    with st.expander("Repeated with other random seeds", icon=":material/casino:"):
        st.dataframe(
            table,
            hide_index=True,
            height="content",
            key="seed_table",
            alt="Metrics of each model over repeated trainings: mean and standard deviation.",
        )
        presentation.footnote(
            "Mean ± standard deviation over repeated trainings with different seeds. Differences between models that "
            "are smaller than the standard deviation may be chance. Test noise, teacher and pretrained weights are the "
            "same each time.",
            key="seed_table",
        )
