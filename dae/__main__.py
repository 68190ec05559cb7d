"""Run the command line: `dae`, or `python -m dae`."""

import sys


def run() -> None:
    """Run the command line and exit with its code, also if Ctrl-C comes while PyTorch is imported."""
    try:
        from dae.cli import main

        sys.exit(main())
    except KeyboardInterrupt:
        sys.stderr.write("dae: stopped\n")
        sys.exit(130)


if __name__ == "__main__":
    run()
