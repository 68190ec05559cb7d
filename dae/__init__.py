"""Denoising autoencoders: train, explore and compare them.

    from dae import NoiseSpec, TrainConfig, TrainState, fit, load_dataset

Images are float32 (B, C, H, W) in [0, 1] wherever they are computed with, uint8 where they are kept.
"""

from dae.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from dae.classical import CLASSICAL, classical_denoiser
from dae.config import TrainConfig
from dae.contenders import Contender, as_denoiser, classical, trained
from dae.data import DATASETS, load_dataset
from dae.errors import DaeError
from dae.evaluation import evaluate, measure
from dae.lab import Lab
from dae.metrics import METRICS, l2, mse, psnr_db, ssim
from dae.models import MODELS, Autoencoder, build_model
from dae.noise import NOISES, NoiseSpec, corrupt
from dae.packed import ImageSet
from dae.recipes import RECIPES, Recipe
from dae.recording import record
from dae.runs import RunDirectory, find_run, list_runs
from dae.state import TrainState
from dae.training import Report, denoise, fit

__all__ = [
    "CLASSICAL",
    "DATASETS",
    "METRICS",
    "MODELS",
    "NOISES",
    "RECIPES",
    "Autoencoder",
    "Checkpoint",
    "Contender",
    "DaeError",
    "ImageSet",
    "Lab",
    "NoiseSpec",
    "Recipe",
    "Report",
    "RunDirectory",
    "TrainConfig",
    "TrainState",
    "as_denoiser",
    "build_model",
    "classical",
    "classical_denoiser",
    "corrupt",
    "denoise",
    "evaluate",
    "find_run",
    "fit",
    "l2",
    "list_runs",
    "load_checkpoint",
    "load_dataset",
    "measure",
    "mse",
    "psnr_db",
    "record",
    "save_checkpoint",
    "ssim",
    "trained",
]
