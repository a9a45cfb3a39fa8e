from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.countries.regions import region_codes
from features.measures.geography import MEASURES, distance_of_exports, intra_regional_share
from features.measures.measure import PanelContext, TradeYear

BY_NAME = {measure.name: measure for measure in MEASURES}
seeds = st.integers(0, 2**32 - 1)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_regions_and_distances_against_loops(random_year, trade_rows, expect, seed):
    year = random_year(seed)
    codes, distance = year.context.countries, year.context.distance
    region = dict(zip(codes, year.context.region.tolist(), strict=True))
    place = {code: number for number, code in enumerate(codes)}
    for name, whose in (("distance_of_exports", "exporter"), ("distance_of_imports", "importer")):
        travelled, weight = dict.fromkeys(codes, 0.0), dict.fromkeys(codes, 0.0)
        for row in trade_rows(year).itertuples():
            km = distance[place[row.exporter], place[row.importer]]
            if row.exporter != row.importer and not math.isnan(km):
                travelled[getattr(row, whose)] += row.value * km
                weight[getattr(row, whose)] += row.value
        expect(year, BY_NAME[name], {c: travelled[c] / weight[c] for c in codes if weight[c] > 0})
    for name, whose in (
        ("intra_regional_share", "exporter"),
        ("intra_regional_imports", "importer"),
    ):
        inside, all_of = dict.fromkeys(codes, 0.0), dict.fromkeys(codes, 0.0)
        for row in trade_rows(year).itertuples():
            if row.exporter != row.importer:
                same = region[row.exporter] == region[row.importer]
                all_of[getattr(row, whose)] += row.value
                inside[getattr(row, whose)] += row.value * same
        alone = {c for c in codes if not any(region[o] == region[c] for o in codes if o != c)}
        kept = [c for c in codes if all_of[c] > 0 and region[c] >= 0 and c not in alone]
        expect(year, BY_NAME[name], {c: inside[c] / all_of[c] for c in kept})


def test_a_hand_worked_case():
    """DEU sells 30 to FRA and 10 to the rest of the world, AUS is alone in Oceania."""
    codes = ("AUS", "DEU", "FRA", "ROW")
    distance = np.full((4, 4), 1000.0)
    distance[1, 3] = np.nan
    distance[1, 2] = 500.0
    context = PanelContext(codes, ("",), True, distance, region_codes(codes))
    values = np.zeros((4, 4, 1))
    values[1, [1, 2, 3], 0] = 999.0, 30.0, 10.0
    values[0, 2], values[3, 2], values[1, 0] = 4.0, 6.0, 10.0
    year = TradeYear(context, values, (values > 0).astype(float), values > 0)
    np.testing.assert_allclose(intra_regional_share(year), [np.nan, 0.6, np.nan, np.nan])
    # The 10 to the rest of the world travel an unknown distance.
    np.testing.assert_allclose(distance_of_exports(year), [1000.0, 625.0, np.nan, 1000.0])


def test_two_countries_without_a_region_do_not_share_one():
    codes = ("DEU", "FRA", "ROW", "XAA")
    context = PanelContext(codes, ("",), False, region=region_codes(codes))
    values = np.ones((4, 4, 1))
    year = TradeYear(context, values, values, values > 0)
    np.testing.assert_allclose(intra_regional_share(year), [1 / 3, 1 / 3, np.nan, np.nan])


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_mean_distance_lies_between_the_nearest_and_the_farthest(random_year, seed):
    year = random_year(seed)
    found = distance_of_exports(year)
    known = found[np.isfinite(found)]
    assert ((known >= 100 - 1e-6) & (known <= 15_000 + 1e-6)).all()
    farther = replace(year, context=replace(year.context, distance=2.0 * year.context.distance))
    np.testing.assert_allclose(distance_of_exports(farther), 2.0 * found, rtol=1e-12)
