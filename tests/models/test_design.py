from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.catalogue import NAMES
from features.data.flows import FlowIndex
from features.data.panel import PanelNotes, TradePanel
from features.information import AsOfRule, DataBundle, InformationSet
from models.design import (
    HORIZON_COLUMN,
    Design,
    at_horizon,
    grow,
    midpoint_growth,
    origin_value,
    pattern_base,
    training_design,
)

quick = hypothesis_settings(max_examples=50, deadline=None)
amounts = st.floats(1e-3, 1e12)
HORIZONS = (1, 2, 3)


def panel_of(values: np.ndarray, *, first_year: int = 2000) -> TradePanel:
    """A panel of three countries from ``[year, flow]``."""
    years = np.arange(first_year, first_year + len(values), dtype=np.int32)
    flows = FlowIndex(("AAA", "AAB", "AAC"))
    return TradePanel(flows, years, np.float32(values), None, PanelNotes(0, 0, 0, "missing"))


@pytest.fixture(scope="module")
def panel() -> TradePanel:
    """Twelve years of five countries; few zeros, so that every year's totals can be raked to."""
    rng = np.random.default_rng(0)
    flows = FlowIndex(("AAA", "AAB", "AAC", "AAD", "AAE"))
    values = rng.lognormal(12, 1, flows.size) * np.exp(rng.normal(0, 0.2, (12, flows.size)))
    values[:, 3] = 0
    values[[4, 6], 11] = 0
    values[[2, 7, 8], [5, 5, 14]] = np.nan
    years = np.arange(1999, 2011, dtype=np.int32)
    return TradePanel(flows, years, np.float32(values), None, PanelNotes(0, 0, 0, "missing"))


def cut(panel: TradePanel, last_year: int) -> TradePanel:
    keep = panel.row(last_year) + 1
    return replace(panel, years=panel.years[:keep], values=panel.values[:keep])


def matrices_of(panel: TradePanel, *, settings: int = 2) -> dict[int, list[np.ndarray]]:
    """Random features that tell flow, origin and setting apart."""
    return {
        int(origin): [
            np.random.default_rng((int(origin), setting))
            .random((panel.flows.size, len(NAMES)))
            .astype(np.float32)
            for setting in range(settings)
        ]
        for origin in panel.years[1:-1]
    }


def design_of(
    panel: TradePanel, *, max_flows: int = 10**6, seed: int = 0, threads: int = 1
) -> Design:
    matrices = matrices_of(panel)
    return training_design(
        panel, matrices.__getitem__, origins=matrices, horizons=HORIZONS, last_year=panel.last_year,
        max_flows=max_flows, seed=seed, threads=threads,
    )  # fmt: skip


def same(left: Design, right: Design) -> None:
    for name in Design.__slots__:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), err_msg=name)


# Midpoint growth -------------------------------------------------------------------------------


@quick
@given(amounts, st.one_of(st.just(0.0), st.floats(1e-3, 3_900)))
def test_growing_by_the_midpoint_growth_gives_the_flow_back(base, times):
    now, then = np.array([base * times]), np.array([base])
    np.testing.assert_allclose(grow(then, midpoint_growth(now, then)), now, rtol=1e-8)


@quick
@given(amounts, st.floats(-2, 1.999))
def test_the_midpoint_growth_of_a_grown_flow_is_what_it_grew_by(base, shift):
    then, growth = np.array([base]), np.array([shift])
    np.testing.assert_allclose(midpoint_growth(grow(then, growth), then), growth, atol=1e-12)


@quick
@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_midpoint_growth_is_bounded_and_its_own_mirror(now, then):
    growth = midpoint_growth(np.array([now]), np.array([then]))
    assert -2 <= growth[0] <= 2
    np.testing.assert_array_equal(midpoint_growth(np.array([then]), np.array([now])), -growth)


