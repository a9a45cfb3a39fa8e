"""Metrics of evaluation.md: by hand, and against loops over one flow at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.evaluation import metrics

# Amounts of many sizes; zeros often enough for births, deaths and dead pairs.
AMOUNT = st.just(0.0) | st.floats(1e-3, 1e12, allow_subnormal=False)


def columns(*kinds: st.SearchStrategy[float]) -> st.SearchStrategy[list[np.ndarray]]:
    """Equally long columns, one a kind of value."""
    return st.lists(st.tuples(*kinds), min_size=1, max_size=12).map(
        lambda rows: [np.array(column) for column in zip(*rows, strict=True)]
    )


def close(value: float, expected: float) -> bool:
    if math.isnan(expected):
        return math.isnan(value)
    return value == pytest.approx(expected, rel=1e-9, abs=1e-12)


def growth(now: float, then: float) -> float:
    return 0.0 if now == then == 0 else 2 * (now - then) / (now + then)


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


# By hand ------------------------------------------------------------------------------------------

ACTUAL = np.array([100.0, 50.0, 0.0, 0.0, 10.0])
FORECAST = np.array([110.0, 40.0, 5.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (metrics.wape, (10 + 10 + 5 + 0 + 10) / 160),
        (
            metrics.pattern_distance,
            (abs(100 / 160 - 110 / 155) + abs(50 / 160 - 40 / 155) + 5 / 155 + 10 / 160) / 2,
        ),
        (metrics.midpoint_mae, (20 / 210 + 20 / 90 + 2 + 0 + 2) / 5),
        (metrics.log_mae, (math.log(1.1) + math.log(1.25)) / 2),
    ],
)
def test_point_metrics_by_hand(metric, expected):
    assert metric(ACTUAL, FORECAST) == pytest.approx(expected, rel=1e-12)


def test_r2_of_the_shift_by_hand():
    actual, base = np.array([30.0, 10.0, 0.0]), np.array([10.0, 10.0, 0.0])
    forecast = np.array([20.0, 10.0, 0.0])
    s, s_hat = 2 * 20 / 40, 2 * 10 / 30
    assert metrics.r2_shift(actual, forecast, base) == pytest.approx(1 - (s - s_hat) ** 2 / s**2)
    assert metrics.r2_shift(actual, actual, base) == 1.0
    assert metrics.r2_shift(actual, base, base) == 0.0


def test_interval_metrics_by_hand():
    actual = np.array([10.0, 20.0, 30.0, 0.0])
    lower, upper = np.array([10.0, 21.0, 0.0, 0.0]), np.array([15.0, 25.0, 29.0, 0.0])
    assert metrics.coverage(actual, lower, upper) == 2 / 4
    assert metrics.width(actual, lower, upper) == (5 + 4 + 29 + 0) / 60
    # Too high by 1 costs 1 - p, too low by 1 costs p.
    assert metrics.pinball(actual, {0.05: lower}) == pytest.approx((0.95 * 1 + 0.05 * 30) / 60)
    both = metrics.pinball(actual, {0.05: lower, 0.95: upper})
    below, above = 0.95 * 1 + 0.05 * 30, 0.05 * (5 + 5) + 0.95 * 1
    assert both == pytest.approx((below + above) / 2 / 60)


def test_flows_without_an_interval_are_in_no_metric_of_intervals():
    actual, none = np.array([10.0, 20.0, 7.0]), np.full(3, np.nan)
    lower, upper = np.array([9.0, 21.0, np.nan]), np.array([11.0, 22.0, np.nan])
    bounds = {0.05: lower, 0.95: upper}
    assert metrics.coverage(actual, lower, upper) == 1 / 2
    assert metrics.width(actual, lower, upper) == 3 / 30
    first_two = {level: bound[:2] for level, bound in bounds.items()}
    assert metrics.pinball(actual, bounds) == metrics.pinball(actual[:2], first_two)
    for value in (
        metrics.coverage(actual, none, none),
        metrics.coverage(actual, lower, none),
        metrics.width(actual, none, none),
        metrics.pinball(actual, {0.05: none, 0.95: none}),
    ):
        assert math.isnan(value)


def test_trade_metrics_by_hand():
    happened = np.array([True, False, True, False])
    chance = np.array([0.9, 0.8, 0.3, 0.1])
    assert metrics.brier(happened, chance) == pytest.approx((0.01 + 0.64 + 0.49 + 0.01) / 4)
    # One of one, then two of three: precision at each new hit, weighted by recall.
    assert metrics.average_precision(happened, chance) == pytest.approx((1 / 1 + 2 / 3) / 2)


# Against loops ------------------------------------------------------------------------------------


@given(columns(AMOUNT, AMOUNT, AMOUNT))
def test_point_metrics_equal_loops_over_flows(table):
    actual, forecast, base = table
    y, p, b = actual.tolist(), forecast.tolist(), base.tolist()
    pairs = list(zip(y, p, strict=True))
    traded, predicted = math.fsum(y), math.fsum(p)
    wape = math.fsum(abs(a - f) for a, f in pairs) / traded if traded else math.nan
    assert close(metrics.wape(actual, forecast), wape)
    shares = (
        0.5 * math.fsum(abs(a / traded - f / predicted) for a, f in pairs)
        if traded and predicted
        else math.nan
    )
    assert close(metrics.pattern_distance(actual, forecast), shares)
    assert close(
        metrics.midpoint_mae(actual, forecast), mean([abs(growth(a, f)) for a, f in pairs])
    )
    logs = [abs(math.log(a) - math.log(f)) for a, f in pairs if a > 0 and f > 0]
    assert close(metrics.log_mae(actual, forecast), mean(logs))
    shifts = [(growth(a, o), growth(f, o)) for a, f, o in zip(y, p, b, strict=True)]
    total = math.fsum(s**2 for s, _ in shifts)
    r2 = 1 - math.fsum((s - q) ** 2 for s, q in shifts) / total if total else math.nan
    assert close(metrics.r2_shift(actual, forecast, base), r2)


@given(columns(AMOUNT, AMOUNT, AMOUNT, AMOUNT))
def test_interval_metrics_equal_loops_over_flows(table):
    actual, first, second, middle = table
    lower, upper = np.minimum(first, second), np.maximum(first, second)
    rows = list(zip(actual.tolist(), lower.tolist(), upper.tolist(), strict=True))
    total = math.fsum(actual.tolist())
    inside = mean([1.0 if low <= a <= high else 0.0 for a, low, high in rows])
    assert close(metrics.coverage(actual, lower, upper), inside)
    spread = math.fsum(high - low for _, low, high in rows)
    assert close(metrics.width(actual, lower, upper), spread / total if total else math.nan)
    quantiles = {0.05: lower, 0.5: middle, 0.95: upper}
    losses = [
        math.fsum(
            level * (a - q) if a >= q else (1 - level) * (q - a)
            for a, q in zip(actual.tolist(), quantile.tolist(), strict=True)
        )
        for level, quantile in quantiles.items()
    ]
    assert close(metrics.pinball(actual, quantiles), mean(losses) / total if total else math.nan)


@given(columns(st.booleans(), st.floats(0, 1) | st.sampled_from([0.2, 0.5])))
def test_trade_metrics_equal_loops_over_flows(table):
    happened, chance = table[0].astype(bool), table[1]
    rows = list(zip(happened.tolist(), chance.tolist(), strict=True))
    assert close(metrics.brier(happened, chance), mean([(c - h) ** 2 for h, c in rows]))
    hits = int(happened.sum())
    if hits in (0, len(rows)):
        assert math.isnan(metrics.average_precision(happened, chance))
        return
    area, recall = 0.0, 0.0
    for threshold in sorted(set(chance.tolist()), reverse=True):
        chosen = [h for h, c in rows if c >= threshold]
        area += (sum(chosen) / hits - recall) * sum(chosen) / len(chosen)
        recall = sum(chosen) / hits
    assert close(metrics.average_precision(happened, chance), area)


# What must hold whatever the numbers --------------------------------------------------------------


@given(columns(AMOUNT, AMOUNT), st.floats(1e-3, 1e3))
def test_the_pattern_distance_ignores_the_world_total_and_stays_within_one(table, factor):
    actual, forecast = table
    distance = metrics.pattern_distance(actual, forecast)
    if not math.isnan(distance):
        assert 0 <= distance <= 1 + 1e-12
        assert metrics.pattern_distance(actual, factor * forecast) == pytest.approx(
            distance, rel=1e-6, abs=1e-9
        )


@given(columns(AMOUNT))
def test_a_perfect_forecast_has_no_error(table):
    (actual,) = table
    values = [
        metric(actual, actual)
        for metric in (
            metrics.wape,
            metrics.pattern_distance,
            metrics.midpoint_mae,
            metrics.log_mae,
        )
    ]
    assert all(value == 0 or math.isnan(value) for value in values)
    assert values[2] == 0
    assert metrics.coverage(actual, actual, actual) == 1


@given(columns(AMOUNT, AMOUNT))
def test_the_midpoint_error_lies_between_nothing_and_two_and_is_symmetric(table):
    actual, forecast = table
    assert 0 <= metrics.midpoint_mae(actual, forecast) <= 2
    assert metrics.midpoint_mae(actual, forecast) == metrics.midpoint_mae(forecast, actual)


def test_where_a_metric_is_not_defined_it_is_nan_and_not_an_error():
    nothing, empty = np.zeros(3), np.empty(0)
    assert math.isnan(metrics.wape(nothing, nothing))
    assert math.isnan(metrics.pattern_distance(nothing, np.ones(3)))
    assert math.isnan(metrics.pattern_distance(np.ones(3), nothing))
    assert math.isnan(metrics.log_mae(nothing, np.ones(3)))
    assert math.isnan(metrics.r2_shift(nothing, nothing, nothing))
    assert math.isnan(metrics.width(nothing, nothing, np.ones(3)))
    assert math.isnan(metrics.pinball(np.ones(3), {}))
    for metric in (metrics.wape, metrics.pattern_distance, metrics.midpoint_mae, metrics.log_mae):
        assert math.isnan(metric(empty, empty))
    assert math.isnan(metrics.brier(empty.astype(bool), empty))
    assert math.isnan(metrics.average_precision(empty.astype(bool), empty))


def test_a_perfect_forecast_is_one_whose_errors_are_rounding():
    assert np.isnan(metrics.ratio_of_errors(1e-6, 1e-6))
    assert metrics.ratio_of_errors(1e-6, 2e-6) == pytest.approx(0.5)
