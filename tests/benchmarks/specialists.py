"""One model for any noise against specialists: python -m tests.benchmarks.specialists [--levels 0.3 0.7]

Trains the network of `mnist-blind`, by its recipe, on one kind of noise at one level for a tenth of the epochs. Prints
the PSNR of this specialist and of the shipped `mnist-blind` on the same test images and noise, in decibels.
"""

import argparse
from dataclasses import replace

from dae.data import load_dataset
from dae.evaluation import evaluate, model_denoiser
from dae.models import Checkpoint
from dae.noise import NoiseSpec
from dae.runs import find_run
from dae.training import RECIPES, TrainState, fit
from tests.benchmarks.common import ROOT, describe_machine, run_benchmark

BLIND = RECIPES["mnist-blind"].config


def main() -> None:
    """Print a row of a Markdown table for each kind and level."""
    kinds = list(dict.fromkeys(part.kind for part in BLIND.noise.components))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", default=kinds, choices=kinds)
    parser.add_argument("--levels", nargs="+", type=float, default=[0.3, 0.7])
    parser.add_argument("--epochs", type=int, default=BLIND.epochs // 10)
    parser.add_argument("--limit", type=int, help="number of training images, and of test images")
    parser.add_argument("--split", default="test", choices=["validation", "test"], help="images to measure on")
    parser.add_argument("--draws", type=int, default=3, help="number of noise draws")
    options = parser.parse_args()
    train = load_dataset("mnist", "train", limit=options.limit)
    validation = load_dataset("mnist", "validation")
    images = load_dataset("mnist", options.split, limit=options.limit)
    blind = model_denoiser("mnist-blind", find_run("mnist-blind", ROOT / "checkpoints").load(), images)
    print(
        f"{describe_machine()}\n{len(images):,} {options.split} images of MNIST, {options.draws} noise draws, "
        f"{options.epochs} epochs, seed {BLIND.seed}\n\n"
        "| noise | noisy input | specialist | `mnist-blind` | difference |\n|---|---|---|---|---|",
        flush=True,
    )
    for kind in options.kinds:
        for level in options.levels:
            noise = NoiseSpec(kind, level)
            config = replace(BLIND, noise=noise, epochs=options.epochs)
            state = TrainState(config, train.shape)
            for _ in fit(config, state, train, validation):
                pass
            checkpoint = Checkpoint(state.model.eval(), config.model, train.shape, config.to_json())
            specialist = model_denoiser("specialist", checkpoint, images)
            rows = evaluate([specialist, blind], images, [noise], draws=options.draws)
            noisy_db, specialist_db, blind_db = (row["psnr_db"] for row in rows)
            cells = f"{noisy_db:.2f} | {specialist_db:.2f} | {blind_db:.2f} | {blind_db - specialist_db:+.2f}"
            print(f"| `{noise}` | {cells} |", flush=True)


if __name__ == "__main__":
    run_benchmark(main)