def test_births_deaths_and_nothing_at_all():
    growth = midpoint_growth(np.array([5.0, 0.0, 0.0, 3.0]), np.array([0.0, 5.0, 0.0, 1.0]))
    np.testing.assert_array_equal(growth, [2, -2, 0, 1])
    np.testing.assert_array_equal(grow(np.array([0.0, 5.0, 0.0]), growth[:3]), [0, 0, 0])


@pytest.mark.parametrize("shift", [2.0, 5.0, -7.0])
def test_growth_beyond_its_range_stays_finite_and_not_negative(shift):
    grown = grow(np.array([1.0]), np.array([shift]))
    assert np.isfinite(grown).all()
    assert (grown >= 0).all()


# What a base starts from -----------------------------------------------------------------------


def test_an_unknown_flow_takes_its_last_value_of_three_years_or_zero():
    nan = np.nan
    values = np.array(
        [
            [9, 9, 9, 9, 9, 9],
            [1, 9, 9, 9, 4, nan],
            [1, 9, 9, 3, nan, nan],
            [1, 9, 2, nan, nan, nan],
            [1, 0, nan, nan, nan, nan],
        ]
    )
    data = DataBundle(panel_of(values))
    info = InformationSet(data, as_of=AsOfRule().date(2004))
    np.testing.assert_array_equal(origin_value(info), [1, 0, 2, 3, 4, 0])


def test_the_base_of_training_has_the_totals_of_the_target_year(panel):
    flows = panel.flows
    base = pattern_base(panel, origin=2004, horizon=3)
    target = panel.values[panel.row(2007)]
    for totals in (flows.exporter_totals, flows.importer_totals):
        np.testing.assert_allclose(totals(base), totals(target), rtol=1e-5)


@pytest.mark.parametrize("unknown", [1, 2], ids=["at the origin", "in the target year"])
def test_a_world_that_does_not_change_has_no_shift_whatever_is_unknown(unknown):
    values = np.tile([10.0, 20, 30, 40, 50, 60], (3, 1))
    values[unknown, 0] = np.nan
    base = pattern_base(panel_of(values), origin=2001, horizon=1)
    known = ~np.isnan(values[unknown])
    shift = midpoint_growth(values[2], base)
    np.testing.assert_allclose(shift[known], 0, atol=1e-5)


# The design ------------------------------------------------------------------------------------


def test_rows_are_every_known_target_with_its_features_base_and_shift(panel):
    design, matrices = design_of(panel), matrices_of(panel)
    blocks = sorted(
        ((o, h) for o in matrices for h in HORIZONS if o + h <= panel.last_year),
        key=lambda block: (sum(block), block),
    )
    start = 0
    used = set()
    for origin, horizon in blocks:
        target = panel.values[panel.row(origin + horizon)]
        base = pattern_base(panel, origin=origin, horizon=horizon)
        start_year = panel.values[panel.row(origin)]
        for flow in np.flatnonzero(~np.isnan(target) & ~np.isnan(start_year)):
            assert design.origin[start] == origin
            assert design.target_year[start] == origin + horizon
            assert design.base[start] == np.float32(base[flow])
            assert design.traded[start] == (target[flow] > 0)
            expected = midpoint_growth(target[[flow]], base[[flow]])
            np.testing.assert_allclose(design.shift[start], expected[0], rtol=1e-6)
            row = design.features[start].copy()
            assert row[HORIZON_COLUMN] == horizon
            fits = []
            for matrix in matrices[origin]:
                candidate = matrix[flow].copy()
                candidate[HORIZON_COLUMN] = horizon
                fits.append(bool((candidate == row).all()))
            assert sum(fits) == 1
            used.add(fits.index(True))
            start += 1
    assert start == design.shift.size
    assert used == {0, 1}


def test_until_is_a_prefix_that_copies_nothing(panel):
    design = design_of(panel)
    assert (np.diff(design.target_year) >= 0).all()
    for year in range(panel.first_year, panel.last_year + 2):
        part = design.until(year)
        size = int((design.target_year <= year).sum())
        for name in Design.__slots__:
            whole, some = getattr(design, name), getattr(part, name)
            assert some.shape[0] == size
            np.testing.assert_array_equal(some, whole[:size])
            assert size == 0 or np.shares_memory(some, whole)


