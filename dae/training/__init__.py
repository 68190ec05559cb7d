"""The training loop, its configuration and state, optimizers and recipes."""

from dae.training.config import TrainConfig
from dae.training.distributed import DistributedContext
from dae.training.loop import TrainReport, fit
from dae.training.muon import Muon
from dae.training.published_recipes import Recipe
from dae.training.recipes import RECIPES
from dae.training.state import TrainState

__all__ = [
    "RECIPES",
    "DistributedContext",
    "Muon",
    "Recipe",
    "TrainConfig",
    "TrainReport",
    "TrainState",
    "fit",
]
