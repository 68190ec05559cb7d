"""Objects of which a server process has exactly one, such as the training queue.

Neither a Streamlit cache nor a module can hold them: any session can empty the caches with one websocket message, and
Streamlit's hot reload imports an edited module again, which would leave a running training without its queue.
"""

import functools
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")


class _Store(ModuleType):
    """A module without a file, which hot reload therefore leaves in `sys.modules`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.lock = threading.RLock()
        self.instances: dict[str, Any] = {}


_NAME = "_dae_singletons"
_store: Any = sys.modules.setdefault(_NAME, _Store(_NAME))


def process_singleton(create: Callable[[], T]) -> Callable[[], T]:
    """Decorate a function without arguments so that it runs once per process and always returns the same object."""
    key = f"{create.__module__}.{create.__qualname__}"

    @functools.wraps(create)
    def get() -> T:
        with _store.lock:
            if key not in _store.instances:
                _store.instances[key] = create()
            instance: T = _store.instances[key]
            return instance

    return get


def clear_singletons() -> None:
    """Forget all objects, for tests. The caller ends their threads first."""
    with _store.lock:
        _store.instances.clear()
