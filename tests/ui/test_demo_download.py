"""The button that downloads models as an HTML file."""

from pathlib import Path

import pytest

from dae.data import load_dataset
from dae.noise import NoiseSpec
from dae.ui import model_options
from dae.ui.demo_download import make_demo
from tests.ui.apps import opened


@pytest.fixture(autouse=True)
def _runs(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))


@pytest.mark.parametrize("page", ["explore", "compare"])
def test_pages_offer_the_models_as_one_file(page: str) -> None:
    app = opened(f"pages/{page}.py", compared=["small-linear-32", "median"])
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels.count("Demo") == 1 and not app.exception


def test_the_file_has_the_labels_and_the_noise_of_the_page() -> None:
    images = load_dataset("digits", "test", limit=50)
    options = list(model_options.model_options(images).values())[:1]
    page = make_demo(options, images, NoiseSpec("masking", 0.4))
    assert '"noise":{"kind":"masking","level":0.4}' in page and f'"label":"{options[0].label}"' in page


def test_a_demo_that_cannot_be_made_contains_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = load_dataset("digits", "test", limit=50)
    options = list(model_options.model_options(images).values())[:1]
    monkeypatch.setenv("DAE_CHECKPOINTS", str(tmp_path))
    assert "There is no run &#x27;" in make_demo(options, images, NoiseSpec("gaussian", 0.5))
