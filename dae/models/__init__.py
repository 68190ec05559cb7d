"""Architectures and their registry, checkpoints, inference and export."""

from dae.models.base import Autoencoder, ModelInfo, Shape, count_parameters, init_weights
from dae.models.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from dae.models.export import export_model
from dae.models.foreign_weights import import_weights
from dae.models.inference import denoise, denoise_tiled, self_ensemble
from dae.models.registry import (
    MAX_PARAMETERS,
    MODELS,
    build_model,
    build_on_meta,
    canonical_model_name,
    validate_input_shape,
)

__all__ = [
    "MAX_PARAMETERS",
    "MODELS",
    "Autoencoder",
    "Checkpoint",
    "ModelInfo",
    "Shape",
    "build_model",
    "build_on_meta",
    "canonical_model_name",
    "count_parameters",
    "denoise",
    "denoise_tiled",
    "export_model",
    "import_weights",
    "init_weights",
    "load_checkpoint",
    "save_checkpoint",
    "self_ensemble",
    "validate_input_shape",
]
