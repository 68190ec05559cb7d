"""Latent codes: small cases whose projections, drifts and interpolations are known."""

import math

import pytest
import torch

from dae.errors import DataError
from dae.models import MODELS, Autoencoder, build_model
from dae.noise import NOISES, NoiseSpec
from dae.representation import latent
from dae.representation.latent import (
    PCAProjection,
    build_code_map,
    decode,
    encode,
    knn_embed,
    lerp,
    mean_pairwise_distance,
    relative_drift,
)
from tests.helpers import tiny_dataset

SHAPE = (1, 28, 28)
GAUSSIAN = NoiseSpec("gaussian", 0.5)


def build(name: str = "linear-32", seed: int = 0) -> Autoencoder:
    return build_model(name, SHAPE, torch.Generator().manual_seed(seed)).requires_grad_(False)


@pytest.mark.parametrize("name", MODELS)
def test_codes_are_finite_and_independent_of_the_batch(name: str) -> None:
    model, images = build(name), tiny_dataset(5).to_float()
    rows = encode(model, images)
    assert rows.dtype == torch.float32 and rows.isfinite().all()
    assert rows.shape == (5, math.prod(latent.code_shape(model, SHAPE)))
    assert latent.describe_code_size(model, SHAPE).startswith(f"{rows.shape[1]:,}-number code")
    torch.testing.assert_close(encode(model, images[2:3])[0], rows[2])


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if entry.family != "residual CNN"])
def test_decoding_the_code_gives_the_output_of_the_model(name: str) -> None:
    model, images = build(name), tiny_dataset(3).to_float()
    torch.testing.assert_close(decode(model, encode(model, images), SHAPE), model(images).clamp(0, 1))


def test_a_u_net_has_a_code_but_no_decoder() -> None:
    model = build("unet")
    assert latent.has_decoder(build()) and not latent.has_decoder(model)
    assert latent.describe_code_size(model, SHAPE) == "64-number code (deepest layer, averaged)"
    with pytest.raises(DataError, match="skip connections"):
        decode(model, torch.zeros(1, 64), SHAPE)


def test_the_size_of_a_feature_map_is_described_with_its_shape() -> None:
    assert latent.describe_code_size(build(), SHAPE) == "32-number code"
    assert latent.describe_code_size(build("conv-7x7"), SHAPE) == "1,568-number code (32 × 7 × 7)"


def test_a_code_larger_than_the_limit_raises_an_error_with_its_size() -> None:
    with pytest.raises(DataError, match="25,088 numbers for an image of 784"):
        latent.validate_code_size(build("conv-flat"), "Conv", SHAPE)
    assert latent.validate_code_size(build("conv-7x7"), "Conv", SHAPE) == 32 * 7 * 7


def test_interpolation_ends_in_the_codes_themselves() -> None:
    first, last = torch.tensor([0.0, 3.0]), torch.tensor([4.0, 1.0])
    line = lerp(first, last, 5)
    assert torch.equal(line[0], first) and torch.equal(line[-1], last)
    assert torch.equal(line[2], torch.tensor([2.0, 2.0]))


def test_codes_on_a_line_have_one_principal_component() -> None:
    direction = torch.tensor([3.0, 4.0]) / 5
    steps = torch.tensor([-2.0, -1.0, 0.0, 3.0])
    codes = steps[:, None] * direction + torch.tensor([7.0, -1.0])
    projection = PCAProjection(codes, 3)
    torch.testing.assert_close(projection.explained_variance, torch.tensor([1.0, 0.0, 0.0]))
    expected = torch.stack([steps, *torch.zeros(2, 4)], 1)
    torch.testing.assert_close(projection(codes), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (3, 2), (2, 5)])
def test_pca_equals_a_singular_value_decomposition(shape: tuple[int, int]) -> None:
    codes = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    projection = PCAProjection(codes, 2)
    left, values, _ = torch.linalg.svd((codes - codes.mean(0)).double(), full_matrices=False)
    ratios = values.square() / values.square().sum()
    torch.testing.assert_close(projection.explained_variance, ratios[:2].float(), atol=1e-5, rtol=0)
    # The sign of a component is a convention.
    expected = (left * values)[:, :2].abs().float()
    torch.testing.assert_close(projection(codes).abs(), expected, atol=1e-5, rtol=0)


