"""A Streamlit component: two pictures of one size with a divider to drag between them, `assets/divider.js`."""

import base64
import io

from PIL import Image

from dae.pictures import to_png
from dae.ui.modules import inline_component

_EXACT = 256 * 256  # pixels; larger pictures travel as JPEG


def divider(
    before: Image.Image, after: Image.Image, before_words: str, after_words: str, *, width: int, key: str
) -> None:
    """Draw the pictures one over the other; what is left of the divider is `before`.

    Args:
        before_words: stands above the left side; after_words above the right.
        width: of the pictures at the most, in CSS pixels; smaller ones are magnified without blur.
    """
    inline_component("divider")(
        key=key,
        data={
            "before": _data_url(before),
            "after": _data_url(after),
            "beforeWords": before_words,
            "afterWords": after_words,
            "width": width,
            "ratio": f"{before.width} / {before.height}",
            "pixelated": before.width < width,
        },
    )


def _data_url(picture: Image.Image) -> str:
    if picture.width * picture.height <= _EXACT:
        return "data:image/png;base64," + base64.b64encode(to_png(picture)).decode()
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
