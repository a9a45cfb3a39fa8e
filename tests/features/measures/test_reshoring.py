from __future__ import annotations

from dataclasses import replace

import numpy as np
import pycountry
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.measures.catalogue import missing
from features.measures.measure import PanelContext, TradeYear
from features.measures.reshoring import (
    LEAST_FOREIGN,
    LOW_COST,
    MEASURES,
    input_ratio,
    kearney_index,
    low_cost_import_ratio,
    reshoring_index,
)

BY_NAME = {measure.name: measure for measure in MEASURES}
seeds = st.integers(0, 2**32 - 1)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_sourcing_and_penetration_against_loops(random_year, trade_rows, expect, seed):
    year = random_year(seed)
    made = dict(zip(year.context.sectors, year.context.manufacturing.tolist(), strict=True))
    home, bought, imports, manufactures = {}, {}, {}, {}
    for row in trade_rows(year).itertuples():
        key = (row.importer, row.sector)
        bought[key] = bought.get(key, 0.0) + row.value
        home[key] = home.get(key, 0.0) + row.value * (row.exporter == row.importer)
        if made[row.sector]:
            manufactures[row.importer] = manufactures.get(row.importer, 0.0) + row.value
            abroad = row.value * (row.exporter != row.importer)
            imports[row.importer] = imports.get(row.importer, 0.0) + abroad
    expect(year, BY_NAME["domestic_sourcing"], {k: home[k] / v for k, v in bought.items() if v > 0})
    expect(
        year,
        BY_NAME["import_penetration"],
        {k: imports[k] / v for k, v in manufactures.items() if v > 0},
    )


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_the_manufacturing_import_ratio_against_loops(random_year, trade_rows, expect, seed):
    year = random_year(seed)
    codes = year.context.countries
    made = dict(zip(year.context.sectors, year.context.manufacturing.tolist(), strict=True))
    imports, output = dict.fromkeys(codes, 0.0), dict.fromkeys(codes, 0.0)
    for row in trade_rows(year).itertuples():
        if made[row.sector]:
            output[row.exporter] += row.value
            imports[row.importer] += row.value * (row.exporter in LOW_COST)
    expected = {c: imports[c] / output[c] for c in codes if output[c] > 0 and c not in LOW_COST}
    expect(year, BY_NAME["low_cost_import_ratio"], expected)
    cheap, bought = dict.fromkeys(codes, 0.0), dict.fromkeys(codes, 0.0)
    for row in trade_rows(year).itertuples():
        abroad = row.value * (row.exporter != row.importer)
        bought[row.importer] += abroad
        cheap[row.importer] += abroad * (row.exporter in LOW_COST)
    of = [c for c in codes if bought[c] > 0 and c not in LOW_COST]
    expect(year, BY_NAME["low_cost_import_share"], {c: cheap[c] / bought[c] for c in of})


def manufactures(codes, values):
    context = PanelContext(
        codes, ("m", "s"), True, manufacturing=np.array([True, False]),
        services=np.array([False, True]), digital=np.array([False, True]),
    )  # fmt: skip
    return TradeYear(context, values, (values > 0).astype(float), values > 0)


def test_a_hand_worked_case_of_all_three():
    """USA makes 80 for itself and 20 for CHN, and buys 10 of CHN; services do not count."""
    values = np.zeros((2, 2, 2))
    values[:, :, 0] = [[500.0, 10.0], [20.0, 80.0]]
    values[:, :, 1] = 1000.0
    year = manufactures(("CHN", "USA"), values)
    np.testing.assert_allclose(low_cost_import_ratio(year), [np.nan, 10 / 100])
    np.testing.assert_allclose(
        BY_NAME["import_penetration"].compute(year), [20 / 520, 10 / 90], rtol=1e-12
    )
    np.testing.assert_allclose(
        BY_NAME["domestic_sourcing"].compute(year), [[500 / 520, 0.5], [80 / 90, 0.5]], rtol=1e-12
    )


