"""Time to the quality of a notebook's training loop: python -m tests.benchmarks.quality [--repeats 3]

The baseline is an ordinary notebook's loop; for the U-Net, float32 instead of bfloat16. The target is the MSE that the
baseline reaches after its last epoch on the 10,000 test images (one noise draw with seed 0, clamped outputs, mean of
per-image values). A contender's time ends with the first epoch whose test MSE is at or below the target, for the same
seed. Data loading and set-up count; starting Python, imports and evaluation do not. Each contender trains in a process
of its own (`tests.benchmarks.loops`), from the same initial weights, in turns. Prints each median and its ratio to the
baseline.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

from dae.cli.tables import print_table
from dae.data import is_available, load_dataset
from dae.noise import NoiseSpec
from dae.training import RECIPES, TrainConfig
from tests.benchmarks.common import describe_machine, run_benchmark
from tests.benchmarks.loops import Curve

NOISE = NoiseSpec("gaussian", 0.5)
NOTEBOOKS = {
    "linear-32": replace(RECIPES["mnist-linear-32"].config, noise=NOISE, epochs=10),
    "conv-64": replace(RECIPES["mnist-conv-64"].config, noise=NOISE, epochs=10),
}
FAST_RECIPES = {"linear-32": "fast-linear", "conv-64": "fast-conv"}
# Two epochs only, because one takes minutes in float32.
UNET = replace(RECIPES["mnist-unet"].config, epochs=2, lr=8e-3, teacher="")
MODELS = [*NOTEBOOKS, "unet"]

# Label in the table -> (loop, configuration).
Contenders = dict[str, tuple[str, TrainConfig]]
TrainFunction = Callable[[str, TrainConfig], Curve]


def contenders(model: str, dataset: str, max_images: int | None = None, max_epochs: int | None = None) -> Contenders:
    """Return the loops that train a model, the baseline first.

    Args:
        max_images: train and evaluate on the first images only.
        max_epochs: limit the epochs of all contenders.
    """

    def limit(config: TrainConfig) -> TrainConfig:
        epochs = min(config.epochs, max_epochs or config.epochs)
        return replace(config, dataset=dataset, max_images=max_images, epochs=epochs)

    if model == "unet":
        config = limit(UNET)
        return {name: ("ours", replace(config, precision=name)) for name in ("float32", "auto")}
    notebook, fast = limit(NOTEBOOKS[model]), limit(RECIPES[FAST_RECIPES[model]].config)
    entries = {"notebook": ("notebook", notebook)}
    if find_spec("lightning"):
        entries["Lightning"] = ("lightning", notebook)
    entries[f"dae, {FAST_RECIPES[model]}"] = ("ours", fast)
    entries["dae, as many epochs"] = ("ours", replace(fast, epochs=notebook.epochs))
    return entries


def run_in_process(loop: str, config: TrainConfig) -> Curve:
    """Train one contender in a process of its own; raise SystemExit with the last line of its error if it fails."""
    command = [sys.executable, "-m", "tests.benchmarks.loops", loop, json.dumps(config.to_json())]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"Loop {loop!r} failed: {(done.stderr.strip().splitlines() or ['no error message'])[-1]}")
    # Lightning may print other lines before.
    return Curve(**json.loads(done.stdout.splitlines()[-1]))


def race(entries: Contenders, seeds: range, train: TrainFunction = run_in_process) -> list[dict[str, str]]:
    """Train all contenders with all seeds; return table rows with the medians over the seeds."""
    curves: dict[str, list[Curve]] = {name: [] for name in entries}
    times: dict[str, list[float]] = {name: [] for name in entries}
    for seed in seeds:
        target = math.nan
        for name, (loop, config) in entries.items():
            curve = train(loop, replace(config, seed=seed))
            target = curve.mse[-1] if math.isnan(target) else target
            curves[name].append(curve)
            times[name].append(curve.time_to(target))
            epochs = ", ".join(f"{mse:.5f}" for mse in curve.mse)
            time_text = _format_seconds(times[name][-1])
            print(f"  seed {seed}, {name}: {time_text} to MSE {target:.5f}; after each epoch {epochs}", flush=True)
    baseline = next(iter(entries))
    base = statistics.median(times[baseline])
    rows = []
    for name, (_, config) in entries.items():
        median = statistics.median(times[name])
        rows.append(
            {
                "contender": name,
                "time to target": _format_seconds(median),
                f"relative to {baseline}": f"{median / base:.3f}" if math.isfinite(median) else "-",
                "set-up": _format_seconds(statistics.median(curve.setup_s for curve in curves[name])),
                "epochs": str(config.epochs),
                "training time": _format_seconds(statistics.median(curve.seconds[-1] for curve in curves[name])),
                "final MSE": f"{statistics.median(curve.mse[-1] for curve in curves[name]):.5f}",
            }
        )
    return rows


def _format_seconds(value: float) -> str:
    return f"{value:.2f} s" if math.isfinite(value) else "not reached"


def main() -> None:
    """Print each curve, and a table per model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="number of seeds")
    parser.add_argument("--seed", type=int, default=42, help="first seed")
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--images", type=int, help="train and evaluate on the first N images only")
    parser.add_argument("--epochs", type=int, help="limit the epochs of all contenders")
    options = parser.parse_args()
    dataset = "mnist" if is_available("mnist") else "digits"
    # Pack both splits before any clock starts.
    _, count = (len(load_dataset(dataset, split, limit=options.images)) for split in ("train", "test"))
    print(f"{describe_machine()}, {dataset}, {NOISE}")
    if not find_spec("lightning"):
        print("Lightning is not installed. Run: pip install '.[bench]'")
    seeds = range(options.seed, options.seed + options.repeats)
    for model in options.models:
        print(f"{model}, evaluated on {count:,} test images, medians of {len(seeds)} seeds")
        print_table(race(contenders(model, dataset, options.images, options.epochs), seeds))


if __name__ == "__main__":
    run_benchmark(main)
