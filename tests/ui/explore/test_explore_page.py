"""The Explore page, run without a browser: test images, their order, and images of the user."""

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers import png_header
from tests.ui.apps import opened, shown


def test_explore_keeps_noise_level_and_seed_in_the_url(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py", level="0.3", seed="7")
    assert app.number_input(key="seed").value == 7
    assert app.query_params["level"] == "0.3"
    app.button(key="seed_next").click()
    app.run()
    assert app.number_input(key="seed").value == 8


def test_explore_shows_one_class_and_sorts_by_difficulty(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_explore_accepts_an_uploaded_image_and_rejects_other_files(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py", pictures="Your image", task="Add noise to it")
    assert "Upload an image" in shown(app)
    file = io.BytesIO()
    Image.effect_mandelbrot((90, 60), (-2, -1, 1, 1), 40).save(file, "png")
    app.file_uploader(key="upload").upload("mine.png", file.getvalue(), "image/png")
    app.run()
    assert not app.exception and not app.error and "90 × 60, resized to 28 × 28." in shown(app)
    thin, animation, smallest = io.BytesIO(), io.BytesIO(), io.BytesIO()
    Image.new("L", (100_000, 1)).save(thin, "png")
    frame = Image.new("L", (40, 40))
    frame.save(animation, "gif", save_all=True, append_images=[Image.new("L", (40, 40), 9)])
    Image.new("L", (1, 1)).save(smallest, "png")
    bomb, cut = png_header(60_000, 60_000), file.getvalue()[:200]
    for content in (b"", b"PK\x03\x04 a renamed zip", cut, bomb, thin.getvalue()):
        app.file_uploader(key="upload").upload("bad.png", content, "image/png")
        app.run()
        assert not app.exception and len(app.error) == 1 and app.segmented_control(key="task")
    for content in (animation.getvalue(), smallest.getvalue()):
        app.file_uploader(key="upload").upload("good.png", content, "image/png")
        app.run()
        assert not app.exception and not app.error and "resized to 28 × 28" in shown(app)


def test_explore_has_a_classical_filter_and_an_inspector(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py", filter="Median filter")
    assert app.selectbox(key="filter").value == "median"
    app.session_state["inspector"] = True
    app.run()
    assert not app.exception and not app.error
    assert "Median filter" in app.segmented_control(key="inspector_model").options


def test_a_page_number_past_the_end_becomes_the_last_page(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py", page="8")
    assert app.number_input(key="page").value == app.number_input(key="page").max == 8
    app.selectbox(key="class").select("3")
    app.run()
    last = app.number_input(key="page")
    assert not app.exception and not app.error and last.value == last.max < 4


def test_empty_query_parameters_select_the_defaults(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    assert not opened("pages/explore.py", pictures="", noise="").error


def test_a_link_with_former_option_names_opens_the_same_view(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("pages/explore.py", pictures="Your picture", models="small-conv-64", level="0.3", noise="Masking")
    assert app.segmented_control(key="pictures").value == "Your image" and app.pills(key="noise").value == "masking"
    # Until there is an image, only the address contains the models.
    assert app.query_params["models"] in ("small-conv-64", ["small-conv-64"])
    app = opened("pages/explore.py", models="small-conv-64", level="0.3", noise="Masking")
    assert app.multiselect(key="models").value == ["small-conv-64"] and app.pills(key="noise").value == "masking"
    app = opened("pages/explore.py", view="What the code knows", part="Walk", walk_to="1")
    assert app.segmented_control(key="view").value == "Inside the model"
    assert app.segmented_control(key="part").value == "Interpolation" and app.selectbox(key="walk_to").value == "1"
