"""A Streamlit component: two images of the same size with a divider to drag between them, `assets/divider.js`."""

import base64
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from PIL import Image

from dae.ui.components.base import draw_component, inline_component, png_url
from dae.viz.images import to_png

# Larger images are sent as JPEG.
_MAX_PNG_PIXELS = 256 * 256


@dataclass(frozen=True)
class Step:
    """One position of the slider under a divider.

    Attributes:
        words: what the position means.
        after: data URL of the image on the right, empty until it is computed.
        removed: data URL of what was removed from the image on the left, empty until it is computed.
    """

    words: str
    after: str = ""
    removed: str = ""


def divider(
    before: Image.Image, after: Image.Image, before_words: str, after_words: str, *, width: int, key: str
) -> None:
    """Draw the images on top of each other, `before` on the left of the divider.

    Args:
        before_words: caption above the left side.
        after_words: caption above the right side.
        width: maximum in CSS pixels; smaller images are magnified without blur.
    """
    draw_component(
        inline_component("divider"),
        key=key,
        data={
            "before": data_url(before),
            "after": data_url(after),
            "beforeWords": before_words,
            "afterWords": after_words,
            "width": width,
            "ratio": f"{before.width} / {before.height}",
            "pixelated": before.width < width,
        },
    )


def strength_divider(
    before: str,
    size: tuple[int, int],
    steps: Sequence[Step],
    step: int,
    *,
    id: str,
    width: int,
    key: str,
    before_words: str = "Noisy",
    after_words: str = "Cleaned",
) -> int:
    """Draw a noisy image against its cleaned copies, with a slider, zoom and a view of the removed noise.

    Dragging the slider exchanges the image without a round trip if its step is computed.

    Args:
        before: data URL of the noisy image.
        size: of the image, (width, height) in pixels.
        steps: positions of the slider; a single one draws no slider.
        step: the position for which the image is computed.
        id: of the image; another one resets slider and zoom.
        width: maximum in CSS pixels.
        before_words: caption above the left side.
        after_words: caption above the right side.

    Returns:
        The position that the user has chosen for this image, by default `step`.
    """
    component = draw_component(
        inline_component("divider"),
        key=key,
        data={
            "before": before,
            "steps": [asdict(step) for step in steps],
            "step": step,
            "id": id,
            "beforeWords": before_words,
            "afterWords": after_words,
            "removedWords": "Removed noise, amplified: structure in it means that detail was lost",
            "sliderWords": "How strongly to clean",
            "width": width,
            "ratio": f"{size[0]} / {size[1]}",
            "pixelated": 3 * size[0] < width,
        },
        on_step_change=lambda: None,
    )
    chosen = component.step
    return chosen if isinstance(chosen, int) and 0 <= chosen < len(steps) else step


def data_url(image: Image.Image) -> str:
    """Return the image as a data URL: PNG if it is small, else JPEG."""
    if image.width * image.height <= _MAX_PNG_PIXELS:
        return png_url(to_png(image))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
