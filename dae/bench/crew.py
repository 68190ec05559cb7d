"""How much faster several processes learn together: python -m dae.bench.crew [--processes 1 2] [--rounds 3]

Each measurement is a training of its own, started by torchrun on this machine with one thread a process, and stopped
by a request. The numbers of processes take turns. A global batch stays as large as it was.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from dae.bench import told
from dae.config import TrainConfig
from dae.runs import RunDirectory

_WARM_S = 2.0  # of training, not counted
_PATIENCE_S = 120.0


def main() -> None:
    """Print images a second, summed over the processes, and the ratio to those of the first number.

    Measuring and keeping each epoch's end is in it: what every process does, or rank 0 alone.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--models", nargs="+", default=["conv-64", "unet"])
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, batch {asked.batch_size}")
    for model in asked.models:
        config = TrainConfig(asked.dataset, model, batch_size=asked.batch_size, epochs=10_000, device=asked.device)
        speeds: dict[int, list[float]] = {number: [] for number in asked.processes}
        for _ in range(asked.rounds):
            for number in asked.processes:
                speeds[number].append(_speed(config, number, asked.seconds))
        first = statistics.median(speeds[asked.processes[0]])
        for number, own in speeds.items():
            middle = statistics.median(own)
            print(f"{model:10} {number} processes {middle:9,.0f} images/s  {middle / first:.2f}  (n = {len(own)})")


def _speed(config: TrainConfig, processes: int, seconds: float) -> float:
    """Images a second, from the steps that all processes made in so many seconds of training."""
    with tempfile.TemporaryDirectory() as folder:
        run = RunDirectory.create(config, root=folder, name="crew")
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        command = [*launcher, "-m", "dae", "train", "--checkpoints", folder, "--resume", run.name]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet, cwd=Path.cwd())
        try:
            end = time.monotonic() + _PATIENCE_S
            while process.poll() is None and time.monotonic() < end:
                lines = [line for line in run.progress() if line["seconds"] > _WARM_S]
                if lines and lines[-1]["seconds"] - lines[0]["seconds"] > seconds:
                    run.status.request_stop()
                    process.wait(_PATIENCE_S)
                    break
                time.sleep(0.1)
            else:
                raise SystemExit(f"The training of {processes} processes did not come to its end.")
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)
        steps = lines[-1]["step"] - lines[0]["step"]
        return float(steps * config.batch_size / (lines[-1]["seconds"] - lines[0]["seconds"]))


if __name__ == "__main__":
    told(main)
