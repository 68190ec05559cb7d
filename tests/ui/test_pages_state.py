"""Test without a browser that selections are kept when the user opens another page and comes back."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dae.runs import run_training
from dae.ui import resources, selectors
from tests.helpers import new_run
from tests.ui.apps import opened

VIEW = "Inside the model"


@pytest.fixture(autouse=True)
def runs(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))


def visited(app: AppTest, path: str, **params: str | list[str]) -> AppTest:
    """Open another page of a session; as in a browser, only parameters bound to widgets stay in the URL."""
    for name in list(app.query_params):
        if name not in ("data", "noise", "view", "part", "walk_from", "walk_to"):
            del app.query_params[name]
    for name, value in params.items():
        app.query_params[name] = value
    app.switch_page(path).run()
    assert not app.exception and not app.error
    return app


def test_models_seed_and_noise_level_are_kept(photos: str) -> None:
    app = opened("pages/explore.py", data=selectors.dataset_option(photos), level="0.3")
    app.multiselect(key="models").set_value(["small-conv-64"])
    app.number_input(key="seed").set_value(7)
    app.run()
    visited(visited(app, "pages/train.py"), "pages/explore.py")
    assert app.multiselect(key="models").value == ["small-conv-64"] and app.number_input(key="seed").value == 7
    assert [app.query_params[name] for name in ("models", "seed", "level")] == ["small-conv-64", "7", "0.3"]
    visited(visited(app, "pages/train.py"), "pages/explore.py", models=["small-linear-32"], level="0.7")
    # The parameters of a link take precedence.
    assert app.multiselect(key="models").value == ["small-linear-32"]
    assert app.query_params["level"] == "0.7" and app.number_input(key="seed").value == 7


def test_the_watched_trainings_are_kept(photos: str) -> None:
    app = opened("pages/train.py", runs=["small-linear-32", "small-conv-64"])
    watched = next(widget for widget in app.multiselect if widget.label == "Trainings").value
    assert len(watched) == 2
    visited(visited(app, "pages/explore.py"), "pages/train.py")
    assert next(widget for widget in app.multiselect if widget.label == "Trainings").value == watched
    # The parameters of a link take precedence.
    visited(visited(app, "pages/explore.py"), "pages/train.py", runs="small-conv-64")
    assert next(widget for widget in app.multiselect if widget.label == "Trainings").value == ["small-conv-64"]


def test_the_compared_models_are_kept(photos: str) -> None:
    app = opened("pages/compare.py", data=selectors.dataset_option(photos))
    app.multiselect(key="compared").set_value(["median"])
    app.run()
    visited(visited(app, "pages/train.py"), "pages/compare.py")
    assert app.multiselect(key="compared").value == ["median"]


def test_another_kind_of_noise_starts_at_its_default_level() -> None:
    app = opened("pages/explore.py", level="0.9")
    app.pills(key="noise").set_value("masking")
    app.run()
    assert app.query_params["level"] == "0.5"


def test_a_kind_of_noise_selected_on_another_page_starts_at_its_default_level() -> None:
    app = opened("pages/explore.py", level="0.9")
    visited(app, "pages/train.py")
    visited(app, "pages/explore.py", noise="Masking")
    assert app.pills(key="noise").value == "masking" and app.query_params["level"] == "0.5"


def test_the_axes_of_curves_are_kept() -> None:
    app = opened("pages/train.py")
    app.segmented_control(key="curve_y").set_value("Loss, log scale")
    app.run()
    visited(visited(app, "pages/explore.py"), "pages/train.py")
    assert app.segmented_control(key="curve_y").value == "Loss, log scale"


def test_an_interpolation_is_kept_and_its_link_opens_the_same_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dae.ui.codes.view.NUM_IMAGES", 60)
    app = opened("pages/explore.py", view=VIEW, part="Interpolation")
    nearest = app.number_input(key="walk_to_picture").value
    other = 1 if nearest > 1 else 2
    app.number_input(key="walk_to_picture").set_value(other)
    app.run()
    assert app.query_params["walk_to_picture"] == str(other)
    linked = opened("pages/explore.py", view=VIEW, part="Interpolation", walk_to_picture=str(other))
    assert linked.number_input(key="walk_to_picture").value == other
    visited(visited(app, "pages/train.py"), "pages/explore.py")
    assert app.number_input(key="walk_to_picture").value == other


def test_the_option_of_an_image_folder_in_a_link_selects_that_folder(
    photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = photos.replace("@28", "@32")
    monkeypatch.setattr(resources, "available_datasets", lambda: ["digits", photos, other])
    assert selectors.dataset_option(photos) == photos and selectors.dataset_option("digits") == "Drawn digits"
    app = opened("pages/explore.py", data=selectors.dataset_option(photos))
    assert app.selectbox(key="data").value == photos


def test_runs_whose_previews_are_not_shown_are_named(
    photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(tmp_path / "runs"))
    for name, seed in (("one", 1), ("two", 1), ("other", 2)):
        list(run_training(new_run(tmp_path / "runs", photos, name, seed=seed)))
    captions: list[str] = []
    monkeypatch.setattr("dae.ui.train.previews.frame_slider", lambda *_, caption, **__: captions.append(caption))
    opened("pages/train.py", runs=["one", "two", "other"])
    opened("pages/train.py", runs=["one", "two"])
    assert captions[0].endswith("Linear · other.")
    # Only the explanation of the filters.
    assert captions[-1].startswith("Filters are") and "Not shown" not in captions[-1]
