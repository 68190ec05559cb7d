"""All architectures: published parameter counts, shapes, and seeded initial weights."""

from dataclasses import replace

import pytest
import torch
from torch import Generator, nn

from dae.errors import SpecError, UnknownNameError
from dae.models import (
    MODELS,
    Autoencoder,
    Shape,
    build_model,
    build_on_meta,
    canonical_model_name,
    count_parameters,
    init_weights,
)
from tests.helpers import tensors_equal, weights

GRAY: Shape = (1, 28, 28)
PUBLISHED = {
    "conv-pool": 24_473,
    "conv-64": 210_369,
    "linear-10": 1_136_154,
    "conv-flat": 11_745,
    "linear-32": 209_968,
    # 17 layers of 64 channels, with two parameters per channel for batch normalization.
    "dncnn": 556_097,
}
# Float32 weights of 1.5 MB.
MAX_SHIPPED_PARAMETERS = 375_000
ANY_SIZE = [name for name, info in MODELS.items() if info.any_size]
FIXED_SIZE = [name for name in MODELS if name not in ANY_SIZE]


def build(name: str, shape: Shape = GRAY, seed: int = 0) -> Autoencoder:
    return build_model(name, shape, Generator().manual_seed(seed))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_have_the_published_number_of_parameters(name: str) -> None:
    assert count_parameters(build_on_meta(name, GRAY)) == PUBLISHED[name]


@pytest.mark.parametrize("shape", [GRAY, (3, 32, 32)])
def test_best_model_is_small_enough_to_ship(shape: Shape) -> None:
    assert count_parameters(build_on_meta("res-unet", shape)) <= MAX_SHIPPED_PARAMETERS


def test_too_many_parameters_are_refused() -> None:
    with pytest.raises(SpecError, match=r"would have 202,.* weights for images of 512 x 512.* folder:PATH@64"):
        build_on_meta("linear-32", (3, 512, 512))


def test_initializing_a_layer_of_unknown_type_raises_a_spec_error() -> None:
    with pytest.raises(SpecError, match=r"PReLU.*init_weights\(generator\)"):
        init_weights(nn.Sequential(nn.PReLU()), Generator())


def test_layers_of_other_types_initialize_their_weights_themselves() -> None:
    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.empty(3))

        def init_weights(self, generator: Generator) -> None:
            nn.init.normal_(self.factor, generator=generator)

    first, second = Scale(), Scale()
    for layer in (first, second):
        init_weights(layer, Generator().manual_seed(1))
    assert first.factor.abs().min() > 0 and torch.equal(first.factor, second.factor)


