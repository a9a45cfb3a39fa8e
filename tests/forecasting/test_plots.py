"""Figures: every one is written, says what it shows, and leaves nothing behind."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.catalogue import CHANNEL_OF, NAMES
from features.feature import CHANNELS, TECHNOLOGY
from forecasting import plots
from forecasting.config import RunConfig
from forecasting.results import Explanation, RunResult
from forecasting.score_plots import WORST_SKILL

COUNTRIES = ("XAA", "XAB", "XAC", "XAD", "XAE", "XAF", "XAG", "XAH")
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


def fabricate_scores() -> pd.DataFrame:
    """Scores by origin, all strata, from a rule plus noise."""
    rng = np.random.default_rng(1)
    rows = []
    for setting in ("totals_known", "ex_ante"):
        for model, skill in MODELS.items():
            for horizon in (1, 2, 3):
                for origin in range(2008, 2018 - horizon):
                    for stratum in STRATA:
                        main = model == "gravicast"
                        noise = rng.normal(1, 0.08)
                        rows.append(
                            {
                                "setting": setting,
                                "model": model,
                                "horizon": horizon,
                                "origin": origin,
                                "stratum": stratum,
                                **{
                                    m: v * noise * (1 - skill / horizon) * horizon**0.5
                                    for m, v in METRICS.items()
                                },
                                "coverage_50": 0.48 + rng.normal(0, 0.04) if main else np.nan,
                                "coverage_90": 0.91 + rng.normal(0, 0.02) if main else np.nan,
                                "n": 40,
                            }
                        )
    return pd.DataFrame(rows)


def summarise(by_origin: pd.DataFrame) -> pd.DataFrame:
    keys = ["setting", "model", "horizon", "stratum"]
    table = by_origin.groupby(keys, sort=False).mean(numeric_only=True).reset_index()
    table = table.drop(columns="origin")
    last = table[table["model"] == "last_value"].drop(columns="model")
    against = table[["setting", "horizon", "stratum"]].merge(last, how="left")
    for name in METRICS:
        table[f"skill_{name}"] = 1 - table[name] / against[name].to_numpy()
    return table


def fabricate_forecasts() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    pairs = [(i, j) for i in COUNTRIES for j in COUNTRIES if i != j]
    rows = []
    for horizon in (1, 2):
        for exporter, importer in pairs:
            size = 2e9 if exporter == "XAC" else 4e8
            base = size * rng.lognormal(0, 1) * 3 * horizon
            forecast = base * rng.lognormal(0, 0.1)
            rows.append((2022, horizon, 2022 + horizon, exporter, importer, base * 0.95, base,
                         forecast, forecast * 0.9, forecast * 1.1, forecast * 0.7,
                         forecast * 1.4))  # fmt: skip
    columns = ["origin", "horizon", "target_year", "exporter", "importer", "value_origin", "base",
               "forecast", "lower_50", "upper_50", "lower_90", "upper_90"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"exporter": "category", "importer": "category", "horizon": "int8"})


def fabricate_explanation(forecasts: pd.DataFrame, copies: int = 1) -> Explanation:
    rng = np.random.default_rng(3)
    keys = ["exporter", "importer", "origin", "horizon", "target_year", "base", "forecast"]
    rows = pd.concat([forecasts[keys]] * copies, ignore_index=True)
    data = rng.normal(size=(len(rows), len(NAMES))).astype(np.float32)
    data[rng.random(data.shape) < 0.1] = np.nan
    data[:, NAMES.index("broadband_min")] = np.nan
    strength = rng.exponential(0.4, len(NAMES))
    strength[NAMES.index("value_gap_5")] = 3.0
    strength[NAMES.index("internet_min")] = 1.5
    strength[NAMES.index("broadband_min")] = 0.0
    values = (np.nan_to_num(data) * strength).astype(np.float32)
    base_values = np.full(len(rows), -0.4)
    total = 100 * np.log((rows["forecast"] / rows["base"]).to_numpy())
    raking = total - base_values - values.sum(axis=1, dtype=np.float64)
    return Explanation(rows, NAMES, values, base_values, raking, data)


def fabricate_reliability() -> pd.DataFrame:
    """Probabilities that are right on average, by margin and bin."""
    rows = [
        (setting, horizon, margin, k, 100, k / 10 + 0.05, k / 10 + 0.06)
        for setting in ("totals_known", "ex_ante")
        for horizon in (1, 2, 3)
        for margin in ("births", "deaths")
        for k in range(10)
    ]
    names = ["setting", "horizon", "margin", "bin", "n", "mean_probability", "frequency"]
    return pd.DataFrame(rows, columns=names)


def fabricate(copies: int = 1) -> RunResult:
    """A small run whose numbers are made up."""
    by_origin, forecasts = fabricate_scores(), fabricate_forecasts()
    explanation = fabricate_explanation(forecasts, copies)
    channels = pd.DataFrame(
        {
            "channel": list(CHANNELS),
            "label": list(CHANNELS.values()),
            "mean_abs_percent": np.linspace(6, 0.2, len(CHANNELS)),
        }
    )
    return RunResult(
        config=RunConfig(),
        out=Path("nowhere"),
        forecasts=forecasts,
        scores=summarise(by_origin),
        scores_by_origin=by_origin[by_origin["stratum"] == "all"],
        significance=pd.DataFrame(),
        reliability=fabricate_reliability(),
        study=None,
        attributions=pd.DataFrame(),
        explanation=explanation,
        channels=channels.assign(share=0.1),
        coverage=pd.DataFrame(),
        provenance={},
        timings={},
    )


@pytest.fixture(scope="module")
def result() -> RunResult:
    return fabricate()


@pytest.fixture(scope="module")
def written(result: RunResult, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    return plots.save_figures(result, tmp_path_factory.mktemp("run") / "figures")


def text_of(svg: Path) -> str:
    """What a reader of the figure can read."""
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg.read_text("utf-8")))


TITLES = {
    "scoreboard": "Skill against repeating the last value (right of the line is better)",
    "error_by_origin_wape": "WAPE of every back-test origin (lower is better)",
    "error_by_origin_log_mae": "Log MAE of every back-test origin (lower is better)",
    "coverage_by_decile": "Share of actual flows inside the intervals, by flow size",
    "reliability": "Flows that start and stop: how often, where that had a probability",
    "channel_bar": "Size of the contributions to the forecast shift, by channel",
    "importance_bar": f"Strongest 15 of {len(NAMES)} features (112 explained rows)",
    "beeswarm": "Contributions to the forecast shift (all 112 explained rows)",
    "waterfall": "2023: base ",
    "dependence_overall": "Contribution of value_gap_5 by its value",
    "dependence_ai_adoption": "Contribution of ",
    "dependence_automation": "Contribution of ",
    "dependence_data_infrastructure": "Contribution of internet_min by its value",
    "gainers_and_losers": "XAC, 2023: largest forecast changes of pattern among its 7 largest",
}


def test_every_figure_of_the_table_has_a_title_to_check() -> None:
    assert [plot.name for plot in plots.PLOTS] == list(TITLES)


@pytest.mark.parametrize("name", TITLES)
def test_figure_is_written_with_its_title(name: str, written: dict[str, list[Path]]) -> None:
    png, svg = written[name]
    assert (png.suffix, svg.suffix) == (".png", ".svg")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert png.stat().st_size > 10_000
    assert TITLES[name].replace("->", "-&gt;") in text_of(svg)


def test_every_plot_describes_itself_in_words() -> None:
    for plot in plots.PLOTS:
        assert len(plot.alt) > 40, plot.name
        assert plot.alt.endswith(".")
        assert plot.title


def test_axes_carry_units(written: dict[str, list[Path]]) -> None:
    unit = "percent (100 x log points)"
    for name in ("beeswarm", "importance_bar", "waterfall", "dependence_overall", "channel_bar"):
        assert unit in text_of(written[name][1]), name
    assert "WAPE, percent of trade" in text_of(written["error_by_origin_wape"][1])
    assert "Log MAE, log points" in text_of(written["error_by_origin_log_mae"][1])
    assert "Skill, percent" in text_of(written["scoreboard"][1])


def test_figures_are_the_same_every_time(
    result: RunResult, written: dict[str, list[Path]], tmp_path: Path
) -> None:
    np.random.seed(12345)
    again = plots.save_figures(result, tmp_path)
    for name in ("beeswarm", "dependence_overall", "waterfall", "scoreboard"):
        for before, after in zip(written[name], again[name], strict=True):
            digests = {hashlib.sha256(p.read_bytes()).hexdigest() for p in (before, after)}
            assert len(digests) == 1, before.name


def test_drawing_leaves_no_global_state(result: RunResult) -> None:
    import matplotlib.pyplot as plt

    mine, settings = plt.figure(), dict(plt.rcParams)
    random = np.random.get_state(legacy=False)["state"]["key"].copy()
    with plt.ion():
        plots.beeswarm(result.explanation)
        plots.waterfall(result.explanation, 0)
        assert plt.isinteractive()
    assert plt.get_fignums() == [mine.number]
    assert dict(plt.rcParams) == settings
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], random)
    plt.close(mine)


def test_a_beeswarm_of_many_rows_is_a_sample_and_says_so() -> None:
    explanation = fabricate(copies=50).explanation
    figure = plots.beeswarm(explanation, max_display=3)
    assert figure.get_suptitle().endswith("(5,000 of 5,600 explained rows)")
    drawn = max(len(np.asarray(c.get_offsets())) for c in figure.axes[0].collections)
    assert 4_000 < drawn <= 5_000  # the colourless ones are apart
    again = plots.beeswarm(explanation, max_display=3)
    for before, after in zip(figure.axes[0].collections, again.axes[0].collections, strict=True):
        assert np.array_equal(np.asarray(before.get_offsets()), np.asarray(after.get_offsets()))


def test_waterfall_adds_up_to_the_forecast(result: RunResult) -> None:
    row = 5
    about = result.explanation.rows.iloc[row]
    figure = plots.waterfall(result.explanation, row)
    labels = [text.get_text() for axes in figure.axes for text in axes.get_xticklabels()]
    expected = 100 * np.log(about["forecast"] / about["base"])
    assert f"this flow {expected:.1f}".replace("-", "\N{MINUS SIGN}") in labels
    steps = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    others = {step for step in steps if step.endswith(" other features")}
    assert "raking to the totals" in steps
    assert len(others) == 1
    title = figure.get_suptitle()
    assert title.startswith(f"{about['exporter']} -> {about['importer']}, {about['target_year']}: ")
    assert title.endswith(" USD")


def test_waterfall_takes_the_asked_flow_else_the_largest(result: RunResult) -> None:
    explanation = result.explanation
    row = plots.explained_row(explanation, ("XAB", "XAA"))
    assert explanation.rows[["exporter", "importer", "horizon"]].iloc[row].tolist() == [
        "XAB",
        "XAA",
        1,
    ]
    largest = explanation.rows.iloc[plots.explained_row(explanation)]
    assert largest["base"] == explanation.rows.query("horizon == 1")["base"].max()
    with pytest.raises(plots.NoDataError, match="XAB -> XZZ"):
        plots.explained_row(explanation, ("XAB", "XZZ"))


@pytest.mark.parametrize("channel", sorted(TECHNOLOGY))
def test_strongest_feature_of_a_channel(result: RunResult, channel: str) -> None:
    name = plots.strongest_feature(result.explanation, channel)
    strength = dict(zip(NAMES, np.abs(result.explanation.values).mean(axis=0), strict=True))
    assert CHANNEL_OF[name] == channel
    assert strength[name] == max(strength[n] for n in NAMES if CHANNEL_OF[n] == channel)


def test_scoreboard_draws_the_worst_at_its_edge(result: RunResult) -> None:
    figure = plots.scoreboard(result.scores)
    assert len(figure.axes) == 8
    left = min(axes.get_xlim()[0] for axes in figure.axes)
    assert -40 < left < WORST_SKILL
    notes = {text.get_text().strip() for text in figure.axes[0].texts}
    known = result.scores.query(
        "setting == 'totals_known' and model == 'lightgbm_levels' and horizon == 1 "
        "and stratum == 'all'"
    )
    worst = f"\N{MINUS SIGN}{-100 * known['skill_wape'].item():.0f}"
    # One note a model, from the worst to the best of what is beyond the edge.
    assert sum(worst in note for note in notes) == 1


def test_scoreboard_points_are_the_skills(result: RunResult) -> None:
    panel = plots.scoreboard(result.scores).axes[0]
    first = next(line for line in panel.get_lines() if line.get_label() == "1 year ahead")
    known = result.scores.query(
        "setting == 'totals_known' and model == 'gravicast' and horizon == 1 and stratum == 'all'"
    )
    assert np.asarray(first.get_xdata())[0] == pytest.approx(100 * known["skill_wape"].item())
    assert panel.get_yticklabels()[0].get_text() == "gravicast"


def test_gainers_and_losers_are_ranked_and_hold_their_intervals(result: RunResult) -> None:
    figure = plots.gainers_and_losers(result.forecasts, "XAC")
    axes = figure.axes[0]
    table = result.forecasts.query("exporter == 'XAC' and horizon == 1")
    order = (table["forecast"] / table["base"]).sort_values().index
    shown = [text.get_text() for text in axes.get_yticklabels()]
    assert shown == table.loc[order, "importer"].astype(str).tolist()
    for lines in axes.collections:
        for path in lines.get_paths():
            assert np.diff(np.asarray(path.vertices)[:, 0]) > 0


def test_gainers_and_losers_name_sectors(result: RunResult) -> None:
    table = result.forecasts.assign(sector="Food")
    figure = plots.gainers_and_losers(table, "XAC", horizon=2)
    assert figure.axes[0].get_yticklabels()[0].get_text().endswith(", Food")
    assert "2024" in figure.get_suptitle()


def test_a_figure_without_data_is_left_out(result: RunResult, tmp_path: Path) -> None:
    none = dataclasses.replace(
        result.explanation,
        rows=result.explanation.rows.head(0),
        values=result.explanation.values[:0],
        base_values=result.explanation.base_values[:0],
        raking=result.explanation.raking[:0],
        data=result.explanation.data[:0],
    )
    scores = result.scores[~result.scores["stratum"].str.startswith("decile")]
    empty = dataclasses.replace(
        result,
        scores=scores.drop(columns=[f"skill_{name}" for name in METRICS]),
        scores_by_origin=pd.DataFrame(),
        reliability=pd.DataFrame(),
        explanation=none,
        channels=result.channels.head(0),
    )
    assert list(plots.save_figures(empty, tmp_path)) == ["gainers_and_losers"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "gainers_and_losers.png",
        "gainers_and_losers.svg",
    ]


def test_a_metric_without_numbers_leaves_the_others(result: RunResult) -> None:
    scores = result.scores.drop(columns=["skill_log_mae", "skill_midpoint_mae"])
    assert len(plots.scoreboard(scores).axes) == 4


def test_names_are_not_read_as_formulas(result: RunResult) -> None:
    odd = {"XAC": r"A$\bad$"}
    forecasts = result.forecasts.assign(
        exporter=result.forecasts["exporter"].astype(str).replace(odd)
    )
    figure = plots.gainers_and_losers(forecasts, odd["XAC"])
    figure.draw_without_rendering()
    assert figure.get_suptitle().startswith(odd["XAC"])


def test_importing_plots_is_cheap() -> None:
    code = (
        "import sys, forecasting.plots, forecasting.report\n"
        "print([m for m in ('matplotlib', 'shap', 'lightgbm', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
