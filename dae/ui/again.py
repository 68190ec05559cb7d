"""The same trainings with other seeds: how much of a difference between models may be chance."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dae.comparison import HEADINGS, in_words
from dae.data import label
from dae.runs import find_run
from dae.ui import stage
from dae.ui.shared import Choice

_METRICS = ("psnr_db", "ssim", "mse")


def show(choices: Sequence[Choice]) -> None:
    """Draw a line for each model that was trained more than once, folded; nothing where none was."""
    trained = [choice for choice in choices if choice.family not in ("classical", "nothing")]
    rows = [
        {
            HEADINGS["label"]: choice.label,
            "Pictures": f"{label(row['dataset'])}, {row['n']:,.0f}",
            "Noise": row["noise"],
            "Trainings": f"{row['seeds']:.0f}",
            **{HEADINGS[metric]: in_words(row, metric, "_sd") for metric in _METRICS},
        }
        for choice in trained
        for row in find_run(choice.name).over_seeds()
    ]
    if rows:
        with st.expander("Trained again with other seeds", icon=":material/casino:"):
            st.dataframe(
                pd.DataFrame(rows),
                hide_index=True,
                height="content",
                key="again",
                alt="What each model reaches when it is trained again with other seeds: mean and standard deviation.",
            )
            stage.fine_print(
                "Each number is the mean over trainings alike but for their seed, ± their standard deviation: a "
                "difference between two models that is not much larger may be chance. One noise draw for all. Where a "
                "model learns from a teacher or begins with another's weights, these are the same each time.",
                key="again",
            )
