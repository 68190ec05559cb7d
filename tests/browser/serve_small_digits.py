"""Serve the dashboard with few digits: python -m tests.browser.serve_small_digits [options of `streamlit run`].

Trainings that a card starts go on until they are stopped, so that a test sees them run on any machine; they pause
after each step, so that pages and browser have the processor. One filter is slow, so that a test can stop it. Samplers
take few steps.
"""

import os
import sys
import tempfile
import time
from dataclasses import replace

import numpy as np
from streamlit.web import cli

from dae.data import DATASETS
from dae.evaluation import classical
from dae.training import RECIPES, loop
from dae.ui.imagine import answers, dream
from dae.ui.train.launcher import SIDE_BY_SIDE_TRAININGS
from tests.helpers import ROOT, SlowStep
from tests.small_digits import NUM_TUNING_IMAGES, SMALL_DIGITS

_PAUSE_S = 0.05  # for each image


def slow_filter(noisy: np.ndarray, strength: float) -> np.ndarray:
    """Wait for each of the images (B, C, H, W), and return them."""
    time.sleep(_PAUSE_S * len(noisy))
    return noisy


def main() -> None:
    """Register the small data set and start the server."""
    DATASETS["digits"] = SMALL_DIGITS
    non_local_means = classical.FILTERS["non-local-means"]
    classical.FILTERS["non-local-means"] = replace(non_local_means, apply=slow_filter)
    classical.NUM_TUNING_IMAGES = NUM_TUNING_IMAGES
    for name, recipe in RECIPES.items():
        RECIPES[name] = replace(recipe, config=replace(recipe.config, epochs=10_000))
    loop.TrainStep = SlowStep  # type: ignore[misc]
    dream.NUM_STEPS, answers.NUM_STEPS = 8, 4
    race = SIDE_BY_SIDE_TRAININGS["race"]
    SIDE_BY_SIDE_TRAININGS["race"] = replace(race, overrides={**race.overrides, "epochs": 10_000})
    # The small data set is cached under the name of the large one.
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        cli.main(["run", str(ROOT / "dashboard.py"), *sys.argv[1:]])


if __name__ == "__main__":
    main()
