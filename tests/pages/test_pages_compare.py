"""Compare, run without a browser."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dae import cli
from dae.runs import list_runs
from dae.ui import tables
from tests.pages.apps import opened

BOTH = ["small-linear-32", "small-conv-64"]


@pytest.fixture(autouse=True)
def _runs(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))


def sentences(app: AppTest) -> str:
    return " ".join(text.value for text in [*app.subheader, *app.markdown])


def test_it_gives_the_numbers_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    app = opened("pages/compare.py", compared=[*BOTH, "median"], noise="Masking", **{"strength_masking": "0.3"})
    table = app.dataframe[0].value.set_index("run")
    runs = [*(run.name for run in list_runs()), "median"]
    arguments = ["evaluate", *runs, "--dataset", "digits", "--noise", "masking:0.3", "--limit", "1000", "--json"]
    assert cli.main(arguments) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["run"] for row in rows] == ["noisy", "small-conv-64", "small-linear-32", "median"]
    for row in rows:
        for name, value in row.items():
            if isinstance(value, float):
                assert table.loc[row["run"], name] == value


def test_it_says_who_is_best_and_where_that_turns_round() -> None:
    app = opened("pages/compare.py", compared=[*BOTH, "median"])
    table = app.dataframe[0].value.set_index("run")
    best = table["psnr_db"].idxmax()
    assert app.header[0].value.startswith(table.loc[best, "label"])
    assert "doing nothing is better than" in sentences(app) or "never helps" in sentences(app)
    assert table.loc[best, "ms_one"] > 0 and table.loc[best, "ms_batch"] > 0


def test_who_is_compared_can_be_chosen() -> None:
    app = opened("pages/compare.py", compared=[*BOTH, "median"])
    app.multiselect(key="compared").set_value(["median"])
    app.run()
    assert list(app.dataframe[0].value["run"]) == ["noisy", "median"] and not app.exception
    app.multiselect(key="compared").set_value([])
    app.run()
    assert not app.exception and "Choose a model" in app.header[0].value


def test_the_second_opening_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened("pages/compare.py", compared=BOTH).dataframe[0].value

    def measured_again(*_: object, **__: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("dae.measured.measure", measured_again)
    again = opened("pages/compare.py", compared=BOTH).dataframe[0].value
    assert list(first["psnr_db"]) == list(again["psnr_db"])


def test_every_kind_of_noise_is_measured_on_request() -> None:
    app = opened("pages/compare.py", compared=["small-linear-32"])
    assert len(app.dataframe) == 1
    app.session_state["every_noise"] = True
    app.run()
    assert not app.exception
    grid = app.dataframe[1].value
    assert grid.shape == (2, 21) and list(grid.index) == ["Doing nothing", "Linear (32 numbers)"]
    assert (grid.loc["Doing nothing"] == 0).all() and grid.notna().all(axis=None)
    app.segmented_control(key="grid_metric").set_value("psnr_db")
    app.run()
    assert (app.dataframe[1].value > 3).all(axis=None)


def test_a_model_trained_again_with_other_seeds_shows_how_much_may_be_chance(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(trained, runs)
    monkeypatch.setenv("DAE_CHECKPOINTS", str(runs))
    assert len(opened("pages/compare.py", compared=BOTH).dataframe) == 1
    shutil.copytree(runs / "small-linear-32", tmp_path / "other")
    about = json.loads((tmp_path / "other/config.json").read_text())
    about["config"]["seed"] += 1
    (tmp_path / "other/config.json").write_text(json.dumps(about))
    options = ["--dataset", "digits", "--limit", "20", "--over-seeds", "--csv"]
    assert cli.main(["evaluate", "small-linear-32", str(tmp_path / "other"), *options]) == 0
    (runs / "small-linear-32/seeds.csv").write_text(capsys.readouterr().out)
    app = opened("pages/compare.py", compared=BOTH)
    table = app.dataframe[1].value
    assert list(table["Model"]) == ["Linear (32 numbers)"] and list(table["Trainings"]) == ["2"]
    assert list(table["Pictures"]) == ["Drawn digits, 20"]


def test_without_noise_nobody_wins() -> None:
    app = opened("pages/compare.py", compared=BOTH, strength_gaussian="0.0")
    assert "doing nothing is perfect" in app.header[0].value


def test_what_was_stopped_goes_on_when_asked() -> None:
    app = opened("pages/compare.py", compared=["median"], noise="Speckle", strength_speckle="0.15")
    app.session_state["halted"] = "digits speckle:0.4 1000 ['median']"
    app.slider(key="strength_speckle").set_value(0.4)
    app.run()
    assert "Stopped: " in sentences(app) and not app.exception
    app.button(key="table_go_on").click()
    app.run()
    assert "Stopped: " not in sentences(app)
    assert list(app.dataframe[0].value["run"]) == ["noisy", "median"]


def test_another_data_set_brings_its_own_models(photos: str) -> None:
    app = opened("pages/compare.py", compared=["small-linear-32", "median"])
    app.selectbox(key="data").select(photos)
    app.run()
    assert not app.exception and set(BOTH) <= set(app.multiselect(key="compared").value)


def test_another_kind_of_noise_comes_at_its_usual_strength() -> None:
    app = opened("pages/compare.py", compared=["median"], strength_gaussian="0.9")
    assert app.dataframe[0].value["noise"].iloc[0] == "gaussian:0.9"
    app.selectbox(key="noise").select("occlusion")
    app.run()
    assert app.dataframe[0].value["noise"].iloc[0] == "occlusion:0.2"


def test_the_table_over_all_noise_is_text_in_the_report() -> None:
    rows = pd.DataFrame(
        {
            "label": ["A", "B", "A"],
            "heading": ["Gaussian 0.5", "Gaussian 0.5", "Masking 0.3"],
            "gain_db": [1.234, -2, 3],
        }
    )
    text = tables.as_text(rows, "gain_db")
    assert list(text.columns) == ["Model", "Gaussian 0.5", "Masking 0.3"]
    assert text.to_numpy().tolist() == [["A", "+1.23", "+3.00"], ["B", "-2.00", "–"]]
