"""How far a denoised image is from the clean one.

Each metric takes two batches `(B, C, H, W)` in `[0, 1]` and returns one float64 number an image, `(B,)`: whoever
wants an average takes it. The mean of per-image PSNRs is not the PSNR of the mean MSE.
"""

import torch
from torch import Tensor


def mse(denoised: Tensor, clean: Tensor) -> Tensor:
    """Mean squared error over channels and pixels, (B,)."""
    return (denoised.double() - clean.double()).square().flatten(1).mean(1)


def psnr_db(denoised: Tensor, clean: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in decibels, (B,), for a peak of 1; infinite for identical images."""
    return -10 * mse(denoised, clean).log10()


def l2(denoised: Tensor, clean: Tensor) -> Tensor:
    """Euclidean distance between the images as vectors, (B,)."""
    return (denoised.double() - clean.double()).flatten(1).square().sum(1).sqrt()


def ssim(denoised: Tensor, clean: Tensor) -> Tensor:
    """Structural similarity (Wang et al. 2004), (B,), at most 1.

    A uniform 7 x 7 window (or the largest odd one that fits), sample covariance and a data range of 1: the
    defaults of scikit-image, averaged over whole windows and channels.
    """
    window = min(7, *(side - 1 + side % 2 for side in clean.shape[-2:]))
    x, y = denoised.double(), clean.double()  # float32 loses the variance of flat areas

    over_rows, over_columns = (_window_means(side, window, x) for side in clean.shape[-2:])

    def mean(image: Tensor) -> Tensor:
        return over_rows @ image @ over_columns.T  # several times as fast as pooling

    area = window**2
    unbiased = area / max(area - 1, 1)
    mean_x, mean_y = mean(x), mean(y)
    var_x = unbiased * (mean(x * x) - mean_x * mean_x)
    var_y = unbiased * (mean(y * y) - mean_y * mean_y)
    covariance = unbiased * (mean(x * y) - mean_x * mean_y)
    c1, c2 = 0.01**2, 0.03**2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    )
    return similarity.flatten(1).mean(1)


def _window_means(side: int, window: int, like: Tensor) -> Tensor:
    """The matrix that takes `side` values to the means of their windows, of the type and on the device of `like`."""
    means: Tensor = torch.eye(side, dtype=like.dtype, device=like.device).unfold(0, window, 1).mean(-1)
    return means


def changed(noisy: Tensor, clean: Tensor) -> Tensor:
    """Which images the noise has altered at all, bool (B,)."""
    return (noisy != clean).flatten(1).any(1)


def mean_psnr_db(values: Tensor, counted: Tensor) -> float:
    """The mean PSNR of the images that `counted`, bool (B,), names, or of all where it names none.

    An image that the noise left alone has an infinite PSNR, and one such would make every mean infinite; so those are
    left out, for doing nothing and for every model alike.
    """
    return float((values[counted] if bool(counted.any()) else values).mean())


METRICS = {"mse": mse, "psnr_db": psnr_db, "ssim": ssim, "l2": l2}
