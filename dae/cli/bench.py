"""dae bench."""

import os
import platform
import subprocess
import sys
from argparse import RawDescriptionHelpFormatter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from dae.cli.command import Commands, Options, command
from dae.devices import cores
from dae.registry import lookup

BENCHES: dict[str, str] = {  # modules of dae.bench, and what each measures
    "inference": "milliseconds that the shipped models take for one image and for 250",
    "photographs": "decibels of the colour model on photographs of another world, beside the filters",
    "start": "seconds from `streamlit run` to the first picture, beside the smallest app",
    "slider": "milliseconds of a move of Explore's slider, beside the smallest app",
    "watched": "the share of its speed that a training keeps while somebody watches",
    "throughput": "images a second of real trainings, beside bare loops",
    "quality": "seconds until a model is as good as a notebook's, beside that notebook and Lightning",
    "crew": "images a second of one process and of several",
    "growth": "seconds and memory of an epoch of 10,000 to 1,000,000 images",
    "crowd": "answers and memory of the server while forty sessions use it",
}
LONG = frozenset({"quality", "growth", "crowd"})  # many minutes: they run only where they are named


def add(commands: Commands) -> None:
    parser = command(commands, "bench", _bench, "Measure this machine, one measurement after the other.")
    width = max(map(len, BENCHES))
    lines = [f"  {name:{width}}  {what}{' (long)' * (name in LONG)}" for name, what in BENCHES.items()]
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = "\n".join(["measurements:", *lines, "", "python -m dae.bench.NAME --help has each one's options."])
    parser.add_argument("names", nargs="*", metavar="NAME", help="which, in this order; else all that are not long")


def _bench(options: Options) -> int:
    names = options.names or [name for name in BENCHES if name not in LONG]
    for name in names:
        lookup("measurement", BENCHES, name)  # all of them before the first one runs
    print(_machine())
    folders = {"DAE_DATA": options.data, "DAE_CHECKPOINTS": options.checkpoints}
    environment = os.environ | {name: folder for name, folder in folders.items() if folder}
    failed = 0
    for name in names:
        print(f"\n{name}: {BENCHES[name]}", flush=True)  # what follows is written by another process
        done = subprocess.run([sys.executable, "-u", "-m", f"dae.bench.{name}"], env=environment)
        if done.returncode:
            failed += 1
            print(f"dae: {name} failed with exit code {done.returncode}; what it said is above.", file=sys.stderr)
    return int(failed > 0)


def _machine() -> str:
    """The hardware and the versions that a measurement depends on."""
    cards = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    cards += ["MPS"] * torch.backends.mps.is_available()
    try:
        streamlit = f", streamlit {version('streamlit')}"
    except PackageNotFoundError:
        streamlit = ""
    return (
        f"{_processor()}, {cores()} cores, {', '.join(cards) or 'no GPU'}\n"
        f"Python {platform.python_version()}, torch {torch.__version__}{streamlit}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
