"""The HTML file: its size, its content, its content security policy, and what it refuses."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from typing import Any

import pytest
import torch

from dae.data import ImageSet, load_dataset
from dae.errors import DataError, SpecError
from dae.html_demo import DemoModel, render_demo
from dae.html_demo import page as page_module
from dae.noise import NoiseSpec
from dae.runs import find_run
from tests.helpers import ROOT, tiny_dataset, untrained_checkpoint


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return load_dataset("digits", "test", limit=200)


def shipped(*names: str) -> list[DemoModel]:
    return [DemoModel(name, find_run(name, ROOT / "checkpoints").load()) for name in names]


@pytest.fixture(scope="module")
def three(digits: ImageSet) -> str:
    return render_demo(shipped("mnist-linear", "mnist-conv", "mnist-unet"), digits)


def content(page: str) -> dict[str, Any]:
    """Return the JSON in the page."""
    (text,) = re.findall(r'<script type="application/json" id="content">(.*?)</script>', page, re.DOTALL)
    return dict(json.loads(text))


def test_files_are_small_enough_to_mail(three: str, digits: ImageSet) -> None:
    assert len(three.encode()) < 5_000_000
    for name in ("mnist-linear", "mnist-conv", "mnist-pool"):
        assert len(render_demo(shipped(name), digits).encode()) < 3_000_000


def test_the_file_loads_no_external_resources_and_uses_no_eval(three: str) -> None:
    source = re.sub(r'<script type="application/json".*?</script>', "", three, flags=re.DOTALL)
    assert not re.search(r"https?:|//[a-z]|\bsrc=|\bhref=|@import|url\(|\beval\b|Function\(|\bimport\b|fetch\(", source)
    # Inline handlers and style attributes would violate the policy.
    assert not re.search(r"<[^>]*\s(on\w+|style)=", source)


def test_the_policy_allows_exactly_the_style_and_the_script(three: str) -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', three)
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", three, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} &#x27;sha256-{digest}&#x27;;" in policy
    assert policy.startswith("default-src &#x27;none&#x27;;") and "unsafe" not in policy


def test_models_are_described_in_words(three: str, digits: ImageSet) -> None:
    linear, conv, unet = content(three)["models"]
    assert [model["label"] for model in (linear, conv, unet)] == ["Linear", "Convolutional", "U-Net"]
    assert linear["sentence"] == (
        "Fully connected; compresses the image to 32 numbers. It has 209,968 weights and was trained on MNIST with "
        "Gaussian 0.5 noise."
    )
    card = dict(unet["card"])
    assert card["Run"] == "mnist-unet" and card["Data set"] == "MNIST" and card["Noise"] == "gaussian:0.5"
    models = content(render_demo(shipped("digits-unet", "mnist-clean-targets"), digits))["models"]
    assert [model["label"] for model in models] == ["U-Net · digits-unet", "U-Net · mnist-clean-targets"]


def test_samples_are_the_first_images_of_each_class(digits: ImageSet) -> None:
    page = content(render_demo(shipped("mnist-pool"), digits, NoiseSpec("masking", 0.3)))
    assert page["classes"] == 2 * [f"digit {number}" for number in range(10)]
    assert page["noise"] == {"kind": "masking", "level": 0.3} and list(page["noises"]) == list(page_module.KINDS)
    labels = digits.labels.tolist()
    pixels = torch.frombuffer(bytearray(base64.b64decode(page["images"])), dtype=torch.uint8).view(20, 1, 28, 28)
    assert torch.equal(pixels[3], digits.images[labels.index(3)])
    assert content(render_demo(shipped("mnist-pool"), digits))["noise"] == {"kind": "gaussian", "level": 0.2}


def test_names_of_classes_and_models_are_escaped_in_the_embedded_json(digits: ImageSet) -> None:
    name = "</script><b>&$title"
    images = replace(digits, classes=(name, *digits.classes[1:]))
    page = render_demo([DemoModel("run", untrained_checkpoint("conv-pool"), name)], images)
    assert page.count("</script>") == 2
    read = content(page)
    assert read["classes"][0] == name and read["models"][0]["label"] == name
    assert "weights" in read["models"][0]["sentence"] and "trained" not in read["models"][0]["sentence"]


def test_refusals_name_the_reason(digits: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    model = DemoModel("run", untrained_checkpoint("conv-pool"))
    with pytest.raises(SpecError, match="1 to 3 models, not 4"):
        render_demo([model] * 4, digits)
    with pytest.raises(SpecError, match="1 to 3 models, not 0"):
        render_demo([], digits)
    with pytest.raises(DataError, match="Model run cannot process the images of tiny: they are 3 x 28 x 28"):
        render_demo([model], tiny_dataset(shape=(3, 28, 28)))
    monkeypatch.setattr(page_module, "MAX_BYTES", 50_000)
    with pytest.raises(SpecError, match="would have 0 MB, more than 0 MB"):
        render_demo([model], digits)
