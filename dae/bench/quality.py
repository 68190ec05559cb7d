"""How long it takes to train as good a model as another way does: python -m dae.bench.quality [--repeats 3]

The other way is an ordinary notebook's loop, and for the U-Net float32 instead of bfloat16. The target is the MSE on
the 10,000 test images (one noise draw, seed 0, outputs clamped, means of per-image values) that it reaches after its
epochs, with the same seed. A contender's time ends with the first epoch whose test MSE is at or below it; data loading
and set-up count, starting Python, imports and measuring do not, for all alike. Each contender trains in a process of
its own (`dae.bench.loops`), from the same initial weights, in turns.
"""

import argparse
import json
import math
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

import torch

from dae.bench import told
from dae.bench.loops import Curve
from dae.cli.tables import print_table
from dae.config import TrainConfig
from dae.data import is_available, load_dataset
from dae.noise import NoiseSpec
from dae.recipes import RECIPES

NOISE = NoiseSpec("gaussian", 0.5)
NOTEBOOKS = {
    "linear-32": replace(RECIPES["mnist-linear-32"].config, noise=NOISE, epochs=10),
    "conv-64": replace(RECIPES["mnist-conv-64"].config, noise=NOISE, epochs=10),
}
FAST = {"linear-32": "fast-linear", "conv-64": "fast-conv"}
UNET = replace(RECIPES["mnist-unet"].config, epochs=2, lr=8e-3, teacher="")  # in float32 an epoch takes minutes
MODELS = [*NOTEBOOKS, "unet"]

Contenders = dict[str, tuple[str, TrainConfig]]  # by what people read: the loop, and what it is to do
Run = Callable[[str, TrainConfig], Curve]


def contenders(model: str, dataset: str, images: int | None = None, epochs: int | None = None) -> Contenders:
    """Who trains this model, the one that sets the target first.

    Args:
        images: train on the first so many only, and measure on as many.
        epochs: at the most so many, for all.
    """

    def shortened(config: TrainConfig) -> TrainConfig:
        return replace(config, dataset=dataset, images=images, epochs=min(config.epochs, epochs or config.epochs))

    if model == "unet":
        config = shortened(UNET)
        return {name: ("ours", replace(config, precision=name)) for name in ("float32", "auto")}
    notebook, fast = shortened(NOTEBOOKS[model]), shortened(RECIPES[FAST[model]].config)
    found = {"notebook": ("notebook", notebook)}
    if find_spec("lightning"):
        found["Lightning"] = ("lightning", notebook)
    found[f"dae, {FAST[model]}"] = ("ours", fast)
    found["dae, as many epochs"] = ("ours", replace(fast, epochs=notebook.epochs))
    return found


def in_a_process(loop: str, config: TrainConfig) -> Curve:
    """The curve of one contender; raises SystemExit in a sentence where it fails."""
    command = [sys.executable, "-m", "dae.bench.loops", loop, json.dumps(config.to_json())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"The loop {loop!r} failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
    return Curve(**json.loads(done.stdout.splitlines()[-1]))  # Lightning may have said something before


def race(entrants: Contenders, seeds: range, run: Run = in_a_process) -> list[dict[str, str]]:
    """The lines of a table: everybody's medians over the seeds."""
    curves: dict[str, list[Curve]] = {name: [] for name in entrants}
    seconds: dict[str, list[float]] = {name: [] for name in entrants}
    for seed in seeds:
        target = math.nan
        for name, (loop, config) in entrants.items():
            curve = run(loop, replace(config, seed=seed))
            target = curve.mse[-1] if math.isnan(target) else target
            curves[name].append(curve)
            seconds[name].append(curve.reached(target))
            ends = ", ".join(f"{mse:.5f}" for mse in curve.mse)
            print(f"  seed {seed}, {name}: {_seconds(seconds[name][-1])} to {target:.5f}; epochs {ends}", flush=True)
    first = next(iter(entrants))
    base = statistics.median(seconds[first])
    lines = []
    for name, (_, config) in entrants.items():
        middle = statistics.median(seconds[name])
        lines.append(
            {
                "contender": name,
                "to the target": _seconds(middle),
                f"of {first}'s": f"{middle / base:.3f}" if math.isfinite(middle) else "-",
                "of these set-up": _seconds(statistics.median(curve.setup_s for curve in curves[name])),
                "epochs": str(config.epochs),
                "training": _seconds(statistics.median(curve.seconds[-1] for curve in curves[name])),
                "MSE at the end": f"{statistics.median(curve.mse[-1] for curve in curves[name]):.5f}",
            }
        )
    return lines


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if math.isfinite(value) else "not reached"


def main() -> None:
    """Print each curve, and a table for each model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="with one seed after the other")
    parser.add_argument("--seed", type=int, default=42, help="the first one")
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--images", type=int, help="train and measure on the first so many only")
    parser.add_argument("--epochs", type=int, help="so many at the most")
    asked = parser.parse_args()
    dataset = "mnist" if is_available("mnist") else "digits"
    for split in ("train", "test"):
        number = len(load_dataset(dataset, split, limit=asked.images))  # packed before anybody's clock runs
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {dataset}, {NOISE}")
    if not find_spec("lightning"):
        print("Lightning: not installed; pip install '.[bench]' has it")
    for model in asked.models:
        print(f"{model}, measured on {number:,} test images")
        print_table(
            race(contenders(model, dataset, asked.images, asked.epochs), range(asked.seed, asked.seed + asked.repeats))
        )
        print(f"medians of {asked.repeats}")


if __name__ == "__main__":
    told(main)
