"""The measurements: the command that runs them, and what they compute, on a few pictures."""

import math
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import pytest
import torch

from dae.bench import inference, photographs, quality, throughput, told
from dae.bench.loops import LOOPS, Curve, Watch, run
from dae.classical import CLASSICAL
from dae.cli import main
from dae.cli.bench import BENCHES, LONG
from dae.contenders import as_denoiser
from dae.data import load_dataset
from dae.evaluation import measure
from dae.models import MODELS, build_model
from dae.noise import NoiseSpec
from dae.recipes import RECIPES
from dae.registry import lookup
from dae.runs import find_run
from dae.state import TrainState
from tests.conftest import ROOT, same, small, tiny, weights

TINY: dict[str, Any] = dict(dataset="digits", images=64, epochs=2, device="cpu", precision="float32")


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """The processes that would have been started; that of `slider` fails."""
    started: list[tuple[list[str], dict[str, str]]] = []

    def start(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        started.append((command, env))
        return subprocess.CompletedProcess(command, int(command[-1].endswith("slider")))

    monkeypatch.setattr("dae.cli.bench.subprocess.run", start)
    return started


def test_every_measurement_is_a_module_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "--help"])
    told = capsys.readouterr().out
    for name, what in BENCHES.items():
        assert find_spec(f"dae.bench.{name}") and f"  {name}" in told and what in told
    assert set(BENCHES) > LONG


def test_the_named_ones_run_in_order(processes: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "quality", "inference", "--data", "there"]) == 0
    assert [command[-1] for command, _ in processes] == ["dae.bench.quality", "dae.bench.inference"]
    assert all(command[0] == sys.executable and env["DAE_DATA"] == "there" for command, env in processes)
    told = capsys.readouterr().out
    assert f"torch {torch.__version__}" in told and told.count("cores") == 1


def test_without_names_the_short_ones_run_and_one_that_fails_stops_none(
    processes: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench"]) == 1
    assert [command[-1].rpartition(".")[2] for command, _ in processes] == [
        name for name in BENCHES if name not in LONG
    ]
    assert capsys.readouterr().err == "dae: slider failed with exit code 1; what it said is above.\n"


def test_an_unknown_one_starts_nothing(processes: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "inference", "qualty"]) == 2
    assert "Did you mean 'quality'?" in capsys.readouterr().err and not processes


def test_a_contender_is_done_with_the_first_epoch_that_reaches_the_target() -> None:
    curve = Curve(0.5, [1.0, 2.0, 3.0], [0.3, 0.1, 0.2])
    assert (curve.reached(0.2), curve.reached(0.3), curve.reached(0.05)) == (2.0, 1.0, math.inf)
    assert curve.reached(math.nan) == math.inf


@pytest.mark.parametrize("loop", [name for name in LOOPS if name != "lightning" or find_spec("lightning")])
@pytest.mark.filterwarnings("ignore")  # Lightning's own
def test_each_loop_learns_from_the_same_weights(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(quality.NOTEBOOKS["linear-32"], **TINY, batch_size=16)
    first: list[list[torch.Tensor]] = []
    monkeypatch.setattr(
        "dae.bench.loops.build_model", lambda *args: first.append(weights(made := build_model(*args))) or made
    )
    curve = run(loop, config)
    assert len(curve.mse) == len(curve.seconds) == 2 and curve.mse[1] < curve.mse[0] < 0.3
    assert 0 < curve.setup_s < curve.seconds[0] < curve.seconds[1]
    assert all(same(begun, weights(TrainState(config, (1, 28, 28)))) for begun in first)
    assert len(first) == (loop != "ours")


def test_the_watch_measures_as_evaluate_does_and_stands_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    config, test = small(), tiny(600)
    checkpoint = find_run("digits-linear", ROOT / "checkpoints").load()
    watch = Watch(config, test)
    ticks = iter(range(100))
    monkeypatch.setattr("dae.bench.loops.time.perf_counter", lambda: next(ticks))
    watch.begin()
    watch.ready()
    for _ in range(2):
        watch.epoch(checkpoint.model)
    assert watch.curve.setup_s == 1 and watch.curve.seconds == [2, 3] and checkpoint.model.training
    expected = measure(as_denoiser(checkpoint, test), test, config.noise)["mse"].mean()
    assert watch.curve.mse == pytest.approx([expected, expected], rel=1e-6)


def test_the_notebook_sees_the_digits_themselves() -> None:
    from torchvision.transforms import ToTensor

    from dae.bench.loops import Pictures

    images = load_dataset("digits", limit=4)
    pictures = Pictures(images, ToTensor())
    assert len(pictures) == 4
    assert torch.equal(torch.stack([pictures[place][0] for place in range(4)]), images.clean())


@pytest.mark.parametrize("model", quality.NOTEBOOKS)
def test_contenders_share_the_task(model: str) -> None:
    found = quality.contenders(model, "digits")
    (_, notebook), *others = found.values()
    assert next(iter(found)) == "notebook" and (notebook.epochs, notebook.optimizer, notebook.lr) == (10, "adam", 1e-3)
    for _, config in others:
        assert (config.model, config.noise, config.dataset) == (model, quality.NOISE, "digits")
    assert others[-1][1].epochs == 10 and others[-2][1] == replace(
        RECIPES[quality.FAST[model]].config, dataset="digits"
    )
    assert all(
        config.epochs <= 3 and config.images == 9 for _, config in quality.contenders(model, "digits", 9, 3).values()
    )


def test_the_u_net_contends_with_itself_in_float32() -> None:
    (_, full), (_, ours) = quality.contenders("unet", "mnist").values()
    assert full.precision == "float32" and ours == replace(full, precision="auto")
    assert (ours.model, ours.noise, ours.dataset, ours.images) == ("res-unet", quality.NOISE, "mnist", None)


def test_a_race_has_a_target_of_its_own_for_each_seed() -> None:
    curves = {
        ("notebook", 1): Curve(0.1, [1.0, 4.0], [0.3, 0.2]),
        ("ours", 1): Curve(0.2, [1.0, 2.0], [0.2, 0.1]),
        ("notebook", 2): Curve(0.1, [1.0, 4.0], [0.2, 0.1]),
        ("ours", 2): Curve(0.2, [1.0, 2.0], [0.2, 0.1]),
        ("notebook", 3): Curve(0.1, [1.0, 4.0], [0.2, 0.1]),
        ("ours", 3): Curve(0.2, [1.0, 2.0], [0.3, 0.2]),
    }
    entrants = {"notebook": ("notebook", small(epochs=2)), "dae": ("ours", small(epochs=2))}
    notebook, ours = quality.race(entrants, range(1, 4), lambda loop, config: curves[loop, config.seed])
    assert notebook["to the target"] == "4.00 s" and notebook["of notebook's"] == "1.000"
    assert ours["to the target"] == "2.00 s" and ours["of notebook's"] == "0.500"  # 1, 2 and never
    assert ours["MSE at the end"] == "0.10000" and ours["of these set-up"] == "0.20 s"
    missing = quality.race(entrants, range(3, 4), lambda loop, config: curves[loop, config.seed])[1]
    assert missing["to the target"] == "not reached" and missing["of notebook's"] == "-"


def test_a_loop_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 1, stdout="", stderr="Traceback\nMemoryError: none left\n")
    monkeypatch.setattr("dae.bench.quality.subprocess.run", lambda *_, **__: done)
    with pytest.raises(SystemExit, match="'ours' failed: MemoryError: none left"):
        quality.in_a_process("ours", small())


