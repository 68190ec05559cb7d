"""Training speed relative to a bare loop: python -m tests.benchmarks.throughput [--seconds 5] [--rounds 3]

Measures images per second of each shipped model's recipe, recorded like any run (noise, shuffling, reports, validation,
previews, files), and of a bare loop: forward pass (also of the teacher), backward pass and optimizer step on one
constant batch, which is the upper bound. Both take turns in one process. A phase is a number of whole epochs. If one
epoch takes longer than a phase it is shortened, and its missing images count at the speed between two ends of an epoch.
Prints medians and their ratio, and the ratio of bfloat16 to float32 for the U-Net.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace

import torch

from dae.data import is_available, load_dataset
from dae.noise import corrupt
from dae.runs import Run, load_teacher, run_training
from dae.training import RECIPES, TrainConfig, TrainState
from dae.training.loss import LossModule
from dae.training.precision import uses_bfloat16
from dae.utils.device import as_device, describe_device
from dae.utils.random import make_generator
from tests.benchmarks.common import ROOT, describe_machine, run_benchmark

WARM_UP_S = 1.0
# A GPU computes asynchronously, so the clock waits for it after this many steps.
_STEPS_PER_SYNC = 32


def shipped_recipes() -> dict[str, TrainConfig]:
    """Return the recipes of shipped models whose data set is available, without those that differ only in it."""
    configs: dict[str, TrainConfig] = {}
    for name, recipe in RECIPES.items():
        if (ROOT / "checkpoints" / name).is_dir() and is_available(recipe.config.dataset):
            if not any(replace(recipe.config, dataset=other.dataset) == other for other in configs.values()):
                configs[name] = recipe.config
    return configs


def bare_loop(config: TrainConfig) -> Callable[[float], float]:
    """Return a function that runs the bare loop for some seconds and returns its images per second."""
    images = load_dataset(config.dataset, limit=config.batch_size)
    clean = images.to_float()
    state = TrainState(config, images.shape)
    noisy = corrupt(clean, config.noise, make_generator(config.seed)).to(state.device)
    clean = clean.to(state.device)
    autocast = torch.autocast(state.device.type, torch.bfloat16, enabled=state.bfloat16)
    objective = LossModule(state.model, config, autocast)
    teacher = load_teacher(config, images, state.device, ROOT / "checkpoints")
    state.model.train()
    # A batch that is learned by heart has denormal gradients, which are several times slower
    # on a CPU. With a learning rate of 0 the model does not learn it.
    for group in state.optimizer.param_groups:
        group["lr"] = 0.0

    def run_phase(seconds: float) -> float:
        _synchronize(state.device)
        begin, steps = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            if teacher:
                teacher(noisy)
            loss = objective(noisy, clean)
            state.optimizer.zero_grad()
            loss.backward()
            state.optimizer.step()
            steps += 1
            if steps % _STEPS_PER_SYNC == 0:
                _synchronize(state.device)
        _synchronize(state.device)
        return steps * len(clean) / (time.perf_counter() - begin)

    return run_phase


def recorded_training(config: TrainConfig, max_images: int, folder: str) -> Generator[float, float, None]:
    """Train a run; each `send(seconds)` trains whole epochs for at least that long and yields images per second.

    Args:
        max_images: images per epoch. The speed is extrapolated to an epoch of the whole data set.
        folder: directory in which the run is created.
    """
    total_images = len(load_dataset(config.dataset, limit=config.max_images))
    max_images = min(max_images, total_images)
    # With new noise in each epoch the teacher computes every image, as in the bare loop.
    endless = replace(config, max_images=max_images, epochs=10_000, num_noise_epochs=None)
    run = Run.create(endless, root=folder)
    with closing(run_training(run)) as reports:
        previous = next(reports)
        speed = 0.0
        while True:
            seconds = yield speed
            begin = mark = time.perf_counter()
            first = previous
            # Time and number of the steps that no end of an epoch interrupts.
            steps_s, steps = 0.0, 0
            while True:
                report = next(reports)
                now = time.perf_counter()
                if report.scores is None:
                    steps_s += now - mark
                    steps += report.step - previous.step
                previous, mark = report, now
                if report.scores and now - begin >= seconds:
                    break
            epoch_s = (now - begin) / (report.epoch - first.epoch)
            image_s = steps_s / (steps * config.batch_size) if steps else epoch_s / max_images
            speed = total_images / (epoch_s + (total_images - max_images) * image_s)


def compare(config: TrainConfig, seconds: float, rounds: int) -> tuple[float, float]:
    """Return the median images per second of the bare loop and of the recorded training."""
    bare = bare_loop(config)
    images_per_phase = max(config.batch_size, int(bare(min(WARM_UP_S, seconds)) * seconds))
    with tempfile.TemporaryDirectory() as folder, closing(recorded_training(config, images_per_phase, folder)) as real:
        next(real)
        speeds = [(bare(seconds), real.send(seconds)) for _ in range(rounds)]
    bare_speeds, real_speeds = zip(*speeds, strict=True)
    return statistics.median(bare_speeds), statistics.median(real_speeds)


def compare_precisions(config: TrainConfig, seconds: float, rounds: int) -> dict[str, float]:
    """Return the median images per second of the bare loop in bfloat16 and in float32."""
    loops = {name: bare_loop(replace(config, precision=name)) for name in ("bfloat16", "float32")}
    for loop in loops.values():
        loop(min(WARM_UP_S, seconds))
    speeds = [{name: loop(seconds) for name, loop in loops.items()} for _ in range(rounds)]
    return {name: statistics.median(speed[name] for speed in speeds) for name in loops}


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Print a line per recipe, and the effect of bfloat16."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="duration of a phase")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recipes", nargs="+", choices=list(RECIPES), help="(default: those of the shipped models)")
    options = parser.parse_args()
    configs = {name: RECIPES[name].config for name in options.recipes} if options.recipes else shipped_recipes()
    device = as_device("auto")
    print(f"{describe_machine()}, on {describe_device(device)}, medians of {options.rounds}")
    for name, config in configs.items():
        bare, real = compare(config, options.seconds, options.rounds)
        shape = load_dataset(config.dataset, limit=1).shape
        precision = "bfloat16" if uses_bfloat16(config.precision, config.model, shape, device) else "float32"
        print(f"{name:14} {precision:8}  {real:9,.0f} images/s of {bare:9,.0f} bare: {real / bare:.3f}", flush=True)
    unet = next((config for config in configs.values() if "unet" in config.model), None)
    if unet:
        speeds = compare_precisions(unet, options.seconds, options.rounds)
        values = ", ".join(f"{speed:,.0f} images/s in {name}" for name, speed in speeds.items())
        print(f"U-Net, bare loop: {values}, ratio {speeds['bfloat16'] / speeds['float32']:.2f}")


if __name__ == "__main__":
    run_benchmark(main)
