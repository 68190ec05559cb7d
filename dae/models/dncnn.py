"""DnCNN (Zhang et al. 2017, "Beyond a Gaussian Denoiser"), the classic deep denoiser."""

from torch import Tensor, nn

from dae.models.base import Autoencoder, Shape


class DnCNN(Autoencoder):
    """Full-resolution convolutions that predict the noise, which is subtracted from the input.

    The defaults are those published for known noise. All layers but the first and the last have batch normalization.

    Args:
        shape: of one image, (C, H, W); only C matters.
        layers: number of convolutions.
        width: channels of the hidden layers.
    """

    def __init__(self, shape: Shape, layers: int = 17, width: int = 64) -> None:
        super().__init__()
        hidden = [layer for _ in range(layers - 2) for layer in _conv_bn_relu(width)]
        self.features = nn.Sequential(nn.Conv2d(shape[0], width, 3, padding=1), nn.ReLU(), *hidden)
        self.head = nn.Conv2d(width, shape[0], 3, padding=1)

    def encode(self, noisy: Tensor) -> Tensor:
        """Return the last features averaged over the image, (B, width)."""
        code: Tensor = self.features(noisy).mean((2, 3))
        return code

    def forward(self, noisy: Tensor) -> Tensor:
        """Return denoised images (B, C, H, W)."""
        denoised: Tensor = noisy - self.head(self.features(noisy))
        return denoised


def _conv_bn_relu(width: int) -> tuple[nn.Module, ...]:
    # Batch normalization would cancel a bias.
    return nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
