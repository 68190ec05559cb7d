"""Time and memory of an epoch as the data set grows: python -m tests.benchmarks.growth [--images 10000 100000 1000000]

Trains one epoch on random 28 x 28 images from a packed file, each number of images in a process of its own. By default
each image is read from disk, as with data sets larger than memory; `--in-memory` maps them all, as with smaller ones.
Prints seconds and the peak memory over all reports. RssAnon is the memory of the process itself. RssFile is mapped
files, including libraries, which the system reclaims when it needs memory. Linux only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from dae.data import ImageSet, image_set
from dae.training import TrainConfig, TrainState, fit, loop
from tests.benchmarks.common import describe_machine, run_benchmark

_CHUNK_SIZE = 10_000
_MIB = 1 << 20


def main() -> None:
    """Print a line per number of images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--model", default="linear-32")
    parser.add_argument("--in-memory", action="store_true", help="map all images, as those of smaller sets are")
    parser.add_argument("--part", choices=["pack", "train"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "pack":
        _random_images(options.images[0])
        return
    if options.part == "train":
        print(json.dumps(_train(options.images[0], options.model, options.in_memory)))
        return
    print(f"{describe_machine()}, {options.model}")
    print(f"{'images':>10} {'on disk':>10} {'epoch':>9} {'images/s':>9} {'RssAnon':>9} {'RssFile':>9}  (peaks)")
    for count in options.images:
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"XDG_CACHE_HOME": folder}
            command = [
                sys.executable,
                "-m",
                "tests.benchmarks.growth",
                "--model",
                options.model,
                "--images",
                str(count),
            ]
            command += ["--in-memory"] * options.in_memory
            # Pack in another process, so that packing does not add to the memory measured.
            subprocess.run([*command, "--part", "pack"], env=environment, check=True)
            trained = subprocess.run(
                [*command, "--part", "train"], env=environment, check=True, stdout=subprocess.PIPE, text=True
            )
        result = json.loads(trained.stdout)
        print(
            f"{count:10,} {count * 784 / _MIB:6,.0f} MiB {result['seconds']:7.2f} s {count / result['seconds']:9,.0f} "
            f"{result['RssAnon'] / _MIB:5,.0f} MiB {result['RssFile'] / _MIB:5,.0f} MiB",
            flush=True,
        )


def _random_images(count: int) -> ImageSet:
    """Return random images from the cache; create them in chunks if they are missing."""

    def make(target: Path) -> None:
        random = np.random.default_rng(0)
        images = np.lib.format.open_memmap(target / "images.npy", "w+", np.uint8, (count, 1, 28, 28))
        for start in range(0, count, _CHUNK_SIZE):
            chunk = images[start : start + _CHUNK_SIZE]
            chunk[:] = random.integers(0, 256, chunk.shape, np.uint8)
        images.flush()
        image_set.pack_labels(target, np.zeros(count, np.int64), ["random"])

    return image_set.cached("growth", "train", f"growth-{count}", make)


def _train(count: int, model: str, in_memory: bool) -> dict[str, float]:
    """Train one epoch; return its seconds and the peaks of the process's memory in bytes."""
    images = _random_images(count)
    if not in_memory:
        loop.STREAMING_THRESHOLD_BYTES = 0
    config = TrainConfig(model=model, epochs=1, device="cpu")
    peaks = _memory_bytes()
    seconds = []
    for report in fit(config, TrainState(config, images.shape), images, images.take(100)):
        seconds.append(report.seconds)
        peaks = {name: max(value, peaks[name]) for name, value in _memory_bytes().items()}
    return peaks | {"seconds": seconds[-1] - seconds[0]}


def _memory_bytes() -> dict[str, float]:
    """Return RssAnon and RssFile of this process."""
    lines = (line.partition(":") for line in Path("/proc/self/status").read_text().splitlines())
    return {name: 1024.0 * int(rest.split()[0]) for name, _, rest in lines if name in ("RssAnon", "RssFile")}


if __name__ == "__main__":
    run_benchmark(main)
