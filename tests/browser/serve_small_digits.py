"""Serve the dashboard with few digits: python -m tests.browser.serve_small_digits [options of `streamlit run`].

Trainings that a card starts go on until they are stopped, so that a test sees them run on any machine; they pause
after each step, so that pages and browser have the processor. Samplers take few steps.
"""

import os
import sys
import tempfile
import time
from dataclasses import replace

from streamlit.web import cli
from torch import Tensor

from dae.data import DATASETS
from dae.evaluation import classical
from dae.training import RECIPES, loop
from dae.training.step import TrainStep
from dae.ui.imagine import answers, dream
from dae.ui.train.launcher import SIDE_BY_SIDE_TRAININGS
from tests.helpers import ROOT
from tests.small_digits import NUM_TUNING_IMAGES, SMALL_DIGITS

_PAUSE_S = 0.05


class SlowStep(TrainStep):
    """A training step that leaves the processor to others for a moment."""

    def __call__(self, indices: Tensor, lr: float) -> Tensor:
        """Update the weights, then wait."""
        loss = super().__call__(indices, lr)
        time.sleep(_PAUSE_S)
        return loss


def main() -> None:
    """Register the small data set, beside all digits under another name, and start the server."""
    DATASETS["all-digits"] = replace(DATASETS["digits"], label="All drawn digits")
    DATASETS["digits"] = SMALL_DIGITS
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
