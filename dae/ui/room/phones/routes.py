"""The page for phones and its requests, below the path `/play` of the server.

`Guard` in dashboard.py has checked host and origin, and bounded the body. A phone has a random token in a cookie that
scripts cannot read; the page is static and asks for its state every second.
"""

import functools
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from dae.errors import DaeError
from dae.ui.components.base import ASSETS
from dae.ui.room.phones.limits import RateLimiter
from dae.ui.room.room import UnknownPhoneError, room
from dae.ui.singletons import process_singleton

COOKIE = "dae_phone"
COOKIE_AGE_S = 12 * 3_600
# Nothing but the own script, style sheet and images, and no frame around the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_FOLDER = Path(__file__).parent / "assets"
_ASSETS = {
    "": (_FOLDER / "play.html", "text/html"),
    "/play.js": (_FOLDER / "play.js", "text/javascript"),
    "/board.js": (ASSETS / "sketch_board.js", "text/javascript"),
    "/play.css": (_FOLDER / "play.css", "text/css"),
}
_PNG = "image/png"
# Many phones share one address behind a proxy or a mobile network.
_JOINS_PER_SECOND, _JOINS_AT_ONCE = 2.0, 200
# A phone asks once a second, and at once after an answer and when it wakes up.
_REQUESTS_PER_SECOND, _REQUESTS_AT_ONCE = 4.0, 30


class _TooManyError(DaeError):
    """A client sends too many requests."""


_STATUSES = {UnknownPhoneError: 401, _TooManyError: 429}


class _Answer(BaseModel):
    """Body of a request that answers a round."""

    model_config = ConfigDict(strict=True)
    round: int
    digit: int


@process_singleton
def _join_limit() -> RateLimiter:
    """Return the limit on joining per network address."""
    return RateLimiter(_JOINS_PER_SECOND, _JOINS_AT_ONCE)


@process_singleton
def _request_limit() -> RateLimiter:
    """Return the limit on all other requests per phone."""
    return RateLimiter(_REQUESTS_PER_SECOND, _REQUESTS_AT_ONCE)


def respond(request: Request, path: str, body: bytes) -> Response:
    """Return the response to a request of a phone.

    Args:
        path: below `/play`, without a slash at its end; empty for the page.
        body: empty if the request has none, or one that is too long.
    """
    response = _respond(request, path, body)
    response.headers.update(HEADERS)
    return response


def _respond(request: Request, path: str, body: bytes) -> Response:
    if path == "" and request.url.path.endswith("/"):
        # The links of the page are relative.
        return RedirectResponse("../play")
    if request.method in ("GET", "HEAD") and path in _ASSETS:
        file, media_type = _ASSETS[path]
        return Response(_read_asset(file), media_type=media_type)
    act = _ACTIONS.get((request.method, path))
    if act is None and request.method == "GET" and path.startswith("/image/"):
        act = functools.partial(_image, path.removeprefix("/image/"))
    if act is None:
        return _problem("Not found.", 404)
    try:
        return act(request, body)
    except DaeError as error:
        return _problem(str(error), _STATUSES.get(type(error), 409))


@functools.cache
def _read_asset(file: Path) -> bytes:
    return file.read_bytes()


def _problem(text: str, status: int) -> Response:
    return JSONResponse({"problem": text}, status)


def _join(request: Request, _: bytes) -> Response:
    """Let a phone in, and give it a cookie with its token."""
    known = request.cookies.get(COOKIE, "")
    address = request.client.host if request.client else ""
    # Phones that come back, or wait for the room to open, do not use up the limit.
    if room().is_newcomer(known) and not _join_limit().allows(address):
        raise _TooManyError("Too many phones at once. This page tries again.")
    token = room().join(known)
    response = JSONResponse(room().phone_state(token))
    if token != known:
        path = request.url.path.removesuffix("/join")
        is_encrypted = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, token, COOKIE_AGE_S, path=path, httponly=True, samesite="strict", secure=is_encrypted
        )
    return response


def _phone(request: Request) -> str:
    """Return the token of the phone.

    Raises:
        UnknownPhoneError: it has none. _TooManyError: it sends too many requests.
    """
    token = request.cookies.get(COOKIE, "")
    # An invented token has no limit of its own, but reaches nothing either.
    room().check_phone(token)
    if not _request_limit().allows(token):
        raise _TooManyError("Too many requests. This page tries again.")
    return token


def _state(request: Request, _: bytes) -> Response:
    return JSONResponse(room().phone_state(_phone(request)))


def _answer(request: Request, body: bytes) -> Response:
    phone = _phone(request)
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError:
        return _problem("The answer could not be read. Choose a digit.", 400)
    room().answer(phone, answer.round, answer.digit)
    return JSONResponse(room().phone_state(phone))


def _draw(request: Request, body: bytes) -> Response:
    phone = _phone(request)
    room().draw(phone, body)
    return JSONResponse(room().phone_state(phone))


def _image(number: str, request: Request, _: bytes) -> Response:
    _phone(request)
    image = room().noisy_image(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
    return Response(image, media_type=_PNG) if image else _problem("This round is over.", 404)


_ACTIONS: dict[tuple[str, str], Callable[[Request, bytes], Response]] = {
    ("POST", "/join"): _join,
    ("GET", "/state"): _state,
    ("POST", "/answer"): _answer,
    ("POST", "/drawing"): _draw,
}
