"""Measurements that people can repeat; each prints ratios taken in one run. Nothing in `dae` imports them."""

import sys
from collections.abc import Callable

from dae.errors import DaeError


def told(main: Callable[[], None]) -> None:
    """Run a measurement; a mistake of the caller's ends it with a sentence and the exit code 2, as `dae` does."""
    try:
        main()
    except DaeError as error:
        print(f"dae: {error}", file=sys.stderr)
        sys.exit(2)
