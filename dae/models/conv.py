"""Convolutional autoencoders of published notebooks, layer by layer.

Comments give the side of a 28 x 28 image after each layer.
"""

from torch import nn

from dae.models.base import Autoencoder, Shape, with_relu_between


class ConvPool(Autoencoder):
    """Three convolutions and max pooling to a code of 32 x 4 x 4, as in IvLabs/Variational-DL."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        encoder = with_relu_between(
            nn.Conv2d(shape[0], 8, 3),  # 28 -> 26
            nn.Conv2d(8, 16, 5),  # -> 22
            nn.Conv2d(16, 32, 5, stride=2),  # -> 9
        )
        decoder = with_relu_between(
            nn.ConvTranspose2d(32, 16, 3, stride=2),  # 4 -> 9
            nn.ConvTranspose2d(16, 8, 5, stride=2),  # -> 21
            nn.ConvTranspose2d(8, shape[0], 8),  # -> 28
        )
        self.encoder = nn.Sequential(*encoder, nn.ReLU(), nn.MaxPool2d(2))  # -> 4
        self.decoder = nn.Sequential(*decoder, nn.Sigmoid())


class ConvBottleneck64(Autoencoder):
    """Two strided convolutions and a 7 x 7 one to a code of 64 numbers, as in Arcane-01/ImageDenoisingAutoencoder."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        encoder = with_relu_between(
            nn.Conv2d(shape[0], 16, 3, stride=2, padding=1),  # 28 -> 14
            nn.Conv2d(16, 32, 3, stride=2, padding=1),  # -> 7
            nn.Conv2d(32, 64, 7),  # -> 1
        )
        decoder = with_relu_between(
            nn.ConvTranspose2d(64, 32, 7),  # 1 -> 7
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1),  # -> 14
            nn.ConvTranspose2d(16, shape[0], 3, stride=2, padding=1, output_padding=1),  # -> 28
        )
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder, nn.Sigmoid())


class ConvFullResolution(Autoencoder):
    """Three convolutions at full resolution to a sigmoid code of 32 channels, as in AadityaR04/Autoencoders."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths = [(shape[0], 8), (8, 16), (16, 32)]
        encoder = with_relu_between(*(nn.Conv2d(*pair, 3, padding=1) for pair in widths))
        decoder = with_relu_between(*(nn.ConvTranspose2d(*pair[::-1], 3, padding=1) for pair in widths[::-1]))
        self.encoder = nn.Sequential(*encoder, nn.Sigmoid())
        self.decoder = nn.Sequential(*decoder, nn.Sigmoid())


class ConvFeatureMap(Autoencoder):
    """Four convolutions, two of them strided, to a code of 32 x 7 x 7.

    The CIFAR-10 study that this reconstructs reports the layers but not their widths. These widths make the code
    smaller than a 28 x 28 color image.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        encoder = with_relu_between(
            nn.Conv2d(shape[0], 16, 3, padding=1),  # 28
            nn.Conv2d(16, 32, 3, stride=2, padding=1),  # -> 14
            nn.Conv2d(32, 64, 3, padding=1),
            nn.Conv2d(64, 32, 3, stride=2, padding=1),  # -> 7
        )
        decoder = with_relu_between(
            nn.ConvTranspose2d(32, 64, 3, stride=2, padding=1, output_padding=1),  # 7 -> 14
            nn.ConvTranspose2d(64, 32, 3, padding=1),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1),  # -> 28
            nn.ConvTranspose2d(16, shape[0], 3, padding=1),
        )
        self.encoder = nn.Sequential(*encoder)
        self.decoder = nn.Sequential(*decoder, nn.Sigmoid())
