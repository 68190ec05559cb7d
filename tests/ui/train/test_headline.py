"""The headline over a training, in plain words."""

from typing import Any

import pytest

from dae.ui.train.headline import PixelRange, collapsed_output, headline

LABELS = {"quick-unet": "U-Net", "quick-conv": "Convolutional"}
NOISY = {"psnr_db": 9.4}


def lines(*psnr_db: float, epochs: int = 5, within: float | None = None) -> list[dict[str, Any]]:
    """Return the progress of a run of 10 steps an epoch: a value per epoch, and an estimate within the next one."""
    progress: list[dict[str, Any]] = [
        {
            "epoch": epoch,
            "epochs": epochs,
            "step": 10 * epoch,
            "steps": 10 * epochs,
            "scores": {"psnr_db": value},
            "noisy_scores": NOISY,
        }
        for epoch, value in enumerate(psnr_db)
    ]
    if within is not None:
        last = progress[-1]
        progress.append({**last, "step": last["step"] + 5, "scores": None, "estimate": {"psnr_db": within}})
    return progress


@pytest.mark.parametrize(
    ("states", "unet", "conv", "expected"),
    [
        ("queued", [], [], "Waiting to start."),
        ("running", [], [], "Loading images …"),
        ("running", lines(5), lines(5), "Epoch 1 of 5. 12 s left."),
        ("running", lines(5, 16, 17.8), lines(5, 16, 17), "Epoch 3 of 5. U-Net leads by 0.8 dB. 12 s left."),
        # The leader by the numbers that the page shows.
        ("running", lines(5, 15, 18), lines(5, 16), "Epoch 2 of 5. U-Net leads by 2.0 dB. 12 s left."),
        ("running", lines(5, 15), lines(5, 16, within=17), "Epoch 2 of 5. Convolutional leads by 2.0 dB. 12 s left."),
        # One of two has not begun.
        ("running", lines(5, 15), lines(5), "Epoch 1 of 5. 12 s left."),
        (
            "paused",
            lines(5, 16),
            lines(5, 16.02),
            "Paused in epoch 2 of 5. Convolutional and U-Net are tied at 16.0 dB.",
        ),
        ("finished", lines(5, 16, epochs=1), lines(5, 15, epochs=1), "Finished. U-Net wins by 1.0 dB."),
        ("stopped", lines(5, 16), lines(5, 15), "Stopped in epoch 2 of 5. U-Net leads by 1.0 dB."),
    ],
)
def test_the_headline_of_a_race_shows_its_state_and_leader(states: str, unet: Any, conv: Any, expected: str) -> None:
    progress = {"quick-unet": unet, "quick-conv": conv}
    assert headline(LABELS, dict.fromkeys(LABELS, states), progress, remaining_s=12.4) == expected


@pytest.mark.parametrize(
    ("state", "progress", "expected"),
    [
        ("running", lines(5), "Epoch 1 of 5. 3 s left."),
        ("running", lines(5, within=8.4), "Epoch 1 of 5. 1.0 dB worse than the noisy input. 3 s left."),
        ("running", lines(5, 17.2), "Epoch 2 of 5. 7.8 dB clearer than the noisy input. 3 s left."),
        ("finished", lines(5, 9.4, epochs=1), "Finished. About the same as the noisy input."),
        ("interrupted", lines(5, 17.2), "Interrupted in epoch 2 of 5. 7.8 dB clearer than the noisy input."),
        ("failed", [], "Failed."),
    ],
)
def test_the_headline_of_one_training_shows_its_state_and_gain(state: str, progress: Any, expected: str) -> None:
    assert headline({"run": "Linear"}, {"run": state}, {"run": progress}, remaining_s=3) == expected


def test_the_headline_names_no_leader_of_trainings_on_different_noise() -> None:
    progress = {"quick-unet": lines(5, 16), "quick-conv": lines(5, 15)}
    states = {"quick-unet": "finished", "quick-conv": "stopped"}
    assert headline(LABELS, states, progress, comparable=False) == ""


def test_the_headline_reports_a_model_that_does_not_learn_with_a_remedy() -> None:
    progress = {"quick-unet": lines(5, 16), "quick-conv": lines(5, 10)}
    states, remedy = dict.fromkeys(LABELS, "running"), "Try a lower learning rate."
    assert headline({"run": "Linear"}, {"run": "running"}, {"run": lines(5, 10)}, collapsed={"run": "black"}) == (
        f"Epoch 2 of 5. Not learning: every output is black. {remedy}"
    )
    assert headline(LABELS, states, progress, collapsed={"quick-conv": "gray", "quick-unet": ""}) == (
        f"Epoch 2 of 5. Not learning: every output of Convolutional is gray. {remedy}"
    )


BLACK, MEAN, DIFFERENT = (0, 0), (0, 27), (0, 140)


@pytest.mark.parametrize(
    ("ranges", "color"),
    [
        ([(60, BLACK), (120, (0, 3))], "black"),
        ([(60, BLACK), (120, (255, 255))], "white"),
        ([(60, (100, 100)), (120, (120, 120))], "gray"),
        # The mean image, which many models output in their first epoch.
        ([(60, MEAN), (120, MEAN)], ""),
        ([(60, BLACK), (120, DIFFERENT)], ""),
        ([(60, DIFFERENT), (120, BLACK)], ""),
        # Too early, or too few frames to decide.
        ([(16, BLACK), (120, BLACK)], ""),
        ([(120, BLACK)], ""),
    ],
)
def test_outputs_of_one_color_are_recognized(ranges: Any, color: str) -> None:
    assert collapsed_output([PixelRange(step, *low_high) for step, low_high in ranges]) == color
