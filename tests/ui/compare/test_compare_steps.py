"""The steps of the Compare page as functions: select, compute, and the tables and images that are drawn."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from dae.evaluation import CHANGED, FILTERS, HEADINGS, IDENTITY, noisy_batch_at, psnr_db
from dae.noise import NoiseSpec
from dae.ui import measuring, model_options, selectors
from dae.ui.compare import exports, tables
from dae.ui.compare.comparison import compute, untrained_sentence
from dae.ui.compare.selection import Selection
from dae.ui.compare.side_by_side import image_rows, rank_images
from dae.ui.compare.sweeps import measured_rows, sweep_levels
from dae.ui.model_options import ModelOption
from dae.utils.text import format_db
from tests.helpers import PATIENCE_S


@pytest.fixture
def selection(photos: str, own_cache: Path) -> Selection:
    """Return the median filter on a few images; nothing is measured yet."""
    options = model_options.identity_option(), model_options.filter_option("median", photos)
    return Selection(photos, NoiseSpec("gaussian", 0.5), 8, options)


def measure(selection: Selection) -> None:
    for job in measuring.metric_jobs(selection.options, selection.dataset, selection.limit, [selection.noise]):
        job.run(lambda fraction: None)


def test_select_returns_the_noisy_input_and_a_model_per_family_by_default(
    photos: str, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page() -> None:
        import streamlit as st

        from dae.ui.compare.selection import select

        st.session_state["selection"] = select()

    monkeypatch.setenv("DAE_CHECKPOINTS", str(trained))
    app = AppTest.from_function(page, default_timeout=PATIENCE_S)
    app.query_params["data"] = selectors.dataset_option(photos)
    app.run()
    assert not app.exception
    selection = app.session_state["selection"]
    assert (selection.dataset, selection.noise, selection.limit) == (photos, NoiseSpec("gaussian", 0.5), 8)
    assert selection.options[0].name == IDENTITY
    assert [option.name for option in selection.models] == ["small-linear-32", "small-conv-64"]
    assert [option.name for option in selection.options[3:]] == ["median"]
    assert {FILTERS[name].label for name in FILTERS} < set(app.multiselect(key="compared").options)
    app.toggle(key="full").set_value(True)
    app.multiselect(key="compared").set_value(["median"])
    app.run()
    selection = app.session_state["selection"]
    assert selection.limit is None and [option.name for option in selection.options] == [IDENTITY, "median"]


def test_compute_returns_nothing_until_the_noisy_input_is_measured(selection: Selection) -> None:
    assert compute(selection) is None


def test_compute_is_incomplete_until_every_denoiser_is_measured(selection: Selection) -> None:
    cache = measuring.metrics_cache(selection.dataset, selection.limit)
    for index, option in enumerate(selection.options):
        cache.compute(measuring.denoiser_for(option, selection.dataset), selection.noise)
        comparison = compute(selection)
        assert comparison is not None
        assert list(comparison.scores) == [option.name for option in selection.options[: index + 1]]
        assert list(comparison.table["run"]) == list(comparison.scores)
        assert comparison.is_complete is (index == 1)
        assert set(comparison.infos) == {IDENTITY, "median"}


def test_compute_averages_noise_draws_once_all_denoisers_are_measured_under_them(selection: Selection) -> None:
    arguments = selection.options, selection.dataset, selection.limit, [selection.noise]
    for draw in range(measuring.NUM_DRAWS):
        for index, job in enumerate(measuring.metric_jobs(*arguments, draw)):
            job.run(lambda fraction: None)
            comparison = compute(selection)
            assert comparison is not None
            assert comparison.draws == max(draw + index, 1)
    psnr_db = [
        measuring.metrics_cache(selection.dataset, selection.limit, draw)
        .get(measuring.denoiser_for(selection.options[1], selection.dataset), selection.noise)["psnr_db"]  # type: ignore[index]
        .mean()
        for draw in range(measuring.NUM_DRAWS)
    ]
    assert comparison.table["psnr_db"].iloc[1] == pytest.approx(sum(psnr_db) / len(psnr_db))
    assert list(comparison.table["draws"]) == [3, 3]


def test_the_number_at_an_image_is_its_own_psnr(selection: Selection) -> None:
    selection = replace(selection, noise=NoiseSpec("occlusion", 0.3))
    for draw in range(measuring.NUM_DRAWS):
        arguments = selection.options, selection.dataset, selection.limit, [selection.noise], draw
        for job in measuring.metric_jobs(*arguments):
            job.run(lambda fraction: None)
    comparison = compute(selection)
    assert comparison is not None and comparison.draws == measuring.NUM_DRAWS
    rows = image_rows(selection, comparison.shown_scores, selection.options[:1], (0, 1), unit=" dB")
    clean, noisy = noisy_batch_at(selection.images, selection.noise, measuring.SEED, (0, 1))
    assert rows[1].numbers == (tuple(format_db(float(psnr), " dB") for psnr in psnr_db(noisy, clean)),)


def test_report_has_five_columns_with_the_best_values_marked_and_no_script(selection: Selection) -> None:
    measure(selection)
    comparison = compute(selection)
    assert comparison is not None
    table, best = exports.report_table(comparison.table), exports.best_cells(comparison.table)
    assert list(table) == ["Model", "PSNR (dB)", "Gain (dB)", "SSIM", "Parameters"]
    assert best.to_numpy().sum() == 3 and best["PSNR (dB)"].tolist() == [False, True]
    report = exports.make_report(selection, comparison, pd.DataFrame())
    html = report.html()
    assert selection.title in html and " dB</span>" in html and "with dae " in html
    assert "<script" not in html and len(html) < 1_500_000


@pytest.mark.parametrize(
    ("trained_on", "expected"),
    [
        ({"Linear": "masking:0.5", "U-Net": "gaussian:0-1+masking:0-1"}, []),
        ({"Linear": "gaussian:0.5", "U-Net": "masking:0-1"}, ["Linear was not trained on this kind of noise."]),
        ({"Linear": "gaussian:0.5"}, ["Linear was not trained on this kind of noise."]),
        (
            {"Linear": "gaussian:0.5", "U-Net": "speckle:0.5"},
            ["None of these models was trained on this kind of noise."],
        ),
    ],
)
def test_models_that_were_not_trained_on_the_kind_of_noise_are_named(
    selection: Selection, trained_on: dict[str, str], expected: list[str]
) -> None:
    models = [
        ModelOption(label, "linear-32", label, "", "linear", noise=NoiseSpec.parse(noise))
        for label, noise in trained_on.items()
    ]
    masked = replace(selection, noise=NoiseSpec("masking", 0.5), options=(*selection.options, *models))
    assert untrained_sentence(masked) == expected


def test_posterior_mean_is_offered_for_gaussian_noise_only() -> None:
    option = model_options.memory_option("digits")
    assert option.supports(NoiseSpec("gaussian", 0.5)) and option.supports(NoiseSpec("gaussian", 0.5, clipped=False))
    assert not option.supports(NoiseSpec("gaussian", 0.0)) and not option.supports(NoiseSpec("masking", 0.5))
    assert not option.is_model


def test_selection_describes_itself_for_exports(selection: Selection) -> None:
    assert selection.title.endswith(", Gaussian noise 0.5") and selection.file_stem.endswith("-gaussian-0.5")
    assert selection.protocol(1).startswith("First 8 test images of ")
    assert "1 noise draw (seed 0)" in selection.protocol(1) and "3 noise draws (seeds 0 to 2)" in selection.protocol(3)
    assert selection.key == f"{selection.dataset} gaussian:0.5 8 ['median']" and not selection.models


def test_sweep_leaves_out_level_0_where_the_noisy_input_is_perfect(selection: Selection) -> None:
    levels = [noise.level for noise in sweep_levels(selection.noise)]
    assert levels == pytest.approx([step / 10 for step in range(1, 11)])
    assert measured_rows(selection, sweep_levels(selection.noise)).empty


def test_exported_latex_has_no_unicode_symbols(selection: Selection) -> None:
    measure(selection)
    comparison = compute(selection)
    assert comparison is not None
    latex = exports.to_latex(comparison.table)
    assert r"\toprule" in latex and r"$\pm$" in latex and latex.isascii()


def test_noise_grid_is_text_in_the_report() -> None:
    rows = pd.DataFrame(
        {
            "label": ["A", "B", "A"],
            "heading": ["Gaussian 0.5", "Gaussian 0.5", "Masking 0.3"],
            "gain_db": [1.234, -2, 3],
        }
    )
    text = tables.grid_to_text(rows, "gain_db")
    assert list(text.columns) == ["Model", "Gaussian 0.5", "Masking 0.3"]
    assert text.to_numpy().tolist() == [["A", "+1.23", "+3.00"], ["B", "−2.00", "–"]]
    # A row per kind of noise, so that a printed page is wide enough.
    transposed = exports.transpose(text, "Noise")
    assert list(transposed.columns) == ["Noise", "A", "B"]
    assert transposed.to_numpy().tolist() == [["Gaussian 0.5", "+1.23", "−2.00"], ["Masking 0.3", "+3.00", "–"]]


def test_table_shows_intervals_and_marks_the_best_values(selection: Selection, monkeypatch: pytest.MonkeyPatch) -> None:
    measure(selection)
    comparison = compute(selection)
    assert comparison is not None
    html = tables._style(
        comparison.table[[*HEADINGS, "psnr_db_95", "gain_db_95", "ssim_95", "mse_95", "l2_95"]]
    ).to_html()
    row = comparison.table.iloc[1]
    assert f"{row['psnr_db']:.2f} ± {row['psnr_db_95']:.2f}" in html
    assert html.count("font-weight: 700") == 1  # one style for all marked cells


def test_best_median_and_worst_images_are_ranked_by_psnr() -> None:
    psnr_db = [5.0, 9.0, 1.0, 7.0, 3.0, 8.0, 2.0, 6.0, 4.0, float("inf")]
    scores = pd.DataFrame({"psnr_db": psnr_db, CHANGED: [True] * 9 + [False]})
    ranked = {rank: [psnr_db[index] for index in indices] for rank, indices in rank_images(scores).items()}
    assert ranked == {"Best": [9, 8, 7], "Typical": [6, 5, 4], "Worst": [3, 2, 1]}
    assert rank_images(scores[:2])["Best"] == (1, 0)
    assert rank_images(scores[9:])["Worst"] == (9,)


def test_row_click_returns_the_name_of_the_denoiser(selection: Selection, monkeypatch: pytest.MonkeyPatch) -> None:
    measure(selection)
    comparison = compute(selection)
    assert comparison is not None
    for cells, name in (([], ""), ([(1, "psnr_db")], "median"), ([(7, "psnr_db")], "")):
        monkeypatch.setattr(tables.st, "dataframe", lambda *_, cells=cells, **__: {"selection": {"cells": cells}})
        assert tables.render_table(comparison.table) == name
