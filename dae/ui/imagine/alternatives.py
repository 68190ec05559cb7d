"""Posterior samples: plausible answers to a noisy digit, next to the single answer, which is their mean."""

import math
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from dae.data import ImageSet
from dae.evaluation import psnr_db
from dae.evaluation.posterior_mean import posterior_mean_denoiser
from dae.imagination import sample_posterior
from dae.noise import NoiseSpec
from dae.ui import resources
from dae.ui.imagine import answers, subject
from dae.ui.imagine.prior import PriorModel, render_prior_note
from dae.ui.imagine.subject import Subject
from dae.utils import text
from dae.utils.random import make_generator

# Number of the test image that is shown first.
_DEFAULT = 5


def render_alternatives(model: PriorModel, images: ImageSet, controls: DeltaGenerator) -> None:
    """Draw eight answers, with the choice of the digit and its noise in `controls`."""
    with controls:
        digit = subject.select_subject(images, default=_DEFAULT)
        level = subject.select_level("1.0")
        seed = subject.select_seed("New noise")
        compare = st.toggle(
            "Compare with memory",
            key="imagine_memory",
            bind="query-params",
            help="Shows the most similar training digit, and **perfect memory**: the best answer of a model that had "
            "learned all training digits by heart.",
        )
    if digit is None:
        return
    noisy, prior = digit.noisy(level, seed), model.prior
    left, right = st.columns([1, 2], gap="medium")
    with left:
        _render_noisy_digit(digit, noisy, prior(noisy, level), level, compare)
    repeated = noisy.expand(answers.NUM_ANSWERS, *digit.shape)
    with right:
        answers.render_answers(
            "alternatives",
            "Other possible digits",
            (*model.key, digit, level, seed),
            lambda: sample_posterior(prior, repeated, level, make_generator(seed, 1), num_steps=answers.NUM_STEPS),
        )
    st.markdown(
        "Noise hides which digit this was, and the single answer has to be the mean of all digits that it could have "
        "been. Here are eight of them, each as plausible to the model as the others. Where they disagree, the single "
        "answer is blurred."
    )
    render_prior_note(model)


def _render_noisy_digit(digit: Subject, noisy: Tensor, denoised: Tensor, level: float, compare: bool) -> None:
    """Draw the digit, its noisy copy and the single answer; on request also what memory alone would answer."""
    clean = digit.clean()
    images, names = [clean, noisy, denoised], ["the original", "noisy", "the single answer"]
    scores = [math.nan, *(float(psnr_db(image.clamp(0, 1), clean)) for image in images[1:])]
    if compare:
        similar, memory = recall(denoised, noisy, level)
        images, names = [*images, memory, similar], [*names, "perfect memory", "most similar training digit"]
        scores = [*scores, float(psnr_db(memory, clean)), math.nan]
    captions = [
        name if math.isnan(score) else text.label_with_db(name, score)
        for name, score in zip(names, scores, strict=True)
    ]
    answers.render_strip(digit.name, images, tuple(captions), "alternatives")
    if compare:
        st.markdown(compare_with_memory(scores))


def recall(denoised: Tensor, noisy: Tensor, level: float) -> tuple[Tensor, Tensor]:
    """Return the training digit most similar to the answer, and the mean of all of them weighted by their likelihood.

    Args:
        denoised: the answer of the model, (1, C, H, W).
        noisy: clean image plus Gaussian noise of this level.
    """
    train, validation = subject.load_training_digits()
    with st.spinner("Looking through the training digits …"), resources.compute_lock():
        _, indices = subject.nearest_images(train, validation).find(denoised)
        memory = posterior_mean_denoiser(train, NoiseSpec("gaussian", level, clipped=False))(noisy)
    return train.to_float(indices), memory


def compare_with_memory(scores: Sequence[float]) -> str:
    """Return a sentence that compares the model with perfect memory.

    Args:
        scores: PSNR in dB of the images in the strip.
    """
    gain_db = scores[2] - scores[3]
    if abs(gain_db) < 0.05:
        return "**The model and perfect memory are tied here.**"
    if gain_db < 0:
        return f"**Perfect memory is {-gain_db:.1f} dB closer here**: a training digit is very similar to this one."
    return (
        f"**The model is {gain_db:.1f} dB closer than perfect memory**, the best answer of a model that had learned "
        "the training digits by heart. So it has done more than memorize them."
    )
