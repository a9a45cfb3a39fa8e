"""Builders whose definition takes more than one line, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from features.catalogue import FEATURES
from features.information import DataBundle, InformationSet

BUILD = {feature.name: feature.build for feature in FEATURES}
AS_OF, ORIGIN = date(2010, 7, 1), 2008


def at(data: DataBundle) -> InformationSet:
    return InformationSet(data, as_of=AS_OF)


def with_series(data: DataBundle, name: str, values: np.ndarray) -> InformationSet:
    """The bundle with one series replaced, ``[year, country]`` from 1993 on."""
    indicators = data.indicators
    known = {**indicators.values, name: np.broadcast_to(values, (20, 8)).astype(float)}
    return at(
        DataBundle(data.panel, indicators=replace(indicators, values=known), pairs=data.pairs)
    )


def with_agreements(data: DataBundle, years: list[int]) -> InformationSet:
    """All pairs have an agreement in the given years and in no other."""
    rta = data.pairs.yearly["rta"]
    values = np.zeros_like(rta.values)
    values[np.array(years, dtype=int) - rta.first_year] = 1
    yearly = {**data.pairs.yearly, "rta": replace(rta, values=values)}
    return at(DataBundle(data.panel, pairs=replace(data.pairs, yearly=yearly)))


@pytest.mark.parametrize(
    ("years", "age", "phase"),
    [
        ([], 0, 0.0),
        ([2009], 1, 1.0),
        ([2007, 2008, 2009], 3, 0.8),
        ([2005, 2006, 2008, 2009], 2, 0.9),
        ([2005, 2006, 2007], 0, 0.0),
        (list(range(2000, 2010)), 10, 0.1),
        (list(range(1999, 2010)), 11, 0.0),
        ([2009, 2010, 2011], 1, 1.0),
    ],
)
def test_an_agreement_ages_until_it_breaks_and_phases_in_over_ten_years(bundle, years, age, phase):
    info = with_agreements(bundle, years)
    np.testing.assert_array_equal(BUILD["agreement_age"](info), age)
    np.testing.assert_allclose(BUILD["agreement_phase_in"](info), phase)


def test_a_redenomination_is_no_depreciation(bundle):
    rate = np.ones((20, 8))
    rate[2009 - 1993 :] = 1.5  # all depreciate by half in the last published year ..
    rate[2009 - 1993 :, 0] = 1_000.0  # .. but Brazil cuts three zeros
    info = with_series(bundle, "MACRO.EXCH", rate)
    brazil = info.flows.exporter == 0
    for name in ("depreciation_3_exporter", "depreciation_news_exporter"):
        found = BUILD[name](info)
        assert np.isnan(found[brazil]).all()
        np.testing.assert_allclose(found[~brazil], np.log(1.5))


def test_a_country_year_without_notable_models_has_none(bundle):
    models = np.full((20, 8), np.nan)
    models[2008 - 1993, 1] = 3.0
    models[2003 - 1993, 2] = 7.0
    info = with_series(bundle, "EPOCH.NOTABLE.MODELS", models)
    assert info.last_year("EPOCH.NOTABLE.MODELS") in (2008, 2009)
    found = BUILD["ai_models_exporter"](info)
    np.testing.assert_allclose(found, np.where(info.flows.exporter == 1, np.log(4), 0.0))


def test_openness_is_total_exports_over_gdp_in_the_same_unit(bundle):
    info = with_series(bundle, "MACRO.GDP", np.full((20, 8), 2.0))
    total = bundle.exporter_totals[ORIGIN - bundle.panel.first_year]
    expected = np.log(total / 2e6)[info.flows.exporter]
    np.testing.assert_allclose(BUILD["openness_exporter"](info), expected)


def test_remoteness_is_the_distance_an_average_dollar_of_exports_travels(bundle):
    info = at(bundle)
    flows, distance = info.flows, bundle.pairs.static["dist"]
    value = bundle.panel.values[ORIGIN - bundle.panel.first_year]
    found = BUILD["remoteness_exporter"](info)
    for country in range(8):
        weights, logs = [], []
        for flow in np.flatnonzero(flows.exporter == country):
            km = distance[country, flows.importer[flow]]
            if value[flow] > 0 and km > 0:
                weights.append(float(value[flow]))
                logs.append(np.log(km))
        expected = np.average(logs, weights=weights)
        np.testing.assert_allclose(found[flows.exporter == country], expected, rtol=1e-6)


ABROAD = (
    "openness_exporter", "openness_importer", "comparative_advantage", "remoteness_exporter",
    "remoteness_importer", "agreement_share_of_imports", "exports_news_exporter",
    "imports_news_importer",
)  # fmt: skip


@pytest.mark.parametrize("name", ABROAD)
def test_what_is_said_of_trade_abroad_is_the_same_with_domestic_flows_in_the_matrix(
    sector_bundle, diagonal_bundle, name
):
    apart, both = at(sector_bundle), at(diagonal_bundle)
    home = both.flows.domestic
    found = np.asarray(BUILD[name](both))
    np.testing.assert_allclose(found[~home], BUILD[name](apart), rtol=1e-5, atol=1e-5)
    assert np.isnan(found[home]).all() == ("news" in name)


def test_a_domestic_flow_is_marked_and_crosses_its_countrys_own_distance(diagonal_bundle, bundle):
    info = at(diagonal_bundle)
    home = info.flows.exporter == info.flows.importer
    np.testing.assert_array_equal(BUILD["domestic"](info), home)
    within = np.log(np.diag(diagonal_bundle.pairs.static["dist"]))
    np.testing.assert_allclose(
        BUILD["distance"](info)[home], within[info.flows.exporter[home]], rtol=1e-6
    )
    assert (BUILD["domestic"](at(bundle)) == 0).all()


def test_the_border_is_a_cost_that_gravity_expects(diagonal_bundle):
    """Ten times the domestic sales are a wider border, not larger residuals."""
    panel = diagonal_bundle.panel
    scaled = np.where(panel.flows.domestic, 10 * panel.values, panel.values)
    found = [
        BUILD["gravity_residual"](at(DataBundle(p, pairs=diagonal_bundle.pairs)))
        for p in (panel, replace(panel, values=scaled))
    ]
    assert np.isfinite(found[0][panel.flows.domestic]).any()
    np.testing.assert_allclose(found[1], found[0], atol=1e-3)


def test_exposure_counts_where_the_sector_has_it(sector_bundle):
    info, sectors = at(sector_bundle), sector_bundle.sectors
    capital = BUILD["capital_per_worker_exporter"](info)
    by_country = np.array([capital[info.flows.exporter == c][0] for c in range(8)])
    centred = (by_country - np.nanmedian(by_country))[info.flows.exporter]
    exposure = sectors.automation_exposure[info.flows.sector]
    found = BUILD["automation_exposure_x_capital_exporter"](info)
    np.testing.assert_allclose(found, exposure * centred)
    gap = BUILD["automation_importer_x_wage_gap"](info)
    np.testing.assert_allclose(BUILD["automation_exposure_x_wage_gap"](info), exposure * gap)
    other = info.flows.sector == 0
    for name in ("digital_x_broadband_min", "digital_x_servers_min"):
        found = BUILD[name](info)
        assert (np.nan_to_num(found[other]) == 0).all()
        assert np.nanstd(found[~other]) > 0


def test_restrictions_of_a_pair_are_those_of_its_more_closed_end(bundle):
    level = np.array([0.1, 0.4, 0.2, np.nan, 0.3, 0.0, 0.5, 0.1])
    info = with_series(bundle, "OECD.DSTRI", level)
    ends = level[info.flows.exporter], level[info.flows.importer]
    expected = [np.nan if np.isnan(pair).any() else pair.max() for pair in np.transpose(ends)]
    np.testing.assert_array_equal(BUILD["digital_restrictions_max"](info), expected)


def test_the_wage_gap_of_automation_is_positive_for_a_low_wage_supplier(bundle):
    income = BUILD["income_gap"](at(bundle))
    centred = BUILD["capital_per_worker_importer"](at(bundle))
    info = at(bundle)
    by_country = np.array([centred[info.flows.importer == c][0] for c in range(8)])
    expected = (by_country - np.nanmedian(by_country))[info.flows.importer] * -income
    np.testing.assert_allclose(BUILD["automation_importer_x_wage_gap"](info), expected)


def test_a_steady_flow_has_the_same_gravity_residual_however_many_years_are_known(bundle):
    panel = bundle.panel
    level = np.random.default_rng(0).lognormal(15, 1, panel.flows.size)
    steady = np.tile(level, (panel.years.size, 1)).astype(np.float32)
    gaps = steady.copy()
    gaps[ORIGIN - 2 - panel.first_year : ORIGIN - panel.first_year, 20] = np.nan
    found = [
        BUILD["gravity_residual"](at(DataBundle(replace(panel, values=v), pairs=bundle.pairs)))
        for v in (steady, gaps)
    ]
    assert np.isfinite(found[0]).any()
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)
