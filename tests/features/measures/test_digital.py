from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.measures.digital import MEASURES

BY_NAME = {measure.name: measure for measure in MEASURES}
seeds = st.integers(0, 2**32 - 1)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_exports_against_loops(random_year, trade_rows, expect, seed):
    year = random_year(seed)
    context = year.context
    digital = dict(zip(context.sectors, context.digital.tolist(), strict=True))
    services = dict(zip(context.sectors, context.services.tolist(), strict=True))
    slices, of_services, exports = (dict.fromkeys(context.countries, 0.0) for _ in range(3))
    for row in trade_rows(year).itertuples():
        if row.exporter != row.importer:
            exports[row.exporter] += row.value
            slices[row.exporter] += row.value * digital[row.sector]
            of_services[row.exporter] += row.value * services[row.sector]
    world = dict.fromkeys(exports, sum(slices.values()))
    for name, whole in (
        ("digital_share_of_exports", exports),
        ("digital_share_of_services", of_services),
        ("digital_market_share", world),
    ):
        expect(year, BY_NAME[name], {c: slices[c] / whole[c] for c in slices if whole[c] > 0})


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_trade_in_output_and_purchases_against_loops(random_year, trade_rows, expect, seed):
    year = random_year(seed)
    context = year.context
    digital = dict(zip(context.sectors, context.digital.tolist(), strict=True))
    for name, whose in (
        ("digital_export_intensity", "exporter"),
        ("digital_import_penetration", "importer"),
    ):
        abroad, whole = (dict.fromkeys(context.countries, 0.0) for _ in range(2))
        for row in trade_rows(year).itertuples():
            if digital[row.sector]:
                whole[getattr(row, whose)] += row.value
                abroad[getattr(row, whose)] += row.value * (row.exporter != row.importer)
        expect(year, BY_NAME[name], {c: abroad[c] / whole[c] for c in whole if whole[c] > 0})


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_value_added_inside_exports_against_loops(random_year, expect, seed):
    year = random_year(seed)
    context, chains = year.context, year.chains
    for name, origin, chosen in (
        ("digital_value_added", chains.origin_of_exports, context.digital),
        ("services_in_goods", chains.origin_of_goods_exports, context.services),
    ):
        expected = {}
        for c, code in enumerate(context.countries):
            whole = sum(origin[c])
            if whole > 0:
                inside = [value for value, is_it in zip(origin[c], chosen, strict=True) if is_it]
                expected[code] = sum(inside) / whole
        expect(year, BY_NAME[name], expected)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_slices_of_the_world_sum_to_one_and_are_part_of_services(random_year, seed):
    year = random_year(seed)
    found = {name: measure.compute(year) for name, measure in BY_NAME.items()}
    world = found["digital_market_share"]
    if np.isfinite(world).any():
        np.testing.assert_allclose(world.sum(), 1.0, rtol=1e-12)
    both = np.isfinite(found["digital_share_of_services"])
    assert (
        found["digital_share_of_exports"][both] <= found["digital_share_of_services"][both] + 1e-12
    ).all()
