"""Codes: the row of numbers that an encoder keeps of a picture, many of them looked at together.

A code is float32 (N, D), flattened: a map of features becomes one row. Distances are Euclidean.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dae.blocks import at_once
from dae.errors import DataError
from dae.evaluation import noisy_blocks
from dae.models import Autoencoder, Shape
from dae.noise import NoiseSpec
from dae.packed import ImageSet

STRENGTHS = 11  # of a kind of noise, from its lowest to its highest
MOST_NUMBERS = 4_096
_BLOCK = 500  # images encoded at once, at the most
_FEWEST = 3  # pictures of which a map can be drawn


def code_shape(model: Autoencoder, shape: Shape) -> tuple[int, ...]:
    """The shape of one picture's code: (64,), or (32, 7, 7) for a map."""
    with torch.no_grad():
        return tuple(model.encode(torch.zeros(1, *shape)).shape[1:])


def check_size(model: Autoencoder, name: str, shape: Shape) -> int:
    """How many numbers the code of one picture is.

    Raises:
        DataError: they are more than MOST_NUMBERS.
    """
    numbers = math.prod(code_shape(model, shape))
    if numbers > MOST_NUMBERS:
        raise DataError(
            f"{name} keeps {numbers:,} numbers of a picture of {math.prod(shape):,}; what is looked at here are codes "
            f"of at most {MOST_NUMBERS:,}. Choose a model that squeezes the picture."
        )
    return numbers


def size_in_words(model: Autoencoder, shape: Shape) -> str:
    """ "64 numbers", "32 x 7 x 7 = 1,568 numbers", or for a model without a decoder of its own how they come about."""
    sides = code_shape(model, shape)
    product = " x ".join(map(str, sides)) + " = " if sum(side > 1 for side in sides) > 1 else ""
    pooled = "" if decodes(model) else ", its deepest level averaged over the picture"
    return f"{product}{math.prod(sides):,} numbers{pooled}"


def decodes(model: Autoencoder) -> bool:
    """Whether a picture can be made of the code alone; not where the decoder also looks at the input."""
    return hasattr(model, "decoder")


@torch.no_grad()
def encode(model: Autoencoder, images: Tensor) -> Tensor:
    """The codes (N, D) of images, float32 (N, C, H, W)."""
    model.eval()
    batches = images.split(at_once(images.shape[1:], _BLOCK))
    return torch.cat([model.encode(batch).flatten(1).float() for batch in batches])


@torch.no_grad()
def decode(model: Autoencoder, codes: Tensor, shape: Shape) -> Tensor:
    """Pictures (N, C, H, W) in [0, 1] of codes (N, D).

    Raises:
        DataError: the model cannot make a picture of the code alone.
    """
    if not decodes(model):
        raise DataError("A U-Net cannot draw from its code alone: its decoder also looks at the picture itself.")
    model.eval()
    pictures: Tensor = model.decoder(codes.view(-1, *code_shape(model, shape)))
    return pictures.clamp(0, 1)


def between(first: Tensor, last: Tensor, steps: int) -> Tensor:
    """The straight line from one row to another, (D,) each, ends included: (steps, D)."""
    shares = torch.linspace(0, 1, steps)[:, None]
    return first + shares * (last - first)


@dataclass(frozen=True, eq=False)
class Projection:
    """Principal components: where codes lie along the few directions in which they differ most.

    Attributes:
        mean: (D,) of the codes that it was made of.
        axes: (D, K), of length 1 and at right angles; zero where the codes have fewer directions.
        share: (K,) of all their variance that each direction holds.
    """

    mean: Tensor
    axes: Tensor
    share: Tensor

    def __call__(self, codes: Tensor) -> Tensor:
        """Positions (N, K) of codes (N, D)."""
        return (codes - self.mean) @ self.axes


def principal(codes: Tensor, count: int) -> Projection:
    """The first `count` principal components of codes (N, D); each points to where its largest weight is positive."""
    mean = codes.mean(0)
    centred = (codes - mean).double()
    wide = centred.shape[1] > len(centred)
    values, vectors = torch.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)  # smallest first
    values = values.clamp(min=0).flip(0)[:count]
    axes = vectors.flip(1)[:, :count]
    if wide:
        axes = centred.T @ axes / values.sqrt().clamp(min=1e-12)
    known = values > 1e-10 * values.sum()
    axes = torch.where(known, axes, 0.0)
    axes = axes * axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
    missing = count - len(values)
    share = values / centred.square().sum().clamp(min=1e-300)
    pad = torch.nn.functional.pad
    return Projection(mean, pad(axes, (0, missing)).float(), pad(share, (0, missing)).float())


