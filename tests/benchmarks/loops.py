"""One contender of the quality benchmark, in a process of its own: python -m tests.benchmarks.loops LOOP CONFIG

CONFIG is a `TrainConfig` in JSON. Prints a `Curve` in JSON: when each epoch ended, and the test MSE at that time. The
clock pauses during evaluation.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset
from torchvision import datasets, transforms

from dae.data import ImageSet, data_root, load_dataset
from dae.evaluation import METRICS
from dae.evaluation.benchmark import iter_noisy_batches
from dae.models import Autoencoder, build_model, denoise
from dae.training import TrainConfig, TrainState, fit
from dae.utils.device import as_device
from dae.utils.random import make_generator
from tests.benchmarks.common import run_benchmark

# Streams of random numbers under one seed. The weights are those of `TrainState`.
WEIGHTS_STREAM, SHUFFLE_STREAM, NOISE_STREAM = range(3)


@dataclass
class Curve:
    """Test MSE over training time, without the time of evaluation."""

    setup_s: float = 0.0  # until the first step: load data, build model and optimizer
    seconds: list[float] = field(default_factory=list)  # from the start to the end of each epoch
    mse: list[float] = field(default_factory=list)  # on the test images, after each epoch

    def time_to(self, target: float) -> float:
        """Return the seconds until the end of the first epoch with a test MSE of at most `target`, else infinity."""
        epochs = zip(self.seconds, self.mse, strict=True)
        return next((seconds for seconds, mse in epochs if mse <= target), math.inf)


class Stopwatch:
    """Clock that a training loop drives, and that pauses while the model is evaluated.

    Args:
        config: configuration whose noise the test images get, with seed 0 whatever the seed of the training is.
        test: images to evaluate on.
    """

    def __init__(self, config: TrainConfig, test: ImageSet) -> None:
        self.shape = test.shape
        self._device = as_device(config.device)
        self._batches = list(iter_noisy_batches(test, config.noise, seed=0))
        self._elapsed = 0.0
        self.curve = Curve()

    def start(self) -> None:
        """Start the clock; call it when everything is imported."""
        self._mark = time.perf_counter()

    def end_setup(self) -> None:
        """Record the set-up time; call it before the first step."""
        self._pause()
        self.curve.setup_s = self._elapsed
        self.start()

    def end_epoch(self, model: Autoencoder) -> None:
        """Record the time and the test MSE of the model."""
        self._pause()
        self.curve.seconds.append(self._elapsed)
        self.curve.mse.append(self._evaluate(model))
        model.train()
        self.start()

    def _pause(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self._elapsed += time.perf_counter() - self._mark

    def _evaluate(self, model: Autoencoder) -> float:
        """Return the mean of the per-image MSE, as `dae evaluate` computes it."""
        mse = METRICS["mse"]
        values = [mse(denoise(model, noisy.to(self._device)).cpu(), clean) for clean, noisy in self._batches]
        return float(torch.cat(values).mean())


def train_notebook(config: TrainConfig, watch: Stopwatch) -> None:
    """Train like many notebooks: torchvision images one by one through ToTensor, a DataLoader, `.item()` each step."""
    watch.start()
    device = as_device(config.device)
    train: Dataset[tuple[Tensor, int]]
    if config.dataset == "mnist":
        train = datasets.MNIST(data_root(), train=True, transform=transforms.ToTensor())
        if config.max_images:
            train = Subset(train, range(config.max_images))
    else:
        train = PILDataset(load_dataset(config.dataset, limit=config.max_images), transforms.ToTensor())
    loader = DataLoader(train, config.batch_size, shuffle=True, generator=make_generator(config.seed, SHUFFLE_STREAM))
    model = _initial_model(config, watch).to(device)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    noise = make_generator(config.seed, NOISE_STREAM, device=device)
    watch.end_setup()
    for _ in range(config.epochs):
        running_loss = 0.0
        for images, _ in loader:
            images = images.to(device)
            noisy = images + config.noise.high * torch.randn(images.shape, generator=noise, device=device)
            noisy = torch.clamp(noisy, 0.0, 1.0)
            outputs = model(noisy)
            loss = criterion(outputs, images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
        watch.end_epoch(model)


class PILDataset(Dataset[tuple[Tensor, int]]):
    """Drawn digits in the form of torchvision data sets: one PIL image at a time, then a transform."""

    def __init__(self, images: ImageSet, transform: Callable[[Image.Image], Tensor]) -> None:
        self._images, self._labels = images.images[:, 0], images.labels
        self._transform = transform

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self._transform(Image.fromarray(self._images[index].numpy())), int(self._labels[index])


def train_lightning(config: TrainConfig, watch: Stopwatch) -> None:
    """Train with a well configured Lightning Trainer: float tensors in memory; no checkpoints, logs or progress bar."""
    import lightning

    # mypy skips the optional package.
    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = _initial_model(config, watch)

        def on_train_start(self) -> None:
            self.noise = make_generator(config.seed, NOISE_STREAM, device=self.device)
            watch.end_setup()

        def training_step(self, batch: list[Tensor], index: int) -> Tensor:
            (clean,) = batch
            noise = torch.randn(clean.shape, generator=self.noise, device=self.device)
            return F.mse_loss(self.model((clean + config.noise.high * noise).clamp_(0, 1)), clean)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.model.parameters(), lr=config.lr, weight_decay=config.weight_decay)

        def on_train_epoch_end(self) -> None:
            watch.end_epoch(self.model)

    watch.start()
    images = TensorDataset(load_dataset(config.dataset, limit=config.max_images).to_float())
    loader = DataLoader(images, config.batch_size, shuffle=True, generator=make_generator(config.seed, SHUFFLE_STREAM))
    lightning.Trainer(
        max_epochs=config.epochs,
        accelerator=as_device(config.device).type,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(Module(), loader)


def train_ours(config: TrainConfig, watch: Stopwatch) -> None:
    """Train with `fit`, including its validation after each epoch, which the other loops do without."""
    watch.start()
    train = load_dataset(config.dataset, "train", limit=config.max_images)
    state = TrainState(config, train.shape)
    for report in fit(config, state, train, load_dataset(config.dataset, "validation")):
        if report.scores and report.epoch:
            watch.end_epoch(state.ema_model)
        elif report.scores:
            watch.end_setup()


LOOPS: dict[str, Callable[[TrainConfig, Stopwatch], None]] = {
    "notebook": train_notebook,
    "lightning": train_lightning,
    "ours": train_ours,
}


def run(loop: str, config: TrainConfig) -> Curve:
    """Train and evaluate; `config.max_images` limits the test images, too."""
    watch = Stopwatch(config, load_dataset(config.dataset, "test", limit=config.max_images))
    LOOPS[loop](config, watch)
    return watch.curve


def _initial_model(config: TrainConfig, watch: Stopwatch) -> Autoencoder:
    """Return the model with the initial weights of `fit`."""
    return build_model(config.model, watch.shape, make_generator(config.seed, WEIGHTS_STREAM))


def main() -> None:
    """Print the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("loop", choices=list(LOOPS))
    parser.add_argument("config", type=json.loads)
    options = parser.parse_args()
    print(json.dumps(asdict(run(options.loop, TrainConfig.from_json(options.config)))))


if __name__ == "__main__":
    run_benchmark(main)
