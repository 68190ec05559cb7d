"""Noise: what it does to a picture on average, and that a generator alone decides it."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor

from dae.errors import SpecError
from dae.noise import NOISES, NoiseSpec, corrupt
from tests.conftest import blobs
from tests.test_specs import mixes

UNBOUNDED = [kind for kind, noise in NOISES.items() if not noise.bounded]
LEVELS = (0.1, 0.5)


# of one pixel of value c under level s: variance, and variance of its squared deviation
MOMENTS = {
    "gaussian": lambda c, s: (s**2, 2 * s**4),
    "uniform": lambda c, s: (s**2 / 3, s**4 / 5 - s**4 / 9),
    "speckle": lambda c, s: ((c * s) ** 2, 2 * (c * s) ** 4),
    "poisson": lambda c, s: (c * s**2, s**8 * (c / s**2 + 2 * (c / s**2) ** 2)),
}


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def spec_of(kind: str, level: float) -> NoiseSpec:
    return NoiseSpec(kind, level, clipped=NOISES[kind].bounded)


def close(values: Tensor, mean: float, variance: float) -> None:
    """The mean of independent draws lies within five standard errors: a false alarm in two million."""
    assert abs(values.mean().item() - mean) <= 5 * math.sqrt(variance / values.numel()) + 1e-6


@pytest.mark.parametrize("kind", NOISES)
class TestEveryKind:
    def test_the_generator_alone_decides(self, kind: str, clean: Tensor) -> None:
        spec = NoiseSpec(kind, 0.4)
        before = torch.get_rng_state()
        first, again, other = (corrupt(clean, spec, seeded(seed)) for seed in (1, 1, 2))
        assert torch.equal(first, again) and not torch.equal(first, other)
        assert torch.equal(torch.get_rng_state(), before)

    def test_the_input_stays_and_the_output_is_alike(self, kind: str, clean: Tensor) -> None:
        kept = clean.clone()
        noisy = corrupt(clean, NoiseSpec(kind, 0.4), seeded())
        assert torch.equal(clean, kept) and noisy.data_ptr() != clean.data_ptr()
        assert (noisy.shape, noisy.dtype, noisy.device) == (clean.shape, clean.dtype, clean.device)

    @pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
    def test_other_types_are_kept(self, kind: str, dtype: torch.dtype, clean: Tensor) -> None:
        assert corrupt(clean.to(dtype), NoiseSpec(kind, 0.4), seeded()).dtype == dtype

    def test_level_0_changes_nothing(self, kind: str, clean: Tensor) -> None:
        assert torch.equal(corrupt(clean, spec_of(kind, 0), seeded()), clean)

    def test_each_image_has_its_own_level(self, kind: str, clean: Tensor) -> None:
        noisy = corrupt(clean, NoiseSpec(kind, 0.1), seeded(), level=torch.tensor([0.0, 0.7]))
        assert torch.equal(noisy[0], clean[0]) and not torch.equal(noisy[1], clean[1])

    def test_a_level_overrides_the_spec(self, kind: str, clean: Tensor) -> None:
        overridden = corrupt(clean, NoiseSpec(kind, 0.1), seeded(), level=0.6)
        assert torch.equal(overridden, corrupt(clean, NoiseSpec(kind, 0.6), seeded()))

    @pytest.mark.parametrize("level", [0.05, 1.0])
    def test_clipped_stays_in_range(self, kind: str, level: float, clean: Tensor) -> None:
        noisy = corrupt(clean, NoiseSpec(kind, level), seeded())
        assert noisy.min() >= 0 and noisy.max() <= 1

    def test_a_range_differs_between_images(self, kind: str) -> None:
        clean = torch.full((300, 1, 12, 12), 0.5)
        noisy = corrupt(clean, NoiseSpec(kind, 0.0, 0.8), seeded())
        hurt = (noisy - clean).square().flatten(1).mean(1)
        assert hurt.min() < hurt.median() / 4 and hurt[:150].median() > hurt.min() * 4

    def test_one_image_and_no_image(self, kind: str, clean: Tensor) -> None:
        assert corrupt(clean[:1], NoiseSpec(kind, 0.3), seeded()).shape == (1, 3, 37, 31)
        assert corrupt(clean[:0], NoiseSpec(kind, 0.3), seeded()).shape == (0, 3, 37, 31)

    def test_its_entry_serves_pages(self, kind: str) -> None:
        noise = NOISES[kind]
        assert noise.low <= noise.typical <= noise.high and noise.step > 0
        assert noise.label and noise.help.endswith(".") and noise.unit
        assert NoiseSpec.parse(kind) == NoiseSpec(kind, noise.typical)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", UNBOUNDED)
def test_mean_and_variance(kind: str, level: float) -> None:
    clean = torch.full((4, 1, 250, 250), 0.3, dtype=torch.float64)
    noisy = corrupt(clean, NoiseSpec(kind, level, clipped=False), seeded())
    variance, spread = MOMENTS[kind](0.3, level)
    close(noisy, 0.3, variance)
    close((noisy - 0.3).square(), variance, spread)


def test_clipping_gives_the_censored_mean() -> None:
    mean, level = 0.9, 0.5
    noisy = corrupt(torch.full((4, 1, 250, 250), mean), NoiseSpec("gaussian", level), seeded())
    below, above = ((side - mean) / level for side in (0, 1))
    density = [math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) for z in (below, above)]
    mass = [(1 + math.erf(z / math.sqrt(2))) / 2 for z in (below, above)]
    expected = mean * (mass[1] - mass[0]) + level * (density[0] - density[1]) + 1 - mass[1]
    close(noisy, expected, level**2)


@pytest.mark.parametrize("level", [*LEVELS, 1.0])
def test_fractions_of_masking_and_salt_and_pepper(level: float) -> None:
    clean = torch.full((4, 1, 250, 250), 0.5)
    masked = corrupt(clean, NoiseSpec("masking", level), seeded())
    close((masked == 0).double(), level, level * (1 - level))
    assert set(masked.unique().tolist()) <= {0.0, 0.5}
    hit = corrupt(clean, NoiseSpec("salt-and-pepper", level), seeded())
    for value in (0, 1):
        close((hit == value).double(), level / 2, level / 2 * (1 - level / 2))
    assert set(hit.unique().tolist()) <= {0.0, 0.5, 1.0}


@pytest.mark.parametrize("kind", ["masking", "salt-and-pepper", "occlusion"])
def test_a_pixel_is_hit_in_all_its_channels(kind: str, clean: Tensor) -> None:
    untouched = corrupt(clean.clamp(0.1, 0.9), NoiseSpec(kind, 0.5), seeded()) == clean.clamp(0.1, 0.9)
    assert torch.equal(untouched.all(1), untouched.any(1))


@pytest.mark.parametrize("level", [0.01, 0.2, 0.5, 1.0])
def test_occlusion_hides_exactly_its_share_in_one_rectangle(level: float) -> None:
    hidden = 1 - corrupt(torch.ones(64, 1, 37, 31, dtype=torch.float64), NoiseSpec("occlusion", level), seeded())
    assert torch.allclose(hidden.mean((1, 2, 3)), torch.tensor(level, dtype=torch.float64), atol=1e-9)
    for picture in hidden[:, 0]:
        assert torch.linalg.matrix_rank(picture) == 1  # rows times columns: a rectangle


def test_black_has_no_speckle_and_no_photons() -> None:
    black = torch.zeros(1, 1, 9, 9)
    for kind in ("speckle", "poisson"):
        assert torch.equal(corrupt(black, NoiseSpec(kind, 1, clipped=False), seeded()), black)


def test_masking_on_real_pictures_never_invents_light() -> None:
    clean = torch.from_numpy(blobs(4)).float() / 255
    assert (corrupt(clean, NoiseSpec("masking", 0.5), seeded()) <= clean).all()


@given(mixes(), st.integers(0, 2**32))
def test_a_mix_is_decided_by_the_generator_alone_and_stays_in_range(spec: NoiseSpec, seed: int) -> None:
    clean = torch.rand(6, 3, 9, 7, generator=seeded(3))
    kept = clean.clone()
    noisy = corrupt(clean, spec, seeded(seed))
    assert torch.equal(noisy, corrupt(clean, spec, seeded(seed))) and torch.equal(clean, kept)
    assert (noisy.shape, noisy.dtype) == (clean.shape, clean.dtype)
    assert all(part.others == () and part.noise is NOISES[part.kind] for part in spec.parts)
    if all(part.clipped for part in spec.parts):
        assert noisy.min() >= 0 and noisy.max() <= 1
    assert torch.equal(corrupt(clean, spec, seeded(seed), level=0), clean)


def test_each_image_of_a_mix_gets_one_of_its_kinds_with_equal_chances() -> None:
    clean = torch.full((3_000, 1, 4, 4), 0.5)
    noisy = corrupt(clean, NoiseSpec.parse("masking:1+salt-and-pepper:1+gaussian:0"), seeded())
    black, grey = (noisy == 0).flatten(1).all(1), (noisy == 0.5).flatten(1).all(1)
    spoilt = ((noisy == 0) | (noisy == 1)).flatten(1).all(1) & ~black
    assert (black | grey | spoilt).all()
    for kind in (black, grey, spoilt):
        close(kind.double(), 1 / 3, 2 / 9)


def test_each_image_of_a_mix_draws_its_level_from_its_kinds_range() -> None:
    clean = torch.full((2_000, 1, 16, 16), 0.5)
    lost = (corrupt(clean, NoiseSpec.parse("masking:0-0.2+masking:0.8-1"), seeded()) == 0).double().mean((1, 2, 3))
    few, many = lost[lost < 0.5], lost[lost >= 0.5]
    close(few, 0.1, 0.2**2 / 12 + 0.1 / 256)
    close(many, 0.9, 0.2**2 / 12 + 0.1 / 256)
    assert few.max() < 0.4 and many.min() > 0.6


def test_a_level_for_each_image_of_a_mix() -> None:
    clean = torch.full((50, 1, 8, 8), 0.5)
    levels = torch.arange(50) % 2
    noisy = corrupt(clean, NoiseSpec.parse("masking:0.5+salt-and-pepper:0.5"), seeded(), level=levels)
    assert torch.equal((noisy == 0.5).flatten(1).all(1), levels == 0) and not (noisy[1::2] == 0.5).any()


def test_what_one_kind_of_a_mix_draws_does_not_change_the_others() -> None:
    """Poisson noise draws more numbers where a picture is brighter."""
    mix = NoiseSpec.parse("poisson:0.5+gaussian:0.5+masking:0.5")
    bright, dark = torch.full((2, 40, 1, 8, 8), 0.5)
    dark[20:] = 0
    assert torch.equal(corrupt(bright, mix, seeded())[:20], corrupt(dark, mix, seeded())[:20])


def test_a_part_is_found_by_its_kind() -> None:
    mix = NoiseSpec.parse("gaussian:0-1+masking:0.2")
    assert mix.part("masking") == NoiseSpec("masking", 0.2)
    assert mix.part("speckle") is None


def test_a_mix_answers_as_its_first_kind_and_holds_no_mix() -> None:
    mix = NoiseSpec.parse("masking:0.1-0.5 + Gaussian:0-1:unclipped")
    assert mix == NoiseSpec("masking", 0.1, 0.5, others=(NoiseSpec("gaussian", 0, 1, clipped=False),))
    assert (mix.kind, mix.level, mix.at(0.2)) == ("masking", pytest.approx(0.3), NoiseSpec("masking", 0.2))
    assert mix.parts == (NoiseSpec("masking", 0.1, 0.5), *mix.others) and mix.others[0].parts == mix.others
    with pytest.raises(SpecError, match=r"masking:0.1-0.5\+gaussian:0-1:unclipped.*name its kinds instead"):
        NoiseSpec("gaussian", 0.5, others=(mix,))