def test_more_components_than_dimensions_are_zero() -> None:
    codes = torch.randn(5, 2, generator=torch.Generator().manual_seed(1))
    projection = PCAProjection(codes, 3)
    assert projection(codes).shape == (5, 3) and (projection(codes)[:, 2] == 0).all()
    assert projection.explained_variance[2] == 0 and float(projection.explained_variance.sum()) == pytest.approx(1)


def test_drift_is_relative_to_the_mean_pairwise_distance() -> None:
    clean = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    assert mean_pairwise_distance(clean) == pytest.approx(5)
    assert relative_drift(clean, clean, 5.0) == 0
    assert relative_drift(clean, clean + torch.tensor([0.0, 2.0]), 5.0) == pytest.approx(0.4)
    assert math.isnan(mean_pairwise_distance(clean[:1])) and math.isnan(relative_drift(clean, clean, 0.0))


@pytest.mark.parametrize("kind", NOISES)
def test_codes_move_with_noise_and_only_with_noise(kind: str) -> None:
    code_map = build_code_map(build(), tiny_dataset(12), NoiseSpec(kind, NOISES[kind].default_level), 0, 2)
    assert code_map.positions.shape == (latent.NUM_NOISE_LEVELS, 12, 2)
    assert code_map.drift[0] == 0 and code_map.drift[-1] > 0
    assert 0 < code_map.explained_variance <= 1.0001 and code_map.num_dimensions == 32


def test_the_same_seed_gives_the_same_map() -> None:
    first, again, other = (build_code_map(build(), tiny_dataset(12), GAUSSIAN, seed, 3) for seed in (0, 0, 1))
    assert torch.equal(first.positions, again.positions) and not torch.equal(first.positions, other.positions)
    assert first.positions.shape[2] == 3


def test_tsne_keeps_two_clusters_apart() -> None:
    images = tiny_dataset(20)
    images.images[::2] = 255 - images.images[::2]
    code_map = build_code_map(build(), images, GAUSSIAN, 0, 2, use_tsne=True)
    clusters = code_map.positions[0, ::2], code_map.positions[0, 1::2]
    radius = max(float((cluster - cluster.mean(0)).norm(dim=1).mean()) for cluster in clusters)
    assert float((clusters[0].mean(0) - clusters[1].mean(0)).norm()) > radius
    assert math.isnan(code_map.explained_variance)


def test_a_code_is_placed_among_its_nearest_reference_codes() -> None:
    reference, positions = torch.tensor([[0.0], [10.0], [20.0]]), torch.tensor([[1.0, 1.0], [5.0, 5.0], [9.0, 9.0]])
    placed = knn_embed(torch.tensor([[10.0], [5.0]]), reference, positions, 2)
    torch.testing.assert_close(placed, torch.tensor([[5.0, 5.0], [3.0, 3.0]]))


def test_an_exception_in_the_progress_callback_cancels_a_map() -> None:
    class CancelledError(Exception):
        pass

    def on_progress(done: float) -> None:
        progress.append(done)
        if done > 0.2:
            raise CancelledError

    progress: list[float] = []
    with pytest.raises(CancelledError):
        build_code_map(build(), tiny_dataset(12), GAUSSIAN, 0, 2, on_progress=on_progress)
    assert progress == sorted(progress) and progress[0] == 0 and progress[-1] < 0.5


def test_too_few_images_for_a_map_raise_a_data_error() -> None:
    with pytest.raises(DataError, match="needs at least 3 images; tiny has 2"):
        build_code_map(build(), tiny_dataset(2), GAUSSIAN, 0, 2)


def test_identical_images_have_a_map_and_no_defined_drift() -> None:
    images = tiny_dataset(4)
    images.images[:] = images.images[:1]
    code_map = build_code_map(build(), images, GAUSSIAN, 0, 2)
    assert code_map.positions.isfinite().all() and math.isnan(code_map.drift[-1])
    assert latent.describe_drift(["A"], [code_map.drift[-1]], 0.5) == ""


def test_the_drift_sentence_starts_with_the_smallest_drift() -> None:
    assert latent.describe_drift(["A", "B"], [0.9, 0.25], 0.5) == (
        "At noise level 0.50, the code of B moves by 25% of the typical distance between images, that of A by 90%."
    )
    assert latent.describe_drift(["A", "B"], [0.0, 0.0], 0.0) == ""
