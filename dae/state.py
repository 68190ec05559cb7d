"""TrainState: what changes while a model is trained, and how it is kept and taken up again."""

import copy

import torch
from torch import Tensor

from dae.config import OPTIMIZERS, TrainConfig
from dae.devices import as_device, told_memory, uses_bfloat16
from dae.models import Autoencoder, Shape, build_model
from dae.seeds import generator

_INITIAL = 0  # the stream of random numbers under a training's seed that its first weights come from


class TrainState:
    """What changes while a model is trained: its weights, the optimiser's moments, and how far it is.

    Attributes:
        model: the one that learns.
        averaged: the one to look at, to measure and to keep: a copy whose weights follow the model's slowly, as
            `TrainConfig.average` says, or the model itself.
        complete: whether its weights are those that the configuration asks for: not before those of
            `TrainConfig.pretrained` are there.

    Args:
        shape: of one image, (C, H, W).
        pretrained: the same model, whose weights it begins with; None: random ones. `dae.pretrained.find_pretrained`
            finds it; who restores a state needs none.

    Raises:
        SpecError: there is no such device, or the model cannot take images of this shape.
        OutOfMemory: the device has no room for the model.
    """

    def __init__(self, config: TrainConfig, shape: Shape, pretrained: Autoencoder | None = None) -> None:
        self.device = as_device(config.device)
        self.bfloat16 = uses_bfloat16(config.precision, config.model, self.device)
        with told_memory(self.device, config.batch_size):
            self.model = build_model(config.model, shape, generator(config.seed, _INITIAL)).to(self.device)
        self.complete = not config.pretrained or pretrained is not None
        if pretrained:
            self.model.load_state_dict(pretrained.state_dict())
        if self.bfloat16 or self.device.type == "cpu":
            self.model.to(memory_format=torch.channels_last)  # the order that convolutions are faster in
        self.average = config.average
        self.averaged = copy.deepcopy(self.model).requires_grad_(False) if config.average else self.model
        kind = OPTIMIZERS[config.optimizer]
        self.optimizer = kind(
            self.model.parameters(),
            lr=config.lr,
            betas=(0.9, config.beta2),
            weight_decay=config.weight_decay,
            fused=self.device.type != "mps",
        )
        self.epoch = 0  # whole epochs done
        self.step = 0
        self.seconds = 0.0

    @torch.no_grad()
    def stepped(self) -> None:
        """Count a step of the optimiser, and move the averaged weights.

        They are an exponential moving average (Polyak and Juditsky 1992; Adam's authors use it so), which follows
        faster in the first steps, so that it does not remember the initial weights.
        """
        self.step += 1
        if self.averaged is self.model:
            return
        share = 1 - min(self.average, self.step / (self.step + 9))
        pairs = zip(self.averaged.state_dict().values(), self.model.state_dict().values(), strict=True)
        for kept, present in pairs:
            kept.lerp_(present, share) if kept.is_floating_point() else kept.copy_(present)

    def tensors(self) -> dict[str, Tensor]:
        """All that `restore` needs to go on from the end of an epoch, on the CPU."""
        moments = {
            f"optimizer.{number}.{name}": value
            for number, entry in self.optimizer.state_dict()["state"].items()
            for name, value in entry.items()
        }
        counters = {"epoch": torch.tensor(self.epoch), "step": torch.tensor(self.step)}
        seconds = {"seconds": torch.tensor(self.seconds, dtype=torch.float64)}
        weights = {
            f"{prefix}{name}": value
            for prefix, model in self._models().items()
            for name, value in model.state_dict().items()
        }
        return {
            name: value.detach().cpu().contiguous() for name, value in (weights | moments | counters | seconds).items()
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go back to a state that `tensors` gave; raises KeyError or RuntimeError where it does not fit."""
        for prefix, model in self._models().items():
            model.load_state_dict(
                {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            )
        parameters = list(self.model.parameters())
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, number, field = name.split(".")
                parameter = parameters[int(number)]
                # a moment has its parameter's memory format; a step counter has no format
                moment = torch.empty_like(parameter).copy_(value) if value.ndim else value.to(self.device)
                self.optimizer.state[parameter][field] = moment
        self.epoch, self.step = int(tensors["epoch"]), int(tensors["step"])
        self.seconds = float(tensors["seconds"])
        self.complete = True

    def _models(self) -> dict[str, Autoencoder]:
        """The models whose weights are kept, by the prefix of their names."""
        return {"model.": self.model} | ({} if self.averaged is self.model else {"averaged.": self.averaged})
