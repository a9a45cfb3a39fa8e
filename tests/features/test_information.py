from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.choices import SETTINGS
from features.errors import InputError
from features.information import (
    CARRY_YEARS,
    AsOfRule,
    DataBundle,
    InformationSet,
    last_published_year,
)

quick = hypothesis_settings(max_examples=50, deadline=None)
dates = st.dates(date(2001, 3, 1), date(2015, 12, 31))
TOTALS = ("TX.VAL.MRCH.XD.WD", "TM.VAL.MRCH.XD.WD")


def shown(data: DataBundle, as_of: date, setting="totals_known", **options) -> InformationSet:
    return InformationSet(data, as_of=as_of, setting=setting, **options)


# Publication lags ------------------------------------------------------------------------------


@quick
@given(st.dates(date(1950, 1, 1), date(2100, 12, 31)), st.integers(0, 60))
def test_the_last_published_year_is_out_and_the_next_is_not(published_on, as_of, lag):
    year = last_published_year(as_of, lag_months=lag)
    assert published_on(year, lag_months=lag) <= as_of < published_on(year + 1, lag_months=lag)


@pytest.mark.parametrize(
    ("as_of", "lag", "year"),
    [
        (date(2017, 12, 31), 0, 2016),
        (date(2018, 1, 1), 0, 2017),
        (date(2019, 1, 31), 13, 2016),
        (date(2019, 2, 1), 13, 2017),
        (date(2019, 7, 1), 4, 2018),
        (date(2019, 7, 1), 6, 2018),
        (date(2019, 7, 1), 7, 2017),
    ],
)
def test_publication_by_hand(as_of, lag, year):
    assert last_published_year(as_of, lag_months=lag) == year


def test_by_default_a_forecast_is_made_in_july_two_years_after_the_origin(bundle):
    as_of = AsOfRule().date(2006)
    assert as_of == date(2008, 7, 1)
    assert bundle.origin(as_of) == 2006


# What is handed out ----------------------------------------------------------------------------


@quick
@given(dates, st.sampled_from(SETTINGS))
def test_arrays_end_at_the_last_published_year(bundle, published_on, as_of, setting):
    info = shown(bundle, as_of, setting)
    panel, indicators = bundle.panel, bundle.indicators
    out = [y for y in panel.years if published_on(int(y), lag_months=13) <= as_of]
    assert info.origin == out[-1]
    for given_out, everything in (
        (info.history, panel.values),
        (info.exporter_totals, bundle.exporter_totals),
        (info.importer_totals, bundle.importer_totals),
    ):
        np.testing.assert_array_equal(given_out, everything[: len(out)])
    for name, spec in indicators.specs.items():
        lag = spec.publication_lag_months
        years = [y for y in indicators.years if published_on(int(y), lag_months=lag) <= as_of]
        if setting == "ex_ante" and name in TOTALS:
            years = [y for y in years if y <= info.origin]
        np.testing.assert_array_equal(info.series(name), indicators.values[name][: len(years)])
        if years:
            assert info.last_year(name) == years[-1]
            np.testing.assert_array_equal(info.at(name, years[-1]), info.series(name)[-1])
            assert np.isnan(info.at(name, years[-1] + 1)).all()
    for name, pairs in bundle.pairs.yearly.items():
        years = [y for y in range(pairs.first_year, 2016) if published_on(y, lag_months=0) <= as_of]
        np.testing.assert_array_equal(info.pair_years(name), pairs.values[: len(years)])


@quick
@given(dates, st.integers(0, 30))
def test_the_origin_follows_the_publication_lag_of_trade(panel, published_on, as_of, lag):
    data = DataBundle(panel, trade_lag_months=lag)
    out = [int(y) for y in panel.years if published_on(int(y), lag_months=lag) <= as_of]
    if out:
        assert data.origin(as_of) == out[-1]
    else:
        with pytest.raises(InputError):
            data.origin(as_of)


@quick
@given(dates)
def test_ex_ante_hides_totals_beyond_the_origin_and_nothing_else(bundle, as_of):
    known, before = shown(bundle, as_of), shown(bundle, as_of, "ex_ante")
    assert known.origin == before.origin
    np.testing.assert_array_equal(known.history, before.history)
    for name in bundle.indicators.values:
        full, cut = known.series(name), before.series(name)
        if name in TOTALS:
            beyond = max(known.last_year(name) - known.origin, 0)
            np.testing.assert_array_equal(cut, full[: len(full) - beyond])
            assert np.isnan(before.at(name, before.origin + 1)).all()
        else:
            np.testing.assert_array_equal(full, cut)
    for name in bundle.pairs.yearly:
        np.testing.assert_array_equal(known.pair_years(name), before.pair_years(name))


