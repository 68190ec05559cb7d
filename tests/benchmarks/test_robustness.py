"""The table of every kind of noise."""

from dae.data import load_dataset
from dae.noise import NOISES, NoiseSpec
from dae.runs import find_run
from tests.benchmarks import robustness
from tests.helpers import ROOT


def test_rows_have_the_gain_of_each_run_and_mark_the_noise_that_it_was_trained_on() -> None:
    run = find_run("digits-linear", ROOT / "checkpoints")
    noises = [NoiseSpec.parse(text) for text in ("gaussian:0.5", "gaussian:0.5:unclipped", "masking:0.5")]
    head, _, *rows = robustness.markdown_rows([run], load_dataset("digits", "test", limit=8), noises, draws=1)
    assert head == "| noise | noisy input (dB) | `digits-linear` |"
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows]
    assert [name for name, _, _ in cells] == [f"`{noise}`" for noise in noises]
    assert [gain.startswith("**+") for _, _, gain in cells] == [True, False, False]


def test_every_kind_of_noise_is_measured_and_also_unclipped_if_that_differs() -> None:
    noises = robustness.all_noises([0.5])
    assert {noise.kind for noise in noises} == set(NOISES)
    assert {noise.kind for noise in noises if not noise.clipped} == {
        kind for kind, info in NOISES.items() if not info.in_unit_range
    }
