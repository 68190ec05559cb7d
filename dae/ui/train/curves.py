"""Loss and PSNR curves of runs in one chart, with a progress bar and a status line per run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dae.errors import SpecError
from dae.evaluation import Scores
from dae.runs import Run, RunMetadata
from dae.training.config import geometric_mean_mse
from dae.ui import resources
from dae.ui.components.live_chart import ProgressBar, live_chart
from dae.ui.model_options import run_color
from dae.ui.train.headline import Progress
from dae.ui.train.selection import CurveAxes
from dae.utils import text
from dae.viz import plots


def render_curves(runs: Sequence[Run], progress: Progress, labels: Mapping[str, str], axes: CurveAxes) -> None:
    """Draw the curves of one run or more over each other.

    Args:
        labels: display names by name of the run.
    """
    num_drawn: Counter[str] = Counter()
    curves = []
    for run in runs:
        # Runs of the same model share a color.
        color, lines = run_color(run), progress[run.name]
        dash = plots.DASHES[num_drawn[color] % len(plots.DASHES)]
        num_drawn[color] += 1
        curves.append(plots.LossCurve(labels[run.name], color, lines, dash, **training_line(run)))
    names = text.join_words(list(labels.values()))
    live_chart(
        plots.loss_figure(curves, **asdict(axes), baselines=_baselines(runs)),
        key="loss-chart",
        height=320,
        fold=True,
        alt=f"{plots.Y_AXES[axes.y]} of {names} against the {plots.X_AXES[axes.x]}",
        bars=[_progress_bar(run, progress[run.name], labels[run.name]) for run in runs],
    )


def _progress_bar(run: Run, lines: Sequence[Mapping[str, Any]], label: str) -> ProgressBar:
    done = min(lines[-1]["step"] / max(lines[-1]["steps"], 1), 1.0) if lines else 0.0
    return ProgressBar(done, f"{label} · {status_line(run, lines)}", run_color(run))


def remaining_seconds(names: Sequence[str], progress: Progress) -> float | None:
    """Estimate how long the current job still takes, if its runs are among `names`.

    Returns:
        None if a run of the job has not started or is not in `progress`.
    """
    job = next((job for job in resources.training_queue().jobs() if set(job) & set(names)), tuple(names))
    last_lines = [progress[name][-1] for name in job if progress.get(name)]
    if len(last_lines) < len(job) or not all(line["step"] for line in last_lines):
        return None
    return float(sum(line["seconds"] / line["step"] * (line["steps"] - line["step"]) for line in last_lines))


def status_line(run: Run, lines: Sequence[Mapping[str, Any]]) -> str:
    """Return PSNR, time or speed, device, initial weights and name of a run in one line.

    Args:
        lines: its progress.
    """
    state = run.state
    if not lines:
        return "loading images …" if state == "running" else "waiting to start"
    parts = [_describe_psnr(lines)]
    if state == "running" and lines[-1]["step"]:
        speed = next((line["images_per_second"] for line in reversed(lines) if line.get("images_per_second")), None)
        metadata = run.metadata()
        parts += [f"{speed:,.0f} images/s" if speed else "", _describe_device(metadata) if metadata else ""]
    else:
        parts.append(text.format_duration(lines[-1]["seconds"]))
    parts += [f"started from {run.pretrained}" if run.pretrained else "", run.name]
    return " · ".join(filter(None, parts))


def _describe_psnr(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return the validation PSNR: "17.0 dB, best 17.2 dB"; empty if nothing is validated yet."""
    psnr_db = [float(scores["psnr_db"]) for line in lines if (scores := plots.validation_scores(line))]
    if not psnr_db:
        return ""
    current, best = f"{psnr_db[-1]:.1f} dB", f"{max(psnr_db):.1f} dB"
    return current if current == best else f"{current}, best {best}"


def _describe_device(metadata: RunMetadata) -> str:
    """Return device, number of processes and remarks: "CPU, 1 thread, 2 processes"."""
    processes = f", {metadata.world_size} processes" if metadata.world_size > 1 else ""
    return metadata.device + processes + (f" · {metadata.note.rstrip('.')}" if metadata.note else "")


def training_line(run: Run) -> dict[str, Any]:
    """Return the arguments of `LossCurve` that depend on the loss: the name of the training line, and its scale."""
    try:
        config = run.config
    except SpecError:
        # A newer version wrote the config.
        return {}
    remarks = ["noisy targets"] if config.target == "noisy" else []
    if config.teacher and config.distillation_weight:
        only_teacher = config.distillation_weight == 1
        remarks = ["learning from a teacher" if only_teacher else "learning from clean images and a teacher"]
    if config.loss == "psnr":
        remarks.append("mean of dB")
    training = "training" + (f" ({', '.join(remarks)})" if remarks else "")
    return {"training": training} | ({"as_mse": geometric_mean_mse} if config.loss == "psnr" else {})


def _baselines(runs: Sequence[Run]) -> Mapping[str, Scores]:
    """Return the scores of baselines if they are the same for all runs: same images, same noise."""
    baselines = [metadata.baselines for run in runs if (metadata := run.metadata())]
    return baselines[0] if baselines and all(other == baselines[0] for other in baselines) else {}
