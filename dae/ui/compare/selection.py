"""The selection of the Compare page: denoisers, test images and noise."""

from dataclasses import dataclass

import streamlit as st

from dae.data import ImageSet, dataset_label
from dae.evaluation import FILTERS
from dae.noise import NOISES, NoiseSpec
from dae.runs.naming import to_run_name
from dae.ui import measuring, model_options, resources, selectors
from dae.ui.model_options import DIGIT_SHAPE, ModelOption
from dae.utils.text import counted

NUM_QUICK_IMAGES = 1_000
MAX_DENOISERS = 16
_LEVEL_STEP = 0.05
# The fastest of those that remove heavy noise; the others can be added.
_DEFAULT_FILTER = "median"


@dataclass(frozen=True)
class Selection:
    """Denoisers to compare on the same test images with the same noise.

    Attributes:
        noise: one kind at one level.
        limit: number of test images; None for all.
        options: the noisy input, then the selected models, filters and the posterior mean.
    """

    dataset: str
    noise: NoiseSpec
    limit: int | None
    options: tuple[ModelOption, ...]

    @property
    def models(self) -> tuple[ModelOption, ...]:
        """Return the trained models among the options."""
        return tuple(option for option in self.options if option.is_model)

    @property
    def images(self) -> ImageSet:
        """Return the test images of the table."""
        return resources.images(self.dataset, "test", self.limit)

    @property
    def key(self) -> str:
        """Return what identifies the measurements, so that a stopped selection stays stopped."""
        return f"{self.dataset} {self.noise} {self.limit} {[option.name for option in self.options[1:]]}"

    @property
    def file_stem(self) -> str:
        """Return the start of the names of exported files."""
        return f"{to_run_name(dataset_label(self.dataset))}-{self.noise.kind}-{self.noise.level:g}"

    @property
    def title(self) -> str:
        """Return data set and noise in words: "MNIST, Gaussian noise 0.5"."""
        return f"{dataset_label(self.dataset)}, {self.noise.info.label} noise {self.noise.level:g}"

    def protocol(self, draws: int) -> str:
        """Return sentences that describe how the numbers are measured."""
        seeds = f"seed {measuring.SEED}" if draws == 1 else f"seeds {measuring.SEED} to {measuring.SEED + draws - 1}"
        return (
            f"First {len(self.images):,} test images of {self.title}, {counted(draws, 'noise draw')} ({seeds}). "
            "Outputs are clipped to [0, 1]. Values are means ± 95% confidence interval over images, PSNR and gain over "
            "the images that the noise changed. Filter settings were tuned on training images. Times: one CPU core of "
            "this machine, not measured during a training."
        )


def default_selection(dataset: str) -> Selection:
    """Return the selection with which the page opens on a data set."""
    available, names = _denoisers(dataset)
    kind, info = next(iter(NOISES.items()))
    return _make_selection(dataset, NoiseSpec(kind, info.default_level), [available[name] for name in names])


def _make_selection(dataset: str, noise: NoiseSpec, options: list[ModelOption], use_all: bool = False) -> Selection:
    supported = model_options.disambiguate_labels([option for option in options if option.supports(noise)])
    limit = None if use_all else min(NUM_QUICK_IMAGES, len(resources.images(dataset, "test")))
    return Selection(dataset, noise, limit, (model_options.identity_option(), *supported))


def select() -> Selection:
    """Draw the controls of the page in one row and return what they select.

    Raises:
        DaeError: the data set cannot be read.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        dataset = selectors.select_dataset()
        noise = _select_noise()
        with st.popover("Models and filters", icon=":material/tune:", key="choose"):
            options = _select_denoisers(dataset)
            use_all = st.toggle(
                "All test images",
                key="full",
                bind="query-params",
                help=f"Slower and slightly more precise than the first {NUM_QUICK_IMAGES:,}.",
            )
    if not model_options.model_options(resources.images(dataset, "test")):
        selectors.show_no_compatible_model(dataset)
    return _make_selection(dataset, noise, options, use_all)


def _select_noise() -> NoiseSpec:
    kind = selectors.select_noise_kind(small=True)
    info = NOISES[kind]
    level = st.slider(
        "Noise level",
        info.low,
        info.high,
        info.default_level,
        _LEVEL_STEP,
        # Each kind has its own default and keeps its own level.
        key=f"strength_{kind}",
        bind="query-params",
        help=f"{info.level_unit[0].upper()}{info.level_unit[1:]}.",
        width=260,
    )
    return NoiseSpec(kind, level)


def _denoisers(dataset: str) -> tuple[dict[str, ModelOption], list[str]]:
    """Return the models and filters that can be selected, by name, and the names of those that are at first."""
    test = resources.images(dataset, "test")
    models = model_options.model_options(test)
    others = [model_options.filter_option(name, dataset) for name in FILTERS]
    # The posterior mean compares each image with all training images, which takes seconds for small ones only.
    if test.shape == DIGIT_SHAPE:
        others.append(model_options.memory_option(dataset))
    available = models | {option.name: option for option in others if option.name not in models}
    return available, [*model_options.default_options(models), _DEFAULT_FILTER]


def _select_denoisers(dataset: str) -> list[ModelOption]:
    available, default = _denoisers(dataset)
    names = selectors.url_multiselect(
        "Models and filters",
        list(available),
        default,
        key="compared",
        depends_on=dataset,
        help="Trained models, classical filters at their best setting, and *Memory of all training images*: an "
        "average of all training images, weighted by how well each fits the noisy image (Gaussian noise only). The "
        "noisy input is always included.",
        max_selections=MAX_DENOISERS,
        format_func=lambda name: model_options.full_label(available[name]),
    )
    return [available[name] for name in names]
