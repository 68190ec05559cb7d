"""Named trainings: the published autoencoders as their authors trained them, and ours.

A recipe is a TrainConfig with a name. The published ones keep their author's layers, optimiser, epochs and noise;
ours keep the layers and train them our way, those for MNIST on Gaussian noise 0.5 clipped where nothing else is said.
"""

from dataclasses import dataclass, fields, replace

from dae.config import TrainConfig
from dae.noise import NoiseSpec


@dataclass(frozen=True)
class Recipe:
    """A training with a name, as pages and the command line need it."""

    label: str
    help: str
    config: TrainConfig
    source: str = ""  # whose published work it follows; empty: ours

    @property
    def published(self) -> bool:
        return bool(self.source)


def _as_published(dataset: str, model: str, noise: str, epochs: int, batch_size: int, **others: object) -> TrainConfig:
    """A notebook's training: plain Adam at a constant rate, in float32."""
    usual = TrainConfig(
        dataset=dataset,
        model=model,
        noise=NoiseSpec.parse(noise),
        epochs=epochs,
        batch_size=batch_size,
        lr=1e-3,
        optimizer="adam",
        beta2=0.999,
        schedule="constant",
        precision="float32",
    )
    return replace(usual, **others)  # type: ignore[arg-type]


_LINEAR = TrainConfig(dataset="mnist", model="linear-32", epochs=60, batch_size=256, lr=1.2e-2)
_CONV = TrainConfig(dataset="mnist", model="conv-64", epochs=20, batch_size=128, lr=3e-3)
_UNET = TrainConfig(dataset="mnist", model="unet", epochs=12, batch_size=128, lr=3e-3)
_MUON = replace(TrainConfig(dataset="mnist"), optimizer="muon", lr=2e-2)
_BEST_LINEAR = replace(_MUON, model="linear-32", epochs=60, batch_size=512, lr=4e-2)
_BEST_POOL = replace(_MUON, model="conv-pool", noise=NoiseSpec("gaussian", 0.2, clipped=False), epochs=10)
_BEST_CONV = replace(
    _MUON,
    model="conv-64",
    epochs=160,
    batch_size=128,
    lr=1.5e-2,
    teacher="mnist-unet",
    distillation=1.0,
    fresh_epochs=10,
)
_RES_UNET = replace(_MUON, model="res-unet", epochs=40, batch_size=64, lr=8e-3)
# The one that comes with the project teaches the next.
_BEST_UNET = replace(_RES_UNET, epochs=60, lr=5e-3, teacher="mnist-unet")
# Three kinds at every strength, more often where the blind model before it was furthest behind models of one strength.
# The one that comes with the project gives the next its first weights.
_ALL_STRENGTHS = NoiseSpec.parse(
    "gaussian:0-1+gaussian:0.2-0.8+gaussian:0-0.4+gaussian:0-0.2+gaussian:0-0.2+masking:0-1"
    "+salt-and-pepper:0-1+salt-and-pepper:0.4-0.8+salt-and-pepper:0.5-0.8"
)
_BLIND = replace(
    _RES_UNET,
    model="res-unet-level",
    pretrained="mnist-blind",
    noise=_ALL_STRENGTHS,
    loss="psnr",
    epochs=5,
    batch_size=128,
    lr=1e-3,
)
_TWIN = replace(  # a rate half as high costs the twin that sees clean pictures a little, and the other one less
    _MUON, dataset="digits", model="unet", noise=NoiseSpec("gaussian", 0.5, clipped=False), epochs=12, lr=5e-3
)
_COLOUR = NoiseSpec("gaussian", 0.1)
_BEST_COLOUR = replace(_RES_UNET, dataset="cifar10", noise=_COLOUR, epochs=15, lr=1e-2)
_CODE = TrainConfig(dataset="digits", model="unet", epochs=4, batch_size=64, lr=3e-3, images=15_000)
_DIGITS_HELP = "Trained only on digits drawn by a program: "

