"""Fine-tuning: a classifier that starts from a trained encoder, compared with one that starts from random weights."""

import copy
import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from dae.data import ImageSet
from dae.evaluation import ProgressCallback
from dae.models import Autoencoder, Checkpoint, build_model, init_weights
from dae.representation.latent import encode
from dae.representation.linear_probe import ProbeTask
from dae.utils.random import make_generator

# Fewer labels are too few to train on; with more, both initializations end alike after minutes.
LABEL_COUNT_RANGE = (50, 1_000)
NUM_STEPS = 400
BATCH_SIZE = 50
LEARNING_RATES = (1e-3, 3e-3)
_EVAL_BATCH_SIZE = 500
_PROGRESS_EVERY = 100
_WEIGHT_STREAM, _HEAD_STREAM, _BATCH_STREAM = range(10, 13)


class Classifier(nn.Module):
    """An encoder and a linear layer on its code, which is scaled to unit size.

    Args:
        encoder: trained further with the layer.
        images: (N, C, H, W), whose codes define the scale.
        seed: of the layer's initial weights.
    """

    center: Tensor
    scale: Tensor

    def __init__(self, encoder: Autoencoder, images: Tensor, num_classes: int, seed: int) -> None:
        super().__init__()
        codes = encode(encoder, images)
        self.register_buffer("center", codes.mean(0))
        self.register_buffer("scale", codes.std(0, correction=0).square().mean().sqrt().clamp(min=1e-12))
        self.encoder = encoder
        self.head = nn.Linear(codes.shape[1], num_classes)
        init_weights(self.head, make_generator(seed, _HEAD_STREAM))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (N, num_classes) of images (N, C, H, W)."""
        logits: Tensor = self.head((self.encoder.encode(images).flatten(1) - self.center) / self.scale)
        return logits


def finetune_accuracies(
    checkpoint: Checkpoint,
    task: ProbeTask,
    count: int,
    seeds: Sequence[int],
    init: Literal["pretrained", "random"],
    on_progress: ProgressCallback = lambda done: None,
) -> list[float]:
    """Return the test accuracy after training on `count` labels for each seed.

    A seed samples the labels, the initial weights of the new layer (and of a random encoder) and the batches. Training
    takes NUM_STEPS steps of AdamW with cosine decay. The learning rate is the best of LEARNING_RATES for the first seed
    on held-out training images.

    Args:
        init: whether the encoder starts from the checkpoint or from random weights.
    """
    num_trainings = len(seeds) + len(LEARNING_RATES) - 1
    done = 0

    def train(seed: int, learning_rate: float) -> Classifier:
        nonlocal done
        if init == "pretrained":
            encoder = copy.deepcopy(checkpoint.model)
        else:
            encoder = build_model(checkpoint.name, task.train.shape, make_generator(seed, _WEIGHT_STREAM))
        encoder.requires_grad_(True)
        num_classes = int(task.train.labels.max()) + 1
        classifier = Classifier(encoder, task.train.to_float(task.validation_indices), num_classes, seed)
        indices = task.sample_labeled(count, seed)
        images, labels = task.train.to_float(indices), task.train.labels[indices]
        _train(classifier, images, labels, seed, learning_rate, lambda part: on_progress((done + part) / num_trainings))
        done += 1
        return classifier

    def accuracy(classifier: Classifier, images: ImageSet, indices: Tensor) -> float:
        return _accuracy(classifier, images, indices, lambda: on_progress(done / num_trainings))

    candidates = [train(seeds[0], rate) for rate in LEARNING_RATES]
    validation = [accuracy(candidate, task.train, task.validation_indices) for candidate in candidates]
    best = validation.index(max(validation))
    test_indices = torch.arange(len(task.test))
    accuracies = [accuracy(candidates[best], task.test, test_indices)]
    for seed in seeds[1:]:
        accuracies.append(accuracy(train(seed, LEARNING_RATES[best]), task.test, test_indices))
    return accuracies


def _train(
    classifier: Classifier,
    images: Tensor,
    labels: Tensor,
    seed: int,
    learning_rate: float,
    on_progress: ProgressCallback,
) -> None:
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=learning_rate)
    generator = make_generator(seed, _BATCH_STREAM)
    classifier.train()
    for step in range(NUM_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * (0.5 + 0.5 * math.cos(math.pi * step / NUM_STEPS))
        batch = torch.randint(len(images), (BATCH_SIZE,), generator=generator)
        loss = nn.functional.cross_entropy(classifier(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % _PROGRESS_EVERY == 0:
            on_progress((step + 1) / NUM_STEPS)


@torch.no_grad()
def _accuracy(classifier: Classifier, images: ImageSet, indices: Tensor, check_cancelled: Callable[[], None]) -> float:
    """Return the accuracy on the images at `indices`; `check_cancelled` is called after every batch."""
    classifier.eval()
    num_correct = 0
    for batch in indices.split(_EVAL_BATCH_SIZE):
        num_correct += int((classifier(images.to_float(batch)).argmax(1) == images.labels[batch]).sum())
        check_cancelled()
    return num_correct / len(indices)
