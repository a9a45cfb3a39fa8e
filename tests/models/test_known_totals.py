"""Totals that are published, and those carried over where none are."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np

from features.information import DataBundle
from models.design import origin_value
from models.known_totals import (
    Totals,
    carried_totals,
    published_totals,
    published_years,
    with_coalitions,
)


def test_published_totals_grow_with_their_indices(make_world, infos_of, series_of):
    exports, imports = series_of(0.0), series_of(0.0)
    growth, demand = np.array([1.1, 0.9, 1.0, 1.5]), np.array([1.2, 1.0, 0.8, 1.1])
    exports[9], imports[9] = exports[8] * growth, imports[8] * demand
    info = infos_of(make_world(exports=exports, imports=imports))[2008]
    totals = published_totals(info)
    expected = info.exporter_totals[-1] * growth
    np.testing.assert_allclose(totals.exporter, expected)
    side = info.importer_totals[-1] * demand
    np.testing.assert_allclose(totals.importer, side * expected.sum() / side.sum())


def test_a_country_without_an_index_takes_the_median_growth(make_world, infos_of, series_of):
    exports = series_of(0.0)
    exports[9] *= [1.1, np.nan, 1.3, 1.7]
    info = infos_of(make_world(exports=exports, imports=series_of(0.0)))[2008]
    expected = info.exporter_totals[-1] * [1.1, 1.3, 1.3, 1.7]
    np.testing.assert_allclose(published_totals(info).exporter, expected)


def test_without_an_index_of_the_next_year_nothing_is_published(
    make_world, infos_of, series_of, make_bundle
):
    flat = series_of(0.0)
    unpublished = infos_of(make_world(exports=flat, imports=flat), "ex_ante")[2008]
    bare = infos_of(make_bundle(indicators=False, pairs=False))[2008]
    one_side = infos_of(make_world(exports=flat))[2008]
    for info in (unpublished, bare, one_side):
        assert published_totals(info) is None
        totals = carried_totals(info, horizon=1)
        value = origin_value(info)
        np.testing.assert_array_equal(totals.exporter, info.flows.exporter_totals(value))
        np.testing.assert_array_equal(totals.importer, info.flows.importer_totals(value))


def without_kinds(data: DataBundle) -> DataBundle:
    return DataBundle(data.panel, indicators=data.indicators, pairs=data.pairs)


def test_every_sector_grows_with_its_countrys_index_where_no_table_says_which_are_services(
    infos_of,
    sector_bundle,
):
    info = infos_of(without_kinds(sector_bundle))[2008]
    growth = published_totals(info).exporter / info.flows.exporter_totals(origin_value(info))
    np.testing.assert_allclose(growth[0::2], growth[1::2])


def test_nothing_is_published_of_services(infos_of, sector_bundle):
    """Of the two sectors the second is a service; the indices are of merchandise."""
    info, goods = infos_of(sector_bundle)[2008], infos_of(without_kinds(sector_bundle))[2008]
    found, whole = published_totals(info), published_totals(goods)
    carried, origin = carried_totals(info, horizon=1), carried_totals(info, horizon=0)
    for side in ("exporter", "importer"):
        np.testing.assert_array_equal(getattr(found, side)[0::2], getattr(whole, side)[0::2])
        assert np.isnan(getattr(found, side)[1::2]).all()
        np.testing.assert_array_equal(getattr(carried, side)[1::2], getattr(origin, side)[1::2])


def test_published_indices_of_trade_abroad_are_no_totals_of_domestic_sales(
    infos_of, sector_bundle, diagonal_bundle
):
    info = infos_of(diagonal_bundle)[2008]
    assert published_totals(info) is None
    assert published_years(info, horizon=3) == 0
    assert published_totals(infos_of(sector_bundle)[2008]) is not None


def test_totals_are_carried_from_the_last_published_year_up_to_the_target(
    make_published_world, late_infos_of
):
    info = late_infos_of(make_published_world(np.zeros(4)), origin=2008)[2008]
    assert [published_years(info, horizon=horizon) for horizon in (1, 2, 5)] == [1, 2, 2]
    for horizon, years in ((1, 1), (2, 2), (5, 2)):
        published = published_totals(info, years=years)
        carried = carried_totals(info, horizon=horizon)
        np.testing.assert_array_equal(carried.exporter, published.exporter)
        np.testing.assert_array_equal(carried.importer, published.importer)


def test_totals_are_known_with_every_subset_of_their_channels_and_of_a_fit_without():
    worth = {"ai_adoption": 1.0, "automation": 2.0, "institutions": 4.0}

    def sides(channels):
        total = 10.0 + sum(worth[channel] for channel in channels)
        return np.array([total]), np.array([2 * total])

    never = Totals(np.array([3.0]), np.array([6.0]))
    totals = with_coalitions(sides, worth, never)
    assert totals.without_technology is never
    assert never.without_technology is never
    assert totals.with_only(worth) is totals
    for kept in chain.from_iterable(combinations(worth, size) for size in range(4)):
        found = totals.with_only({*kept, "another"})
        assert (found.exporter, found.importer) == sides(kept)
