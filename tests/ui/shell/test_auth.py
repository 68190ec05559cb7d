"""Test the presenter key: everybody can watch, only presenters can act, and a cookie keeps them signed in."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dae.runs import list_runs
from dae.ui.shell import actions, auth
from dae.ui.shell.auth import NotPresenterError
from dae.ui.shell.key_attempts import KeyAttempts
from dae.ui.train import launcher
from tests.helpers import new_run
from tests.ui.apps import opened, shown

KEY = "öpen sesame"


@pytest.fixture
def with_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_PRESENTER_KEY", KEY)


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button if button.key}


def enter(app: AppTest, key: str) -> None:
    app.text_input(key="presenter_key").set_value(key)
    next(button for button in app.button if button.label == "Unlock").click()
    app.run()
    assert not app.exception


def test_the_audience_can_watch_and_explore_but_not_act(with_key: None, photos: str, tmp_path: Path) -> None:
    new_run(tmp_path / "runs", photos, "mine")
    app = opened("pages/train.py", runs="mine")
    assert not {key for key in keys(app) if key.startswith(("start-", "resume-", "delete-", "rename-"))}
    assert app.multiselect(key="runs:0").value == ["mine"]
    explore = opened("pages/explore.py", pictures="Your image")
    assert "Your image" not in explore.segmented_control(key="pictures").options
    assert explore.segmented_control(key="pictures").value == "Test images" and not explore.error


def test_only_the_right_key_shows_the_controls(with_key: None) -> None:
    app = opened("pages/train.py")
    enter(app, "open sesame")
    assert "Wrong key." in shown(app) and "start-race" not in keys(app)
    enter(app, KEY)
    assert "start-race" in keys(app)
    app.button(key="start-quick-linear").click()
    app.run()
    assert not app.exception and not app.error and len(list_runs()) == 1
    # Another session is not signed in.
    assert "start-race" not in keys(opened("pages/train.py"))


def test_a_new_key_signs_sessions_out(with_key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened("pages/train.py")
    enter(app, KEY)
    monkeypatch.setenv("DAE_PRESENTER_KEY", "another")
    app.run()
    assert "start-race" not in keys(app)


def test_callbacks_check_the_key_again(with_key: None) -> None:
    with pytest.raises(NotPresenterError, match="Presenter only"):
        auth.authorization().require_presenter()
    # As a forged press of a button would do.
    actions.presenter_callback(launcher._start)(actions.page_state(), {})
    assert "Presenter only" in actions.page_state().problem and not list_runs()
    del st.session_state["page_state"], st.session_state["authorization"]


def test_callbacks_read_no_session_state(with_key: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Streamlit ends a callback at its next access to the session state if another rerun is requested meanwhile.
    monkeypatch.setattr(st, "session_state", {"authorization": auth.Authorization(entered=KEY)})
    pressed: list[str] = []
    press = actions.presenter_callback(pressed.append)
    monkeypatch.setattr(st, "session_state", None)
    press("once")
    press("twice")
    assert pressed == ["once"]


def test_wrong_keys_cause_growing_delays_and_the_right_key_is_still_accepted(
    with_key: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    attempts = KeyAttempts(lambda: 1_000.0, pauses.append)
    monkeypatch.setattr(auth, "key_attempts", lambda: attempts)
    for number in range(7):
        enter(opened("pages/train.py"), f"wrong {number}")
    app = opened("pages/train.py")
    enter(app, KEY)
    assert "Wrong key." not in shown(app) and "Presenter" in shown(app)
    assert pauses == [1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0]


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:0:ffff::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_a_network_of_ipv6_is_one_client(
    first: str, second: str, is_same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = []
    for address in (first, second):
        monkeypatch.setattr(st, "context", SimpleNamespace(ip_address=address))
        clients.append(auth.client_address())
    assert (clients[0] == clients[1]) == is_same


def test_a_valid_presenter_cookie_signs_in_and_a_forged_or_expired_one_does_not(
    with_key: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookies: dict[str, str] = {}

    class Context:
        ip_address = None

        @property
        def cookies(self) -> dict[str, str]:
            return cookies

    monkeypatch.setattr(st, "context", Context())
    ticket = auth._sign("ticket", 60)
    cookies[auth.COOKIE] = auth.cookie_for_ticket(ticket)
    assert cookies[auth.COOKIE] and auth.is_presenter()
    for forged in ("", ticket, cookies[auth.COOKIE] + "0", "9999999999." + cookies[auth.COOKIE].partition(".")[2], "x"):
        cookies[auth.COOKIE] = forged
        assert not auth.is_presenter()
    assert auth.cookie_for_ticket(auth._sign("ticket", -1)) == "" and auth.cookie_for_ticket("") == ""
    cookies[auth.COOKIE] = auth._sign("cookie", -1)
    assert not auth.is_presenter()
    cookies[auth.COOKIE] = auth._sign("cookie", 60)
    assert auth.is_presenter()
    monkeypatch.setenv("DAE_PRESENTER_KEY", "another")
    assert not auth.is_presenter()


@pytest.mark.parametrize("address, warned", [(None, True), ("0.0.0.0", True), ("localhost", False), ("::1", False)])
def test_a_server_open_to_others_without_a_key_shows_a_warning(
    address: str | None, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    get_option = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: address if name == "server.address" else get_option(name))
    assert ("DAE_PRESENTER_KEY" in shown(opened("pages/train.py"))) is warned
    monkeypatch.setenv("DAE_PRESENTER_KEY", KEY)
    assert "DAE_PRESENTER_KEY" not in shown(opened("pages/train.py"))


def test_the_key_can_be_in_the_secrets_of_streamlit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert auth.key() == "" and auth.is_presenter()
    monkeypatch.setattr(st, "secrets", {"presenter_key": "from a file"})
    assert auth.key() == "from a file" and not auth.is_presenter()