def test_building_a_model_with_mismatched_layers_raises_an_error_with_the_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(16, 1, 3, padding=1))
    monkeypatch.setitem(MODELS, "wrong", replace(MODELS["conv-64"], build=lambda shape: wrong))
    with pytest.raises(
        SpecError, match=r"cannot process images of 28 x 28: .*to have 16 channels, but got 8"
    ) as caught:
        build_model("wrong", (1, 28, 28), Generator())
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("name", MODELS)
class TestEveryModel:
    @pytest.mark.parametrize("shape", [(1, 28, 28), (3, 28, 28)])
    @pytest.mark.parametrize("batch_size", [1, 3])
    def test_output_has_the_shape_of_the_input(self, name: str, shape: Shape, batch_size: int) -> None:
        model = build(name, shape)
        noisy = torch.rand(batch_size, *shape, generator=Generator())
        denoised, code = model(noisy), model.encode(noisy)
        assert denoised.shape == noisy.shape and denoised.dtype == torch.float32 and denoised.isfinite().all()
        assert len(code) == batch_size and code.isfinite().all()

    def test_every_parameter_has_a_gradient(self, name: str) -> None:
        model = build(name)
        denoised, auxiliary_loss = model.forward_with_loss(*torch.rand(2, 4, *GRAY, generator=Generator()))
        (denoised.square().sum() + auxiliary_loss).backward()
        for key, parameter in model.named_parameters():
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key

    def test_seed_alone_determines_the_initial_weights(self, name: str) -> None:
        before = torch.get_rng_state()
        first, again, other = (build(name, seed=seed) for seed in (1, 1, 2))
        assert tensors_equal(weights(first), weights(again))
        for one, two in zip(first.modules(), other.modules(), strict=True):
            # Batch normalization starts with ones and zeros.
            if not isinstance(one, nn.BatchNorm2d):
                pairs = zip(one.parameters(recurse=False), two.parameters(recurse=False), strict=True)
                assert not any(torch.equal(*pair) for pair in pairs)
        assert torch.equal(torch.get_rng_state(), before)

    def test_initial_weights_have_the_distribution_of_pytorch(self, name: str) -> None:
        for module in build(name).modules():
            weight = getattr(module, "weight", None)
            if isinstance(weight, torch.Tensor) and weight.numel() > 2_000:
                bound = weight[0].numel() ** -0.5
                assert weight.abs().max() <= bound and weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)

    def test_meta_models_allocate_no_memory(self, name: str) -> None:
        assert all(value.is_meta for value in build_on_meta(name, GRAY).state_dict().values())

    def test_images_of_a_batch_are_independent(self, name: str) -> None:
        model, noisy = build(name).eval(), torch.rand(3, *GRAY, generator=Generator())
        assert torch.allclose(model(noisy)[1:2], model(noisy[1:2]), atol=1e-6)

    def test_odd_sizes_are_restored_or_refused_with_a_fix(self, name: str) -> None:
        for shape in ((1, 37, 31), (3, 1, 1), (3, 32, 32), (1, 5, 200)):
            try:
                model = build(name, shape)
            except SpecError as error:
                assert name not in ANY_SIZE and f"{shape[1]} x {shape[2]}" in str(error) and "unet" in str(error)
            else:
                noisy = torch.rand(2, *shape, generator=Generator())
                assert model(noisy).shape == noisy.shape

    def test_registry_entry_is_complete(self, name: str) -> None:
        info = MODELS[name]
        assert info.label and info.help.endswith(".") and info.family in ("linear", "convolutional", "residual CNN")
        assert [other.color for other in MODELS.values()].count(info.color) == 1
        assert [other.label for other in MODELS.values()].count(info.label) == 1


@pytest.mark.parametrize("name", ANY_SIZE)
@pytest.mark.parametrize("size", [(37, 31), (1, 1), (64, 64), (3, 100)])
def test_models_for_any_size_accept_other_sizes_than_they_were_built_for(name: str, size: tuple[int, int]) -> None:
    noisy = torch.rand(2, 1, *size, generator=Generator())
    assert build(name)(noisy).shape == noisy.shape


@pytest.mark.parametrize("name", FIXED_SIZE)
def test_models_without_the_any_size_flag_fail_on_some_size(name: str) -> None:
    model = build(name).to("meta")
    with pytest.raises((RuntimeError, AssertionError)):
        for size in ((37, 31), (1, 1), (3, 100)):
            noisy = torch.rand(2, 1, *size, device="meta")
            assert model(noisy).shape == noisy.shape


@pytest.mark.parametrize("name", ["conv-64", "conv-pool", "conv-7x7"])
def test_unsupported_size_is_refused_with_the_fix(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        build_model(name, (1, 37, 31), Generator())
    assert all(word in str(caught.value) for word in (name, "37 x 31", "28 x 28", "'unet'"))


def test_unknown_model_raises_an_error_with_the_closest_name() -> None:
    with pytest.raises(UnknownNameError) as caught:
        build_on_meta("conv64", GRAY)
    assert caught.value.closest == "conv-64" and caught.value.noun == "model"


def test_renamed_model_is_found_by_its_old_name() -> None:
    assert canonical_model_name("res-unet-level") == "res-unet-blind" and "res-unet-level" not in MODELS
    assert all(canonical_model_name(name) == name for name in MODELS)
