"""Stock decisions against stockpyl, textbooks and simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from models.inventory import (
    DAYS,
    LeadTimes,
    NormalDemand,
    StockCosts,
    best_policy,
    drawn_demand,
    economic_order_quantity,
    lead_time_demand,
    newsvendor,
    newsvendor_cost,
    policy_of,
    service_policy,
)


def array(*values):
    return np.array(values, dtype=float)


@pytest.mark.parametrize(
    ("holding", "stockout", "mean", "sd", "quantity", "cost"),
    [
        # stockpyl.newsvendor.newsvendor_normal; the second is Snyder and Shen (2019), example 4.3.
        (0.05, 0.95, 100, 20, 132.89707253902944, 2.062712807507428),
        (0.18, 0.70, 50, 8, 56.60395592743389, 1.9976051931766445),
    ],
)
def test_newsvendor_agrees_with_stockpyl(holding, stockout, mean, sd, quantity, cost):
    demand = NormalDemand(array(mean), array(sd))
    found = newsvendor(demand, underage=stockout, overage=holding)
    assert found.quantity[0] == pytest.approx(quantity, abs=1e-6)
    assert found.cost[0] == pytest.approx(cost, abs=1e-6)


def test_normal_loss_agrees_with_stockpyl():
    assert NormalDemand(array(15), array(3)).loss(18)[0] == pytest.approx(
        0.24994641176305887, abs=1e-9
    )


@pytest.mark.parametrize(
    ("holding", "stockout", "order", "mean", "sd", "lead", "point", "quantity", "cost"),
    [
        # stockpyl.rq.r_q_eil_approximation; the first is Snyder and Shen (2019), example 5.2.
        (0.225, 7.5, 8, 1300, 150, 1 / 12, 213.97044213580244, 318.5901810768729,
         95.45114022285196),
        (1.0, 20, 50, 1000, 100, 0.1, 167.508740874813, 327.76220138333025, 395.27094225814324),
        (0.5, 5, 10, 400, 60, 0.25, 154.46377932265995, 138.90670797573924, 96.68524364919959),
    ],
)  # fmt: skip
def test_lot_size_and_reorder_point_agree_with_stockpyl(
    holding, stockout, order, mean, sd, lead, point, quantity, cost
):
    demand = NormalDemand(array(mean * lead), array(sd * np.sqrt(lead)))
    costs = StockCosts(array(order), array(holding), array(stockout))
    found = best_policy(array(mean), demand, costs)
    assert found.reorder_point[0] == pytest.approx(point, abs=1e-5)
    assert found.order_quantity[0] == pytest.approx(quantity, abs=1e-5)
    assert found.cost[0] == pytest.approx(cost, abs=1e-5)


def test_economic_order_quantity_agrees_with_stockpyl():
    costs = StockCosts(array(8), array(0.225), array(np.nan))
    assert economic_order_quantity(array(1300), costs)[0] == pytest.approx(
        304.0467800264368, abs=1e-9
    )


def test_the_newsvendor_of_draws_costs_least():
    rng = np.random.default_rng(0)
    demand = drawn_demand(rng.lognormal(3, 0.6, (1, 200)))
    found = newsvendor(demand, underage=0.95, overage=0.05)
    costs = [newsvendor_cost(demand, array(q), underage=0.95, overage=0.05)[0]
             for q in np.linspace(1, 200, 2000)]  # fmt: skip
    assert found.cost[0] <= min(costs) * 1.005


def test_draws_of_a_normal_give_the_normal_policy():
    places = (np.arange(20_000) + 0.5) / 20_000
    normal = NormalDemand(array(100, 40), array(20, 5))
    draws = drawn_demand(norm.ppf(places) * normal.sd[:, None] + normal.mean[:, None])
    costs = StockCosts(array(8, 50), array(0.3, 1), array(7.5, 20))
    rate = array(1200, 400)
    for ours, theirs in zip(
        (best_policy(rate, draws, costs), service_policy(rate, draws, costs, service=0.97)),
        (best_policy(rate, normal, costs), service_policy(rate, normal, costs, service=0.97)),
        strict=True,
    ):
        for name in ("order_quantity", "reorder_point", "cycle_service", "fill_rate", "cost"):
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=2e-3)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.02, 0.98), st.integers(0, 100))
def test_probability_inverts_the_quantile_of_draws(probability, seed):
    demand = drawn_demand(np.random.default_rng(seed).lognormal(0, 1, (3, 60)))
    assert demand.probability(demand.quantile(probability)) == pytest.approx(probability, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-3, 1e4))
def test_pieces_or_boxes_or_dollars_do_not_change_the_decision(pieces):
    """A unit that holds so many pieces: quantities divide by it, costs in money stay."""
    annual = np.random.default_rng(1).lognormal(7, 0.2, (2, 40))
    costs = StockCosts(array(30, 80), array(2, 5), array(9, 40))
    boxed = StockCosts(costs.order, costs.holding * pieces, costs.stockout * pieces)
    ours = _policy(annual, costs, annual.mean(axis=1))
    theirs = _policy(annual / pieces, boxed, annual.mean(axis=1) / pieces)
    for name in ("order_quantity", "reorder_point", "safety_stock"):
        assert getattr(theirs, name) * pieces == pytest.approx(getattr(ours, name), rel=1e-7)
    for name in ("cycle_service", "fill_rate", "cost"):
        assert getattr(theirs, name) == pytest.approx(getattr(ours, name), rel=1e-7, abs=1e-9)


def _times(mean, sd):
    return LeadTimes(array(mean)[:, None], array(sd)[:, None], np.ones((1, 1)))


def _policy(annual, costs, rate):
    ones = np.ones((2, 1))
    lead = lead_time_demand(annual, LeadTimes(30 * ones, 12 * ones, ones), review=np.zeros(2),
                            daily_sd=np.zeros(2), seed=3)  # fmt: skip
    return best_policy(rate, lead, costs)


def test_lead_time_demand_has_the_moments_of_theory():
    annual = np.random.default_rng(2).normal(3650, 365, (1, 400))
    lead = lead_time_demand(annual, _times(40, 10), review=array(7), daily_sd=array(3), seed=1)
    mean, sd = 10 * 47, np.sqrt((10 * 10) ** 2 + (1 * 47) ** 2 + 1 * 100 + 9 * 47)
    assert lead.mean[0] == pytest.approx(mean, rel=0.01)
    assert lead.values.std() == pytest.approx(sd, rel=0.04)


def test_a_sure_lead_time_scales_the_year():
    annual = np.random.default_rng(2).lognormal(5, 0.3, (1, 40))
    lead = lead_time_demand(annual, _times(73, 0), review=array(0), daily_sd=array(0), seed=1)
    assert lead.values[0] == pytest.approx(np.repeat(np.sort(annual[0]), 10) / 5)


def test_orders_go_to_suppliers_by_their_shares():
    annual = np.full((1, 100), DAYS)
    times = LeadTimes(array(10, 50)[None], array(0, 0)[None], array(0.3, 0.7)[None])
    lead = lead_time_demand(annual, times, review=array(0), daily_sd=array(0), seed=1)
    assert (lead.values < 30).mean() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("asked", [0.9, 0.95, 0.98])
def test_service_in_simulation_is_within_a_point_of_what_is_asked(asked):
    """Fresh years and lead times, drawn by other code."""
    rng = np.random.default_rng(5)
    annual = rng.lognormal(7, 0.25, (1, 2_000))
    lead = lead_time_demand(annual, _times(45, 20), review=array(5), daily_sd=array(1.5), seed=1)
    costs = StockCosts(array(50), array(2), array(np.nan))
    policy = service_policy(annual.mean(axis=1), lead, costs, service=asked)
    sigma = np.sqrt(np.log(1 + (20 / 45) ** 2))
    days = rng.lognormal(np.log(45) - sigma**2 / 2, sigma, 40_000) + 5
    demand = rng.lognormal(7, 0.25, 40_000) / 365 * days + rng.normal(0, 1.5, 40_000) * np.sqrt(
        days
    )
    assert (demand <= policy.reorder_point[0]).mean() == pytest.approx(asked, abs=0.01)


def test_fill_rate_is_what_a_simulated_stock_serves():
    rng = np.random.default_rng(6)
    lead = NormalDemand(array(100), array(30))
    costs = StockCosts(array(10), array(1), array(5))
    quantity, point = 220.0, 105.0
    found = policy_of(array(1000), lead, costs, order_quantity=array(quantity),
                      reorder_point=array(point))  # fmt: skip
    demand = rng.normal(100, 30, 200_000)
    # Lost in a cycle, no more than the lot: what is beyond it belongs to the next cycle.
    missed = np.clip(demand - point, 0, quantity).mean()
    assert found.fill_rate[0] == pytest.approx(1 - missed / quantity, abs=0.002)
    assert found.cycle_service[0] == pytest.approx((demand <= point).mean(), abs=0.005)
