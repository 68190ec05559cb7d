"""Denoising autoencoders: train, explore and compare them.

    from dae import NoiseSpec, TrainConfig, TrainState, fit, load_dataset

Computations take images as float32 tensors (B, C, H, W) in [0, 1]. Data sets and files store them as uint8.
"""

from dae.data import DATASETS, DatasetInfo, ImageSet, load_dataset
from dae.data.image_file import ImageFile, decode_file
from dae.errors import DaeError
from dae.evaluation import (
    FILTERS,
    METRICS,
    NamedDenoiser,
    evaluate,
    filter_denoiser,
    l2,
    make_denoiser,
    make_filter,
    model_denoiser,
    mse,
    per_image_metrics,
    psnr_db,
    ssim,
)
from dae.evaluation.restoration import restore
from dae.imagination import complete, dream, sample_posterior
from dae.models import (
    MODELS,
    Autoencoder,
    Checkpoint,
    ModelInfo,
    build_model,
    denoise,
    denoise_tiled,
    export_model,
    load_checkpoint,
    save_checkpoint,
)
from dae.noise import NOISES, NoiseInfo, NoiseSpec, corrupt
from dae.representation import encode
from dae.runs import Run, TrainingQueue, find_run, list_runs, run_training
from dae.training import RECIPES, Recipe, TrainConfig, TrainReport, TrainState, fit

__all__ = [
    "DATASETS",
    "FILTERS",
    "METRICS",
    "MODELS",
    "NOISES",
    "RECIPES",
    "Autoencoder",
    "Checkpoint",
    "DaeError",
    "DatasetInfo",
    "ImageFile",
    "ImageSet",
    "ModelInfo",
    "NamedDenoiser",
    "NoiseInfo",
    "NoiseSpec",
    "Recipe",
    "Run",
    "TrainConfig",
    "TrainReport",
    "TrainState",
    "TrainingQueue",
    "build_model",
    "complete",
    "corrupt",
    "decode_file",
    "denoise",
    "denoise_tiled",
    "dream",
    "encode",
    "evaluate",
    "export_model",
    "filter_denoiser",
    "find_run",
    "fit",
    "l2",
    "list_runs",
    "load_checkpoint",
    "load_dataset",
    "make_denoiser",
    "make_filter",
    "model_denoiser",
    "mse",
    "per_image_metrics",
    "psnr_db",
    "restore",
    "run_training",
    "sample_posterior",
    "save_checkpoint",
    "ssim",
]
