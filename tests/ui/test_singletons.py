"""Test that a server keeps its training queue, limits and locks, whatever its sessions and its files do."""

import importlib
import sys

import streamlit as st

from dae.ui import background, resources, singletons
from dae.ui.shell import key_attempts


def test_clearing_the_caches_keeps_the_singletons() -> None:
    getters = (resources.training_queue, resources._compute_lock, key_attempts.key_attempts, background.background)
    before = [get() for get in getters]
    st.cache_resource.clear()
    st.cache_data.clear()
    assert all(get() is instance for get, instance in zip(getters, before, strict=True))


def test_a_hot_reload_keeps_the_training_queue() -> None:
    before = resources.training_queue()
    loaded = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "dae"}
    try:
        reloaded = importlib.import_module("dae.ui.resources")
        assert reloaded is not resources and reloaded.training_queue() is before
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "dae"]:
            del sys.modules[name]
        sys.modules.update(loaded)


def test_cleared_singletons_are_created_again() -> None:
    before = resources._compute_lock()
    queue = resources.training_queue()
    assert queue.close()
    singletons.clear_singletons()
    assert resources._compute_lock() is not before and resources.training_queue() is not queue
