from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.measures.measure import PanelContext, TradeYear
from features.measures.platforms import MEASURES

BY_NAME = {measure.name: measure for measure in MEASURES}
seeds = st.integers(0, 2**32 - 1)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_concentration_and_balance_against_loops(random_year, trade_rows, expect, seed):
    year = random_year(seed)
    context = year.context
    digital = dict(zip(context.sectors, context.digital.tolist(), strict=True))
    exports = {(c, s): 0.0 for c in context.countries for s in context.sectors}
    sold, bought = dict.fromkeys(context.countries, 0.0), dict.fromkeys(context.countries, 0.0)
    for row in trade_rows(year).itertuples():
        if row.exporter != row.importer:
            exports[row.exporter, row.sector] += row.value
            sold[row.exporter] += row.value * digital[row.sector]
            bought[row.importer] += row.value * digital[row.sector]
    squares, largest = {}, {}
    for s in context.sectors:
        world = sum(exports[c, s] for c in context.countries)
        shares = [exports[c, s] / world for c in context.countries if world > 0 and c != "ROW"]
        if world > 0:
            squares[s] = sum(share**2 for share in shares)
            largest[s] = sum(sorted(shares)[-3:])
    expect(year, BY_NAME["exporter_concentration"], squares)
    expect(year, BY_NAME["three_largest_exporters"], largest)
    expect(
        year,
        BY_NAME["digital_balance"],
        {
            c: (sold[c] - bought[c]) / (sold[c] + bought[c])
            for c in context.countries
            if sold[c] + bought[c] > 0
        },
    )


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_data_and_hosts_against_loops(random_year, expect, seed):
    year = random_year(seed)
    context, chains = year.context, year.chains
    own, foreign, hosted = {}, {}, {}
    for c, code in enumerate(context.countries):
        at_home, whole = (
            sum(d * v for d, v in zip(context.data_intensity, origin[c], strict=True))
            for origin in (chains.domestic_origin_of_exports, chains.origin_of_exports)
        )
        if whole > 0:
            own[code] = at_home / chains.exports[c]
            foreign[code] = 1 - at_home / whole
        known = [
            (year.international[o, c][context.digital].sum(), context.hosting[o, c])
            for o in range(len(context.countries))
            if not math.isnan(context.hosting[o, c])
        ]
        bought = sum(value for value, _ in known)
        if bought > 0:
            hosted[code] = sum(value * share for value, share in known) / bought
    for code, exports in zip(context.countries, chains.exports, strict=True):
        if exports > 0:
            own.setdefault(code, 0.0)
    expect(year, BY_NAME["data_intensive_value_added"], own)
    expect(year, BY_NAME["foreign_data_value_added"], foreign)
    expect(year, BY_NAME["hosts_of_digital_imports"], hosted)


def services(codes, values, **given):
    context = PanelContext(
        codes, ("SI", "SH"), False, digital=np.array([True, False]),
        services=np.array([True, True]), manufacturing=np.array([False, False]), **given,
    )  # fmt: skip
    return TradeYear(context, values, (values > 0).astype(float), values > 0)


def test_a_hand_worked_case():
    """USA sells 60, IRL 30 and the rest of the world 10 of computer services, all to FRA."""
    values = np.zeros((4, 4, 2))
    values[[1, 2, 3], 0, 0] = 60.0, 30.0, 10.0
    hosting = np.full((4, 4), 0.1)
    hosting[3] = np.nan
    year = services(("FRA", "USA", "IRL", "ROW"), values, hosting=hosting)
    found = {name: BY_NAME[name].compute(year) for name in BY_NAME if "value_added" not in name}
    # The rest of the world counts in the world's exports, and is no exporter of its own.
    np.testing.assert_allclose(found["exporter_concentration"], [0.36 + 0.09, np.nan])
    np.testing.assert_allclose(found["three_largest_exporters"], [0.9, np.nan])
    np.testing.assert_allclose(found["digital_balance"], [-1.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(found["hosts_of_digital_imports"], [0.1, np.nan, np.nan, np.nan])


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_balances_weighted_by_trade_cancel_and_the_largest_bound_the_index(random_year, seed):
    """Every export is an import; the squares of shares are at most the largest of them."""
    year = random_year(seed)
    flows = year.international[:, :, year.context.digital].sum(axis=2)
    balance = BY_NAME["digital_balance"].compute(year)
    trade = flows.sum(axis=0) + flows.sum(axis=1)
    assert np.nansum(balance * trade) == pytest.approx(0.0, abs=1e-9 * max(trade.sum(), 1.0))
    index, three = (
        BY_NAME[name].compute(year)
        for name in ("exporter_concentration", "three_largest_exporters")
    )
    known = np.isfinite(index)
    assert (index[known] <= three[known] + 1e-12).all()
