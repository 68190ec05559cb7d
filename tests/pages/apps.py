"""What the tests of pages share: a page that is opened, and what it says."""

from streamlit.testing.v1 import AppTest

from tests.conftest import ROOT

_SLOW_S = 90.0  # Compare measures when it is opened


def opened(path: str, /, **address: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=_SLOW_S)
    for name, value in address.items():
        app.query_params[name] = value
    app = app.run() if path == "dashboard.py" else app.switch_page(path).run()
    assert not app.exception, app.exception
    return app


def shown(app: AppTest) -> str:
    return " ".join(text.value for text in [*app.caption, *app.info, *app.warning, *app.error])
