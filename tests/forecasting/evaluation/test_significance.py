from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from forecasting.evaluation.significance import (
    FEWEST_ORIGINS,
    UNTESTED,
    cosine_terms,
    equal_accuracy,
    holm,
    significance_table,
    why_untested,
)

quick = hypothesis_settings(max_examples=60, deadline=None)
losses = arrays(
    np.float64, st.integers(4, 20), elements=st.floats(-1, 1).map(lambda x: round(x, 6))
)
HORIZONS = (1, 2, 3, 5)


def rejections(draws: np.ndarray, horizon: int) -> float:
    return float(np.mean([equal_accuracy(row, horizon=horizon).p_value < 0.05 for row in draws]))


@pytest.mark.parametrize(("origins", "horizon", "most"), [(14, 1, 0.065), (12, 3, 0.08)])
def test_a_true_null_is_rejected_about_as_often_as_it_says(origins, horizon, most):
    noise = np.random.default_rng(0).standard_normal((3_000, origins + horizon - 1))
    overlapping = sum(noise[:, lag : lag + origins] for lag in range(horizon))
    assert 0.035 < rejections(overlapping, horizon) < most


def test_a_plain_t_test_is_fooled_by_overlap_where_this_one_is_not():
    noise = np.random.default_rng(1).standard_normal((2_000, 14))
    overlapping = noise[:, :-2] + noise[:, 1:-1] + noise[:, 2:]
    plain = float((stats.ttest_1samp(overlapping, 0.0, axis=1).pvalue < 0.05).mean())
    assert plain > 0.2 > 2 * rejections(overlapping, 3)


def test_flows_of_one_origin_are_not_draws():
    """A test over all flows finds a difference in every other world without one."""
    rng = np.random.default_rng(2)
    common = rng.standard_normal((300, 14, 1))
    flows = common + rng.standard_normal((300, 14, 200))
    pooled = stats.ttest_1samp(flows.reshape(300, -1), 0.0, axis=1).pvalue
    assert float((pooled < 0.05).mean()) > 0.4
    assert rejections(flows.mean(axis=2), 1) < 0.09


def test_a_clear_difference_is_found():
    draws = np.random.default_rng(3).standard_normal((500, 14)) - 1.5
    assert rejections(draws, 1) > 0.9


def test_the_statistic_is_that_of_its_formula():
    values = np.array([0.3, -0.1, 0.4, 0.2, 0.0, 0.5, 0.1, 0.2])
    size, order = 8, 4
    variance = 0.0
    for j in range(1, order + 1):
        wave = [
            np.sqrt(2 / size) * np.cos(np.pi * j * (t - 0.5) / size) for t in range(1, size + 1)
        ]
        variance += float(np.dot(wave, values)) ** 2 / order
    got = equal_accuracy(values, horizon=1)
    assert got.statistic == pytest.approx(np.sqrt(size) * values.mean() / np.sqrt(variance))
    assert got.p_value == pytest.approx(2 * (1 - stats.t.cdf(abs(got.statistic), order)))
    assert (got.origins, got.wins, got.difference) == (8, 1, pytest.approx(0.2))


@pytest.mark.parametrize(
    ("origins", "horizon", "terms"),
    [(4, 1, 2), (5, 1, 2), (6, 1, 3), (8, 1, 4), (10, 1, 4), (40, 1, 4), (11, 2, 2), (12, 2, 3),
     (16, 2, 4), (12, 3, 2), (14, 5, 2)],
)  # fmt: skip
def test_terms_are_half_the_origins_a_horizon_from_2_to_4(origins, horizon, terms):
    assert cosine_terms(origins, horizon=horizon) == terms


def test_as_few_as_four_origins_are_tested():
    four = equal_accuracy(np.array([-0.1, -0.3, -0.2, -0.1]), horizon=1)
    assert FEWEST_ORIGINS == four.origins == four.wins == 4
    assert 0 < four.p_value < 1
    assert why_untested(origins=4) == "both forecast the same"
    assert why_untested(origins=3) == "fewer than 4 origins"


@quick
@given(losses, st.sampled_from(HORIZONS), st.floats(0.01, 100))
def test_scale_does_not_matter_and_sign_only_flips(values, horizon, scale):
    one, scaled, flipped = (
        equal_accuracy(v, horizon=horizon) for v in (values, scale * values, -values)
    )
    if not values.any():
        assert np.isnan([one.p_value, scaled.p_value, flipped.p_value]).all()
        return
    assert 0 <= one.p_value <= 1
    assert scaled.p_value == pytest.approx(one.p_value, abs=1e-6)
    assert flipped.p_value == pytest.approx(one.p_value, abs=1e-9)
    assert flipped.difference == -one.difference


