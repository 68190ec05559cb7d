"""PSNR, SSIM and speed on photographs: python -m tests.benchmarks.photographs [RUN ...] [--folder DIR]

Follows the protocol `awgn-8bit` of the literature: unclipped Gaussian noise, outputs rounded to 8 bits, the mean of the
PSNR of each image. Gray images get one noise for all channels. Models are blind. Classical filters have the strength
that is best on these very images, OpenCV's non-local means and BM3D the true noise level: upper bounds for them. The
last two are measured where `cv2` and `bm3d` are installed; the license of `bm3d` allows non-commercial use only.
Without a folder, the images are five photographs of scikit-image. `dncnn` has random weights, so only its time counts.
`--noise` measures other kinds of noise. With `--night DIR`, a darkened photograph with the noise of a camera and what
the models make of it are written to DIR.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import skimage.data
import torch
from torch import Tensor

from dae.cli.tables import print_table
from dae.data.folder_files import find_images
from dae.data.image_file import decode_file
from dae.evaluation import FILTERS, IDENTITY, make_filter, psnr_db, ssim
from dae.evaluation.denoisers import Denoiser, identity
from dae.evaluation.protocols import PROTOCOLS
from dae.evaluation.restoration import restore
from dae.models import build_model
from dae.noise import NoiseSpec, corrupt
from dae.runs import find_run
from dae.utils.random import make_generator
from dae.viz.images import make_grid, to_png
from tests.benchmarks.common import describe_machine, run_benchmark

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "camera")
LEVELS = (15, 25, 50)
# PSNR in dB at the levels 15, 25 and 50, as published: Restormer (Zamir et al. 2022), tables 4 and 5, DnCNN (Zhang et
# al. 2017), table 2 and issue 4 of its repository, and the repository of LIDIA (Vaksman et al. 2020).
PUBLISHED = {
    "CBSD68, color": {
        "CBM3D": (33.52, 30.71, 27.38),
        "FFDNet": (33.87, 31.21, 27.96),
        "DnCNN": (33.99, 31.31, 28.01),
        "LIDIA": (34.03, 31.31, 27.99),
        "DRUNet": (34.30, 31.69, 28.51),
        "Restormer": (34.40, 31.79, 28.60),
    },
    "BSD68, gray": {
        "BM3D": (31.07, 28.57, 25.62),
        "DnCNN": (31.73, 29.23, 26.23),
        "FFDNet": (31.63, 29.19, 26.29),
        "DRUNet": (31.91, 29.48, 26.59),
        "Restormer": (31.96, 29.52, 26.62),
    },
}
# A denoiser for a noise level, or several candidates, of which the best one counts.
Candidates = Mapping[str, Callable[[float], list[Denoiser]]]
# The photograph at night: which one, how much darker it is made, and the noise.
_NIGHT, _NIGHT_BRIGHTNESS, _NIGHT_NOISE = "astronaut", 0.4, NoiseSpec("camera", 0.2)
_UNTRAINED = "dncnn, untrained"


def white_noise(level: float) -> NoiseSpec:
    """Return unclipped Gaussian noise of a level in units of 1/255."""
    return NoiseSpec("gaussian", level / 255, clipped=False)


def photograph(name: str) -> Tensor:
    """Return a photograph of scikit-image as float32 (1, C, H, W) in [0, 1]; a gray one has one channel."""
    pixels = np.asarray(getattr(skimage.data, name)())
    return torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1).copy())[None].float() / 255


def load_photographs(folder: Path | None, limit: int | None, side: int | None) -> list[Tensor]:
    """Return the photographs of a folder, or those of scikit-image, optionally cropped to `side` pixels."""
    if folder:
        images = [decode_file(path.read_bytes()).pixels for path in find_images(folder)[:limit]]
    else:
        images = [photograph(name) for name in PHOTOGRAPHS[:limit]]
    return [image[..., :side, :side].contiguous() for image in images]


def candidates(runs: list[str]) -> Candidates:
    """Return the denoisers of each table row, as functions of the noise level."""
    rows: dict[str, Callable[[float], list[Denoiser]]] = {IDENTITY: lambda level: [identity]}
    for name, entry in FILTERS.items():
        filters: list[Denoiser] = [make_filter(name, strength) for strength in entry.strengths]
        rows[name] = partial(_same, filters)
    if find_spec("cv2"):
        rows["OpenCV non-local means"] = lambda level: [partial(_opencv, level)]
    if find_spec("bm3d"):
        rows["BM3D"] = lambda level: [partial(_bm3d, level)]
    for name in runs:
        checkpoint = find_run(name).load()
        rows[name] = partial(_same, [partial(restore, checkpoint.model, checkpoint.shape[0])])
    untrained = build_model("dncnn", (3, 32, 32), make_generator(0)).eval()
    rows[_UNTRAINED] = lambda level: [partial(restore, untrained, 3)]
    return rows


def _same(denoisers: list[Denoiser], level: float) -> list[Denoiser]:
    """Return denoisers that do not depend on the noise level."""
    return denoisers


def measure(
    denoisers: list[Denoiser], images: list[Tensor], noise: NoiseSpec, draws: int, is_trained: bool = True
) -> dict[str, str]:
    """Return mean PSNR and SSIM of the best candidate, and its seconds of processor time per megapixel.

    Args:
        is_trained: False measures the time on the first image alone.
    """
    finish, results = PROTOCOLS["awgn-8bit"].finish, []
    for denoiser in denoisers:
        scores, seconds, pixels = [], 0.0, 0
        for draw in range(draws if is_trained else 1):
            for index, clean in enumerate(images if is_trained else images[:1]):
                noisy = corrupt(clean, noise, make_generator(draw, index))
                start = time.process_time()
                with torch.no_grad():
                    denoised = denoiser(noisy)
                seconds, pixels = seconds + time.process_time() - start, pixels + clean[0, 0].numel()
                denoised = finish(denoised.clamp(0, 1))
                scores.append((float(psnr_db(denoised, clean)), float(ssim(denoised, clean))))
        psnr, similarity = np.mean(scores, axis=0)
        results.append((psnr, similarity, seconds / pixels * 1e6))
    psnr, similarity, seconds_per_megapixel = max(results)
    quality = {"PSNR": f"{psnr:.2f}", "SSIM": f"{similarity:.4f}"} if is_trained else {"PSNR": "", "SSIM": ""}
    return quality | {"s/MP": f"{seconds_per_megapixel:.2f}"}


def rows(
    runs: list[str], images: list[Tensor], noises: Sequence[NoiseSpec], draws: int = 3, only_runs: bool = False
) -> Iterator[dict[str, str]]:
    """Yield a table row per noise and denoiser."""
    denoisers = {name: make for name, make in candidates(runs).items() if not only_runs or name in (*runs, _UNTRAINED)}
    for noise in noises:
        for name, make in denoisers.items():
            yield {"noise": str(noise), "": name} | measure(make(noise.high), images, noise, draws, name != _UNTRAINED)


def write_night(runs: list[str], folder: Path) -> None:
    """Write a photograph at night, its noisy copy and what each model makes of it to a folder, as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    clean = _NIGHT_BRIGHTNESS * photograph(_NIGHT)
    noisy = corrupt(clean, _NIGHT_NOISE, make_generator(0))
    makers = candidates(runs)
    denoised = {name: makers[name](0)[0](noisy) for name in runs}
    for name, image in {"clean": clean, "noisy": noisy, **denoised}.items():
        (folder / f"{name}.png").write_bytes(to_png(make_grid(image, 1)))
        print(f"{folder / name}.png, {float(psnr_db(image, clean)):.2f} dB")


