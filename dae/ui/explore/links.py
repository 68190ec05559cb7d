"""Query parameters of links from the time when options of the Explore page had other names."""

import re
from collections.abc import Mapping

from dae.ui.model_options import architecture_label

_RENAMED = {
    "view": {"What the code knows": "Inside the model"},
    "pictures": {"Your picture": "Your image"},
    "part": {"Walk": "Interpolation", "Features": "Linear probe", "Noise matters": "Effect of noise"},
}
_FORMER_MODEL_LABELS = {
    "Linear (32 numbers)": "linear-32",
    "Linear (10 numbers)": "linear-10",
    "Conv (64 numbers)": "conv-64",
    "Conv with pooling": "conv-pool",
    "Conv (full size)": "conv-flat",
    "Conv (7 x 7 map)": "conv-7x7",
    "Residual U-Net (level-aware)": "res-unet-blind",
    "Residual U-Net": "res-unet",
}


def update_params(params: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the query parameters with the former name of each option replaced by its current one."""
    updated = {name: [_RENAMED.get(name, {}).get(value, value) for value in values] for name, values in params.items()}
    # The former view of an image of the user added noise.
    if params.get("pictures") == ["Your picture"]:
        updated.setdefault("task", ["Add noise to it"])
    if "order" in updated:
        updated["order"] = [_update_order(value) for value in updated["order"]]
    return updated


def _update_order(order: str) -> str:
    order = re.sub(r"^(.+) and (.+) differ most$", r"Largest difference: \1 vs. \2", order)
    for former, name in _FORMER_MODEL_LABELS.items():
        order = order.replace(former, architecture_label(name))
    return order
