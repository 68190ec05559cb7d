"""Training speed of several processes: python -m tests.benchmarks.distributed [--processes 1 2] [--rounds 3]

Measures images per second, summed over the processes, of trainings that torchrun starts on this machine with the same
global batch size: a single process computes in worker threads on all cores, each of several processes in one thread.
Validation and writing at the end of each epoch are included. The numbers of processes take turns. Prints each
median and its ratio to the first number of processes.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from dae.runs import Run
from dae.training import TrainConfig
from tests.benchmarks.common import ROOT, describe_machine, images_per_second, run_benchmark

WARM_UP_S = 2.0
_TIMEOUT_S = 120.0


def main() -> None:
    """Print a line per model and number of processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--models", nargs="+", default=["conv-64", "unet"])
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--batch-size", type=int, default=256, help="images per step, over all processes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="measured time of a training")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    print(f"{describe_machine()}, batch size {options.batch_size}")
    for model in options.models:
        config = TrainConfig(
            options.dataset, model, batch_size=options.batch_size, epochs=10_000, device=options.device
        )
        speeds: dict[int, list[float]] = {processes: [] for processes in options.processes}
        for _ in range(options.rounds):
            for processes in options.processes:
                speeds[processes].append(_training_speed(config, processes, options.seconds))
        base = statistics.median(speeds[options.processes[0]])
        for processes, values in speeds.items():
            median = statistics.median(values)
            print(f"{model:10} {processes} processes {median:9,.0f} images/s  {median / base:.2f}  (n = {len(values)})")


def _training_speed(config: TrainConfig, processes: int, seconds: float) -> float:
    """Train with torchrun, request a stop after the given seconds, and return images per second."""
    with tempfile.TemporaryDirectory() as folder:
        run = Run.create(config, root=folder, name="distributed")
        launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        command = [*launcher, "-m", "dae", "train", "--checkpoints", folder, "--resume", run.name]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet, cwd=ROOT)
        try:
            end = time.monotonic() + _TIMEOUT_S
            while process.poll() is None and time.monotonic() < end:
                lines = [line for line in run.progress() if line["seconds"] > WARM_UP_S]
                if lines and lines[-1]["seconds"] - lines[0]["seconds"] > seconds:
                    run.status.request_stop()
                    process.wait(_TIMEOUT_S)
                    return images_per_second(lines[0], lines[-1], config.batch_size)
                time.sleep(0.1)
            raise SystemExit(f"Training with {processes} processes failed, or took longer than {_TIMEOUT_S:g} s.")
        finally:
            process.terminate()
            process.wait(_TIMEOUT_S)


if __name__ == "__main__":
    run_benchmark(main)
