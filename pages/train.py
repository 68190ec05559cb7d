"""Train: start a training and watch the model learn."""

from dae.ui.shell import auth, page
from dae.ui.train.view import render_train

subject = "Pick a model: it" if auth.is_presenter() else "A model"
page.setup_page(
    "pages/train.py",
    "Train",
    f"{subject} sees noisy images and learns, step by step, to restore the clean ones.",
)
render_train()