def usual_distance(codes: Tensor) -> float:
    """The mean distance between the codes of two different pictures; NaN where there is one picture."""
    return float(torch.pdist(codes).mean()) if len(codes) > 1 else math.nan


def drift(clean: Tensor, noisy: Tensor, usual: float) -> float:
    """How far noise moves a code, on average, as a share of the usual distance between two pictures; NaN if that is 0.

    Args:
        clean: codes (N, D) of clean pictures; noisy: of the same pictures with noise.
        usual: what `usual_distance` gives.
    """
    return float((noisy - clean).norm(dim=1).mean()) / usual if usual > 0 else math.nan


@dataclass(frozen=True, eq=False)
class CodeMap:
    """The codes of many pictures in a plane or in space, clean and under each strength of a noise.

    Attributes:
        places: (STRENGTHS, N, K); the first is the clean one where the lowest strength is 0.
        clean: (N, K).
        drift: STRENGTHS shares of the usual distance.
        numbers: D.
        share: of the codes' variance that a map by principal components shows; NaN for another map.
    """

    places: Tensor
    clean: Tensor
    drift: tuple[float, ...]
    numbers: int
    share: float


def code_map(
    model: Autoencoder,
    images: ImageSet,
    noise: NoiseSpec,
    seed: int,
    dimensions: int,
    neighbours: bool = False,
    on_share: Callable[[float], object] = lambda done: None,
) -> CodeMap:
    """Make the map of all images of a set.

    Args:
        noise: its kind and clipping count; a picture has the same draw of it at every strength, that of Compare.
        dimensions: 2 or 3.
        neighbours: t-SNE, which keeps neighbours together, instead of principal components. It has no rule for new
            codes, so a noisy code stands among the clean ones that are nearest to it.
        on_share: told the share that is done, a few hundred pictures at a time; what it raises ends the work.

    Raises:
        DataError: there are too few pictures, or the code is too large.
    """
    if len(images) < _FEWEST:
        raise DataError(f"A map needs at least {_FEWEST} pictures; {images.name} has {len(images)}.")
    numbers = check_size(model, "This model", images.shape)
    codes = encode(model, images.clean())
    usual = usual_distance(codes)
    projection = principal(codes, dimensions)
    clean = tsne(codes, dimensions, seed) if neighbours else projection(codes)
    places, drifts = [], []
    for step, level in enumerate(noise.levels(STRENGTHS)):
        blocks = []
        for _, spoilt in noisy_blocks(images, noise.at(level), seed):
            blocks.append(encode(model, spoilt))
            on_share(step / STRENGTHS)
        noisy = torch.cat(blocks)
        places.append(among(noisy, codes, clean) if neighbours and level else projection(noisy) if level else clean)
        drifts.append(drift(codes, noisy, usual))
    share = math.nan if neighbours else float(projection.share.sum())
    return CodeMap(torch.stack(places), clean, tuple(drifts), numbers, share)


def tsne(codes: Tensor, dimensions: int, seed: int) -> Tensor:
    """Positions (N, K) by t-SNE (van der Maaten and Hinton 2008), scikit-learn's: neighbours stay neighbours."""
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(codes) - 1) / 3)
    found = TSNE(dimensions, perplexity=perplexity, init="random", random_state=seed).fit_transform(codes.numpy())
    return torch.from_numpy(found).float()


def among(codes: Tensor, known: Tensor, places: Tensor, count: int = 5) -> Tensor:
    """Where codes (M, D) stand on a map of known ones: the mean place of the nearest `count`, the nearer the heavier.

    Args:
        known: codes (N, D), and places (N, K) theirs on the map.
    """
    distances, nearest = torch.cdist(codes, known).topk(min(count, len(known)), largest=False)
    weights = 1 / distances.clamp(min=1e-6)
    return (weights[..., None] * places[nearest]).sum(1) / weights.sum(1, keepdim=True)


def describe_drift(labels: Sequence[str], drifts: Sequence[float], level: float) -> str:
    """One sentence on whose codes move least at a level of the noise; empty where nothing can be said."""
    known = sorted((share, label) for label, share in zip(labels, drifts, strict=True) if not math.isnan(share))
    if not known or not level:
        return ""
    told = f"At strength {level:.2f} the code of {known[0][1]} moves by {known[0][0]:.2f}"
    told += " of the usual distance between two pictures"
    if len(known) == 1:
        return f"{told}."
    others = ", ".join(f"that of {label} by {share:.2f}" for share, label in known[1:])
    return f"{told}, {others}."
