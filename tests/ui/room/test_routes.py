"""The page for phones and its requests, through the guard of the server."""

import json
import re
from types import ModuleType
from typing import Any

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware

from dae.ui.room.guess import Question
from dae.ui.room.phones import routes
from dae.ui.room.room import Room, room
from dae.ui.room.wall import NUM_BYTES
from tests.ui.asgi import Client


@pytest.fixture
def client(dashboard: ModuleType) -> Client:
    return Client(Starlette(middleware=[Middleware(dashboard.Guard)]))


@pytest.fixture
def opened() -> Room:
    room().open()
    return room()


class Phone:
    """A phone in the room."""

    def __init__(self, client: Client, **headers: str) -> None:
        self._client = client
        status, got, body = client.request("POST", "/play/join", **headers)
        assert status == 200, body
        self.cookie = got["set-cookie"].partition(";")[0]

    def send(self, method: str, path: str, content: Any = b"") -> tuple[int, dict[str, Any]]:
        """Return status and JSON body of a response."""
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        status, _, body = self._client.request(method, f"/play/{path}", content, cookie=self.cookie)
        return status, json.loads(body)

    def round(self) -> int:
        return int(self.send("GET", "state")[1]["round"])


def test_the_page_allows_only_its_own_scripts_and_all_its_files_are_served(client: Client) -> None:
    status, headers, page = client.request("GET", "/play")
    assert status == 200 and headers["content-type"].startswith("text/html")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert headers["cache-control"] == "no-store" and headers["x-content-type-options"] == "nosniff"
    files = re.findall(r'(?:src|href)="([^"]+)"', page.decode())
    assert files and all(client.request("GET", f"/{file}")[0] == 200 for file in files)
    assert not re.search(r"https?:|<style| style=|\son\w+=", page.decode())


def test_a_slash_at_the_end_leads_to_the_page(client: Client) -> None:
    status, headers, _ = client.request("GET", "/play/")
    assert status == 307 and headers["location"] == "../play"


def test_the_page_is_below_the_base_path_of_the_server(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    get_option = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: "talk" if name == "server.baseUrlPath" else get_option(name))
    assert client.request("GET", "/talk/play")[0] == 200
    assert client.request("GET", "/play")[0] == 404


@pytest.mark.parametrize(
    "path", ["/playground", "/play/secret", "/play/../dashboard.py", "/play/image/x", "/play/image/-1", "/play/play"]
)
def test_unknown_paths_return_404(path: str, client: Client, opened: Room) -> None:
    phone = Phone(client)
    assert client.request("GET", path, cookie=phone.cookie)[0] == 404


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}])
def test_other_sites_cannot_open_the_page_or_join(headers: dict[str, str], client: Client, opened: Room) -> None:
    assert client.request("GET", "/play", **headers)[0] == 403
    assert client.request("POST", "/play/join", **headers)[0] == 403
    assert opened.snapshot().present == 0


def test_joining_a_closed_room_returns_409_with_a_message_and_no_cookie(client: Client) -> None:
    status, headers, body = client.request("POST", "/play/join")
    assert status == 409 and "closed" in json.loads(body)["problem"] and "set-cookie" not in headers
    assert client.request("GET", "/play/state")[0] == 401


def test_the_token_of_a_phone_is_a_cookie_that_scripts_cannot_read(client: Client, opened: Room) -> None:
    _, headers, _ = client.request("POST", "/play/join")
    cookie = headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/play" in cookie
    phone = Phone(client)
    _, headers, _ = client.request("POST", "/play/join", cookie=phone.cookie)
    assert "set-cookie" not in headers
    _, headers, _ = client.request("POST", "/play/join", cookie=f"{routes.COOKIE}=mine")
    assert "set-cookie" in headers and "mine" not in headers["set-cookie"]


