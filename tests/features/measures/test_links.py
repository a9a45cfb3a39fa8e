from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.measures.links import MEASURES, active_links, link_births, link_deaths
from features.measures.measure import PanelContext, TradeYear

BY_NAME = {measure.name: measure for measure in MEASURES}
seeds = st.integers(0, 2**32 - 1)


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_links_against_loops_over_flows(random_year, trade_rows, expect, seed):
    year = random_year(seed)
    active, births, deaths = {}, {}, {}
    for row in trade_rows(year).itertuples():
        if row.exporter == row.importer:
            continue
        active.setdefault(row.exporter, []).append(row.chance)
        if row.before:
            deaths.setdefault(row.exporter, []).append(1 - row.chance)
        else:
            births.setdefault(row.exporter, []).append(row.chance)
    for name, lists in (("active_links", active), ("link_births", births), ("link_deaths", deaths)):
        expect(year, BY_NAME[name], {key: sum(v) / len(v) for key, v in lists.items()})


def test_an_observed_year_counts_births_and_deaths():
    """Of three destinations FRA served two; one it gave up, the third it won."""
    codes = ("DEU", "FRA", "JPN", "USA")
    traded, before = np.zeros((2, 4, 4, 1), dtype=bool)
    before[1, [0, 1, 2]] = True
    traded[1, [0, 3]] = True
    context = PanelContext(codes, ("",), domestic=True)
    year = TradeYear(context, 10.0 * traded, traded.astype(float), before)
    assert active_links(year)[1] == 2 / 3
    assert link_births(year)[1] == 1.0
    assert link_deaths(year)[1] == 0.5
    assert np.isnan(link_deaths(year)[[0, 2, 3]]).all()


@hypothesis_settings(max_examples=25, deadline=None)
@given(seeds)
def test_what_was_traded_less_deaths_plus_births_is_traded(random_year, seed):
    """active n = before (1 - deaths) + (n - before) births, flow counts of an exporter."""
    year = random_year(seed)
    n = len(year.context.countries)
    abroad = ~np.eye(n, dtype=bool)[:, :, None]
    traded_before = (year.before & abroad).sum(axis=(1, 2))
    possible = (n - 1) * len(year.context.sectors)
    kept = traded_before * (1 - np.nan_to_num(link_deaths(year)))
    won = (possible - traded_before) * np.nan_to_num(link_births(year))
    np.testing.assert_allclose(active_links(year) * possible, kept + won, rtol=1e-9, atol=1e-12)


@hypothesis_settings(max_examples=15, deadline=None)
@given(seeds)
def test_nothing_born_or_dead_where_nothing_changed(random_year, seed):
    year = random_year(seed)
    still = replace(year, chance=year.before.astype(float))
    assert (np.nan_to_num(link_births(still)) == 0).all()
    assert (np.nan_to_num(link_deaths(still)) == 0).all()
