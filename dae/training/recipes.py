"""Named training configurations: the published autoencoders with their authors' settings, and ours.

The published recipes keep their author's layers, optimizer, epochs and noise. Ours keep the layers and change the
training; on MNIST they use Gaussian noise 0.5, clipped, unless stated otherwise. Chosen on validation images: the
network of `mnist-blind`, the learning rates of `mnist-linear`, `mnist-conv` and `mnist-pool`, and the `fast-` recipes.
`digits-unet` has the learning rate of `mnist-blind`. `mnist-prior` and `photo-unet` have never seen test images. The
other settings are older than the validation split.
"""

from dataclasses import fields, replace

from dae.noise import NoiseSpec
from dae.training.config import TrainConfig
from dae.training.published_recipes import PUBLISHED_RECIPES, Recipe

_LINEAR = TrainConfig(dataset="mnist", model="linear-32", epochs=60, batch_size=256, lr=1.2e-2)
_CONV = TrainConfig(dataset="mnist", model="conv-64", epochs=20, batch_size=128, lr=3e-3)
_UNET = TrainConfig(dataset="mnist", model="unet", epochs=12, batch_size=128, lr=3e-3)
_MUON = replace(TrainConfig(dataset="mnist"), optimizer="muon", lr=2e-2)
_BEST_LINEAR = replace(_MUON, model="linear-32", epochs=60, batch_size=512, lr=4e-2)
_BEST_POOL = replace(_MUON, model="conv-pool", noise=NoiseSpec("gaussian", 0.2, clipped=False), epochs=10, lr=4e-2)
_BEST_CONV = replace(_MUON, model="conv-64", epochs=100, batch_size=128, lr=3e-2)
_RES_UNET = replace(_MUON, model="res-unet", epochs=40, batch_size=64, lr=8e-3)
_BEST_UNET = replace(_RES_UNET, epochs=100, lr=5e-3)
# Seven kinds of noise at every level, clipped and unclipped, equally often. Other kinds would change the recipe.
_SEVEN_NOISES = NoiseSpec.parse(
    "gaussian:0-1+gaussian:0-1:unclipped+masking:0-1+salt-and-pepper:0-1+speckle:0-1+speckle:0-1:unclipped"
    "+poisson:0-1+poisson:0-1:unclipped+occlusion:0-1+uniform:0-1+uniform:0-1:unclipped"
)
_BLIND = replace(_MUON, model="unet", noise=_SEVEN_NOISES, loss="psnr", epochs=20, lr=1e-2)
# The minimum of the mean squared error is the posterior mean, on which sampling from the prior relies. Low levels have
# small errors, so they are drawn more often.
_PRIOR = replace(
    _MUON,
    model="unet",
    noise=NoiseSpec.parse("gaussian:0-1:unclipped+gaussian:0-0.4:unclipped+gaussian:0-0.1:unclipped"),
    epochs=6,
    lr=1e-2,
)
# Half the usual learning rate: noisy targets need it, clean ones lose a little.
_TWIN = replace(
    _MUON, dataset="digits", model="unet", noise=NoiseSpec("gaussian", 0.5, clipped=False), epochs=12, lr=5e-3
)
_COLOR_NOISE = NoiseSpec("gaussian", 0.1)
_BEST_COLOR = replace(_RES_UNET, dataset="cifar10", noise=_COLOR_NOISE, epochs=15, lr=1e-2)
# All levels of the literature on photographs, whose noisy images are not clipped, and for one image in three the noise
# of a camera. The L1 loss weighs weak noise more than a squared error does. A third of the crops is gray.
_WHITE_NOISE = NoiseSpec("gaussian", (0, 75 / 255), clipped=False)
_PHOTO_NOISE = NoiseSpec.mixture([_WHITE_NOISE, _WHITE_NOISE, NoiseSpec("camera", (0, 0.5))])
_PHOTO = replace(
    _MUON,
    dataset="photos:bsds",
    model="level-unet",
    noise=_PHOTO_NOISE,
    epochs=60,
    batch_size=16,
    lr=5e-3,
    loss="l1",
    augment="dihedral",
    crop=64,
    gray_share=1 / 3,
)
_CODE = TrainConfig(dataset="digits", model="unet", epochs=4, batch_size=64, lr=3e-3, max_images=15_000)
_DIGITS_HELP = "Trained only on digits drawn by a program: "

