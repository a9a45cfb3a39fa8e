"""The scoreboard: strata, means over origins, crisis and calm years, skill."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.information import DataBundle, InformationSet
from forecasting.evaluation import metrics
from forecasting.evaluation.fold import FoldForecast
from forecasting.evaluation.scores import (
    METRICS,
    SKILL_METRICS,
    reported_strata,
    score_forecast,
    strata,
    summarise,
)

FLOWS = 56  # of the tiny world
DECILES = [f"decile_{number}" for number in range(1, 11)]


@pytest.fixture(scope="module")
def info(make_bundle) -> InformationSet:
    return InformationSet(make_bundle(), as_of=date(2010, 7, 1), origin=2008)


@pytest.fixture(scope="module")
def bare_info(make_bundle) -> InformationSet:
    return InformationSet(DataBundle(make_bundle().panel), as_of=date(2010, 7, 1), origin=2008)


def forecast_of(rng: np.random.Generator, *, size: int = FLOWS, model: str = "gravicast"):
    """A forecast with zeros on every side and unknown outcomes."""

    def amounts(zeros: float) -> np.ndarray:
        return rng.lognormal(10, 3, size) * (rng.random(size) >= zeros)

    actual = amounts(0.2)
    actual[rng.random(size) < 0.2] = np.nan
    return FoldForecast(
        setting="ex_ante",
        model=model,
        origin=2008,
        horizon=2,
        forecast=amounts(0.1),
        base=amounts(0.2),
        expected=amounts(0.0),
        probability=rng.random(size) if model == "gravicast" else None,
        value_origin=amounts(0.2),
        actual=actual,
    )


# Strata -------------------------------------------------------------------------------------------

VALUES = st.lists(
    st.sampled_from([0.0, math.nan, 1.0, 2.0, 3.0]) | st.floats(1e-3, 1e9),
    min_size=FLOWS,
    max_size=FLOWS,
).map(np.array)


@settings(max_examples=60, deadline=None)
@given(value=VALUES)
def test_deciles_partition_the_positive_flows_in_the_order_of_size(bare_info, value):
    masks = strata(bare_info, value)
    assert masks["all"].all()
    inside = [masks[name] for name in DECILES if name in masks]
    np.testing.assert_array_equal(np.sum(inside, axis=0, initial=0), value > 0)
    for smaller, larger in pairwise(inside):
        assert value[smaller].max() < value[larger].min()
    np.testing.assert_array_equal(masks.get("zero_origin", np.zeros(FLOWS, bool)), value == 0)
    assert all(mask.any() for mask in masks.values())


def test_deciles_of_different_values_hold_equally_many_flows(bare_info):
    value = np.random.default_rng(0).permutation(np.arange(FLOWS, dtype=float))
    masks = strata(bare_info, value)
    assert {int(masks[name].sum()) for name in DECILES} <= {5, 6}  # 55 positive flows


def test_a_nowcast_is_scored_by_how_many_countries_have_reported():
    masks = reported_strata(np.array([2.0, 0.0, 2.0]))
    assert {name: mask.tolist() for name, mask in masks.items()} == {
        "reported_by_none": [False, True, False],
        "reported_by_both": [True, False, True],
    }


def test_income_groups_divide_the_exporters_at_the_median(info):
    masks = strata(info, info.history[-1].astype(float))
    low, high = masks["low_income_exporter"], masks["high_income_exporter"]
    per_head = info.latest("MACRO.GDP") / info.latest("MACRO.POP")
    known = ~np.isnan(per_head)
    assert known.sum() >= 6
    median = np.nanmedian(per_head)
    for country, code in enumerate(info.flows.countries):
        of_country = info.flows.exporter == country
        assert (low[of_country] == (known[country] and per_head[country] < median)).all(), code
        assert (high[of_country] == (known[country] and per_head[country] >= median)).all(), code


def test_without_income_there_are_no_income_groups(bare_info):
    names = set(strata(bare_info, np.ones(FLOWS)))
    assert not {name for name in names if "income" in name}


# Rows of one forecast -----------------------------------------------------------------------------


def test_a_row_holds_the_metrics_of_its_flows_with_a_known_outcome():
    rng = np.random.default_rng(1)
    forecast = forecast_of(rng)
    some = rng.random(FLOWS) < 0.5
    low, high = forecast.forecast * 0.9, forecast.forecast * 1.2
    wide, widest = forecast.forecast * 0.1, forecast.forecast * 5 + 1
    bounds = {50: (low, high), 90: (wide, widest)}
    rows = list(score_forecast(forecast, {"all": np.ones(FLOWS, bool), "some": some}, bounds))
    assert [row["stratum"] for row in rows] == ["all", "some"]
    for row, mask in zip(rows, (np.ones(FLOWS, bool), some), strict=True):
        keep = mask & ~np.isnan(forecast.actual)
        y, p = forecast.actual[keep], forecast.forecast[keep]
        before, chance = forecast.value_origin[keep] > 0, forecast.probability[keep]
        tails = {0.05: wide, 0.25: low, 0.5: forecast.forecast, 0.75: high, 0.95: widest}
        pinball = metrics.pinball(y, {level: value[keep] for level, value in tails.items()})
        expected = {
            "wape": metrics.wape(y, p),
            "pattern_distance": metrics.pattern_distance(y, p),
            "midpoint_mae": metrics.midpoint_mae(y, p),
            "log_mae": metrics.log_mae(y, p),
            "r2_shift": metrics.r2_shift(y, p, forecast.base[keep]),
            "coverage_50": metrics.coverage(y, low[keep], high[keep]),
            "coverage_90": metrics.coverage(y, wide[keep], widest[keep]),
            "width_50": metrics.width(y, low[keep], high[keep]),
            "width_90": metrics.width(y, wide[keep], widest[keep]),
            "pinball": pinball,
            "crps": 2 * pinball,
            "brier": metrics.brier(y > 0, chance),
            "auprc_births": metrics.average_precision(y[~before] > 0, chance[~before]),
            "auprc_deaths": metrics.average_precision(y[before] == 0, 1 - chance[before]),
        }
        assert set(expected) == set(METRICS)
        assert {name: row[name] for name in METRICS} == pytest.approx(expected, nan_ok=True)
        assert row["n"] == keep.sum()
        assert (row["setting"], row["model"], row["origin"], row["horizon"]) == (
            "ex_ante",
            "gravicast",
            2008,
            2,
        )


def test_what_a_model_does_not_forecast_is_nan():
    forecast = forecast_of(np.random.default_rng(2), model="drift")
    (row,) = score_forecast(forecast, {"all": np.ones(FLOWS, bool)}, None)
    absent = {name for name in METRICS if math.isnan(row[name])}
    assert absent == {*METRICS} - {*SKILL_METRICS, "r2_shift"}


def test_a_stratum_without_a_known_outcome_has_no_row():
    forecast = forecast_of(np.random.default_rng(3))
    unknown = np.isnan(forecast.actual)
    assert unknown.any()
    assert list(score_forecast(forecast, {"unknown": unknown}, None)) == []
    nothing = replace(forecast, actual=np.full(FLOWS, np.nan))
    assert list(score_forecast(nothing, {"all": np.ones(FLOWS, bool)}, None)) == []


# Means over origins -------------------------------------------------------------------------------


def by_origin(errors: dict[tuple[str, int, int, str], float]) -> pd.DataFrame:
    """Rows of (model, origin, horizon, stratum) with one number for every skill metric."""
    rows = []
    for (model, origin, horizon, stratum), error in errors.items():
        row = dict.fromkeys(METRICS, math.nan) | dict.fromkeys(SKILL_METRICS, error)
        keys = {"setting": "ex_ante", "model": model, "horizon": horizon, "origin": origin}
        rows.append({**keys, "stratum": stratum, **row, "n": 10})
    return pd.DataFrame(rows)


@pytest.fixture
def summary() -> pd.DataFrame:
    errors = {}
    for origin, ours, reference in ((2006, 0.1, 0.2), (2008, 0.6, 0.9), (2010, 0.2, 0.4)):
        for stratum in ("all", "decile_1"):
            errors["gravicast", origin, 1, stratum] = ours
            errors["last_value", origin, 1, stratum] = reference
    errors["gravicast", 2007, 2, "all"] = 0.5  # the target year is 2009
    errors["last_value", 2007, 2, "all"] = 0.25
    return summarise(by_origin(errors)).set_index(["model", "horizon", "stratum"])


def test_scores_are_means_over_origins(summary):
    ours = summary.loc["gravicast", 1, "all"]
    assert ours["wape"] == pytest.approx((0.1 + 0.6 + 0.2) / 3)
    assert (ours["n"], ours["origins"]) == (30, 3)


def test_crisis_target_years_are_scored_apart_from_the_rest(summary):
    crisis, calm = (summary.loc["gravicast", 1, name] for name in ("crisis", "calm"))
    assert (crisis["wape"], crisis["origins"]) == (0.6, 1)  # 2008 + 1
    assert (calm["wape"], calm["origins"]) == (pytest.approx(0.15), 2)
    assert ("gravicast", 2, "crisis") in summary.index  # 2007 + 2
    assert ("gravicast", 2, "calm") not in summary.index
    # Other strata are not divided: crisis and calm are parts of all flows.
    assert summary.loc["gravicast", 1, "decile_1"]["origins"] == 3


def test_skill_is_one_less_the_ratio_to_the_last_value_of_the_same_rows(summary):
    for metric in SKILL_METRICS:
        skill = summary[f"skill_{metric}"]
        assert (skill.loc["last_value"] == 0).all()
        assert skill.loc["gravicast", 1, "all"] == pytest.approx(1 - 0.9 / 1.5)
        assert skill.loc["gravicast", 1, "crisis"] == pytest.approx(1 - 0.6 / 0.9)
        assert skill.loc["gravicast", 2, "all"] == pytest.approx(1 - 0.5 / 0.25)


def test_settings_are_never_averaged_or_compared():
    one = by_origin({("gravicast", 2006, 1, "all"): 0.1, ("last_value", 2006, 1, "all"): 0.2})
    other = by_origin({("gravicast", 2006, 1, "all"): 0.3, ("last_value", 2006, 1, "all"): 0.3})
    table = summarise(pd.concat([one, other.assign(setting="totals_known")]))
    ours = table[(table["model"] == "gravicast") & (table["stratum"] == "all")]
    assert ours.set_index("setting")["wape"].to_dict() == {"ex_ante": 0.1, "totals_known": 0.3}
    assert ours.set_index("setting")["skill_wape"].to_dict() == {"ex_ante": 0.5, "totals_known": 0}


def test_an_origin_where_a_metric_is_not_defined_is_left_out_of_its_mean():
    rows = by_origin({("last_value", origin, 1, "all"): 0.2 for origin in (2004, 2005, 2006)})
    rows["brier"] = [0.1, math.nan, 0.3]
    table = summarise(rows)
    assert table.loc[0, "brier"] == pytest.approx(0.2)
    assert table.loc[0, "origins"] == 3
