"""The published convolutional autoencoders, layer by layer as their authors wrote them."""

from torch import nn

from dae.models.base import Autoencoder, Shape


class ConvPool(Autoencoder):
    """IvLabs/Variational-DL: three convolutions and a pooling down to 32 x 4 x 4, three transposed ones back."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(shape[0], 8, 3),  # 28 -> 26
            nn.ReLU(),
            nn.Conv2d(8, 16, 5),  # -> 22
            nn.ReLU(),
            nn.Conv2d(16, 32, 5, stride=2),  # -> 9
            nn.ReLU(),
            nn.MaxPool2d(2),  # -> 4
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(32, 16, 3, stride=2),  # 4 -> 9
            nn.ReLU(),
            nn.ConvTranspose2d(16, 8, 5, stride=2),  # -> 21
            nn.ReLU(),
            nn.ConvTranspose2d(8, shape[0], 8),  # -> 28
            nn.Sigmoid(),
        )


class Conv64(Autoencoder):
    """Arcane-01/ImageDenoisingAutoencoder: two strided convolutions and a 7 x 7 one, to a code of 64 numbers."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(shape[0], 16, 3, stride=2, padding=1),  # 28 -> 14
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),  # -> 7
            nn.ReLU(),
            nn.Conv2d(32, 64, 7),  # -> 1
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(64, 32, 7),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(16, shape[0], 3, stride=2, padding=1, output_padding=1),
            nn.Sigmoid(),
        )


class ConvFlat(Autoencoder):
    """AadityaR04/Autoencoders: three convolutions that keep the size, a sigmoid code, three transposed ones back."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(shape[0], 8, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.Sigmoid(),
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(32, 16, 3, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 8, 3, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, shape[0], 3, padding=1),
            nn.Sigmoid(),
        )


class ConvSpatial(Autoencoder):
    """Four convolutions to a quarter of each side (28 x 28 -> 7 x 7) and four transposed ones back.

    A reconstruction: the CIFAR-10 study that it follows reports this shape but not its channels. Ours are chosen so
    that the code, 32 x 7 x 7 numbers, is smaller than a 28 x 28 colour picture.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(shape[0], 16, 3, padding=1),  # 28
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),  # -> 14
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 32, 3, stride=2, padding=1),  # -> 7
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(32, 64, 3, stride=2, padding=1, output_padding=1),  # 7 -> 14
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 3, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1),  # -> 28
            nn.ReLU(),
            nn.ConvTranspose2d(16, shape[0], 3, padding=1),
            nn.Sigmoid(),
        )
