from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.measures.comparative_advantage import MEASURES, balassa, revealed_advantage
from features.measures.measure import PanelContext, TradeYear

seeds = st.integers(0, 2**32 - 1)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_the_index_is_the_share_in_exports_over_that_of_the_world(
    random_year, trade_rows, expect, seed
):
    year = random_year(seed)
    rows = trade_rows(year)
    abroad = rows[rows["exporter"] != rows["importer"]]
    world = abroad["value"].sum()
    expected = {}
    for country in year.context.countries:
        own = abroad[abroad["exporter"] == country]
        for sector in year.context.sectors:
            of_sector = abroad.loc[abroad["sector"] == sector, "value"].sum()
            if own["value"].sum() > 0 and of_sector > 0:
                share = own.loc[own["sector"] == sector, "value"].sum() / own["value"].sum()
                rca = share / (of_sector / world)
                expected[country, sector] = (rca - 1) / (rca + 1)
    expect(year, MEASURES[0], expected)


def test_a_hand_worked_case():
    """FRA exports 30 of a and 10 of b, USA 10 of a and 50 of b; domestic sales are no exports."""
    context = PanelContext(("FRA", "USA"), ("a", "b"), domestic=True)
    values = np.array([[[900.0, 1.0], [30.0, 10.0]], [[10.0, 50.0], [5.0, 700.0]]])
    year = TradeYear(context, values, (values > 0).astype(float), values > 0)
    # World: 40 % a, 60 % b. FRA: 75 % a, USA: 1/6 a.
    expected = np.array([[0.75 / 0.4, 0.25 / 0.6], [(1 / 6) / 0.4, (5 / 6) / 0.6]])
    np.testing.assert_allclose(balassa(year), expected, rtol=1e-12)
    assert (revealed_advantage(year) > MEASURES[0].threshold).tolist() == [
        [True, False],
        [False, True],
    ]
    assert revealed_advantage(year)[0, 0] == pytest.approx(0.875 / 2.875)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_it_is_minus_one_without_exports_and_zero_at_the_worlds_share(random_year, seed):
    year = random_year(seed)
    found = revealed_advantage(year)
    exports = year.international.sum(axis=1)
    nothing = (exports == 0) & np.isfinite(found)
    assert (found[nothing] == -1).all()
    assert (found[~np.isnan(found) & ~nothing] > -1).all()
    # Weighted by the world's shares, Balassa's index averages 1 in every country.
    mean = np.nansum(balassa(year) * exports.sum(axis=0), axis=1)
    trading = exports.sum(axis=1) > 0
    np.testing.assert_allclose(mean[trading], exports.sum(), rtol=1e-9)