def published_rows() -> Iterator[dict[str, str]]:
    """Yield the published figures."""
    for test_set, methods in PUBLISHED.items():
        for name, values in methods.items():
            yield {"test set": test_set, "": name} | {
                str(level): f"{value:.2f}" for level, value in zip(LEVELS, values, strict=True)
            }


def _to_8bit(noisy: Tensor) -> np.ndarray:
    return (noisy[0].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()


def _opencv(level: float, noisy: Tensor) -> Tensor:
    """Denoise by OpenCV's non-local means, which takes 8-bit images."""
    cv2 = import_module("cv2")
    strength = 0.8 * 255 * level
    pixels = _to_8bit(noisy)
    if pixels.shape[2] == 1:
        denoised = cv2.fastNlMeansDenoising(pixels, None, strength)[..., None]
    else:
        denoised = cv2.fastNlMeansDenoisingColored(pixels, None, strength, strength)
    return torch.from_numpy(denoised).permute(2, 0, 1)[None].float() / 255


def _bm3d(level: float, noisy: Tensor) -> Tensor:
    bm3d = import_module("bm3d")
    pixels = noisy[0].permute(1, 2, 0).numpy()
    denoised = bm3d.bm3d(pixels[..., 0], level)[..., None] if pixels.shape[2] == 1 else bm3d.bm3d_rgb(pixels, level)
    return torch.from_numpy(np.ascontiguousarray(denoised)).permute(2, 0, 1)[None].float()


def main() -> None:
    """Print the table, then the published figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", default=["cifar10-unet"], help="runs of models for images of any size")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="folder of clean images")
    parser.add_argument("--levels", type=int, nargs="+", default=list(LEVELS), metavar="N", help="in units of 1/255")
    parser.add_argument("--noise", type=NoiseSpec.parse, nargs="+", metavar="SPEC", help="other noise, kind:level")
    parser.add_argument("--draws", type=int, default=3, metavar="N", help="noise draws (default: 3)")
    parser.add_argument("--limit", type=int, metavar="N", help="use only the first N images")
    parser.add_argument("--only-runs", action="store_true", help="leave out filters, which take most of the time")
    parser.add_argument("--side", type=int, metavar="N", help="use only the upper left pixels, N per side")
    parser.add_argument("--night", type=Path, metavar="DIR", help="write a photograph at night instead of measuring")
    options = parser.parse_args()
    if options.night:
        return write_night(options.runs, options.night)
    images = load_photographs(options.folder, options.limit, options.side)
    noises = options.noise or [white_noise(level) for level in options.levels]
    print(describe_machine())
    print(f"{len(images)} images, {options.draws} noise draws; s/MP is the processor time of all cores")
    print_table(list(rows(options.runs, images, noises, options.draws, options.only_runs)))
    print("\nAs published, PSNR in dB:")
    print_table(list(published_rows()))


if __name__ == "__main__":
    run_benchmark(main)
