"""The guard in front of Streamlit: hosts, origins, headers, the metrics endpoint and the presenter's cookie."""

import json
from types import ModuleType

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from dae.ui.shell import auth
from tests.ui.asgi import Client

KEY = "öpen sesame"


async def echo(request: Request) -> JSONResponse:
    return JSONResponse({"origin": request.headers.get("origin")})


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json({"origin": websocket.headers.get("origin")})
    await websocket.close()


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
def test_only_names_and_addresses_of_the_server_are_allowed_hosts(
    host: str, local: bool, open_to_others: bool, dashboard: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAE_ALLOWED_HOSTS", "talk.example, other.example")
    for address, expected in (("localhost", local), ("0.0.0.0", open_to_others), (None, open_to_others)):
        with monkeypatch.context() as patch:
            listen_to(address, patch)
            assert dashboard.is_allowed_host(host) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("box.local:8501", True), ("pages.example", True), ("computer", True), ("COMPUTER.local", True), ("other", False)],
)
def test_configured_names_and_the_computer_name_are_allowed_hosts_of_an_open_server(
    host: str, expected: bool, dashboard: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"server.address": "box.local", "browser.serverAddress": "pages.example"}
    monkeypatch.setattr(st, "get_option", options.get)
    monkeypatch.setattr(dashboard.socket, "gethostname", lambda: "computer")
    assert dashboard.is_allowed_host(host) is expected


def test_a_local_server_is_not_reached_by_the_name_of_the_computer(
    dashboard: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    listen_to("localhost", monkeypatch)
    monkeypatch.setattr(dashboard.socket, "gethostname", lambda: "computer")
    assert not dashboard.is_allowed_host("computer") and not dashboard.is_allowed_host("computer.local")


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


def test_an_allowed_origin_reaches_streamlit_as_localhost(client: Client) -> None:
    assert origin_at_streamlit(client) is None
    assert origin_at_streamlit(client, origin="http://localhost:8501") == "http://localhost"
    assert origin_at_streamlit(client, origin="https://localhost:8501") == "http://localhost"


def test_pages_cannot_be_framed_or_load_images_from_elsewhere(client: Client) -> None:
    _, headers, _ = client.request("GET", "/")
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert "img-src 'self' data: blob:" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_only_plotly_is_served_with_an_immutable_cache_header(client: Client) -> None:
    folder = "/base/_stcore/bidi-components/dae.live_chart"
    _, headers, _ = client.request("GET", f"{folder}/vendor/plotly-7.0.0.min.js")
    assert "immutable" in headers["cache-control"] and "max-age" in headers["cache-control"]
    # Names of other files do not change with their content.
    _, headers, _ = client.request("GET", f"{folder}/live_chart.js")
    assert "immutable" not in headers.get("cache-control", "")


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/metrics/", "/base/_stcore/metrics"])
def test_the_metrics_endpoint_returns_404(path: str, client: Client) -> None:
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
