"""Messages with text from files: no markup, and no directories of the server for the audience."""

import pytest

from dae.ui.shell import auth, messages


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://example.org/x.png)",
        "[click](http://example.org)",
        "![x][1]\n\n[1]: http://example.org/x.png",
        "<img src=x>",
    ],
)
def test_markup_is_escaped(text: str) -> None:
    escaped = messages.escape_markdown(text)
    for sign in "[]<>":
        assert escaped.count(f"\\{sign}") == escaped.count(sign) == text.count(sign)


def test_a_lone_surrogate_is_replaced_so_that_the_text_can_be_encoded() -> None:
    assert messages.escape_markdown("caf\udce9").encode() == b"caf?"


@pytest.mark.parametrize(
    ("message", "public"),
    [
        ("/srv/dae/runs/a/model.safetensors is truncated.", "model.safetensors is truncated."),
        ("MNIST is not in /home/me/data. Run `dae download mnist`.", "MNIST is not in data. Run `dae download mnist`."),
        ("There is no run 'x' in /srv/runs. Runs there: a/b.", "There is no run 'x' in runs. Runs there: a/b."),
        ("C:\\Users\\me\\a.png is damaged.", "a.png is damaged."),
        ("7.5 images/s, and/or 3 / 4", "7.5 images/s, and/or 3 / 4"),
    ],
)
def test_the_audience_sees_no_directories(message: str, public: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert messages.for_viewer(message) == message
    monkeypatch.setattr(auth, "is_presenter", lambda: False)
    assert messages.for_viewer(message) == public
