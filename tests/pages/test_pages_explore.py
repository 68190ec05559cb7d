"""Explore, run without a browser: its pictures, their order, and those that users bring."""

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import png_header
from tests.pages.apps import opened, shown


def test_explore_keeps_its_noise_in_the_address(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py", level="0.3", seed="7")
    assert app.number_input(key="seed").value == 7
    assert app.query_params["level"] == "0.3"
    app.button(key="new_noise").click()
    app.run()
    assert app.number_input(key="seed").value == 8


def test_explore_shows_one_class_and_the_hardest_first(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py")
    every = app.number_input(key="page").max
    app.selectbox(key="class").select("3")
    app.run()
    assert 0 < app.number_input(key="page").max < every / 5
    hardest = next(name for name in app.selectbox(key="order").options if name.startswith("Hardest"))
    app.selectbox(key="order").select(hardest)
    app.run()
    assert not app.exception and not app.error and app.selectbox(key="order").value == hardest


def test_explore_takes_an_uploaded_picture_and_refuses_what_is_none(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py", pictures="Your picture")
    assert "Upload a picture" in shown(app)
    file = io.BytesIO()
    Image.effect_mandelbrot((90, 60), (-2, -1, 1, 1), 40).save(file, "png")
    app.file_uploader(key="upload").upload("mine.png", file.getvalue(), "image/png")
    app.run()
    assert not app.exception and not app.error and "90 x 60, shown to the models at 28 x 28" in shown(app)
    thin, animation, smallest = io.BytesIO(), io.BytesIO(), io.BytesIO()
    Image.new("L", (100_000, 1)).save(thin, "png")
    still = Image.new("L", (40, 40))
    still.save(animation, "gif", save_all=True, append_images=[Image.new("L", (40, 40), 9)])
    Image.new("L", (1, 1)).save(smallest, "png")
    bomb, cut = png_header(60_000, 60_000), file.getvalue()[:200]
    for content in (b"", b"PK\x03\x04 a renamed zip", cut, bomb, thin.getvalue()):
        app.file_uploader(key="upload").upload("bad.png", content, "image/png")
        app.run()
        assert not app.exception and len(app.error) == 1 and app.button(key="new_noise")
    for content in (animation.getvalue(), smallest.getvalue()):
        app.file_uploader(key="upload").upload("good.png", content, "image/png")
        app.run()
        assert not app.exception and not app.error and "shown to the models" in shown(app)


def test_explore_has_a_classical_filter_and_a_closer_look_on_request(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py", filter="Median filter")
    assert app.selectbox(key="filter").value == "median"
    app.session_state["closer"] = True
    app.run()
    assert not app.exception and not app.error
    assert "Median filter" in app.segmented_control(key="closer_run").options


def test_a_page_number_beyond_a_smaller_choice_becomes_the_last(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py", page="1250")
    assert app.number_input(key="page").value == 1250
    app.selectbox(key="class").select("3")
    app.run()
    last = app.number_input(key="page")
    assert not app.exception and not app.error and last.value == last.max < 200


def test_an_empty_choice_of_pictures_in_the_address_is_the_usual_one(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    assert not opened("pages/explore.py", pictures="", noise="").error
