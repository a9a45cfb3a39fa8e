"""Moving a table to other flows: margins, what stays, a slow fitting, cases without a fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.input_output import InputOutputTable
from features.measures.value_chains import value_chains
from models.table_update import LEAST_FINAL, update_table

SEEDS = st.integers(0, 10**6)
MANY = hypothesis_settings(max_examples=60, deadline=None)


def draw_table(seed: int, *, zeros: float = 0.0, falling: float = 0.0) -> InputOutputTable:
    """No sector takes more than its output, but where inventories fall.

    `zeros` is the share of cells without a sale, `falling` that of negative final cells.
    """
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(2, 5)), int(rng.integers(1, 5))
    intermediate = rng.lognormal(15, 1, (n * k, n * k)) * (rng.random((n * k, n * k)) >= zeros)
    final = rng.lognormal(15, 1, (n * k, n)) * (rng.random((n * k, n)) >= zeros)
    final[np.arange(n * k), np.repeat(np.arange(n), k)] += intermediate.sum(axis=0)
    fall = rng.random((n * k, n)) < falling
    final = np.where(fall, -0.2 * rng.random((n * k, n)) * intermediate.mean(), final)
    return InputOutputTable(
        2000, tuple(f"C{c}" for c in range(n)), tuple(f"s{s}" for s in range(k)),
        intermediate, final,
    )  # fmt: skip


def moved_flows(table: InputOutputTable, seed: int, *, spread: float = 0.3) -> np.ndarray:
    flows = np.maximum(table.flows(), 0.0)
    return flows * np.random.default_rng(seed + 1).lognormal(0.2, spread, flows.shape)


def uses_of(table: InputOutputTable, importer: int) -> np.ndarray:
    """What every sector sells to a country's sectors and to its final use, ``[row, use]``."""
    k = len(table.sectors)
    here = slice(importer * k, importer * k + k)
    return np.column_stack([table.intermediate[:, here], table.final[:, importer]])


def input_shares(table: InputOutputTable) -> np.ndarray:
    output, bought = table.output, table.intermediate.sum(axis=0)
    return np.divide(bought, output, out=np.zeros_like(bought), where=output > 0)


def assert_rows(found: InputOutputTable, flows: np.ndarray) -> None:
    np.testing.assert_allclose(found.flows(), flows, rtol=1e-12, atol=0)


# What holds for every table ---------------------------------------------------------------------


@MANY
@given(SEEDS, st.sampled_from([0.0, 0.3, 0.7]), st.sampled_from([0.0, 0.3]))
def test_rows_hold_exactly_and_nothing_is_negative(seed, zeros, falling):
    table = draw_table(seed, zeros=zeros, falling=falling)
    flows = moved_flows(table, seed, spread=1.0)
    flows[np.random.default_rng(seed + 2).random(flows.shape) < zeros] = 0.0
    found = update_table(table, flows)
    assert_rows(found, flows)
    assert (found.intermediate >= 0).all()
    assert (found.final >= 0).all()
    assert (found.year, found.countries, found.sectors) == (2000, table.countries, table.sectors)


@MANY
@given(SEEDS)
def test_sectors_keep_their_input_shares(seed):
    table = draw_table(seed)
    found = update_table(table, moved_flows(table, seed))
    assume(found.notes.short_of_final_use == 0)
    np.testing.assert_allclose(input_shares(found), input_shares(table), rtol=1e-8, atol=1e-8)
    assert found.notes.largest_input_gap <= 1e-8
    value_chains(found)


