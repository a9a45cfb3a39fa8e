from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.catalogue import NAMES, origin_matrix
from features.choices import SETTINGS
from features.data.active_flows import active_panel
from features.data.flows import FlowIndex
from features.data.panel import KnownFlows, PanelNotes, TradePanel
from features.information import AsOfRule, DataBundle, InformationSet

YEARS = 12


def panel_of(seed: int, *, diagonal: bool = False, sectors: int = 2) -> TradePanel:
    """Five countries; half of the flows never trade, others start, stop and come back."""
    rng = np.random.default_rng(seed)
    flows = FlowIndex(
        ("ARG", "BRA", "CHL", "DEU", "ESP"), tuple(f"s{k}" for k in range(sectors)), diagonal
    )
    level = rng.normal(0, 2.0, flows.size) - 1.0
    latent = level + np.cumsum(rng.normal(0, 0.7, (YEARS, flows.size)), axis=0)
    values = np.where(latent > 0, 1e5 * np.exp(latent), 0.0).astype(np.float32)
    years = np.arange(2000, 2000 + YEARS, dtype=np.int32)
    return TradePanel(flows, years, values, None, PanelNotes(0, 0, 0, "zero"))


panels = st.builds(panel_of, st.integers(0, 2**32 - 1), diagonal=st.booleans())
rows = st.integers(0, YEARS - 1)
quick = hypothesis_settings(max_examples=30, deadline=None)


@quick
@given(panels, rows)
def test_the_flows_of_a_year_are_those_that_have_traded_by_then(panel, row):
    flows = active_panel(panel).flows.at(row)
    traded = np.flatnonzero((panel.values[: row + 1] > 0).any(axis=0))
    np.testing.assert_array_equal(np.sort(flows.cells), traded)
    for name in ("exporter", "importer", "sector", "exporter_margin", "importer_margin"):
        np.testing.assert_array_equal(
            getattr(flows, name), getattr(panel.flows, name)[flows.cells], err_msg=name
        )


@quick
@given(panels, rows)
def test_a_flow_is_found_by_its_keys_and_others_are_not(panel, row):
    every, flows = panel.flows, active_panel(panel).flows.at(row)
    place = flows.position(every.exporter, every.importer, every.sector)
    expected = np.full(every.size, -1)
    expected[flows.cells] = np.arange(flows.size)
    np.testing.assert_array_equal(place, expected)


@quick
@given(panels, rows)
def test_sums_planes_and_reverse_flows_are_those_of_all_flows(panel, row):
    every, flows, now = panel.flows, active_panel(panel).flows.at(row), panel.values[row]
    mine = now[flows.cells]
    for name in ("exporter_totals", "importer_totals", "country_exports"):
        np.testing.assert_allclose(
            getattr(flows, name)(mine), getattr(every, name)(now), rtol=1e-12, err_msg=name
        )
    np.testing.assert_allclose(flows.pair_totals(mine), every.pair_totals(now)[flows.cells], 1e-6)
    np.testing.assert_array_equal(flows.of_reverse(mine), every.of_reverse(now)[flows.cells])
    part = slice(1, 4)
    np.testing.assert_array_equal(flows.of_reverse(mine, part), flows.of_reverse(mine)[part])
    np.testing.assert_array_equal(flows.planes(mine), every.planes(now))
    np.testing.assert_array_equal(flows.flat(flows.planes(mine)), mine)


@quick
@given(panels, st.integers(1, YEARS - 2))
def test_later_years_change_neither_an_earlier_years_flows_nor_their_order(panel, row):
    values = panel.values.copy()
    values[row + 1 :] = np.random.default_rng(0).permuted(values[row + 1 :], axis=1)
    one, other = (active_panel(p).flows.at(row) for p in (panel, replace(panel, values=values)))
    np.testing.assert_array_equal(one.cells, other.cells)


def test_flows_that_never_trade_are_counted_as_known():
    panel = panel_of(1)
    panel.values[3, panel.flows.exporter == 2] = np.nan
    known, every = KnownFlows.of(active_panel(panel)), KnownFlows.of(panel)
    np.testing.assert_array_equal(known.exporter, every.exporter)
    np.testing.assert_array_equal(known.importer, every.importer)
    assert every.exporter[3, 4] == 0
    assert every.exporter[2, 4] == 4


def test_universes_are_equal_where_their_flows_are():
    flows = active_panel(panel_of(1)).flows
    assert flows == active_panel(panel_of(1)).flows
    assert flows.at(3) != flows
    assert len({flows, active_panel(panel_of(1)).flows}) == 1


# Features --------------------------------------------------------------------------------------


def matrix(panel: TradePanel, origin: int, setting: str = "totals_known") -> np.ndarray:
    info = InformationSet(
        DataBundle(panel), as_of=AsOfRule().date(origin), origin=origin, setting=setting
    )
    return origin_matrix(info)


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("origin", [2001, 2004, 2010])
def test_features_of_a_flow_are_those_it_has_among_all_flows(diagonal, origin):
    panel = panel_of(7, diagonal=diagonal)
    active = active_panel(panel)
    cells = active.flows.at(active.row(origin)).cells
    assert 0 < cells.size < active.flows.size or origin == 2010
    every, mine = matrix(panel, origin)[cells], matrix(active, origin)
    for name, column, expected in zip(NAMES, mine.T, every.T, strict=True):
        np.testing.assert_allclose(column, expected, rtol=1e-4, atol=1e-5, err_msg=name)


@hypothesis_settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2002, 2009), st.sampled_from(SETTINGS))
def test_no_feature_moves_with_flows_that_first_trade_later(seed, origin, setting):
    panel = panel_of(seed)
    values, rng = panel.values.copy(), np.random.default_rng(seed)
    late = values[panel.row(origin) + 1 :]
    late[:] = np.where(rng.random(late.shape) < 0.5, rng.lognormal(12, 2, late.shape), 0.0)
    moved = active_panel(replace(panel, values=values))
    found, expected = matrix(moved, origin, setting), matrix(active_panel(panel), origin, setting)
    assert found.tobytes() == expected.tobytes()
