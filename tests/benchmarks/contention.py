"""Training speed next to busy programs: python -m tests.benchmarks.contention [--recipe quick-conv] [--busy 0 2]

Trains a recipe alone and next to busy loops, with `fit` and with a plain loop whose operators use one or all OpenMP
threads. Prints images per second, and the ratio of `fit` to the faster plain loop.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from dae.data import ImageSet, load_dataset
from dae.noise import corrupt
from dae.training import RECIPES, TrainConfig, TrainState, fit
from dae.training.config import LOSSES
from dae.utils.random import NoiseBank, make_generator
from dae.utils.threads import cpu_count
from tests.benchmarks.common import describe_machine, run_benchmark

WARM_UP_S = 1.0
# `fit` validates after each epoch and the plain loops do not, so an epoch must not be short.
NUM_IMAGES = 30_000


def main() -> None:
    """Print a line per recipe and number of busy loops."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", nargs="+", default=["quick-linear", "quick-conv", "quick-unet"], choices=RECIPES)
    parser.add_argument("--busy", nargs="+", type=int, default=[0, cpu_count()], help="numbers of busy loops")
    parser.add_argument("--seconds", type=float, default=4.0, help="per measurement")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    images = load_dataset("digits", "train", limit=NUM_IMAGES)
    print(f"{describe_machine()}, median of {options.rounds} rounds, images/s")
    for name in options.recipe:
        config = replace(
            RECIPES[name].config, dataset="digits", max_images=None, epochs=10_000, precision="float32", teacher=""
        )
        for busy in options.busy:
            with busy_loops(busy):
                speeds = measure(config, images, options.seconds, options.rounds)
            best = max(value for key, value in speeds.items() if key != "fit")
            row = ", ".join(f"{key} {value:,.0f}" for key, value in speeds.items())
            print(f"{name}, {busy} busy loops: {row}; fit / best {speeds['fit'] / best:.2f}", flush=True)


def measure(config: TrainConfig, images: ImageSet, seconds: float, rounds: int) -> dict[str, float]:
    """Return images per second of `fit` and of plain loops; they take turns, so that drift hits all alike."""
    loops: dict[str, Callable[[], Iterator[int]]] = {"fit": lambda: _fit(config, images)}
    for threads in sorted({1, cpu_count()}):
        loops[f"plain, {threads} threads"] = lambda threads=threads: _plain(config, images, threads)  # type: ignore[misc]
    speeds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(rounds):
        for name, loop in loops.items():
            speeds[name].append(_speed(loop(), seconds / rounds) * config.batch_size)
    return {name: sorted(values)[len(values) // 2] for name, values in speeds.items()}


def _speed(steps: Iterator[int], seconds: float) -> float:
    """Return steps per second after the warm-up."""
    start = time.perf_counter()
    first = begun = None
    for step in steps:
        now = time.perf_counter()
        if first is None and now - start > min(WARM_UP_S, seconds):
            first, begun = step, now
        elif first is not None and begun is not None and now - begun > seconds:
            return (step - first) / (now - begun)
    raise RuntimeError("the training ended before it was measured")


def _fit(config: TrainConfig, images: ImageSet) -> Iterator[int]:
    state = TrainState(config, images.shape)
    for report in fit(config, state, images, images.take(8)):
        yield report.step


def _plain(config: TrainConfig, images: ImageSet, threads: int) -> Iterator[int]:
    """Train with operators that are split over OpenMP threads, the way most loops do."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        state = TrainState(config, images.shape)
        order = make_generator(config.seed, 1)
        noise, step = NoiseBank.from_generator(make_generator(config.seed)), 0
        while True:
            for batch in torch.randperm(len(images), generator=order).split(config.batch_size):
                clean = images.to_float(batch)
                denoised, penalty = state.model.forward_with_loss(corrupt(clean, config.noise, noise), clean)
                state.optimizer.zero_grad()
                (LOSSES[config.loss](denoised, clean) + penalty).backward()
                state.optimizer.step()
                step += 1
                yield step
    finally:
        torch.set_num_threads(before)


@contextmanager
def busy_loops(number: int) -> Iterator[None]:
    """Run this many processes that each keep a core busy."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    run_benchmark(main)
