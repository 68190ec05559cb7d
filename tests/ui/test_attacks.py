"""One server under attack: no message unlocks controls, no connection leaves the machine, and few files stay open."""

import json
import os
import random
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from dae.runs import Run, TrainingQueue
from dae.training import loop
from tests.benchmarks.server import Server, dashboard
from tests.benchmarks.viewer import Viewer
from tests.helpers import PATIENCE_S, SlowStep, new_run, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and /proc of Linux")

KEY = "open sesame"
# Every Python process that finds this module writes the addresses that it connects to or looks up.
WATCH = """
import os, socket, sys
LOG = {log!r}
def audit(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        target = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
        with open(LOG, "a") as file:
            file.write(event + " " + repr(target) + "\\n")
sys.addaudithook(audit)
"""
LOCAL = ("'127.0.0.1'", "'localhost'", "'::1'", "None", "b'/", "'/")


@pytest.fixture(scope="module")
def contacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "contacts.txt"


@pytest.fixture(scope="module")
def server(contacts: Path) -> Iterator[Server]:
    """Start a dashboard with a presenter key and few open files, in a process that logs its connections."""
    (contacts.parent / "sitecustomize.py").write_text(WATCH.format(log=str(contacts)))
    contacts.touch()
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(contacts.parent), prepend=os.pathsep)
        patch.setenv("DAE_PRESENTER_KEY", KEY)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
        try:
            with dashboard(runs=("digits-linear",)) as started:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                yield started
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def port(server: Server) -> str:
    return server.address.rpartition(":")[2]


def refused(address: str, host: str, origin: str | None) -> bool:
    try:
        with connect(
            address.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            additional_headers={"Host": host} if host else None,
            origin=Origin(origin) if origin else None,
        ):
            return False
    except InvalidStatus as error:
        return error.response.status_code == 403


def test_foreign_pages_cannot_connect(server: Server) -> None:
    own = f"127.0.0.1:{port(server)}"
    assert not refused(server.address, "", f"http://{own}") and not refused(server.address, "", None)
    assert refused(server.address, "", "http://evil.example") and refused(server.address, "", "http://localhost:1")


def test_pages_have_a_frame_policy_and_the_metrics_endpoint_returns_404(server: Server) -> None:
    with urllib.request.urlopen(server.address) as response:
        assert "frame-ancestors 'self'" in response.headers["content-security-policy"]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.address}/_stcore/metrics")


def filled(message: Message, source: random.Random, depth: int = 0) -> None:
    """Set random fields of a message to random values."""
    for field in message.DESCRIPTOR.fields:
        if source.random() < 0.5 or depth > 3:
            continue
        value = {
            FieldDescriptor.CPPTYPE_STRING: source.choice(["", "presenter", KEY[:4], "train", "x" * 99, "runs=long"]),
            FieldDescriptor.CPPTYPE_BOOL: source.random() < 0.5,
            FieldDescriptor.CPPTYPE_DOUBLE: source.choice([0.0, -1.0, 1e300]),
            FieldDescriptor.CPPTYPE_FLOAT: source.choice([0.0, -1.0]),
            FieldDescriptor.CPPTYPE_ENUM: 0,
        }.get(field.cpp_type, source.choice([0, 1, 99]))
        is_bytes = field.type == FieldDescriptor.TYPE_BYTES
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            if field.message_type.GetOptions().map_entry:
                continue
            target = getattr(message, field.name)
            filled(target.add() if field.is_repeated else target, source, depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).append(b"\xff" if is_bytes else value)
        else:
            setattr(message, field.name, b"\xff" if is_bytes else value)


@pytest.fixture(scope="module")
def long_run(server: Server, photos: str) -> Iterator[Run]:
    """Train a run that does not end by itself, and leaves the processor to the server."""
    run = new_run(server.runs, photos, name="long", epochs=10_000)
    queue = TrainingQueue()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "TrainStep", SlowStep)
        queue.start(run)
        try:
            wait_for(run.progress)
            yield run
        finally:
            assert queue.close(PATIENCE_S)


def assert_unchanged(server: Server, run: Run) -> None:
    """Check that the run still trains and that no run was started, renamed or deleted."""
    step = run.progress()[-1]["step"]
    wait_for(lambda: run.progress()[-1]["step"] > step)
    assert run.state == "running"
    assert sorted(path.parent.name for path in server.runs.glob("*/config.json")) == ["digits-linear", "long"]


