"""Latent codes: encoding, decoding, maps of many codes, and their drift under noise.

Codes are float32 (N, D): a feature map is flattened to one row per image. Distances are Euclidean.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dae.data import ImageSet
from dae.errors import DataError
from dae.evaluation import iter_noisy_batches
from dae.models import Autoencoder, Shape
from dae.models.inference import input_dtype
from dae.noise import NoiseSpec
from dae.utils.device import max_batch_size

# Levels of a code map, evenly from the lowest to the highest of the noise kind.
NUM_NOISE_LEVELS = 11
MAX_CODE_SIZE = 4_096
_MAX_BATCH_SIZE = 500
_MIN_MAP_IMAGES = 3


def code_shape(model: Autoencoder, shape: Shape) -> tuple[int, ...]:
    """Return the shape of one image's code: (64,), or (32, 7, 7) for a feature map."""
    with torch.no_grad():
        return tuple(model.encode(torch.zeros(1, *shape)).shape[1:])


def validate_code_size(model: Autoencoder, name: str, shape: Shape) -> int:
    """Return the number of dimensions of a code.

    Raises:
        DataError: it exceeds MAX_CODE_SIZE.
    """
    size = math.prod(code_shape(model, shape))
    if size > MAX_CODE_SIZE:
        raise DataError(
            f"The code of {name} is too large: {size:,} numbers for an image of {math.prod(shape):,}. "
            f"Choose a model with a code of at most {MAX_CODE_SIZE:,}."
        )
    return size


def describe_code_size(model: Autoencoder, shape: Shape) -> str:
    """Return "64-number code" with, in brackets, the shape of a feature map or how a U-Net's code is made."""
    sides = code_shape(model, shape)
    details = [" × ".join(map(str, sides))] if sum(side > 1 for side in sides) > 1 else []
    if not has_decoder(model):
        details.append("deepest layer, averaged")
    return f"{math.prod(sides):,}-number code" + (f" ({', '.join(details)})" if details else "")


def has_decoder(model: Autoencoder) -> bool:
    """Return whether the code alone can be decoded; False for models with skip connections."""
    return hasattr(model, "decoder")


@torch.no_grad()
def encode(model: Autoencoder, images: Tensor) -> Tensor:
    """Return the codes (N, D), float32, of images (N, C, H, W); raise SpecError if these are not floats."""
    dtype = input_dtype(model, images)
    model.eval()
    batches = images.to(dtype).split(max_batch_size(images.shape[1:], _MAX_BATCH_SIZE))
    return torch.cat([model.encode(batch).flatten(1).float() for batch in batches])


@torch.no_grad()
def decode(model: Autoencoder, codes: Tensor, shape: Shape) -> Tensor:
    """Return the images (N, C, H, W) in [0, 1] that a model decodes from codes (N, D).

    Raises:
        DataError: the decoder also needs the input image.
    """
    if not has_decoder(model):
        raise DataError(
            "This model cannot decode a code alone: its skip connections also need the input image. Use a model "
            "without them."
        )
    model.eval()
    images: Tensor = model.decoder(codes.view(-1, *code_shape(model, shape)))
    return images.clamp(0, 1)


