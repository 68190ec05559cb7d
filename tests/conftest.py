"""What tests share: folders of their own, small images, small runs, and a thread that can be led step by step."""

import os
import queue
import struct
import threading
import time
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from dae.checkpoints import Checkpoint
from dae.config import TrainConfig
from dae.data import load_dataset
from dae.lab import Lab
from dae.models import build_model
from dae.packed import ImageSet
from dae.recording import record
from dae.runs import RunDirectory
from dae.state import TrainState
from dae.training import Report, fit

ROOT = Path(__file__).parent.parent
PATIENCE_S = 15.0
torch.set_num_threads(1)  # as many tests run at once as there are cores
_DATA = os.environ.get("DAE_DATA")  # before the fixture below hides it


@pytest.fixture(autouse=True, scope="session")
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("DAE_DATA", raising=False)
        patch.delenv("DAE_CHECKPOINTS", raising=False)
        patch.setenv("OMP_NUM_THREADS", "1")  # of processes that tests start
        yield


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for one test: the folder of its packed images."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dae" / "images"


@pytest.fixture(scope="session")
def mnist() -> ImageSet:
    """The first thousand real test digits."""
    if not _DATA or not (Path(_DATA) / "MNIST/raw/t10k-images-idx3-ubyte").is_file():
        pytest.skip("DAE_DATA has no MNIST")
    return load_dataset("mnist", "test", root=_DATA, limit=1_000)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a data set of 24 training and 8 test pictures, for what opens its data by name."""
    folder = tmp_path_factory.mktemp("photos")
    for split, number in (("train", 24), ("test", 8)):
        (folder / split).mkdir()
        for place, image in enumerate(blobs(number, seed=number)[:, 0]):
            Image.fromarray(image).save(folder / split / f"{place:02d}.png")
    return f"folder:{folder}@28"


@pytest.fixture
def clean() -> torch.Tensor:
    """Two odd, colourful, not square pictures."""
    return torch.rand(2, 3, 37, 31, generator=torch.Generator().manual_seed(7))


def blobs(number: int, shape: tuple[int, int, int] = (1, 28, 28), seed: int = 0) -> np.ndarray:
    """Pictures uint8 (N, C, H, W) of a soft bright blob on black, so that there is something to learn."""
    channels, height, width = shape
    rows, columns, weight = np.random.default_rng(seed).uniform(0.2, 0.8, (3, number, channels, 1, 1))
    down = np.arange(height)[:, None] / height - rows
    across = np.arange(width)[None, :] / width - columns
    return (255 * np.exp(-(down**2 + across**2) * 40 * weight)).astype(np.uint8)


def tiny(number: int = 24, shape: tuple[int, int, int] = (1, 28, 28), seed: int = 0, split: str = "train") -> ImageSet:
    """A small data set in memory."""
    labels = torch.arange(number) % 2
    return ImageSet("tiny", split, torch.from_numpy(blobs(number, shape, seed)), labels, ("even", "odd"))


def small(**changes: Any) -> TrainConfig:
    """A training of three epochs of three steps that takes a fraction of a second."""
    usual: dict[str, Any] = dict(model="linear-32", epochs=3, batch_size=8, precision="float32", device="cpu")
    return TrainConfig(**usual | changes)


def new_run(root: Path, photos: str, name: str = "run", **changes: Any) -> RunDirectory:
    return RunDirectory.create(small(dataset=photos, **changes), root=root, name=name)


def untrained(name: str, shape: tuple[int, int, int] = (1, 28, 28), seed: int = 0) -> Checkpoint:
    """A model with its initial weights, as it would be read from a file."""
    model = build_model(name, shape, torch.Generator().manual_seed(seed)).eval().requires_grad_(False)
    return Checkpoint(model, name, shape, {})


def epochs(run: RunDirectory) -> list[int]:
    """The epochs whose ends the run reported."""
    return [line["epoch"] for line in run.progress() if "scores" in line]


def train(config: TrainConfig, images: ImageSet | None = None) -> tuple[TrainState, list[Report]]:
    """A whole training in memory: the state it ends in and all that it reports."""
    images = images or tiny()
    state = TrainState(config, images.shape)
    return state, list(fit(config, state, images, tiny(8, images.shape, seed=1, split="test")))


def weights(source: TrainState | torch.nn.Module) -> list[torch.Tensor]:
    model = source.model if isinstance(source, TrainState) else source
    return [value.detach().clone() for value in model.state_dict().values()]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    """Whether all tensors agree bit for bit."""
    return len(first) == len(second) and all(map(torch.equal, first, second))


def wait_for(condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Return once `condition` holds; fail when it does not in time."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        threading.Event().wait(0.005)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


class Leash:
    """Stands in for `record` in the laboratory: a training waits at each report until the test lets it go on."""

    def __init__(self) -> None:
        self.reports: queue.Queue[tuple[str, int | str]] = queue.Queue()
        self._allowed = threading.Semaphore(0)

    def record(self, run: RunDirectory) -> Generator[Report, None, None]:
        inner = record(run)
        try:
            for report in inner:
                self.reports.put((run.name, report.epoch))
                assert self._allowed.acquire(timeout=PATIENCE_S)
                yield report
        finally:
            inner.close()
            self.reports.put((run.name, "end"))

    def let(self, times: int = 1) -> None:
        self._allowed.release(times)

    def next(self) -> tuple[str, int | str]:
        """The run and epoch of the next report, or "end"."""
        return self.reports.get(timeout=PATIENCE_S)


@pytest.fixture
def leash(monkeypatch: pytest.MonkeyPatch) -> Leash:
    leash = Leash()
    monkeypatch.setattr("dae.lab.record", leash.record)
    return leash


@pytest.fixture
def lab(leash: Leash) -> Iterator[Lab]:
    """A laboratory on a leash."""
    lab = Lab()
    yield lab
    leash.let(1_000)
    assert lab.close(PATIENCE_S)


def stop_after(run: RunDirectory, epoch: int) -> None:
    recorded = record(run)
    for report in recorded:
        if report.scores and report.epoch == epoch:
            recorded.close()
