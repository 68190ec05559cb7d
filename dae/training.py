"""Training: `fit`, the loop.

`fit` is a generator. It yields a `Report` a few times a second and at the end of each epoch, and whoever iterates
it decides between two reports whether to go on, wait, save or stop. It knows no thread, no file and no page.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from dae import metrics
from dae.blocks import at_once
from dae.config import LOSSES, SCHEDULES, TARGETS, TrainConfig
from dae.devices import as_measured, flushed_denormals, told_memory
from dae.errors import Diverged, SpecError
from dae.models import Autoencoder
from dae.noise import corrupt
from dae.packed import ImageSet
from dae.parallel import ALONE, Crew
from dae.seeds import Recycling, generator
from dae.state import TrainState

REPORT_EVERY_S = 0.25
STREAMED_FROM = 4 << 30  # bytes: smaller sets become one tensor on the device, larger ones stay on the disk
PREVIEWS = 8  # images shown while a model learns
VALIDATION_IMAGES = 1_000  # fewer where they are large:
_VALIDATION_VALUES = 1 << 26  # of pixels and channels, 256 MiB
_BLOCK = 250  # images denoised or measured at once, at the most: metrics compute in float64

_SHUFFLE, _NOISE, _VALIDATION = 1, 2, 3  # streams of random numbers under one seed; 0 is the first weights'


@dataclass(frozen=True)
class Scores:
    """Means over the validation images; the PSNR's over those that the noise changed."""

    mse: float
    psnr_db: float
    ssim: float


@dataclass(frozen=True)
class Report:
    """Where a training stands. `scores` and `preview` are there at the end of an epoch and before the first."""

    epoch: int  # whole epochs done
    epochs: int
    step: int
    steps: int
    seconds: float  # of training, without pauses
    loss: float | None  # mean since the last report
    images_per_second: float | None
    scores: Scores | None = None
    noisy_scores: Scores | None = None  # of the noisy input: what doing nothing gives
    preview: Tensor | None = None  # denoised, uint8 (PREVIEWS, C, H, W)


class Objective(nn.Module):
    """A model and what its answers are measured by, as one module: only what passes through one is shared by a crew.

    Args:
        compare: of denoised images and targets, both float32 (B, C, H, W), to a scalar.
        autocast: the precision in which the model computes.
    """

    def __init__(
        self, model: Autoencoder, compare: Callable[[Tensor, Tensor], Tensor], autocast: torch.autocast
    ) -> None:
        super().__init__()
        self.model, self.compare, self.autocast = model, compare, autocast

    def forward(self, noisy: Tensor, target: Tensor) -> Tensor:
        with self.autocast:
            denoised, penalty = self.model.learn(noisy)
        return self.compare(denoised.float(), target) + penalty


class Answers:
    """A teacher's answers to the noisy images of each step.

    Where the same images come again, they are kept in 256 shades, as pictures are, and the teacher is asked once.
    """

    def __init__(self, teacher: Callable[[Tensor], Tensor], kept: bool) -> None:
        self.teacher, self.kept = teacher, kept
        self.known: dict[tuple[int, ...], Tensor] = {}  # uint8 (B, C, H, W)

    def of(self, noisy: Tensor, *batch: int) -> Tensor:
        """Float32 of the shape of `noisy`; those of the same `batch`, an epoch and a number in it, are the same."""
        if not self.kept:
            return self.teacher(noisy)
        if batch not in self.known:
            self.known[batch] = self.teacher(noisy).clamp(0, 1).mul(255).round().byte()
        return self.known[batch].float().div(255)


def fixed_noise(config: TrainConfig, validation: ImageSet) -> tuple[Tensor, Tensor]:
    """The clean and noisy validation images that every epoch is measured on, float32 (N, C, H, W) on the CPU."""
    clean = validation.clean(slice(0, at_once(validation.shape, VALIDATION_IMAGES, _VALIDATION_VALUES)))
    return clean, corrupt(clean, config.noise, generator(config.seed, _VALIDATION))


