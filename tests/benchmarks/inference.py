"""Latency of the shipped models: python -m tests.benchmarks.inference [--batch 250]

Measures `denoise` on random images of each model's own size, on the CPU in float32: milliseconds for one image and for
a batch, on one core and on all. Each value is the fastest of at least three calls (0.1 s in total), so that other load
on the machine counts least.
"""

import argparse

import torch
from torch import Tensor

from dae.cli.tables import print_table
from dae.evaluation.benchmark import latency_ms
from dae.models import Autoencoder, denoise
from dae.runs import list_runs
from dae.utils.random import make_generator
from dae.utils.threads import cpu_count
from tests.benchmarks.common import ROOT, describe_machine, run_benchmark

# `denoise` splits larger batches.
BATCH_SIZE = 250


def latency_row(name: str, model: Autoencoder, noisy: Tensor, core_counts: tuple[int, ...]) -> dict[str, str]:
    """Return a table row for noisy images (B, C, H, W): milliseconds for the first image and for the batch."""
    row = {"run": name, "images": " x ".join(map(str, noisy.shape[1:]))}
    for cores in core_counts:
        for batch in (noisy[:1], noisy):
            milliseconds = latency_ms(lambda images: denoise(model, images), batch, cores > 1) * len(batch)
            row[f"{len(batch)}, {cores} core{'s' * (cores > 1)}"] = f"{milliseconds:.2f} ms"
    return row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=BATCH_SIZE, help="images per batch")
    options = parser.parse_args()
    print(f"{describe_machine()}, float32 on the CPU")
    rows = []
    for run in sorted((run for run in list_runs(ROOT / "checkpoints") if run.has_model), key=lambda run: run.name):
        checkpoint = run.load()
        noisy = torch.rand(options.batch, *checkpoint.shape, generator=make_generator(0))
        rows.append(latency_row(run.name, checkpoint.model, noisy, tuple(sorted({1, cpu_count()}))))
    print_table(rows)


if __name__ == "__main__":
    run_benchmark(main)
