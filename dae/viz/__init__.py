"""Images, Plotly figures, sprite sheets over noise levels, and the HTML report.

`dae.viz.plots` and `dae.viz.html_report` are not imported here, because importing Plotly is slow.
"""

from dae.viz.images import ERROR_MAP_MAX, error_map, hstack, make_grid, to_png
from dae.viz.noise_sweep import (
    NUM_LEVELS,
    SpriteSheet,
    clean_sprites,
    denoised_sprites,
    levels,
    nearest_level_index,
    noisy_levels,
    noisy_sprites,
)

__all__ = [
    "ERROR_MAP_MAX",
    "NUM_LEVELS",
    "SpriteSheet",
    "clean_sprites",
    "denoised_sprites",
    "error_map",
    "hstack",
    "levels",
    "make_grid",
    "nearest_level_index",
    "noisy_levels",
    "noisy_sprites",
    "to_png",
]
