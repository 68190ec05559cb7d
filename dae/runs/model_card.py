"""Model cards: a Markdown description of a trained run and of its results on test images.

The fields are those of Hugging Face's model cards: data, training, results and limits.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from dae.data import dataset_label
from dae.evaluation import IDENTITY, format_with_interval
from dae.models import MODELS, count_parameters
from dae.noise import NoiseSpec
from dae.runs.directory import Run
from dae.runs.metadata import read_run_config
from dae.training import RECIPES, TrainConfig
from dae.training.recipes import REPLACEABLE_FIELDS, matches_recipe
from dae.utils.text import counted, format_duration

CARD_FILE = "README.md"
# Positions within a range of noise levels that are measured.
_RANGE_SHARES = (0.1, 0.3, 0.5, 0.7)
_METRICS = {"psnr_db": "PSNR (dB)", "gain_db": "gain (dB)", "ssim": "SSIM", "mse": "MSE"}


def card_noises(noise: NoiseSpec) -> list[NoiseSpec]:
    """Return the noises to measure: every kind that the model was trained on, at one level or at four of a range."""
    noises = []
    for spec in noise.components:
        width = spec.high - spec.low
        levels = [spec.low + share * width for share in _RANGE_SHARES] if width else [spec.low]
        noises += [spec.with_level(round(level, 4)) for level in levels]
    return list(dict.fromkeys(noises))


def model_card(run: Run, rows: Sequence[Mapping[str, Any]], command: str, data_terms: str = "") -> str:
    """Return the model card of a finished run as Markdown.

    Args:
        rows: of `dae.evaluation.evaluate` for the run and the noisy input, all with the same images and draws.
        command: that measures the rows and writes the card.
        data_terms: sentences on the license of the training images, where it restricts the use of the weights.
    """
    config, recipe = run.config, RECIPES.get(run.recipe)
    title = recipe.help if recipe else "A denoising autoencoder."
    sections = [
        _front_matter(config, "other" if data_terms else "mit"),
        f"# {run.name}\n\n{title}",
        _facts(run),
        f"## Results\n\n{_results(rows, command)}",
        f"## Limits\n\n{_limits(config)}",
        f"## License\n\n{f'The code is MIT. {data_terms}' if data_terms else 'MIT, like the code.'}",
    ]
    return "\n\n".join(sections) + "\n"


def _front_matter(config: TrainConfig, license_name: str) -> str:
    lines = [f"license: {license_name}", "library_name: dae", "pipeline_tag: image-to-image"]
    lines += ["tags: [denoising, autoencoder]", f"datasets: [{config.dataset}]", "metrics: [psnr, ssim, mse]"]
    return "\n".join(["---", *lines, "---"])


def train_command(recipe: str, config: TrainConfig) -> str:
    """Return the command line that trains a config from the recipe `recipe`, which it matches."""
    defaults = RECIPES[recipe].config
    changed = [name for name in REPLACEABLE_FIELDS if getattr(config, name) != getattr(defaults, name)]
    options = [part for name in changed for part in (f"--{name}", str(getattr(config, name)))]
    return shlex.join(["dae", "train", "--recipe", recipe, *options])


def _facts(run: Run) -> str:
    """Return a table of the model, its data and its training."""
    config, file, metadata, lines = run.config, read_run_config(run.path), run.metadata(), run.progress()
    model = run.load()
    recipe = run.recipe if matches_recipe(run.recipe, config) else ""
    seconds = lines[-1]["seconds"] if lines else None
    channels, height, width = model.shape
    size = f"{channels} x {height} x {width} (channels, height, width)"
    if config.crop:
        size = f"{channels} channels, trained on crops of {config.crop} x {config.crop} pixels"
    facts = {
        "Model": f"`{config.model}` ({MODELS[config.model].label}), {count_parameters(model.model):,} parameters",
        "Images": f"{size}, values in [0, 1]",
        "Training data": f"{dataset_label(config.dataset)}, training split"
        + (f", first {config.max_images:,} images" if config.max_images else ""),
        "Noise": f"{config.noise.label} (`{config.noise}`)",
        "Command": f"`{train_command(recipe, config)}`" if recipe else "see `config.json`",
        "Seed": str(config.seed),
        "Teacher": f"`{config.teacher}`" if config.teacher else "",
        "Initial weights": f"`{config.pretrained}`" if config.pretrained else "",
        "Hardware": ", ".join(filter(None, [metadata.device if metadata else "", file.machine])),
        "Precision": metadata.precision if metadata else "",
        "Training time": f"{format_duration(seconds)} for {counted(config.epochs, 'epoch')}" if seconds else "",
    }
    body = [f"| {name} | {value} |" for name, value in facts.items() if value]
    return "\n".join(["| | |", "|---|---|", *body])


def _results(rows: Sequence[Mapping[str, Any]], command: str) -> str:
    noisy = {row["noise"]: row for row in rows if row["run"] == IDENTITY}
    first = rows[0]
    head = ["| noise | noisy input (dB) |" + "".join(f" {heading} |" for heading in _METRICS.values())]
    head.append("|---|" + "---|" * (1 + len(_METRICS)))
    body = [
        f"| `{row['noise']}` | {noisy[row['noise']]['psnr_db']:.2f} |"
        + "".join(f" {format_with_interval(row, metric)} |" for metric in _METRICS)
        for row in rows
        if row["run"] != IDENTITY
    ]
    return (
        f"{first['n']:,} test images of {dataset_label(first['dataset'])}, {counted(first['draws'], 'noise draw')}, "
        f"protocol `{first['protocol']}`. Means over images and draws ± half the 95% confidence interval over images. "
        f"Measured and written by:\n\n```bash\n{command}\n```\n\n" + "\n".join([*head, *body])
    )


def _limits(config: TrainConfig) -> str:
    size = "of any size" if MODELS[config.model].any_size else "of the size above"
    return (
        f"- The model was trained on {dataset_label(config.dataset)} only. It processes images {size}; on images of "
        "another kind the results can be worse than the noisy input.\n"
        "- It was trained on the noise above only. Other kinds and levels are not covered.\n"
        "- Under heavy noise the output is partly invented: it shows what is likely, not what was there."
    )
