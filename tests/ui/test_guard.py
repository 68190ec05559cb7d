"""The guard in front of Streamlit: hosts, origins, headers, the metrics endpoint and the presenter's cookie."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from dae.ui.shell import auth
from tests.helpers import ROOT

KEY = "öpen sesame"


@pytest.fixture
def dashboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Import the server without starting it."""
    monkeypatch.syspath_prepend(str(ROOT))
    policy = os.environ.get("OMP_WAIT_POLICY")
    import dashboard

    dashboard.libraries_loaded.set()
    yield dashboard
    sys.modules.pop("dashboard")
    if policy is None:
        os.environ.pop("OMP_WAIT_POLICY", None)


async def echo(request: Request) -> JSONResponse:
    return JSONResponse({"origin": request.headers.get("origin")})


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json({"origin": websocket.headers.get("origin")})
    await websocket.close()


class Client:
    """Call an ASGI application as a browser at localhost:8501 would, without a network."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def request(
        self, method: str, path: str, content: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of a response."""
        sent = self._call({"type": "http", "method": method, "http_version": "1.1"}, path, headers, content)
        start, *bodies = sent
        names = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], names, b"".join(message.get("body", b"") for message in bodies)

    def websocket(self, **headers: str) -> list[dict[str, Any]]:
        """Return the messages that the application sends over a websocket."""
        return self._call({"type": "websocket", "subprotocols": []}, "/_stcore/stream", headers, b"")

    def _call(self, kind: dict[str, Any], path: str, headers: dict[str, str], content: bytes) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        first = (
            {"type": "websocket.connect"} if kind["type"] == "websocket" else {"type": "http.request", "body": content}
        )
        received = iter([first])

        async def receive() -> dict[str, Any]:
            return next(received, {"type": "http.disconnect"})

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        all_headers = {"host": "localhost:8501"} | headers
        encoded = [(name.encode(), value.encode()) for name, value in all_headers.items()]
        scope = kind | {
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": encoded,
        }
        scope |= {"scheme": "http", "server": ("127.0.0.1", 8501), "client": ("127.0.0.1", 50_000)}
        # Playwright keeps an event loop running in the main thread of the process that has the browser tests.
        with ThreadPoolExecutor(1) as executor:
            executor.submit(asyncio.run, self._app(scope, receive, send)).result()
        return sent


@pytest.fixture
def client(dashboard: ModuleType) -> Client:
    routes = [Route("/{path:path}", echo, methods=["GET", "POST"]), WebSocketRoute("/_stcore/stream", stream)]
    return Client(Starlette(routes=routes, middleware=[Middleware(dashboard.Guard)]))


def listen_to(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    get_option = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: address if name == "server.address" else get_option(name))


@pytest.mark.parametrize(
    ("host", "local", "open_to_others"),
    [
        ("localhost:8501", True, True),
        ("LOCALHOST", True, True),
        ("127.0.0.1:8501", True, True),
        ("[::1]:8501", True, True),
        ("192.168.1.20:8501", False, True),
        ("evil.example", False, False),
        ("localhost.evil.example", False, False),
        ("evil.example@localhost", False, False),
        ("localhost:8501/evil.example", False, False),
        ("", False, False),
        ("talk.example", True, True),
    ],
)
def test_only_own_names_are_hosts(
    host: str, local: bool, open_to_others: bool, dashboard: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_ALLOWED_HOSTS", "talk.example, other.example")
    for address, expected in (("localhost", local), ("0.0.0.0", open_to_others), (None, open_to_others)):
        with monkeypatch.context() as patch:
            listen_to(address, patch)
            assert dashboard.is_allowed_host(host) is expected


def origin_at_streamlit(client: Client, **headers: str) -> str | None:
    """Return the origin that the application behind the guard receives; fail if the guard refuses the connection."""
    accepted, message, *_ = client.websocket(**headers)
    assert accepted["type"] == "websocket.accept"
    return json.loads(message["text"])["origin"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:8501", "origin": "http://evil.example:8501"},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:3000"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8501"},
        {"origin": "http://localhost:x"},
    ],
)
def test_foreign_hosts_and_origins_are_refused_before_streamlit(headers: dict[str, str], client: Client) -> None:
    assert [message["type"] for message in client.websocket(**headers)] == ["websocket.close"]
    assert client.request("GET", "/", **headers)[0] == 403
    assert client.request("POST", "/_stcore/upload_file/1/2", **headers)[0] == 403


def test_streamlit_gets_an_origin_that_it_knows_without_a_look_up(client: Client) -> None:
    assert origin_at_streamlit(client) is None
    assert origin_at_streamlit(client, origin="http://localhost:8501") == "http://localhost"
    assert origin_at_streamlit(client, origin="https://localhost:8501") == "http://localhost"


def test_pages_cannot_be_framed_or_load_images_from_elsewhere(client: Client) -> None:
    _, headers, _ = client.request("GET", "/")
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert "img-src 'self' data: blob:" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/metrics/", "/base/_stcore/metrics"])
def test_metrics_are_closed(path: str, client: Client) -> None:
    assert client.request("GET", path)[0] == 404


def test_a_ticket_becomes_a_cookie_that_scripts_cannot_read(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAE_PRESENTER_KEY", KEY)
    status, headers, _ = client.request("POST", "/_dae/presenter", auth._sign("ticket", 60).encode())
    assert status == 204
    cookie = headers["set-cookie"]
    assert "httponly" in cookie.lower() and "samesite=strict" in cookie.lower()
    assert auth._is_signed("cookie", cookie.partition(";")[0].removeprefix(f"{auth.COOKIE}="))
    expired, of_another_kind = auth._sign("ticket", -1).encode(), auth._sign("cookie", 9).encode()
    for ticket in (b"", b"x" * 10_000, KEY.encode(), expired, of_another_kind):
        status, headers, _ = client.request("POST", "/_dae/presenter", ticket)
        assert status == 403 and "set-cookie" not in headers
    assert client.request("GET", "/_dae/presenter")[0] == 403
