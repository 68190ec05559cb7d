"""One training step: shards give the gradients of the whole batch, and the same weights on any number of threads."""

import pytest
import torch
from torch import nn

from dae.models import MODELS
from dae.noise import NoiseSpec
from dae.training import TrainState
from dae.training.distributed import SINGLE_PROCESS
from dae.training.step import TrainStep, num_shards
from dae.utils import threads
from tests.helpers import small_config, tensors_equal, tiny_dataset, train, weights


@pytest.mark.parametrize("model", ["linear-32", "conv-64", "res-unet-blind"])
def test_shards_give_the_gradient_of_the_whole_batch(model: str) -> None:
    config = small_config(model=model, batch_size=24, noise=NoiseSpec("gaussian", 0))
    images, gradients = tiny_dataset(24), []
    for shards in (1, 3):
        state = TrainState(config, images.shape)
        step = TrainStep(config, state, images.images, SINGLE_PROCESS, None)
        step.num_shards = shards
        step.start_epoch(0)
        step(torch.arange(24), lr=1e-3)
        gradients.append(
            [parameter.grad.clone() for parameter in state.model.parameters() if parameter.grad is not None]
        )
    for whole, sharded in zip(*gradients, strict=True):
        torch.testing.assert_close(sharded, whole, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("model", "optimizer"), [("linear-32", "muon"), ("conv-64", "adamw"), ("unet", "muon")])
def test_the_number_of_threads_does_not_change_the_weights(
    model: str, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, images = small_config(model=model, epochs=2, batch_size=20, optimizer=optimizer), tiny_dataset(24)
    results = []
    for workers in (1, 3):
        with threads.thread_pool(workers, threads.WORKER_NAME) as pool:
            monkeypatch.setattr(threads, "_shared_pool", lambda niceness, pool=pool: pool)
            results.append(weights(train(config, images)[0]))
    assert tensors_equal(*results)


@pytest.mark.parametrize("name", MODELS)
def test_number_of_shards_depends_on_batch_norm_and_batch_size(name: str) -> None:
    model = TrainState(small_config(model=name), (1, 28, 28)).model
    shards = num_shards(model, 128)
    has_batch_norm = any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules())
    assert shards == (1 if has_batch_norm else 2)
    assert num_shards(model, 4) == 1


def test_a_batch_smaller_than_the_number_of_shards_is_trained_on() -> None:
    state, reports = train(small_config(model="conv-64", batch_size=16, epochs=1), tiny_dataset(17))
    assert state.step == 2 and reports[-1].loss is not None
