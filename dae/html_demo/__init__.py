"""Trained models in one HTML file, which computes in the browser."""

from dae.html_demo.page import MAX_MODELS, DemoModel, render_demo

__all__ = ["MAX_MODELS", "DemoModel", "render_demo"]