def test_phones_play_a_round(client: Client, opened: Room) -> None:
    phone, other = Phone(client), Phone(client)
    assert phone.send("GET", "state") == (200, {"activity": "waiting"})
    opened.start_guess([Question(1.0, 3, b"noisy", b"clean")])
    number = phone.round()
    assert client.request("GET", f"/play/image/{number}", cookie=phone.cookie)[2] == b"noisy"
    assert phone.send("POST", "answer", {"round": number, "digit": 3})[1]["yours"] == 3
    assert phone.send("POST", "answer", {"round": number, "digit": 5})[1]["yours"] == 3
    assert other.send("POST", "answer", {"round": number, "digit": 5})[0] == 200
    assert "answer" not in phone.send("GET", "state")[1]
    opened.advance(1, "answering")
    assert phone.send("GET", "state")[1] | {"answer": 3, "right": 1, "answers": 2} == phone.send("GET", "state")[1]
    status, answer = other.send("POST", "answer", {"round": number, "digit": 3})
    assert status == 409 and answer["problem"] == "This round is over."


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b"[" * 5_000,
        b'{"round": 1, "digit": "3"}',
        b'{"round": true, "digit": true}',
        b'{"round": 1}',
        b'{"round": 1, "digit": 1.5}',
        b'{"round": 1, "digit": 3, "more": "' + b"x" * 10_000 + b'"}',
    ],
)
def test_a_malformed_answer_is_refused_with_a_message(content: bytes, client: Client, opened: Room) -> None:
    phone = Phone(client)
    opened.start_guess([Question(1.0, 3, b"noisy", b"clean")])
    assert phone.send("POST", "answer", content) == (400, {"problem": "The answer could not be read. Choose a digit."})
    assert opened.snapshot().num_answers == 0


def test_requests_without_a_valid_token_return_401(client: Client, opened: Room) -> None:
    opened.start_guess([Question(1.0, 3, b"noisy", b"clean")])
    for cookie in ({}, {"cookie": f"{routes.COOKIE}=invented"}):
        for method, path in (("GET", "state"), ("POST", "answer"), ("POST", "drawing"), ("GET", "image/1")):
            assert client.request(method, f"/play/{path}", b"{}", **cookie)[0] == 401


def test_a_phone_beyond_the_request_limit_gets_429_and_another_phone_does_not(
    client: Client, opened: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No further request becomes allowed, however slow the test is.
    monkeypatch.setattr(routes, "_REQUESTS_PER_SECOND", 0.0)
    monkeypatch.setattr(routes, "_REQUESTS_AT_ONCE", 3)
    phone, other = Phone(client), Phone(client)
    assert [phone.send("GET", "state")[0] for _ in range(4)] == [200, 200, 200, 429]
    assert other.send("GET", "state")[0] == 200


def test_only_new_phones_in_an_open_room_count_towards_the_join_limit_of_an_address(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "_JOINS_PER_SECOND", 0.0)
    monkeypatch.setattr(routes, "_JOINS_AT_ONCE", 2)
    for _ in range(5):
        assert client.request("POST", "/play/join")[0] == 409
    room().open()
    phone = Phone(client)
    assert [phone.send("POST", "join")[0] for _ in range(5)] == [200] * 5
    assert [client.request("POST", "/play/join")[0] for _ in range(2)] == [200, 429]


def test_only_a_drawing_of_the_expected_number_of_bytes_is_accepted(client: Client, opened: Room) -> None:
    phone = Phone(client)
    opened.start_draw()
    status, answer = phone.send("POST", "drawing", b"x" * 10)
    assert status == 409 and "could not be read" in answer["problem"]
    assert phone.send("POST", "drawing", b"x" * 100_000)[0] == 409
    status, answer = phone.send("POST", "drawing", bytes([200]) * NUM_BYTES)
    assert status == 200 and answer["drawing"] and not answer["blocked"]
    assert len(opened.pending_drawings(9)) == 1


def test_a_starting_server_returns_503_with_a_message(
    client: Client, dashboard: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    dashboard.libraries_loaded.clear()
    status, _, body = client.request("GET", "/play")
    assert status == 503 and b"starting" in body
