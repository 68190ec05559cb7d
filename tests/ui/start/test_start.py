"""The Start page: its model, its kinds of noise, the clean images as the answer, and the links to other pages."""

from pathlib import Path
from typing import Any

import pytest

from dae.noise import NOISES, NoiseSpec
from dae.ui.explore.gallery import render
from dae.ui.model_options import ModelOption
from dae.ui.start import view
from tests.ui.apps import opened


def option(name: str, noise: str, family: str = "residual CNN") -> ModelOption:
    return ModelOption(name, "unet", name, "#123456", family, noise=NoiseSpec.parse(noise))


@pytest.mark.parametrize(
    ("options", "chosen", "kinds"),
    [
        ([option("linear", "gaussian:0.5", "linear"), option("unet", "gaussian:0.5")], "unet", ["gaussian"]),
        (
            [option("unet", "gaussian:0.5"), option("blind", "masking:0-1+gaussian:0-1")],
            "blind",
            ["gaussian", "masking"],
        ),
        ([option("blind", "+".join(f"{kind}:0-1" for kind in NOISES))], "blind", list(NOISES)),
    ],
)
def test_the_model_trained_on_the_most_kinds_of_noise_is_selected(
    options: list[ModelOption], chosen: str, kinds: list[str]
) -> None:
    model = view.select_model(options)
    assert model and model.name == chosen and view.trained_kinds(model) == kinds
    assert view.select_model([]) is None


def test_show_the_answer_adds_the_clean_images_as_the_last_row(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[list[str]] = []
    values: list[int] = []

    def draw(drawn: list[Any], value: int, **_: Any) -> int:
        rows.append([row.title for row in drawn])
        values.append(value)
        return 0

    monkeypatch.setattr(render, "frame_slider", draw)
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = opened("dashboard.py", level="0.8")
    app.toggle(key="answer").set_value(True)
    app.run()
    assert not app.exception and rows == [["Noisy", "Convolutional"], ["Noisy", "Convolutional", "Clean"]]
    assert values == [40, 40]


def test_the_audience_gets_a_link_to_drawing_instead_of_uploading(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))

    def doors() -> set[str]:
        return {link.proto.label for link in opened("dashboard.py").get("page_link")}

    assert {"**Clean a photo**"} <= doors()
    monkeypatch.setenv("DAE_PRESENTER_KEY", "sesame")
    assert {"**Draw a digit**"} <= doors() and "**Clean a photo**" not in doors()
