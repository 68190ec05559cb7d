"""How a noise is written: what a spec reads it prints, and a mistake says the value, the rule and the way out."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dae.errors import SpecError, UnknownName
from dae.noise import NOISES, NoiseSpec


@st.composite
def specs(draw: st.DrawFn) -> NoiseSpec:
    kind = draw(st.sampled_from(list(NOISES)))
    low, high = sorted(draw(st.tuples(*[st.floats(0, 1)] * 2)))
    return NoiseSpec(kind, low, high, NOISES[kind].bounded or draw(st.booleans()))


@st.composite
def mixes(draw: st.DrawFn) -> NoiseSpec:
    return replace(draw(specs()), others=tuple(draw(st.lists(specs(), min_size=1, max_size=4))))


@given(specs() | mixes())
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


def test_of_several_ranges_of_a_kind_the_widest_is_its_part() -> None:
    mix = NoiseSpec.parse("gaussian:0-0.3+masking:0-0.1+gaussian:0-1+masking:0-0.1")
    assert mix.part("gaussian") == NoiseSpec("gaussian", 0, 1) and mix.part("masking") == NoiseSpec("masking", 0, 0.1)
    assert mix.part("poisson") is None


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("gaussian:0.5", "Gaussian 0.5"),
        ("gaussian:0.2:unclipped", "Gaussian 0.2"),
        ("masking:0-1", "Masking 0 to 1"),
        ("gaussian:0-1+masking:0.25-1", "Gaussian 0 to 1 and Masking 0.25 to 1"),
        (
            "gaussian:0-0.3+gaussian:0-1+masking:0-0.5+masking:0.4-1",
            "Gaussian 0 to 1, Masking 0 to 0.5 and Masking 0.4 to 1",
        ),
    ],
)
def test_a_noise_and_a_mix_for_people(text: str, label: str) -> None:
    assert NoiseSpec.parse(text).label == label


@pytest.mark.parametrize("text", ["gaussian:0.5+", "+gaussian", "gaussian:0.5++masking", "gaussian+gausian:0.5"])
def test_half_a_mix_is_none(text: str) -> None:
    with pytest.raises(SpecError):
        NoiseSpec.parse(text)


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
def test_noise_of_zero_mean_is_what_nothing_clips(text: str, zero_mean: bool) -> None:
    """That these kinds then have the mean 0, `test_mean_and_variance` shows."""
    assert NoiseSpec.parse(text).zero_mean is zero_mean


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
