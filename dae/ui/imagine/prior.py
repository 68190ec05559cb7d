"""The model whose prior the Imagine view samples, and what to know about it."""

from dataclasses import dataclass

import streamlit as st

from dae.data import ImageSet
from dae.imagination.sampling import Prior, as_prior
from dae.noise import NoiseSpec
from dae.training import RECIPES
from dae.ui import model_options, resources
from dae.ui.model_options import ModelOption

# The run, and the recipe of its training.
PRIOR = "mnist-prior"


@dataclass(frozen=True)
class PriorModel:
    """A trained model as a prior.

    Attributes:
        version: modification time of the weights.
    """

    option: ModelOption
    version: int

    @property
    def prior(self) -> Prior:
        """Return the network as a function of noisy images and their level."""
        network = resources.checkpoint(self.option.name).model
        return as_prior(network, clipped=not self.option.noise.is_zero_mean)

    @property
    def key(self) -> tuple[object, ...]:
        """Return hashable values that identify the weights."""
        return self.option.name, self.version


def find_prior(images: ImageSet) -> PriorModel | None:
    """Return `mnist-prior` or another run of its recipe, else the model trained on the widest range of Gaussian noise.

    Args:
        images: test images, which the model must accept.

    Returns:
        None without any model for these images.
    """
    options = list(model_options.model_options(images).values())
    if not options:
        return None
    best = max(options, key=lambda option: (option.name == PRIOR, option.recipe == PRIOR, *_range(option.noise)))
    return PriorModel(best, resources.weights_mtime(best.name))


def render_prior_note(model: PriorModel) -> None:
    """Draw a sentence if the model is not made for sampling."""
    if model.option.recipe != PRIOR and model.option.name != PRIOR:
        st.caption(
            f":material/info: `{PRIOR}`, the model trained for this, is missing here. The images come from "
            f"`{model.option.name}`, trained on {model.option.noise.label}, and are less faithful. To train the "
            f"missing model, start **{RECIPES[PRIOR].label}** under **More recipes** on the Train page."
        )


def _range(noise: NoiseSpec) -> tuple[float, bool]:
    """Return the width of the range of Gaussian levels (-1: none), and whether the noise is unclipped."""
    gaussian = noise.component("gaussian")
    return gaussian.high - gaussian.low if gaussian else -1.0, noise.is_zero_mean
