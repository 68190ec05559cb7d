"""Authorization: if there is a presenter key, only sessions that entered it may change anything.

The key comes from the environment variable DAE_PRESENTER_KEY or from `presenter_key` in Streamlit's secrets. Watching,
exploring and comparing need no key. A browser keeps the right over a reload by a signed cookie, for which its session
exchanges a ticket, since a script cannot set a cookie that scripts cannot read.
"""

import hmac
import ipaddress
import json
import os
import secrets
import time
from dataclasses import dataclass

import streamlit as st
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from streamlit.errors import StreamlitSecretNotFoundError

from dae.errors import DaeError
from dae.ui.components.base import draw_component, inline_component
from dae.ui.shell.key_attempts import BusyError, key_attempts
from dae.ui.singletons import process_singleton

COOKIE = "dae_presenter"
_COOKIE_AGE_S = 12 * 3_600
_TICKET_AGE_S = 60
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class NotPresenterError(DaeError):
    """The session has not entered the presenter key."""


@dataclass
class Authorization:
    """Authorization of one session. Pages read it from the session state, callbacks receive it.

    Attributes:
        entered: the key that the session entered, empty if none or a wrong one.
        problem: why the last key was not accepted.
        ticket_until_s: until when the page draws a ticket for the cookie.
    """

    entered: str = ""
    problem: str = ""
    ticket_until_s: float = 0.0

    def is_presenter(self) -> bool:
        """Return whether the session may start, stop, delete and upload."""
        return not key() or self.entered == key() or _has_cookie()

    def require_presenter(self) -> None:
        """Raise NotPresenterError unless the session may act. Callbacks call this: a browser can press any button."""
        if not self.is_presenter():
            raise NotPresenterError("Presenter only. Enter the key first.")


def authorization() -> Authorization:
    """Return the authorization of this session. No widget has its key, so no browser can set it."""
    state: Authorization = st.session_state.setdefault("authorization", Authorization())
    return state


def key() -> str:
    """Return the presenter key, empty if none is configured."""
    if configured := os.environ.get("DAE_PRESENTER_KEY", ""):
        return configured
    try:
        return str(st.secrets.get("presenter_key", ""))
    except StreamlitSecretNotFoundError:
        return ""


def is_presenter() -> bool:
    """Return whether this session may start, stop, delete and upload."""
    return authorization().is_presenter()


def respond(request: Request, path: str, ticket: bytes) -> Response:
    """Exchange the ticket of a session that entered the presenter key for a cookie that scripts cannot read."""
    cookie = "" if path else cookie_for_ticket(ticket.decode("ascii", "replace"))
    if not cookie:
        return PlainTextResponse("This ticket is not valid.", 403)
    response = Response(status_code=204)
    is_encrypted = request.url.scheme == "https"
    response.set_cookie(COOKIE, cookie, _COOKIE_AGE_S, httponly=True, samesite="strict", secure=is_encrypted)
    return response


def cookie_for_ticket(ticket: str) -> str:
    """Return the value of the cookie for a ticket of this process, empty if the ticket is invalid or too old."""
    return _sign("cookie", _COOKIE_AGE_S) if key() and _is_signed("ticket", ticket) else ""


def _has_cookie() -> bool:
    try:
        cookie = st.context.cookies.get(COOKIE, "")
    except RuntimeError:
        # A page that runs without a server has no cookies.
        return False
    return isinstance(cookie, str) and bool(cookie) and _is_signed("cookie", cookie)


@process_singleton
def _secret() -> bytes:
    return secrets.token_bytes(32)


def _sign(purpose: str, age_s: int) -> str:
    """Return an expiry time and its signature, which also depends on the presenter key."""
    expiry = f"{time.time() + age_s:.0f}"
    return f"{expiry}.{_signature(purpose, expiry)}"


def _is_signed(purpose: str, value: str) -> bool:
    expiry, _, signature = value.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(purpose, expiry).encode()):
        return False
    return time.time() < float(expiry)


def _signature(purpose: str, expiry: str) -> str:
    return hmac.new(_secret(), json.dumps([purpose, expiry, key()]).encode(), "sha256").hexdigest()


def sign_in() -> None:
    """Draw the form for the presenter key, if one is configured."""
    if not key():
        return
    state = authorization()
    if state.is_presenter():
        st.caption(":material/co_present: Presenter")
        if time.time() < state.ticket_until_s:
            path = f"/{st.get_option('server.baseUrlPath')}/_dae/presenter".replace("//", "/")
            data = {"url": path, "ticket": _sign("ticket", _TICKET_AGE_S)}
            draw_component(inline_component("ticket"), key="ticket", data=data)
        return
    with st.popover("Presenter key", icon=":material/lock:"):
        with st.form("presenter_form", border=False):
            st.text_input("Presenter key", type="password", key="presenter_key", max_chars=200)
            st.form_submit_button("Unlock", on_click=_enter, args=(state,))
        if state.problem:
            st.error(state.problem)


def warning() -> None:
    """Warn if other machines can reach the server and no key is configured."""
    if not key() and st.get_option("server.address") not in _LOOPBACK:
        st.warning(
            "Anyone on the network can start, stop and delete trainings. Set DAE_PRESENTER_KEY to restrict this.",
            icon=":material/lock_open:",
        )


def _enter(state: Authorization) -> None:
    entered = str(st.session_state.get("presenter_key", ""))
    try:
        if key_attempts().check(client_address(), entered, key()):
            state.entered, state.problem = entered, ""
            state.ticket_until_s = time.time() + _TICKET_AGE_S
        else:
            state.problem = "Wrong key."
    except BusyError as error:
        state.problem = str(error)


def client_address() -> str:
    """Return the network address of the browser; behind a proxy, that of the proxy. An IPv6 client has a whole /64."""
    try:
        address = st.context.ip_address
    except RuntimeError:
        address = None
    if not isinstance(address, str):
        return "localhost"
    try:
        return ipaddress.IPv6Address(address).packed[:8].hex()
    except ValueError:
        return address
