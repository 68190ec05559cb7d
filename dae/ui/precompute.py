"""Compute the results that the pages open with for the shipped models: `python -m dae.ui.precompute [PART ...]`.

Writes them to `checkpoints/results.safetensors`, from which every copy of the project reads them; see
checkpoints/README.md. Results that are known, in the user's cache or in that file, are not computed again, so that
after a training only those of its model are. Interrupted with Ctrl-C, it writes what it has.
"""

import argparse
import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor
from tqdm import tqdm

from dae.evaluation import SHIPPED_RESULTS, ResultCache, write_results
from dae.noise import NOISES
from dae.representation import LABEL_COUNTS
from dae.ui import measuring, model_options, resources
from dae.ui.codes import linear_probe, maps, noise_ablation, view
from dae.ui.compare.selection import default_selection
from dae.ui.model_options import ModelOption

DATASETS = ("mnist", "digits")

# A cache, and the subject and the setting of one of its results.
Job = tuple[ResultCache[Any, Any, Any], Any, Any]


def compare_jobs(dataset: str) -> Iterator[Job]:
    """Yield the measurements that Compare opens with."""
    selection = default_selection(dataset)
    for draw in range(measuring.NUM_DRAWS):
        cache = measuring.metrics_cache(dataset, selection.limit, draw)
        for option in selection.options:
            yield cache, measuring.denoiser_for(option, dataset), selection.noise


def map_jobs(dataset: str) -> Iterator[Job]:
    """Yield the maps that Inside the model opens with."""
    settings = maps.default_settings(next(iter(NOISES)))
    for model in _models(dataset):
        yield maps.map_cache(dataset, view.NUM_IMAGES), maps.encoder(model), settings


def ablation_jobs(dataset: str) -> Iterator[Job]:
    """Yield the linear probes of the noise ablation."""
    models, cache = noise_ablation.ablation_models(dataset), linear_probe.probe_cache(dataset)
    probes, _ = linear_probe.collect_probes(models, cache, noise_ablation.LABEL_COUNTS)
    for method, count in probes.jobs:
        yield cache, method, count


def probe_jobs(dataset: str, fine_tuning: bool) -> Iterator[Job]:
    """Yield the linear probes, or the fine-tuning, of the models that Inside the model opens with."""
    cache = linear_probe.probe_cache(dataset)
    for method, count in linear_probe.collect_probes(_models(dataset), cache, LABEL_COUNTS)[fine_tuning].jobs:
        yield cache, method, count


def _models(dataset: str) -> list[ModelOption]:
    test = resources.images(dataset, "test", view.NUM_IMAGES)
    options = model_options.model_options(test)
    return view.exclude_large_codes([options[name] for name in model_options.default_options(options)], test)[0]


# Those that take minutes are last.
PARTS: Mapping[str, Callable[[str], Iterator[Job]]] = {
    "compare": compare_jobs,
    "map": map_jobs,
    "ablation": ablation_jobs,
    "probe": partial(probe_jobs, fine_tuning=False),
    "fine-tuning": partial(probe_jobs, fine_tuning=True),
}


def precompute(parts: Mapping[str, bool], path: Path) -> None:
    """Write the known results of all parts to a file, after computing the missing ones of some parts.

    Args:
        parts: names of PARTS, and whether to compute what is missing.
    """
    jobs = [
        (is_computed, job)
        for name, is_computed in parts.items()
        for dataset in DATASETS
        if dataset in resources.available_datasets()
        for job in PARTS[name](dataset)
    ]
    with contextlib.suppress(KeyboardInterrupt):
        for is_computed, (cache, subject, setting) in tqdm(jobs, dynamic_ncols=True):
            if is_computed:
                cache.compute(subject, setting)
    results: dict[str, Mapping[str, Tensor]] = {}
    for _, (cache, subject, setting) in jobs:
        if (tensors := cache.to_ship(subject, setting)) is not None:
            results[cache.shipped_key(subject, setting)] = tensors
    write_results(path, results)


def main() -> None:
    """Parse the arguments and compute."""
    parser = argparse.ArgumentParser(prog="python -m dae.ui.precompute", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    chosen = parser.parse_args().parts or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    # Streamlit warns that its caches are used without a page.
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    precompute({name: name in chosen for name in PARTS}, SHIPPED_RESULTS)


if __name__ == "__main__":
    main()
