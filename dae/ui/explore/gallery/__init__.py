"""Gallery of the Explore and Start pages: a batch of images at every noise level, denoised by each model."""

from dae.ui.explore.gallery.render import GALLERY_CAPTION, render_gallery, summarize
from dae.ui.explore.gallery.sprites import Gallery, GallerySprites, ImageSelection, can_hallucinate, compute_sprites

__all__ = [
    "GALLERY_CAPTION",
    "Gallery",
    "GallerySprites",
    "ImageSelection",
    "can_hallucinate",
    "compute_sprites",
    "render_gallery",
    "summarize",
]
