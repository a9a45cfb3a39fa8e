"""The kinds of plots: each draws a finished run, says what it shows, and is refused clearly."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from features.feature import TECHNOLOGY
from forecasting import RunResult, read_run
from forecasting.figures import plots, run_figures
from forecasting.figures.shap_plots import strongest_feature
from forecasting.words.features import feature_words
from forecasting.words.numbers import lower_first

TITLES = {
    "waterfall": r".+ to .+: .+ USD in 2010, .+ forecast for 2012 \(.+%\)",
    "waterfall_features": r".+ to .+, 2012: base .+, forecast .+ USD",
    "fan": r".+ to .+: forecast from 2010 and .+ earlier ones?",
    "shares": r".+: shares of the largest partners in its exports, percent",
    "chances": r"Exports of .+ by partner: probability of more in 2012 than in 2010",
    "movers": r".+, 2012: partners furthest above and below the base in its exports, ranked by USD",
    "map": r".+: forecast shift of exports by partner, 2012",
    "heatmap": r"Forecast shifts between the 8 largest traders, 2012 \(100% of all trade\)",
    "channels": r"Channels: share in the contributions to the shift .+",
    "importance": r"Strongest 15 of \d+ features \(\d+ explained rows\)",
    "beeswarm": r"Contributions to the forecast shift \(all \d+ explained rows\)",
    "dependence": r"Contribution by value \(all \d+ explained rows\)",
    "scoreboard": r"Skill against repeating the last value \(right of the line is better\)",
    "errors": r"WAPE of every back-test origin \(lower is better\)",
    "coverage": r"Share of actual flows inside the intervals, by flow size",
    "reliability": r"Flows that start and stop: how often, where that had a probability",
    "measure": r"Market share in a destination, largest forecast changes",
    "measures": r"Measures of the trade pattern: skill against no change",
}


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


@pytest.fixture(scope="module")
def written(result: RunResult, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    return run_figures.save_figures(result, tmp_path_factory.mktemp("run") / "figures")


def test_every_kind_has_a_title_to_check() -> None:
    assert [kind.name for kind in plots.KINDS] == list(TITLES)


@pytest.mark.parametrize("kind", TITLES)
def test_every_kind_draws_a_run_with_a_title_and_units(result: RunResult, kind: str) -> None:
    figure = plots.plot(result, kind)
    title = figure.get_suptitle().replace("\n", " ")
    assert re.fullmatch(TITLES[kind], title), title
    labels = [label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel())]
    units = ("percent", "USD", "log points", "Year")
    assert any(unit in label for label in labels for unit in units), labels


@pytest.mark.slow
def test_every_figure_of_a_run_is_written_twice(
    written: dict[str, list[Path]],
) -> None:
    assert list(written) == [plot.name for plot in run_figures.PLOTS]
    for name, (png, svg) in written.items():
        assert (png.name, svg.name) == (f"{name}.png", f"{name}.svg")
        assert png.read_bytes().startswith(b"\x89PNG")
        assert 10_000 < png.stat().st_size < 600_000
        assert svg.stat().st_size < 600_000
        assert re.search(r"<text[^>]*>[^<]+</text>", svg.read_text("utf-8")), name


def test_figures_of_a_run_are_kinds_and_describe_themselves() -> None:
    kinds = {kind.name for kind in plots.KINDS}
    for plot in run_figures.PLOTS:
        assert plot.name in kinds or plot.name.split("_")[0] == "errors"
        assert plot.title
        assert len(plot.alt) > 40
        assert plot.alt.endswith(".")
    words = " ".join(plot.alt + plot.title for plot in run_figures.PLOTS).casefold()
    assert not re.search(r"\b(drives?|because|effects?|impacts?|causes?)\b", words)


@pytest.mark.slow
def test_figures_are_the_same_every_time(
    result: RunResult, written: dict[str, list[Path]], tmp_path: Path
) -> None:
    np.random.seed(12345)
    for name in ("beeswarm", "heatmap"):
        again = plots.plot(result, name)
        for before in written[name]:
            after = tmp_path / before.name
            plots.save_plot(again, after)
            digests = {hashlib.sha256(p.read_bytes()).hexdigest() for p in (before, after)}
            assert len(digests) == 1, before.name


def test_a_figure_without_data_is_left_out(result: RunResult, tmp_path: Path) -> None:
    explanation, pattern = result.explanation, result.measures
    assert pattern is not None
    none = replace(explanation, rows=explanation.rows.head(0), values=explanation.values[:0])
    empty = replace(
        result,
        scores=pd.DataFrame(),
        scores_by_origin=pd.DataFrame(),
        reliability=pd.DataFrame(),
        explanation=none,
        channels=result.channels.head(0),
        measures=replace(pattern, scores=pattern.scores.head(0)),
    )
    assert list(run_figures.save_figures(empty, tmp_path)) == ["heatmap", "movers"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{name}.{suffix}" for name in ("heatmap", "movers") for suffix in ("png", "svg")
    ]


def test_options_reach_the_figure(result: RunResult) -> None:
    flow = plots.plot(result, "waterfall", flow=("DEU", "Brazil"), year=2012)
    assert flow.get_suptitle().startswith("Germany to Brazil: ")
    assert "2012" in flow.get_suptitle()
    imports = plots.plot(result, "movers", country="germany", side="importer", year=2012)
    assert "its imports" in imports.get_suptitle().replace("\n", " ")
    channel = plots.plot(result, "dependence", channel="automation")
    feature = strongest_feature(result.explanation, "automation")
    title = " ".join(channel.get_suptitle().split())
    assert title.startswith(f"Contribution of {lower_first(feature_words(feature))} by its value")
    assert "Log MAE" in plots.plot(result, "errors", metric="log_mae").get_suptitle()
    assert "automation" in TECHNOLOGY
    links = plots.plot(result, "measures", measure="links").get_suptitle()
    assert links.startswith("Births and deaths of links: skill")
    germany = plots.plot(result, "measure", measure="largest_supplier", country="germany")
    assert germany.get_suptitle() == "Germany: Dependence on the largest supplier"


@pytest.mark.parametrize(
    ("kind", "options", "says", "remedy"),
    [
        ("waterfal", {}, "no plot 'waterfal'", "waterfall"),
        ("zzz", {}, "no plot 'zzz'", "scoreboard"),
        ("waterfall", {"country": "DEU"}, "does not take --country", "--flow, --year"),
        ("scoreboard", {"year": 2011}, "does not take --year", "no options"),
        ("movers", {"country": "Germny"}, "no country 'Germny'", "DEU (Germany)"),
        ("measures", {"measure": "reshorin"}, "'reshorin'", "reshoring"),
        ("measure", {"measure": "links"}, "more than one measure", "link_births"),
        (
            "measure",
            {"measure": "domestic_sourcing"},
            "could not measure 'domestic_sourcing'",
            "--domestic",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    result: RunResult,
    stops: Callable[..., InputError],
    kind: str,
    options: dict[str, Any],
    says: str,
    remedy: str,
) -> None:
    error = stops(lambda: plots.plot(result, kind, **options), says=says)
    assert remedy in error.remedy


@pytest.mark.parametrize("kind", ["waterfall", "waterfall_features"])
def test_a_flow_without_parts_is_refused(
    result: RunResult, stops: Callable[..., InputError], kind: str
) -> None:
    zero = result.forecasts[result.forecasts["base"] <= 0].iloc[0]
    flow = (str(zero["exporter"]), str(zero["importer"]))
    error = stops(lambda: plots.plot(result, kind, flow=flow), says="probability of trade")
    assert "fan" in error.remedy


def test_names_are_not_read_as_formulas(result: RunResult) -> None:
    odd = r"A$\bad$"
    exporter = result.forecasts["exporter"].astype(str).replace({"DEU": odd}).astype("category")
    changed = replace(result, forecasts=result.forecasts.assign(exporter=exporter))
    figure = plots.plot(changed, "movers", country=odd)
    figure.draw_without_rendering()
    assert figure.get_suptitle().startswith(odd)


@pytest.mark.slow
def test_importing_plots_is_cheap() -> None:
    code = (
        "import sys, forecasting.figures.plots, forecasting.reports.report\n"
        "slow = ('matplotlib', 'shap', 'lightgbm', 'mlflow', 'bqplot')\n"
        "print([m for m in slow if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
