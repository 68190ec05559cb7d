"""The steps of the Train page as functions: select, compute, and the text of curves, cards and form."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dae.errors import SpecError
from dae.evaluation import Scores
from dae.noise import NoiseSpec
from dae.runs import Reference, Run, RunMetadata, preview_of
from dae.runs.metadata import write_metadata
from dae.runs.progress import append_report
from dae.training import TrainReport
from dae.ui import resources
from dae.ui.train import curves, monitor
from dae.ui.train.config_form import FormValues
from dae.ui.train.launcher import SIDE_BY_SIDE_TRAININGS, duration_hint
from dae.ui.train.run_controls import badges
from dae.ui.train.selection import default_runs
from tests.helpers import new_run, small_config
from tests.ui.apps import opened

FORM = FormValues(("conv-64",), ("gaussian",), (0.5, 0.5), True, {}, "")


def report(psnr_db: float, epoch: int = 1, seconds: float = 2.0) -> TrainReport:
    scores, noisy = Scores(0.1, psnr_db, 0.5), Scores(0.2, 9.4, 0.4)
    return TrainReport(epoch, 3, 3 * epoch, 9, seconds, 0.1, 9.0, scores, noisy)


@pytest.fixture
def runs(photos: str, tmp_path: Path) -> list[Run]:
    """Return two runs after their first epoch."""
    runs = [new_run(tmp_path / "runs", photos, name) for name in ("fast", "slow")]
    append_report(runs[0].path, report(17.2, seconds=2.0))
    append_report(runs[1].path, report(16.9, seconds=20.0))
    return runs


def test_selection_keeps_only_the_existing_runs_of_the_url(runs: list[Run]) -> None:
    app = opened("pages/train.py", runs=["slow", "missing"])
    assert app.session_state["runs:0"] == ["slow"]
    app.run()
    assert app.query_params["runs"] == "slow"


def test_default_selection_is_the_current_job_else_the_last_finished_run_with_frames(
    photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_run(tmp_path, photos, "base")
    available = [
        Run.create(small_config(dataset=photos, **changes), root=tmp_path, name=name, recipe=recipe)
        for name, recipe, changes in (
            ("waits", "", {}),
            ("empty", "", {}),
            ("continued", "mnist-blind", {"pretrained": "base"}),
            ("ablation", "code-clean", {}),
            ("color", "cifar10-unet", {}),
            ("plain", "", {"pretrained": "base"}),
        )
    ]
    for run in available[1:]:
        run.status.set("finished")
        for epoch in (0, 1) if run.name != "empty" else ():
            append_report(run.path, report(17.2, epoch))
            run.preview_path(epoch).write_bytes(b"")
    assert default_runs(available) == ["plain"] and default_runs(available[:5]) == []
    # The last training of this server, without runs that did not finish or are gone.
    monkeypatch.setattr(resources.training_queue(), "last_job", lambda: ("color", "empty", "ablation", "deleted"))
    assert default_runs(available) == ["color", "ablation"]
    monkeypatch.setattr(resources.training_queue(), "jobs", lambda: [("color", "plain"), ("ablation",)])
    assert default_runs(available) == ["color", "plain"]


def test_compute_reads_the_progress_of_every_run(runs: list[Run]) -> None:
    watched = monitor.compute(["slow", "fast"])
    assert [run.name for run in watched.runs] == ["slow", "fast"]
    assert watched.progress == {run.name: run.progress() for run in runs}


def test_active_runs_of_one_job_share_their_buttons(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources.training_queue(), "jobs", lambda: [("fast", "slow")])
    app = opened("pages/train.py", runs=["fast", "slow"])
    assert [button.key for button in app.button if str(button.key).startswith("stop-")] == ["stop-fast"]


def test_a_stopped_race_continues_as_one_job(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    for run in runs:
        run.status.set("stopped")
    started: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        resources.training_queue(), "start", lambda *job: started.append(tuple(run.name for run in job))
    )
    app = opened("pages/train.py", runs=["fast", "slow"])
    (button,) = [button for button in app.button if str(button.key).startswith("resume-")]
    assert button.label == "Continue the race"
    button.click().run()
    assert started == [("fast", "slow")]


def test_runs_without_frames_are_not_said_to_have_other_images(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    captions: list[str] = []
    monkeypatch.setattr("dae.ui.train.previews.frame_slider", lambda *_, caption, **__: captions.append(caption))
    for which in ("clean", "noisy", preview_of(runs[0].progress()[-1])):
        Image.new("L", (224, 28)).save(runs[0].preview_path(which))
    opened("pages/train.py", runs=["fast", "slow"])
    assert captions and not any("Not shown" in caption for caption in captions)


def test_a_race_has_one_badge_until_its_runs_end_differently() -> None:
    labels = {"a": "Linear", "b": "U-Net"}
    assert [badge.split(": ")[1] for badge in badges({"a": "running", "b": "queued"}, labels)] == ["training]"]
    assert len(badges({"a": "finished", "b": "finished"}, labels)) == 1
    differing = badges({"a": "finished", "b": "stopped"}, labels)
    assert [badge.split(" ")[0] for badge in differing] == ["Linear", "U-Net"]


def test_remaining_time_of_a_race_is_that_of_all_its_runs(runs: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    progress = monitor.compute(["fast", "slow"]).progress
    assert curves.remaining_seconds(["fast"], progress) == pytest.approx(4)
    monkeypatch.setattr(resources.training_queue(), "jobs", lambda: [("fast", "slow")])
    assert curves.remaining_seconds(["fast"], progress) == pytest.approx(44)
    assert curves.remaining_seconds(["fast"], {"fast": progress["fast"]}) is None
    assert curves.remaining_seconds(["fast"], {**progress, "slow": []}) is None


@pytest.mark.parametrize(
    ("psnr_db", "status"),
    [([], "waiting to start"), ([17.2], "17.2 dB · 2 s · run"), ([17.2, 17.0], "17.0 dB, best 17.2 dB · 2 s · run")],
)
def test_status_line_shows_current_and_best_psnr(
    photos: str, tmp_path: Path, psnr_db: list[float], status: str
) -> None:
    run = new_run(tmp_path, photos)
    for epoch, value in enumerate(psnr_db, 1):
        append_report(run.path, report(value, epoch))
    assert curves.status_line(run, run.progress()) == status


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "training"),
        ({"loss": "psnr"}, "training (mean of dB)"),
        ({"target": "noisy", "noise": NoiseSpec("gaussian", 0.5, clipped=False)}, "training (noisy targets)"),
        ({"teacher": "mnist-unet"}, "training (learning from clean images and a teacher)"),
        (
            {"teacher": "mnist-unet", "distillation_weight": 1.0, "loss": "psnr"},
            "training (learning from a teacher, mean of dB)",
        ),
        ({"teacher": "mnist-unet", "distillation_weight": 0.0}, "training"),
    ],
)
def test_training_line_is_named_after_its_target_and_loss(tmp_path: Path, changes: dict[str, Any], name: str) -> None:
    arguments = curves.training_line(Run.create(small_config(**changes), root=tmp_path))
    assert arguments["training"] == name and ("as_mse" in arguments) == ("loss" in changes)


def test_baselines_are_drawn_only_if_all_runs_share_them(runs: list[Run]) -> None:
    baselines = {"noisy input": Scores(0.1, 10.0, 0.5)}
    for run in runs:
        write_metadata(run.path, RunMetadata(device="CPU", baselines=baselines))
    assert curves._baselines(runs) == baselines
    write_metadata(runs[1].path, RunMetadata(device="CPU", baselines={"noisy input": Scores(0.2, 7.0, 0.4)}))
    assert curves._baselines(runs) == {}


def test_duration_of_side_by_side_trainings_is_the_sum_of_all() -> None:
    configs = SIDE_BY_SIDE_TRAININGS["race"].configs()
    # A fair race: only the models differ.
    assert len(configs) == 3 == len({config.model for config in configs.values()})
    assert len({replace(config, model="unet") for config in configs.values()}) == 1
    references = [
        Reference(name, "CPU, 2 threads", True, replace(config, device="cpu"), 75_000, 30.0)
        for name, config in configs.items()
    ]
    on_cpu = {name: replace(config, device="cpu") for name, config in configs.items()}
    hint = duration_hint(on_cpu, references)
    assert hint == "About 2 min here, estimated from quick-conv, quick-linear and quick-unet."
    assert duration_hint(on_cpu, references[:2]) == ""


def test_form_makes_a_config_per_model() -> None:
    form = replace(FORM, models=("linear-32", "conv-64"), settings={"epochs": 7})
    assert [(name, config.model, config.epochs) for name, config in form.configs().items()] == [
        ("linear-32", "linear-32", 7),
        ("conv-64", "conv-64", 7),
    ]


def test_form_mixes_kinds_of_noise_and_leaves_only_gaussian_noise_unclipped() -> None:
    form = replace(FORM, noise_kinds=("gaussian", "masking"), level_range=(0.1, 0.6), clipped=False)
    (config,) = form.configs().values()
    assert str(config.noise) == "gaussian:0.1-0.6:unclipped+masking:0.1-0.6"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": ()}, "Choose a model, or two to four for a race."),
        ({"noise_kinds": ()}, "Choose a kind of noise, or several to mix."),
        ({"settings": {"target": "noisy"}}, "noisy"),
        ({"settings": {"lr": 11.0}}, "11"),
    ],
)
def test_invalid_form_values_raise_an_error_that_names_the_problem(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(FORM, **changes).configs()


def test_invalid_form_shows_its_error_in_the_dialog() -> None:
    def errors(app: AppTest) -> list[str]:
        return [error.value for error in app.error]

    app = opened("pages/train.py")
    app.button(key="open-custom").click()
    app.run()
    models = next(widget for widget in app.multiselect if widget.label.startswith("Model"))
    start = next(button for button in app.button if button.label == "Start training")
    models.set_value([])
    start.click()
    app.run()
    assert errors(app) == ["Choose a model, or two to four for a race."]
    assert not app.exception
