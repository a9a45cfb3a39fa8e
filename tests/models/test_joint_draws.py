"""Joint draws: margins, dependence and scores, on errors of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from models.error_factors import FlowCodes, PastForecasts, fit_error_factors
from models.flow_margins import margins_of_bounds
from models.joint_draws import JointDraws
from models.world_growth import PUBLISHED, WorldError

COUNTRIES = 12


def _codes():
    pairs = [(i, j) for i in range(COUNTRIES) for j in range(COUNTRIES) if i != j]
    exporter, importer = np.array(pairs, dtype=np.int32).T
    return FlowCodes(exporter, importer, np.zeros(len(pairs), dtype=np.int32))


CODES = _codes()
N = CODES.exporter.size
EXPORTS = csr_array((np.ones(N), (CODES.exporter, np.arange(N))), shape=(COUNTRIES, N))
SPREAD = (0.05, 0.15, 0.05, 0.2)
"""Standard deviations of the world's, exporters', importers' and the flows' own errors."""


def _outcome(rng, forecast):
    world, exporter, importer, own = SPREAD
    error = rng.normal(0, world) + rng.normal(0, exporter, COUNTRIES)[CODES.exporter]
    error += rng.normal(0, importer, COUNTRIES)[CODES.importer] + rng.normal(0, own, N)
    return forecast * np.exp(error)


@pytest.fixture(scope="module")
def forecast():
    return np.random.default_rng(1).lognormal(20, 1, N)


@pytest.fixture(scope="module")
def joint(forecast):
    rng = np.random.default_rng(2)
    past = [PastForecasts(forecast, _outcome(rng, forecast), CODES) for _ in range(10)]
    factors = fit_error_factors(
        past, world=PUBLISHED, horizon=1, flows=CODES, countries=COUNTRIES, sectors=1
    )
    sd = np.sqrt(np.sum(np.square(SPREAD)))
    bounds = {level: (forecast * np.exp(-z * sd), forecast * np.exp(z * sd))
              for level, z in ((50, 0.6745), (90, 1.6449))}  # fmt: skip
    margins = margins_of_bounds(forecast, bounds)
    return JointDraws(CODES, {1: factors, 3: factors}, {1: margins, 3: margins}, 200, 1)


def test_sums_of_draws_cover_what_they_say_and_independent_ones_do_not(joint, forecast):
    rng = np.random.default_rng(3)
    outcomes = [EXPORTS @ _outcome(rng, forecast) for _ in range(60)]
    values = np.concatenate([block[0] for _, block in joint.blocks()])
    together, alone = EXPORTS @ values, EXPORTS @ rng.permuted(values, axis=1)
    assert 0.85 < np.mean([_inside(together, y) for y in outcomes]) < 0.97
    assert np.mean([_inside(alone, y) for y in outcomes]) < 0.7


def test_joint_draws_score_better_than_independent_ones(joint, forecast):
    rng = np.random.default_rng(4)
    scale = EXPORTS @ forecast
    values = np.concatenate([block[0] for _, block in joint.blocks()])
    together = (EXPORTS @ values) / scale[:, None]
    alone = (EXPORTS @ rng.permuted(values, axis=1)) / scale[:, None]
    outcomes = [EXPORTS @ _outcome(rng, forecast) / scale for _ in range(40)]
    for score in (_energy, _variogram):
        ours = np.mean([score(together, y) for y in outcomes])
        assert ours < 0.97 * np.mean([score(alone, y) for y in outcomes])


def test_paths_are_consistent_across_horizons(joint):
    near, far = joint.sums(EXPORTS).transpose(1, 0, 2)
    correlation = np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(near, far, strict=True)])
    assert correlation == pytest.approx(np.sqrt(1 / 3), abs=0.12)


def test_sums_do_not_depend_on_what_else_is_summed(joint):
    together, one = joint.sums(EXPORTS), joint.sums(EXPORTS[[4]])
    assert np.array_equal(together[4], one[0])


@settings(max_examples=40)
@given(
    st.floats(1.0, 1e12),
    st.floats(0.0, 0.99),
    st.floats(0.0, 0.99),
    st.floats(1.0, 3.0),
    st.floats(1.0, 30.0),
    st.floats(0.0, 1.0),
    st.sampled_from([40, 100, 200]),
)
def test_draws_ascend_and_their_quantiles_are_the_bounds(f, inner, outer, up, top, p, n_draws):
    low, high = f * min(inner, 1), f * up
    bounds = {50: (np.array([low]), np.array([high])),
              90: (np.array([low * outer]), np.array([high * top]))}  # fmt: skip
    margins = margins_of_bounds(np.array([f]), bounds, chance=np.array([p]))
    values = margins.values(n_draws)[0].astype(np.float64)
    assert (values >= 0).all()
    assert (np.diff(values) >= -1e-6 * values[1:]).all()
    for level, (lower, upper) in bounds.items():
        tail = (1 - level / 100) / 2
        found = np.quantile(values, (tail, 1 - tail), method="hazen")
        assert found == pytest.approx([lower[0], upper[0]], rel=1e-4, abs=1e-3)


@pytest.mark.parametrize(("low", "zeros"), [(0.0, 0.15), (0.3, 0.05)])
def test_a_link_stops_as_often_as_its_bounds_allow(low, zeros):
    bounds = {50: (np.array([0.7]), np.array([1.3])), 90: (np.array([low]), np.array([2.0]))}
    margins = margins_of_bounds(np.array([1.0]), bounds, chance=np.array([0.85]))
    values = margins.values(200)[0]
    assert np.mean(values == 0) == pytest.approx(zeros, abs=0.011)
    assert (np.diff(values) >= 0).all()


def _spread_of_totals(own: float, exporter: float) -> float:
    """Standard deviation of exporters' totals in draws, relative to that of their outcomes."""
    rng = np.random.default_rng(6)
    forecast = rng.lognormal(20, 0.3, N)
    share = forecast / (EXPORTS @ forecast)[CODES.exporter]

    def errors():
        effect = rng.normal(0, exporter, COUNTRIES)[CODES.exporter]
        return effect + rng.normal(0, own, N) - (own**2 + exporter**2) / 2

    past = [PastForecasts(forecast, forecast * np.exp(errors()), CODES) for _ in range(12)]
    factors = fit_error_factors(
        past, world=PUBLISHED, horizon=1, flows=CODES, countries=COUNTRIES, sectors=1
    )
    scores = rng.standard_normal((factors.shared + 12, 2_000)).astype(np.float32)
    shared, weights = scores[: factors.shared], scores[factors.shared :]
    drawn = factors.own_errors(
        rng.standard_normal((N, 2_000)).astype(np.float32),
        weights,
        forecast / forecast.sum(),
        slice(0, N),
    )
    factors.add_shared(drawn, CODES, factors.shocks(shared, weights))
    outcomes = np.stack([errors() for _ in range(2_000)], axis=1)
    spreads = [(EXPORTS @ (share[:, None] * one)).std(axis=1).mean() for one in (drawn, outcomes)]
    return spreads[0] / spreads[1]