def test_import_penetration_is_that_of_output_exports_and_imports():
    rng = np.random.default_rng(0)
    values = rng.lognormal(5, 1, (3, 3, 2))
    made = values[:, :, 0]
    output, exports = made.sum(axis=1), made.sum(axis=1) - np.diag(made)
    imports = made.sum(axis=0) - np.diag(made)
    found = BY_NAME["import_penetration"].compute(manufactures(("CHN", "FRA", "USA"), values))
    np.testing.assert_allclose(found, imports / (output - exports + imports), rtol=1e-12)


def test_kearneys_low_cost_countries_by_their_names():
    names = (
        "China", "Taiwan", "Malaysia", "India", "Vietnam", "Thailand", "Indonesia", "Singapore",
        "Philippines", "Bangladesh", "Pakistan", "Hong Kong", "Sri Lanka", "Cambodia",
    )  # fmt: skip
    assert len(LOW_COST) == 14
    assert set(LOW_COST) == {pycountry.countries.lookup(name).alpha_3 for name in names}


def test_without_a_low_cost_country_nothing_is_said_of_them():
    reasons = missing(manufactures(("FRA", "USA"), np.ones((2, 2, 2))).context, tables=True)
    for name in ("low_cost_import_ratio", "low_cost_import_share"):
        assert "low-cost" in reasons[name]


def test_the_kearney_index_of_a_published_year():
    """12.95 % to 14.49 % gave -154 basis points; a falling ratio is reshoring."""
    found = kearney_index(np.array([0.1295, 0.1449]), np.array([0.1449, 0.1295]))
    np.testing.assert_allclose(found, [-154.0, 154.0], rtol=1e-9)


def test_a_ratio_of_inputs_needs_foreign_inputs_and_its_fall_counts_as_none(random_year):
    year = random_year(3)
    n, k = year.chains.output.shape
    home, abroad = np.full((n, k), 100.0), np.full((n, k), 50.0)
    abroad[0, 0] = 0.0
    abroad[1, 0] = 100.0 * LEAST_FOREIGN / 2
    now = replace(year, chains=replace(year.chains, domestic_inputs=home, foreign_inputs=abroad))
    found = input_ratio(now)
    expected = np.full((n, k), 2.0)
    expected[:2, 0] = np.nan
    np.testing.assert_array_equal(found, expected)
    share = BY_NAME["domestic_inputs"].compute(now)
    assert share[0, 0] == 1.0
    assert share[-1, -1] == pytest.approx(2 / 3)
    risen = reshoring_index(np.array([2.0, 2.0, np.nan]), np.array([2.5, 1.0, 1.0]))
    np.testing.assert_array_equal(risen, [0.5, 0.0, np.nan])


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds, seeds)
def test_the_reshoring_index_is_the_rise_of_the_ratio_and_never_negative(random_year, one, other):
    """Krenz, Prettner and Strulik's truncation; of two years in both orders one is a rise."""
    then, now = random_year(one), random_year(one)
    rng = np.random.default_rng(other)
    inputs = rng.lognormal(8, 2, (2, *now.chains.output.shape))
    now = replace(
        now, chains=replace(now.chains, domestic_inputs=inputs[0], foreign_inputs=inputs[1])
    )
    before, after = input_ratio(then), input_ratio(now)
    forward, backward = reshoring_index(before, after), reshoring_index(after, before)
    known = np.isfinite(before) & np.isfinite(after)
    np.testing.assert_array_equal(np.isfinite(forward), known)
    assert (forward[known] >= 0).all()
    assert (np.minimum(forward, backward)[known] == 0).all()
    np.testing.assert_allclose((forward - backward)[known], (after - before)[known], rtol=1e-12)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_both_measures_of_inputs_say_the_same(random_year, seed):
    """With r = DI / FI the domestic share is r / (1 + r)."""
    year = random_year(seed)
    ratio, share = input_ratio(year), BY_NAME["domestic_inputs"].compute(year)
    known = np.isfinite(ratio)
    np.testing.assert_allclose(share[known], (ratio / (1 + ratio))[known], rtol=1e-9)
    used = year.chains.domestic_inputs + year.chains.foreign_inputs > 0
    np.testing.assert_array_equal(np.isfinite(share), used)