RECIPES: dict[str, Recipe] = {
    "quick-linear": Recipe(
        "Linear in seconds",
        "A plain network learns to clean drawn digits while you watch.",
        replace(_LINEAR, dataset="digits", epochs=5, images=30_000),
    ),
    "quick-conv": Recipe(
        "Convolutional in half a minute",
        "A network that looks for small patterns learns the same task.",
        replace(_CONV, dataset="digits", epochs=5, images=15_000),
    ),
    "quick-unet": Recipe(
        "U-Net in half a minute",
        "The modern model, on a small part of the data: slow steps, but each one counts.",
        replace(_UNET, dataset="digits", epochs=4, images=4_000, batch_size=32),
    ),
    "mnist-linear": Recipe(
        "Linear", "The published network with 32 numbers, trained longer and by a better optimiser.", _BEST_LINEAR
    ),
    "mnist-conv": Recipe(
        "Convolutional",
        "The published network with 64 numbers, trained longer, and taught by the U-Net.",
        _BEST_CONV,
    ),
    "mnist-pool": Recipe(
        "Convolutional with pooling",
        "The published network with very few weights, trained our way under its author's noise.",
        _BEST_POOL,
    ),
    "mnist-unet": Recipe(
        "U-Net",
        "Looks at several scales and predicts the noise instead of the picture: the best model, and the slowest here.",
        _BEST_UNET,
    ),
    "mnist-blind": Recipe(
        "U-Net for any strength",
        "One model for three kinds of noise at every strength, none of which it is told.",
        _BLIND,
    ),
    "digits-linear": Recipe(
        "Linear, drawn digits", _DIGITS_HELP + "the linear network.", replace(_BEST_LINEAR, dataset="digits")
    ),
    "digits-conv": Recipe(
        "Convolutional, drawn digits",
        _DIGITS_HELP + "the convolutional network.",
        replace(_CONV, dataset="digits"),
    ),
    "digits-unet": Recipe("U-Net, drawn digits", _DIGITS_HELP + "the U-Net.", replace(_UNET, dataset="digits")),
    "clean-targets": Recipe(
        "U-Net, shown clean pictures",
        "The usual training, as a twin to compare with: the same network, noise and steps.",
        _TWIN,
    ),
    "noisy-targets": Recipe(
        "U-Net, shown no clean picture ever",
        "It sees pairs of noisy pictures alone, and learns to clean them all the same (Noise2Noise).",
        replace(_TWIN, target="noisy"),
    ),
    "cifar10-conv": Recipe(
        "Convolutional, colour",
        "Small colour photographs through a map of 8 x 8 features.",
        TrainConfig(dataset="cifar10", model="conv-7x7", noise=_COLOUR, epochs=12, batch_size=128, lr=3e-3),
    ),
    "cifar10-unet": Recipe(
        "U-Net, colour",
        "Small colour photographs through the U-Net.",
        _BEST_COLOUR,
    ),
    "cifar10-dncnn": Recipe(
        "DnCNN, colour",
        "The classical deep denoiser, for about as many seconds as the U-Net has.",
        replace(_BEST_COLOUR, model="dncnn", epochs=2),
    ),
    "code-clean": Recipe(
        "Code, without noise",
        "What a U-Net learns of drawn digits when nothing is to be taken away: its code has nothing to know.",
        replace(_CODE, noise=NoiseSpec("gaussian", 0.0)),
    ),
    "code-little": Recipe(
        "Code, little noise",
        "The same U-Net with a little noise, which neighbouring pixels give away.",
        replace(_CODE, noise=NoiseSpec("gaussian", 0.2)),
    ),
    "code-much": Recipe(
        "Code, much noise",
        "The same U-Net with so much noise that it must know what a digit looks like.",
        replace(_CODE, noise=NoiseSpec("gaussian", 0.8)),
    ),
    "code-masking": Recipe(
        "Code, half the pixels lost",
        "The same U-Net with half of all pixels turned black.",
        replace(_CODE, noise=NoiseSpec("masking", 0.5)),
    ),
    "fast-linear": Recipe(
        "Linear, fast",
        "As good as the published linear network after its ten epochs, in fewer.",
        replace(_LINEAR, epochs=4, batch_size=256, lr=2e-2, beta2=0.95),
    ),
    "fast-conv": Recipe(
        "Convolutional, fast",
        "As good as the published convolutional network after ten epochs, in fewer.",
        replace(_CONV, epochs=5, lr=1e-2, beta2=0.95),
    ),
    "mnist-linear-32": Recipe(
        "Linear 784-128-32",
        "The classic plain network with a code of 32 numbers.",
        _as_published("mnist", "linear-32", "gaussian:0.5", epochs=10, batch_size=128),
        source="Tony-Ale/Notebooks",
    ),
    "mnist-linear-10": Recipe(
        "Linear 784-500-300-80-10",
        "A deeper plain network that keeps only 10 numbers of a picture.",
        _as_published("mnist", "linear-10", "gaussian:0.3", epochs=3, batch_size=128),
        source="AadityaR04/Autoencoders",
    ),
    "mnist-conv-flat": Recipe(
        "Conv 1-8-16-32, full size",
        "Three small convolutions that never shrink the picture.",
        _as_published("mnist", "conv-flat", "gaussian:0.3", epochs=3, batch_size=128),
        source="AadityaR04/Autoencoders",
    ),
    "mnist-conv-64": Recipe(
        "Conv to 64 numbers",
        "Strided convolutions down to a code of 64 numbers.",
        _as_published("mnist", "conv-64", "gaussian:0.5:unclipped", epochs=20, batch_size=64, weight_decay=1e-5),
        source="Arcane-01/ImageDenoisingAutoencoder",
    ),
    "mnist-conv-pool": Recipe(
        "Conv with pooling",
        "A very small convolutional network, trained in large batches.",
        _as_published("mnist", "conv-pool", "gaussian:0.2:unclipped", epochs=20, batch_size=1200, lr=9e-3, loss="bce"),
        source="IvLabs/Variational-DL",
    ),
    "cifar10-conv-7x7": Recipe(
        "Conv to 7 x 7, colour",
        "Four convolutions on colour pictures at 28 x 28; its channels and its noise level are our reconstruction.",
        _as_published("cifar10-28", "conv-7x7", "gaussian:0.1", epochs=250, batch_size=64, weight_decay=1e-5),
        source="a CIFAR-10 study",
    ),
}

CODE_FAMILY = ("code-clean", "code-little", "code-much", "code-masking")  # alike but for the noise


def is_followed(name: str, config: TrainConfig) -> bool:
    """Whether a training is as the recipe of that name says, on whatever data and machine, whatever it begins with, and
    whoever teaches it."""
    own = {"dataset", "pretrained", "teacher", "seed", "device"}
    decided = [field.name for field in fields(TrainConfig) if field.name not in own]
    return name in RECIPES and all(getattr(config, each) == getattr(RECIPES[name].config, each) for each in decided)
