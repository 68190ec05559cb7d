"""The training loop.

`fit` is a generator: it yields a `TrainReport` a few times a second and at the end of each epoch. Between two reports
the caller decides whether to continue, wait, save or stop. The loop is independent of run directories and pages.
"""

import math
import operator
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dae.data import ImageSet
from dae.errors import DivergedError, SpecError
from dae.evaluation import Scores
from dae.training.config import SCHEDULES, TrainConfig
from dae.training.distributed import SINGLE_PROCESS, DistributedContext
from dae.training.state import TrainState
from dae.training.step import TrainStep
from dae.training.validation import EARLY_STEPS, ScoreEstimate, ValidationResult, Validator
from dae.utils.device import translate_oom_errors
from dae.utils.random import make_generator
from dae.utils.threads import thread_pool

REPORT_INTERVAL_S = 0.25
# Smaller data sets become one tensor on the device; larger ones are read from disk batch by batch.
STREAMING_THRESHOLD_BYTES = 4 << 30

# Streams of random numbers under one seed; 0 initializes the weights, 2 is the noise of the steps, 3 of the validation.
_SHUFFLE_STREAM = 1


@dataclass(frozen=True)
class TrainReport:
    """Progress of a training run. `scores` are present at the end of an epoch and before the first."""

    epoch: int  # complete epochs
    epochs: int
    step: int
    steps: int
    seconds: float  # of training, without pauses
    loss: float | None  # mean since the last report
    images_per_second: float | None
    scores: Scores | None = None
    noisy_scores: Scores | None = None  # of the noisy input
    preview: Tensor | None = None  # denoised, uint8 (NUM_PREVIEW_IMAGES, C, H, W), with most scores and every estimate
    estimate: ScoreEstimate | None = None  # of the scores, a few times within an epoch


