"""Fine-tuning: a classifier that starts from a trained encoder, against the same one that starts from scratch."""

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dae.checkpoints import Checkpoint
from dae.codes import encode
from dae.models import Autoencoder, build_model, initialise
from dae.probe import OnShare, Task
from dae.seeds import generator

LABELS = (50, 1_000)  # from so many to so many: fewer are too few to train on, more take minutes and end alike
STEPS = 400
BATCH = 50
_LR = 1e-3
_WEIGHTS, _HEAD, _BATCHES = range(10, 13)  # streams of random numbers under one seed


class Classifier(nn.Module):
    """An encoder, and one linear layer from its code, brought to the size of 1, to the classes.

    Args:
        encoder: trained or not; it is trained on.
        some: images (N, C, H, W) whose codes tell the size.
        seed: of the layer's initial weights.
    """

    def __init__(self, encoder: Autoencoder, some: Tensor, classes: int, seed: int) -> None:
        super().__init__()
        codes = encode(encoder, some)
        self.centre, self.spread = codes.mean(0), codes.std(0, correction=0).square().mean().sqrt().clamp(min=1e-12)
        self.encoder = encoder
        self.head = nn.Linear(codes.shape[1], classes)
        initialise(self.head, generator(seed, _HEAD))

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.head((self.encoder.encode(images).flatten(1) - self.centre) / self.spread)
        return scores


def accuracies(
    checkpoint: Checkpoint,
    task: Task,
    count: int,
    seeds: Sequence[int],
    scratch: bool,
    on_share: OnShare = lambda done: None,
) -> list[float]:
    """The share of test pictures that is recognised after training on `count` labels, for each seed.

    A seed chooses the labels, the initial weights of the new layer (and of the encoder, from scratch) and the order
    of the batches. Both ways take the same STEPS steps of AdamW at a rate that falls from 0.001 to nothing.

    Args:
        scratch: start from initial weights instead of the checkpoint's.
    """
    shape = task.train.shape
    some = task.train.clean(task.held)
    classes = int(task.train.labels.max()) + 1
    found = []
    for turn, seed in enumerate(seeds):
        encoder = (
            build_model(checkpoint.name, shape, generator(seed, _WEIGHTS))
            if scratch
            else copy.deepcopy(checkpoint.model)
        )
        encoder.requires_grad_(True)
        classifier = Classifier(encoder, some, classes, seed)
        places = task.labelled(count, seed)
        images, labels = task.train.clean(places), task.train.labels[places]

        def share(done: float, turn: int = turn) -> None:
            on_share((turn + done) / len(seeds))

        _train(classifier, images, labels, seed, share)
        found.append(_right(classifier, task))
    return found


def _train(classifier: Classifier, images: Tensor, labels: Tensor, seed: int, on_share: OnShare) -> None:
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=_LR)
    batches = generator(seed, _BATCHES)
    classifier.train()
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = _LR * (0.5 + 0.5 * math.cos(math.pi * step / STEPS))
        batch = torch.randint(len(images), (BATCH,), generator=batches)
        loss = nn.functional.cross_entropy(classifier(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            on_share((step + 1) / STEPS)


@torch.no_grad()
def _right(classifier: Classifier, task: Task) -> float:
    """The share of test pictures that is recognised."""
    classifier.eval()
    right = 0
    for block in torch.arange(len(task.test)).split(500):
        right += int((classifier(task.test.clean(block)).argmax(1) == task.test.labels[block]).sum())
    return right / len(task.test)