def test_throughput_of_whole_epochs_and_of_cut_ones() -> None:
    config = replace(RECIPES["digits-linear"].config, **TINY, batch_size=16)
    most, real = throughput.compare(config, 0.02, 1)
    assert most > 0 and real > 0
    with tempfile.TemporaryDirectory() as folder, closing(throughput.recorded(config, 16, folder)) as cut:
        assert next(cut) == 0 and cut.send(0.01) > 0
    assert all(speed > 0 for speed in throughput.precisions(config, 0.01, 1).values())
    assert "digits-unet" in throughput.shipped() and "cifar10-unet" not in throughput.shipped()


def test_the_bare_loop_leaves_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[TrainState] = []

    def make(*args: Any) -> TrainState:
        made.append(TrainState(*args))
        return made[-1]

    monkeypatch.setattr("dae.bench.throughput.TrainState", make)
    loop = throughput.ceiling(replace(RECIPES["digits-linear"].config, **TINY))
    before = weights(made[0])
    assert loop(0.01) > 0 and same(before, weights(made[0]))


def test_milliseconds_of_one_and_of_many() -> None:
    threads = torch.get_num_threads()
    model = build_model("linear-32", (1, 28, 28), torch.Generator())
    line = inference.timings("mine", model, torch.rand(4, 1, 28, 28), (1, 2))
    assert list(line) == ["run", "images", "1, 1 core", "4, 1 core", "1, 2 cores", "4, 2 cores"]
    assert torch.get_num_threads() == threads


def test_photographs_are_measured_with_every_filter_at_its_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    noise = NoiseSpec("gaussian", 0.1, clipped=False)
    lines = {line.pop(""): line for line in photographs.rows(["cifar10-unet"], noise, side=40)}
    assert list(lines) == ["noisy", *CLASSICAL, "cifar10-unet", "cifar10-unet x8"]
    assert all(list(line) == [*photographs.PHOTOGRAPHS, "mean"] for line in lines.values())
    values = {who: [float(value) for value in line.values()] for who, line in lines.items()}
    assert all(19.5 <= value < 23 for value in values["noisy"])  # outputs are clamped, which takes some of it away
    assert all(one[-1] == pytest.approx(sum(one[:-1]) / 5, abs=0.01) for one in values.values())
    assert values["total-variation"][-1] > values["noisy"][-1] + 3 and values["cifar10-unet"][-1] > 24
    clean = photographs.photograph("camera", 40)
    assert clean.shape == (1, 3, 40, 40) and torch.equal(clean[:, 0], clean[:, 2]) and clean.max() <= 1


def test_a_measurement_tells_a_mistake_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        told(lambda: print(lookup("model", MODELS, "foo")))
    assert ended.value.code == 2 and capsys.readouterr().err.startswith("dae: There is no model 'foo'")
