"""A run on training, validation and test images, as a Markdown table: python -m tests.benchmarks.splits [RUN]

Prints the MSE, the mean L2 distance and the PSNR on the images of each split under the run's own noise: the difference
between training and validation images is the generalization gap.
"""

import argparse

from dae.data import load_dataset
from dae.evaluation import evaluate, model_denoiser
from dae.runs import find_run
from tests.benchmarks.common import ROOT, describe_machine, run_benchmark


def main() -> None:
    """Print a row of a Markdown table for the noisy input and the run on each split."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", default="mnist-linear", metavar="RUN", help="a shipped run")
    parser.add_argument("--limit", type=int, default=10_000, help="number of images of each split")
    parser.add_argument("--draws", type=int, default=3, help="number of noise draws")
    options = parser.parse_args()
    run = find_run(options.run, ROOT / "checkpoints")
    config, checkpoint = run.config, run.load()
    print(
        f"{describe_machine()}\n`{run.name}` under `{config.noise}`, {options.draws} noise draws\n\n"
        "| split | n | noisy input, L2 | MSE | L2 | PSNR (dB) |\n|---|---|---|---|---|---|",
        flush=True,
    )
    for split in ("train", "validation", "test"):
        images = load_dataset(config.dataset, split, limit=options.limit)
        denoiser = model_denoiser(run.name, checkpoint, images)
        noisy, row = evaluate([denoiser], images, [config.noise], draws=options.draws)
        cells = f"{row['n']:,} | {noisy['l2']:.3f} | {row['mse']:.5f} | {row['l2']:.3f} | {row['psnr_db']:.2f}"
        print(f"| {split} | {cells} |", flush=True)


if __name__ == "__main__":
    run_benchmark(main)
