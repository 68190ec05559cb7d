"""Call an ASGI application without a network."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any


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
