"""Helpers of the tests of pages: open a page, and read its messages."""

from streamlit.testing.v1 import AppTest

from tests.helpers import PATIENCE_S, ROOT

# Compare measures when it is opened.
_TIMEOUT_S = PATIENCE_S


def opened(path: str, /, **params: str | list[str]) -> AppTest:
    """Run a page with query parameters; fail if it raises."""
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=_TIMEOUT_S)
    for name, value in params.items():
        app.query_params[name] = value
    app = app.run() if path == "dashboard.py" else app.switch_page(path).run()
    assert not app.exception, app.exception
    return app


def shown(app: AppTest) -> str:
    """Return the captions and messages of a page."""
    return " ".join(text.value for text in [*app.caption, *app.info, *app.warning, *app.error])


def html(app: AppTest) -> str:
    """Return the markup of all HTML elements of a page."""
    return " ".join(element.proto.body for element in app.get("html"))
