"""The headline over a training: how far it is, who leads, how long it still takes, and whether it learns at all."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dae.runs import ACTIVE_STATES
from dae.utils import text
from dae.viz.plots import validation_scores

# Lines of progress by name of the run, see `Run.progress`.
Progress = Mapping[str, Sequence[Mapping[str, Any]]]

# Gray levels of 255 that the eye does not tell apart.
_MAX_DIFFERENCE = 8
# Before this step, such outputs are normal.
_MIN_STEPS = 50


def headline(
    labels: Mapping[str, str],
    states: Mapping[str, str],
    progress: Progress,
    *,
    remaining_s: float | None = None,
    comparable: bool = True,
    collapsed: Mapping[str, str] | None = None,
) -> str:
    """Return one to three short sentences: "Epoch 3 of 5. U-Net leads by 0.8 dB. 12 s left.".

    Args:
        labels: display names, by name of the run.
        states: of the runs, see `Run.state`.
        remaining_s: estimated seconds until the end, None if unknown.
        comparable: whether the runs have the same images and noise.
        collapsed: color of the outputs of runs that do not learn, see `collapsed_output`.
    """
    sentences = [_stage(list(states.values()), list(progress.values()))]
    if failing := [name for name in labels if (collapsed or {}).get(name)]:
        whose = f" of {text.join_words([labels[name] for name in failing])}" if len(labels) > 1 else ""
        color = (collapsed or {})[failing[0]]
        sentences.append(f"Not learning: every output{whose} is {color}. Try a lower learning rate.")
    elif len(labels) > 1:
        is_over = set(states.values()) == {"finished"}
        sentences.append(leader_sentence(labels, progress, is_over) if comparable else "")
    else:
        sentences.append(_gain_sentence(next(iter(progress.values()))))
    if remaining_s is not None and "running" in states.values() and any(progress.values()):
        sentences.append(f"{text.format_duration(remaining_s)} left.")
    return " ".join(filter(None, sentences))


def _stage(states: Sequence[str], progress: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    """Return what the runs do, together; empty if their states differ and none is active."""
    active = [state for state in ("running", "paused", "queued") if state in states]
    if not active and len(set(states)) > 1:
        return ""
    state = active[0] if active else states[0]
    lines = [run[-1] for run, own in zip(progress, states, strict=True) if run and (own in ACTIVE_STATES or not active)]
    if not lines or state in ("queued", "finished"):
        return {"queued": "Waiting to start.", "running": "Loading images …"}.get(state, f"{state.capitalize()}.")
    last = min(lines, key=epochs_passed)
    epoch = f"epoch {min(math.floor(epochs_passed(last)) + 1, last['epochs'])} of {last['epochs']}."
    return epoch.capitalize() if state == "running" else f"{state.capitalize()} in {epoch}"


def leader_sentence(labels: Mapping[str, str], progress: Progress, is_over: bool = False) -> str:
    """Return a sentence that names the leading model; empty before two runs have made their first step."""
    latest = {name: next(filter(validation_scores, reversed(progress[name])), None) for name in labels}
    psnr_db = {name: _psnr_db(line) for name, line in latest.items() if line and line["step"]}
    if len(psnr_db) < 2:
        return ""
    first, second = sorted(psnr_db, key=lambda name: -psnr_db[name])[:2]
    lead = psnr_db[first] - psnr_db[second]
    if lead < 0.05:
        return f"{labels[first]} and {labels[second]} are tied at {psnr_db[first]:.1f} dB."
    return f"{labels[first]} {'wins' if is_over else 'leads'} by {lead:.1f} dB."


def _gain_sentence(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return how much clearer than the noisy input the output is; empty before the first step."""
    last = next((line for line in reversed(lines) if validation_scores(line)), None)
    noisy = next((line["noisy_scores"] for line in lines if line.get("noisy_scores")), None)
    if not last or not noisy or not last["step"]:
        return ""
    gain = text.describe_gain(_psnr_db(last) - noisy["psnr_db"])
    if gain.endswith(("clearer", "worse")):
        gain += " than the noisy input"
    elif gain.endswith("the same"):
        gain += " as the noisy input"
    return f"{gain[0].upper()}{gain[1:]}."


class PixelRange(NamedTuple):
    """The lowest and the highest pixel of all outputs at one step, 0 to 255."""

    step: int
    low: int
    high: int


def collapsed_output(ranges: Sequence[PixelRange]) -> str:
    """Return "black", "white" or "gray" if that is all that a model's outputs show, else an empty text.

    A model that outputs the mean image is not reported: many do so in their first epoch.

    Args:
        ranges: of the latest previews; it takes two to tell.
    """
    if len(ranges) < 2 or min(step for step, _, _ in ranges) < _MIN_STEPS:
        return ""
    if any(high - low > _MAX_DIFFERENCE for _, low, high in ranges):
        return ""
    _, low, high = ranges[-1]
    return "black" if high <= _MAX_DIFFERENCE else "white" if low >= 255 - _MAX_DIFFERENCE else "gray"


def epochs_passed(line: Mapping[str, Any]) -> float:
    """Return how many epochs have passed, with fractions."""
    return float(line["step"] / max(line["steps"], 1) * line["epochs"])


def _psnr_db(line: Mapping[str, Any]) -> float:
    return float((validation_scores(line) or {})["psnr_db"])
