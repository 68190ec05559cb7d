"""The first page and the server of the dashboard.

`streamlit run dashboard.py` imports this file for `app`, the server, which then runs it as a page for each visitor.
"""

import asyncio
import ipaddress
import logging
import os
import re
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from urllib.parse import urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# OpenMP reads this when it is loaded. Its threads, as those of a t-SNE, would otherwise spin while they wait.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_PAGE_MODULES = ("dae.ui.start.view", "dae.ui.explore.view", "dae.ui.train.view", "dae.ui.compare.view")
# What this server answers itself: paths below its base path, the module that responds, and the longest body.
_ROUTES = {"/_dae/presenter": ("dae.ui.shell.auth", 200), "/play": ("dae.ui.room.phones.routes", 8_192)}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Images are loaded from nowhere else, and no other site can show the pages in a frame.
_HEADERS = (
    (b"content-security-policy", b"frame-ancestors 'self'; object-src 'none'; img-src 'self' data: blob:"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)
# Their names contain their version. Without an expiry, a browser would load and compile Plotly again on each page.
_VENDOR_FOLDER = "/bidi-components/dae.live_chart/vendor/"
_IMMUTABLE = (b"cache-control", b"public, immutable, max-age=31536000")

libraries_loaded = threading.Event()


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Prepare the server while it already serves files; at its end, stop the training so that it can be continued."""
    raise_file_limit()
    threading.Thread(target=_prepare_server, daemon=True).start()
    yield
    import_module("dae.ui.resources").training_queue().close()


def raise_file_limit() -> None:
    """Allow as many open files as the system permits: a session that left keeps three for two minutes."""
    # Windows has no such limit, and macOS refuses infinity.
    if os.name == "posix":
        resource = import_module("resource")
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        for limit in (hard, 10_240):
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
                return


def _prepare_server() -> None:
    """Open a browser, and load the libraries while it starts."""
    if not st.get_option("server.headless"):
        scheme = "https" if st.get_option("server.sslCertFile") else "http"
        address = st.get_option("server.address")
        host = "localhost" if address in (None, "0.0.0.0", "::") else f"[{address}]" if ":" in address else address
        webbrowser.open(f"{scheme}://{host}:{st.get_option('server.port')}/{st.get_option('server.baseUrlPath')}")
    try:
        for module in (*_PAGE_MODULES, *(module for module, _ in _ROUTES.values())):
            import_module(module)
        # The thread of the queue inherits the priority of this thread, which is higher than that of pages.
        import_module("dae.ui.resources").training_queue()
        tuning = import_module("dae.ui.server_tuning")
        tuning.tune_server()
        tuning.limit_kept_sessions()
    finally:
        libraries_loaded.set()


class DelayUntilLoaded:
    """ASGI middleware that holds the messages of sessions until the libraries are loaded.

    Pages of several sessions that import the same packages at the same time can see them half initialized.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""

        async def delayed_receive() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and not libraries_loaded.is_set():
                await asyncio.to_thread(libraries_loaded.wait)
            return message

        await self._app(scope, delayed_receive, send)


class Guard:
    """ASGI middleware that refuses foreign hosts and origins, before Streamlit looks up its external address for them.

    A page of another site could otherwise reach a server on this machine through the visitor's browser, also under a
    name that its owner points at this machine (DNS rebinding). No other site can name an IP address as its own, so
    addresses need no list. `DAE_ALLOWED_HOSTS` adds names, separated by commas.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        if not is_allowed_host(host) or (origin is not None and not is_same_origin(origin, host)):
            await _refuse(scope, receive, send, 403, "This address is not allowed. Add its name to DAE_ALLOWED_HOSTS.")
            return
        path = scope["path"].rstrip("/")
        if path.endswith("/_stcore/metrics"):
            await _refuse(scope, receive, send, 404, "Not found.")
            return
        base = f"/{st.get_option('server.baseUrlPath').strip('/')}".rstrip("/")
        for route, (module, body_limit) in _ROUTES.items():
            if scope["type"] == "http" and f"{path}/".startswith(f"{base}{route}/"):
                subpath = path.removeprefix(base + route)
                response = await _respond(Request(scope, receive), subpath, module, body_limit)
                await response(scope, receive, send)
                return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *_HEADERS]
                if _VENDOR_FOLDER in path and message["status"] == 200:
                    headers = [*(pair for pair in headers if pair[0].lower() != b"cache-control"), _IMMUTABLE]
                message = {**message, "headers": headers}
            await send(message)

        if origin is not None:
            # Checked above. Streamlit knows this one without a look-up.
            others = [(name, value) for name, value in scope["headers"] if name != b"origin"]
            scope = {**scope, "headers": [*others, (b"origin", b"http://localhost")]}
        await self._app(scope, receive, send_with_headers)


def is_allowed_host(host: str) -> bool:
    """Return whether a Host header names this server: localhost, its address, an allowed name, or an IP address."""
    is_plain = re.fullmatch(r"[\w.-]+(:\d+)?|\[[\w:.]+\](:\d+)?", host, re.ASCII)
    name = (urlsplit(f"//{host}").hostname or "") if is_plain else ""
    address = st.get_option("server.address")
    is_open = address not in _LOOPBACK
    allowed = {"localhost", address, st.get_option("browser.serverAddress")}
    allowed |= {part.strip() for part in os.environ.get("DAE_ALLOWED_HOSTS", "").split(",")}
    if is_open:
        allowed |= {socket.gethostname(), f"{socket.gethostname()}.local"}
    if name in {str(part).lower() for part in allowed if part}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback or is_open
    except ValueError:
        return False


def is_same_origin(origin: str, host: str) -> bool:
    """Return whether an Origin header, such as http://localhost:8501, is the site that the Host header names."""
    try:
        parts, own = urlsplit(origin.lower()), urlsplit(f"//{host}")
        default_port = {"http": 80, "https": 443}.get(parts.scheme)
        return (
            default_port is not None
            and parts.hostname == own.hostname
            and (parts.port or default_port) == (own.port or default_port)
        )
    except ValueError:
        return False


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
    else:
        await PlainTextResponse(reason, status)(scope, receive, send)


async def _respond(request: Request, path: str, module: str, body_limit: int) -> Response:
    """Return the response of a module of `_ROUTES` to a request of `path`, below its route."""
    if not libraries_loaded.is_set():
        return PlainTextResponse("The server is starting. Reload the page in a few seconds.", 503)
    body = await _read_limited(request, body_limit) if request.method == "POST" else b""
    response: Response = import_module(module).respond(request, path, body)
    return response


async def _read_limited(request: Request, limit: int) -> bytes:
    """Return the body of a request, empty if it is longer than `limit` bytes or the client has left."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                return b""
    except ClientDisconnect:
        return b""
    return body


def main() -> None:
    """Draw the first page."""
    from dae.ui.room.projector import view as room_view
    from dae.ui.shell import page
    from dae.ui.start.view import render_start

    if room_view.is_room_shown():
        page.setup_page("dashboard.py", room_view.TITLE, room_view.LEAD)
        room_view.render_room()
        return
    page.setup_page(
        "dashboard.py",
        "Can you still read these digits?",
        "A **denoising autoencoder** is a small neural network trained to remove noise. Drag the slider to add noise "
        "and watch it recover the digits.",
    )
    render_start()


def show_unexpected_error(error: Exception) -> bool:
    """Show a generic error message on any page. The full traceback goes to the server log."""
    logging.getLogger(__name__).exception("A page could not be drawn.", exc_info=error)
    st.error("Something went wrong on our side. Your settings and running trainings are safe. Reload the page.")
    return True


if __name__ == "__main__":
    main()
else:
    app = st.App(
        __file__,
        lifespan=lifespan,
        middleware=[Middleware(Guard), Middleware(DelayUntilLoaded)],
        on_script_error=show_unexpected_error,
    )