@MANY
@given(SEEDS, st.sampled_from([0.0, 0.5]), st.sampled_from([0.0, 0.3]))
def test_the_notes_tell_the_distance_from_the_input_shares(seed, zeros, falling):
    """Where zeros leave no fit inputs miss their shares: by how much is in the notes."""
    table = draw_table(seed, zeros=zeros, falling=falling)
    flows = moved_flows(table, seed, spread=1.0)
    found = update_table(table, flows)
    n, k = len(table.countries), len(table.sectors)
    worst = 0.0
    for c in range(n):
        used = flows[:, c].sum()
        for s in range(k):
            j = c * k + s
            before = table.output[j]
            share = table.intermediate[:, j].sum() / before if before > 0 else 0.0
            wanted = share * flows[c, :, s].sum()
            worst = max(worst, abs(found.intermediate[:, j].sum() - wanted) / max(used, 1e-300))
    assert found.notes.largest_input_gap == pytest.approx(worst, rel=1e-6, abs=1e-12)


@MANY
@given(SEEDS, st.sampled_from([0.0, 0.4]))
@example(94, 0.4)  # Rounding: a country whose final use is only what nothing else takes.
def test_own_flows_give_the_table_back(seed, zeros):
    table = draw_table(seed, zeros=zeros)
    found = update_table(table, table.flows())
    largest = table.output.max()
    np.testing.assert_allclose(found.intermediate, table.intermediate, atol=1e-8 * largest)
    np.testing.assert_allclose(found.final, table.final, atol=1e-8 * largest)
    assert found.notes.flows_without_use == found.notes.short_of_final_use == 0


@MANY
@given(SEEDS)
def test_own_flows_differ_from_the_table_by_falling_inventories_only(seed):
    table = draw_table(seed, falling=0.3)
    flows = table.flows()
    assume((flows >= 0).all())
    found = update_table(table, flows)
    fallen = -np.minimum(table.final, 0.0).sum()
    moved = np.abs(found.final - np.maximum(table.final, 0.0)).sum()
    moved += np.abs(found.intermediate - table.intermediate).sum()
    # What falls is taken from a row's other uses, and the columns that lose it get it back.
    assert moved <= 4 * fallen + 1e-6 * table.output.sum()
    if found.notes.largest_input_gap < 1e-8:
        np.testing.assert_allclose(input_shares(found), input_shares(table), atol=1e-6)


@MANY
@given(SEEDS, st.floats(1e-3, 1e3))
def test_scaled_flows_scale_the_table(seed, factor):
    table = draw_table(seed, zeros=0.2)
    flows = moved_flows(table, seed)
    found, scaled = update_table(table, flows), update_table(table, factor * flows)
    largest = factor * found.output.max()
    np.testing.assert_allclose(
        scaled.intermediate, factor * found.intermediate, rtol=1e-6, atol=1e-8 * largest
    )
    np.testing.assert_allclose(scaled.final, factor * found.final, rtol=1e-6, atol=1e-8 * largest)


@MANY
@given(SEEDS)
def test_zeros_stay(seed):
    table = draw_table(seed, zeros=0.5)
    found = update_table(table, moved_flows(table, seed))
    assert not found.intermediate[table.intermediate == 0].any()
    assert not found.final[table.final == 0].any()
    assert found.notes.flows_without_use == 0


@MANY
@given(SEEDS)
def test_a_table_that_has_the_flows_stays(seed):
    table = draw_table(seed)
    flows = moved_flows(table, seed)
    once = update_table(table, flows)
    assume(once.notes.short_of_final_use == 0)
    twice = update_table(once, flows)
    np.testing.assert_allclose(
        twice.intermediate, once.intermediate, rtol=1e-6, atol=1e-8 * once.output.max()
    )


@MANY
@given(SEEDS)
def test_the_order_of_countries_does_not_matter(seed):
    table = draw_table(seed, zeros=0.2)
    flows = moved_flows(table, seed)
    n, k = len(table.countries), len(table.sectors)
    order = np.random.default_rng(seed).permutation(n)
    rows = (order[:, None] * k + np.arange(k)).ravel()
    other = replace(
        table,
        intermediate=table.intermediate[np.ix_(rows, rows)],
        final=table.final[np.ix_(rows, order)],
    )
    found, reordered = update_table(table, flows), update_table(other, flows[np.ix_(order, order)])
    np.testing.assert_allclose(
        reordered.intermediate, found.intermediate[np.ix_(rows, rows)],
        rtol=1e-6, atol=1e-8 * found.output.max(),
    )  # fmt: skip


