"""The benchmarks: the command that runs several, and what each one computes, on a few images."""

import math
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from dae.data import load_dataset
from dae.errors import SpecError
from dae.evaluation import make_denoiser, per_image_metrics
from dae.models import MODELS, build_model
from dae.runs import find_run
from dae.training import RECIPES, TrainState
from dae.utils.registry import lookup
from tests.benchmarks import __main__ as runner
from tests.benchmarks import growth, inference, quality, throughput, uncertainty
from tests.benchmarks.common import describe_machine, images_per_second, run_benchmark
from tests.benchmarks.loops import LOOPS, Curve, PILDataset, Stopwatch, run
from tests.helpers import ROOT, small_config, tensors_equal, tiny_dataset, weights

TINY: dict[str, Any] = dict(dataset="digits", max_images=64, epochs=2, device="cpu", precision="float32")


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """Record the processes that the runner would start; `slider` fails."""
    started: list[tuple[list[str], dict[str, str]]] = []

    def start(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        started.append((command, env))
        return subprocess.CompletedProcess(command, int(command[-1].endswith("slider")))

    monkeypatch.setattr("tests.benchmarks.__main__.subprocess.run", start)
    return started


def test_help_lists_every_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        runner.main(["--help"])
    printed = capsys.readouterr().out
    for name, what in runner.BENCHMARKS.items():
        assert f"  {name}" in printed and what in printed
    assert set(runner.BENCHMARKS) > runner.LONG
    # Each module whose first line has its command.
    first_lines = {file.stem: file.read_text().partition("\n")[0] for file in (ROOT / "tests/benchmarks").glob("*.py")}
    commands = {name for name, line in first_lines.items() if f"python -m tests.benchmarks.{name}" in line}
    # `quality` runs its loops in processes of their own.
    assert commands - {"loops"} == set(runner.BENCHMARKS)


@pytest.mark.parametrize("name", runner.BENCHMARKS)
def test_every_docstring_has_the_command(name: str) -> None:
    for optional in ("playwright", "websockets"):
        pytest.importorskip(optional)
    documentation = import_module(f"tests.benchmarks.{name}").__doc__
    assert documentation and f"python -m tests.benchmarks.{name}" in documentation.splitlines()[0]


def test_runner_starts_the_named_benchmarks_in_order(processes: list[Any]) -> None:
    assert runner.main(["quality", "inference", "--data", "there"]) == 0
    assert [command[-1] for command, _ in processes] == ["tests.benchmarks.quality", "tests.benchmarks.inference"]
    assert all(command[0] == sys.executable and env["DAE_DATA"] == "there" for command, env in processes)


def test_runner_starts_all_short_benchmarks_and_continues_after_a_failure(
    processes: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert runner.main([]) == 1
    short = [name for name in runner.BENCHMARKS if name not in runner.LONG]
    assert [command[-1].rpartition(".")[2] for command, _ in processes] == short
    assert capsys.readouterr().err == "dae: slider failed with exit code 1. See its output above.\n"


def test_runner_starts_nothing_if_a_name_is_unknown(processes: list[Any]) -> None:
    with pytest.raises(SpecError, match="Did you mean 'quality'?"):
        runner.main(["inference", "qualty"])
    assert not processes


def test_machine_description_has_the_versions() -> None:
    printed = describe_machine()
    assert f"torch {torch.__version__}" in printed and "cores" in printed and "\n" not in printed


def test_training_speed_is_computed_from_two_lines_of_progress() -> None:
    begin, end = {"step": 10, "seconds": 1.0}, {"step": 20, "seconds": 3.0}
    assert images_per_second(begin, end, batch_size=32) == 160


def test_time_to_target_is_the_end_of_the_first_epoch_that_reaches_it() -> None:
    curve = Curve(0.5, [1.0, 2.0, 3.0], [0.3, 0.1, 0.2])
    assert (curve.time_to(0.2), curve.time_to(0.3), curve.time_to(0.05)) == (2.0, 1.0, math.inf)
    assert curve.time_to(math.nan) == math.inf


# Lightning warns.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("loop", [name for name in LOOPS if name != "lightning" or find_spec("lightning")])
def test_each_loop_trains_from_the_same_initial_weights(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(quality.NOTEBOOKS["linear-32"], **TINY, batch_size=16)
    initial: list[list[torch.Tensor]] = []

    def build(*args: Any) -> torch.nn.Module:
        model = build_model(*args)
        initial.append(weights(model))
        return model

    monkeypatch.setattr("tests.benchmarks.loops.build_model", build)
    curve = run(loop, config)
    assert len(curve.mse) == len(curve.seconds) == 2 and curve.mse[1] < curve.mse[0] < 0.3
    assert 0 < curve.setup_s < curve.seconds[0] < curve.seconds[1]
    assert all(tensors_equal(values, weights(TrainState(config, (1, 28, 28)))) for values in initial)
    assert len(initial) == (loop != "ours")


def test_stopwatch_evaluates_like_the_library_and_pauses_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    config, test = small_config(), tiny_dataset(600)
    checkpoint = find_run("digits-linear", ROOT / "checkpoints").load()
    watch = Stopwatch(config, test)
    ticks = iter(range(100))
    monkeypatch.setattr("tests.benchmarks.loops.time.perf_counter", lambda: next(ticks))
    watch.start()
    watch.end_setup()
    for _ in range(2):
        watch.end_epoch(checkpoint.model)
    assert watch.curve.setup_s == 1 and watch.curve.seconds == [2, 3] and checkpoint.model.training
    expected = per_image_metrics(make_denoiser(checkpoint, test), test, config.noise)["mse"].mean()
    assert watch.curve.mse == pytest.approx([expected, expected], rel=1e-6)


def test_pil_dataset_returns_the_images_of_the_set() -> None:
    from torchvision.transforms import ToTensor

    images = load_dataset("digits", limit=4)
    pil_images = PILDataset(images, ToTensor())
    assert len(pil_images) == 4
    assert torch.equal(torch.stack([pil_images[index][0] for index in range(4)]), images.to_float())


@pytest.mark.parametrize("model", quality.NOTEBOOKS)
def test_contenders_share_model_noise_and_data(model: str) -> None:
    entries = quality.contenders(model, "digits")
    (_, notebook), *others = entries.values()
    assert next(iter(entries)) == "notebook"
    assert (notebook.epochs, notebook.optimizer, notebook.lr) == (10, "adam", 1e-3)
    for _, config in others:
        assert (config.model, config.noise, config.dataset) == (model, quality.NOISE, "digits")
    assert others[-1][1].epochs == 10
    assert others[-2][1] == replace(RECIPES[quality.FAST_RECIPES[model]].config, dataset="digits")
    limited = quality.contenders(model, "digits", 9, 3).values()
    assert all(config.epochs <= 3 and config.max_images == 9 for _, config in limited)


def test_contenders_of_the_unet_differ_only_in_precision() -> None:
    (_, full), (_, ours) = quality.contenders("unet", "mnist").values()
    assert full.precision == "float32" and ours == replace(full, precision="auto")
    assert (ours.model, ours.noise, ours.dataset, ours.max_images) == ("res-unet", quality.NOISE, "mnist", None)


def test_race_has_a_separate_target_for_each_seed() -> None:
    curves = {
        ("notebook", 1): Curve(0.1, [1.0, 4.0], [0.3, 0.2]),
        ("ours", 1): Curve(0.2, [1.0, 2.0], [0.2, 0.1]),
        ("notebook", 2): Curve(0.1, [1.0, 4.0], [0.2, 0.1]),
        ("ours", 2): Curve(0.2, [1.0, 2.0], [0.2, 0.1]),
        ("notebook", 3): Curve(0.1, [1.0, 4.0], [0.2, 0.1]),
        ("ours", 3): Curve(0.2, [1.0, 2.0], [0.3, 0.2]),
    }
    entries = {"notebook": ("notebook", small_config(epochs=2)), "dae": ("ours", small_config(epochs=2))}
    notebook, ours = quality.race(entries, range(1, 4), lambda loop, config: curves[loop, config.seed])
    assert notebook["time to target"] == "4.00 s" and notebook["relative to notebook"] == "1.000"
    # The median of 1 s, 2 s and never.
    assert ours["time to target"] == "2.00 s" and ours["relative to notebook"] == "0.500"
    assert ours["final MSE"] == "0.10000" and ours["set-up"] == "0.20 s"
    missing = quality.race(entries, range(3, 4), lambda loop, config: curves[loop, config.seed])[1]
    assert missing["time to target"] == "not reached" and missing["relative to notebook"] == "-"


def test_failed_loop_ends_the_benchmark_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 1, stdout="", stderr="Traceback\nMemoryError: none left\n")
    monkeypatch.setattr("tests.benchmarks.quality.subprocess.run", lambda *_, **__: done)
    with pytest.raises(SystemExit, match="'ours' failed: MemoryError: none left"):
        quality.run_in_process("ours", small_config())


def test_throughput_is_measured_for_whole_and_shortened_epochs() -> None:
    config = replace(RECIPES["digits-linear"].config, **TINY, batch_size=16)
    bare, real = throughput.compare(config, 0.02, 1)
    assert bare > 0 and real > 0
    with tempfile.TemporaryDirectory() as folder:
        with closing(throughput.recorded_training(config, 16, folder)) as shortened:
            assert next(shortened) == 0 and shortened.send(0.01) > 0
    assert all(speed > 0 for speed in throughput.compare_precisions(config, 0.01, 1).values())
    assert "digits-unet" in throughput.shipped_recipes() and "cifar10-unet" not in throughput.shipped_recipes()


def test_bare_loop_does_not_change_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[TrainState] = []

    def make(*args: Any) -> TrainState:
        states.append(TrainState(*args))
        return states[-1]

    monkeypatch.setattr("tests.benchmarks.throughput.TrainState", make)
    loop = throughput.bare_loop(replace(RECIPES["digits-linear"].config, **TINY))
    before = weights(states[0])
    assert loop(0.01) > 0 and tensors_equal(before, weights(states[0]))


def test_latency_row_has_a_column_per_batch_and_number_of_cores() -> None:
    threads = torch.get_num_threads()
    model = build_model("linear-32", (1, 28, 28), torch.Generator())
    row = inference.latency_row("mine", model, torch.rand(4, 1, 28, 28), (1, 2))
    assert list(row) == ["run", "images", "1, 1 core", "4, 1 core", "1, 2 cores", "4, 2 cores"]
    assert torch.get_num_threads() == threads


def test_benchmark_prints_a_user_error_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_benchmark(lambda: print(lookup("model", MODELS, "foo")))
    assert ended.value.code == 2 and capsys.readouterr().err.startswith("dae: There is no model 'foo'")


def test_the_uncertainty_benchmark_groups_images_by_their_predicted_error() -> None:
    model = build_model("linear-32", (1, 28, 28), torch.Generator().manual_seed(0)).eval()
    predicted, true = uncertainty.predicted_and_true(model, tiny_dataset(20).to_float(), 0.5, seed=0)
    assert predicted.shape == true.shape == (20,) and true.min() > 0
    rows = uncertainty.rows_by_prediction(torch.arange(20.0), torch.ones(20))
    assert len(rows) == 10 and rows[0]["predicted"] == "0.50000" and rows[-1]["predicted"] == "18.50000"
    assert {row["true"] for row in rows} == {"1.00000"}


def test_growth_creates_random_images_and_reads_them_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert growth._random_images(10).images.shape == (10, 1, 28, 28)
    # From the cache.
    assert growth._random_images(10).classes == ("random",)
