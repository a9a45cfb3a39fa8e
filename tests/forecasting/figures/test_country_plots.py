"""Partners above and below the base: ranked as a plain table ranks them, intervals included."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecasting import RunResult, read_run
from forecasting.figures.country_plots import MOVERS, movers, ranked_movers
from forecasting.figures.style import NoDataError
from forecasting.results.subjects import country_name
from forecasting.words.numbers import usd


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


@pytest.mark.parametrize(("side", "other"), [("exporter", "importer"), ("importer", "exporter")])
def test_ranking_is_that_of_the_forecasts(result: RunResult, side: str, other: str) -> None:
    ranked = ranked_movers(result, "DEU", side=side, year=2012)  # type: ignore[arg-type]
    flows = result.forecasts
    flows = flows[(flows[side] == "DEU") & (flows["target_year"] == 2012) & (flows["base"] > 0)]
    change = 100 * (flows["forecast"] / flows["base"] - 1)
    usd = flows["forecast"] - flows["base"]
    expected = flows.assign(change=change, usd=usd).sort_values("usd", kind="stable")
    assert list(ranked["partner"]) == [country_name(str(code)) for code in expected[other]]
    assert np.allclose(ranked["change"], expected["change"])
    assert np.allclose(ranked["usd"], expected["forecast"] - expected["base"])
    for name in ("lower_90", "upper_50"):
        assert np.allclose(ranked[name], 100 * (expected[name] / expected["base"] - 1))


def test_the_figure_shows_the_ranking_and_names_the_country(result: RunResult) -> None:
    ranked = ranked_movers(result, "DEU", side="exporter", year=2011)
    figure = movers(result, "DEU", side="exporter", year=2011)
    axes, right = figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == list(ranked["partner"])
    assert [t.get_text() for t in right.get_yticklabels()] == [usd(v, sign=True) for v in
                                                               ranked["usd"]]  # fmt: skip
    points = {line.get_label(): line for line in axes.lines}
    below, above = points["Forecast below base"], points["Forecast above base"]
    drawn = [*below.get_xdata(), *above.get_xdata()]
    assert np.allclose(sorted(drawn), sorted(ranked["change"]))
    assert below.get_marker() != above.get_marker()
    assert figure.get_suptitle().startswith("Germany, 2011: ")
    assert "its exports" in figure.get_suptitle().replace("\n", " ")


def test_every_forecast_and_half_interval_is_inside(result: RunResult) -> None:
    for country in ("DEU", "NAM", "USA"):
        ranked = ranked_movers(result, country, side="importer", year=2012)
        axes = movers(result, country, side="importer", year=2012).axes[0]
        left, right = axes.get_xlim()
        for name in ("change", "lower_50", "upper_50"):
            assert ranked[name].between(left, right).all()
        arrows = sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() in "<>")
        assert arrows == ((ranked["lower_90"] < left) | (ranked["upper_90"] > right)).sum()
        assert ("arrow" in axes.get_xlabel()) == (arrows > 0)


def test_only_the_largest_changes_are_shown(result: RunResult) -> None:
    flows = result.forecasts
    many = flows.loc[flows.index.repeat(6)].reset_index(drop=True)
    many["sector"] = [f"S{k % 6}" for k in range(len(many))]
    many["forecast"] = many["base"] * np.random.default_rng(1).lognormal(0, 0.2, len(many))
    ranked = ranked_movers(replace(result, forecasts=many), "DEU", side="exporter", year=2011)
    mine = many[(many["exporter"] == "DEU") & (many["target_year"] == 2011) & (many["base"] > 0)]
    usd = np.sort((mine["forecast"] - mine["base"]).to_numpy())
    assert (usd < 0).sum() > MOVERS
    assert (usd > 0).sum() > MOVERS
    np.testing.assert_allclose(ranked["usd"], [*usd[:MOVERS], *usd[-MOVERS:]])
    assert ranked["partner"].str.contains(", S").all()


def test_a_country_without_trade_is_refused(result: RunResult) -> None:
    none = replace(result, forecasts=result.forecasts.assign(base=0.0))
    with pytest.raises(NoDataError, match="DEU has no trade as exporter"):
        movers(none, "DEU", side="exporter", year=2011)
