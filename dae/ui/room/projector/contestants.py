"""The models that play, and what they compute in the background."""

from collections.abc import Callable, Hashable
from typing import Any

from dae.data import ImageSet
from dae.errors import DataError
from dae.evaluation import make_denoiser
from dae.imagination import NearestImages
from dae.ui import model_options, resources
from dae.ui.background import background
from dae.ui.imagine import subject
from dae.ui.room.guess import Question
from dae.ui.room.readings import LEVELS, Contestant, ModelShares, make_questions, measure_shares

# The models are measured on the same noise in every game.
_SHARE_SEED = 0


def select_contestants(digits: ImageSet) -> tuple[list[Contestant], Hashable]:
    """Return the first model of each family, and hashable values that identify them."""
    options = model_options.model_options(digits)
    chosen = [options[name] for name in model_options.default_options(options)]
    contestants = [
        Contestant(option.label, option.color, make_denoiser(resources.checkpoint(option.name), digits))
        for option in chosen
    ]
    return contestants, tuple((option.name, resources.weights_mtime(option.name)) for option in chosen)


def prepare_questions(seed: int) -> tuple[Question, ...] | None:
    """Return a question for each of LEVELS, None until they are computed."""
    questions: tuple[Question, ...] | None = _compute("questions", make_questions, seed)
    return questions


def prepare_shares() -> dict[str, ModelShares] | None:
    """Return the share right of each model at each of LEVELS, None until it is measured."""
    shares: dict[str, ModelShares] | None = _compute("shares", measure_shares, _SHARE_SEED)
    return shares


def load_reader() -> tuple[Contestant, NearestImages]:
    """Return the model that denoises drawings, and the digits that they are compared with; slow at the first call.

    Raises:
        DataError: there is no model.
    """
    contestants, _ = select_contestants(subject.test_digits())
    if not contestants:
        raise DataError("There is no trained model for digits. Train one first.")
    return contestants[-1], subject.nearest_images(*subject.load_training_digits())


def _compute(name: str, compute: Callable[..., Any], seed: int) -> Any:
    """Return what a function computes from digits and models in the background, None until it is ready."""
    digits = subject.test_digits()
    contestants, weights = select_contestants(digits)
    train, validation = subject.load_training_digits()

    def run() -> Any:
        nearest: NearestImages = subject.nearest_images(train, validation)
        return compute(digits, contestants, nearest, LEVELS, seed)

    return background().submit(("room", name, digits.name, weights, seed), run)