def fit(
    config: TrainConfig,
    state: TrainState,
    train: ImageSet,
    validation: ImageSet,
    group: DistributedContext = SINGLE_PROCESS,
    teacher: Callable[[Tensor], Tensor] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[TrainReport]:
    """Train `state` in place until its configured epochs are done, yielding reports on the way.

    The order and noise of an epoch depend only on the seed and the epoch's number, so a state restored at the end of an
    epoch continues bit for bit. The validation scores do not influence the training.

    Args:
        train: training images, of which the first `config.max_images` are used.
        validation: the first `MAX_VALIDATION_IMAGES` are scored before the first and after each epoch, a few of them
            also within it, under the same noise; see `Validator`.
        group: the processes that train together, seen from this one.
        teacher: maps noisy images (B, C, H, W) to denoised ones, for distillation (Hinton et al. 2015);
            `dae.runs.load_teacher` finds it. A good model's output is close to the posterior mean, a less noisy target
            than the clean image.
        clock: returns seconds.

    Raises:
        SpecError: the config names a teacher or initial weights that were not passed, the state is of another model or
            image shape or not at the end of an epoch of this many images, or there are no training images.
        DivergedError: the loss is NaN or infinite.
        OutOfMemoryError: the device has too little memory.
        DataError: images on disk can no longer be read.
    """
    _check_inputs(config, state, train, teacher)
    device, train = state.device, train.take(config.max_images)
    steps_per_epoch = _steps_per_epoch(config, state, train)
    steps = config.epochs * steps_per_epoch
    total_loss, new_steps, new_images = torch.zeros((), device=device), 0, 0  # since the last report
    mark = clock()

    def report(end_of_epoch: bool) -> TrainReport:
        nonlocal total_loss, new_steps, new_images
        loss = group.mean(total_loss) / new_steps if new_steps else None  # synchronizes with the device
        if loss is not None and not math.isfinite(loss):
            raise DivergedError(state.epoch + (not end_of_epoch), loss)
        elapsed = clock() - mark
        speed = new_images / elapsed if new_images and elapsed else None
        result = ValidationResult()
        if end_of_epoch:
            result = run(validator.validate)
        elif state.step % steps_per_epoch and group.rank == 0 and validator.is_due(state.seconds + elapsed):
            result = run(validator.estimate, state.seconds + elapsed)
        state.seconds += clock() - mark
        total_loss, new_steps, new_images = torch.zeros_like(total_loss), 0, 0
        return TrainReport(
            state.epoch,
            config.epochs,
            state.step,
            steps,
            state.seconds,
            loss,
            speed,
            result.scores,
            validator.noisy_scores,
            result.preview,
            result.estimate,
        )

    def train_until_report(batches: Iterator[Tensor]) -> bool:
        """Train on the next batches until a report is due; return False at the end of the epoch."""
        nonlocal total_loss, new_steps, new_images
        for batch in batches:
            total_loss += step(batch, config.lr * SCHEDULES[config.schedule](state.step / steps))
            new_steps += 1
            new_images += len(batch)
            is_early = state.step in EARLY_STEPS and state.step % steps_per_epoch
            if is_early or group.should_report(new_steps, clock() - mark, REPORT_INTERVAL_S):
                return True
        return False

    with ExitStack() as stack:
        stack.enter_context(translate_oom_errors(device, config.batch_size))
        run: Callable[..., Any] = operator.call
        # Ranks compute in their main thread, where a signal from the launcher can interrupt a collective operation.
        if device.type == "cpu" and group.world_size == 1:
            run = _run_in(stack.enter_context(thread_pool(1)))
        validator = Validator(config, state, validation, steps, clock)
        in_memory = train.images.nbytes < STREAMING_THRESHOLD_BYTES
        step = TrainStep(config, state, train.images.to(device) if in_memory else train.as_reader(), group, teacher)
        if state.step == 0:
            yield report(end_of_epoch=True)
        while state.epoch < config.epochs:
            noise_epoch = state.epoch % (config.num_noise_epochs or config.epochs)
            order = torch.randperm(len(train), generator=make_generator(config.seed, _SHUFFLE_STREAM, noise_epoch))
            step.start_epoch(noise_epoch)
            mark = clock()
            batches = iter(order.to(device if in_memory else "cpu").split(config.batch_size))
            while run(train_until_report, batches):
                yield report(end_of_epoch=False)
                mark = clock()
            state.epoch += 1
            yield report(end_of_epoch=True)


def _run_in(pool: ThreadPoolExecutor) -> Callable[..., Any]:
    return lambda function, *args: pool.submit(function, *args).result()


def _check_inputs(
    config: TrainConfig, state: TrainState, train: ImageSet, teacher: Callable[[Tensor], Tensor] | None
) -> None:
    """Raise SpecError if state or images do not fit the config, or a teacher or initial weights were not passed."""
    if (state.model_name, state.shape) != (config.model, train.shape):
        raise SpecError(
            f"The state is of model {state.model_name!r} for images of {state.shape}, but the config has "
            f"{config.model!r} and the images have {train.shape}. Make it by TrainState(config, train.shape)."
        )
    if not len(train):
        raise SpecError(f"The training split of {train.name} has no images. Use a larger data set.")
    if config.teacher and not teacher:
        raise SpecError(
            f"Teacher {config.teacher!r} was not passed to `fit`. Load it with `load_teacher`, or set teacher=''."
        )
    if not state.initialized:
        raise SpecError(
            f"Initial weights {config.pretrained!r} were not passed to TrainState. Load them with `load_pretrained`, "
            "or set pretrained=''."
        )


def _steps_per_epoch(config: TrainConfig, state: TrainState, train: ImageSet) -> int:
    """Return the number of batches in an epoch; raise SpecError if the state is not at the end of one."""
    count = -(-len(train) // config.batch_size)
    if state.step != state.epoch * count:
        raise SpecError(
            f"The state is at step {state.step} after {state.epoch} epochs, but {len(train):,} images make {count} "
            "steps per epoch: the data set has changed, or an epoch is incomplete. Restore the images, load a state "
            "from the end of an epoch, or start a new run."
        )
    return count
