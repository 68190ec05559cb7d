"""Models: the published sizes, the contract of shapes, and weights that a generator alone decides."""

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, nn

from dae.errors import SpecError, UnknownName
from dae.models import MODELS, Autoencoder, Shape, build_model, count_parameters, meta_model
from dae.models.res_unet import ResUNet
from dae.noise import NoiseSpec, corrupt
from tests.conftest import same, small, tiny, train, weights

GREY: Shape = (1, 28, 28)
PUBLISHED = {
    "conv-pool": 24_473,
    "conv-64": 210_369,
    "linear-10": 1_136_154,
    "conv-flat": 11_745,
    "linear-32": 209_968,
    "dncnn": 556_097,  # 17 layers of 64 channels with two numbers a channel for each normalisation
}
SHIPPED_PARAMETERS = 375_000  # what float32 weights of 1.5 MB are
ANY_SIZE = [name for name, entry in MODELS.items() if entry.any_size]
FIXED = [name for name in MODELS if name not in ANY_SIZE]


def built(name: str, shape: Shape = GREY, seed: int = 0) -> Autoencoder:
    return build_model(name, shape, Generator().manual_seed(seed))


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_have_their_authors_number_of_parameters(name: str) -> None:
    assert count_parameters(meta_model(name, GREY)) == PUBLISHED[name]


@pytest.mark.parametrize("shape", [GREY, (3, 32, 32)])
def test_the_best_model_is_small_enough_to_come_with_the_project(shape: Shape) -> None:
    assert count_parameters(meta_model("res-unet", shape)) <= SHIPPED_PARAMETERS


def test_a_model_that_no_run_could_keep_is_refused() -> None:
    with pytest.raises(SpecError, match=r"would have 202,.* weights for pictures of 512 x 512.* folder:PATH@64"):
        meta_model("linear-32", (3, 512, 512))


@pytest.mark.parametrize("name", MODELS)
class TestEveryModel:
    @pytest.mark.parametrize("shape", [(1, 28, 28), (3, 28, 28)])
    @pytest.mark.parametrize("number", [1, 3])
    def test_gives_back_the_shape(self, name: str, shape: Shape, number: int) -> None:
        model = built(name, shape)
        noisy = torch.rand(number, *shape, generator=Generator())
        denoised, code = model(noisy), model.encode(noisy)
        assert denoised.shape == noisy.shape and denoised.dtype == torch.float32 and denoised.isfinite().all()
        assert len(code) == number and code.isfinite().all()

    def test_every_parameter_learns(self, name: str) -> None:
        model = built(name)
        denoised, penalty = model.learn(torch.rand(4, *GREY, generator=Generator()))
        (denoised.square().sum() + penalty).backward()
        for key, parameter in model.named_parameters():
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key

    def test_a_seed_decides_the_weights_and_nothing_global_is_touched(self, name: str) -> None:
        before = torch.get_rng_state()
        first, again, other = (built(name, seed=seed) for seed in (1, 1, 2))
        assert same(weights(first), weights(again))
        for one, two in zip(first.modules(), other.modules(), strict=True):
            if not isinstance(one, nn.BatchNorm2d):  # which begins with ones and zeros
                pairs = zip(one.parameters(recurse=False), two.parameters(recurse=False), strict=True)
                assert not any(torch.equal(*pair) for pair in pairs)  # no tensor is left at a constant
        assert torch.equal(torch.get_rng_state(), before)

    def test_initial_weights_have_pytorchs_spread(self, name: str) -> None:
        for module in built(name).modules():
            weight = getattr(module, "weight", None)  # fan-in is that of one output, as PyTorch counts it
            if isinstance(weight, torch.Tensor) and weight.numel() > 2_000:
                bound = weight[0].numel() ** -0.5
                assert weight.abs().max() <= bound and weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)

    def test_meta_models_take_no_memory(self, name: str) -> None:
        model = meta_model(name, GREY)
        assert all(value.is_meta for value in model.state_dict().values())

    def test_images_do_not_see_their_neighbours(self, name: str) -> None:
        model, noisy = built(name).eval(), torch.rand(3, *GREY, generator=Generator())
        assert torch.allclose(model(noisy)[1:2], model(noisy[1:2]), atol=1e-6)

    def test_odd_sizes_work_or_are_refused_with_a_way_out(self, name: str) -> None:
        for shape in ((1, 37, 31), (3, 1, 1), (3, 32, 32), (1, 5, 200)):
            try:
                model = built(name, shape)
            except SpecError as error:
                assert name not in ANY_SIZE and f"{shape[1]} x {shape[2]}" in str(error) and "unet" in str(error)
            else:
                noisy = torch.rand(2, *shape)
                assert model(noisy).shape == noisy.shape

    def test_its_entry_serves_pages(self, name: str) -> None:
        entry = MODELS[name]
        assert entry.label and entry.help.endswith(".") and entry.family in ("linear", "convolutional", "modern")
        assert [other.color for other in MODELS.values()].count(entry.color) == 1


