"""Fine-tuning: a classifier that starts from a trained encoder, against the same one that starts from scratch."""

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from dae.checkpoints import Checkpoint
from dae.codes import encode
from dae.evaluation import OnShare
from dae.models import Autoencoder, build_model, initialise
from dae.packed import ImageSet
from dae.probe import Task
from dae.seeds import generator

LABELS = (50, 1_000)  # from so many to so many: fewer are too few to train on, more take minutes and end alike
STEPS = 400
BATCH = 50
RATES = (1e-3, 3e-3)
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
    of the batches. Both ways take the same STEPS steps of AdamW, at a rate that falls to nothing; with which of RATES
    it begins is chosen with the first seed, by the pictures held out of training.

    Args:
        scratch: start from initial weights instead of the checkpoint's.
    """
    trainings = len(seeds) + len(RATES) - 1
    done = 0

    def trained(seed: int, rate: float) -> Classifier:
        nonlocal done
        encoder = (
            build_model(checkpoint.name, task.train.shape, generator(seed, _WEIGHTS))
            if scratch
            else copy.deepcopy(checkpoint.model)
        )
        encoder.requires_grad_(True)
        classes = int(task.train.labels.max()) + 1
        classifier = Classifier(encoder, task.train.clean(task.held), classes, seed)
        places = task.labelled(count, seed)
        images, labels = task.train.clean(places), task.train.labels[places]
        _train(classifier, images, labels, seed, rate, lambda share: on_share((done + share) / trainings))
        done += 1
        return classifier

    def right(classifier: Classifier, images: ImageSet, places: Tensor) -> float:
        return _right(classifier, images, places, lambda: on_share(done / trainings))

    tried = [trained(seeds[0], rate) for rate in RATES]
    held = [right(each, task.train, task.held) for each in tried]
    best = held.index(max(held))
    everything = torch.arange(len(task.test))
    first = right(tried[best], task.test, everything)
    return [first, *(right(trained(seed, RATES[best]), task.test, everything) for seed in seeds[1:])]


def _train(classifier: Classifier, images: Tensor, labels: Tensor, seed: int, rate: float, on_share: OnShare) -> None:
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=rate)
    batches = generator(seed, _BATCHES)
    classifier.train()
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = rate * (0.5 + 0.5 * math.cos(math.pi * step / STEPS))
        batch = torch.randint(len(images), (BATCH,), generator=batches)
        loss = nn.functional.cross_entropy(classifier(images[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            on_share((step + 1) / STEPS)


@torch.no_grad()
def _right(classifier: Classifier, images: ImageSet, places: Tensor, still: Callable[[], None]) -> float:
    """The share of these places that is recognised; `still` is called after every few hundred of them."""
    classifier.eval()
    right = 0
    for block in places.split(500):
        right += int((classifier(images.clean(block)).argmax(1) == images.labels[block]).sum())
        still()
    return right / len(places)