RECIPES: dict[str, Recipe] = {
    "quick-linear": Recipe(
        "Linear",
        "Fully connected network: fast, a little blurry.",
        replace(_LINEAR, dataset="digits", epochs=5, max_images=30_000),
    ),
    "quick-conv": Recipe(
        "Convolutional",
        "Looks for strokes and edges: sharper.",
        replace(_CONV, dataset="digits", epochs=5, max_images=15_000),
    ),
    "quick-unet": Recipe(
        "U-Net",
        "The best architecture: slower steps, fewer needed.",
        replace(_UNET, dataset="digits", epochs=4, max_images=4_000, batch_size=32),
    ),
    "mnist-linear": Recipe(
        "Linear, MNIST",
        "The published network with a 32-number code, trained longer with a better optimizer.",
        _BEST_LINEAR,
    ),
    "mnist-conv": Recipe(
        "Convolutional, MNIST",
        "The published network with a 64-number code, trained longer with a better optimizer.",
        _BEST_CONV,
    ),
    "mnist-pool": Recipe(
        "Convolutional with pooling",
        "The published network with very few weights, trained with a better optimizer under its author's noise.",
        _BEST_POOL,
    ),
    "mnist-unet": Recipe(
        "U-Net, MNIST",
        "Works at several scales and predicts the noise instead of the image: the best model, and the slowest.",
        _BEST_UNET,
    ),
    "mnist-blind": Recipe(
        "U-Net (any noise)",
        "One model for seven kinds of noise at any level, without being told which.",
        _BLIND,
    ),
    "mnist-prior": Recipe(
        "U-Net, prior",
        "Removes Gaussian noise of any level; sampling uses it to draw digits from pure noise.",
        _PRIOR,
    ),
    "digits-linear": Recipe(
        "Linear, drawn digits", _DIGITS_HELP + "the linear network.", replace(_BEST_LINEAR, dataset="digits")
    ),
    "digits-conv": Recipe(
        "Convolutional, drawn digits",
        _DIGITS_HELP + "the convolutional network.",
        replace(_CONV, dataset="digits"),
    ),
    "digits-unet": Recipe(
        "U-Net, drawn digits",
        _DIGITS_HELP + "the U-Net.",
        replace(_BLIND, dataset="digits", noise=NoiseSpec("gaussian", 0.5), loss="mse", epochs=12),
    ),
    "clean-targets": Recipe(
        "U-Net, clean targets",
        "The usual training on pairs of noisy and clean images, to compare with noisy targets.",
        _TWIN,
    ),
    "noisy-targets": Recipe(
        "U-Net, noisy targets",
        "Trained on pairs of noisy images only (Noise2Noise).",
        replace(_TWIN, target="noisy"),
    ),
    "cifar10-conv": Recipe(
        "Convolutional, color",
        "Small color photographs, compressed to an 8 x 8 feature map.",
        TrainConfig(dataset="cifar10", model="conv-7x7", noise=_COLOR_NOISE, epochs=12, batch_size=128, lr=3e-3),
    ),
    "cifar10-unet": Recipe(
        "U-Net, color",
        "Small color photographs.",
        _BEST_COLOR,
    ),
    "cifar10-dncnn": Recipe(
        "DnCNN, color",
        "The classic deep denoiser with about the same training time as the U-Net.",
        replace(_BEST_COLOR, model="dncnn", epochs=2),
    ),
    "photo-unet": Recipe(
        "Photo U-Net",
        "Photographs of any size, under white noise or that of a camera, at any level, which you may also choose.",
        _PHOTO,
    ),
    "code-clean": Recipe(
        "Code, without noise",
        "U-Net trained without noise: it can copy its input, so the code contains little.",
        replace(_CODE, noise=NoiseSpec("gaussian", 0.0)),
    ),
    "code-little": Recipe(
        "Code, weak noise",
        "Weak noise: neighboring pixels are enough to remove it.",
        replace(_CODE, noise=NoiseSpec("gaussian", 0.2)),
    ),
    "code-much": Recipe(
        "Code, heavy noise",
        "Heavy noise: the model needs to learn what digits look like.",
        replace(_CODE, noise=NoiseSpec("gaussian", 0.8)),
    ),
    "code-masking": Recipe(
        "Code, half the pixels masked",
        "The same U-Net with half of all pixels turned black.",
        replace(_CODE, noise=NoiseSpec("masking", 0.5)),
    ),
    "fast-linear": Recipe(
        "Linear, fast",
        "As good after three epochs as the published linear network after ten.",
        replace(_LINEAR, epochs=3, lr=2e-2, beta2=0.95),
    ),
    "fast-conv": Recipe(
        "Convolutional, fast",
        "As good after two epochs as the published convolutional network after ten.",
        replace(_BEST_CONV, epochs=2),
    ),
    **PUBLISHED_RECIPES,
}

# Identical except for the noise.
NOISE_ABLATION_RECIPES = ("code-clean", "code-little", "code-much", "code-masking")


# What a training by a recipe may replace; each has an option of `dae train` of the same name.
REPLACEABLE_FIELDS = ("dataset", "pretrained", "teacher", "seed")


def matches_recipe(name: str, config: TrainConfig) -> bool:
    """Return True if a config equals the recipe `name` in everything but data, initial weights, teacher and machine."""
    compared = [field.name for field in fields(TrainConfig) if field.name not in (*REPLACEABLE_FIELDS, "device")]
    return name in RECIPES and all(getattr(config, key) == getattr(RECIPES[name].config, key) for key in compared)