def test_no_message_of_the_audience_unlocks_controls_or_changes_or_stops_a_run(server: Server, long_run: Run) -> None:
    source = random.Random(0)
    kinds = [field.name for field in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields]
    assert len(kinds) > 5
    visitor = Viewer(server.address, "train", "runs=long")
    for kind in kinds:
        for _ in range(4):
            message = BackMsg()
            field = BackMsg.DESCRIPTOR.fields_by_name[kind]
            if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
                target = getattr(message, kind)
                target.SetInParent()
                filled(target, source)
            elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
                setattr(message, kind, "presenter")
            else:
                setattr(message, kind, True)
            if kind == "rerun_script":
                message.rerun_script.page_name, message.rerun_script.query_string = "train", "runs=long"
            try:
                visitor.send(message)
            except WebSocketException:
                # The server has closed the connection.
                visitor.close()
                visitor = Viewer(server.address, "train", "runs=long")
                break
    visitor.close()
    visitor = Viewer(server.address, "train", "runs=long")
    assert not visitor.errors and not visitor.has_button("stop-long")
    assert_unchanged(server, long_run)
    visitor.close()


@pytest.mark.parametrize(
    ("page", "query", "pressed", "keys"),
    [
        ("train", "runs=long", "", ("start-race", "start-quick-unet", "open-custom", "stop-long")),
        ("train", "runs=digits-linear", "", ("rename-digits-linear", "delete-digits-linear")),
        ("", "room=true", "room_rehearse", ("room_guess", "room_draw", "room_close")),
    ],
)
def test_the_audience_cannot_press_the_buttons_of_a_presenter(
    server: Server, long_run: Run, page: str, query: str, pressed: str, keys: tuple[str, ...]
) -> None:
    """A browser can send the id of any button, which is the same in all sessions."""
    presenter, visitor = Viewer(server.address, page, query), Viewer(server.address, page, query)
    drawn = set(visitor.buttons)
    presenter.sign_in(KEY)
    if pressed:
        presenter.press(pressed)
    visitor.draw(press=presenter.buttons - drawn)
    assert visitor.buttons == drawn and not visitor.errors
    presenter.buttons.clear()
    presenter.draw()
    for key in keys:
        assert presenter.has_button(key) and not visitor.has_button(key)
    assert_unchanged(server, long_run)
    visitor.close()
    presenter.close()


def test_closed_sessions_leave_at_most_a_few_open_files(server: Server) -> None:
    files = Path(f"/proc/{server.pid}/fd")
    limits = Path(f"/proc/{server.pid}/limits")

    def is_raised() -> bool:
        """Return whether the soft limit on open files is the hard one, which it becomes while the server starts."""
        line = next(line for line in limits.read_text().splitlines() if line.startswith("Max open files"))
        soft, hard = line.split()[3:5]
        return soft == hard

    wait_for(is_raised)
    Viewer(server.address, "train").close()
    before = len(list(files.iterdir()))
    for _ in range(8):
        Viewer(server.address, "train").close()
    assert len(list(files.iterdir())) - before <= 8 * 3
    Viewer(server.address, "train").close()


def test_the_server_connects_to_no_other_machine(server: Server, contacts: Path) -> None:
    for page in ("", "train", "explore", "compare"):
        Viewer(server.address, page).close()
    refused(server.address, "", "http://evil.example")
    outside = [line for line in contacts.read_text().splitlines() if not any(name in line for name in LOCAL)]
    assert outside == []


def test_bad_run_folders_are_passed_over(server: Server) -> None:
    config = json.loads((server.runs / "digits-linear" / "config.json").read_text())
    changes = {
        "size": {"dataset": "folder:a@9999"},
        "home": {"dataset": "folder:~nobody-here"},
        "nul": {"dataset": "folder:a\0b"},
        "surrogate": {"model": "\ud800"},
        "markdown": {"pretrained": "![x](http://example.org/x.png)"},
    }
    for name, change in changes.items():
        (server.runs / name).mkdir()
        (server.runs / name / "config.json").write_text(json.dumps(config | {"config": config["config"] | change}))
    odd = os.fsencode(server.runs) + b"/caf\xe9"
    os.mkdir(odd)
    (Path(os.fsdecode(odd)) / "config.json").write_text(json.dumps(config))
    try:
        for page in ("", "train", "explore", "compare"):
            viewer = Viewer(server.address, page)
            assert not viewer.errors
            viewer.close()
    finally:
        for name in (*changes, os.fsdecode(odd)):
            shutil.rmtree(server.runs / name)