@pytest.mark.parametrize("year", [2003, 2006, 2009])
def test_the_design_of_a_longer_panel_begins_with_that_of_a_shorter_one(panel, year):
    same(design_of(panel).until(year), design_of(cut(panel, year)))


def test_a_design_that_is_small_enough_is_not_thinned(panel):
    rows = design_of(panel)
    size = rows.shift.size
    assert rows.thinned(max_rows=size, seed=1) is rows
    fewer = rows.thinned(max_rows=size - 1, seed=1)
    assert fewer.shift.size == size - 1
    assert (np.diff(fewer.target_year) >= 0).all()


def test_a_thinned_design_of_a_longer_panel_begins_with_that_of_a_shorter_one(panel):
    same(design_of(panel, max_flows=7).until(2006), design_of(cut(panel, 2006), max_flows=7))


@hypothesis_settings(max_examples=20, deadline=None)
@given(st.integers(2002, 2009), st.integers(0, 2**32 - 1), st.sampled_from([7, 10**6]))
def test_nothing_after_a_year_changes_the_rows_up_to_it(panel, year, seed, max_flows):
    rng = np.random.default_rng(seed)
    values = panel.values.copy()
    late = values[panel.row(year) + 1 :]
    late *= rng.lognormal(0, 0.5, late.shape).astype(np.float32)
    late[rng.random(late.shape) < 0.02] = np.nan
    moved = replace(panel, values=values)
    same(
        design_of(panel, max_flows=max_flows).until(year),
        design_of(moved, max_flows=max_flows).until(year),
    )


def test_thinning_takes_as_many_flows_of_every_block_and_no_flow_twice(panel):
    design = design_of(panel, max_flows=7)
    _, counts = np.unique(np.stack([design.origin, design.target_year]), axis=1, return_counts=True)
    assert set(counts) == {7}
    rows = np.column_stack([design.features[:, 0], design.origin, design.target_year])
    assert len(np.unique(rows, axis=0)) == len(rows)


def test_the_same_seed_gives_the_same_design_and_another_another(panel):
    first, again, other = (design_of(panel, max_flows=7, seed=seed) for seed in (1, 1, 2))
    same(first, again)
    assert not np.array_equal(first.features, other.features)


def test_threads_fill_the_same_design(panel, monkeypatch):
    one = design_of(panel, max_flows=7)
    monkeypatch.setattr("models.design.LARGE_BLOCK", 0)
    same(one, design_of(panel, max_flows=7, threads=4))


def test_without_a_target_year_there_is_no_design(panel):
    with pytest.raises(ValueError, match="no origin has a target year up to 1999"):
        training_design(
            panel, matrices_of(panel).__getitem__, origins=range(2000, 2010), horizons=(1,),
            last_year=1999, seed=0,
        )  # fmt: skip


def test_filling_in_the_horizon_leaves_the_origin_matrix_alone():
    matrix = np.full((4, len(NAMES)), np.nan, dtype=np.float32)
    rows = at_horizon(matrix, 3)
    assert (rows[:, HORIZON_COLUMN] == 3).all()
    assert np.isnan(matrix).all()
    assert np.isnan(np.delete(rows, HORIZON_COLUMN, axis=1)).all()


@given(year=st.integers(1999, 2012), seed=st.integers(0, 50))
def test_no_origin_is_on_both_sides_of_a_split(year, seed):
    rng = np.random.default_rng(seed)
    target = np.sort(rng.integers(2000, 2011, 200)).astype(np.int32)
    origin = target - rng.integers(1, 4, 200).astype(np.int32)
    numbers = np.arange(200, dtype=np.float32)
    design = Design(numbers[:, None], numbers, numbers, numbers > 0, origin, target)
    past, later = design.split(year)
    assert set(past.shift) == set(numbers[target <= year])
    assert set(later.shift) == set(numbers[origin >= year])
    assert not set(past.origin) & set(later.origin)
