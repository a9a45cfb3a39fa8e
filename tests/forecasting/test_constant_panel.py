"""Nothing ever changes: every forecast is perfect, and no error is a multiple of none."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from features.data.panel import TradePanel
from features.information import DataBundle
from forecasting import measures, read_run
from forecasting.evaluation.metrics import PERFECT, ratio_of_errors
from forecasting.results.result import RunResult

CODES = ("AUS", "BRA", "CAN", "DEU", "FRA", "USA")


@pytest.fixture
def result(run_on) -> RunResult:
    years = range(2000, 2013)
    pairs = list(itertools.permutations(CODES, 2))
    value = np.random.default_rng(0).lognormal(18, 2, len(pairs))
    rows = [(*pair, y, x) for pair, x in zip(pairs, value, strict=True) for y in years]
    frame = pd.DataFrame(rows, columns=["exporter", "importer", "year", "value_usd"])
    return run_on(DataBundle(TradePanel.from_frame(frame)), "run", horizons=(1,), first_origin=2008)


def test_a_run_on_a_panel_that_never_changes_ends(result):
    forecasts = result.forecasts
    np.testing.assert_allclose(forecasts["forecast"], forecasts["value_origin"], rtol=1e-5)
    assert (forecasts["probability_of_trade"] == 1).all()
    skills = result.scores.filter(like="skill_")
    assert skills.isna().all(axis=None)
    # Every model is right, and where both are right nothing is tested.
    assert (result.significance["verdict"] == "not tested").all()
    for word in ("inf", "nan"):
        assert word not in (result.out / "scoreboard.md").read_text(encoding="utf-8")
    # No measure moves, so none has drivers.
    assert len(result.measures.forecasts)
    again = read_run(result.out)
    assert again.measures.drivers.empty
    assert {"measure", "country", "horizon", "target_year"} <= set(again.measures.drivers)
    assert measures(again, country="USA").drivers.empty


def test_the_ratio_to_a_perfect_forecast_is_undefined():
    theirs = np.array([0.0, PERFECT / 2, 0.5])
    wanted = [np.nan, np.nan, 2.0]
    np.testing.assert_array_equal(ratio_of_errors(np.ones(3), theirs), wanted)
    series = pd.Series(theirs, index=list("abc"))
    pd.testing.assert_series_equal(
        ratio_of_errors(pd.Series(1.0, index=list("abc")), series),
        pd.Series(wanted, index=list("abc")),
    )
    np.testing.assert_array_equal([ratio_of_errors(1.0, x) for x in theirs], wanted)
