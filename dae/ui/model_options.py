"""Denoisers that pages offer: trained models, classical filters and the noisy input, with their display names."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dae.data import DATASETS, ImageSet, is_folder
from dae.errors import DaeError
from dae.evaluation import FILTERS, IDENTITY, is_compatible
from dae.evaluation.denoisers import MEMORY
from dae.models import MODELS, Shape
from dae.noise import NoiseSpec
from dae.runs import Run
from dae.training import RECIPES
from dae.training.recipes import NOISE_ABLATION_RECIPES, matches_recipe
from dae.ui import resources
from dae.viz.plots import BASELINE_COLOR

# Of MNIST and of drawn digits.
DIGIT_SHAPE: Shape = (1, 28, 28)
_ANY_NOISE = "(any noise)"
# The first model of each family is selected at first; the best architecture is the last.
_FAMILIES = ("linear", "convolutional", "residual CNN")


@dataclass(frozen=True)
class ModelOption:
    """A trained model, a classical filter or the noisy input.

    Attributes:
        name: of the run or the filter; IDENTITY for the noisy input.
        model: the architecture or the filter.
        label: display name.
        color: CSS color.
        family: of the architecture; "classical" for a filter, "memory" for the posterior mean over the training images,
            and "noisy input" for the noisy input.
        dataset: that the model was trained on.
        recipe: that the run was started from, empty if none.
        noise: that the model was trained on.
    """

    name: str
    model: str
    label: str
    color: str
    family: str
    dataset: str = ""
    recipe: str = ""
    noise: NoiseSpec = NoiseSpec("gaussian", 0)

    @property
    def is_model(self) -> bool:
        """Return whether this is a trained model."""
        return self.family not in ("classical", "memory", "noisy input")

    def can_hallucinate(self, images: ImageSet) -> bool:
        """Return whether this can invent plausible details: models of digits can, classical filters cannot."""
        return self.family not in ("classical", "noisy input") and images.shape == DIGIT_SHAPE

    def supports(self, noise: NoiseSpec) -> bool:
        """Return whether the denoiser is defined for this noise; the posterior mean needs Gaussian noise above 0."""
        return self.family != "memory" or (noise.kind == "gaussian" and noise.low > 0)


def filter_option(name: str, dataset: str) -> ModelOption:
    """Return the option of a classical filter, which is tuned on a data set."""
    return ModelOption(name, name, FILTERS[name].label, BASELINE_COLOR, "classical", dataset)


def memory_option(dataset: str) -> ModelOption:
    """Return the option of the posterior mean over the training images of a data set."""
    return ModelOption(MEMORY, MEMORY, "Memory of all training images", BASELINE_COLOR, "memory", dataset)


def identity_option() -> ModelOption:
    """Return the option of the noisy input."""
    return ModelOption(IDENTITY, "noisy input", "Noisy input", BASELINE_COLOR, "noisy input")


def model_options(image_set: ImageSet) -> dict[str, ModelOption]:
    """Return the models that take these images, by name of the run.

    Models trained on the same data set come first, among these our recipes, then the published ones.
    """
    options = [option for option, shape in _trained_options() if is_compatible(option.model, shape, image_set.shape)]
    options.sort(key=lambda option: (option.dataset != image_set.name, _recipe_rank(option.recipe)))
    return {option.name: option for option in options}


def photo_options() -> list[ModelOption]:
    """Return the models for photographs, those that take a noise level first; all for any size if there are none.

    Of two models alike, one for color images comes first.
    """
    options = [(option, shape) for option, shape in _trained_options() if MODELS[option.model].any_size]
    options.sort(key=lambda pair: (pair[0].model != "level-unet", pair[1][0] != 3))
    trained = [option for option, _ in options]
    return [
        option for option in trained if is_folder(option.dataset) or option.dataset.startswith("cifar10")
    ] or trained


def _trained_options() -> Iterator[tuple[ModelOption, Shape]]:
    """Yield all runs with weights and the image shapes of their models; finished and unchanged recipes first."""
    readable = []
    for run in resources.usable_runs():
        try:
            readable.append((run, run.config, *run.describe_model()))
        except DaeError:
            # No weights yet, or damaged: the Train page shows the error.
            continue
    readable.sort(key=lambda entry: (entry[0].state != "finished", not matches_recipe(entry[0].recipe, entry[1])))
    for run, config, model, shape in readable:
        label, color, family = _display_name(run, model, shape[0]), run_color(run), MODELS[model].family
        yield ModelOption(run.name, model, label, color, family, run.dataset, run.recipe, config.noise), shape


def architecture_label(model: str) -> str:
    """Return the display name of trained models of this architecture; several architectures can share one."""
    return MODELS[model].label.removeprefix("Residual ")


def run_color(run: Run) -> str:
    """Return the color of the model of a run, the same on every page.

    Both architectures that pages call U-Net have one color. The small one has its own if it was trained on any noise.
    """
    if run.model not in MODELS:
        return BASELINE_COLOR
    return MODELS["res-unet" if run.model == "unet" and not _is_trained_like_blind(run) else run.model].color


def run_labels(runs: Sequence[Run]) -> dict[str, str]:
    """Return the display name of each run: of its model and, where several share it, of its recipe or of the run."""
    labels = {}
    for run in runs:
        channels = DATASETS[run.dataset].shape[0] if run.dataset in DATASETS else 1
        labels[run.name] = _display_name(run, run.model, channels) if run.model in MODELS else run.model
    labels = _replace_shared(labels, {run.name: RECIPES[run.recipe].label for run in runs if run.recipe in RECIPES})
    return _replace_shared(labels, {name: f"{label} · {name}" for name, label in labels.items()})


def _replace_shared(labels: Mapping[str, str], longer: Mapping[str, str]) -> dict[str, str]:
    """Return the labels, with the longer ones in place of those that occur more than once."""
    counts = Counter(labels.values())
    return {name: longer.get(name, label) if counts[label] > 1 else label for name, label in labels.items()}


def _display_name(run: Run, model: str, channels: int) -> str:
    label, recipe = architecture_label(model), RECIPES.get(run.recipe)
    if recipe and recipe.is_published:
        return f"{label} by {recipe.source.partition('/')[0]}"
    if channels == 3 and "U-Net" in label:
        return f"Photo {label}"
    is_blind = _is_trained_like_blind(run) and not label.endswith(_ANY_NOISE)
    return f"{label} {_ANY_NOISE}" if is_blind else label


def _is_trained_like_blind(run: Run) -> bool:
    """Return whether a run was trained on all kinds of noise of the recipe `mnist-blind`."""
    try:
        kinds = {spec.kind for spec in run.config.noise.components}
        return kinds >= {spec.kind for spec in RECIPES["mnist-blind"].config.noise.components}
    except DaeError:
        return False


def _recipe_rank(recipe: str) -> tuple[int, int]:
    """Rank our recipes first, in their order, then the published ones, then those that only train briefly."""
    if recipe not in RECIPES or recipe in NOISE_ABLATION_RECIPES or recipe.startswith(("quick-", "fast-")):
        return 2, 0
    return int(RECIPES[recipe].is_published), list(RECIPES).index(recipe)


def full_label(option: ModelOption) -> str:
    """Return a unique label: the display name, and for a model also the name of its run."""
    return f"{option.label} · {option.name}" if option.is_model else option.label


def disambiguate_labels(options: Sequence[ModelOption]) -> list[ModelOption]:
    """Return the options; those that share a label get their full labels."""
    labels = [option.label for option in options]
    return [
        replace(option, label=full_label(option)) if labels.count(option.label) > 1 else option for option in options
    ]


def default_options(options: Mapping[str, ModelOption]) -> list[str]:
    """Return the name of the first option of each family that has one."""
    first: dict[str, str] = {}
    for name, option in options.items():
        first.setdefault(option.family, name)
    return [first[family] for family in _FAMILIES if family in first]
