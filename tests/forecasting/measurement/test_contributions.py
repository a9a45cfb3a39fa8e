"""Contributions to measures: they add up, are exact for linear measures, and have no order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.measures.measure import Measure
from forecasting.explanation.explain import flow_keys
from forecasting.explanation.terms import TOTAL_TERMS
from forecasting.measurement.contribution_terms import (
    TERMS,
    TO_BASE,
    pattern,
    sizes,
    technology,
    term_summary,
)
from forecasting.measurement.contributions import FlowParts, contributions, flow_parts
from forecasting.measurement.measure_set import unit_table

ORIGIN = 2010
KEYS = ["measure", "country", "partner", "sector"]
BASE_TERMS = ("total:world", "total:exporter", "stops")
SHIFT_TERMS = ("net:persistence", "net:trade_costs", "net:automation", "stops")


def draw_parts(measure_set, panel, seed: int) -> FlowParts:
    """Flows of the origin moved twice, some small ones to 0, each change split at random."""
    rng = np.random.default_rng(seed)
    origin = measure_set.cube(panel.values[panel.row(ORIGIN)])
    base = origin * rng.lognormal(0.1, 0.1, origin.shape)
    forecast = base * rng.lognormal(0, 0.1, base.shape)
    # As in a forecast, no flow stops that is much of a total.
    small = base < 0.03 * base.sum(axis=0)
    forecast[small & (rng.random(base.shape) < 0.5)] = 0.0

    def split(change: np.ndarray, terms: tuple[str, ...], size: np.ndarray):
        pieces = {term: rng.normal(0, 0.1, size.shape) * size for term in terms[:-1]}
        return {**pieces, terms[-1]: change - sum(pieces.values())}

    return FlowParts(
        origin, base, forecast,
        split(base - origin, BASE_TERMS, origin), split(forecast - base, SHIFT_TERMS, forecast),
    )  # fmt: skip


@pytest.fixture(scope="module")
def panel(chain_bundle):
    return chain_bundle.panel


@pytest.fixture(scope="module")
def others(measure_set):
    """Measures of flows and tables; those of links are explained by their chances."""
    return [m for m in measure_set.measures if m.family != "links"]


@pytest.fixture(scope="module")
def before(measure_set, panel):
    return measure_set.compute(measure_set.observed(panel, ORIGIN, before=ORIGIN - 1))


@pytest.fixture(scope="module")
def parts(measure_set, panel):
    return draw_parts(measure_set, panel, 3)


@pytest.fixture(scope="module")
def explained(measure_set, parts, before, others):
    return contributions(measure_set, parts, before, origin=ORIGIN, measures=others)


def terms_of(table: pd.DataFrame) -> list[str]:
    return [name for name in table if ":" in str(name)]


def measured(measure_set, cube):
    traded = cube > 0
    year = measure_set.forecast(cube, chance=traded * 1.0, before=traded, origin=ORIGIN)
    return measure_set.compute(year)


# Adding up ----------------------------------------------------------------------------------------


def test_terms_and_remainder_lead_from_the_origin_to_the_forecast(
    measure_set, parts, before, others, explained
):
    end = measured(measure_set, parts.forecast)
    total = explained[[*terms_of(explained), "remainder"]].sum(axis=1)
    for measure in others:
        units, kept = unit_table(measure, measure_set.context)
        change = (end[measure.name] - before[measure.name]).ravel()
        kept &= np.isfinite(change)
        selected = explained["measure"] == measure.name
        np.testing.assert_array_equal(
            explained.loc[selected, KEYS[1:]].astype(str), units[kept].astype(str)
        )
        scale = np.abs(change[kept]).max()
        np.testing.assert_allclose(total[selected], change[kept], rtol=1e-9, atol=1e-9 * scale)
    assert not explained["remainder"].isna().any()


def test_the_remainder_is_small(explained, others):
    """But where the largest partner changes: a kink that no few points of a line can follow.

    Tables are followed by one point, and changes here are several times those of a forecast; for
    one of a run see `test_measure_run`.
    """
    rough = {"largest_supplier", "largest_supplier_by_sector", "three_largest_exporters"}
    terms = explained[terms_of(explained)].sum(axis=1)
    size = pd.DataFrame({"change": terms.abs(), "left": explained["remainder"].abs()})
    mean = size.groupby(explained["measure"]).mean()
    share = (mean["left"] / mean["change"]).drop(rough)
    tables = share.index.isin([m.name for m in others if "tables" in m.needs])
    assert (share[~tables] < 0.001).all()
    assert (share[tables] < 0.05).all()


def test_terms_to_the_base_lead_to_the_measures_of_the_base(
    measure_set, parts, before, others, explained
):
    base = measured(measure_set, parts.base)
    to_base = explained[[name for name in TO_BASE if name in explained]].sum(axis=1)
    for measure in others:
        if measure.name.startswith("largest_supplier"):
            continue
        _, kept = unit_table(measure, measure_set.context)
        end = (base[measure.name] - before[measure.name]).ravel()
        kept &= np.isfinite(end)
        found = to_base[explained["measure"] == measure.name]
        scale = np.abs(end[kept]).max()
        np.testing.assert_allclose(found, end[kept], atol=0.02 * scale, err_msg=measure.name)


def test_a_table_moved_to_the_flows_that_it_has_does_not_change(measure_set, parts, before, others):
    """Inventories fall in the world's tables; their end is no part of a forecast change."""
    nothing = np.zeros_like(parts.origin)
    still = FlowParts(
        parts.origin, parts.origin, parts.origin,
        dict.fromkeys(BASE_TERMS, nothing), dict.fromkeys(SHIFT_TERMS, nothing),
    )  # fmt: skip
    table = contributions(measure_set, still, before, origin=ORIGIN, measures=others)
    # What tables are fitted to within.
    assert table[[*terms_of(table), "remainder"]].abs().max(axis=None) < 1e-7


