"""The scripts of the HTML file compute what PyTorch computes, for every architecture and every operation."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dae.errors import SpecError
from dae.html_demo.graph import build_program
from dae.html_demo.packing import fits_half_precision, pack_program
from dae.models import MODELS, Autoencoder
from tests.helpers import untrained_checkpoint
from tests.html_demo.javascript import run_javascript

TOLERANCE = 1e-3
Shape = tuple[int, int, int]


class Computed(Autoencoder):
    """A model whose output is any function of the image and of seeded weights."""

    def __init__(self, function: Callable[[Tensor, nn.ModuleDict], Tensor], **layers: nn.Module) -> None:
        super().__init__()
        self.function, self.layers = function, nn.ModuleDict(layers)

    def forward(self, noisy: Tensor) -> Tensor:
        return self.function(noisy, self.layers)


class Case(NamedTuple):
    model: Autoencoder
    shape: Shape


def architecture(name: str) -> Case:
    """Return a model with large random weights, whose output varies; the U-Nets take color images of odd sides."""
    shape = (3, 13, 18) if MODELS[name].any_size and name != "unet" else (1, 28, 28)
    model = untrained_checkpoint(name, shape, seed=3).model
    for weight in model.parameters():
        weight.mul_(1.7)
    return Case(model.to(memory_format=torch.channels_last), shape)  # type: ignore[call-overload]


def layer(**layers: nn.Module) -> Case:
    (name,) = layers
    return Case(Computed(lambda noisy, built: built[name](noisy).sigmoid(), **layers).eval(), (4, 9, 8))


def function(compute: Callable[[Tensor], Tensor], shape: Shape = (4, 6, 5)) -> Case:
    return Case(Computed(lambda noisy, _: compute(noisy)).eval(), shape)


def trained_batch_norm() -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(4)
    assert norm.running_mean is not None and norm.running_var is not None
    norm.running_mean.copy_(torch.tensor([0.1, -0.2, 0.3, 0.4]))
    norm.running_var.copy_(torch.tensor([0.5, 1.5, 2.5, 0.7]))
    return norm


CASES: dict[str, Callable[[], Case]] = {
    **{name: (lambda name=name: architecture(name)) for name in MODELS},
    "strided and dilated": lambda: layer(conv=nn.Conv2d(4, 5, (3, 2), stride=(2, 3), padding=(2, 1), dilation=(2, 1))),
    "without bias": lambda: layer(conv=nn.Conv2d(4, 6, 3, bias=False)),
    "transposed": lambda: layer(conv=nn.ConvTranspose2d(4, 3, 3, stride=(3, 2), padding=1, output_padding=(2, 1))),
    "transposed and dilated": lambda: layer(conv=nn.ConvTranspose2d(4, 2, (2, 3), dilation=2, bias=False)),
    "stride beyond the kernel": lambda: layer(conv=nn.ConvTranspose2d(4, 2, 1, stride=3, padding=0)),
    "batch norm": lambda: layer(norm=trained_batch_norm()),
    "padded pooling": lambda: layer(pool=nn.MaxPool2d(3, stride=2, padding=1)),
    "last dimension": lambda: layer(linear=nn.Linear(8, 3)),
    "activations": lambda: function(
        lambda x: F.silu(x - 0.5) + F.leaky_relu(x - 0.5, 0.2) + F.elu(x - 0.5) * torch.tanh(x) + F.relu6(9 * x) / 8
    ),
    "powers": lambda: function(lambda x: 1 + (x + 0.1).log().abs().sqrt() * x**3 - (-x).exp() * x.square()),
    "arithmetic": lambda: function(lambda x: 1 - torch.maximum(x, 0.3 * x.mean((2, 3), keepdim=True)) / (x.sum(1) + 1)),
    "reductions": lambda: function(lambda x: x.mean(1) + x.sum((0, 3), keepdim=True) / 7 + x.mean()),
    "slices": lambda: function(lambda x: torch.cat([x[:, :2, 1:, ::2], x[:, 2:, :-1, 2:]], 1).flip(3).roll(1, 2)),
    "parts": lambda: function(lambda x: torch.cat([part * 2 - 0.3 for part in x.transpose(2, 3).chunk(3, 1)], -1)),
    "padding": lambda: function(lambda x: F.pad(F.pad(x, (1, 2, 0, 1), value=0.7), (2, 1, 1, 2), mode="reflect")),
    "upsampling": lambda: function(lambda x: F.pixel_shuffle(F.interpolate(x, scale_factor=2, mode="nearest"), 2)),
}


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Tensor, Tensor]]:
    """Return the outputs of PyTorch and of the scripts for all cases, computed in one process."""
    inputs, expected = [], []
    for name, make in CASES.items():
        torch.manual_seed(1)
        model, shape = make()
        model.requires_grad_(False)
        noisy = torch.rand(1, *shape, generator=torch.Generator().manual_seed(5))
        inputs.append(
            {"pixels": noisy.flatten().tolist(), "program": pack_program(build_program(model, name, shape), False)}
        )
        expected.append(model(noisy).clamp(0, 1).flatten())
    # Each program runs twice, so that buffers with earlier values are covered.
    expression = """data.map(({ pixels, program }) => {
      const run = compileProgram(program, decodeConstants(program))
      run(pixels.map((value) => 1 - value))
      return Array.from(run(pixels))
    })"""
    outputs = run_javascript(expression, inputs, tmp_path_factory.mktemp("scripts"))
    return {name: (one, torch.tensor(other)) for name, one, other in zip(CASES, expected, outputs, strict=True)}


@pytest.mark.parametrize("name", CASES)
def test_scripts_compute_the_same_as_pytorch(name: str, computed: dict[str, tuple[Tensor, Tensor]]) -> None:
    expected, actual = computed[name]
    assert expected.std() > 0.001
    torch.testing.assert_close(actual, expected, rtol=0, atol=TOLERANCE)


def test_half_precision_is_used_only_where_the_images_stay_the_same(tmp_path: Path) -> None:
    model, shape = architecture("conv-64")
    noisy = torch.rand(4, *shape, generator=torch.Generator().manual_seed(2))
    assert fits_half_precision(model, noisy)
    program = build_program(model, "conv", shape)
    single, half = pack_program(program, False), pack_program(program, True)
    assert len(half["half"] + half["single"]) < 0.52 * len(single["single"])
    run = "Array.from(compileProgram(data, decodeConstants(data))(data.pixels))"
    outputs = run_javascript(run, half | {"pixels": noisy[0].flatten().tolist()}, tmp_path)
    torch.testing.assert_close(torch.tensor(outputs), model(noisy[:1]).clamp(0, 1).flatten(), rtol=0, atol=TOLERANCE)
    for weight in model.parameters():
        weight.mul_(400)
    assert not fits_half_precision(model, noisy)


REFUSED: dict[str, tuple[Callable[[], Case], str]] = {
    "unknown operation": (lambda: function(lambda x: x.cumsum(1)), "'cumsum'"),
    "grouped": (lambda: layer(conv=nn.Conv2d(4, 4, 3, groups=2)), "'conv2d' with groups=2"),
    "in place": (lambda: function(lambda x: (x + 1).relu_()), "'relu_'"),
    "pooling of another kind": (lambda: layer(pool=nn.AvgPool2d(2)), "'avg_pool2d'"),
    "ceil mode": (lambda: layer(pool=nn.MaxPool2d(2, ceil_mode=True)), "'max_pool2d' with ceil_mode"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_unsupported_operations_are_refused_and_named(name: str) -> None:
    make, words = REFUSED[name]
    model, shape = make()
    with pytest.raises(SpecError, match="My model cannot be exported to HTML") as error:
        build_program(model, "My model", shape)
    assert words in str(error.value) and "Export it as .onnx or .pt2." in str(error.value)


def test_parts_that_do_not_depend_on_the_image_are_computed_in_advance() -> None:
    model, shape = function(lambda x: x * (torch.arange(5) < 3).float().cumsum(0))
    program = build_program(model, "masked", shape)
    assert [operation["kind"] for operation in program.operations] == ["binary", "unary"]


def test_slices_and_reshapes_without_effect_are_removed_from_the_program() -> None:
    model, shape = function(lambda x: x[:, :, :6].reshape(1, -1).view(1, 4, 6, 5).contiguous())
    assert [operation["kind"] for operation in build_program(model, "moved", shape).operations] == ["unary"]
