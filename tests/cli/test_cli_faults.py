"""Faults around the command line: full disks, large files, transparent images, signals and a missing home."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from dae.cli import image_sources, train
from dae.data.uploads import BYTES_LIMIT
from dae.training.distributed import SINGLE_PROCESS
from tests.cli.calls import call, fails
from tests.helpers import ROOT

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


@needs_linux
def test_a_list_printed_to_a_full_disk_ends_in_one_error_message() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dae", "list"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 2 and done.stderr.endswith("The output cannot be used: No space left on device.\n")
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


@needs_linux
def test_a_table_printed_to_a_full_disk_ends_in_one_error_message(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr(sys, "stdout", full)
        message = fails(capsys, root, "evaluate", "median", "--limit", "4", "--csv")
    assert message.endswith("The output cannot be used: No space left on device.")


def test_a_large_file_is_refused_without_reading_all_of_it(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    assert len(image_sources.read_file(huge)) == BYTES_LIMIT + 1
    assert "larger than the limit of 20 MB" in fails(capsys, root, "denoise", "trained", huge, tmp_path / "o.png")


def test_denoise_prints_how_transparent_pixels_were_converted(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("LA", (28, 28), (0, 90)).save(tmp_path / "ink.png")
    assert call(root, "denoise", "trained", tmp_path / "ink.png", tmp_path / "o.png") == 0
    assert "transparent pixels became white" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
@pytest.mark.parametrize("number", [signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)])
def test_signals_that_end_a_session_stop_a_training_like_ctrl_c(number: signal.Signals) -> None:
    # The tests themselves may have been started by nohup.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(KeyboardInterrupt), train._signals_as_ctrl_c(SINGLE_PROCESS):
            os.kill(os.getpid(), number)
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
def test_an_ignored_hangup_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with train._signals_as_ctrl_c(SINGLE_PROCESS):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


@needs_linux
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to become an unknown user")
def test_an_unknown_user_without_a_home_can_evaluate() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    done = subprocess.run(
        ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", "--inh-caps", "+dac_read_search"]
        + ["--ambient-caps", "+dac_read_search"]
        + [sys.executable, "-m", "dae", "evaluate", "median", "--limit", "4", "--dataset", "digits"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    if "setpriv" in done.stderr:
        pytest.skip("setpriv is not permitted here")
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
