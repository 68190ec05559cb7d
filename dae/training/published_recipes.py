"""Recipes of published autoencoders, with their authors' layers, optimizer, epochs and noise."""

from dataclasses import dataclass, replace

from dae.noise import NoiseSpec
from dae.training.config import TrainConfig


@dataclass(frozen=True)
class Recipe:
    """A named training configuration.

    Attributes:
        source: the published work it reproduces; "" if it is ours.
    """

    label: str
    help: str
    config: TrainConfig
    source: str = ""

    @property
    def is_published(self) -> bool:
        """Return True if the recipe reproduces a published autoencoder."""
        return bool(self.source)


def _published_config(
    dataset: str, model: str, noise: str, epochs: int, batch_size: int, **changes: object
) -> TrainConfig:
    """Return a notebook's usual configuration: plain Adam at a constant learning rate, in float32."""
    config = TrainConfig(
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
    return replace(config, **changes)  # type: ignore[arg-type]


PUBLISHED_RECIPES: dict[str, Recipe] = {
    "mnist-linear-32": Recipe(
        "Linear 784-128-32",
        "The classic fully connected network with a 32-number code.",
        _published_config("mnist", "linear-32", "gaussian:0.5", epochs=10, batch_size=128),
        source="Tony-Ale/Notebooks",
    ),
    "mnist-linear-10": Recipe(
        "Linear 784-500-300-80-10",
        "A deeper fully connected network with a 10-number code.",
        _published_config("mnist", "linear-10", "gaussian:0.3", epochs=3, batch_size=128),
        source="AadityaR04/Autoencoders",
    ),
    "mnist-conv-flat": Recipe(
        "Conv 1-8-16-32, full size",
        "Three small convolutions at full resolution.",
        _published_config("mnist", "conv-flat", "gaussian:0.3", epochs=3, batch_size=128),
        source="AadityaR04/Autoencoders",
    ),
    "mnist-conv-64": Recipe(
        "Conv to a 64-number code",
        "Strided convolutions down to a 64-number code.",
        _published_config("mnist", "conv-64", "gaussian:0.5:unclipped", epochs=20, batch_size=64, weight_decay=1e-5),
        source="Arcane-01/ImageDenoisingAutoencoder",
    ),
    "mnist-conv-pool": Recipe(
        "Conv with pooling",
        "A very small convolutional network, trained in large batches.",
        _published_config(
            "mnist", "conv-pool", "gaussian:0.2:unclipped", epochs=20, batch_size=1200, lr=9e-3, loss="bce"
        ),
        source="IvLabs/Variational-DL",
    ),
    "cifar10-conv-7x7": Recipe(
        "Conv to 7 x 7, color",
        "Four convolutions on color images at 28 x 28; channels and noise level are our reconstruction.",
        _published_config("cifar10-28", "conv-7x7", "gaussian:0.1", epochs=250, batch_size=64, weight_decay=1e-5),
        source="a CIFAR-10 study",
    ),
}
