"""dae export."""

from pathlib import Path

from dae.cli.command import Commands, Options, command
from dae.export import check_target, dynamic_sides, export
from dae.runs import find_run


def add(commands: Commands) -> None:
    parser = command(commands, "export", _export, "Write a trained model for other programs.")
    parser.add_argument("run", metavar="RUN")
    parser.add_argument("target", metavar="OUT", help="a file that ends in .onnx, or in .pt2 for torch.export")


def _export(options: Options) -> None:
    target = Path(options.target)
    check_target(target)
    checkpoint = find_run(options.run, options.checkpoints).load()
    difference = export(checkpoint, target)
    channels, height, width = checkpoint.shape
    sides = "height, width" if dynamic_sides(checkpoint) else f"{height}, {width}"
    print(f"{target}: noisy (batch, {channels}, {sides}) to denoised, the same, clamped to 0 to 1")
    checked = "not checked, which needs onnxruntime" if difference is None else f"at most {difference:.1g}"
    print(f"Difference from PyTorch: {checked}")
