"""Model cards describe a run, its training and its measured results."""

from dataclasses import replace
from pathlib import Path

import pytest

from dae import cli
from dae.noise import NoiseSpec
from dae.runs import run_training
from dae.runs.model_card import card_noises, train_command
from dae.training import RECIPES
from tests.helpers import new_run


def test_card_noises_cover_every_component_once_and_ranges_at_four_levels() -> None:
    spec = NoiseSpec.parse("gaussian:0-1:unclipped+masking:0.5+masking:0.5")
    assert [str(noise) for noise in card_noises(spec)] == [
        "gaussian:0.1:unclipped",
        "gaussian:0.3:unclipped",
        "gaussian:0.5:unclipped",
        "gaussian:0.7:unclipped",
        "masking:0.5",
    ]


def test_card_command_measures_a_run_and_writes_its_readme(
    tmp_path: Path, photos: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = new_run(tmp_path, photos, "small", epochs=1)
    options = ["--checkpoints", str(tmp_path), "--noise", "gaussian:0.3", "--draws", "2"]
    terms = ["--data-terms", "The images are for research."]
    assert cli.main(["card", "small", *options]) == 2 and "needs a finished run" in capsys.readouterr().err
    list(run_training(run))
    assert cli.main(["card", "small", *options]) == 0
    card = (run.path / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: mit\n") and "# small\n" in card
    assert "| Precision | float32 |" in card
    assert "`linear-32`" in card and "1 epoch |" in card and "8 test images" in card and "2 noise draws" in card
    assert "dae card small --noise gaussian:0.3 --draws 2" in card and str(tmp_path) not in card
    assert card.endswith("MIT, like the code.\n")
    assert cli.main(["card", "small", *options, *terms]) == 0
    restricted = (run.path / "README.md").read_text(encoding="utf-8")
    assert (
        restricted.startswith("---\nlicense: other\n") and "--data-terms 'The images are for research.'" in restricted
    )
    assert restricted.endswith("The code is MIT. The images are for research.\n")
    row = next(line for line in card.splitlines() if line.startswith("| `gaussian:0.3` |"))
    capsys.readouterr()
    measured = ["evaluate", "small", "--dataset", photos, "--noise", "gaussian:0.3", "--draws", "2", "--csv"]
    assert cli.main([*measured, "--checkpoints", str(tmp_path)]) == 0
    header, noisy, result = (line.split(",") for line in capsys.readouterr().out.splitlines()[:3])
    psnr_db = header.index("psnr_db")
    assert row.split("|")[2].strip() == f"{float(noisy[psnr_db]):.2f}"
    assert row.split("|")[3].strip().startswith(f"{float(result[psnr_db]):.2f} ±")


def test_train_command_lists_the_options_that_differ_from_the_recipe() -> None:
    config = RECIPES["cifar10-conv"].config
    assert train_command("cifar10-conv", config) == "dae train --recipe cifar10-conv"
    assert train_command("cifar10-conv", replace(config, dataset="folder:my photos@28", seed=3)) == (
        "dae train --recipe cifar10-conv --dataset 'folder:my photos@28' --seed 3"
    )