def lerp(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Interpolate linearly between two codes (D,), ends included: (steps, D)."""
    return torch.lerp(start, end, torch.linspace(0, 1, steps)[:, None])


class PCAProjection:
    """Principal component analysis of codes (N, D) by scikit-learn; each component's largest weight is positive.

    Components that the codes do not have, because N or D is smaller, are zero.

    Attributes:
        explained_variance: fraction of the total variance along each of the K components, (K,).
    """

    def __init__(self, codes: Tensor, num_components: int) -> None:
        from sklearn.decomposition import PCA

        rows, columns = codes.shape
        solver = "covariance_eigh" if columns <= rows else "full"
        # Identical codes have no variance to divide by.
        with np.errstate(invalid="ignore"):
            self._pca = PCA(min(num_components, rows, columns), svd_solver=solver).fit(codes.double().numpy())
        self._padding = (0, num_components - self._pca.n_components_)
        ratios = torch.from_numpy(self._pca.explained_variance_ratio_).nan_to_num()
        self.explained_variance = F.pad(ratios, self._padding).float()

    def __call__(self, codes: Tensor) -> Tensor:
        """Return the positions (N, K) of codes (N, D)."""
        return F.pad(torch.from_numpy(self._pca.transform(codes.double().numpy())), self._padding).float()


def mean_pairwise_distance(codes: Tensor) -> float:
    """Return the mean distance between the codes of two images; NaN for a single code."""
    return float(torch.pdist(codes).mean()) if len(codes) > 1 else math.nan


def relative_drift(clean: Tensor, noisy: Tensor, distance: float) -> float:
    """Return the mean distance by which noise moves codes (N, D), as a fraction of `distance`; NaN if that is 0.

    Args:
        distance: from `mean_pairwise_distance`.
    """
    return float((noisy - clean).norm(dim=1).mean()) / distance if distance > 0 else math.nan


@dataclass(frozen=True, eq=False)
class CodeMap:
    """Codes of N images projected to K = 2 or 3 dimensions, at every noise level.

    Attributes:
        positions: (NUM_NOISE_LEVELS, N, K); the first are those of the clean images if the lowest level is 0.
        drift: `relative_drift` at each level.
        num_dimensions: D of the codes.
        explained_variance: fraction of the codes' variance that the map shows; NaN for t-SNE.
    """

    positions: Tensor
    drift: tuple[float, ...]
    num_dimensions: int
    explained_variance: float


def build_code_map(
    model: Autoencoder,
    images: ImageSet,
    noise: NoiseSpec,
    seed: int,
    dimensions: int,
    use_tsne: bool = False,
    on_progress: Callable[[float], object] = lambda done: None,
) -> CodeMap:
    """Project the codes of all images of a set.

    Args:
        noise: its kind and clipping count, not its level. An image gets the same noise sample at every level.
        seed: of the noise and of t-SNE.
        dimensions: 2 or 3.
        use_tsne: instead of PCA. t-SNE cannot project new codes, so `knn_embed` places the noisy ones.
        on_progress: receives the completed fraction after every few hundred images. An exception that it raises cancels
            the computation.

    Raises:
        DataError: there are too few images, or the code is too large.
    """
    if len(images) < _MIN_MAP_IMAGES:
        raise DataError(f"A map needs at least {_MIN_MAP_IMAGES} images; {images.name} has {len(images)}.")
    num_dimensions = validate_code_size(model, "this model", images.shape)
    codes = encode(model, images.to_float())
    distance = mean_pairwise_distance(codes)
    embed: Callable[[Tensor], Tensor]
    if use_tsne:
        clean, explained_variance = tsne(codes, dimensions, seed), math.nan
        embed = partial(knn_embed, reference=codes, positions=clean)
    else:
        embed = projection = PCAProjection(codes, dimensions)
        clean, explained_variance = projection(codes), float(projection.explained_variance.sum())
    positions, drift = [], []
    for step, level in enumerate(noise.levels(NUM_NOISE_LEVELS)):
        batches = []
        for _, noisy_images in iter_noisy_batches(images, noise.with_level(level), seed):
            batches.append(encode(model, noisy_images))
            on_progress(step / NUM_NOISE_LEVELS)
        noisy = torch.cat(batches)
        drift.append(relative_drift(codes, noisy, distance))
        positions.append(embed(noisy) if level else clean)
    return CodeMap(torch.stack(positions), tuple(drift), num_dimensions, explained_variance)


def tsne(codes: Tensor, dimensions: int, seed: int) -> Tensor:
    """Embed codes (N, D) by t-SNE (van der Maaten and Hinton 2008): positions (N, K) that preserve neighborhoods."""
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(codes) - 1) / 3)
    embedding = TSNE(dimensions, perplexity=perplexity, init="random", random_state=seed)
    return torch.from_numpy(embedding.fit_transform(codes.numpy())).float()


def knn_embed(codes: Tensor, reference: Tensor, positions: Tensor, k: int = 5) -> Tensor:
    """Place codes (M, D) on a map of reference codes by inverse-distance weighting of the k nearest ones.

    Args:
        reference: codes (N, D).
        positions: (N, K) of the reference codes on the map.

    Returns:
        Positions (M, K).
    """
    distances, nearest = torch.cdist(codes, reference).topk(min(k, len(reference)), largest=False)
    weights = 1 / distances.clamp(min=1e-6)
    return (weights[..., None] * positions[nearest]).sum(1) / weights.sum(1, keepdim=True)


def describe_drift(labels: Sequence[str], drifts: Sequence[float], level: float) -> str:
    """Return a sentence on the drift of the codes of models, in ascending order; empty without noise."""
    ranked = sorted((drift, label) for label, drift in zip(labels, drifts, strict=True) if not math.isnan(drift))
    if not ranked or not level:
        return ""
    (drift, label), *others = ranked
    sentence = (
        f"At noise level {level:.2f}, the code of {label} moves by {drift:.0%} of the typical distance between images"
    )
    return ", ".join([sentence, *(f"that of {label} by {drift:.0%}" for drift, label in others)]) + "."
