"""Run several benchmarks one after the other: python -m tests.benchmarks [NAME ...]"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from dae.utils.registry import lookup
from tests.benchmarks.common import run_benchmark

# Modules of this package, and what each one measures.
BENCHMARKS = {
    "inference": "latency of the shipped models, one image and a batch of 250",
    "html_demo": "latency of the exported HTML file in Chromium",
    "photographs": "PSNR of the color model on photographs, next to the classical filters",
    "robustness": "PSNR gain of the shipped models under every kind of noise",
    "specialists": "one model for any noise, relative to models for one noise",
    "splits": "error of a run on training, validation and test images",
    "uncertainty": "predicted against true error of a denoiser, by tenths of the images",
    "start": "time from `streamlit run` to the first image, relative to a minimal app",
    "slider": "latency of Explore's slider, relative to a minimal app",
    "watched": "training speed while a browser shows the Train page, relative to no viewer",
    "throughput": "training speed of the recipes, relative to a bare loop",
    "quality": "time to the quality of a notebook's loop, relative to that notebook and Lightning",
    "contention": "training speed next to busy programs, relative to plain loops",
    "distributed": "training speed of several processes, relative to one",
    "growth": "time and memory of an epoch on 10,000 to 1,000,000 images",
    "room": "answer time of a hundred phones that play while a model trains",
    "crowd": "response time and memory of the server with forty sessions",
}
# These take many minutes and run only if they are named.
LONG = frozenset({"quality", "robustness", "specialists", "growth", "room", "crowd"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run benchmarks in processes of their own; return 1 if one of them failed."""
    width = max(map(len, BENCHMARKS))
    lines = [f"  {name:{width}}  {what}{' (long)' * (name in LONG)}" for name, what in BENCHMARKS.items()]
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Run several benchmarks one after the other.",
        epilog="\n".join(["benchmarks:", *lines, "", "python -m tests.benchmarks.NAME --help lists its options."]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="benchmarks in this order (default: all but long ones)"
    )
    parser.add_argument("--data", metavar="DIR", help="data root (default: DAE_DATA, else a cache directory)")
    options = parser.parse_args(arguments)
    names = options.names or [name for name in BENCHMARKS if name not in LONG]
    for name in names:
        lookup("benchmark", BENCHMARKS, name)
    environment = os.environ | ({"DAE_DATA": options.data} if options.data else {})
    failed = False
    for name in names:
        # Flush, because the output that follows is written by another process.
        print(f"\n{name}: {BENCHMARKS[name]}", flush=True)
        done = subprocess.run([sys.executable, "-u", "-m", f"tests.benchmarks.{name}"], env=environment)
        if done.returncode:
            failed = True
            print(f"dae: {name} failed with exit code {done.returncode}. See its output above.", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    run_benchmark(lambda: sys.exit(main()))
