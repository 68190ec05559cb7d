"""The front door: one live picture, what it is, and three ways on.

`streamlit run dashboard.py` imports this file for `app`, the server, which then runs it as a page for each visitor.
"""

import logging
import os
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

import streamlit as st

# PyTorch's threads would spin while they wait for each other. A server shares its cores with browsers and pages, and a
# training in which one thread waits for the processor and the other spins is several times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

DOORS = {
    "pages/train.py": "Start a training and see the model learn, live.",
    "pages/explore.py": "Try every kind of noise on many pictures and models.",
    "pages/compare.py": "Linear against convolutional: measured, in one table.",
}
PICTURES = 6


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """The server's own start, while nobody has come yet, and its end, which keeps a run in training as stopped."""
    threading.Thread(target=welcome, daemon=True).start()
    yield
    import_module("dae.ui.shared").lab().close()


def welcome() -> None:
    """Open a browser where there is a screen, and load PyTorch, which takes more than a second, while it starts."""
    option = st.get_option
    if not option("server.headless"):
        scheme = "https" if option("server.sslCertFile") else "http"
        host = "localhost" if option("server.address") in (None, "0.0.0.0", "::") else option("server.address")
        webbrowser.open(f"{scheme}://{host}:{option('server.port')}/{option('server.baseUrlPath')}")
    # Nothing of ours: a page that imports the same modules at the same moment would find them half made.
    import_module("torch")


def front_door() -> None:
    """The page."""
    from dae.noise import NoiseSpec
    from dae.ui import page, shared
    from dae.ui.gallery import Batch, gallery

    page.begin(
        "dashboard.py",
        "Can you still read these digits?",
        "A **denoising autoencoder** is a small network that has learnt to turn a spoilt picture back into a clean "
        "one. Drag the strength of the noise and watch it work.",
    )
    with page.told():
        dataset = shared.available_datasets()[0]
        found = shared.choices(shared.images(dataset, "test", PICTURES))
        best = [found[name] for name in shared.usual(found, ("modern", "convolutional", "linear"))[:1]]
        if not best:
            st.info("No model has been trained yet. **Train** one: the quick recipes take half a minute.")
        gallery(
            best,
            Batch(dataset, tuple(range(PICTURES)), limit=PICTURES),
            NoiseSpec("gaussian", 0.5),
            seed=0,
            key="front",
            show_clean=False,
        )
    for column, (path, words) in zip(st.container(key="doors").columns(3), DOORS.items(), strict=True):
        word, icon = page.PAGES[path]
        with column.container(border=True, height="stretch", key=f"door_{word}"):
            st.page_link(path, label=f"**{word}**", icon=icon)
            st.caption(words)


def sorry(error: Exception) -> bool:
    """What a visitor sees of a mistake of ours, on any page; the server's log has the whole of it."""
    logging.getLogger(__name__).exception("A page could not be drawn.", exc_info=error)
    st.error(
        "This page has failed, and it is not your fault. Nothing is lost: trainings go on, and what you set is in the "
        "address. Reload the page; if it fails again, open another one."
    )
    return True


if __name__ == "__main__":
    front_door()
else:
    app = st.App(__file__, lifespan=lifespan, on_script_error=sorry)
