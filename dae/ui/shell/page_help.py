"""The help of each page, the glossary, and what presenters need: shortcuts and the link to a new session."""

import streamlit as st

from dae.ui.shell import presentation
from dae.ui.shell.glossary import GLOSSARY
from dae.ui.tour.view import script_html
from dae.utils.text import describe_terms

ABOUT = {
    "dashboard.py": """
**Top row**: the input of the network, digits under random noise. **Second row**: its output. The network was not
trained on these digits. **Show the answer** adds the clean ones.

It learned from tens of thousands of noisy images: after each batch, its weights were adjusted to bring its output
closer to the clean images.

**Try this.** Drag the slider up until you can no longer read a digit, then choose another kind of noise. The line
below the slider marks the noise levels of the training. At high levels the network starts inventing digits.

**Play with the room**, for presenters: people compete with the models at reading noisy digits, on their phones,
or draw digits.
""",
    "pages/train.py": """
The curve shows the **PSNR** of validation images, which are held out from training: higher is better. The **gray
lines** are a simple filter and the noisy input: above them, the model helps. **Dots** are measured after each epoch;
between them the curve is estimated from a few images. *Chart* shows the loss instead.

Next to the curve: the model's output for eight validation images, after the first steps and then about once a second.
Drag the slider back at any time, also during the training. The **filters** below are what the first layer looks for:
gray is 0, white positive, black negative. They begin as noise, and some turn into strokes or edges.

**Try this.** Start the race and let the audience guess which model wins. Open another page and come back: the race
continues. A second training waits in the queue.
""",
    "pages/explore.py": """
Each **row** is one model and each **column** one image. For a drawing, and for test images in the large view, each
column is one model. All models get the same noise. The number under each image is its PSNR in decibels: higher is
closer to the original, and 3 dB more is half the squared error. *How sure is it?* shows where a model expects to be
wrong, computed without the original, for models trained on Gaussian noise that is not clipped.

*Inside the model* shows the few numbers that a model compresses each image into: as a map on which similar digits are
close together, as an interpolation between two digits, and as a test of how well the digit can be read from them.

*Imagine* shows what a model has learned about digits: it draws new ones from pure noise, gives eight answers where one
is not enough, completes what you wipe away, and shows which noisy pixels decide an output pixel.

*Demo*, below the options, downloads up to three models as one HTML file, which works in any browser without a network.

**Try this.** Choose a noise that the models were not trained on. Draw a digit. Sort by hardest.
""",
    "pages/compare.py": """
Each **bar** is one method, a trained model or a classical filter, and all of them get the same noisy images. Its length
is the gain over the noisy input in decibels: 3 dB more is half the squared error. Where the uncertainty is too large to
decide, the headline says "tied".

The folded sections hold the full table, every noise level and every kind of noise. *Download* has a report, and a
demo to take home: up to three models in one HTML file, which works in any browser without a network.

**Try this.** Set the noise level to 0.1, where leaving the image alone is hard to beat. Show the *worst* image.
""",
}
KEYS = {
    "← →": "less / more noise, or back / forward in a training",
    "Space": "play and pause",
    "Page ↓ ↑": "scroll; during the tour, next and previous stop",
    "1 2 3 4": "Start, Train, Explore, Compare",
    "L": "large view (presentation mode), on and off",
    "H": "this help",
    "F11": "full screen",
}
_GLOSSARY = describe_terms(GLOSSARY)
_KEYS = "\n".join(f"- **{key}** &ensp; {action}" for key, action in KEYS.items())


def render_help(path: str) -> None:
    """Draw the button that opens the help of a page, a key of ABOUT."""
    with st.popover("Help", icon=":material/help:", key="guide", type="tertiary"):
        page, glossary, presenting = st.tabs(["This page", "Glossary", "Presenting"])
        page.markdown(ABOUT[path])
        glossary.markdown(_GLOSSARY)
        with presenting:
            if script := script_html(presentation.in_presentation_mode()):
                st.html(script)
            st.markdown(_KEYS)
            st.markdown(
                "**Before the talk**: *Play with the room* needs a server that phones can reach. Its page shows how to "
                "start such a server."
            )
            st.markdown("Copy the address to share this view (except your own images). Everything works offline.")
            # A plain link opens a new session.
            st.html('<a href="./" target="_self">Start over</a>')
            st.caption("Back to the start page with default settings. Models and running trainings are kept.")
