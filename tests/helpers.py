"""Helpers that tests share: small images, small runs, and a recorder that a test controls step by step."""

import queue
import re
import struct
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dae.data import ImageSet
from dae.models import Checkpoint, build_model
from dae.runs import Run, run_training
from dae.training import TrainConfig, TrainReport, TrainState, fit
from dae.training.step import TrainStep

ROOT = Path(__file__).parent.parent
# No test waits that long unless it fails, so the limit also holds on a busy machine.
PATIENCE_S = 300.0


def blobs(number: int, shape: tuple[int, int, int] = (1, 28, 28), seed: int = 0) -> np.ndarray:
    """Return uint8 images (N, C, H, W) of a soft bright blob on black, which a model can learn in a few steps."""
    channels, height, width = shape
    row, column, width_scale = np.random.default_rng(seed).uniform(0.2, 0.8, (3, number, channels, 1, 1))
    down = np.arange(height)[:, None] / height - row
    across = np.arange(width)[None, :] / width - column
    images: np.ndarray = 255 * np.exp(-(down**2 + across**2) * 40 * width_scale)
    return images.astype(np.uint8)


def tiny_dataset(
    number: int = 24, shape: tuple[int, int, int] = (1, 28, 28), seed: int = 0, split: str = "train"
) -> ImageSet:
    """Return a small data set in memory with two classes."""
    labels = torch.arange(number) % 2
    return ImageSet("tiny", split, torch.from_numpy(blobs(number, shape, seed)), labels, ("even", "odd"))


def small_config(**changes: Any) -> TrainConfig:
    """Return a configuration of three epochs, which train in a fraction of a second."""
    defaults: dict[str, Any] = dict(model="linear-32", epochs=3, batch_size=8, precision="float32", device="cpu")
    return TrainConfig(**defaults | changes)


def new_run(root: Path, photos: str, name: str = "run", **changes: Any) -> Run:
    """Create a run of `small_config` that has not started."""
    return Run.create(small_config(dataset=photos, **changes), root=root, name=name)


def untrained_checkpoint(name: str, shape: tuple[int, int, int] = (1, 28, 28), seed: int = 0) -> Checkpoint:
    """Return a model with its initial weights, like one read from a file."""
    model = build_model(name, shape, torch.Generator().manual_seed(seed)).eval().requires_grad_(False)
    return Checkpoint(model, name, shape, {})


def epochs(run: Run) -> list[int]:
    """Return the epochs whose validation scores the run has recorded."""
    return [line["epoch"] for line in run.progress() if "scores" in line]


def train(config: TrainConfig, images: ImageSet | None = None) -> tuple[TrainState, list[TrainReport]]:
    """Train in memory; return the final state and all reports."""
    images = images or tiny_dataset()
    state = TrainState(config, images.shape)
    return state, list(fit(config, state, images, tiny_dataset(8, images.shape, seed=1, split="test")))


def weights(source: TrainState | torch.nn.Module) -> list[torch.Tensor]:
    """Return copies of all tensors in the model's state_dict."""
    model = source.model if isinstance(source, TrainState) else source
    return [value.detach().clone() for value in model.state_dict().values()]


def tensors_equal(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    """Return whether all tensors are equal bit for bit."""
    return len(first) == len(second) and all(map(torch.equal, first, second))


def wait_for(condition: Callable[[], object], process: "subprocess.Popen[Any] | None" = None) -> None:
    """Return as soon as `condition` holds; fail after PATIENCE_S seconds, or at once if `process` has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process is None or process.poll() is None, f"the process ended with exit status {process.returncode}"
        assert time.monotonic() < deadline, f"condition not met within {PATIENCE_S:g} s"
        threading.Event().wait(0.005)


def act_until(act: Callable[[], object], condition: Callable[[], object]) -> None:
    """Repeat `act` until `condition` holds. A page that is being drawn can lose a click."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        act()
        repeat = time.monotonic() + 4
        while time.monotonic() < repeat:
            if condition():
                return
            threading.Event().wait(0.005)
    raise AssertionError(f"condition not met within {PATIENCE_S:g} s")


def shipped_runs() -> list[str]:
    """Return the names of the runs in checkpoints/ that are part of the project; other folders are the user's."""
    return re.findall(r"^!/checkpoints/([\w.-]+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE)


def gray_noise(width: int, height: int, deviation: float) -> Image.Image:
    """Return a gray image of Gaussian noise around 128, the same at each call."""
    values = np.random.default_rng(0).normal(128, deviation, (height, width))
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def png_header(width: int, height: int) -> bytes:
    """Return a PNG file whose header declares a size and that has no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


class ControlledRecorder:
    """Replacement for `run_training` in a training queue: each report waits until the test calls `let`."""

    def __init__(self) -> None:
        self.reports: queue.Queue[tuple[str, int | str]] = queue.Queue()
        self._allowed = threading.Semaphore(0)

    def record(self, run: Run) -> Generator[TrainReport, None, None]:
        """Yield the reports of `run_training` at the end of each epoch, each after `let`."""
        inner = run_training(run)
        try:
            for report in inner:
                if not report.scores:
                    continue
                self.reports.put((run.name, report.epoch))
                assert self._allowed.acquire(timeout=PATIENCE_S)
                yield report
        finally:
            inner.close()
            self.reports.put((run.name, "end"))

    def let(self, times: int = 1) -> None:
        """Allow the next reports, over all runs."""
        self._allowed.release(times)

    def next(self) -> tuple[str, int | str]:
        """Wait for the next report; return its run and epoch, or "end"."""
        return self.reports.get(timeout=PATIENCE_S)


def stop_at_epoch(run: Run, epoch: int) -> None:
    """Train until the end of an epoch and stop there."""
    reports = run_training(run)
    for report in reports:
        if report.scores and report.epoch == epoch:
            reports.close()


class SlowStep(TrainStep):
    """A training step that leaves the processor to others for a moment."""

    def __call__(self, indices: Tensor, lr: float) -> Tensor:
        """Update the weights, then wait."""
        loss = super().__call__(indices, lr)
        time.sleep(0.05)
        return loss
