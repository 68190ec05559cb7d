"""A light client of the dashboard: it says on the websocket what a browser would, and draws nothing."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

_PATIENCE_S = 60.0
_FAILED = "This page has failed"  # so begins what the dashboard makes of an exception


class Viewer:
    """One session of the dashboard; opening it draws the page once.

    Args:
        address: of the server, http://localhost:8501.
        page: the last part of the page's address, "train"; empty for the first page.
        query: the part of the address behind the question mark.

    Attributes:
        query: the same as the page has changed it.
        errors: exceptions that the page shows.
        alerts: what it says in coloured boxes.
    """

    def __init__(self, address: str, page: str = "", query: str = "") -> None:
        self._page = page
        self.query = query
        self._open = ExitStack()
        self._socket = self._open.enter_context(
            connect(
                address.replace("http", "ws", 1) + "/_stcore/stream",
                subprotocols=[Subprotocol("streamlit")],
                max_size=None,
            )
        )
        self._buttons: set[str] = set()
        self._timers: dict[str, float] = {}  # of fragments, in seconds
        self._cached: set[str] = set()  # messages that the server need not send again
        self.errors: list[str] = []
        self.alerts: list[str] = []
        self.bytes_received = 0
        self.draw()

    def draw(self, *, press: str = "", fragment: str = "") -> float:
        """Have the page, or one fragment of it, drawn; returns the seconds until that is done."""
        message = BackMsg()
        request = message.rerun_script
        request.page_name = self._page
        request.query_string = self.query
        request.fragment_id = fragment
        request.is_auto_rerun = bool(fragment)
        request.cached_message_hashes.extend(self._cached)
        request.widget_states.SetInParent()
        if press:
            request.widget_states.widgets.add(id=press, trigger_value=True)
        begun = time.perf_counter()
        self._socket.send(message.SerializeToString())
        for reply in self._replies():
            done = reply.WhichOneof("type") == "script_finished"
            if done and reply.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                break
        return time.perf_counter() - begun

    def press(self, key: str) -> float:
        """Click the button with this key; returns the seconds until the page is drawn."""
        (button,) = [name for name in self._buttons if name.endswith(f"-{key}")]
        return self.draw(press=button)

    def watch(self, seconds: float) -> list[float]:
        """Answer the page's timers for so long, as an open page does; the seconds that each answer took."""
        now = time.perf_counter()
        end, due = now + seconds, {fragment: now + every for fragment, every in self._timers.items()}
        taken = []
        while due and (next_due := min(due.values())) < end:
            time.sleep(max(0.0, next_due - time.perf_counter()))
            fragment = min(due, key=lambda name: due[name])
            due[fragment] += self._timers[fragment]
            taken.append(self.draw(fragment=fragment))
        time.sleep(max(0.0, end - time.perf_counter()))
        return taken

    def close(self) -> None:
        self._open.close()

    def _replies(self) -> Iterator[ForwardMsg]:
        while True:
            data = self._socket.recv(_PATIENCE_S)
            self.bytes_received += len(data)
            reply = ForwardMsg.FromString(data)
            if reply.hash and reply.metadata.cacheable:
                self._cached.add(reply.hash)
            match reply.WhichOneof("type"):
                case "auto_rerun":
                    self._timers[reply.auto_rerun.fragment_id] = reply.auto_rerun.interval
                case "page_info_changed":
                    self.query = reply.page_info_changed.query_string
                case "stop_auto_rerun":
                    for fragment in reply.stop_auto_rerun.fragment_ids:
                        self._timers.pop(fragment, None)
                case "delta":
                    element = reply.delta.new_element
                    if element.WhichOneof("type") == "button":
                        self._buttons.add(element.button.id)
                    elif element.WhichOneof("type") == "exception":
                        self.errors.append(element.exception.message)
                    elif element.WhichOneof("type") == "alert":
                        body = element.alert.body
                        (self.errors if body.startswith(_FAILED) else self.alerts).append(body)
            yield reply