# Measures whose answer is known -------------------------------------------------------------------


def total_exports(year):
    return year.international.sum(axis=(1, 2))


EXPORTS = Measure("total_exports", "Exports", "partners", "USD", ("exporter",), frozenset(),
                  "sum of flows", total_exports)  # fmt: skip


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_parts_of_a_linear_measure_are_the_sums_of_the_flows_parts(measure_set, panel, seed):
    one = replace(measure_set, measures=(EXPORTS,))
    parts = draw_parts(one, panel, seed)
    start = one.compute(one.observed(panel, ORIGIN, before=ORIGIN - 1))
    table = contributions(one, parts, start, origin=ORIGIN, measures=[EXPORTS])
    abroad = ~np.eye(len(parts.origin), dtype=bool)[:, :, None]
    reported = np.array(one.flows.countries) != "ROW"
    scale = start["total_exports"].max()
    for stage, found in (("base", parts.to_base), ("shift", parts.to_forecast)):
        for term, part in found.items():
            name = f"stops:{stage}" if term == "stops" else term
            wanted = (part * abroad).sum(axis=(1, 2))[reported]
            np.testing.assert_allclose(table[name], wanted, rtol=1e-6, atol=1e-8 * scale)
    assert table["remainder"].abs().max() < 1e-8 * scale


def test_a_ratios_parts_are_its_slope_along_the_line(measure_set, parts, before):
    """Aumann and Shapley's integral of a market share's gradient, on a fine grid."""
    measure = next(m for m in measure_set.measures if m.name == "market_share")
    table = contributions(measure_set, parts, before, origin=ORIGIN, measures=[measure])
    _, kept = unit_table(measure, measure_set.context)
    abroad = ~np.eye(len(parts.origin), dtype=bool)

    def imports(cube):
        return cube.sum(axis=2) * abroad

    stages = ((parts.origin, parts.base, parts.to_base, "total:world"),
              (parts.base, parts.forecast, parts.to_forecast, "net:automation"))  # fmt: skip
    for start, end, pieces, term in stages:
        part, wanted = imports(pieces[term]), 0.0
        for place in (np.arange(400) + 0.5) / 400:
            here = imports(start + place * (end - start))
            whole = here.sum(axis=0)
            # d(x / m) = dx / m - x dm / m^2
            wanted = wanted + (part / whole - here * part.sum(axis=0) / whole**2) / 400
        found = table[term].to_numpy()
        np.testing.assert_allclose(found, wanted.ravel()[kept], rtol=1e-3, atol=1e-6)


def test_the_order_of_terms_changes_nothing(measure_set, parts, before, others, explained):
    turned = replace(
        parts,
        to_base=dict(reversed(parts.to_base.items())),
        to_forecast=dict(reversed(parts.to_forecast.items())),
    )
    again = contributions(measure_set, turned, before, origin=ORIGIN, measures=others)
    terms = terms_of(explained)
    assert set(terms) == set(terms_of(again))
    np.testing.assert_array_equal(again[terms], explained[terms])


