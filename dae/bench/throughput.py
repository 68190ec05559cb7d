"""What a training costs beyond its arithmetic: python -m dae.bench.throughput [--seconds 5] [--rounds 3]

Images a second of each shipped model's recipe, recorded as a real training is (noise, order, reports, validation,
previews, weights on the disk), beside a bare loop of the same forward pass (a teacher's too), backward pass and
optimiser step on one batch that never changes: the ceiling. Both take turns in one process. A phase is whole epochs;
where one lasts longer than a phase, it is cut to that length, and its missing images count at the pace between two ends
of an epoch.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace

import torch

from dae.bench import told
from dae.bench.server import ROOT
from dae.config import LOSSES, TrainConfig
from dae.data import is_available, load_dataset
from dae.devices import as_device, describe_device, uses_bfloat16
from dae.noise import corrupt
from dae.recipes import RECIPES
from dae.recording import record
from dae.runs import RunDirectory
from dae.seeds import generator
from dae.state import TrainState
from dae.teaching import find_teacher
from dae.training import Objective

WARM_UP_S = 1.0


def shipped() -> dict[str, TrainConfig]:
    """The recipes of the shipped models whose pictures are here; one of those that differ in the pictures only."""
    found: dict[str, TrainConfig] = {}
    for name, recipe in RECIPES.items():
        if (ROOT / "checkpoints" / name).is_dir() and is_available(recipe.config.dataset):
            if not any(replace(recipe.config, dataset=other.dataset) == other for other in found.values()):
                found[name] = recipe.config
    return found


def ceiling(config: TrainConfig) -> Callable[[float], float]:
    """A bare loop; called with seconds it runs for so long, and returns its images a second."""
    images = load_dataset(config.dataset, limit=config.batch_size)
    clean = images.clean()
    state = TrainState(config, (clean.shape[1], clean.shape[2], clean.shape[3]))
    noisy = corrupt(clean, config.noise, generator(config.seed)).to(state.device)
    clean = clean.to(state.device)
    autocast = torch.autocast(state.device.type, torch.bfloat16, enabled=state.bfloat16)
    objective = Objective(state.model, LOSSES[config.loss], autocast)
    teacher = find_teacher(config, images, state.device, ROOT / "checkpoints")
    state.model.train()
    for group in state.optimizer.param_groups:
        group["lr"] = 0.0  # a batch learnt by heart has denormal gradients, which slow a processor down several times

    def phase(seconds: float) -> float:
        _wait_for(state.device)
        begun, steps = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            if teacher:
                teacher(noisy)
            loss = objective(noisy, clean)
            state.optimizer.zero_grad()
            loss.backward()
            state.optimizer.step()
            steps += 1
            if steps % 32 == 0:
                _wait_for(state.device)  # else the clock would count steps that are only queued
        _wait_for(state.device)
        return steps * len(clean) / (time.perf_counter() - begun)

    return phase


def recorded(config: TrainConfig, images: int, folder: str) -> Generator[float, float, None]:
    """A real training; sent seconds it goes on for whole epochs of at least that, and yields images a second.

    Args:
        images: of an epoch; the speed is that of an epoch of all images of the data set.
        folder: of runs; one is added.
    """
    whole = len(load_dataset(config.dataset, limit=config.images))
    images = min(images, whole)
    # A teacher answers to each image, as it does above.
    endless = replace(config, images=images, epochs=10_000, fresh_epochs=None)
    run = RunDirectory.create(endless, root=folder)
    with closing(record(run)) as reports:
        before = next(reports)
        speed = 0.0
        while True:
            seconds = yield speed
            begun = mark = time.perf_counter()
            first, between_s, between = before, 0.0, 0  # between two ends of an epoch
            while True:
                report = next(reports)
                now = time.perf_counter()
                if report.scores is None:
                    between_s += now - mark
                    between += report.step - before.step
                before, mark = report, now
                if report.scores and now - begun >= seconds:
                    break
            epoch_s = (now - begun) / (report.epoch - first.epoch)
            image_s = between_s / (between * config.batch_size) if between else epoch_s / images
            speed = whole / (epoch_s + (whole - images) * image_s)


def compare(config: TrainConfig, seconds: float, rounds: int) -> tuple[float, float]:
    """Median images a second, bare and recorded, of so many phases each."""
    bare = ceiling(config)
    per_phase = max(config.batch_size, int(bare(min(WARM_UP_S, seconds)) * seconds))
    with tempfile.TemporaryDirectory() as folder, closing(recorded(config, per_phase, folder)) as ours:
        next(ours)
        speeds = [(bare(seconds), ours.send(seconds)) for _ in range(rounds)]
    most, real = zip(*speeds, strict=True)
    return statistics.median(most), statistics.median(real)


def precisions(config: TrainConfig, seconds: float, rounds: int) -> dict[str, float]:
    """Median images a second of the bare loop in bfloat16 and in float32, in turns."""
    loops = {name: ceiling(replace(config, precision=name)) for name in ("bfloat16", "float32")}
    for loop in loops.values():
        loop(min(WARM_UP_S, seconds))
    speeds = [{name: loop(seconds) for name, loop in loops.items()} for _ in range(rounds)]
    return {name: statistics.median(speed[name] for speed in speeds) for name in loops}


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    """Print a line for each recipe, and what bfloat16 gives the U-Net."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of a phase")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recipes", nargs="+", choices=list(RECIPES), help="else those of the shipped models")
    asked = parser.parse_args()
    found = {name: RECIPES[name].config for name in asked.recipes} if asked.recipes else shipped()
    device = as_device("auto")
    print(f"{platform.machine()}, {describe_device(device)}, torch {torch.__version__}, medians of {asked.rounds}")
    for name, config in found.items():
        most, real = compare(config, asked.seconds, asked.rounds)
        precision = "bfloat16" if uses_bfloat16(config.precision, config.model, device) else "float32"
        print(
            f"{name:14} {precision:8}  {real:9,.0f} images/s of {most:9,.0f} bare: {real / most:.3f}",
            flush=True,
        )
    unet = next((config for config in found.values() if "unet" in config.model), None)
    if unet:
        speeds = precisions(unet, asked.seconds, asked.rounds)
        gain = speeds["bfloat16"] / speeds["float32"]
        shown = ", ".join(f"{speed:,.0f} images/s in {name}" for name, speed in speeds.items())
        print(f"U-Net, bare: {shown}: {gain:.2f}")


if __name__ == "__main__":
    told(main)
