"""Guess on the projector: the noisy digit, the bars of the answers, the readings of the models and the final curve."""

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from dae.imagination.nearest import UNREADABLE
from dae.ui.components.base import png_url
from dae.ui.components.live_chart import live_chart
from dae.ui.room.guess import LevelShare, Question, Reading
from dae.ui.room.projector.contestants import prepare_shares
from dae.ui.room.readings import NUM_SHARE_DIGITS, ModelShares
from dae.ui.room.room import Room
from dae.ui.room.snapshot import Snapshot
from dae.ui.shell.actions import presenter_callback
from dae.utils import text
from dae.viz.comparison_plots import share_right_figure


def render_guess(game: Room, shown: Snapshot) -> None:
    """Draw the current round, or the curve after the last one."""
    # Measured while people play. A game without this poll would cancel it.
    shares = prepare_shares()
    if shown.phase == "finished":
        _render_curve(shown.shares, shares)
        return
    if shown.question is None:
        return
    is_revealed = shown.phase == "revealed"
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header(headline(shown), anchor=False)
        st.button(
            next_step(shown),
            # A widget of the next step has no press that belongs to this one.
            key=f"room_step:{shown.number}:{shown.phase}",
            type="primary",
            on_click=presenter_callback(game.advance),
            args=(shown.number, shown.phase),
        )
    st.html(round_html(shown.question, shown.counts, is_revealed))


def headline(shown: Snapshot) -> str:
    """Return the line above a round."""
    answers = text.counted(shown.num_answers, "answer")
    if shown.phase == "answering" or shown.question is None:
        level = shown.question.level if shown.question else 0
        return f"Round {shown.number} of {shown.num_rounds} · noise level {level:g} · {answers}"
    digit, right = shown.question.digit, shown.counts[shown.question.digit]
    if not shown.num_answers:
        return f"It is a {digit}. Nobody answered."
    verb = "is" if 1 in (right, shown.num_answers) else "are"
    return f"It is a {digit}. {right:,} of {answers} {verb} right ({right / shown.num_answers:.0%})."


def next_step(shown: Snapshot) -> str:
    """Return the label of the button that goes on."""
    if shown.phase == "answering":
        return "Reveal the answer"
    return "Next round" if shown.number < shown.num_rounds else "Show the results"


def round_html(question: Question, counts: Sequence[int], is_revealed: bool) -> str:
    """Return the digit and a bar for each answer; with the answer also the clean digit and what the models read."""
    images = [figure_html(question.noisy, "noisy digit", "What you saw" if is_revealed else "Which digit is this?")]
    if is_revealed:
        images.append(figure_html(question.clean, "clean digit", f"The answer: {question.digit}"))
        images += [_reading_html(reading, question.digit) for reading in question.readings]
    highest = max(*counts, 1)
    bars = "".join(
        f"<div class='room-bar{' room-right' if is_revealed and digit == question.digit else ''}'>"
        f"<b>{count or ''}</b><i style='height:{70 * count / highest:.0f}%'></i><span>{digit}</span></div>"
        for digit, count in enumerate(counts)
    )
    return (
        f"<div class='room-stage room-round{' room-revealed' if is_revealed else ''}'>"
        f"<div class='room-images'>{''.join(images)}</div>"
        f"<div class='room-bars' role='img' aria-label='{_describe(counts)}'>{bars}</div></div>"
    )


def _reading_html(reading: Reading, digit: int) -> str:
    is_right = reading.text == str(digit)
    verb = "sees" if reading.text == UNREADABLE else "reads"
    caption = f"{'✓' if is_right else '✗'} {reading.label} {verb} {reading.text}"
    return figure_html(reading.image, f"output of {reading.label}", caption, "room-right" if is_right else "room-wrong")


def figure_html(png: bytes, alt: str, caption: str, css: str = "") -> str:
    """Return an image with a text below it."""
    return (
        f"<figure class='{css}'><img src='{png_url(png)}' alt='{escape(alt)}'>"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _describe(counts: Sequence[int]) -> str:
    return "Answers: " + ", ".join(f"{count} for {digit}" for digit, count in enumerate(counts))


def _render_curve(people: Sequence[LevelShare], models: Mapping[str, ModelShares] | None) -> None:
    """Draw people against models, and say who read more."""
    shares = {entry.level: entry.right / entry.answers for entry in people if entry.answers}
    st.header(verdict(shares, models), anchor=False)
    lines = {label: (entry.color, entry.by_level) for label, entry in (models or {}).items()}
    live_chart(share_right_figure(shares, lines), key="room_curve", alt="Right answers against the noise level")
    st.caption(
        f"People: share of right answers, one digit per noise level. Models: share of {NUM_SHARE_DIGITS} test digits "
        "that read right after denoising. A digit reads as the most similar training image."
    )


def verdict(people: Mapping[float, float], models: Mapping[str, ModelShares] | None) -> str:
    """Return a sentence on who read more digits, averaged over the noise levels that people answered.

    Args:
        people: fraction of right answers, by noise level.
        models: by label; None until they are measured.
    """
    if not people:
        return "Nobody answered."
    room_share = sum(people.values()) / len(people)
    if models is None:
        return f"You read {room_share:.0%} of your digits. The models are still being measured …"
    if not models:
        return f"You read {room_share:.0%} of your digits."
    means = {
        label: sum(entry.by_level.get(level, 0) for level in people) / len(people) for label, entry in models.items()
    }
    best = max(means, key=lambda label: means[label])
    people_share, model_share = f"{room_share:.0%}", f"{means[best]:.0%}"
    winner = "People win" if room_share > means[best] else "The models win"
    winner = "It is a tie" if people_share == model_share else winner
    return f"{winner}: you read {people_share} of your digits, {best} {model_share} of {NUM_SHARE_DIGITS} test digits."
