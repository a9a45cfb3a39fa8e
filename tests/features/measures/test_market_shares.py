from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.measures.market_shares import MEASURES

BY_NAME = {measure.name: measure for measure in MEASURES}
seeds = st.integers(0, 2**32 - 1)


def by_row(rows, one, other):
    """Share of every ``(one, other)`` in what ``one`` trades abroad, row by row."""
    total, part = {}, {}
    for row in rows.itertuples():
        if row.exporter != row.importer:
            key = getattr(row, one)
            total[key] = total.get(key, 0.0) + row.value
            pair = (key, getattr(row, other))
            part[pair] = part.get(pair, 0.0) + row.value
    return {pair: value / total[pair[0]] for pair, value in part.items() if total[pair[0]] > 0}


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_structures_are_each_sectors_share_of_trade_abroad(random_year, trade_rows, expect, seed):
    year = random_year(seed)
    rows = trade_rows(year)
    expect(year, BY_NAME["export_structure"], by_row(rows, "exporter", "sector"))
    expect(year, BY_NAME["import_structure"], by_row(rows, "importer", "sector"))


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_market_share_is_of_the_importers_imports(random_year, trade_rows, expect, seed):
    year = random_year(seed)
    shares = by_row(trade_rows(year), "importer", "exporter")
    expected = {(exporter, importer): share for (importer, exporter), share in shares.items()}
    # A country is no supplier of its own, but has a cell.
    for importer in {importer for importer, _ in shares}:
        expected[importer, importer] = 0.0
    expect(year, BY_NAME["market_share"], expected)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_shares_sum_to_one_where_there_is_trade(random_year, seed):
    year = random_year(seed)
    for name, axis in (("export_structure", 1), ("import_structure", 1), ("market_share", 0)):
        total = BY_NAME[name].compute(year).sum(axis=axis)
        np.testing.assert_allclose(total[np.isfinite(total)], 1.0, rtol=1e-12)