def test_equal_parts_have_equal_contributions(measure_set, parts, before, others):
    half = (parts.forecast - parts.base) / 2
    even = replace(parts, to_forecast={"net:persistence": half, "net:automation": half.copy()})
    table = contributions(measure_set, even, before, origin=ORIGIN, measures=others)
    np.testing.assert_array_equal(table["net:persistence"], table["net:automation"])


def test_a_term_that_moves_no_flow_contributes_nothing(measure_set, parts, before, others):
    idle = replace(parts, to_base={**parts.to_base, "total:importer": np.zeros_like(parts.base)})
    table = contributions(measure_set, idle, before, origin=ORIGIN, measures=others)
    assert (table["total:importer"] == 0).all()


# Parts of flows -----------------------------------------------------------------------------------


def test_every_flows_change_is_split_into_its_attributions_and_stops(measure_set, parts):
    """Percent of the attribution table to USD, by hand; flows without a row are stops."""
    flows = measure_set.flows
    where = (flows.exporter, flows.importer, flows.sector)
    start, base, end = (cube[where] for cube in (parts.origin, parts.base, parts.forecast))
    rows = np.flatnonzero((start > 0) & (end > 0))
    rng = np.random.default_rng(1)
    growth, shift = 100 * np.log(base[rows] / start[rows]), 100 * np.log(end[rows] / base[rows])
    table = flow_keys(flows, rows)
    for name in TOTAL_TERMS[:-1]:
        table[f"total:{name}"] = rng.normal(0, 3, rows.size)
    table["total:adjustment"] = growth - table[[f"total:{n}" for n in TOTAL_TERMS[:-1]]].sum(axis=1)
    table["net:persistence"] = rng.normal(0, 3, rows.size)
    table["net:totals"] = shift - table["net:persistence"]
    table["channel:persistence"] = 99.0
    found = flow_parts(measure_set, table, rows, origin=parts.origin, base=parts.base,
                       forecast=parts.forecast)  # fmt: skip
    assert set(found.to_base) == {*(f"total:{name}" for name in TOTAL_TERMS), "stops"}
    assert set(found.to_forecast) == {"net:persistence", "net:totals", "stops"}
    np.testing.assert_allclose(sum(found.to_base.values()), parts.base - parts.origin, atol=1e-6)
    np.testing.assert_allclose(
        sum(found.to_forecast.values()), parts.forecast - parts.base, atol=1e-6
    )
    for number, flow in enumerate(rows[:40]):
        place = tuple(key[flow] for key in where)
        usd = (end[flow] - base[flow]) / np.log(end[flow] / base[flow])
        wanted = usd * table["net:persistence"].iloc[number] / 100
        assert found.to_forecast["net:persistence"][place] == pytest.approx(wanted, rel=1e-9)
        assert abs(found.to_forecast["stops"][place]) < 1e-9 * base[flow]
    stopped = (parts.forecast == 0) & (parts.base > 0)
    assert stopped.any()
    np.testing.assert_array_equal(found.to_forecast["stops"][stopped], -parts.base[stopped])
    assert all((part[stopped] == 0).all()
               for name, part in found.to_forecast.items() if name != "stops")  # fmt: skip


# Sums of terms ------------------------------------------------------------------------------------


def test_sizes_and_pattern_are_all_but_the_remainder(explained):
    assert set(terms_of(explained)) <= set(TERMS)
    whole = explained[terms_of(explained)].sum(axis=1)
    np.testing.assert_allclose(sizes(explained) + pattern(explained), whole, atol=1e-12)
    np.testing.assert_array_equal(technology(explained), explained["net:automation"])


def test_the_summary_holds_every_term_by_its_mean_size(explained):
    selected = explained[explained["measure"] == "market_share"]
    summary = term_summary(selected).set_index("term")
    assert list(summary.index) == [name for name in TERMS if name in summary.index]
    for term, row in summary.iterrows():
        assert row["mean_abs"] == pytest.approx(np.mean([abs(v) for v in selected[term]]))
        assert row["mean"] == pytest.approx(selected[term].mean())
    assert summary["share"].sum() == pytest.approx(1.0)
    nothing = term_summary(selected.iloc[:0])
    assert nothing.empty
