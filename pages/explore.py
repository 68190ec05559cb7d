"""Explore: compare denoised images, or look inside the models."""

from dae.ui.explore.view import render_explore

render_explore()
