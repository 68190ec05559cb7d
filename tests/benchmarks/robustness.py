"""Every kind of noise at four levels, as a Markdown table: python -m tests.benchmarks.robustness [RUN ...]

Measures shipped runs on test images under each kind of noise, clipped and, where values can leave [0, 1], unclipped.
Prints the PSNR gain over the noisy input in decibels; gains at a noise that the run was trained on are bold.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence

from dae.data import ImageSet, load_dataset
from dae.evaluation import evaluate, model_denoiser
from dae.noise import NOISES, NoiseSpec
from dae.runs import Run, find_run
from tests.benchmarks.common import ROOT, describe_machine, run_benchmark

RUNS = (
    "mnist-linear",
    "mnist-conv",
    "mnist-unet",
    "mnist-pool",
    "mnist-blind",
    "mnist-prior",
    "mnist-clean-targets",
    "mnist-noisy-targets",
    "digits-linear",
    "digits-conv",
    "digits-unet",
    "code-clean",
    "code-little",
    "code-much",
    "code-masking",
)
LEVELS = (0.1, 0.3, 0.5, 0.7)


def all_noises(levels: Sequence[float] = LEVELS) -> list[NoiseSpec]:
    """Return every kind of noise at these levels, clipped and, where it makes a difference, unclipped."""
    return [
        NoiseSpec(kind, level, clipped)
        for kind, info in NOISES.items()
        for clipped in ((True,) if info.in_unit_range else (True, False))
        for level in levels
    ]


def markdown_rows(runs: Sequence[Run], images: ImageSet, noises: Iterable[NoiseSpec], draws: int) -> Iterator[str]:
    """Yield the lines of the table: two of its head, then one per noise."""
    yield f"| noise | noisy input (dB) |{''.join(f' `{run.name}` |' for run in runs)}"
    yield "|---" * (2 + len(runs)) + "|"
    denoisers = [model_denoiser(run.name, run.load(), images) for run in runs]
    for noise in noises:
        noisy, *rows = evaluate(denoisers, images, [noise], draws=draws)
        cells = [_cell(row, run.config.noise.contains(noise)) for run, row in zip(runs, rows, strict=True)]
        yield f"| `{noise}` | {noisy['psnr_db']:.2f} |{''.join(f' {cell} |' for cell in cells)}"


def _cell(row: Mapping[str, float], is_trained: bool) -> str:
    gain = f"{row['gain_db']:+.2f}"
    return f"**{gain}**" if is_trained else gain


def main() -> None:
    """Print the table, a line as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", metavar="RUN", default=RUNS, help="shipped runs of one image shape")
    parser.add_argument("--dataset", default="mnist", help="data set with the test images")
    parser.add_argument("--limit", type=int, default=1_000, help="number of test images")
    parser.add_argument("--draws", type=int, default=3, help="number of noise draws")
    options = parser.parse_args()
    runs = [find_run(name, ROOT / "checkpoints") for name in options.runs]
    images = load_dataset(options.dataset, "test", limit=options.limit)
    print(
        f"{describe_machine()}\n{len(images):,} test images of {images.name}, {options.draws} noise draws", flush=True
    )
    for line in markdown_rows(runs, images, all_noises(), options.draws):
        print(line, flush=True)


if __name__ == "__main__":
    run_benchmark(main)
