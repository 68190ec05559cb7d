"""Help for whoever stands before a page: what there is to see, what the words mean, and what a presenter can do."""

import streamlit as st

from dae.ui import stage
from dae.ui.glossary import GLOSSARY

ABOUT = {
    "dashboard.py": """
The **upper row** is all that the network is given: digits that it has never seen, with random noise over them. The
**lower row** is what it makes of them.

It has learnt this by trying: it was shown tens of thousands of noisy pictures, and each time its answer was a little
off, its weights were moved a little towards the clean picture.

**Try this.** Drag the noise up until you cannot read a digit any more. At *trained here* lies the strength that it has
learnt with; far above it, it begins to make digits up.
""",
    "pages/train.py": """
A **run** is one training. The curves show its error: the **thin line** on the pictures that it learns from, the **line
with dots** on test pictures that it never learns from. Both should fall. The **grey lines** are a simple filter and
doing nothing: below them the model is worth something. Shown as **PSNR**, everything is upside down: curves rise, and
above the grey lines is good.

Beside them: eight test pictures as the model cleans them after each epoch. Drag back to see how it began.

**Try this.** Start the race, open another page, come back: it goes on. Pause it, and let the audience guess who wins.
""",
    "pages/explore.py": """
Every **column** is one picture, every **row** one model, and all of them get the same noise. Under each picture stands
its PSNR in decibels: higher is closer to the clean one, and 3 dB more is half the squared error.

*What the code knows* shows the few numbers that a model keeps of each picture: as a map on which like digits lie
together, as a walk from one digit to another, and as a test of how well the digit can be read from them.

**Try this.** Choose a kind of noise that no model here was trained on. Draw a digit. Put the hardest pictures first.
""",
    "pages/compare.py": """
Every **line** is one way to clean the same pictures with the same noise: trained models, classical filters, and doing
nothing. The best of each column is marked; **±** says how sure a number is, and where two are too close to tell, the
sentence above calls them level.

Below: the same pictures through everybody, then who is best at every strength, and at every kind of noise.

**Try this.** Set the strength to 0.1, where doing nothing is hard to beat. Click a line to see its worst pictures.
""",
}
KEYS = {
    "← →": "less or more noise, or an epoch back and on",
    "Space": "play and pause",
    "Page ↓ ↑": "down and up the page",
    "1 2 3 4": "Start, Train, Explore, Compare",
    "L": "large view for a room, and back",
    "H": "this help",
    "F11": "the browser without its frame",
}
_WORDS = "\n".join(f"- **{word}**: {meaning}" for word, meaning in GLOSSARY.items())
_KEYS = "\n".join(f"- **{key}** &ensp; {what}" for key, what in KEYS.items())


def offer(path: str) -> None:
    """Draw the button that opens the help.

    Args:
        path: the page's place in ABOUT.
    """
    with st.popover("What am I looking at?", icon=":material/help:", key="guide", type="tertiary"):
        page, words, presenting = st.tabs(["This page", "Words", "Presenting"])
        page.markdown(ABOUT[path])
        words.markdown(_WORDS)
        with presenting:
            st.markdown(_KEYS)
            st.markdown(
                "The address holds what you see: copy it, and the link opens the same pictures and models, but for "
                "pictures of your own. Nothing needs a network."
            )
            stage.reset_link()
