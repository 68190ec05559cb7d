"""The Compare page without a browser."""

import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dae import cli
from dae.evaluation.benchmark import latency_ms
from dae.noise import NOISES
from dae.runs import list_runs
from dae.ui import measuring
from tests.ui.apps import opened

BOTH = ["small-linear-32", "small-conv-64"]


@pytest.fixture(autouse=True)
def _runs(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))


def sentences(app: AppTest) -> str:
    return " ".join(text.value for text in [*app.subheader, *app.markdown])


def open_section(app: AppTest, key: str) -> None:
    """Unfold a section of the page, which measures what it needs."""
    app.session_state[key] = True
    app.run()
    assert not app.exception


def test_table_has_the_numbers_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    app = opened("pages/compare.py", compared=[*BOTH, "median"], noise="Masking", **{"strength_masking": "0.3"})
    table = app.dataframe[0].value.set_index("run")
    runs = [*(run.name for run in list_runs()), "median"]
    options = ["--dataset", "digits", "--noise", "masking:0.3", "--limit", "1000", "--draws", "3", "--json"]
    assert cli.main(["evaluate", *runs, *options]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["run"] for row in rows] == ["noisy", "small-conv-64", "small-linear-32", "median"]
    for row in rows:
        for name, value in row.items():
            if isinstance(value, float):
                assert table.loc[row["run"], name] == value


def test_headline_names_the_best_denoiser_and_the_text_the_crossover(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "latency_ms", latency_ms)
    app = opened("pages/compare.py", compared=[*BOTH, "median"])
    table = app.dataframe[0].value.set_index("run")
    best = table["psnr_db"].idxmax()
    assert app.header[0].value.startswith(table.loc[best, "label"])
    open_section(app, "every_level")
    assert "leaving the image alone beats" in sentences(app) or "never helps" in sentences(app)
    assert min(table.loc[best, "ms_one"], table.loc[best, "ms_batch"]) > 0


def test_selection_of_models_and_filters_changes_the_table() -> None:
    app = opened("pages/compare.py", compared=[*BOTH, "median"])
    app.multiselect(key="compared").set_value(["median"])
    app.run()
    assert list(app.dataframe[0].value["run"]) == ["noisy", "median"] and not app.exception
    app.multiselect(key="compared").set_value([])
    app.run()
    assert not app.exception and "Choose a model" in app.header[0].value


def test_second_visit_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened("pages/compare.py", compared=BOTH).dataframe[0].value

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("dae.evaluation.cache.per_image_metrics", fail)
    second = opened("pages/compare.py", compared=BOTH).dataframe[0].value
    assert list(first["psnr_db"]) == list(second["psnr_db"])


def test_every_kind_of_noise_is_measured_when_its_section_is_open() -> None:
    app = opened("pages/compare.py", compared=["small-linear-32"])
    assert len(app.dataframe) == 1
    open_section(app, "every_noise")
    labels, grid = list(app.dataframe[0].value["label"]), app.dataframe[1].value
    assert grid.shape == (2, 3 * len(NOISES)) and list(grid.index) == labels
    assert (grid.iloc[0] == 0).all() and grid.notna().all(axis=None)
    app.segmented_control(key="grid_metric").set_value("psnr_db")
    app.run()
    assert (app.dataframe[1].value > 3).all(axis=None)


def test_seed_table_shows_repeated_trainings(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(trained, runs)
    monkeypatch.setenv("DAE_CHECKPOINTS", str(runs))
    assert len(opened("pages/compare.py", compared=BOTH).dataframe) == 1
    shutil.copytree(runs / "small-linear-32", tmp_path / "other")
    config_file = json.loads((tmp_path / "other/config.json").read_text())
    config_file["config"]["seed"] += 1
    (tmp_path / "other/config.json").write_text(json.dumps(config_file))
    options = ["--dataset", "digits", "--limit", "20", "--aggregate-seeds", "--csv"]
    assert cli.main(["evaluate", "small-linear-32", str(tmp_path / "other"), *options]) == 0
    (runs / "small-linear-32/seeds.csv").write_text(capsys.readouterr().out)
    app = opened("pages/compare.py", compared=BOTH)
    table = app.dataframe[1].value
    assert list(table["Model"]) == list(app.dataframe[0].value["label"][1:2]) and list(table["Trainings"]) == ["2"]
    assert list(table["Images"]) == ["Drawn digits, 20"]


def test_headline_without_noise_names_no_winner() -> None:
    app = opened("pages/compare.py", compared=BOTH, strength_gaussian="0.0")
    assert app.header[0].value == "Without noise there is nothing to gain."


def test_stopped_measurement_continues_at_the_press_of_a_button() -> None:
    app = opened("pages/compare.py", compared=["median"], noise="Speckle", strength_speckle="0.15")
    app.session_state["measuring_stopped"] = "digits speckle:0.4 60 ['median']"
    app.slider(key="strength_speckle").set_value(0.4)
    app.run()
    assert "Stopped: " in sentences(app) and not app.exception
    app.button(key="table_go_on").click()
    app.run()
    assert "Stopped: " not in sentences(app)
    assert list(app.dataframe[0].value["run"]) == ["noisy", "median"]


def test_another_data_set_selects_its_own_models(photos: str) -> None:
    app = opened("pages/compare.py", compared=["small-linear-32", "median"])
    app.selectbox(key="data").select(photos)
    app.run()
    assert not app.exception and set(BOTH) <= set(app.multiselect(key="compared").value)


def test_another_kind_of_noise_starts_at_its_default_level() -> None:
    app = opened("pages/compare.py", compared=["median"], strength_gaussian="0.9")
    assert app.dataframe[0].value["noise"].iloc[0] == "gaussian:0.9"
    app.selectbox(key="noise").select("occlusion")
    app.run()
    assert app.dataframe[0].value["noise"].iloc[0] == "occlusion:0.2"
