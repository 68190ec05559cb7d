"""Automatic precision: decided by timing, once per machine and model, and kept by a resumed run."""

from pathlib import Path

import pytest
import torch

from dae.training import TrainState
from dae.training import precision as precision_module
from dae.training.precision import bfloat16_is_faster, uses_bfloat16
from tests.helpers import small_config

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("float32_s", "bfloat16_s", "faster"), [(2.0, 1.0, True), (1.0, 2.0, False), (1.0, 1.0, False)]
)
def test_the_faster_precision_is_chosen(float32_s: float, bfloat16_s: float, faster: bool) -> None:
    now = 0.0

    def step(bfloat16: bool) -> None:
        nonlocal now
        now += bfloat16_s if bfloat16 else float32_s

    assert bfloat16_is_faster(step, clock=lambda: now, trial_s=20) is faster


def test_one_slow_step_does_not_change_the_chosen_precision() -> None:
    now, count = 0.0, 0

    def step(bfloat16: bool) -> None:
        nonlocal now, count
        count += 1
        now += (1.0 if bfloat16 else 2.0) + (50 if count == 4 else 0)

    assert bfloat16_is_faster(step, clock=lambda: now, trial_s=100)


def test_auto_precision_is_measured_once_and_cached(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []
    monkeypatch.setattr(precision_module, "_cpu_has_bfloat16", lambda: True)
    monkeypatch.setattr(precision_module, "bfloat16_is_faster", lambda step: measured.append("once") or True)
    assert uses_bfloat16("auto", "conv-64", (1, 28, 28), CPU) and uses_bfloat16("auto", "conv-64", (1, 28, 28), CPU)
    assert measured == ["once"]


def test_named_precisions_and_models_without_bfloat16_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision_module, "bfloat16_is_faster", lambda step: pytest.fail("measured"))
    assert uses_bfloat16("bfloat16", "conv-64", (1, 28, 28), CPU)
    assert not uses_bfloat16("float32", "conv-64", (1, 28, 28), CPU)
    assert not uses_bfloat16("auto", "linear-32", (1, 28, 28), CPU)


def test_a_resumed_state_keeps_its_precision() -> None:
    begun = TrainState(small_config(model="conv-64", precision="bfloat16"), (1, 28, 28))
    resumed = TrainState(small_config(model="conv-64", precision="float32"), (1, 28, 28))
    resumed.load_state_dict(begun.state_dict())
    assert resumed.bfloat16
