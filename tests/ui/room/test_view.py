"""The room on the projector: opening it, the address for phones, games, results and the wall of drawings."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dae.ui.room import readings
from dae.ui.room.guess import Question, Reading
from dae.ui.room.projector import address
from dae.ui.room.projector import guess as guess_view
from dae.ui.room.projector import wall as wall_view
from dae.ui.room.readings import ModelShares
from dae.ui.room.room import room
from dae.ui.room.snapshot import Snapshot
from dae.ui.room.wall import NUM_BYTES
from tests.helpers import wait_for
from tests.ui.apps import html, opened, shown

LAN = "http://192.168.1.20:8501"


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception and not app.error
    return app


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


@pytest.mark.parametrize(
    ("page_url", "server", "has_key", "url", "problem", "can_rehearse"),
    [
        (f"{LAN}/", "0.0.0.0", True, f"{LAN}/play", "", False),
        (f"{LAN}/", None, True, f"{LAN}/play", "", False),
        (f"{LAN}/", "0.0.0.0", False, f"{LAN}/play", "Without a presenter key", False),
        ("https://talk.example/base/", "localhost", True, "https://talk.example/base/play", "", False),
        ("http://[fd00::1]:8501/", "::", True, "http://[fd00::1]:8501/play", "", False),
        ("http://localhost:8501/", "localhost", True, "http://localhost:8501/play", "this computer only", True),
        ("http://127.0.0.1:8501/", "127.0.0.1", False, "http://127.0.0.1:8501/play", "this computer only", True),
    ],
)
def test_phones_get_the_address_of_the_presenters_browser(
    page_url: str, server: str | None, has_key: bool, url: str, problem: str, can_rehearse: bool
) -> None:
    found = address.phone_address(page_url, server, has_key)
    assert found.url == url and problem in found.problem and bool(problem) == bool(found.problem)
    assert found.can_rehearse == can_rehearse


def test_localhost_is_no_address_for_phones_of_an_open_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "_network_address", lambda: "192.168.1.20")
    assert address.phone_address("http://localhost:8501/", "0.0.0.0", True).url == f"{LAN}/play"


def test_only_presenters_open_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "**Play with the room**" in labels(opened("dashboard.py"))
    monkeypatch.setenv("DAE_PRESENTER_KEY", "sesame")
    assert "**Play with the room**" not in labels(opened("dashboard.py"))
    app = opened("dashboard.py", room="true")
    assert "Only a presenter" in shown(app) and room().snapshot().activity == "closed"


def test_a_local_server_shows_how_to_open_it_to_phones(trained: Path) -> None:
    app = press(opened("dashboard.py"), "**Play with the room**")
    assert "phones cannot reach it" in shown(app) and app.code[0].value == address.HOW_TO_OPEN
    assert room().snapshot().activity == "closed"


def test_a_game_of_guess_runs_from_opening_the_room_to_closing_it(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    monkeypatch.setattr(readings, "NUM_SHARE_DIGITS", 10)
    app = press(press(opened("dashboard.py"), "**Play with the room**"), "Rehearse on this computer")
    phone = room().join()
    app = press(app, "Guess")
    wait_for(lambda: app.run() and room().snapshot().activity == "guess")
    for number in range(1, len(readings.LEVELS) + 1):
        assert f"Round {number} of {len(readings.LEVELS)}" in app.header[0].value
        room().answer(phone, room().phone_state(phone)["round"], 3)
        press(app, "Reveal the answer")
        assert app.header[0].value.startswith("It is a ")
        press(app, "Next round" if number < len(readings.LEVELS) else "Show the results")
    wait_for(lambda: app.run() and "measured" not in app.header[0].value)
    assert "of your digits" in app.header[0].value
    press(app, "End")
    press(app, "Close the room")
    assert room().snapshot().activity == "closed"


def test_the_answer_and_the_readings_are_hidden_until_they_are_revealed() -> None:
    question = Question(1.0, 4, b"noisy", b"clean", (Reading("<Linear>", "#123456", "9", b"output"),))
    hidden, revealed = (guess_view.round_html(question, [0] * 9 + [2], public) for public in (False, True))
    assert "answer" not in hidden.lower().replace("answers", "") and "Linear" not in hidden
    assert "The answer: 4" in revealed and "✗ &lt;Linear&gt; reads 9" in revealed


def test_the_headline_counts_answers_and_then_names_the_digit() -> None:
    question = Question(1.5, 4, b"", b"")
    counts = (0, 0, 0, 0, 3, 0, 0, 0, 0, 1)
    asked = Snapshot("guess", 5, "answering", 2, 6, question, counts)
    assert guess_view.headline(asked) == "Round 2 of 6 · noise level 1.5 · 4 answers"
    answered = Snapshot("guess", 5, "revealed", 2, 6, question, counts)
    assert guess_view.headline(answered) == "It is a 4. 3 of 4 answers are right (75%)."
    assert guess_view.headline(Snapshot("guess", 5, "revealed", 2, 6, question)) == "It is a 4. Nobody answered."


def test_the_verdict_compares_people_and_models_at_the_answered_levels() -> None:
    models = {
        "Linear": ModelShares("#123456", {1.0: 0.5, 2.0: 0.1}),
        "U-Net": ModelShares("#654321", {1.0: 0.6, 2.0: 0.9}),
    }
    assert (
        guess_view.verdict({1.0: 0.8}, models)
        == "People win: you read 80% of your digits, U-Net 60% of 100 test digits."
    )
    assert (
        guess_view.verdict({1.0: 0.8, 2.0: 0.2}, models)
        == "The models win: you read 50% of your digits, U-Net 75% of 100 test digits."
    )
    assert (
        guess_view.verdict({1.0: 0.6}, models)
        == "It is a tie: you read 60% of your digits, U-Net 60% of 100 test digits."
    )
    assert guess_view.verdict({}, models) == "Nobody answered."
    assert guess_view.verdict({1.0: 0.8}, {}) == "You read 80% of your digits."
    assert "still being measured" in guess_view.verdict({1.0: 0.8}, None)


def test_a_drawing_appears_on_the_wall_until_it_is_taken_down(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = press(press(opened("dashboard.py"), "**Play with the room**"), "Rehearse on this computer")
    phone, other = room().join(), room().join()
    app.toggle(key="room_review").set_value(False).run()
    app = press(app, "Draw")
    for drawer in (phone, other):
        room().draw(drawer, bytes(NUM_BYTES // 2) + bytes([255]) * (NUM_BYTES // 2))
    app.run()
    assert labels(app).count("Take down") == 2 and app.header[0].value.startswith("2 drawings")
    assert room().phone_state(phone)["reading"]
    newest = next(button for button in app.button if button.key == f"room_down:{room().snapshot().drawings[0].id}")
    newest.click().run()
    assert labels(app).count("Take down") == 1 and room().phone_state(other)["blocked"]
    assert not room().phone_state(phone)["blocked"]
    press(app, "End")
    assert room().snapshot().drawings == ()


def test_drawings_wait_for_review_until_the_presenter_shows_or_dismisses_them(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = press(press(opened("dashboard.py"), "**Play with the room**"), "Rehearse on this computer")
    phones = [room().join() for _ in range(3)]
    app = press(app, "Draw")
    for phone in phones:
        room().draw(phone, bytes([255]) * NUM_BYTES)
    app.run()
    assert "3 drawings wait" in html(app) and "room=review" in html(app) and not labels(app).count("Take down")
    review = opened("dashboard.py", room="review")
    assert review.header[0].value == "3 drawings waiting"
    press(press(review, "Dismiss"), "Show all")
    assert [room().phone_state(phone)["dismissed"] for phone in phones] == [True, False, False]
    app.run()
    assert labels(app).count("Take down") == 2 and "drawings wait" not in html(app)
    press(app, "End")
    assert "Drawings appear here" in shown(review.run())


def test_draw_without_a_trained_model_shows_a_message() -> None:
    app = press(press(opened("dashboard.py"), "**Play with the room**"), "Rehearse on this computer")
    next(button for button in app.button if button.label == "Draw").click()
    app.run()
    assert "There is no trained model" in shown(app) and not app.exception


def test_drawings_keep_their_place_on_the_wall() -> None:
    slots = wall_view.place((), (2, 1))
    assert slots == (1, 2, *[0] * (wall_view.NUM_SLOTS - 2))
    assert wall_view.place(slots, (3, 2))[:3] == (3, 2, 0)
    full = tuple(range(1, wall_view.NUM_SLOTS + 1))
    assert wall_view.place(full, (99, *full[:0:-1])) == (99, *full[1:])
