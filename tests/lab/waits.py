"""What the tests of the laboratory share: the end of all its work."""

from dae.lab import Lab
from tests.conftest import wait_for


def idle(lab: Lab) -> None:
    wait_for(lambda: not lab.jobs())
