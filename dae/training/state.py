"""Training state (model, EMA, optimizer, counters) and its serialization."""

import copy

import torch
from torch import Tensor

from dae.models import Autoencoder, Shape, build_model
from dae.training.config import OPTIMIZERS, TrainConfig
from dae.training.precision import uses_bfloat16
from dae.utils.device import as_device, translate_oom_errors
from dae.utils.random import make_generator

# The stream of random numbers that initializes the weights.
_INIT_STREAM = 0


class TrainState:
    """Everything that changes during training: weights, optimizer moments and progress.

    Attributes:
        model_name: key of the model in MODELS.
        shape: (C, H, W) of one image.
        model: the model being trained.
        ema_model: the EMA copy of the model, used for evaluation and checkpoints; the model itself without an EMA.
        bfloat16: whether the forward pass runs in bfloat16. A restored state keeps its initial precision.
        initialized: False until the weights of `TrainConfig.pretrained` are loaded.
        epoch: complete epochs.
        step: optimizer steps.
        seconds: training time, without pauses.

    Args:
        shape: (C, H, W) of one image.
        pretrained: the same architecture, whose weights are copied; None for random weights.
            `dae.runs.load_pretrained` finds it. Not needed to restore a state.

    Raises:
        SpecError: the device does not exist, or the model cannot process images of this shape,
            or crops are larger than them.
        OutOfMemoryError: the device has too little memory for the model.
    """

    def __init__(self, config: TrainConfig, shape: Shape, pretrained: Autoencoder | None = None) -> None:
        self.model_name, self.shape, self.device = config.model, tuple(shape), as_device(config.device)
        with translate_oom_errors(self.device, config.batch_size):
            self.bfloat16 = uses_bfloat16(config.precision, config.model, config.input_shape(shape), self.device)
            self.model = build_model(config.model, shape, make_generator(config.seed, _INIT_STREAM)).to(self.device)
        self.initialized = not config.pretrained or pretrained is not None
        if pretrained:
            self.model.load_state_dict(pretrained.state_dict())
        if self.bfloat16 or self.device.type == "cpu":
            # The memory format in which convolutions are faster.
            self.model.to(memory_format=torch.channels_last)
        self.ema_decay = config.ema_decay
        self.ema_model = copy.deepcopy(self.model).requires_grad_(False) if config.ema_decay else self.model
        self.optimizer = OPTIMIZERS[config.optimizer](
            self.model.parameters(),
            lr=config.lr,
            betas=(0.9, config.beta2),
            weight_decay=config.weight_decay,
            fused=self.device.type != "mps",
        )
        self.epoch = 0
        self.step = 0
        self.seconds = 0.0

    @torch.no_grad()
    def after_step(self) -> None:
        """Count an optimizer step and update the EMA (Polyak and Juditsky 1992).

        The decay is lower in the first steps, so that the initial weights are forgotten.
        """
        self.step += 1
        if self.ema_model is self.model:
            return
        weight = 1 - min(self.ema_decay, self.step / (self.step + 9))
        pairs = zip(self.ema_model.state_dict().values(), self.model.state_dict().values(), strict=True)
        for average, value in pairs:
            average.lerp_(value, weight) if average.is_floating_point() else average.copy_(value)

    def state_dict(self) -> dict[str, Tensor]:
        """Return all that `load_state_dict` needs to continue from the end of an epoch, on the CPU."""
        weights = {
            f"{prefix}{name}": value
            for prefix, model in self._models().items()
            for name, value in model.state_dict().items()
        }
        moments = {
            f"optimizer.{number}.{name}": value
            for number, entry in self.optimizer.state_dict()["state"].items()
            for name, value in entry.items()
        }
        counters = {
            "epoch": torch.tensor(self.epoch),
            "step": torch.tensor(self.step),
            "seconds": torch.tensor(self.seconds, dtype=torch.float64),
            "bfloat16": torch.tensor(self.bfloat16),
        }
        return {name: value.detach().cpu().contiguous() for name, value in (weights | moments | counters).items()}

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        """Restore a state that `state_dict` returned.

        Raises:
            KeyError, RuntimeError: the tensors do not fit the config.
        """
        for prefix, model in self._models().items():
            model.load_state_dict(
                {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            )
        parameters = list(self.model.parameters())
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, number, field = name.split(".")
                parameter = parameters[int(number)]
                # A moment has its parameter's memory format; a step counter has none.
                moment = torch.empty_like(parameter).copy_(value) if value.ndim else value.to(self.device)
                self.optimizer.state[parameter][field] = moment
        self.epoch, self.step = int(tensors["epoch"]), int(tensors["step"])
        self.seconds = float(tensors["seconds"])
        # Missing in run directories of earlier versions.
        self.bfloat16 = bool(tensors.get("bfloat16", self.bfloat16))
        self.initialized = True

    def _models(self) -> dict[str, Autoencoder]:
        """Return the models to save, by the prefix of their tensors' names."""
        return {"model.": self.model} | ({} if self.ema_model is self.model else {"averaged.": self.ema_model})
