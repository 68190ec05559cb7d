"""The loss of a batch: clean or noisy targets, distillation from a teacher, and the model's auxiliary loss."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from dae.models import Autoencoder
from dae.noise import corrupt
from dae.training.augmentation import AUGMENTATIONS, random_crop, to_gray
from dae.training.config import LOSSES, TARGETS, TrainConfig


class LossModule(nn.Module):
    """Wrap model and loss in one module so that DistributedDataParallel sees a single forward pass.

    Args:
        config: selects the loss.
        autocast: the precision of the model's forward pass.
    """

    def __init__(self, model: Autoencoder, config: TrainConfig, autocast: torch.autocast) -> None:
        super().__init__()
        self.model, self.loss_fn, self.autocast = model, LOSSES[config.loss], autocast

    def forward(self, noisy: Tensor, target: Tensor) -> Tensor:
        """Return the scalar loss of noisy images and targets, both float32 (B, C, H, W)."""
        with self.autocast:
            denoised, penalty = self.model.forward_with_loss(noisy, target)
        return self.loss_fn(denoised.float(), target) + penalty


class TeacherCache:
    """Outputs of a teacher for the noisy images of each step.

    If batches repeat, the outputs are computed once and cached as uint8.

    Args:
        teacher: maps noisy to denoised images, float32 (B, C, H, W).
        enabled: whether batches repeat.
    """

    def __init__(self, teacher: Callable[[Tensor], Tensor], enabled: bool) -> None:
        self.teacher, self.enabled = teacher, enabled
        self.cache: dict[tuple[int, ...], Tensor] = {}  # uint8 (B, C, H, W)

    def __call__(self, noisy: Tensor, *key: int) -> Tensor:
        """Return the teacher's output for `noisy`; the same `key` (epoch, step, shard) means the same images."""
        if not self.enabled:
            return self.teacher(noisy)
        if key not in self.cache:
            self.cache[key] = self.teacher(noisy).clamp(0, 1).mul(255).round().byte()
        return self.cache[key].float().div(255)


class TrainingPairs:
    """Noisy images and their targets.

    Args:
        teacher: maps noisy to denoised images; None trains on the targets of the config alone.
    """

    def __init__(self, config: TrainConfig, teacher: Callable[[Tensor], Tensor] | None) -> None:
        self.config = config
        self.augment, self.target_of = AUGMENTATIONS[config.augment], TARGETS[config.target]
        self.teacher = TeacherCache(teacher, config.num_noise_epochs is not None) if teacher else None

    def __call__(self, images: Tensor, generator: Generator, *key: int) -> tuple[Tensor, Tensor]:
        """Return noisy images and targets, float32 (B, C, H, W), for uint8 `images`; see `TeacherCache` for `key`."""
        if self.config.crop is not None:
            images = random_crop(images, self.config.crop, generator)
        clean = self.augment(images.float().div_(255), generator)
        if self.config.gray_share and clean.shape[1] == 3:
            is_gray = torch.rand(len(clean), generator=generator, device=clean.device) < self.config.gray_share
            noisy, target = torch.empty_like(clean), torch.empty_like(clean)
            # The noise of a gray photograph: one channel, of which all three are copies.
            for selected, images in ((~is_gray, clean), (is_gray, to_gray(clean)[:, :1])):
                noisy[selected], target[selected] = self._corrupt(images[selected], generator)
        else:
            noisy, target = self._corrupt(clean, generator)
        if self.teacher:
            target = target.lerp(self.teacher(noisy, *key), self.config.distillation_weight)
        return noisy, target

    def _corrupt(self, clean: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        return corrupt(clean, self.config.noise, generator), self.target_of(clean, self.config.noise, generator)