@pytest.mark.parametrize(("own", "exporter"), [(0.4, 0.0), (0.4, 0.4), (0.1, 0.4)])
def test_errors_of_single_flows_enter_a_total_once(own, exporter):
    assert _spread_of_totals(own, exporter) == pytest.approx(1.0, abs=0.2)


def test_exporters_that_erred_together_do_so_again():
    rng = np.random.default_rng(8)
    forecast = rng.lognormal(20, 0.3, N)
    past = []
    for _ in range(10):
        effect = rng.normal(0, 0.2, COUNTRIES)
        effect[:3] = effect[0]
        error = effect[CODES.exporter] + rng.normal(0, 0.05, N)
        past.append(PastForecasts(forecast, forecast * np.exp(error), CODES))
    factors = fit_error_factors(
        past, world=PUBLISHED, horizon=1, flows=CODES, countries=COUNTRIES, sectors=1
    )
    scores = rng.standard_normal((factors.shared + len(past), 4_000))
    drawn = factors.shocks(scores[: factors.shared], scores[factors.shared :])
    exporters = drawn[1 : 1 + COUNTRIES]
    found = np.corrcoef(exporters)
    assert found[:3, :3].min() > 0.7
    assert np.abs(found[3:, 3:][~np.eye(COUNTRIES - 3, dtype=bool)]).mean() < 0.4
    assert exporters.std(axis=1) == pytest.approx(factors.exporter.scale, rel=0.25)


def test_past_errors_of_the_world_widen_what_its_yearly_errors_say():
    rng = np.random.default_rng(7)
    forecast = rng.lognormal(20, 1, N)
    past = [PastForecasts(forecast, forecast * factor, CODES) for factor in (0.6, 1.5, 0.7, 1.6)]

    def scale(world: WorldError, horizon: int) -> float:
        return fit_error_factors(
            past, world=world, horizon=horizon, flows=CODES, countries=COUNTRIES, sectors=1
        ).world.scale

    yearly = WorldError(0.1, 15.0)
    assert scale(PUBLISHED, 1) > scale(yearly, 1) > scale(yearly, 3) > 0.1


def test_no_outcome_is_no_distribution():
    nothing = PastForecasts(np.ones(N), np.full(N, np.nan), CODES)
    with pytest.raises(ValueError, match="no past forecast"):
        fit_error_factors(
            [nothing], world=PUBLISHED, horizon=1, flows=CODES, countries=COUNTRIES, sectors=1
        )


def _inside(values, outcome):
    low, high = np.quantile(values, (0.05, 0.95), axis=1, method="hazen")
    return np.mean((low <= outcome) & (outcome <= high))


def _energy(values, truth):
    between = np.linalg.norm(values[:, :, None] - values[:, None, :], axis=0).mean()
    return np.linalg.norm(values - truth[:, None], axis=0).mean() - between / 2


def _variogram(values, truth):
    seen = np.sqrt(np.abs(truth[:, None] - truth[None, :]))
    drawn = np.sqrt(np.abs(values[:, None, :] - values[None, :, :])).mean(axis=-1)
    return np.mean((seen - drawn) ** 2)