def fit(
    config: TrainConfig,
    state: TrainState,
    train: ImageSet,
    validation: ImageSet,
    crew: Crew = ALONE,
    teacher: Callable[[Tensor], Tensor] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Report]:
    """Train `state` in place until its configured epochs are done, yielding reports on the way.

    Each epoch draws its order and its noise from the seed and its own number, or that of the epoch that it repeats, so
    a state restored at the end of an epoch goes on exactly as if it had never stopped. Nothing is chosen by the
    validation images; they only show.

    Args:
        train: what is learnt from, the first `config.images` of it.
        validation: the first VALIDATION_IMAGES are measured before and after each epoch, under one draw of the noise.
        crew: the processes that train together, as this one sees them.
        clock: seconds.
        teacher: gives answers to noisy images (B, C, H, W), learnt beside or instead of the clean images (Hinton et
            al. 2015); `dae.teaching.find_teacher` finds it. A trained model comes close to the mean of all clean images
            that could be behind a noisy one, which is the best answer; the clean image itself is one of them at
            random, and so a far noisier target.

    Raises:
        SpecError: the configuration names a teacher or first weights, and none are given; or the state is not at the
            end of an epoch of so many images.
        Diverged: the loss is NaN or infinite.
        OutOfMemory: the device has too little memory.
        DataError: images that stay on the disk can be read no more.
    """
    if config.teacher and not teacher:
        raise SpecError(
            f"Teacher {config.teacher!r} has to be given to fit, too: `find_teacher`. For none: teacher=''."
        )
    if not state.complete:
        raise SpecError(
            f"Pretrained {config.pretrained!r} has to be given to TrainState, too: `find_pretrained`. "
            "For random weights: pretrained=''."
        )
    device, model = state.device, state.model
    train = train.head(config.images)
    steps_per_epoch = -(-len(train) // config.batch_size)
    steps = config.epochs * steps_per_epoch
    if state.step != state.epoch * steps_per_epoch:
        raise SpecError(
            f"The training stands at step {state.step} after {state.epoch} epochs, but {len(train):,} images make "
            f"{steps_per_epoch} steps an epoch: its data set has changed, or it was left amid an epoch. Bring the "
            "images back, restore the end of an epoch, or begin a new run."
        )
    schedule, target_of = SCHEDULES[config.schedule], TARGETS[config.target]
    answers = Answers(teacher, config.fresh_epochs is not None) if teacher else None
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=state.bfloat16)
    objective = crew.model(Objective(model, LOSSES[config.loss], autocast))
    total, counted, seen = torch.zeros((), device=device), 0, 0  # loss, steps and images since the last report
    mark = clock()

    def report(finished_epoch: bool) -> Report:
        nonlocal total, counted, seen
        loss = crew.mean(total) / counted if counted else None  # waits for the device
        if loss is not None and not math.isfinite(loss):
            raise Diverged(state.epoch + (not finished_epoch), loss)
        elapsed = clock() - mark
        speed = seen / elapsed if seen and elapsed else None
        scores = preview = None
        if finished_epoch:
            with autocast:
                denoised = denoise(state.averaged, noisy_fixed)
            scores = score(denoised, noisy_fixed, clean_fixed)
            if not math.isfinite(scores.mse):  # the last step alone may have broken the weights
                raise Diverged(max(state.epoch, 1), scores.mse)
            preview = denoised[:PREVIEWS].mul(255).round().byte().cpu()
        state.seconds += clock() - mark
        total, counted, seen = torch.zeros_like(total), 0, 0
        return Report(
            state.epoch, config.epochs, state.step, steps, state.seconds, loss, speed, scores, noisy_scores, preview
        )

    with flushed_denormals(), told_memory(device, config.batch_size):
        clean_fixed, noisy_fixed = (batch.to(device) for batch in fixed_noise(config, validation))
        noisy_scores = score(noisy_fixed, noisy_fixed, clean_fixed)
        in_memory = train.images.nbytes < STREAMED_FROM
        images = train.images.to(device) if in_memory else train.streamed()
        if state.step == 0:
            yield report(finished_epoch=True)
        while state.epoch < config.epochs:
            drawn = state.epoch % (config.fresh_epochs or config.epochs)
            order = torch.randperm(len(train), generator=generator(config.seed, _SHUFFLE, drawn))
            noise = generator(config.seed, _NOISE, drawn, crew.rank, device=device)
            if device.type == "cpu":
                noise = Recycling.of(noise)
            model.train()
            mark = clock()
            for number, batch in enumerate(order.to(device if in_memory else "cpu").split(config.batch_size)):
                mine, weight = crew.share(batch)
                clean = images.index_select(0, mine).to(device).float().div_(255)  # (B, C, H, W)
                noisy = corrupt(clean, config.noise, noise)
                target = target_of(clean, config.noise, noise)
                if answers:
                    target = target.lerp(answers.of(noisy, drawn, number), config.distillation)
                for group in state.optimizer.param_groups:
                    group["lr"] = config.lr * schedule(state.step / steps)
                loss = objective(noisy, target)
                state.optimizer.zero_grad()
                loss.backward(torch.full_like(loss, weight))
                state.optimizer.step()
                state.stepped()
                total.add_(loss.detach(), alpha=weight)
                counted += 1
                seen += len(batch)
                if crew.due(counted, clock() - mark, REPORT_EVERY_S):
                    yield report(finished_epoch=False)
                    mark = clock()
            state.epoch += 1
            yield report(finished_epoch=True)


@torch.no_grad()
def denoise(model: Autoencoder, noisy: Tensor) -> Tensor:
    """What the model makes of noisy images (B, C, H, W): the same shape and type, clamped to [0, 1]."""
    learning = model.training  # somebody may look while it learns
    model.eval()
    batches = noisy.split(at_once(noisy.shape[1:], _BLOCK))
    denoised = torch.cat([model(batch).to(noisy.dtype).clamp(0, 1) for batch in batches])
    model.train(learning)
    return denoised


def score(denoised: Tensor, noisy: Tensor, clean: Tensor) -> Scores:
    """Means over images (N, C, H, W), clamped to [0, 1]; the PSNR's over those that the noise changed."""
    block = at_once(clean.shape[1:], _BLOCK)
    columns: dict[str, list[Tensor]] = {field.name: [] for field in fields(Scores)}
    counted = []
    for batch in zip(denoised.split(block), noisy.split(block), clean.split(block), strict=True):
        ours, theirs, wanted = (as_measured(images.clamp(0, 1)) for images in batch)
        counted.append(metrics.changed(theirs, wanted))
        for name, values in columns.items():
            values.append(metrics.METRICS[name](ours, wanted))
    means = {name: float(torch.cat(values).mean()) for name, values in columns.items()}
    means["psnr_db"] = metrics.mean_psnr_db(torch.cat(columns["psnr_db"]), torch.cat(counted))
    return Scores(**means)
