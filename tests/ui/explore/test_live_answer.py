"""Test what the browser receives to denoise a drawing."""

import json
from typing import Any

import pytest

from dae.noise import NoiseSpec
from dae.ui.explore import live_answer
from dae.ui.explore.gallery.sprites import Gallery, ImageSelection
from dae.ui.model_options import ModelOption
from tests.helpers import ROOT


@pytest.mark.parametrize(
    ("families", "num_programs"), [(["linear"], 1), (["linear", "linear"], 2), (["linear", "classical"], 0), ([], 0)]
)
def test_the_browser_gets_a_program_per_row_or_nothing(
    families: list[str], num_programs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[bytes] = []
    monkeypatch.setenv("DAE_CHECKPOINTS", str(ROOT / "checkpoints"))
    monkeypatch.setattr(live_answer, "inline_component", lambda *_: lambda key, data: messages.append(data))
    options = [ModelOption("digits-linear", "linear-32", "Linear", "#123456", family) for family in families]
    gallery = Gallery(tuple(options), ImageSelection("digits"), NoiseSpec("gaussian", 0.5), seed=0)
    for _ in range(2):
        live_answer.render_live_answer(gallery)
    # Without a change the message stays the same, so that Streamlit sends it once.
    assert len(set(messages)) == min(num_programs, 1)
    if messages:
        content: dict[str, Any] = json.loads(messages[0][8:])
        assert [model["shape"] for model in content["models"]] == [[1, 1, 28, 28]] * num_programs
