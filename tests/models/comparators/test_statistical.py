"""Theta and ETS: those of statsmodels, on every flow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.theta import ThetaModel

from models.comparators.statistical import MILLION, QUANTILES, _ets, ets, theta

YEARS = range(1995, 2013)


@pytest.fixture(scope="module")
def history():
    rng = np.random.default_rng(0)
    walks = np.exp(rng.normal(0.05, 0.2, (len(YEARS), 2)).cumsum(axis=0) + 5) * MILLION
    table = pd.DataFrame(walks, index=YEARS, columns=["first", "second"])
    table["never"], table["same"], table["unknown"] = 0.0, 3 * MILLION, np.nan
    table["young"] = np.where(np.arange(len(YEARS)) > 14, table["first"], np.nan)
    return table


@pytest.mark.parametrize("make", [theta, ets])
def test_a_flow_that_says_nothing_repeats_its_last_value(history, make):
    found = make().fit_predict(history, (1, 3), {})
    assert set(found) == {1, 3}
    for table in found.values():
        rows = table.set_axis(history.columns)
        assert list(table) == list(QUANTILES)
        assert (rows.loc[["never", "unknown"]] == 0).all(axis=None)
        np.testing.assert_allclose(rows.loc["same"], 3 * MILLION)
        np.testing.assert_allclose(rows.loc["young"], history["first"].iloc[-1])
        assert (np.diff(rows.loc[["first", "second"]], axis=1) > 0).all()
    width = [np.log(table[0.95] / table[0.05])[0] for table in found.values()]
    assert width[0] < width[1]


def test_theta_is_that_of_statsmodels(history):
    found = theta().fit_predict(history[["first"]], (1, 2), {})
    logs = np.log1p(history["first"].to_numpy() / MILLION)
    fitted = ThetaModel(logs, period=1, deseasonalize=False).fit()
    ends = fitted.prediction_intervals(2, alpha=0.1).to_numpy()
    for horizon, table in found.items():
        expected = np.expm1([fitted.forecast(2).iloc[horizon - 1], *ends[horizon - 1]]) * MILLION
        np.testing.assert_allclose(table[[0.5, 0.05, 0.95]].iloc[0], expected, rtol=1e-6)


def test_the_spread_of_ets_is_that_of_its_state_space_form(history):
    logs = np.log1p(history["second"].to_numpy() / MILLION)
    mean, spread = _ets(logs, 3)
    # Simple smoothing, which the corrected AIC prefers here, at the same parameter.
    series = pd.Series(logs, index=pd.period_range("1995", periods=len(YEARS), freq="Y"))
    fitted = ETSModel(series, error="add", initialization_method="estimated").fit(disp=False)
    table = fitted.get_prediction(len(logs), len(logs) + 2).summary_frame(alpha=0.1)
    theirs = (table["pi_upper"] - table["mean"]) / norm.ppf(0.95)
    np.testing.assert_allclose(mean, table["mean"], rtol=1e-3)
    np.testing.assert_allclose(spread, theirs, rtol=1e-2)
