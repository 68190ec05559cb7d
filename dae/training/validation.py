"""Validation of a training: scores of all validation images after an epoch, estimates from a few within it."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from dae.data import ImageSet
from dae.errors import DivergedError
from dae.evaluation import Scores, is_corrupted, mean_psnr_db, mse, psnr_db, score
from dae.models import denoise
from dae.noise import corrupt
from dae.training.config import TrainConfig
from dae.training.state import TrainState
from dae.utils.device import max_batch_size, to_metric_device
from dae.utils.random import make_generator

NUM_PREVIEW_IMAGES = 8
MAX_VALIDATION_IMAGES = 1_000
# Steps with an estimate: a model learns most in the first ones.
EARLY_STEPS = (1, 2, 4, 8, 16)
# Estimates of a run after these steps, and previews of epochs.
MAX_FRAMES = 32
_MAX_VALIDATION_ELEMENTS = 1 << 26  # 256 MiB of float32
_NUM_ESTIMATE_IMAGES = 64
# Between two estimates, of short runs; those of long runs are evenly spaced.
_ESTIMATE_INTERVAL_S = 0.5
# Fraction of the training time that estimates may take.
_MAX_ESTIMATE_COST = 0.04
# The stream of random numbers of the validation noise.
_VALIDATION_STREAM = 3


@dataclass(frozen=True)
class ScoreEstimate:
    """Mean squared error and PSNR of the validation images, estimated from some of them."""

    mse: float
    psnr_db: float


@dataclass(frozen=True)
class ValidationResult:
    """Outcome of one validation.

    Attributes:
        scores: of all validation images; None within an epoch.
        estimate: within an epoch; None at its end.
        preview: denoised images, uint8 (NUM_PREVIEW_IMAGES, C, H, W); None for most epochs of a run of many.
    """

    scores: Scores | None = None
    estimate: ScoreEstimate | None = None
    preview: Tensor | None = None


def validation_pair(config: TrainConfig, validation: ImageSet) -> tuple[Tensor, Tensor]:
    """Return the clean and noisy images that every epoch is validated on, float32 (N, C, H, W) on the CPU."""
    count = max_batch_size(validation.shape, MAX_VALIDATION_IMAGES, _MAX_VALIDATION_ELEMENTS)
    clean = validation.to_float(slice(0, count))
    return clean, corrupt(clean, config.noise, make_generator(config.seed, _VALIDATION_STREAM))


class Validator:
    """Validate a model while it trains, without any effect on its weights and random numbers.

    It computes in float32, as every other measurement does, whatever the precision of the training.

    Attributes:
        noisy_scores: of the noisy input.

    Args:
        steps: of the whole training.
        clock: returns seconds.
    """

    def __init__(
        self,
        config: TrainConfig,
        state: TrainState,
        validation: ImageSet,
        steps: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._state, self._steps, self._epochs, self._clock = state, steps, config.epochs, clock
        self._clean, self._noisy = (images.to(state.device) for images in validation_pair(config, validation))
        self.noisy_scores = score(self._noisy, self._noisy, self._clean)
        # Scores of all images, and of those that an estimate measures, by the same weights.
        self._reference: tuple[Scores, ScoreEstimate] | None = None
        self._first_step, self._first_s = state.step, state.seconds
        self._scores_s = self._total_estimates_s = self._last_estimate_s = 0.0
        self._last_s = state.seconds

    def is_due(self, seconds: float) -> bool:
        """Return whether to estimate now: at the early steps and then at most 32 times, within a budget of time.

        Args:
            seconds: training time so far.
        """
        steps = self._state.step - self._first_step
        trained_s = seconds - self._first_s - self._scores_s - self._total_estimates_s
        total_s = trained_s * self._steps / max(steps, 1)
        is_early = self._state.step in EARLY_STEPS
        interval_s = 0.0 if is_early else max(_ESTIMATE_INTERVAL_S, total_s / MAX_FRAMES)
        budget_s = _MAX_ESTIMATE_COST * (total_s if is_early else trained_s)
        return seconds - self._last_s >= interval_s and self._total_estimates_s + self._last_estimate_s <= budget_s

    def validate(self) -> ValidationResult:
        """Measure all images, at the end of an epoch or before the first.

        Raises:
            DivergedError: the model's output is NaN or infinite.
        """
        begin = self._clock()
        denoised = denoise(self._state.ema_model, self._noisy)
        scores = score(denoised, self._noisy, self._clean)
        epoch = self._state.epoch
        # The last step alone may have broken the weights.
        self._require_finite(scores.mse, max(epoch, 1))
        self._reference = scores, self._measure_few(denoised)
        self._scores_s += self._clock() - begin
        self._last_s = self._state.seconds
        has_preview = epoch % math.ceil(self._epochs / MAX_FRAMES) == 0 or epoch == self._epochs
        return ValidationResult(scores, preview=_to_preview(denoised) if has_preview else None)

    def estimate(self, seconds: float) -> ValidationResult:
        """Estimate the scores from the first images.

        The images are harder or easier than all of them, so the result is corrected by the difference at the last
        measurement of all.

        Args:
            seconds: training time so far.

        Raises:
            DivergedError: the model's output is NaN or infinite.
        """
        if self._reference is None:
            self.validate()
        begin = self._clock()
        denoised = denoise(self._state.ema_model, self._noisy[:_NUM_ESTIMATE_IMAGES])
        estimate = self._measure_few(denoised)
        self._require_finite(estimate.mse, self._state.epoch + 1)
        if self._reference:
            estimate = _correct(estimate, *self._reference)
        self._last_estimate_s = self._clock() - begin
        self._total_estimates_s += self._last_estimate_s
        self._last_s = seconds
        return ValidationResult(estimate=estimate, preview=_to_preview(denoised))

    def _measure_few(self, denoised: Tensor) -> ScoreEstimate:
        """Return the scores of the first images alone."""
        few = slice(0, _NUM_ESTIMATE_IMAGES)
        output, noisy, clean = map(to_metric_device, (denoised[few], self._noisy[few].clamp(0, 1), self._clean[few]))
        corrupted = is_corrupted(noisy, clean)
        return ScoreEstimate(float(mse(output, clean).mean()), mean_psnr_db(psnr_db(output, clean), corrupted))

    @staticmethod
    def _require_finite(value: float, epoch: int) -> None:
        if not math.isfinite(value):
            raise DivergedError(epoch, value)


def _correct(estimate: ScoreEstimate, scores: Scores, of_few: ScoreEstimate) -> ScoreEstimate:
    """Apply the ratio of the errors, and the difference of the PSNRs, between all images and the few."""
    ratio, shift_db = scores.mse / (of_few.mse or math.inf), scores.psnr_db - of_few.psnr_db
    is_known = ratio > 0 and math.isfinite(shift_db)
    return ScoreEstimate(estimate.mse * ratio, estimate.psnr_db + shift_db) if is_known else estimate


def _to_preview(denoised: Tensor) -> Tensor:
    return denoised[:NUM_PREVIEW_IMAGES].mul(255).round().byte().cpu()
