"""Run the command line: `python -m dae`."""

import sys

from dae.cli import main

sys.exit(main())
