"""The exception tree and the data that errors carry."""

import inspect
import re

import pytest

from dae import errors
from dae.errors import DaeError, DivergedError, OutOfMemoryError, SpecError, UnknownNameError
from dae.utils.registry import lookup

CLASSES = [entry for _, entry in inspect.getmembers(errors, inspect.isclass) if entry.__module__ == "dae.errors"]


def test_module_docstring_shows_the_actual_exception_tree() -> None:
    drawn = re.findall(r"^([│ ├└─]*)(\w+) *(?:  .*)?$", errors.__doc__ or "", re.MULTILINE)
    nodes = [(len(indent) // 4, name) for indent, name in drawn if name in {entry.__name__ for entry in CLASSES}]
    assert {name for _, name in nodes} == {entry.__name__ for entry in CLASSES}
    path: list[str] = []
    for depth, name in nodes:
        depth -= nodes[0][0]
        path = [*path[:depth], name]
        parents = [entry.__name__ for entry in getattr(errors, name).__mro__ if issubclass(entry, DaeError)]
        assert parents == path[::-1]


def test_unknown_name_error_carries_noun_value_choices_and_closest_match() -> None:
    entries = {"gaussian": 1, "masking": 2}
    assert lookup("noise", entries, "masking") == 2
    with pytest.raises(UnknownNameError) as caught:
        lookup("noise", entries, "guassian")
    error = caught.value
    assert (error.noun, error.value, error.choices, error.closest) == ("noise", "guassian", tuple(entries), "gaussian")
    assert isinstance(error, SpecError)
    assert str(error) == "There is no noise 'guassian'. Did you mean 'gaussian'? Choose from: gaussian, masking."
    assert "Did you mean" not in str(UnknownNameError("noise", "qqq", entries))


def test_training_errors_carry_epoch_loss_device_and_batch_size() -> None:
    assert (DivergedError(3, float("inf")).epoch, DivergedError(3, float("inf")).loss) == (3, float("inf"))
    assert "epoch 3" in str(DivergedError(3, float("nan"))) and "nan" in str(DivergedError(3, float("nan")))
    assert (OutOfMemoryError("cuda:0", 512).device, OutOfMemoryError("cuda:0", 512).batch_size) == ("cuda:0", 512)
    assert "512" in str(OutOfMemoryError("cuda:0", 512))