# What a biproportional fitting is ---------------------------------------------------------------


def slow_fit(uses: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Rows and columns scaled in turn, until nothing moves."""
    fitted = uses.copy()
    for _ in range(5_000):
        before = fitted.copy()
        for j, total in enumerate(columns):
            fitted[:, j] *= total / fitted[:, j].sum()
        for i, total in enumerate(rows):
            fitted[i] *= total / fitted[i].sum()
        if np.abs(fitted - before).max() <= 1e-14 * fitted.max():
            break
    return fitted


@hypothesis_settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_each_country_is_fitted_as_a_slow_loop_fits_it(seed):
    table = draw_table(seed)
    flows = moved_flows(table, seed)
    found = update_table(table, flows)
    assume(found.notes.short_of_final_use == 0)
    n, k = len(table.countries), len(table.sectors)
    for c in range(n):
        rows = flows[:, c].ravel()
        bought = input_shares(table)[c * k : c * k + k] * flows[c].sum(axis=0)
        columns = np.append(bought, rows.sum() - bought.sum())
        expected = slow_fit(uses_of(table, c), rows, columns)
        np.testing.assert_allclose(
            uses_of(found, c), expected, rtol=1e-5, atol=1e-8 * expected.max()
        )


@MANY
@given(SEEDS)
def test_cells_move_by_a_factor_of_their_row_and_one_of_their_use(seed):
    """What a fitting keeps: how one seller's uses in a country differ from another's."""
    table = draw_table(seed)
    found = update_table(table, moved_flows(table, seed))
    for c in range(len(table.countries)):
        change = np.log(uses_of(found, c) / uses_of(table, c))
        change -= change.mean(axis=0)
        change -= change.mean(axis=1)[:, None]
        np.testing.assert_allclose(change, 0.0, atol=1e-9)


# Cases without a fit, worked by hand ------------------------------------------------------------


@pytest.fixture
def exporter_and_buyer() -> InputOutputTable:
    """A sells 60 to itself, 20 to its households, 20 to B's; B sells 10 to its own households.

    A's inputs are .6 of its output.
    """
    return InputOutputTable(
        2000, ("A", "B"), ("goods",),
        np.array([[60.0, 0.0], [0.0, 0.0]]), np.array([[20.0, 20.0], [0.0, 10.0]]),
    )  # fmt: skip


def flows_of(a_to_a: float, a_to_b: float, b_to_a: float, b_to_b: float) -> np.ndarray:
    return np.array([[[a_to_a], [a_to_b]], [[b_to_a], [b_to_b]]])


def test_a_flow_that_had_no_use_goes_to_final_use(exporter_and_buyer):
    found = update_table(exporter_and_buyer, flows_of(80, 20, 7, 10))
    np.testing.assert_allclose(found.final, [[20.0, 20.0], [7.0, 10.0]], rtol=1e-8)
    np.testing.assert_allclose(found.intermediate, [[60.0, 0.0], [0.0, 0.0]], rtol=1e-8)
    assert found.notes.flows_without_use == 1
    assert found.notes.largest_input_gap == pytest.approx(0, abs=1e-8)


def test_inputs_leave_final_use_its_least_share(exporter_and_buyer):
    """A's exports grow fivefold: it would take .6 x 140 = 84 of the 40 it has for all its uses.

    Final use was 20 of 80; it keeps half of that share: 5 of 40, and inputs get the other 35.
    """
    found = update_table(exporter_and_buyer, flows_of(40, 100, 0, 10))
    assert LEAST_FINAL == 0.5
    np.testing.assert_allclose(found.final, [[5.0, 100.0], [0.0, 10.0]], rtol=1e-8)
    np.testing.assert_allclose(found.intermediate, [[35.0, 0.0], [0.0, 0.0]], rtol=1e-8)
    assert found.notes.short_of_final_use == 1
    assert found.notes.largest_input_gap == pytest.approx((84 - 35) / 40, rel=1e-8)


def test_what_a_sector_without_output_took_goes_to_final_use():
    """A's 5 of goods were inputs of B, which will make nothing: B's households take them."""
    table = InputOutputTable(
        2000, ("A", "B"), ("goods",),
        np.array([[0.0, 5.0], [0.0, 0.0]]), np.array([[20.0, 0.0], [0.0, 10.0]]),
    )  # fmt: skip
    found = update_table(table, flows_of(20, 5, 0, 0))
    np.testing.assert_allclose(found.final, [[20.0, 5.0], [0.0, 0.0]])
    assert not found.intermediate.any()
    assert found.notes.flows_without_use == 1


def test_inputs_of_a_sector_whose_suppliers_are_gone_are_not_made_up():
    """B made goods of A's goods; A sells it none: B's inputs are nothing, and the notes say so."""
    table = InputOutputTable(
        2000, ("A", "B"), ("goods",),
        np.array([[0.0, 5.0], [0.0, 0.0]]), np.array([[20.0, 0.0], [0.0, 10.0]]),
    )  # fmt: skip
    found = update_table(table, flows_of(20, 0, 0, 10))
    assert not found.intermediate.any()
    np.testing.assert_allclose(found.final, [[20.0, 0.0], [0.0, 10.0]])
    assert found.notes.largest_input_gap == pytest.approx(0.5)


def test_a_seller_with_one_buyer_sells_to_it_however_much_too_much_it_is():
    """A sells to B's sector alone, a hundred times what B's input share of .01 asks for."""
    table = InputOutputTable(
        2000, ("A", "B"), ("goods",),
        np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 100.0]]),
    )  # fmt: skip
    flows = flows_of(0, 100, 0, 100)
    found = update_table(table, flows)
    assert_rows(found, flows)
    assert found.intermediate[0, 1] == pytest.approx(100)
    assert found.notes.largest_input_gap == pytest.approx(99 / 200)


def test_a_world_without_flows_has_an_empty_table(exporter_and_buyer):
    found = update_table(exporter_and_buyer, flows_of(0, 0, 0, 0))
    assert not found.intermediate.any()
    assert not found.final.any()


def test_inputs_are_cut_to_what_final_use_alone_does_not_take(exporter_and_buyer):
    """A wants .6 x 80 = 48 of 70, within its least final use, but households alone take B's 30."""
    found = update_table(exporter_and_buyer, flows_of(40, 40, 30, 10))
    # None of A's own goods may then be final use, a bound that scaling comes to slowly.
    assert found.intermediate[0, 0] == pytest.approx(40.0, rel=5e-3)
    np.testing.assert_allclose(found.final[1], [30.0, 10.0], rtol=1e-12)
    assert found.notes.short_of_final_use == 1
    assert found.notes.largest_input_gap == pytest.approx(8 / 70, rel=2e-2)


def test_a_sector_without_suppliers_leaves_the_others_their_inputs():
    """What it would have bought is final use, not spread over whoever has suppliers."""
    rng = np.random.default_rng(6)
    intermediate = rng.lognormal(0, 1, (6, 6))
    # A's first sector takes its own goods alone, and A sells itself no more of them.
    intermediate[1:, 0] = 0.0
    table = InputOutputTable(
        2000, ("A", "B", "C"), ("goods", "services"), intermediate, rng.uniform(5, 20, (6, 3))
    )
    flows = table.flows()
    flows[0, 0, 0] = 0.0
    found = update_table(table, flows)
    assert not found.intermediate[:, 0].any()
    np.testing.assert_allclose(
        (found.intermediate.sum(axis=0) / found.output)[1:],
        (table.intermediate.sum(axis=0) / table.output)[1:],
        rtol=1e-7,
    )
