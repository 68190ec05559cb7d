"""Training on sets of growing size: python -m dae.bench.growth [--images 10000 100000 1000000] [--in-memory]

For each number of 28 x 28 images a packed set of random pixels is made and trained on for an epoch, every image read
from the disk as those of sets larger than the memory are, by a process of its own. It looks at its memory at every
report. RssAnon is what the process itself needs; RssFile are pages of mapped files, libraries included, which the
system takes back when it needs them.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from dae import packed, training
from dae.bench import told
from dae.config import TrainConfig
from dae.packed import ImageSet
from dae.state import TrainState
from dae.training import fit

_CHUNK = 10_000  # images written at once
_MIB = 1 << 20


def main() -> None:
    """Print the seconds of an epoch and the peak memory of each process, for each number of images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--model", default="linear-32")
    parser.add_argument("--in-memory", action="store_true", help="map all images, as those of smaller sets are")
    parser.add_argument("--part", choices=["pack", "train"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part == "pack":
        _images(asked.images[0])
        return
    if asked.part == "train":
        print(json.dumps(_train(asked.images[0], asked.model, asked.in_memory)))
        return
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {asked.model}")
    print(f"{'images':>10} {'on disk':>10} {'epoch':>9} {'images/s':>9} {'RssAnon':>9} {'RssFile':>9}  (peaks)")
    for number in asked.images:
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"XDG_CACHE_HOME": folder}
            command = [sys.executable, "-m", "dae.bench.growth", "--model", asked.model, "--images", str(number)]
            command += ["--in-memory"] * asked.in_memory
            subprocess.run([*command, "--part", "pack"], env=environment, check=True)
            trained = subprocess.run(
                [*command, "--part", "train"], env=environment, check=True, stdout=subprocess.PIPE, text=True
            )
        told = json.loads(trained.stdout)
        print(
            f"{number:10,} {number * 784 / _MIB:6,.0f} MiB {told['seconds']:7.2f} s {number / told['seconds']:9,.0f} "
            f"{told['RssAnon'] / _MIB:5,.0f} MiB {told['RssFile'] / _MIB:5,.0f} MiB",
            flush=True,
        )


def _images(number: int) -> ImageSet:
    """So many images of random pixels in the cache, made where they are not there yet."""

    def make(target: Path) -> None:
        random = np.random.default_rng(0)
        images = np.lib.format.open_memmap(target / "images.npy", "w+", np.uint8, (number, 1, 28, 28))
        for start in range(0, number, _CHUNK):
            chunk = images[start : start + _CHUNK]
            chunk[:] = random.integers(0, 256, chunk.shape, np.uint8)
        images.flush()
        np.save(target / "labels.npy", np.zeros(number, np.int64))
        (target / "about.json").write_text(json.dumps({"classes": ["random"], "note": ""}))

    return packed.cached("growth", "train", f"growth-{number}", make)


def _train(number: int, model: str, in_memory: bool) -> dict[str, float]:
    """One epoch: its seconds, and the peaks of the process's memory in bytes."""
    images = _images(number)
    if not in_memory:
        training.STREAMED_FROM = 0
    config = TrainConfig(model=model, epochs=1, device="cpu")
    peaks = _memory()
    seconds = []
    for report in fit(config, TrainState(config, images.shape), images, images.head(100)):
        seconds.append(report.seconds)
        peaks = {name: max(value, peaks[name]) for name, value in _memory().items()}
    return peaks | {"seconds": seconds[-1] - seconds[0]}


def _memory() -> dict[str, float]:
    """Resident memory of this process in bytes, by the system's own names."""
    lines = (line.partition(":") for line in Path("/proc/self/status").read_text().splitlines())
    return {name: 1024.0 * int(rest.split()[0]) for name, _, rest in lines if name in ("RssAnon", "RssFile")}


if __name__ == "__main__":
    told(main)
