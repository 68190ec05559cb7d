"""Noise: what it does to a picture on average, that a generator alone decides it, and how a spec reads and prints."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Generator, Tensor

from dae.errors import SpecError, UnknownName
from dae.noise import NOISES, NoiseSpec, corrupt
from tests.conftest import blobs

UNBOUNDED = [kind for kind, noise in NOISES.items() if not noise.bounded]
LEVELS = (0.1, 0.5)


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


# of one pixel of value c under level s: variance, and variance of its squared deviation
MOMENTS = {
    "gaussian": lambda c, s: (s**2, 2 * s**4),
    "uniform": lambda c, s: (s**2 / 3, s**4 / 5 - s**4 / 9),
    "speckle": lambda c, s: ((c * s) ** 2, 2 * (c * s) ** 4),
    "poisson": lambda c, s: (c * s**2, s**8 * (c / s**2 + 2 * (c / s**2) ** 2)),
}


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


@st.composite
def specs(draw: st.DrawFn) -> NoiseSpec:
    kind = draw(st.sampled_from(list(NOISES)))
    low, high = sorted(draw(st.tuples(*[st.floats(0, 1)] * 2)))
    return NoiseSpec(kind, low, high, NOISES[kind].bounded or draw(st.booleans()))


@given(specs())
def test_a_spec_reads_as_it_prints(spec: NoiseSpec) -> None:
    again = NoiseSpec.parse(str(spec))
    assert again == spec and hash(again) == hash(spec) and str(again) == str(spec)


@given(st.text())
def test_any_text_is_a_spec_or_a_spec_error(text: str) -> None:
    try:
        assert NoiseSpec.parse(text).kind in NOISES
    except SpecError as error:
        assert str(error)


@given(st.sampled_from(list(NOISES)), st.text(alphabet="0123456789.-:einfa+_ ", max_size=12))
def test_whatever_follows_a_kind_is_a_level_or_a_spec_error(kind: str, rest: str) -> None:
    try:
        spec = NoiseSpec.parse(f"{kind}:{rest}")
        assert 0 <= spec.low <= spec.high <= 1
    except SpecError:
        pass


def test_written_forms() -> None:
    assert NoiseSpec.parse("gaussian:0.5") == NoiseSpec("gaussian", 0.5)
    assert NoiseSpec.parse(" Masking:0.1-0.6 ") == NoiseSpec("masking", 0.1, 0.6)
    assert NoiseSpec.parse("gaussian:0.5:unclipped") == NoiseSpec("gaussian", 0.5, clipped=False)
    assert NoiseSpec("masking", 0.2, 0.6).level == pytest.approx(0.4)
    assert NoiseSpec("gaussian", 0.2, 0.6, clipped=False).at(0.3) == NoiseSpec("gaussian", 0.3, clipped=False)


@pytest.mark.parametrize("text", ["gaussian:0.1-nan", "gaussian:0.5-"])
def test_half_a_range_is_no_level(text: str) -> None:
    with pytest.raises(SpecError):
        NoiseSpec.parse(text)


def test_a_level_of_minus_zero_is_zero() -> None:
    assert str(NoiseSpec("gaussian", -0.0)) == "gaussian:0"


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("level", [-0.1, 1.4, math.inf, math.nan])
def test_a_level_outside_says_value_limits_and_meaning(kind: str, level: float) -> None:
    with pytest.raises(SpecError) as caught:
        NoiseSpec(kind, level)
    assert (
        f"{level:g}" in str(caught.value) and "0 to 1" in str(caught.value) and NOISES[kind].unit in str(caught.value)
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gaussian:0.6-0.1", ["0.6-0.1", "lower one first"]),
        ("masking:0.5:unclipped", ["Masking", "drop 'unclipped'"]),
        ("gaussian:loud", ["gaussian:loud", "gaussian:0.5"]),
        ("gaussian:0.1:0.2", ["gaussian:0.1:0.2", "kind:level"]),
    ],
)
def test_other_mistakes_say_the_value_and_the_way_out(text: str, words: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        NoiseSpec.parse(text)
    assert all(word in str(caught.value) for word in words)


def test_an_unknown_kind_names_the_closest() -> None:
    with pytest.raises(UnknownName) as caught:
        NoiseSpec.parse("gausian:0.5")
    assert (caught.value.value, caught.value.closest) == ("gausian", "gaussian")
    assert set(caught.value.choices) == set(NOISES)
