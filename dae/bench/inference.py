"""How long the shipped models take to denoise: python -m dae.bench.inference

Milliseconds for one image alone and for 250 together, on one core and on all of them; the quickest of the calls of
0.1 s, so that whatever else the machine does counts least.
"""

import argparse
import platform

import torch
from torch import Tensor

from dae.bench import told
from dae.bench.server import ROOT
from dae.cli.tables import print_table
from dae.devices import cores
from dae.evaluation import milliseconds
from dae.models import Autoencoder
from dae.runs import list_runs
from dae.seeds import generator
from dae.training import denoise

BATCH = 250  # what `denoise` takes together at the most


def timings(name: str, model: Autoencoder, noisy: Tensor, threads: tuple[int, ...]) -> dict[str, str]:
    """A line of the table; `noisy` is (B, C, H, W)."""
    line = {"run": name, "images": " x ".join(map(str, noisy.shape[1:]))}
    for number in threads:
        for batch in (noisy[:1], noisy):
            taken = milliseconds(lambda pictures: denoise(model, pictures), batch, number) * len(batch)
            line[f"{len(batch)}, {number} core{'s' * (number > 1)}"] = f"{taken:.2f} ms"
    return line


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=BATCH, help="images denoised together")
    asked = parser.parse_args()
    print(f"{platform.machine()}, torch {torch.__version__}, float32, on the CPU")
    lines = []
    for run in sorted((run for run in list_runs(ROOT / "checkpoints") if run.has_model), key=lambda run: run.name):
        checkpoint = run.load()
        noisy = torch.rand(asked.batch, *checkpoint.shape, generator=generator(0))
        lines.append(timings(run.name, checkpoint.model, noisy, tuple(sorted({1, cores()}))))
    print_table(lines)


if __name__ == "__main__":
    told(main)
