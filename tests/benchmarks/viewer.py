"""A light client of the dashboard: it speaks Streamlit's websocket protocol like a browser, and renders nothing."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from dae.runs import Run
from dae.training import RECIPES
from tests.benchmarks.common import images_per_second
from tests.benchmarks.server import Server

_TIMEOUT_S = 300.0
# The dashboard replaces exceptions with an alert that starts with these words.
_FAILED = "Something went wrong on our side"


class Viewer:
    """One session of the dashboard, with its page drawn once.

    Args:
        address: address of the server, such as http://localhost:8501.
        page: last part of the page's address, such as "train"; empty for the start page.
        query: query string of the page's address.

    Attributes:
        query: query string as the page has last changed it.
        buttons: ids of the buttons that the page has drawn.
        errors: exceptions that the page shows.
        alerts: texts of the colored boxes on the page.
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
                open_timeout=_TIMEOUT_S,
            )
        )
        self.buttons: set[str] = set()
        self._text_inputs: set[str] = set()
        # Intervals of the fragments that rerun on a timer, in seconds.
        self._timers: dict[str, float] = {}
        # Hashes of messages that the server need not send again.
        self._cached: set[str] = set()
        self.errors: list[str] = []
        self.alerts: list[str] = []
        self.draw()

    def draw(self, *, press: Iterable[str] = (), texts: Mapping[str, str] | None = None, fragment: str = "") -> float:
        """Rerun the page or one fragment of it; return the seconds until it has finished.

        Args:
            press: ids of the buttons to click, which need not be on the page.
            texts: new contents of text inputs, by id.
            fragment: id of the fragment; empty for the whole page.
        """
        message = BackMsg()
        request = message.rerun_script
        request.page_name = self._page
        request.query_string = self.query
        request.fragment_id = fragment
        request.is_auto_rerun = bool(fragment)
        request.cached_message_hashes.extend(self._cached)
        request.widget_states.SetInParent()
        for text_input, content in (texts or {}).items():
            request.widget_states.widgets.add(id=text_input, string_value=content)
        for button in press:
            request.widget_states.widgets.add(id=button, trigger_value=True)
        begin = time.perf_counter()
        self.send(message)
        for reply in self._replies():
            finished = reply.WhichOneof("type") == "script_finished"
            if finished and reply.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                break
        return time.perf_counter() - begin

    def has_button(self, key: str) -> bool:
        """Return whether the page has drawn a button with this key."""
        return any(name.endswith(f"-{key}") for name in self.buttons)

    def press(self, key: str) -> float:
        """Click the button with this key; return the seconds until the page is drawn."""
        return self.draw(press=[_with_key(self.buttons, key)])

    def sign_in(self, presenter_key: str) -> None:
        """Enter the presenter key."""
        text_input = _with_key(self._text_inputs, "presenter_key")
        self.draw(press=[_with_key(self.buttons, "Unlock")], texts={text_input: presenter_key})

    def send(self, message: BackMsg) -> None:
        """Send a message as it is, without waiting for replies."""
        self._socket.send(message.SerializeToString())

    def watch(self, seconds: float) -> list[float]:
        """Rerun fragments at their intervals, as an open page does; return the seconds that each rerun took."""
        now = time.perf_counter()
        end, due = now + seconds, {fragment: now + interval for fragment, interval in self._timers.items()}
        durations = []
        while due and (next_due := min(due.values())) < end:
            time.sleep(max(0.0, next_due - time.perf_counter()))
            fragment = min(due, key=lambda name: due[name])
            due[fragment] += self._timers[fragment]
            durations.append(self.draw(fragment=fragment))
        time.sleep(max(0.0, end - time.perf_counter()))
        return durations

    def close(self) -> None:
        """Close the websocket."""
        self._open.close()

    def _replies(self) -> Iterator[ForwardMsg]:
        while True:
            reply = ForwardMsg.FromString(self._socket.recv(_TIMEOUT_S))
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
                        self.buttons.add(element.button.id)
                    elif element.WhichOneof("type") == "text_input":
                        self._text_inputs.add(element.text_input.id)
                    elif element.WhichOneof("type") == "exception":
                        self.errors.append(element.exception.message)
                    elif element.WhichOneof("type") == "alert":
                        body = element.alert.body
                        (self.errors if body.startswith(_FAILED) else self.alerts).append(body)
            yield reply


def _with_key(ids: Iterable[str], key: str) -> str:
    """Return the only widget id that ends with a key."""
    (found,) = [widget for widget in ids if widget.endswith(f"-{key}")]
    return found


def start_endless_run(server: Server, recipe: str, name: str) -> Run:
    """Create a run of 10,000 epochs and start it on the Train page; return once it trains."""
    run = Run.create(replace(RECIPES[recipe].config, epochs=10_000), root=server.runs, name=name)
    viewer = Viewer(server.address, "train", f"runs={name}")
    viewer.press(f"resume-{name}")
    while not run.progress():
        viewer.watch(1.0)
    viewer.close()
    return run


def training_speed(run: Run, action: Callable[[], object]) -> float:
    """Return the images per second that the run trains on during an action."""
    begin = run.progress()[-1]
    action()
    return images_per_second(begin, run.progress()[-1], run.config.batch_size)
