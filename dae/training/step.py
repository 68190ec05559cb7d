"""One optimizer step: corrupt a batch, compute loss and gradients, update the weights.

On the CPU, a batch is split into shards that are computed in parallel, each by single-threaded operators (see
`dae.utils.threads`), and their gradients are added in order: the number of shards depends on the model and the batch
size alone, so the weights are the same, bit for bit, on any number of cores.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from dae.data.image_set import NpyReader
from dae.models import Autoencoder
from dae.training.config import TrainConfig
from dae.training.distributed import DistributedContext
from dae.training.loss import LossModule, TrainingPairs
from dae.training.state import TrainState
from dae.utils.random import NoiseBank, make_generator
from dae.utils.threads import parallel_map

_NOISE_STREAM = 2
# More shards could use more cores, but each one costs Python time: four were slower than two
# on two cores for the recipes of the Train page.
_MAX_SHARDS = 2
_MIN_SHARD_SIZE = 8


class TrainStep:
    """Compute one step after another on batches of image indices.

    Args:
        images: uint8 (N, C, H, W) on the state's device, or a reader of images on disk.
        group: the processes that train together; several of them average their gradients by DistributedDataParallel.
        teacher: maps noisy to denoised images; None: no distillation.
    """

    def __init__(
        self,
        config: TrainConfig,
        state: TrainState,
        images: Tensor | NpyReader,
        group: DistributedContext,
        teacher: Callable[[Tensor], Tensor] | None,
    ) -> None:
        self.config, self.state, self.images, self.group = config, state, images, group
        self.autocast = torch.autocast(state.device.type, torch.bfloat16, enabled=state.bfloat16)
        self.pairs = TrainingPairs(config, teacher)
        self.loss_module = group.wrap_model(LossModule(state.model, config, self.autocast))
        self.parameters = [parameter for parameter in state.model.parameters() if parameter.requires_grad]
        in_threads = state.device.type == "cpu" and group.world_size == 1
        self.num_shards = num_shards(state.model, config.batch_size) if in_threads else 1
        self.generators: list[Generator] = []

    def start_epoch(self, noise_epoch: int) -> None:
        """Seed the noise of an epoch; the same number gives the same noise."""
        self.noise_epoch, self.batch = noise_epoch, 0
        streams = ((_NOISE_STREAM, noise_epoch, self.group.rank, shard) for shard in range(self.num_shards))
        self.generators = [make_generator(self.config.seed, *stream, device=self.state.device) for stream in streams]
        if self.state.device.type == "cpu":
            self.generators = [NoiseBank.from_generator(generator) for generator in self.generators]
        self.state.model.train()

    def __call__(self, indices: Tensor, lr: float) -> Tensor:
        """Update the weights with one batch of image indices (B,) and return its mean loss, a scalar."""
        indices, weight = self.group.shard(indices)
        if self.num_shards == 1:
            loss = self._backward(indices, weight)
        else:
            loss = self._backward_in_shards(indices)
        self.batch += 1
        for param_group in self.state.optimizer.param_groups:
            param_group["lr"] = lr
        self.state.optimizer.step()
        self.state.after_step()
        return loss

    def _backward(self, indices: Tensor, weight: float) -> Tensor:
        self.state.optimizer.zero_grad()
        loss = self._loss(indices, 0)
        loss.backward(torch.full_like(loss, weight))
        return loss.detach() * weight

    def _backward_in_shards(self, indices: Tensor) -> Tensor:
        shards = list(enumerate(indices.chunk(self.num_shards)))

        def gradients(item: tuple[int, Tensor]) -> tuple[Tensor, tuple[Tensor | None, ...]]:
            shard, shard_indices = item
            loss = self._loss(shard_indices, shard) * (len(shard_indices) / len(indices))
            return loss.detach(), torch.autograd.grad(loss, self.parameters, allow_unused=True)

        losses, shard_gradients = zip(*parallel_map(gradients, shards), strict=True)
        for parameter, *parts in zip(self.parameters, *shard_gradients, strict=True):
            parameter.grad = _sum(parts)
        return torch.stack(losses).sum()

    def _loss(self, indices: Tensor, shard: int) -> Tensor:
        images = self.images.index_select(0, indices).to(self.state.device)
        noisy, target = self.pairs(images, self.generators[shard], self.noise_epoch, self.batch, shard)
        loss: Tensor = self.loss_module(noisy, target)
        return loss


def num_shards(model: Autoencoder, batch_size: int) -> int:
    """Return the number of shards of a batch on the CPU; the same on every machine.

    Batch normalization needs the statistics of the whole batch, so models with it are not split.
    """
    if any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules()):
        return 1
    return max(1, min(_MAX_SHARDS, batch_size // _MIN_SHARD_SIZE))


def _sum(parts: list[Tensor | None]) -> Tensor | None:
    first, *others = parts
    if first is None:
        return None
    for other in others:
        if other is not None:
            first += other
    return first