def test_totals_of_the_year_after_the_origin_are_known_by_default(bundle):
    info = shown(bundle, AsOfRule().date(2006))
    for name in TOTALS:
        assert info.last_year(name) == 2007
        assert np.isfinite(info.at(name, 2007)).any()


def test_before_anything_is_published_the_error_says_when_the_panel_begins(bundle):
    with pytest.raises(InputError, match="begins in 1999") as caught:
        shown(bundle, date(2001, 1, 31))
    assert "2001-01-31" in str(caught.value)
    assert "later as-of date" in caught.value.remedy
    assert shown(bundle, date(2001, 2, 1)).origin == 1999


def test_an_earlier_origin_may_be_chosen_and_a_later_one_not(bundle):
    as_of = AsOfRule().date(2006)
    assert shown(bundle, as_of, origin=2003).history.shape[0] == 5
    with pytest.raises(ValueError, match="2007 was not published"):
        shown(bundle, as_of, origin=2007)


def test_long_after_the_panel_ends_the_origin_is_its_last_year(bundle):
    assert shown(bundle, date(2050, 1, 1)).origin == bundle.panel.last_year


@quick
@given(dates, st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_latest_carries_an_observation_at_most_three_years(bundle, as_of, back, seed):
    name = "MACRO.GDP"
    rng = np.random.default_rng(seed)
    values = bundle.indicators.values[name].copy()
    values[rng.random(values.shape) < 0.7] = np.nan
    indicators = replace(bundle.indicators, values={**bundle.indicators.values, name: values})
    info = shown(DataBundle(bundle.panel, indicators=indicators), as_of)
    first = int(indicators.years[0])
    expected = np.full(info.n_countries, np.nan)
    assert CARRY_YEARS == 3
    for country in range(info.n_countries):
        for age in (3, 2, 1, 0):
            row = info.last_year(name) - back - age - first
            if row >= 0 and not np.isnan(values[row, country]):
                expected[country] = values[row, country]
    np.testing.assert_array_equal(info.latest(name, back=back), expected)


def test_a_series_nobody_supplied_is_unknown_and_not_an_error(make_bundle):
    bare = make_bundle(indicators=False, pairs=False)
    info = shown(bare, AsOfRule().date(2006))
    assert not info.has_series("MACRO.GDP")
    assert not info.has_pair("dist")
    assert info.series("MACRO.GDP").shape == (0, 8)
    assert np.isnan(info.at("MACRO.GDP", 2000)).all()
    assert np.isnan(info.latest("MACRO.GDP")).all()
    assert np.isnan(info.pair("dist")).all()
    assert info.pair("dist").shape == (8, 8)
    assert info.pair_years("rta").shape == (0, 8, 8)


@quick
@given(dates, st.sampled_from(SETTINGS), st.integers(0, 2**32 - 1))
def test_nothing_handed_out_moves_with_the_future(bundle, perturb_future, as_of, setting, seed):
    rng = np.random.default_rng(seed)
    now = shown(bundle, as_of, setting)
    other = shown(perturb_future(bundle, as_of, setting, rng), as_of, setting)
    assert now.origin == other.origin
    np.testing.assert_array_equal(now.history, other.history)
    np.testing.assert_array_equal(now.exporter_totals, other.exporter_totals)
    np.testing.assert_array_equal(now.importer_totals, other.importer_totals)
    for name in bundle.indicators.values:
        np.testing.assert_array_equal(now.series(name), other.series(name))
        np.testing.assert_array_equal(now.latest(name), other.latest(name))
    for name in bundle.pairs.yearly:
        np.testing.assert_array_equal(now.pair_years(name), other.pair_years(name))


def test_a_year_of_a_series_is_its_row_and_others_are_unknown(bundle):
    info = shown(bundle, date(2008, 7, 1), origin=2006)
    first = int(bundle.indicators.years[0])
    for name in ("MACRO.GDP", *TOTALS):
        rows = info.series(name)
        assert len(rows) > 5
        for row, values in enumerate(rows):
            np.testing.assert_array_equal(info.at(name, first + row), values)
        for outside in (first - 1, first + len(rows)):
            assert np.isnan(info.at(name, outside)).all()


def test_exports_and_imports_leave_sales_at_home_out(diagonal_bundle):
    info = shown(diagonal_bundle, date(2010, 7, 1))
    flows = info.flows
    for name, code in (("exports", flows.exporter), ("imports", flows.importer)):
        abroad = np.where(flows.domestic, 0.0, np.nan_to_num(info.history))
        for year, found in zip(abroad, getattr(info, name), strict=True):
            expected = np.zeros((len(flows.countries), len(flows.sectors)))
            np.add.at(expected, (code, flows.sector), year)
            np.testing.assert_allclose(found, expected.ravel(), rtol=1e-6)


def test_without_reports_there_are_none(bundle):
    assert shown(bundle, date(2010, 7, 1)).reports is None
