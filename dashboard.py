"""The front door: one live picture, what it is, and three ways on."""

import streamlit as st

from dae.noise import NoiseSpec
from dae.ui import page, presenter, shared
from dae.ui.gallery import Batch, gallery

page.begin(
    "dashboard.py",
    "Can you still read these digits?",
    "A **denoising autoencoder** is a small network that has learnt to turn a spoilt picture back into a clean one. "
    "Drag the strength of the noise and watch it work.",
)

PICTURES = 6
presenter.warning()
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
        play=True,
    )

doors = {
    "pages/train.py": "Start a training and see the model learn, live.",
    "pages/explore.py": "Try every kind of noise on many pictures and models.",
    "pages/compare.py": "Linear against convolutional: measured, in one table.",
}
for column, (path, words) in zip(st.columns(3), doors.items(), strict=True):
    word, icon = page.PAGES[path]
    with column.container(border=True):
        st.page_link(path, label=f"**{word}**", icon=icon)
        st.caption(words)