def test_degenerate_differences_have_a_rule():
    assert np.isnan(equal_accuracy(np.zeros(9), horizon=1).p_value)
    constant = equal_accuracy(np.full(9, -0.1), horizon=1)
    assert (constant.p_value, constant.statistic) == (0.0, -np.inf)
    assert np.isnan(equal_accuracy(np.ones(3), horizon=1).p_value)
    assert np.isnan(equal_accuracy(np.empty(0), horizon=1).difference)
    with pytest.raises(ValueError, match="finite"):
        equal_accuracy(np.array([1.0, np.nan, 2.0, 3.0]), horizon=1)


@quick
@given(arrays(np.float64, st.integers(1, 8), elements=st.floats(0, 1)))
def test_holm_is_the_step_down_rule(p_values):
    adjusted = holm(p_values)
    for level in (0.01, 0.05, 0.3):
        rejected = set()
        for step, k in enumerate(np.argsort(p_values, kind="stable")):
            # Not divided: on a tie of the two sides the last bit would decide.
            if p_values[k] * (p_values.size - step) > level * (1 + 1e-12):
                break
            rejected.add(int(k))
        assert rejected == set(np.flatnonzero(adjusted <= level * (1 + 1e-12)).tolist())


def test_an_adjusted_p_value_is_a_probability():
    np.testing.assert_array_equal(holm(np.array([0.6, 0.7, 1.0])), [1, 1, 1])


def test_holm_leaves_unknown_values_out_of_the_family():
    np.testing.assert_allclose(holm(np.array([0.02, np.nan, 0.04])), [0.04, np.nan, 0.04])


def scores(**losses_by_model: np.ndarray) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "setting": "ex_ante",
                "model": name,
                "horizon": 1,
                "origin": range(2000, 2010),
                "wape": x,
            }
        )
        for name, x in losses_by_model.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_table_names_winner_tie_and_loser():
    rng = np.random.default_rng(4)
    ours = 0.2 + 0.01 * rng.standard_normal(10)
    frame = scores(
        ours=ours,
        weak=ours + 0.1 + 0.01 * rng.standard_normal(10),
        same=ours + 0.01 * rng.standard_normal(10),
        strong=ours - 0.1 + 0.01 * rng.standard_normal(10),
    )
    table = significance_table(
        frame, model="ours", others=("weak", "same", "strong", "absent"), metrics=("wape",)
    ).set_index("against")
    assert table["verdict"].to_dict() == {"weak": "better", "same": "tie", "strong": "worse"}
    assert (table["p_holm"] >= table["p_value"]).all()
    assert table.loc["weak", "wins"] == table.loc["weak", "origins"] == 10
    assert table.loc["weak", "difference"] == pytest.approx(
        table.loc["weak", "ours"] - table.loc["weak", "theirs"]
    )


def test_a_model_against_itself_is_not_tested_and_says_why():
    ours = 0.2 + 0.01 * np.random.default_rng(4).standard_normal(10)
    table = significance_table(
        scores(ours=ours, same=ours), model="ours", others=("same",), metrics=("wape",)
    )
    assert set(table["verdict"]) == {UNTESTED}
    assert why_untested(origins=10) != why_untested(origins=FEWEST_ORIGINS - 1)


def test_origins_one_of_the_two_lacks_are_left_out_of_both():
    other = np.full(10, 0.3)
    other[[2, 5]] = np.nan
    frame = scores(ours=np.linspace(0.1, 0.2, 10), other=other)
    row = significance_table(frame, model="ours", others=("other",), metrics=("wape",)).iloc[0]
    kept = np.delete(np.linspace(0.1, 0.2, 10), [2, 5])
    assert row["origins"] == 8
    assert row["ours"] == pytest.approx(kept.mean())


@pytest.mark.parametrize("more", [False, True])
def test_a_p_value_at_the_level_is_a_tie_and_the_next_below_is_not(monkeypatch, more):
    rng = np.random.default_rng(4)
    ours = 0.2 + 0.01 * rng.standard_normal(10)
    frame = scores(ours=ours, weak=ours + 0.1 + 0.01 * rng.standard_normal(10))

    def row() -> pd.Series:
        return significance_table(frame, model="ours", others=("weak",), metrics=("wape",)).iloc[0]

    p_holm = row()["p_holm"]
    level = np.nextafter(p_holm, 1) if more else p_holm
    monkeypatch.setattr("forecasting.evaluation.significance.LEVEL", level)
    assert row()["verdict"] == ("better" if more else "tie")
