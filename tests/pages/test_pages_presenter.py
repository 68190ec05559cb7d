"""The presenter key: everybody watches, who has it acts, and guessing it takes too long."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dae.runs import list_runs
from dae.ui import actions, launch, presenter
from dae.ui.presenter import TRIES, WINDOW_S, NotPresenter, Tries
from tests.conftest import new_run
from tests.pages.apps import opened, shown

KEY = "öpen sesame"


@pytest.fixture
def with_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_PRESENTER_KEY", KEY)


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button if button.key}


def enter(app: AppTest, key: str) -> None:
    app.text_input(key="presenter_key").set_value(key)
    next(button for button in app.button if button.label == "Enter").click()
    app.run()
    assert not app.exception


def test_the_audience_watches_and_explores_and_cannot_act(with_key: None, photos: str, tmp_path: Path) -> None:
    new_run(tmp_path / "runs", photos, "mine")
    app = opened("pages/train.py", runs="mine")
    assert not {key for key in keys(app) if key.startswith(("start-", "resume-", "delete-", "rename-"))}
    assert "started by the presenter" in shown(app) and app.multiselect(key="runs:0").value == ["mine"]
    explore = opened("pages/explore.py", pictures="Your picture")
    assert "Your picture" not in explore.segmented_control(key="pictures").options
    assert explore.segmented_control(key="pictures").value == "Test pictures" and not explore.error


def test_the_key_opens_the_controls_and_a_wrong_one_does_not(with_key: None) -> None:
    app = opened("pages/train.py")
    enter(app, "open sesame")
    assert "This is not the key." in shown(app) and "start-race" not in keys(app)
    enter(app, KEY)
    app.session_state["launcher:0"] = True
    app.run()
    assert "start-race" in keys(app)
    app.button(key="start-quick-linear").click()
    app.run()
    assert not app.exception and not app.error and len(list_runs()) == 1
    assert "start-race" not in keys(opened("pages/train.py"))  # another session is not let in


def test_a_session_that_loses_the_key_loses_its_rights(with_key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("pages/train.py")
    enter(app, KEY)
    monkeypatch.setenv("DAE_PRESENTER_KEY", "another")
    app.run()
    assert "start-race" not in keys(app)


def test_what_a_button_does_asks_again(with_key: None) -> None:
    with pytest.raises(NotPresenter, match="presenter key"):
        presenter.demand()
    actions.action(launch._start)(actions.wanted(), {})  # as a forged press would
    assert "Only the presenter" in actions.wanted().problem and not list_runs()
    del st.session_state["wanted"]


def test_after_five_wrong_keys_even_the_right_one_has_to_wait() -> None:
    now = [100.0]
    tries = Tries(lambda: now[0])
    assert not any(tries.check("wrong", KEY) for _ in range(TRIES))
    assert tries.wait_s() == WINDOW_S and not tries.check(KEY, KEY)
    now[0] += WINDOW_S + 0.1
    assert tries.wait_s() == 0 and tries.check(KEY, KEY)


def test_too_many_tries_are_told(with_key: None) -> None:
    for number in range(TRIES + 1):
        app = opened("pages/train.py")  # a new session each time does not help
        enter(app, f"wrong {number}")
    assert "Too many wrong keys. Try again in" in shown(app)


@pytest.mark.parametrize("address, warned", [(None, True), ("0.0.0.0", True), ("localhost", False), ("::1", False)])
def test_a_server_that_others_reach_says_so(address: str | None, warned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: address if name == "server.address" else asked(name))
    assert ("DAE_PRESENTER_KEY" in shown(opened("pages/train.py"))) is warned
    monkeypatch.setenv("DAE_PRESENTER_KEY", KEY)
    assert "DAE_PRESENTER_KEY" not in shown(opened("pages/train.py"))


def test_the_key_may_come_from_streamlits_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert presenter.key() == "" and presenter.may_act()
    monkeypatch.setattr(st, "secrets", {"presenter_key": "from a file"})
    assert presenter.key() == "from a file" and not presenter.may_act()
