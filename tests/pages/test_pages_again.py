"""Going to another page and coming back, run without a browser: what was chosen is there again."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dae.recording import record
from dae.ui import shared
from tests.conftest import new_run
from tests.pages.apps import opened

VIEW = "What the code knows"


@pytest.fixture(autouse=True)
def runs(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))


def visited(app: AppTest, path: str, **address: str | list[str]) -> AppTest:
    """Another page; a browser takes only what is bound to a widget along in the address."""
    for name in list(app.query_params):
        if name not in ("data", "noise", "view", "part", "walk_from", "walk_to"):
            del app.query_params[name]
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page(path).run()
    assert not app.exception and not app.error
    return app


def test_models_noise_and_strength_are_there_again(photos: str) -> None:
    app = opened("pages/explore.py", data=shared.label(photos), level="0.3")
    app.multiselect(key="models").set_value(["small-conv-64"])
    app.number_input(key="seed").set_value(7)
    app.run()
    visited(visited(app, "pages/train.py"), "pages/explore.py")
    assert app.multiselect(key="models").value == ["small-conv-64"] and app.number_input(key="seed").value == 7
    assert [app.query_params[name] for name in ("models", "seed", "level")] == ["small-conv-64", "7", "0.3"]
    visited(visited(app, "pages/train.py"), "pages/explore.py", models=["small-linear-32"], level="0.7")
    assert app.multiselect(key="models").value == ["small-linear-32"]  # a link says otherwise
    assert app.query_params["level"] == "0.7" and app.number_input(key="seed").value == 7


def test_who_is_compared_is_there_again(photos: str, few_pictures: None) -> None:
    app = opened("pages/compare.py", data=shared.label(photos))
    app.multiselect(key="compared").set_value(["median"])
    app.run()
    visited(visited(app, "pages/train.py"), "pages/compare.py")
    assert app.multiselect(key="compared").value == ["median"]


def test_another_kind_of_noise_has_its_own_strength() -> None:
    app = opened("pages/explore.py", level="0.9")
    app.pills(key="noise").set_value("masking")
    app.run()
    assert app.query_params["level"] == "0.5"


def test_a_kind_chosen_elsewhere_comes_at_its_own_strength(few_pictures: None) -> None:
    app = opened("pages/explore.py", level="0.9")
    visited(app, "pages/train.py")
    visited(app, "pages/explore.py", noise="Masking")
    assert app.pills(key="noise").value == "masking" and app.query_params["level"] == "0.5"


def test_how_curves_are_drawn_is_there_again() -> None:
    app = opened("pages/train.py")
    app.toggle(key="curve_log").set_value(True)
    app.segmented_control(key="curve_y:0").set_value("psnr_db")
    app.run()
    visited(visited(app, "pages/explore.py"), "pages/train.py")
    assert app.toggle(key="curve_log").value and app.segmented_control(key="curve_y:0").value == "psnr_db"


def test_a_walk_is_there_again_and_its_link_opens_the_same_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dae.ui.knows.IMAGES", 60)
    app = opened("pages/explore.py", view=VIEW, part="Walk")
    nearest = app.number_input(key="walk_to_picture").value
    other = 1 if nearest > 1 else 2
    app.number_input(key="walk_to_picture").set_value(other)
    app.run()
    assert app.query_params["walk_to_picture"] == str(other)
    linked = opened("pages/explore.py", view=VIEW, part="Walk", walk_to_picture=str(other))
    assert linked.number_input(key="walk_to_picture").value == other
    visited(visited(app, "pages/train.py"), "pages/explore.py")
    assert app.number_input(key="walk_to_picture").value == other


def test_a_link_names_a_folder_as_the_choice_does(photos: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = photos.replace("@28", "@32")
    monkeypatch.setattr(shared, "available_datasets", lambda: ["digits", photos, other])
    assert shared.option(photos) == photos and shared.option("digits") == "Drawn digits"
    app = opened("pages/explore.py", data=shared.option(photos))
    assert app.selectbox(key="data").value == photos


def test_runs_on_other_pictures_are_named_where_theirs_are_missing(
    photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(tmp_path / "runs"))
    for name, seed in (("one", 1), ("two", 1), ("other", 2)):
        list(record(new_run(tmp_path / "runs", photos, name, seed=seed)))
    captions: list[str] = []
    monkeypatch.setattr("dae.ui.playback.frame_slider", lambda *_, caption, **__: captions.append(caption))
    opened("pages/train.py", runs=["one", "two", "other"])
    opened("pages/train.py", runs=["one", "two"])
    assert captions[0].endswith("other.") and captions[-1] == ""
