"""Program of each rank in `test_distributed.py`: torchrun -m tests.training.distributed_program PHOTOS FOLDER.

Importing PyTorch takes longer than all of these trainings, so one launch runs them one after the other.
"""

import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from pathlib import Path
from threading import Thread

from safetensors.torch import save_file

from dae import cli
from dae.data import load_dataset
from dae.noise import NoiseSpec
from dae.runs import Run
from dae.training import DistributedContext, TrainState, fit, loop
from dae.training.distributed import init_distributed
from tests.helpers import epochs, small_config, wait_for


def train_at_two_levels(group: DistributedContext, photos: str, folder: Path) -> None:
    """Write losses and weights of each rank, then let rank 0 stop a training after five steps."""
    images, test = (load_dataset(photos, split) for split in ("train", "test"))
    # A report after each step.
    interval_s, loop.REPORT_INTERVAL_S = loop.REPORT_INTERVAL_S, 0.0
    for level in (0.0, 0.5):
        config = small_config(dataset=photos, max_images=21, batch_size=10, noise=NoiseSpec("gaussian", level))
        state = TrainState(config, images.shape)
        losses = [str(report.loss) for report in group.synchronize(fit(config, state, images, test, group))]
        (folder / f"{level}-{group.rank}.txt").write_text("\n".join(losses))
        save_file(dict(state.model.state_dict()), folder / f"{level}-{group.rank}.safetensors")
    config = replace(config, epochs=10_000)
    state = TrainState(config, images.shape)
    for report in group.synchronize(fit(config, state, images, test, group)):
        if group.rank == 0 and report.step == 5:
            break
    assert state.step == 5, state.step
    loop.REPORT_INTERVAL_S = interval_s


def stop_after_the_first_epoch(run: Run) -> None:
    """Request a stop as another process would."""
    wait_for(lambda: epochs(run)[1:])
    run.status.request_stop()


def main(photos: str, folder: Path) -> int:
    """Run all trainings; return the exit code of the last one, which fails."""
    with init_distributed() as group:
        train_at_two_levels(group, photos, folder)

        def dae_train(name: str, *arguments: object) -> int:
            """Run `dae train` in this process, with its output in a file per rank."""
            # The process group is initialized only once.
            cli.train.init_distributed = lambda: nullcontext(DistributedContext(group.rank, group.world_size))
            with (folder / f"{name}-{group.rank}.txt").open("w") as out, redirect_stdout(out):
                return cli.main(["train", "--checkpoints", str(folder / "runs"), *map(str, arguments)])

        assert dae_train("resumed", "--resume", "parts") == 0
        if group.rank == 0:
            Thread(target=stop_after_the_first_epoch, args=[Run(folder / "runs/endless")]).start()
        assert dae_train("stopped", "--resume", "endless") == 0
        return dae_train("mistake", "--name", "mistake", "--dataset", photos, "--batch-size", 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
