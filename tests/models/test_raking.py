from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.flows import FlowIndex
from models.raking import TOLERANCE, Raked, _newton, rake

quick = hypothesis_settings(max_examples=50, deadline=None)
CODES = ("AAA", "AAB", "AAC", "AAD", "AAE", "AAF")


@dataclass(frozen=True)
class Problem:
    """Flows, and totals that some matrix with the same zeros has."""

    flows: FlowIndex
    values: np.ndarray
    exporter: np.ndarray
    importer: np.ndarray

    def rake(self, **options) -> Raked:
        return rake(
            self.values, flows=self.flows, exporter_totals=self.exporter,
            importer_totals=self.importer, **options,
        )  # fmt: skip


@st.composite
def problems(draw: st.DrawFn, *, zeros: float = 0.2, least: int = 3) -> Problem:
    n, k = draw(st.integers(least, 6)), draw(st.integers(1, 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sectors = ("",) if k == 1 else ("a", "b")
    flows = FlowIndex(CODES[:n], sectors, diagonal=draw(st.booleans()))
    values = rng.lognormal(10, 2, flows.size)
    values[rng.random(flows.size) < zeros] = 0
    target = values * rng.lognormal(0, 1, flows.size)
    exporter, importer = flows.exporter_totals(target), flows.importer_totals(target)
    # The importers' side may be in another unit: only its proportions count.
    return Problem(flows, values, exporter, importer * draw(st.sampled_from([1.0, 0.25, 1e6])))


def matrices(problem: Problem, values: np.ndarray) -> np.ndarray:
    """Flows as ``[sector, exporter, importer]``."""
    flows = problem.flows
    out = np.zeros((len(flows.sectors), len(flows.countries), len(flows.countries)))
    out[flows.sector, flows.exporter, flows.importer] = values
    return out


def dense_ipf(start: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Iterative proportional fitting as textbooks write it: scale rows, scale columns, repeat."""
    fitted = start.copy()
    columns = columns * (rows.sum() / columns.sum()) if columns.sum() > 0 else columns
    for _ in range(3_000):
        for i, total in enumerate(fitted.sum(axis=1)):
            fitted[i] *= rows[i] / total if total > 0 else 0
        for j, total in enumerate(fitted.sum(axis=0)):
            fitted[:, j] *= columns[j] / total if total > 0 else 0
        if np.allclose(fitted.sum(axis=1), rows, rtol=1e-12, atol=0):
            break
    return fitted


def net(values: dict[str, float]) -> tuple[FlowIndex, np.ndarray]:
    """Three countries A, B, C and the flows between them, such as ``{"AB": 1.0}``."""
    flows = FlowIndex(("AAA", "AAB", "AAC"))
    names = ["ABC"[e] + "ABC"[i] for e, i in zip(flows.exporter, flows.importer, strict=True)]
    assert set(values) <= set(names)
    return flows, np.array([values.get(name, 0.0) for name in names])


FULL = dict.fromkeys(("AB", "AC", "BA", "BC", "CA", "CB"), 1.0)
A_TO_B_ONLY = {name: value for name, value in FULL.items() if name != "AC"}


# What raking does ------------------------------------------------------------------------------


@quick
@given(problems())
def test_every_total_is_met(problem):
    raked, flows = problem.rake(), problem.flows
    np.testing.assert_allclose(flows.exporter_totals(raked.values), problem.exporter, rtol=1e-8)
    assert raked.unreachable == 0
    # A handful of flows that only just connect the countries may need more rounds than allowed.
    assert raked.converged or (problem.values == 0).any()
    assume(raked.converged)
    k = len(flows.sectors)
    by_sector = problem.importer.reshape(-1, k)
    exports = problem.exporter.reshape(-1, k).sum(axis=0)
    scale = np.divide(exports, by_sector.sum(axis=0), out=np.ones(k), where=exports > 0)
    scaled = (by_sector * scale).ravel()
    np.testing.assert_allclose(flows.importer_totals(raked.values), scaled, rtol=2e-8)
    np.testing.assert_allclose(raked.importer_totals, scaled, rtol=1e-12)
    np.testing.assert_allclose(raked.exporter_totals, problem.exporter, rtol=1e-12)


@hypothesis_settings(max_examples=25, deadline=None)
@given(problems(zeros=0.1, least=4))
def test_the_result_is_that_of_textbook_proportional_fitting(problem):
    k = len(problem.flows.sectors)
    raked = problem.rake()
    # Where rounds converge slowly, both stop a little short of the solution.
    assume(raked.iterations < 200)
    found = matrices(problem, raked.values)
    for sector, start in enumerate(matrices(problem, problem.values)):
        rows = problem.exporter.reshape(-1, k)[:, sector]
        columns = problem.importer.reshape(-1, k)[:, sector]
        np.testing.assert_allclose(found[sector], dense_ipf(start, rows, columns), rtol=1e-5)


@quick
@given(problems())
def test_zeros_stay_zero_and_what_trades_goes_on_trading(problem):
    raked = problem.rake()
    np.testing.assert_array_equal(raked.values == 0, problem.values == 0)
    assert (raked.values >= 0).all()


@quick
@given(problems(zeros=0.1))
def test_cross_product_ratios_survive(problem):
    """What gravity calls the bilateral term: x_ij x_kl / (x_il x_kj) is that of the start."""
    before = matrices(problem, problem.values)
    after = matrices(problem, problem.rake().values)
    n = before.shape[1]
    for start, end in zip(before, after, strict=True):
        for i, k in combinations(range(n), 2):
            for j, m in combinations(range(n), 2):
                cells = ([i, k, i, k], [j, m, m, j])
                if (start[cells] > 0).all():
                    was = start[i, j] * start[k, m] / (start[i, m] * start[k, j])
                    now = end[i, j] * end[k, m] / (end[i, m] * end[k, j])
                    assert now == pytest.approx(was, rel=1e-9)


@quick
@given(problems())
def test_a_matrix_raked_to_its_own_totals_stays(problem):
    flows, values = problem.flows, problem.values
    raked = rake(
        values, flows=flows, exporter_totals=flows.exporter_totals(values),
        importer_totals=flows.importer_totals(values),
    )  # fmt: skip
    np.testing.assert_allclose(raked.values, values, rtol=1e-7)


@quick
@given(problems(), st.floats(1e-3, 1e6))
def test_the_unit_of_the_flows_does_not_matter_and_that_of_the_totals_carries_over(problem, unit):
    raked = problem.rake().values
    again = Problem(problem.flows, problem.values * unit, problem.exporter, problem.importer)
    np.testing.assert_allclose(again.rake().values, raked, rtol=1e-6)
    more = Problem(problem.flows, problem.values, problem.exporter * unit, problem.importer)
    np.testing.assert_allclose(more.rake().values, raked * unit, rtol=1e-6)


@quick
@given(problems())
def test_sectors_are_raked_apart(problem):
    k = len(problem.flows.sectors)
    one = FlowIndex(problem.flows.countries, diagonal=problem.flows.diagonal)
    together = problem.rake().values
    for sector in range(k):
        alone = rake(
            problem.values[sector::k], flows=one,
            exporter_totals=problem.exporter[sector::k],
            importer_totals=problem.importer[sector::k],
        )  # fmt: skip
        np.testing.assert_allclose(together[sector::k], alone.values, rtol=1e-12)


def test_an_unknown_flow_counts_as_zero():
    flows, values = net(FULL)
    with_nan = np.where(np.arange(6) == 2, np.nan, values)
    without = np.where(np.arange(6) == 2, 0.0, values)
    totals = {"exporter_totals": np.array([2.0, 1, 2]), "importer_totals": np.array([1.0, 2, 2])}
    found = rake(with_nan, flows=flows, **totals)
    np.testing.assert_array_equal(found.values, rake(without, flows=flows, **totals).values)


def test_two_countries_by_hand():
    flows = FlowIndex(("AAA", "AAB"))
    raked = rake(
        np.array([1.0, 5.0]), flows=flows,
        exporter_totals=np.array([30.0, 70.0]), importer_totals=np.array([7.0, 3.0]),
    )  # fmt: skip
    np.testing.assert_allclose(raked.values, [30, 70])
    np.testing.assert_allclose(raked.importer_totals, [70, 30])


# Totals that cannot be met ---------------------------------------------------------------------


@quick
@given(problems(zeros=0.0), st.booleans())
def test_totals_of_margins_without_a_flow_are_left_out_and_counted(problem, exporters):
    flows = problem.flows
    margin = flows.exporter_margin if exporters else flows.importer_margin
    values = np.where(margin == 0, 0.0, problem.values)
    raked = Problem(flows, values, problem.exporter, problem.importer).rake(max_iterations=200)
    totals = raked.exporter_totals if exporters else raked.importer_totals
    assert raked.unreachable == 1
    assert totals[0] == 0
    k = len(flows.sectors)
    sums = [t.reshape(-1, k).sum(axis=0) for t in (raked.exporter_totals, raked.importer_totals)]
    np.testing.assert_allclose(sums[0], sums[1])
    expected = np.where(np.arange(flows.margins) == 0, 0, problem.exporter)
    np.testing.assert_allclose(raked.exporter_totals, expected if exporters else problem.exporter)


def test_an_empty_matrix_reaches_nothing():
    flows, values = net({})
    raked = rake(values, flows=flows, exporter_totals=np.ones(3), importer_totals=np.ones(3))
    assert raked.unreachable == 6
    np.testing.assert_array_equal(raked.values, 0)


def infeasible() -> tuple[Raked, FlowIndex, np.ndarray]:
    """A sells to B only, and more than B buys."""
    flows, values = net(A_TO_B_ONLY)
    wanted = np.array([10.0, 3.0, 3.0])
    raked = rake(values, flows=flows, exporter_totals=wanted,
                 importer_totals=np.array([5.0, 6.0, 5.0]))  # fmt: skip
    return raked, flows, wanted


@pytest.mark.parametrize("rounds", [1, 2, 50])
def test_rounds_that_run_out_leave_exporter_totals_met_and_the_gap_told(rounds):
    flows, values = net(A_TO_B_ONLY)
    exporter, importer = np.array([10.0, 3.0, 3.0]), np.array([5.0, 6.0, 5.0])
    raked = rake(values, flows=flows, exporter_totals=exporter, importer_totals=importer,
                 max_iterations=rounds)  # fmt: skip
    assert raked.iterations == rounds
    assert not raked.converged
    np.testing.assert_allclose(flows.exporter_totals(raked.values), exporter, rtol=1e-8)
    gap = np.abs(flows.importer_totals(raked.values) / importer - 1).max()
    assert raked.largest_gap == pytest.approx(gap)
    assert raked.largest_gap > 0.1


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_infeasible_totals_leave_exporter_totals_met_and_the_gap_told():
    raked, flows, wanted = infeasible()
    assert not raked.converged
    np.testing.assert_allclose(flows.exporter_totals(raked.values), wanted, rtol=1e-8)
    assert raked.largest_gap > 0.1


def test_totals_that_only_a_limit_meets_are_met_to_the_tolerance():
    """A sells to B only and exactly what B buys: every other supplier of B must vanish."""
    flows, values = net(A_TO_B_ONLY)
    exporter = np.array([6.0, 5.0, 5.0])
    raked = rake(values, flows=flows, exporter_totals=exporter,
                 importer_totals=np.array([5.0, 6.0, 5.0]))  # fmt: skip
    np.testing.assert_allclose(flows.exporter_totals(raked.values), exporter, rtol=1e-8)
    np.testing.assert_allclose(flows.importer_totals(raked.values), [5, 6, 5], rtol=TOLERANCE)
    others = (flows.importer == 1) & (flows.exporter == 2)
    assert (raked.values[others] < 1e-6).all()


@hypothesis_settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-9, 1e-2))
def test_totals_are_met_where_nearly_everything_is_sold_at_home(seed, abroad):
    """Rounds of scaling alone crawl at the rate at which trade crosses borders."""
    rng = np.random.default_rng(seed)
    flows = FlowIndex(CODES[:6], diagonal=True)
    start = rng.lognormal(10, 2, flows.size) * np.where(flows.domestic, 1.0, abroad)
    target = start * rng.lognormal(0, 0.5, flows.size)
    exporter, importer = flows.exporter_totals(target), flows.importer_totals(target)
    raked = rake(start, flows=flows, exporter_totals=exporter, importer_totals=importer)
    assert raked.converged
    np.testing.assert_allclose(flows.exporter_totals(raked.values), exporter, rtol=1e-7)
    np.testing.assert_allclose(flows.importer_totals(raked.values), importer, rtol=1e-7)
    # Scaling by row and column is all that happened.
    ratio = np.log(raked.values / start).reshape(6, 6)
    doubly_centred = ratio - ratio.mean(axis=0) - ratio.mean(axis=1)[:, None] + ratio.mean()
    np.testing.assert_allclose(doubly_centred, 0, atol=1e-6)


def test_an_only_customer_that_buys_nothing_leaves_finite_flows():
    flows, values = net(A_TO_B_ONLY)
    raked = rake(values, flows=flows, exporter_totals=np.array([10.0, 3.0, 3.0]),
                 importer_totals=np.array([6.0, 0.0, 5.0]))  # fmt: skip
    assert np.isfinite(raked.values).all()
    assert np.isfinite(raked.largest_gap)
    assert raked.unreachable == 1
    assert raked.exporter_totals[0] == 0


def test_trade_that_vanishes_for_want_of_importers_is_told():
    flows, values = net(FULL)
    raked = rake(values, flows=flows, exporter_totals=np.ones(3), importer_totals=np.zeros(3))
    assert raked.unreachable > 0 or not raked.converged


@pytest.mark.parametrize("further", [False, True])
def test_vectors_as_far_apart_as_allowed_go_on_and_further_ones_stop(monkeypatch, further):
    """Whoever stops leaves the rest to Newton's method: the totals are met either way."""
    flows, values = net(FULL | {"AB": 3.0, "CA": 2.0})
    # A round leaves the rows as they are, and scales the columns' sums 3, 4 and 2 to these totals.
    exporter, importer = flows.exporter_totals(values), np.array([1.5, 4.0, 3.5])
    apart = (3.5 / 2) / (1.5 / 3)
    limit = np.nextafter(apart, 0) if further else apart
    monkeypatch.setattr("models.raking.LARGEST_SPREAD", limit)
    raked = rake(values, flows=flows, exporter_totals=exporter, importer_totals=importer)
    assert (raked.iterations == 1) == further
    np.testing.assert_allclose(flows.exporter_totals(raked.values), exporter)
    np.testing.assert_allclose(flows.importer_totals(raked.values), importer)


def test_newtons_method_takes_no_step_where_the_gap_is_the_tolerance():
    rng = np.random.default_rng(0)
    matrix, start = rng.lognormal(size=(4, 4)), np.ones(4)
    rows, columns = matrix.sum(axis=1), matrix.sum(axis=0) * [1.2, 1.1, 1.0, 0.9]
    columns *= rows.sum() / columns.sum()
    gap = _newton(matrix, start, rows, columns, np.inf)[2]
    assert gap > 0.01
    np.testing.assert_array_equal(_newton(matrix, start, rows, columns, gap)[1], start)
    _, moved, smaller = _newton(matrix, start, rows, columns, np.nextafter(gap, 0))
    assert smaller < gap
    assert not np.array_equal(moved, start)


def test_convergence_is_judged_by_the_tolerance_asked_for():
    flows, values = net(A_TO_B_ONLY)
    raked = rake(values, flows=flows, exporter_totals=np.array([1.0, 3.0, 3.0]),
                 importer_totals=np.array([2.0, 3.0, 2.0]), tolerance=1e-2)  # fmt: skip
    assert raked.largest_gap <= 1e-2
    assert raked.converged


@pytest.mark.parametrize("side", ["exporter_totals", "importer_totals"])
@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_totals_that_are_no_totals_raise(side, wrong):
    flows, values = net(FULL)
    totals = {"exporter_totals": np.ones(3), "importer_totals": np.ones(3)}
    totals[side] = np.array([1.0, wrong, 1.0])
    with pytest.raises(ValueError, match=side.split("_")[0]):
        rake(values, flows=flows, **totals)


def test_a_negative_flow_raises():
    flows, values = net(FULL)
    with pytest.raises(ValueError, match="negative"):
        rake(-values, flows=flows, exporter_totals=np.ones(3), importer_totals=np.ones(3))
