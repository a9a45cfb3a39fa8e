"""Growth of the world out of news and trend, and how far it may be off."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.stats import t

from features.choices import SETTINGS
from features.data.monthly import MonthlyTrade
from features.information import AsOfRule, DataBundle
from models.known_totals import published_years
from models.monthly_growth import monthly_growth
from models.totals import forecast_totals
from models.world_growth import world_error


def test_world_trade_follows_gdp_news_by_its_own_elasticity(make_world, infos_of, series_of):
    """Trade grew twice as fast as GDP in n years; the prior adds one year in which it did not.

    All countries grow alike, so nothing is left for the regression: the elasticity by hand is
    (2 n + 1) / (n + 1). Years beyond the news get half the growth so far.
    """
    g = 0.04
    infos = infos_of(make_world(trade_growth=2 * g, gdp=series_of(g)), "ex_ante")
    elasticity = (2 * 8 + 1) / (8 + 1)
    for horizon, totals in forecast_totals(infos, origin=2008, horizons=(1, 3)).items():
        growth = elasticity * g + (horizon - 1) * 2 * g / 2
        expected = infos[2008].exporter_totals[-1] * math.exp(growth)
        np.testing.assert_allclose(totals.exporter, expected, rtol=1e-5, err_msg=str(horizon))


@pytest.mark.parametrize("late", [0, 3])
def test_a_country_whose_gdp_is_late_does_not_shrink_the_world(
    make_world, infos_of, series_of, late
):
    gdp = series_of(0.01)
    gdp[9, late] = np.nan
    infos = infos_of(make_world(trade_growth=0.01, gdp=gdp), "ex_ante")
    totals = forecast_totals(infos, origin=2008, horizons=(1,))[1]
    growth = totals.exporter.sum() / infos[2008].exporter_totals[-1].sum()
    assert growth == pytest.approx(math.exp(0.01), rel=1e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_gdp_that_nobody_reported_yet_is_no_news(make_world, infos_of, series_of):
    """The lag says it should be out, and other series reach that year; GDP itself does not."""
    gdp = series_of(0.01)
    gdp[9:] = np.nan
    infos = infos_of(make_world(trade_growth=0.01, gdp=gdp), "ex_ante")
    totals = forecast_totals(infos, origin=2008, horizons=(1,))[1]
    half = math.exp(0.01 / 2)
    np.testing.assert_allclose(totals.exporter, infos[2008].exporter_totals[-1] * half, rtol=1e-6)
    np.testing.assert_allclose(totals.importer, infos[2008].importer_totals[-1] * half, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_gdp_that_never_moves_is_no_news(make_world, infos_of, series_of):
    infos = infos_of(make_world(gdp=series_of(0.0)), "ex_ante")
    totals = forecast_totals(infos, origin=2008, horizons=(1,))[1]
    np.testing.assert_allclose(totals.exporter, infos[2008].exporter_totals[-1], rtol=1e-6)


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_world_may_err_more_the_further_ahead(infos_of, bundle, setting):
    infos = infos_of(bundle, setting)
    shocks = [world_error(infos, origin=2008, horizon=h).shocks() for h in (1, 2, 5)]
    spreads = [float(s.std()) for s in shocks]
    assert spreads == sorted(spreads)
    assert (spreads[0] == 0) == (setting != "ex_ante")
    assert spreads[2] > spreads[1] > 0
    for values in shocks:
        assert values.mean() == pytest.approx(0, abs=1e-9)
        assert (np.diff(values) >= 0).all()


def test_shocks_are_as_large_as_the_errors_of_the_years_before(make_world, infos_of):
    """Trade grows by one rate in all years, half of which is forecast: the error is the half."""
    g = 0.08
    infos = infos_of(make_world(trade_growth=g), "ex_ante", last=2010)
    shocks = world_error(infos, origin=2010, horizon=1).shocks()
    errors = [g if origin < 2003 else g / 2 for origin in range(2000, 2010)]
    expected = np.sqrt(np.mean(np.square(errors))) * t.ppf((np.arange(15) + 0.5) / 15, df=10)
    np.testing.assert_allclose(shocks, expected, rtol=1e-5, atol=1e-9)


@hypothesis_settings(max_examples=10, deadline=None)
@given(st.integers(2001, 2009), st.sampled_from(SETTINGS), st.integers(0, 2**32 - 1))
def test_shocks_do_not_move_with_anything_published_later(
    infos_of, bundle, perturb_future, origin, setting, seed
):
    other = perturb_future(bundle, AsOfRule().date(origin), setting, np.random.default_rng(seed))
    found = [
        world_error(infos_of(data, setting, last=origin), origin=origin, horizon=3).shocks()
        for data in (bundle, other)
    ]
    assert found[0].tobytes() == found[1].tobytes()


def test_with_no_past_there_are_no_shocks(infos_of, bundle):
    infos = infos_of(bundle, last=1999)
    assert world_error(infos, origin=1999, horizon=3).scale == 0


def test_the_world_errs_only_beyond_the_last_published_year(infos_of, late_infos_of, bundle):
    early, later = infos_of(bundle, last=2007), late_infos_of(bundle, origin=2007)
    known = published_years(later[2007], horizon=3)
    assert known == 2
    spread = [world_error(infos, origin=2007, horizon=3).scale for infos in (early, later)]
    assert 0 < spread[1] < spread[0]
    assert world_error(later, origin=2007, horizon=2).scale == 0


def test_errors_of_months_are_of_the_years_that_months_showed(make_world, infos_of):
    """Months begin in 2003: what was forecast before came from no months, and is no such error."""
    growth = 0.05
    months = pd.period_range("2003-01", "2012-12", freq="M")
    value = np.exp(0.1 * np.sin(np.arange(months.size) / 5) + growth * np.arange(months.size) / 12)
    frame = pd.DataFrame(
        {"region": "world", "flow": "trade", "month": months.astype(str), "value": value}
    )
    monthly = MonthlyTrade.from_frame(frame)
    data = DataBundle(make_world(trade_growth=growth).panel, monthly=monthly)
    infos = infos_of(data, "ex_ante", last=2009)
    news = [monthly_growth(infos[year].monthly, year + 1) for year in range(2000, 2009)]
    errors = [growth - one for one in news if one is not None]
    assert 4 < len(errors) < len(news)
    found = world_error(infos, origin=2009, horizon=1)
    assert found.scale == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-5)
