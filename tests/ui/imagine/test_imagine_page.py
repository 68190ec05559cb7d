"""The Imagine view, run without a browser: its parts, its fallback model and its steps."""

import io
import shutil
from pathlib import Path

import pytest
import torch

from dae.data import load_dataset
from dae.ui.components import wiping_board
from dae.ui.components.pixel_filters import Pixel
from dae.ui.components.wiping_board import GRID, Wipe, from_hex, last_wipe, to_hex
from dae.ui.imagine import alternatives, completion, pixel_filters, prior
from dae.ui.imagine.streams import streams
from tests.helpers import ROOT, gray_noise, wait_for
from tests.ui.apps import opened, shown


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Copy two shipped models to the runs folder."""
    for name in ("digits-linear", "mnist-prior"):
        shutil.copytree(ROOT / "checkpoints" / name, tmp_path / "runs" / name)
    return tmp_path / "runs"


def test_the_next_seed_starts_another_dream(shipped: Path) -> None:
    app = opened("pages/explore.py", view="Imagine", imagine_seed="7")
    assert app.number_input(key="imagine_seed").value == 7
    app.button(key="imagine_seed_next").click().run()
    assert app.number_input(key="imagine_seed").value == 8 and not app.exception and not app.error
    running = streams().peek(next(iter(streams()._streams)))
    wait_for(lambda: running and running.frames)
    assert "stands in" not in shown(app)


@pytest.mark.parametrize("part", ["What else could it be?", "Complete it", "Why this pixel?"])
def test_every_part_opens(shipped: Path, part: str) -> None:
    app = opened("pages/explore.py", view="Imagine", imagine=part, imagine_digit="3")
    assert app.segmented_control(key="imagine").value == part and not app.error
    assert app.number_input(key="imagine_digit").value == 3


def test_only_a_presenter_can_select_an_uploaded_image(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("pages/explore.py", view="Imagine", imagine="Why this pixel?", imagine_source="Your image")
    file = io.BytesIO()
    gray_noise(60, 80, 90).save(file, "PNG")
    app.file_uploader(key="upload").upload("mine.png", file.getvalue(), "image/png")
    app.run()
    assert "60 × 80, resized to 28 × 28" in shown(app) and not app.error and not app.exception
    assert app.session_state["imagine_source"] == "Your image"
    monkeypatch.setattr("dae.ui.shell.auth.is_presenter", lambda: False)
    assert (
        "Your image"
        not in opened("pages/explore.py", view="Imagine", imagine="Why this pixel?")
        .segmented_control(key="imagine_source")
        .options
    )


def test_invalid_addresses_open_the_defaults(shipped: Path) -> None:
    values = {"imagine_digit": "1e999", "imagine_level": "9", "imagine_pixel": "-1,x", "imagine_seed": "no"}
    app = opened("pages/explore.py", view="Imagine", imagine="Why this pixel?", **values)
    assert not app.error and app.number_input(key="imagine_digit").value == 1
    assert app.select_slider(key="imagine_level").value == "0.5"


def test_a_missing_prior_is_replaced_by_another_model_with_a_note(shipped: Path) -> None:
    images = load_dataset("digits", "test", limit=2)
    assert (found := prior.find_prior(images)) and found.option.name == "mnist-prior"
    shutil.rmtree(shipped / "mnist-prior")
    app = opened("pages/explore.py", view="Imagine")
    assert "is missing here. The images come from `digits-linear`" in shown(app) and not app.error
    shutil.rmtree(shipped / "digits-linear")
    assert "No model for" in shown(opened("pages/explore.py", view="Imagine"))


def test_a_hidden_part_covers_half_of_the_image() -> None:
    known = completion.known_pixels(completion.hidden_cells("Left"), (1, 28, 28))
    assert known.shape == (1, 1, 28, 28) and known[..., 14:].all() and not known[..., :14].any()


def test_each_wiped_cell_hides_its_pixels() -> None:
    cells = "".join(str(int(cell == 3 * GRID + 5)) for cell in range(GRID**2))
    known = completion.known_pixels(cells, (1, 28, 28))[0, 0]
    assert (~known).nonzero().tolist() == [[6, 10], [6, 11], [7, 10], [7, 11]]


def test_wiped_cells_are_restored_from_hexadecimal_and_invalid_text_is_ignored() -> None:
    cells = "0" * (GRID**2 - 6) + "101100"
    assert from_hex(to_hex(cells)) == cells and len(to_hex(cells)) < 50
    assert [from_hex(text) for text in ("", "f" * 50, "x" * 49, to_hex(cells).upper())] == ["", "", "", ""]


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({"wipe": {"cells": "1" * GRID**2, "turn": 3}}, Wipe("1" * GRID**2, 3)),
        ({"wipe": {"cells": "1", "turn": 3}}, None),
        ({"wipe": {"cells": "2" * GRID**2, "turn": 3}}, None),
        ({"wipe": {"cells": 7, "turn": "now"}}, None),
        ("wipe", None),
        (None, None),
    ],
)
def test_a_malformed_wipe_of_the_browser_is_ignored(
    report: object, expected: Wipe | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wiping_board.st, "session_state", {"board": report})
    assert last_wipe("board") == expected


def test_a_link_restores_the_wiped_cells(shipped: Path) -> None:
    cells = completion.hidden_cells("Center")
    params = {"view": "Imagine", "imagine": "Complete it", "imagine_hidden": "Your own"}
    app = opened("pages/explore.py", **params, imagine_wiped=to_hex(cells))
    app.run()
    assert to_hex(cells) in app.query_params["imagine_wiped"] and "Wipe away" not in shown(app) and not app.error
    ((question, _),) = streams()._streams.items()
    assert cells in question
    app.segmented_control(key="imagine_hidden").set_value("Top").run()
    assert "imagine_wiped" not in app.query_params and not app.exception
    assert "Wipe away a part" in shown(opened("pages/explore.py", **params, imagine_wiped="<b>"))


def test_the_comparison_with_memory_names_the_better_one() -> None:
    assert "2.0 dB closer than perfect memory" in alternatives.compare_with_memory((0, 9.0, 20.0, 18.0, 0))
    assert "Perfect memory is 1.5 dB closer" in alternatives.compare_with_memory((0, 9.0, 20.0, 21.5, 0))
    assert "tied" in alternatives.compare_with_memory((0, 9.0, 20.0, 20.01, 0))


def test_a_filter_has_a_color_per_sign_and_a_share_of_weight_near_its_pixel() -> None:
    weights = torch.zeros(1, 9, 9)
    weights[0, 4, 4], weights[0, 0, 8] = 3.0, -1.0
    assert pixel_filters.near_share(weights, Pixel(4, 4)) == pytest.approx(0.75)
    image = pixel_filters.filter_image(torch.zeros(1, 9, 9), weights)
    positive, negative, none = image.getpixel((4, 4)), image.getpixel((8, 0)), image.getpixel((0, 0))
    assert positive[0] > positive[2] and negative[2] > negative[0] and none == (0, 0, 0)
    assert pixel_filters.near_share(torch.zeros(1, 9, 9), Pixel(0, 0)) == 0
    clean = torch.zeros(1, 9, 9)
    clean[0, 0, 0] = clean[0, 5, 4] = 1
    assert pixel_filters.stroke_pixel(clean) == Pixel(5, 4)
