"""One contender of `dae.bench.quality` in a process of its own: python -m dae.bench.loops LOOP CONFIG

CONFIG is a TrainConfig in JSON. Printed, in JSON too, is when each epoch ended and how good the model then was.
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

from dae.bench import told
from dae.config import TrainConfig
from dae.data import data_root, load_dataset
from dae.devices import as_device
from dae.evaluation import noisy_blocks
from dae.metrics import METRICS
from dae.models import Autoencoder, build_model
from dae.packed import ImageSet
from dae.seeds import generator
from dae.state import TrainState
from dae.training import denoise, fit

WEIGHTS, SHUFFLE, NOISE = range(3)  # streams of random numbers under one seed; the weights are those of TrainState


@dataclass
class Curve:
    """How a training went; the clock stands while a model is measured."""

    setup_s: float = 0.0  # data loaded, model and optimiser made, until the first step
    seconds: list[float] = field(default_factory=list)  # from the beginning to the end of each epoch, with set-up
    mse: list[float] = field(default_factory=list)  # on the test images, after each epoch

    def reached(self, target: float) -> float:
        """Seconds until the end of the first epoch whose test MSE is at or below the target; infinite for never."""
        ends = zip(self.seconds, self.mse, strict=True)
        return next((seconds for seconds, mse in ends if mse <= target), math.inf)


class Watch:
    """A stopwatch that a loop tells where it is, and that measures its model while it stands.

    Args:
        config: whose noise the test images get, with seed 0 whatever the training's seed is.
    """

    def __init__(self, config: TrainConfig, test: ImageSet) -> None:
        self.shape = test.shape
        self._device = as_device(config.device)
        self._blocks = list(noisy_blocks(test, config.noise, seed=0))
        self._spent = 0.0
        self.curve = Curve()

    def begin(self) -> None:
        """Everything is imported."""
        self._mark = time.perf_counter()

    def ready(self) -> None:
        """The next thing is the first step."""
        self._stop()
        self.curve.setup_s = self._spent
        self.begin()

    def epoch(self, model: Autoencoder) -> None:
        """An epoch is over."""
        self._stop()
        self.curve.seconds.append(self._spent)
        self.curve.mse.append(self._measured(model))
        model.train()
        self.begin()

    def _stop(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self._spent += time.perf_counter() - self._mark

    def _measured(self, model: Autoencoder) -> float:
        """The mean over the test images of each one's MSE, as `dae evaluate` gives it."""
        mse = METRICS["mse"]
        each = [mse(denoise(model, noisy.to(self._device)).cpu(), clean) for clean, noisy in self._blocks]
        return float(torch.cat(each).mean())


def notebook(config: TrainConfig, watch: Watch) -> None:
    """As notebooks train: torchvision's pictures one by one through ToTensor, a DataLoader, a number each step."""
    watch.begin()
    device = as_device(config.device)
    train: Dataset[tuple[Tensor, int]]
    if config.dataset == "mnist":
        train = datasets.MNIST(data_root(), train=True, transform=transforms.ToTensor())
        if config.images:
            train = Subset(train, range(config.images))
    else:
        train = Pictures(load_dataset(config.dataset, limit=config.images), transforms.ToTensor())
    loader = DataLoader(train, config.batch_size, shuffle=True, generator=generator(config.seed, SHUFFLE))
    model = _initial(config, watch).to(device)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    noise = generator(config.seed, NOISE, device=device)
    watch.ready()
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
        watch.epoch(model)


class Pictures(Dataset[tuple[Tensor, int]]):
    """Drawn digits as torchvision has its data sets: a PIL image at a time, then a transform."""

    def __init__(self, images: ImageSet, transform: Callable[[Image.Image], Tensor]) -> None:
        self._images, self._labels = images.images[:, 0], images.labels
        self._transform = transform

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        return self._transform(Image.fromarray(self._images[place].numpy())), int(self._labels[place])


def trainer(config: TrainConfig, watch: Watch) -> None:
    """Lightning as a careful user sets it up: float tensors in memory, and nothing kept, logged or shown."""
    import lightning

    class Module(lightning.LightningModule):  # type: ignore[misc]  # lightning may be missing
        def __init__(self) -> None:
            super().__init__()
            self.model = _initial(config, watch)

        def on_train_start(self) -> None:
            self.noise = generator(config.seed, NOISE, device=self.device)
            watch.ready()

        def training_step(self, batch: list[Tensor], place: int) -> Tensor:
            (clean,) = batch
            drawn = torch.randn(clean.shape, generator=self.noise, device=self.device)
            return F.mse_loss(self.model((clean + config.noise.high * drawn).clamp_(0, 1)), clean)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.model.parameters(), lr=config.lr, weight_decay=config.weight_decay)

        def on_train_epoch_end(self) -> None:
            watch.epoch(self.model)

    watch.begin()
    images = TensorDataset(load_dataset(config.dataset, limit=config.images).clean())
    loader = DataLoader(images, config.batch_size, shuffle=True, generator=generator(config.seed, SHUFFLE))
    lightning.Trainer(
        max_epochs=config.epochs,
        accelerator=as_device(config.device).type,
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    ).fit(Module(), loader)


def ours(config: TrainConfig, watch: Watch) -> None:
    """`fit` as it is, with the validation after each epoch that the others do without."""
    watch.begin()
    train, test = (load_dataset(config.dataset, split, limit=config.images) for split in ("train", "test"))
    state = TrainState(config, train.shape)
    for report in fit(config, state, train, test):
        if report.scores and report.epoch:
            watch.epoch(state.averaged)
        elif report.scores:
            watch.ready()


LOOPS: dict[str, Callable[[TrainConfig, Watch], None]] = {"notebook": notebook, "lightning": trainer, "ours": ours}


def run(loop: str, config: TrainConfig) -> Curve:
    """Train and measure; a configuration of the first so many images is measured on as many test images."""
    watch = Watch(config, load_dataset(config.dataset, "test", limit=config.images))
    LOOPS[loop](config, watch)
    return watch.curve


def _initial(config: TrainConfig, watch: Watch) -> Autoencoder:
    """The weights that `fit` would begin with."""
    return build_model(config.model, watch.shape, generator(config.seed, WEIGHTS))


def main() -> None:
    """Print the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("loop", choices=list(LOOPS))
    parser.add_argument("config", type=json.loads)
    asked = parser.parse_args()
    print(json.dumps(asdict(run(asked.loop, TrainConfig.from_json(asked.config)))))


if __name__ == "__main__":
    told(main)