def test_a_level_aware_model_takes_the_level_from_the_caller_or_estimates_it() -> None:
    model, plain = built("res-unet-level").eval(), built("res-unet").eval()
    noisy = torch.rand(3, 1, 37, 31, generator=Generator())
    weak, strong = (model(noisy, torch.full((3,), level)) for level in (0.1, 0.5))
    assert not torch.equal(weak, strong) and not torch.equal(model(noisy), weak)
    levels = model.level(noisy)
    assert isinstance(model, ResUNet) and levels is not None and levels.shape == (3,) and (levels >= 0).all()
    assert plain.level(noisy) is None and plain.context(noisy) == {}


def test_a_level_aware_model_tells_its_blocks_what_kind_of_noise_it_sees() -> None:
    model = built("res-unet-level").eval()
    noisy, level = torch.rand(2, 1, 28, 28, generator=Generator()), torch.full((2,), 0.3)
    embedding = model.context(noisy)["embedding"]
    assert torch.equal(model(noisy, level, embedding), model(noisy, level))
    assert not torch.equal(model(noisy, level, embedding + 1), model(noisy, level))


@pytest.mark.parametrize(
    ("pixels", "noise", "changed"),
    [
        pytest.param(784, 4.0e-4, False, id="next to nothing everywhere"),
        pytest.param(784, 4.2e-4, True, id="very little everywhere"),
        pytest.param(600, 1.6e-3, False, id="next to nothing nearly everywhere"),
        pytest.param(600, 1.7e-3, True, id="a little nearly everywhere"),
        pytest.param(6, 0.5, False, id="a gap in a stroke"),
        pytest.param(8, 0.5, True, id="gaps in strokes"),
        pytest.param(1, -0.95, False, id="one doubtful pixel"),
        pytest.param(1, -0.97, True, id="one that is surely wrong"),
    ],
)
def test_a_picture_stays_as_it_is_where_the_model_is_not_sure_of_noise(
    pixels: int, noise: float, changed: bool
) -> None:
    model = built("res-unet")
    found = torch.zeros(2, 1, 28, 28)
    found.flatten(1)[:, :pixels] = noise
    model.tail.register_forward_hook(lambda *_: F.pixel_unshuffle(found, 2))
    clean = torch.rand(2, 1, 28, 28, generator=Generator())
    assert torch.equal(model(clean), clean - found if changed else clean)


def test_what_is_noise_is_decided_near_each_pixel_of_a_large_picture() -> None:
    model = built("res-unet")
    noise = torch.full((1, 4, 32, 80), 1e-4)  # folded: next to nothing, but for one column
    noise[..., 40] = 1.0
    model.tail.register_forward_hook(lambda *_: noise)
    clean = torch.rand(1, 1, 64, 160, generator=Generator())
    changed = (model(clean) != clean)[0, 0].any(0).nonzero().flatten()
    assert changed.tolist() == list(range(80 - 27, 81 + 27 + 1))


def test_it_learns_to_estimate_the_level_while_it_learns_to_denoise() -> None:
    noise = NoiseSpec("gaussian", 0.0, 0.8, clipped=False)
    model = train(small(model="res-unet-level", noise=noise, epochs=50, lr=3e-3))[0].model.eval()
    clean = tiny(24, seed=5).clean()
    levels = torch.tensor([0.0, 0.3, 0.5, 0.7])
    noisy = [corrupt(clean, noise.at(level), Generator()) for level in levels.tolist()]
    with torch.no_grad():
        told = torch.stack([model.level(each).mean() for each in noisy])
    assert (told.diff() > 0).all()
    torch.testing.assert_close(told[1:], levels[1:], rtol=0.3, atol=0)


@pytest.mark.parametrize("name", ANY_SIZE)
@pytest.mark.parametrize("size", [(37, 31), (1, 1), (64, 64), (3, 100)])
def test_models_for_any_size_take_it_whatever_they_were_built_for(name: str, size: tuple[int, int]) -> None:
    noisy = torch.rand(2, 1, *size)
    assert built(name)(noisy).shape == noisy.shape


@pytest.mark.parametrize("name", FIXED)
def test_the_flag_is_not_forgotten(name: str) -> None:
    """A model that is not for any size fails on one at least."""
    model = built(name).to("meta")
    with pytest.raises((RuntimeError, AssertionError)):
        for size in ((37, 31), (1, 1), (3, 100)):
            noisy = torch.rand(2, 1, *size, device="meta")
            assert model(noisy).shape == noisy.shape


@pytest.mark.parametrize("name", ["conv-64", "conv-pool", "conv-7x7"])
def test_a_bad_size_says_which_and_what_to_do(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        build_model(name, (1, 37, 31), Generator())
    assert all(word in str(caught.value) for word in (name, "37 x 31", "28 x 28", "'unet'"))


def test_an_unknown_model_names_the_closest() -> None:
    with pytest.raises(UnknownName) as caught:
        meta_model("conv64", GREY)
    assert caught.value.closest == "conv-64" and caught.value.noun == "model"
