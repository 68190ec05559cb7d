"""The state of the room: joining, rounds, one answer per phone, results, and the wall of drawings."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from dae.ui.room import presence
from dae.ui.room.guess import LevelShare, Question
from dae.ui.room.room import Room, RoomError, UnknownPhoneError
from dae.ui.room.wall import MIN_INTERVAL_S, NUM_BYTES, DrawingError, WallImage

INK, OTHER_INK = (bytes([value]) * NUM_BYTES for value in (255, 200))


def question(digit: int, level: float = 0.5) -> Question:
    return Question(level, digit, f"noisy {digit}".encode(), f"clean {digit}".encode())


@pytest.fixture
def clock() -> list[float]:
    """Return the time in seconds, in a list that the clock of the room reads and tests change."""
    return [0.0]


@pytest.fixture
def room(clock: list[float]) -> Room:
    opened = Room(lambda: clock[0])
    opened.open()
    return opened


def step(room: Room) -> None:
    shown = room.snapshot()
    room.advance(shown.number, shown.phase)


def test_closing_the_room_removes_all_phones_and_refuses_new_phones_and_games(room: Room) -> None:
    phone = room.join()
    room.start_guess([question(3)])
    room.close()
    assert room.snapshot().activity == "closed" and room.snapshot().present == 0
    for refused in (room.join, lambda: room.start_guess([question(3)]), room.start_draw):
        with pytest.raises(RoomError, match="closed"):
            refused()
    with pytest.raises(UnknownPhoneError):
        room.phone_state(phone)
    room.end_activity()
    assert room.snapshot().activity == "closed"


def test_join_returns_a_known_token_unchanged_and_replaces_an_unknown_one(room: Room) -> None:
    phone = room.join()
    assert room.join(phone) == phone and room.join("guessed") not in ("guessed", phone)
    with pytest.raises(UnknownPhoneError):
        room.phone_state("guessed")


def test_the_number_of_phones_is_limited_but_known_ones_come_back(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "MAX_PHONES", 2)
    first, _ = room.join(), room.join()
    with pytest.raises(RoomError, match="full"):
        room.join()
    assert room.join(first) == first


def test_in_a_full_room_a_phone_that_has_long_gone_makes_way(
    room: Room, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "MAX_PHONES", 2)
    gone, present = room.join(), room.join()
    clock[0] += 3_600
    room.check_phone(present)
    newcomer = room.join()
    with pytest.raises(UnknownPhoneError):
        room.check_phone(gone)
    room.check_phone(present)
    room.check_phone(newcomer)


def test_an_inactive_phone_is_not_counted_and_returns_to_the_round_with_its_answer(
    room: Room, clock: list[float]
) -> None:
    sleeper, other = room.join(), room.join()
    room.start_guess([question(3), question(4)])
    room.answer(sleeper, room.phone_state(sleeper)["round"], 3)
    clock[0] += presence.PRESENT_S
    room.phone_state(other)
    assert room.snapshot().present == 1
    assert room.phone_state(sleeper)["yours"] == 3 and room.snapshot().present == 2


def test_the_first_answer_of_a_phone_counts_and_the_solution_is_secret_until_it_is_revealed(room: Room) -> None:
    phones = [room.join() for _ in range(3)]
    room.start_guess([question(3)])
    state = room.phone_state(phones[0])
    assert state["phase"] == "answering" and "answer" not in state and state["yours"] is None
    for phone, digit in zip(phones, (3, 8, 3), strict=True):
        room.answer(phone, state["round"], digit)
    room.answer(phones[0], state["round"], 8)
    assert room.snapshot().counts == (0, 0, 0, 2, 0, 0, 0, 0, 1, 0) and room.snapshot().num_answers == 3
    step(room)
    state = room.phone_state(phones[1])
    assert (state["answer"], state["yours"], state["right"], state["answers"]) == (3, 8, 2, 3)
    assert (state["score"], state["answered"]) == (0, 1)


@pytest.mark.parametrize("digit", [-1, 10, 10**9])
def test_an_answer_outside_0_to_9_is_refused(room: Room, digit: int) -> None:
    phone = room.join()
    room.start_guess([question(3)])
    with pytest.raises(RoomError, match="0 to 9"):
        room.answer(phone, room.phone_state(phone)["round"], digit)


def test_answers_to_another_round_or_after_its_end_are_refused(room: Room) -> None:
    phone = room.join()
    room.start_guess([question(3), question(4)])
    first = room.phone_state(phone)["round"]
    step(room)
    with pytest.raises(RoomError, match="over"):
        room.answer(phone, first, 3)
    step(room)
    second = room.phone_state(phone)["round"]
    with pytest.raises(RoomError, match="over"):
        room.answer(phone, first, 3)
    room.start_guess([question(3)])
    with pytest.raises(RoomError, match="over"):
        room.answer(phone, second, 3)
    assert room.snapshot().num_answers == 0


def test_two_simultaneous_presses_advance_the_game_by_one_step(room: Room) -> None:
    room.start_guess([question(3), question(4)])
    shown = room.snapshot()
    room.advance(shown.number, shown.phase)
    room.advance(shown.number, shown.phase)
    assert (room.snapshot().number, room.snapshot().phase) == (1, "revealed")


def test_the_results_have_the_share_of_right_answers_at_each_noise_level(room: Room) -> None:
    phones = [room.join() for _ in range(2)]
    room.start_guess([question(1, 2.0), question(2, 1.0), question(3, 2.0)])
    for _ in range(3):
        for phone in phones:
            room.answer(phone, room.phone_state(phone)["round"], 1)
        step(room)
        step(room)
    assert room.snapshot().phase == "finished"
    assert room.snapshot().shares == (LevelShare(1.0, 0, 2), LevelShare(2.0, 2, 4))
    assert room.phone_state(phones[0])["score"] == 1
    step(room)
    assert room.snapshot().phase == "finished"


def test_the_results_can_be_shown_before_the_last_round(room: Room) -> None:
    phone = room.join()
    room.finish_guess()
    room.start_guess([question(1, 2.0), question(2, 1.0), question(3, 0.5)])
    room.answer(phone, room.phone_state(phone)["round"], 1)
    step(room)
    room.finish_guess()
    assert room.snapshot().phase == "finished" and room.snapshot().shares == (LevelShare(2.0, 1, 1),)
    assert room.phone_state(phone)["phase"] == "finished" and room.phone_state(phone)["score"] == 1


def test_results_in_the_middle_of_a_round_leave_out_its_answers(room: Room) -> None:
    first, second = room.join(), room.join()
    room.start_guess([question(1, 2.0), question(2, 1.0)])
    room.answer(first, room.phone_state(first)["round"], 1)
    step(room)
    step(room)
    room.answer(second, room.phone_state(second)["round"], 9)
    room.finish_guess()
    assert [share.answers for share in room.snapshot().shares if share.answers] == [1]


def test_only_the_noisy_image_of_the_current_round_is_returned(room: Room) -> None:
    phone = room.join()
    assert room.noisy_image(1) is None
    room.start_guess([question(3), question(4)])
    current = room.phone_state(phone)["round"]
    assert room.noisy_image(current) == b"noisy 3" and room.noisy_image(current + 1) is None


def test_answers_of_many_threads_are_all_counted(room: Room) -> None:
    phones = [room.join() for _ in range(200)]
    room.start_guess([question(3)])
    current = room.phone_state(phones[0])["round"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda phone: room.answer(phone, current, 7), phones * 2))
    assert room.snapshot().counts[7] == 200


def test_a_drawing_with_a_result_is_shown_until_its_phone_sends_another(room: Room, clock: list[float]) -> None:
    first, second = room.join(), room.join()
    room.start_draw()
    room.draw(first, INK)
    room.draw(second, INK)
    pending = room.pending_drawings(9)
    assert room.snapshot().drawings == () and len(pending) == 2
    room.finish_drawings({drawing.id: WallImage(b"", b"", str(drawing.id)) for drawing in pending})
    assert [drawing.id for drawing in room.snapshot().drawings] == [drawing.id for drawing in reversed(pending)]
    assert room.phone_state(first)["reading"] == str(pending[0].id)
    clock[0] += MIN_INTERVAL_S
    # Sent again, because the answer was lost on the way.
    room.draw(first, INK)
    assert room.phone_state(first)["reading"] == str(pending[0].id)
    room.draw(first, OTHER_INK)
    assert room.phone_state(first)["reading"] == "" and len(room.snapshot().drawings) == 1


def test_taking_a_drawing_down_blocks_its_phone_until_the_next_game(room: Room, clock: list[float]) -> None:
    phone, other = room.join(), room.join()
    room.start_draw()
    room.draw(phone, INK)
    (drawing,) = room.pending_drawings(9)
    room.take_down(drawing.id)
    room.finish_drawings({drawing.id: WallImage(b"", b"", "3")})
    assert room.snapshot().drawings == () and room.phone_state(phone)["blocked"]
    clock[0] += MIN_INTERVAL_S
    with pytest.raises(DrawingError, match="taken your drawing down"):
        room.draw(phone, INK)
    room.draw(other, INK)
    room.start_draw()
    room.draw(phone, INK)


def test_an_outdated_press_takes_down_what_the_phone_has_drawn_since(room: Room, clock: list[float]) -> None:
    phone = room.join()
    room.start_draw()
    room.draw(phone, INK)
    (pressed,) = room.pending_drawings(9)
    clock[0] += MIN_INTERVAL_S
    room.draw(phone, OTHER_INK)
    room.take_down(pressed.id)
    assert not room.pending_drawings(9) and room.phone_state(phone)["blocked"]


def test_a_reviewed_drawing_waits_until_it_is_shown_or_dismissed(room: Room, clock: list[float]) -> None:
    first, second = room.join(), room.join()
    room.start_draw(is_reviewed=True)
    room.draw(first, INK)
    room.draw(second, INK)
    one, two = room.snapshot().waiting
    assert not room.pending_drawings(9) and room.phone_state(first)["waiting"]
    room.show_drawings([one.id])
    room.dismiss_drawing(two.id)
    assert room.pending_drawings(9) == [one] and room.snapshot().waiting == ()
    assert room.phone_state(second)["dismissed"] and not room.phone_state(second)["blocked"]
    room.finish_drawings({one.id: WallImage(b"", b"", "3")})
    clock[0] += MIN_INTERVAL_S
    room.draw(first, OTHER_INK)
    room.draw(second, INK)
    # The first drawing stays on the wall while the new ones wait, and an outdated press of Show does not show them.
    room.show_drawings([one.id, two.id])
    assert [drawing.id for drawing in room.snapshot().drawings] == [one.id] and len(room.snapshot().waiting) == 2
    assert not room.phone_state(second)["dismissed"]
    room.take_down(one.id)
    assert len(room.snapshot().waiting) == 1 and room.phone_state(first)["blocked"]


def test_a_drawing_of_the_wrong_size_without_ink_or_sent_too_soon_is_refused(room: Room) -> None:
    phone = room.join()
    with pytest.raises(RoomError, match="The wall is closed"):
        room.draw(phone, INK)
    room.start_draw()
    for pixels in (b"", INK[1:], INK + b"1"):
        with pytest.raises(DrawingError, match="could not be read"):
            room.draw(phone, pixels)
    with pytest.raises(DrawingError, match="empty"):
        room.draw(phone, bytes(NUM_BYTES))
    room.draw(phone, INK)
    with pytest.raises(DrawingError, match="Too fast"):
        room.draw(phone, OTHER_INK)
