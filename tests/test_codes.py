"""Codes: small cases whose maps, drifts and walks are known."""

import math

import pytest
import torch

from dae import codes
from dae.codes import among, between, code_map, decode, drift, encode, principal, usual_distance
from dae.errors import DataError
from dae.models import MODELS, Autoencoder, build_model
from dae.noise import NOISES, NoiseSpec
from tests.conftest import tiny

SHAPE = (1, 28, 28)
GAUSSIAN = NoiseSpec("gaussian", 0.5)


def model(name: str = "linear-32", seed: int = 0) -> Autoencoder:
    return build_model(name, SHAPE, torch.Generator().manual_seed(seed)).requires_grad_(False)


@pytest.mark.parametrize("name", MODELS)
def test_a_code_is_one_row_of_finite_numbers_a_picture(name: str) -> None:
    own, images = model(name), tiny(5).clean()
    rows = encode(own, images)
    assert rows.dtype == torch.float32 and rows.isfinite().all()
    assert rows.shape == (5, math.prod(codes.code_shape(own, SHAPE)))
    assert f"{rows.shape[1]:,} numbers" in codes.size_in_words(own, SHAPE)
    torch.testing.assert_close(encode(own, images[2:3])[0], rows[2])


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if entry.family != "modern"])
def test_decoding_the_code_is_what_the_model_makes_of_the_picture(name: str) -> None:
    own, images = model(name), tiny(3).clean()
    torch.testing.assert_close(decode(own, encode(own, images), SHAPE), own(images).clamp(0, 1))


def test_a_u_net_has_a_code_but_draws_nothing_from_it_alone() -> None:
    own = model("unet")
    assert codes.decodes(model()) and not codes.decodes(own)
    assert codes.size_in_words(own, SHAPE) == "64 numbers, its deepest level averaged over the picture"
    with pytest.raises(DataError, match="looks at the picture"):
        decode(own, torch.zeros(1, 64), SHAPE)


def test_a_code_larger_than_the_limit_is_refused_with_its_size() -> None:
    with pytest.raises(DataError, match="25,088 numbers of a picture of 784"):
        codes.check_size(model("conv-flat"), "Conv", SHAPE)
    assert codes.check_size(model("conv-7x7"), "Conv", SHAPE) == 32 * 7 * 7


def test_the_ends_of_a_walk_are_the_codes_themselves() -> None:
    first, last = torch.tensor([0.0, 3.0]), torch.tensor([4.0, 1.0])
    line = between(first, last, 5)
    assert torch.equal(line[0], first) and torch.equal(line[-1], last)
    assert torch.equal(line[2], torch.tensor([2.0, 2.0]))


def test_points_on_a_line_have_one_component_which_holds_all() -> None:
    along = torch.tensor([3.0, 4.0]) / 5
    steps = torch.tensor([-2.0, -1.0, 0.0, 3.0])
    found = principal(steps[:, None] * along + torch.tensor([7.0, -1.0]), 3)
    torch.testing.assert_close(found.axes[:, 0], along)
    torch.testing.assert_close(found.share, torch.tensor([1.0, 0.0, 0.0]))
    places = found(steps[:, None] * along + found.mean)
    torch.testing.assert_close(places, torch.stack([steps, *torch.zeros(2, 4)], 1), atol=1e-6, rtol=0)


@pytest.mark.parametrize("shape", [(40, 6), (6, 40), (3, 2), (2, 5)])
def test_components_keep_what_a_singular_value_decomposition_keeps(shape: tuple[int, int]) -> None:
    rows = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    found = principal(rows, 2)
    _, values, axes = torch.linalg.svd((rows - rows.mean(0)).double(), full_matrices=False)
    torch.testing.assert_close(found.share, (values.square() / values.square().sum())[:2].float(), atol=1e-5, rtol=0)
    for place in range(2):
        if values[place] > 1e-6:
            assert abs(float(found.axes[:, place].double() @ axes[place])) == pytest.approx(1, abs=1e-5)


def test_drift_is_measured_in_usual_distances() -> None:
    clean = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    assert usual_distance(clean) == pytest.approx(5)
    assert drift(clean, clean, 5.0) == 0
    assert drift(clean, clean + torch.tensor([0.0, 2.0]), 5.0) == pytest.approx(0.4)
    assert math.isnan(usual_distance(clean[:1])) and math.isnan(drift(clean, clean, 0.0))


@pytest.mark.parametrize("kind", NOISES)
def test_without_noise_no_code_moves_and_with_it_they_do(kind: str) -> None:
    found = code_map(model(), tiny(12), NoiseSpec(kind, NOISES[kind].typical), 0, 2)
    assert found.places.shape == (codes.STRENGTHS, 12, 2) and torch.equal(found.places[0], found.clean)
    assert found.drift[0] == 0 and found.drift[-1] > 0
    assert 0 < found.share <= 1.0001 and found.numbers == 32


def test_the_same_seed_makes_the_same_map() -> None:
    first, again, other = (code_map(model(), tiny(12), GAUSSIAN, seed, 3) for seed in (0, 0, 1))
    assert torch.equal(first.places, again.places) and not torch.equal(first.places, other.places)
    assert first.places.shape[2] == 3


def test_a_map_by_neighbours_keeps_two_heaps_apart() -> None:
    images = tiny(20)
    images.images[::2] = 255 - images.images[::2]
    found = code_map(model(), images, GAUSSIAN, 0, 2, neighbours=True)
    one, other = found.clean[::2], found.clean[1::2]
    own = max(float(torch.cdist(heap, heap.mean(0, keepdim=True)).mean()) for heap in (one, other))
    assert float((one.mean(0) - other.mean(0)).norm()) > own
    assert torch.equal(found.places[0], found.clean) and math.isnan(found.share)


def test_a_code_on_a_known_one_stands_where_that_stands() -> None:
    known, places = torch.tensor([[0.0], [10.0], [20.0]]), torch.tensor([[1.0, 1.0], [5.0, 5.0], [9.0, 9.0]])
    found = among(torch.tensor([[10.0], [5.0]]), known, places, 2)
    torch.testing.assert_close(found, torch.tensor([[5.0, 5.0], [3.0, 3.0]]))


def test_a_map_that_nobody_waits_for_is_given_up() -> None:
    class Gone(Exception):
        pass

    def on_share(share: float) -> None:
        shares.append(share)
        if share > 0.2:
            raise Gone

    shares: list[float] = []
    with pytest.raises(Gone):
        code_map(model(), tiny(12), GAUSSIAN, 0, 2, on_share=on_share)
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] < 0.5


def test_too_few_pictures_for_a_map_are_told() -> None:
    with pytest.raises(DataError, match="needs at least 3 pictures; tiny has 2"):
        code_map(model(), tiny(2), GAUSSIAN, 0, 2)


def test_alike_pictures_have_a_map_and_no_drift_to_tell() -> None:
    images = tiny(4)
    images.images[:] = images.images[:1]
    found = code_map(model(), images, GAUSSIAN, 0, 2)
    assert found.places.isfinite().all() and math.isnan(found.drift[-1])
    assert codes.describe_drift(["A"], [found.drift[-1]], 0.5) == ""


def test_who_moves_least_is_told_first() -> None:
    told = codes.describe_drift(["A", "B"], [0.9, 0.25], 0.5)
    assert told.startswith("At strength 0.50 the code of B moves by 0.25") and "that of A by 0.90" in told
    assert codes.describe_drift(["A", "B"], [0.0, 0.0], 0.0) == ""
