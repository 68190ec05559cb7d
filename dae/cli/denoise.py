"""dae denoise."""

from functools import partial
from pathlib import Path

import torch

from dae import pictures, uploads
from dae.cli.command import Commands, Options, command
from dae.ensemble import self_ensemble
from dae.errors import DataError, SpecError
from dae.files import whole_file
from dae.noise import NoiseSpec, corrupt
from dae.runs import find_run
from dae.seeds import generator
from dae.tiling import denoise_tiled


def add(commands: Commands) -> None:
    parser = command(commands, "denoise", _denoise, "Clean one picture.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("source", metavar="IN")
    parser.add_argument("target", metavar="OUT.png")
    parser.add_argument("--noise", metavar="SPEC", help="add this noise first")
    parser.add_argument("--ensemble", action="store_true", help="average over eight views, for photographs")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the noise")


def _denoise(options: Options) -> None:
    if Path(options.target).suffix.lower() != ".png":
        raise SpecError(f"{options.target} does not end in .png, which is what is written.")
    checkpoint = find_run(options.run, options.checkpoints).load()
    noisy, resized = uploads.fit_picture(uploads.read_picture(_read(Path(options.source))), checkpoint)
    if options.noise:
        noisy = corrupt(noisy, NoiseSpec.parse(options.noise), generator(options.seed))
    whole = partial(denoise_tiled, checkpoint.model)
    denoised = self_ensemble(whole, noisy) if options.ensemble else whole(noisy)
    try:
        with whole_file(Path(options.target)) as temporary:
            pictures.grid(denoised, columns=1).save(temporary, "PNG")
    except OSError as error:
        raise DataError(f"{options.target} cannot be written: {error.strerror}.") from error
    height, width = denoised.shape[-2:]
    with torch.no_grad():
        level = checkpoint.model.level(noisy)
    print(
        f"{options.target}: {width} x {height}"
        + (", resized to fit the model" if resized else "")
        + (f", noise of about {level.item():.2f} (root mean square, where white is 1)" if level is not None else "")
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
