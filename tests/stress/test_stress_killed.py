"""A training killed at random moments ends with the weights of an uninterrupted one, bit for bit.

It is killed three times, or 20 times with `DAE_STRESS=20 python -m pytest -m stress`.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from safetensors.torch import load_file

from dae.runs import Run, run_training
from tests.helpers import PATIENCE_S, ROOT, epochs, new_run, tensors_equal, wait_for, weights

pytestmark = pytest.mark.stress

NUM_KILLS = int(os.environ.get("DAE_STRESS", "3"))
EPOCHS = 40 * NUM_KILLS
_PROGRAM = """
import sys
from pathlib import Path
from dae.runs import Run, run_training

for report in run_training(Run(Path(sys.argv[1]))):
    print(report.epoch, flush=True)
"""


def assert_files_are_complete(run: Run) -> None:
    assert run.load().name == run.model
    for path in run.path.glob("*.safetensors"):
        load_file(path)
    for path in run.path.glob("*.json"):
        json.loads(path.read_text())
    for line in run.progress():
        assert line["step"] >= 0


def test_a_run_killed_at_random_moments_gets_the_weights_of_an_uninterrupted_one(tmp_path: Path, photos: str) -> None:
    whole, run = (new_run(tmp_path, photos, name, epochs=EPOCHS, batch_size=4) for name in ("whole", "killed"))
    list(run_training(whole))
    moments = random.Random(0)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")}
    # The epoch that was in progress when the process died.
    reached = 0
    for _ in range(NUM_KILLS):
        command = [sys.executable, "-c", _PROGRAM, str(run.path)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout
        try:
            first = int(process.stdout.readline())
            # At most one epoch is repeated.
            assert first >= reached - 1
            # Kill between any two writes ...
            for _ in range(moments.randint(1, 25)):
                reached = int(process.stdout.readline())
            # ... and anywhere within a step.
            threading.Event().wait(moments.uniform(0, 0.02))
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=PATIENCE_S)
        wait_for(lambda: run.state in ("interrupted", "finished"))
        assert_files_are_complete(run)
        reached = max(reached, max(epochs(run)))
    list(run_training(run))
    assert run.state == "finished" and epochs(run) == list(range(EPOCHS + 1))
    assert tensors_equal(weights(run.load().model), weights(whole.load().model))
