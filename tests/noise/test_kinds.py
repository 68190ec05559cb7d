"""Noise kinds: moments, determinism, value range and mixtures."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor

from dae.errors import SpecError
from dae.noise import NOISES, NoiseSpec, corrupt
from tests.helpers import blobs
from tests.noise.test_spec import mixtures

LEVELS = (0.1, 0.5)


# For a pixel of value c under level s: variance, and variance of its squared deviation.
MOMENTS = {
    "gaussian": lambda c, s: (s**2, 2 * s**4),
    "uniform": lambda c, s: (s**2 / 3, s**4 / 5 - s**4 / 9),
    "speckle": lambda c, s: ((c * s) ** 2, 2 * (c * s) ** 4),
    "poisson": lambda c, s: (c * s**2, s**8 * (c / s**2 + 2 * (c / s**2) ** 2)),
}


def seeded(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def unclipped_if_possible(kind: str, level: float) -> NoiseSpec:
    return NoiseSpec(kind, level, clipped=NOISES[kind].in_unit_range)


def assert_mean(values: Tensor, mean: float, variance: float) -> None:
    """Assert that the mean of independent draws lies within five standard errors: one false alarm in two million."""
    assert abs(values.mean().item() - mean) <= 5 * math.sqrt(variance / values.numel()) + 1e-6


@pytest.mark.parametrize("kind", NOISES)
class TestEveryKind:
    def test_is_deterministic_and_leaves_the_global_generator_alone(self, kind: str, clean: Tensor) -> None:
        spec = NoiseSpec(kind, 0.4)
        before = torch.get_rng_state()
        first, again, other = (corrupt(clean, spec, seeded(seed)) for seed in (1, 1, 2))
        assert torch.equal(first, again) and not torch.equal(first, other)
        assert torch.equal(torch.get_rng_state(), before)

    def test_copies_the_input_and_keeps_its_shape_dtype_and_device(self, kind: str, clean: Tensor) -> None:
        original = clean.clone()
        noisy = corrupt(clean, NoiseSpec(kind, 0.4), seeded())
        assert torch.equal(clean, original) and noisy.data_ptr() != clean.data_ptr()
        assert (noisy.shape, noisy.dtype, noisy.device) == (clean.shape, clean.dtype, clean.device)

    @pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
    def test_keeps_other_dtypes(self, kind: str, dtype: torch.dtype, clean: Tensor) -> None:
        assert corrupt(clean.to(dtype), NoiseSpec(kind, 0.4), seeded()).dtype == dtype

    def test_level_zero_changes_nothing(self, kind: str, clean: Tensor) -> None:
        assert torch.equal(corrupt(clean, unclipped_if_possible(kind, 0), seeded()), clean)

    def test_accepts_one_level_per_image(self, kind: str, clean: Tensor) -> None:
        noisy = corrupt(clean, NoiseSpec(kind, 0.1), seeded(), level=torch.tensor([0.0, 0.7]))
        assert torch.equal(noisy[0], clean[0]) and not torch.equal(noisy[1], clean[1])

    def test_level_argument_overrides_the_spec(self, kind: str, clean: Tensor) -> None:
        overridden = corrupt(clean, NoiseSpec(kind, 0.1), seeded(), level=0.6)
        assert torch.equal(overridden, corrupt(clean, NoiseSpec(kind, 0.6), seeded()))

    @pytest.mark.parametrize("level", [0.05, 1.0])
    def test_clipped_noise_stays_in_unit_range(self, kind: str, level: float, clean: Tensor) -> None:
        noisy = corrupt(clean, NoiseSpec(kind, level), seeded())
        assert noisy.min() >= 0 and noisy.max() <= 1

    def test_each_image_samples_a_level_from_the_range(self, kind: str) -> None:
        clean = torch.full((300, 1, 12, 12), 0.5)
        noisy = corrupt(clean, NoiseSpec(kind, (0.0, 0.8)), seeded())
        mse = (noisy - clean).square().flatten(1).mean(1)
        assert mse.min() < mse.median() / 4 and mse[:150].median() > mse.min() * 4

    def test_accepts_single_images_and_empty_batches(self, kind: str, clean: Tensor) -> None:
        assert corrupt(clean[:1], NoiseSpec(kind, 0.3), seeded()).shape == (1, 3, 37, 31)
        assert corrupt(clean[:0], NoiseSpec(kind, 0.3), seeded()).shape == (0, 3, 37, 31)

    def test_registry_entry_is_complete(self, kind: str) -> None:
        info = NOISES[kind]
        assert info.low <= info.default_level <= info.high
        assert info.label and info.help.endswith(".") and info.level_unit
        assert NoiseSpec.parse(kind) == NoiseSpec(kind, info.default_level)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("kind", MOMENTS)
def test_unclipped_noise_has_the_expected_mean_and_variance(kind: str, level: float) -> None:
    clean = torch.full((4, 1, 250, 250), 0.3, dtype=torch.float64)
    noisy = corrupt(clean, NoiseSpec(kind, level, clipped=False), seeded())
    variance, variance_of_squares = MOMENTS[kind](0.3, level)
    assert_mean(noisy, 0.3, variance)
    assert_mean((noisy - 0.3).square(), variance, variance_of_squares)


CAMERA = NoiseSpec("camera", 0.2, clipped=False)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_camera_noise_has_photon_and_read_noise_at_the_samples_of_the_mosaic(value: float, level: float) -> None:
    noise = corrupt(torch.full((2, 3, 250, 250), value), NoiseSpec("camera", level, clipped=False), seeded()) - value
    # A white pixel counts 1 / photon electrons, of which the standard deviation of the read noise is 2.
    photon = (math.sqrt(1 + 16 * level**2) - 1) / 8
    variance = photon * value + 4 * photon**2
    assert value < 1 or variance == pytest.approx(level**2)
    fourth_moment = 2 * variance**2 + photon**3 * value
    for samples in (noise[:, 0, ::2, ::2], noise[:, 1, ::2, 1::2], noise[:, 2, 1::2, 1::2]):
        assert_mean(samples, 0, variance)
        assert_mean(samples.square(), variance, fourth_moment)


def test_camera_noise_is_demosaiced_and_the_clean_image_is_not() -> None:
    clean = torch.rand(1, 3, 64, 64, generator=seeded(1))
    noise = (torch.cat([corrupt(clean, CAMERA, seeded(seed)) for seed in range(200)]) - clean).double()
    assert noise.mean(0).abs().mean() < 0.02
    red, blue = noise[:, 0], noise[:, 2]
    torch.testing.assert_close(red[:, ::2, 1:-1:2], (red[:, ::2, :-2:2] + red[:, ::2, 2::2]) / 2, rtol=0, atol=1e-6)
    # At the border there are fewer samples to interpolate from.
    torch.testing.assert_close(blue[:, 0, 1::2], blue[:, 1, 1::2], rtol=0, atol=1e-6)
    flat = corrupt(torch.full((1, 3, 300, 300), 0.5), CAMERA, seeded()) - 0.5
    near, far = ((flat[..., shift:] * flat[..., :-shift]).mean() / flat.square().mean() for shift in (1, 4))
    assert near > 0.5 and abs(far) < 0.05


def test_camera_noise_of_a_gray_image_is_the_mean_of_the_channels() -> None:
    gray = torch.rand(2, 1, 9, 7, generator=seeded(1))
    expected = corrupt(gray.expand(-1, 3, -1, -1), CAMERA, seeded()).mean(1, keepdim=True)
    torch.testing.assert_close(corrupt(gray, CAMERA, seeded()), expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 1), (2, 2)])
def test_camera_noise_is_finite_in_the_smallest_images(size: tuple[int, int]) -> None:
    noisy = corrupt(torch.full((1, 3, *size), 0.5), CAMERA, seeded())
    assert noisy.isfinite().all() and not (noisy == 0.5).all()


def test_clipped_gaussian_has_the_mean_of_a_censored_normal_distribution() -> None:
    mean, level = 0.9, 0.5
    noisy = corrupt(torch.full((4, 1, 250, 250), mean), NoiseSpec("gaussian", level), seeded())
    below, above = ((limit - mean) / level for limit in (0, 1))
    density = [math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi) for z in (below, above)]
    mass = [(1 + math.erf(z / math.sqrt(2))) / 2 for z in (below, above)]
    expected = mean * (mass[1] - mass[0]) + level * (density[0] - density[1]) + 1 - mass[1]
    assert_mean(noisy, expected, level**2)


@pytest.mark.parametrize("level", [*LEVELS, 1.0])
def test_masking_and_salt_and_pepper_replace_the_given_fraction_of_pixels(level: float) -> None:
    clean = torch.full((4, 1, 250, 250), 0.5)
    masked = corrupt(clean, NoiseSpec("masking", level), seeded())
    assert_mean((masked == 0).double(), level, level * (1 - level))
    assert set(masked.unique().tolist()) <= {0.0, 0.5}
    salted = corrupt(clean, NoiseSpec("salt-and-pepper", level), seeded())
    for value in (0, 1):
        assert_mean((salted == value).double(), level / 2, level / 2 * (1 - level / 2))
    assert set(salted.unique().tolist()) <= {0.0, 0.5, 1.0}


@pytest.mark.parametrize("kind", ["masking", "salt-and-pepper", "occlusion"])
def test_a_replaced_pixel_is_replaced_in_all_channels(kind: str, clean: Tensor) -> None:
    unchanged = corrupt(clean.clamp(0.1, 0.9), NoiseSpec(kind, 0.5), seeded()) == clean.clamp(0.1, 0.9)
    assert torch.equal(unchanged.all(1), unchanged.any(1))


@pytest.mark.parametrize("level", [0.01, 0.2, 0.5, 1.0])
def test_occlusion_hides_one_rectangle_of_exactly_the_given_area(level: float) -> None:
    hidden = 1 - corrupt(torch.ones(64, 1, 37, 31, dtype=torch.float64), NoiseSpec("occlusion", level), seeded())
    assert torch.allclose(hidden.mean((1, 2, 3)), torch.tensor(level, dtype=torch.float64), atol=1e-9)
    for image in hidden[:, 0]:
        # The outer product of a row and a column profile is a rectangle.
        assert torch.linalg.matrix_rank(image) == 1


def test_speckle_and_poisson_noise_leave_black_pixels_unchanged() -> None:
    black = torch.zeros(1, 1, 9, 9)
    for kind in ("speckle", "poisson"):
        assert torch.equal(corrupt(black, NoiseSpec(kind, 1, clipped=False), seeded()), black)


@pytest.mark.parametrize("kind", ["poisson", "camera"])
@pytest.mark.parametrize("level", [1e-30, 1e-7, 1e-6])
def test_the_lowest_levels_leave_images_nearly_unchanged(kind: str, level: float) -> None:
    clean = torch.full((1, 3, 16, 16), 0.8)
    noisy = corrupt(clean, NoiseSpec(kind, level, clipped=False), Generator().manual_seed(0))
    torch.testing.assert_close(noisy, clean, atol=1e-4, rtol=0)


def test_masking_never_brightens_a_pixel() -> None:
    clean = torch.from_numpy(blobs(4)).float() / 255
    assert (corrupt(clean, NoiseSpec("masking", 0.5), seeded()) <= clean).all()


@given(mixtures(), st.integers(0, 2**32))
def test_mixture_is_deterministic_and_stays_in_range(spec: NoiseSpec, seed: int) -> None:
    clean = torch.rand(6, 3, 9, 7, generator=seeded(3))
    original = clean.clone()
    noisy = corrupt(clean, spec, seeded(seed))
    assert torch.equal(noisy, corrupt(clean, spec, seeded(seed))) and torch.equal(clean, original)
    assert (noisy.shape, noisy.dtype) == (clean.shape, clean.dtype)
    assert all(len(one.components) == 1 and one.info is NOISES[one.kind] for one in spec.components)
    if all(one.clipped for one in spec.components):
        assert noisy.min() >= 0 and noisy.max() <= 1
    assert torch.equal(corrupt(clean, spec, seeded(seed), level=0), clean)


def test_components_of_a_mixture_have_equal_probabilities() -> None:
    clean = torch.full((3_000, 1, 4, 4), 0.5)
    noisy = corrupt(clean, NoiseSpec.parse("masking:1+salt-and-pepper:1+gaussian:0"), seeded())
    masked, unchanged = (noisy == 0).flatten(1).all(1), (noisy == 0.5).flatten(1).all(1)
    salted = ((noisy == 0) | (noisy == 1)).flatten(1).all(1) & ~masked
    assert (masked | unchanged | salted).all()
    for assigned in (masked, unchanged, salted):
        assert_mean(assigned.double(), 1 / 3, 2 / 9)


def test_each_image_of_a_mixture_samples_from_the_range_of_its_component() -> None:
    clean = torch.full((2_000, 1, 16, 16), 0.5)
    noisy = corrupt(clean, NoiseSpec.parse("masking:0-0.2+masking:0.8-1"), seeded())
    fraction = (noisy == 0).double().mean((1, 2, 3))
    few, many = fraction[fraction < 0.5], fraction[fraction >= 0.5]
    assert_mean(few, 0.1, 0.2**2 / 12 + 0.1 / 256)
    assert_mean(many, 0.9, 0.2**2 / 12 + 0.1 / 256)
    assert few.max() < 0.4 and many.min() > 0.6


def test_mixture_accepts_one_level_per_image() -> None:
    clean = torch.full((50, 1, 8, 8), 0.5)
    levels = torch.arange(50) % 2
    noisy = corrupt(clean, NoiseSpec.parse("masking:0.5+salt-and-pepper:0.5"), seeded(), level=levels)
    assert torch.equal((noisy == 0.5).flatten(1).all(1), levels == 0) and not (noisy[1::2] == 0.5).any()


def test_draws_of_one_component_do_not_affect_the_others() -> None:
    """Poisson noise draws more random numbers for brighter images."""
    mixture = NoiseSpec.parse("poisson:0.5+gaussian:0.5+masking:0.5")
    bright, dark = torch.full((2, 40, 1, 8, 8), 0.5)
    dark[20:] = 0
    assert torch.equal(corrupt(bright, mixture, seeded())[:20], corrupt(dark, mixture, seeded())[:20])


def test_integer_images_raise_a_spec_error() -> None:
    with pytest.raises(SpecError, match=r"floats in \[0, 1\], not torch.uint8. Use `ImageSet.to_float`"):
        corrupt(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), NoiseSpec("gaussian", 0.5), seeded())
