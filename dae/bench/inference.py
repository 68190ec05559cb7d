"""How long the shipped models take to denoise: python -m dae.bench.inference

Milliseconds for one image alone and for 256 together, on one core and on all of them; the quickest of the calls of
0.1 s, so that whatever else the machine does counts least.
"""

import argparse
import os
import platform

import torch
from torch import Tensor

from dae.bench.server import ROOT
from dae.cli.tables import print_table
from dae.evaluation import milliseconds
from dae.models import Autoencoder
from dae.runs import find_run, list_runs
from dae.seeds import generator
from dae.training import denoise

BATCH = 256


def timings(name: str, model: Autoencoder, noisy: Tensor, threads: tuple[int, ...]) -> dict[str, str]:
    """A line of the table; `noisy` is (B, C, H, W)."""
    line = {"run": name, "images": " x ".join(map(str, noisy.shape[1:]))}
    for cores in threads:
        for batch in (noisy[:1], noisy):
            taken = milliseconds(lambda pictures: denoise(model, pictures, len(pictures)), batch, cores) * len(batch)
            line[f"{len(batch)}, {cores} core{'s' * (cores > 1)}"] = f"{taken:.2f} ms"
    return line


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=BATCH, help="images denoised together")
    asked = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    print(f"{platform.machine()}, torch {torch.__version__}, float32, on the CPU")
    lines = []
    for name in sorted(run.name for run in list_runs(ROOT / "checkpoints")):
        checkpoint = find_run(name, ROOT / "checkpoints").load()
        noisy = torch.rand(asked.batch, *checkpoint.shape, generator=generator(0))
        lines.append(timings(name, checkpoint.model, noisy, tuple(sorted({1, cores}))))
    print_table(lines)


if __name__ == "__main__":
    main()
