"""What a plot is asked for: defaults, names in any case, and the nearest of what is unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from features.errors import InputError
from forecasting import RunResult, read_run
from forecasting.figures.plot_options import (
    PlotOptions,
    check_options,
    largest_flow,
    largest_trader,
)

EVERY = ("flow", "country", "side", "year", "feature", "channel", "metric")


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


def test_defaults_are_the_largest_and_the_nearest(result: RunResult) -> None:
    found = check_options(result, {}, takes=EVERY)
    flows = result.forecasts[result.forecasts["target_year"] == 2012]
    sold = flows.groupby(flows["exporter"].astype(str))["value_origin"].sum()
    bought = flows.groupby(flows["importer"].astype(str))["value_origin"].sum()
    assert (found.country, found.side, found.year) == (sold.idxmax(), "exporter", 2012)
    assert largest_trader(result, side="importer") == bought.idxmax()
    rows = result.explanation.rows
    assert found.flow == tuple(rows.loc[rows["base"].idxmax(), ["exporter", "importer"]])
    assert (found.feature, found.channel, found.metric) == ("", "", "wape")


def test_the_flow_a_run_was_asked_to_explain_comes_first(result: RunResult) -> None:
    asked = replace(result, config=replace(result.config, explain_flow=("DEU", "USA")))
    assert check_options(asked, {}, takes=("flow",)).flow == ("DEU", "USA")
    assert check_options(asked, {"flow": ("FRA", "USA")}, takes=("flow",)).flow == ("FRA", "USA")


def test_countries_are_found_by_name(result: RunResult) -> None:
    given = {"flow": ("germany", "fra"), "country": "South Africa", "side": "importer"}
    found = check_options(result, given, takes=EVERY)
    assert (found.flow, found.country, found.side) == (("DEU", "FRA"), "ZAF", "importer")


def test_what_a_kind_does_not_take_stays_empty(result: RunResult) -> None:
    assert check_options(result, {}, takes=()) == PlotOptions()


@pytest.mark.parametrize(
    ("given", "says", "nearest"),
    [
        ({"flow": ("DEU", "FRX")}, "no country 'FRX'", "FRA (France)"),
        ({"flow": ("DEU", "DEU")}, "domestic", "two different"),
        ({"country": "Brasil"}, "no country 'Brasil'", "BRA (Brazil)"),
        ({"side": "importr"}, "no side 'importr'", "importer"),
        ({"year": 2050}, "does not forecast 2050", "2011, 2012"),
        ({"feature": "internet_mn"}, "no feature 'internet_mn'", "internet_min"),
        ({"channel": "trade_cost"}, "no channel 'trade_cost'", "trade_costs"),
        ({"metric": "mape"}, "no metric 'mape'", "wape"),
        ({"feature": "distance", "channel": "automation"}, "not of both", "--feature"),
    ],
)
def test_what_is_unknown_gets_the_nearest_offered(
    result: RunResult,
    stops: Callable[..., InputError],
    given: dict[str, Any],
    says: str,
    nearest: str,
) -> None:
    error = stops(lambda: check_options(result, given, takes=EVERY), says=says)
    assert nearest in error.remedy


def test_without_explained_flows_there_is_no_largest(
    result: RunResult, stops: Callable[..., InputError]
) -> None:
    none = replace(result.explanation, rows=result.explanation.rows.head(0))
    stops(lambda: largest_flow(replace(result, explanation=none)), says="no flow was explained")
