"""A training is killed at random moments, again and again, and ends where an undisturbed one ends, bit for bit.

Twenty times with `DAE_STRESS=20 python -m pytest tests/stress`; three times otherwise.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

from safetensors.torch import load_file

from dae.recording import record
from dae.runs import RunDirectory
from tests.conftest import PATIENCE_S, ROOT, epochs, new_run, same, wait_for, weights

TIMES = int(os.environ.get("DAE_STRESS", "3"))
EPOCHS = 40 * TIMES
_PROGRAM = """
import sys
from pathlib import Path
from dae.recording import record
from dae.runs import RunDirectory

for report in record(RunDirectory(Path(sys.argv[1]))):
    print(report.epoch, flush=True)
"""


def check(run: RunDirectory) -> None:
    """No file of the run is half a file."""
    assert run.load().name == run.model
    for path in run.path.glob("*.safetensors"):
        load_file(path)
    for path in run.path.glob("*.json"):
        json.loads(path.read_text())
    for line in run.progress():
        assert line["step"] >= 0


def test_killed_at_random_moments_it_ends_bit_for_bit_like_one_left_alone(tmp_path: Path, photos: str) -> None:
    whole, run = (new_run(tmp_path, photos, name, epochs=EPOCHS, batch_size=4) for name in ("whole", "killed"))
    list(record(whole))
    moments = random.Random(0)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")}
    reached = 0  # the epoch whose steps were under way when the process died
    for _ in range(TIMES):
        command = [sys.executable, "-c", _PROGRAM, str(run.path)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        try:
            first = int(process.stdout.readline())
            assert first >= reached - 1  # at most one epoch is done again
            for _ in range(moments.randint(1, 25)):  # reports, so anywhere between two writes
                reached = int(process.stdout.readline())
            threading.Event().wait(moments.uniform(0, 0.02))  # and anywhere within a step
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=PATIENCE_S)
        wait_for(lambda: run.state in ("interrupted", "finished"))
        check(run)
        reached = max(reached, max(epochs(run)))
    list(record(run))
    assert run.state == "finished" and epochs(run) == list(range(EPOCHS + 1))
    assert same(weights(run.load().model), weights(whole.load().model))
