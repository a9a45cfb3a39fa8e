"""Figures of accuracy: points are the numbers of the tables, and what is cut off is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting.figures.score_plots import (
    WORST_SKILL,
    coverage_by_decile,
    error_by_origin,
    reliability,
    scoreboard,
)
from forecasting.figures.style import NoDataError

MODELS = {
    "gravicast": 0.30,
    "without_technology": 0.27,
    "last_value_raked": 0.22,
    "last_value": 0.0,
    "drift": -0.12,
    "lightgbm_levels": -0.95,
    "lightgbm_differences": 0.05,
}
METRICS = {"wape": 0.16, "pattern_distance": 0.05, "midpoint_mae": 0.43, "log_mae": 0.44}
STRATA = ("all", *(f"decile_{n}" for n in range(1, 11)), "zero_origin", "crisis", "calm")


def by_origin(horizons: tuple[int, ...]) -> pd.DataFrame:
    """Scores by origin, all strata, from a rule plus noise."""
    rng = np.random.default_rng(1)
    rows = [
        {"setting": setting, "model": model, "horizon": horizon, "origin": origin,
         "stratum": stratum,
         **{m: v * rng.normal(1, 0.08) * (1 - skill / horizon) * horizon**0.5
            for m, v in METRICS.items()},
         "coverage_50": 0.48 + rng.normal(0, 0.04) if model == "gravicast" else np.nan,
         "coverage_90": 0.91 + rng.normal(0, 0.02) if model == "gravicast" else np.nan}
        for setting in ("totals_known", "ex_ante")
        for model, skill in MODELS.items()
        for horizon in horizons
        for origin in range(2008, 2018 - horizon)
        for stratum in STRATA
    ]  # fmt: skip
    return pd.DataFrame(rows)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    keys = ["setting", "model", "horizon", "stratum"]
    table = table.groupby(keys, sort=False).mean(numeric_only=True).reset_index()
    last = table[table["model"] == "last_value"].drop(columns="model")
    against = table[["setting", "horizon", "stratum"]].merge(last, how="left")
    for name in METRICS:
        table[f"skill_{name}"] = 1 - table[name] / against[name].to_numpy()
    return table


@pytest.fixture(scope="module")
def origins() -> pd.DataFrame:
    return by_origin((1, 2, 3, 4, 5))


@pytest.fixture(scope="module")
def scores(origins: pd.DataFrame) -> pd.DataFrame:
    return summarise(origins)


def of(scores: pd.DataFrame, model: str, horizon: int, stratum: str = "all") -> pd.Series:
    rows = scores[(scores["setting"] == "totals_known") & (scores["model"] == model)]
    return rows[(rows["horizon"] == horizon) & (rows["stratum"] == stratum)].iloc[0]


def test_scoreboard_points_are_the_skills(scores: pd.DataFrame) -> None:
    figure = scoreboard(scores)
    assert len(figure.axes) == 8
    panel = figure.axes[0]
    first = next(line for line in panel.get_lines() if line.get_label() == "1 year ahead")
    expected = 100 * of(scores, "gravicast", 1)["skill_wape"]
    assert np.asarray(first.get_xdata())[0] == pytest.approx(expected)
    assert panel.get_yticklabels()[0].get_text() == "gravicast"


def test_scoreboard_draws_the_worst_at_its_edge(scores: pd.DataFrame) -> None:
    panel = scoreboard(scores).axes[0]
    notes = [text for text in panel.texts if text.get_text()]
    worst = min(of(scores, "lightgbm_levels", h)["skill_wape"] for h in (1, 2, 3, 4, 5))
    # One note a model, from the worst to the best of what is beyond the edge, left of the markers.
    found = [note for note in notes if f"\N{MINUS SIGN}{-100 * worst:.0f}" in note.get_text()]
    assert len(found) == 1
    assert found[0].xy[0] == WORST_SKILL
    assert found[0].get_ha() == "right"
    assert panel.get_xlim()[0] < 1.3 * WORST_SKILL
    edge = [x for line in panel.lines if line.get_marker() == "<" for x in line.get_xdata()]
    assert set(edge) == {WORST_SKILL}
    inside = [x for line in panel.lines if line.get_marker() != "<" for x in line.get_xdata()]
    assert min(inside) >= WORST_SKILL


def test_a_metric_without_numbers_leaves_the_others(scores: pd.DataFrame) -> None:
    assert len(scoreboard(scores.drop(columns=["skill_log_mae", "skill_midpoint_mae"])).axes) == 4


def test_errors_of_every_model_and_origin(origins: pd.DataFrame) -> None:
    figure = error_by_origin(origins, metric="log_mae")
    panel = figure.axes[0]
    assert len(panel.lines) == len(MODELS)
    line = next(line for line in panel.lines if line.get_label() == "drift")
    rows = origins.query("setting == 'totals_known' and model == 'drift' and horizon == 1 "
                         "and stratum == 'all'")  # fmt: skip
    assert np.allclose(line.get_ydata(), rows["log_mae"])
    assert len({line.get_marker() for line in panel.lines}) == len(MODELS)
    assert panel.get_ylabel() == "Log MAE, log points"


def test_errors_far_above_ours_are_cut_off_with_arrows(origins: pd.DataFrame) -> None:
    far = origins.assign(wape=origins["wape"].where(origins["model"] != "drift", 99.0))
    mattering = far[(far["stratum"] == "all") & far["model"].isin(["gravicast", "last_value"])]
    figure = error_by_origin(far, metric="wape")
    top = 125 * mattering["wape"].max()
    lines = [line for line in figure.axes[0].lines if line.get_label() == "drift"]
    assert np.allclose(lines[0].get_ydata(), top)
    arrows = [line for line in figure.axes[0].lines if line.get_linestyle() == "None"]
    assert [np.allclose(line.get_ydata(), top) for line in arrows] == [True]
    assert "arrows" in figure.get_suptitle()


def test_of_many_horizons_the_first_middle_and_last_are_shown(origins: pd.DataFrame) -> None:
    figure = error_by_origin(origins, metric="wape")
    titles = [axes.get_title(loc="left") for axes in figure.axes[:3]]
    assert titles == [f"Totals known, {ahead} ahead" for ahead in ("1 year", "3 years", "5 years")]
    assert "3 of 5 horizons shown" in figure.get_suptitle().replace("\n", " ")
    few = error_by_origin(origins[origins["horizon"] <= 3], metric="wape")
    assert len(few.axes) == 6
    assert "horizons" not in few.get_suptitle()


def test_coverage_is_that_of_the_deciles(scores: pd.DataFrame) -> None:
    panel = coverage_by_decile(scores).axes[0]
    lines = {line.get_label(): line for line in panel.lines}
    expected = [100 * of(scores, "gravicast", 1, f"decile_{k}")["coverage_90"] for k in
                range(1, 11)]  # fmt: skip
    assert np.allclose(lines["90% interval"].get_ydata(), expected)
    with pytest.raises(NoDataError, match="no size decile"):
        coverage_by_decile(scores[scores["stratum"] == "all"])


def test_reliability_leaves_out_bins_of_few_flows() -> None:
    rows = [
        ("totals_known", 1, margin, k, 100 if k < 8 else 5, k / 10 + 0.05, k / 10 + 0.06)
        for margin in ("births", "deaths")
        for k in range(10)
    ]
    names = ["setting", "horizon", "margin", "bin", "n", "mean_probability", "frequency"]
    panel = reliability(pd.DataFrame(rows, columns=names)).axes[0]
    diagonal, births, deaths = panel.lines
    assert np.allclose(births.get_xdata(), np.arange(8) * 10 + 5)
    assert np.allclose(births.get_ydata(), np.arange(8) * 10 + 6)
    assert births.get_marker() != deaths.get_marker()
    assert diagonal.get_linestyle() == "--"
