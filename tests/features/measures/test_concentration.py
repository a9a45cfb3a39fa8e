from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.measures.concentration import MEASURES, herfindahl
from features.measures.measure import PanelContext, TradeYear

BY_NAME = {measure.name: measure for measure in MEASURES}
seeds = st.integers(0, 2**32 - 1)


def partner_shares(rows, whose, partner, *, sector):
    """Shares of the partners of every country (and sector) that trades, as lists."""
    shares = {}
    abroad = rows[rows["exporter"] != rows["importer"]]
    for key, block in abroad.groupby([whose, "sector"] if sector else whose):
        values = [part["value"].sum() for _, part in block.groupby(partner)]
        if sum(values) > 0:
            shares[key] = [value / sum(values) for value in values]
    return shares


def normalised(shares, n):
    hhi = sum(share * share for share in shares)
    return 1.0 if n == 1 else (hhi - 1 / n) / (1 - 1 / n)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_all_against_loops(random_year, trade_rows, expect, seed):
    year = random_year(seed)
    rows, n = trade_rows(year), len(year.context.countries) - 1
    suppliers = partner_shares(rows, "importer", "exporter", sector=False)
    by_sector = partner_shares(rows, "importer", "exporter", sector=True)
    markets = partner_shares(rows, "exporter", "importer", sector=False)
    for name, shares, index in (
        ("supplier_concentration", suppliers, lambda s: normalised(s, n)),
        ("supplier_concentration_by_sector", by_sector, lambda s: normalised(s, n)),
        ("market_concentration", markets, lambda s: normalised(s, n)),
        ("effective_suppliers", suppliers, lambda s: 1 / sum(x * x for x in s)),
        ("largest_supplier", suppliers, max),
        ("largest_supplier_by_sector", by_sector, max),
    ):
        expect(year, BY_NAME[name], {key: index(values) for key, values in shares.items()})


@pytest.mark.parametrize("partners", [2, 5, 40])
def test_even_partners_have_no_concentration_and_a_single_one_has_all(partners):
    even = np.full((partners, 1), 1 / partners)
    alone = np.eye(partners)[:, :1]
    assert herfindahl(even, partners=partners) == pytest.approx(0.0, abs=1e-12)
    assert herfindahl(alone, partners=partners) == pytest.approx(1.0)


def test_of_two_countries_the_one_that_imports_nothing_has_no_concentration():
    values = np.zeros((2, 2, 1))
    values[0, 1] = 5.0
    context = PanelContext(("FRA", "USA"), ("",), domestic=False)
    year = TradeYear(context, values, (values > 0).astype(float), values > 0)
    np.testing.assert_array_equal(BY_NAME["supplier_concentration"].compute(year), [np.nan, 1.0])
    np.testing.assert_array_equal(BY_NAME["market_concentration"].compute(year), [1.0, np.nan])


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_effective_suppliers_lie_between_one_and_those_possible(random_year, seed):
    year = random_year(seed)
    found = BY_NAME["effective_suppliers"].compute(year)
    largest = BY_NAME["largest_supplier"].compute(year)
    known = np.isfinite(found)
    assert (found[known] >= 1 - 1e-12).all()
    assert (found[known] <= len(year.context.countries) - 1 + 1e-9).all()
    assert (largest[known] >= 1 / found[known] - 1e-12).all()
