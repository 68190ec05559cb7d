"""NoiseSpec: parsing and printing, mixtures, and error messages."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dae.errors import SpecError, UnknownNameError
from dae.noise import NOISES, NoiseSpec, corrupt


@st.composite
def specs(draw: st.DrawFn) -> NoiseSpec:
    kind = draw(st.sampled_from(list(NOISES)))
    low, high = sorted(draw(st.tuples(*[st.floats(0, 1)] * 2)))
    return NoiseSpec(kind, (low, high), NOISES[kind].in_unit_range or draw(st.booleans()))


@st.composite
def mixtures(draw: st.DrawFn) -> NoiseSpec:
    return NoiseSpec.mixture(draw(st.lists(specs(), min_size=2, max_size=5)))


@given(specs() | mixtures())
def test_parsing_the_string_form_gives_an_equal_spec(spec: NoiseSpec) -> None:
    parsed = NoiseSpec.parse(str(spec))
    assert parsed == spec and hash(parsed) == hash(spec) and str(parsed) == str(spec)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gaussian:1e-1", "gaussian:0.1"),
        ("gaussian:1E-1", "gaussian:0.1"),
        ("gaussian:1e-1-5e-1", "gaussian:0.1-0.5"),
        ("gaussian:0.1-1e+0+masking:2e-1", "gaussian:0.1-1+masking:0.2"),
    ],
)
def test_levels_may_have_exponents(text: str, expected: str) -> None:
    assert NoiseSpec.parse(text) == NoiseSpec.parse(expected)


@given(st.text())
def test_parse_accepts_any_text_or_raises_spec_error(text: str) -> None:
    try:
        assert NoiseSpec.parse(text).kind in NOISES
    except SpecError as error:
        assert str(error)


@given(st.sampled_from(list(NOISES)), st.text(alphabet="0123456789.-:einfa+_ ", max_size=12))
def test_parse_accepts_any_level_text_or_raises_spec_error(kind: str, rest: str) -> None:
    try:
        spec = NoiseSpec.parse(f"{kind}:{rest}")
        assert 0 <= spec.low <= spec.high <= 1
    except SpecError:
        pass


def test_a_single_level_is_a_range_of_equal_limits() -> None:
    spec, ranged = NoiseSpec("gaussian", 0.5), NoiseSpec("gaussian", (0.1, 0.6))
    assert (spec.level_range, spec.low, spec.high, spec.level) == ((0.5, 0.5), 0.5, 0.5, 0.5)
    assert (ranged.level_range, ranged.low, ranged.high) == ((0.1, 0.6), 0.1, 0.6)
    assert spec == NoiseSpec("gaussian", (0.5, 0.5)) and spec != ranged


def test_component_returns_the_widest_range_of_a_kind() -> None:
    mixture = NoiseSpec.parse("gaussian:0-0.3+masking:0-0.1+gaussian:0-1+masking:0-0.1")
    assert mixture.component("gaussian") == NoiseSpec("gaussian", (0, 1))
    assert mixture.component("masking") == NoiseSpec("masking", (0, 0.1))
    assert mixture.component("poisson") is None


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("gaussian:0.5", "Gaussian 0.5"),
        ("gaussian:0.2:unclipped", "Gaussian 0.2"),
        ("masking:0-1", "Masking 0 to 1"),
        ("gaussian:0-1+gaussian:0-1:unclipped", "Gaussian 0 to 1"),
        ("gaussian:0-0.29411764", "Gaussian 0 to 0.294"),
        ("gaussian:0-1+masking:0.25-1", "Gaussian 0 to 1 and Masking 0.25 to 1"),
        (
            "gaussian:0-0.3+gaussian:0-1+masking:0-0.5+masking:0.4-1",
            "Gaussian 0 to 1, Masking 0 to 0.5 and Masking 0.4 to 1",
        ),
    ],
)
def test_label_lists_the_widest_ranges(text: str, label: str) -> None:
    assert NoiseSpec.parse(text).label == label


@pytest.mark.parametrize("text", ["gaussian:0.5+", "+gaussian", "gaussian:0.5++masking", "gaussian+gausian:0.5"])
def test_incomplete_or_misspelled_mixture_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        NoiseSpec.parse(text)


def test_mixture_has_kind_and_level_of_its_first_component() -> None:
    mixture = NoiseSpec.parse("masking:0.1-0.5 + Gaussian:0-1:unclipped")
    components = (NoiseSpec("masking", (0.1, 0.5)), NoiseSpec("gaussian", (0, 1), clipped=False))
    assert mixture == NoiseSpec.mixture(components) and mixture.components == components
    assert (mixture.kind, mixture.level) == ("masking", pytest.approx(0.3))
    assert mixture.with_level(0.2) == NoiseSpec("masking", 0.2)
    assert NoiseSpec.mixture(components[:1]) == components[0] and components[0].components == components[:1]


def test_mixtures_are_flattened_and_never_nested() -> None:
    mixture, speckle = NoiseSpec.parse("masking:0.1-0.5+gaussian:0-1:unclipped"), NoiseSpec("speckle", 0.5)
    for specs, text in (((speckle, mixture), f"{speckle}+{mixture}"), ((mixture, speckle), f"{mixture}+{speckle}")):
        assert str(NoiseSpec.mixture(specs)) == text and NoiseSpec.parse(text) == NoiseSpec.mixture(specs)
    with pytest.raises(SpecError, match=r"masking:0.1-0.5\+gaussian:0-1:unclipped.*Use NoiseSpec.mixture"):
        NoiseSpec("speckle", 0.5, mixed_with=(mixture,))


@pytest.mark.parametrize(
    ("text", "zero_mean"),
    [
        ("gaussian:0.5", False),
        ("gaussian:0.5:unclipped", True),
        ("masking:0.5", False),
        ("speckle:0.1:unclipped+poisson:0.2:unclipped", True),
        ("gaussian:0.5:unclipped+masking:0.5", False),
    ],
)
def test_noise_is_zero_mean_if_no_component_is_clipped(text: str, zero_mean: bool) -> None:
    """`test_unclipped_noise_has_the_expected_mean_and_variance` measures the mean of these kinds."""
    assert NoiseSpec.parse(text).is_zero_mean is zero_mean


def test_parse_reads_kind_level_range_and_clipping() -> None:
    assert NoiseSpec.parse("gaussian:0.5") == NoiseSpec("gaussian", 0.5)
    assert NoiseSpec.parse(" Masking:0.1-0.6 ") == NoiseSpec("masking", (0.1, 0.6))
    assert NoiseSpec.parse("gaussian:0.5:unclipped") == NoiseSpec("gaussian", 0.5, clipped=False)
    assert NoiseSpec("masking", (0.2, 0.6)).level == pytest.approx(0.4)
    unclipped = NoiseSpec("gaussian", (0.2, 0.6), clipped=False)
    assert unclipped.with_level(0.3) == NoiseSpec("gaussian", 0.3, clipped=False)


@pytest.mark.parametrize("text", ["gaussian:0.1-nan", "gaussian:0.5-"])
def test_incomplete_and_nan_ranges_are_refused(text: str) -> None:
    with pytest.raises(SpecError):
        NoiseSpec.parse(text)


def test_negative_zero_prints_as_zero() -> None:
    assert str(NoiseSpec("gaussian", -0.0)) == str(NoiseSpec("gaussian", (-0.0, -0.0))) == "gaussian:0"


@pytest.mark.parametrize("kind", NOISES)
@pytest.mark.parametrize("level", [-0.1, 1.4, math.inf, math.nan])
def test_level_outside_the_limits_is_refused_with_value_limits_and_unit(kind: str, level: float) -> None:
    with pytest.raises(SpecError) as caught:
        NoiseSpec(kind, level)
    message = str(caught.value)
    assert f"{level:g}" in message and "0 to 1" in message and NOISES[kind].level_unit in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gaussian:0.6-0.1", ["0.6-0.1", "lower level first"]),
        ("masking:0.5:unclipped", ["Masking", "Drop 'unclipped'"]),
        ("gaussian:loud", ["gaussian:loud", "gaussian:0.5"]),
        ("gaussian:0.1:0.2", ["gaussian:0.1:0.2", "kind:level"]),
    ],
)
def test_errors_name_the_value_and_the_fix(text: str, words: list[str]) -> None:
    with pytest.raises(SpecError) as caught:
        NoiseSpec.parse(text)
    assert all(word in str(caught.value) for word in words)


def test_unknown_kind_raises_an_error_with_the_closest_name() -> None:
    with pytest.raises(UnknownNameError) as caught:
        NoiseSpec.parse("gausian:0.5")
    assert (caught.value.value, caught.value.closest) == ("gausian", "gaussian")
    assert set(caught.value.choices) == set(NOISES)


@pytest.mark.parametrize("level", [-0.1, math.inf, math.nan, torch.tensor([0.5, -1.0])])
def test_a_level_that_is_negative_or_not_finite_is_refused(level: float | torch.Tensor) -> None:
    with pytest.raises(SpecError, match="0 or more"):
        corrupt(torch.rand(2, 1, 4, 4), NoiseSpec("gaussian", 0.5), torch.Generator(), level)


@pytest.mark.parametrize("level", [[0.2, 0.4], (0.1, 0.2, 0.3), None, "strong"])
def test_a_level_that_is_no_number_or_pair_is_refused(level: Any) -> None:
    with pytest.raises(SpecError, match="number, or a tuple of two"):
        NoiseSpec("gaussian", level)


def test_a_mixture_of_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="at least one"):
        NoiseSpec.mixture([])
