"""Predicted against true error of a denoiser: python -m tests.benchmarks.uncertainty [--run mnist-prior]

Predicts the mean squared error of each denoised image as its mean posterior variance, without the clean image, and
compares it with the true error: over the first validation images, and by tenths of the prediction.
"""

import argparse

import torch
from torch import Tensor

from dae.cli.tables import print_table
from dae.data import load_dataset
from dae.imagination import posterior_variance
from dae.models import Autoencoder
from dae.runs import find_run
from dae.utils.random import make_generator
from tests.benchmarks.common import ROOT, describe_machine, run_benchmark

_BATCH_SIZE = 50
_NUM_GROUPS = 10


def predicted_and_true(model: Autoencoder, clean: Tensor, level: float, seed: int) -> tuple[Tensor, Tensor]:
    """Return the predicted and the true mean squared error of each image (B, C, H, W), (B,) each."""
    noisy = clean + level * torch.randn(clean.shape, generator=make_generator(seed, 0))
    predicted, true = [], []
    for images, batch in zip(clean.split(_BATCH_SIZE), noisy.split(_BATCH_SIZE), strict=True):
        *_, variance = posterior_variance(model, batch, level, make_generator(seed, 1))
        with torch.no_grad():
            denoised = model(batch).clamp(0, 1)
        predicted.append(variance.mean((1, 2, 3)))
        true.append((denoised - images).square().mean((1, 2, 3)))
    return torch.cat(predicted), torch.cat(true)


def rows_by_prediction(predicted: Tensor, true: Tensor) -> list[dict[str, str]]:
    """Return a table row per tenth of the images, from the smallest to the largest predicted error."""
    groups = predicted.argsort().tensor_split(_NUM_GROUPS)
    return [
        {"tenth": str(index), "predicted": f"{predicted[group].mean():.5f}", "true": f"{true[group].mean():.5f}"}
        for index, group in enumerate(groups, start=1)
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", default="mnist-prior", help="run to measure")
    parser.add_argument("--level", type=float, default=0.5, help="level of unclipped Gaussian noise")
    parser.add_argument("--limit", type=int, default=1_000, help="number of validation images")
    options = parser.parse_args()
    run = find_run(options.run, ROOT / "checkpoints")
    clean = load_dataset(run.dataset, "validation", limit=options.limit).to_float()
    predicted, true = predicted_and_true(run.load().model, clean, options.level, seed=0)
    correlation = float(torch.corrcoef(torch.stack([predicted, true]))[0, 1])
    print(f"{describe_machine()}\n{options.run}, {len(clean)} validation images of {run.dataset}, Gaussian noise")
    print(f"mean predicted {predicted.mean():.5f}, true {true.mean():.5f}; correlation {correlation:.2f}")
    print_table(rows_by_prediction(predicted, true))


if __name__ == "__main__":
    run_benchmark(main)
