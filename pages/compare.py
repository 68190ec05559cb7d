"""Compare: every model and filter on the same noisy images."""

from dae.ui.compare.view import render_compare
from dae.ui.shell import page

page.setup_page("pages/compare.py", "Compare", "Every model and filter on the same noisy images.")
with page.show_errors():
    render_compare()
