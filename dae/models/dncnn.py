"""DnCNN (Zhang et al. 2017, "Beyond a Gaussian Denoiser"): the classical deep denoiser, as a yardstick."""

from torch import Tensor, nn

from dae.models.base import Autoencoder, Shape


class DnCNN(Autoencoder):
    """Convolutions that keep the size and predict the noise, which is taken away from the input.

    As published for known noise: 17 layers of 64 channels, batch normalisation in all but the first and the last.

    Args:
        shape: of one image, (C, H, W); only C matters.
    """

    def __init__(self, shape: Shape, layers: int = 17, width: int = 64) -> None:
        super().__init__()
        inner = [layer for _ in range(layers - 2) for layer in _normalised(width)]
        self.features = nn.Sequential(nn.Conv2d(shape[0], width, 3, padding=1), nn.ReLU(), *inner)
        self.head = nn.Conv2d(width, shape[0], 3, padding=1)

    def encode(self, noisy: Tensor) -> Tensor:
        """The last features averaged over the picture, (B, width)."""
        code: Tensor = self.features(noisy).mean((2, 3))
        return code

    def forward(self, noisy: Tensor) -> Tensor:
        denoised: Tensor = noisy - self.head(self.features(noisy))
        return denoised


def _normalised(width: int) -> tuple[nn.Module, ...]:
    """A convolution, whose bias the normalisation would take away again, with normalisation and ReLU."""
    return nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
