"""Choose between float32 and bfloat16 by timing real training steps.

Processor features do not determine the faster one: with avx512_bf16 but without AMX, bfloat16 is slower.
"""

import json
import platform
import time
from collections.abc import Callable
from contextlib import suppress

import torch

from dae.models import MODELS, Shape, build_model
from dae.utils.device import max_batch_size, processor_name
from dae.utils.files import cache_put, fingerprint, user_cache_dir
from dae.utils.random import make_generator
from dae.utils.threads import thread_pool

_TRIAL_S = 0.15
_TRIAL_BATCH = 32
_MAX_CACHED = 200


def uses_bfloat16(precision: str, model: str, shape: Shape, device: torch.device) -> bool:
    """Return True to compute in bfloat16: if `precision` requests it or, for "auto", if it is faster on this machine.

    Args:
        precision: "auto", "float32" or "bfloat16".
        model: a key of MODELS.
        shape: (C, H, W) of one image.
    """
    if precision != "auto":
        return precision == "bfloat16"
    if not MODELS[model].bfloat16:
        return False
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and _cpu_has_bfloat16() and _measured(model, shape)


def _cpu_has_bfloat16() -> bool:
    """Return True if the CPU has bfloat16 instructions; emulation is never faster."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def _measured(model: str, shape: Shape) -> bool:
    """Return True if bfloat16 is faster; measured once per machine, PyTorch version and model."""
    path = (
        user_cache_dir()
        / "precision"
        / fingerprint(platform.node(), processor_name(), torch.__version__, model, str(shape))
    )
    with suppress(OSError, ValueError):
        return bool(json.loads(path.read_text()))
    with thread_pool(1) as pool:
        faster = pool.submit(bfloat16_is_faster, _trial(model, shape)).result()
    cache_put(path, json.dumps(faster).encode(), _MAX_CACHED)
    return faster


def bfloat16_is_faster(
    step: Callable[[bool], object], clock: Callable[[], float] = time.perf_counter, trial_s: float = _TRIAL_S
) -> bool:
    """Return True if the fastest of several bfloat16 steps is faster than the fastest float32 step.

    Args:
        step: runs one step, in bfloat16 if its argument is True.
        clock: returns seconds.
        trial_s: how long to alternate between the two, after one warm-up step of each.
    """
    for bfloat16 in (False, True):
        step(bfloat16)
    fastest = {False: float("inf"), True: float("inf")}
    start = clock()
    while clock() - start < 2 * trial_s:
        for bfloat16 in (False, True):
            before = clock()
            step(bfloat16)
            fastest[bfloat16] = min(fastest[bfloat16], clock() - before)
    return fastest[True] < fastest[False]


def _trial(model: str, shape: Shape) -> Callable[[bool], object]:
    """Return a function that runs forward and backward pass of a training step."""
    network = build_model(model, shape, make_generator(0)).to(memory_format=torch.channels_last)
    images = torch.rand(max_batch_size(shape, _TRIAL_BATCH), *shape, generator=make_generator(1))
    parameters = list(network.parameters())

    def step(bfloat16: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            denoised, penalty = network.forward_with_loss(images, images)
        loss = (denoised.float() - images).square().mean() + penalty
        torch.autograd.grad(loss, parameters, allow_unused=True)

    return step
