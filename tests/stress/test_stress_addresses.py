"""Pages opened with random query parameters: no exception, and a response to each.

`DAE_STRESS=20` tries 20 times as many.
"""

import os
from collections.abc import Iterator
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.benchmarks.server import Server, dashboard
from tests.benchmarks.viewer import Viewer

# One worker, with one server.
pytestmark = [pytest.mark.stress, pytest.mark.xdist_group("addresses")]

MAX_EXAMPLES = 15 * int(os.environ.get("DAE_STRESS", "1"))
NAMES = (
    "data",
    "noise",
    "models",
    "page",
    "seed",
    "level",
    "strength_gaussian",
    "compared",
    "full",
    "runs",
    "order",
    "class",
    "filter",
)
_VALUES = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(
        ["", "true", "Gaussian", "gaussian", "Drawn digits", "digits-linear", "../..", "0x1F", "1e9", "%00"]
    ),
)
_QUERIES = st.lists(st.tuples(st.sampled_from(NAMES), _VALUES), max_size=6).map(
    lambda pairs: urlencode([(name, value.encode("utf-8", "replace")) for name, value in pairs], quote_via=quote)
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with dashboard(runs=("digits-linear", "digits-conv")) as served:
        yield served


@pytest.mark.parametrize("page", ["", "train", "explore"])
@settings(max_examples=MAX_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(query=_QUERIES)
def test_random_query_parameters_cause_no_error(server: Server, page: str, query: str) -> None:
    viewer = Viewer(server.address, page, query)
    try:
        viewer.draw()
        assert viewer.errors == []
    finally:
        viewer.close()


@settings(max_examples=MAX_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(query=_QUERIES)
def test_random_query_parameters_of_compare_cause_no_error(server: Server, query: str) -> None:
    viewer = Viewer(server.address, "compare", f"compared=digits-linear&{query}")
    try:
        assert viewer.errors == []
    finally:
        viewer.close()
