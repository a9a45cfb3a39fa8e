"""Evidence by channel: against slow, obvious sums, and on a finished run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import FEATURES
from features.feature import CHANNELS, TECHNOLOGY
from forecasting import RunResult, read_run
from forecasting.evaluation.study import Study, leave_out
from forecasting.results.channel_evidence import (
    OTHER_FEATURES,
    TOGETHER,
    changes,
    channel_evidence,
    expected_share,
    feature_evidence,
    out_of_sample,
    placebo_evidence,
    verdict,
)

METRICS = ("wape", "log_mae", "midpoint_mae")


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


def made_up_tests(models: list[str], seed: int) -> pd.DataFrame:
    """Tests with every verdict, and some that could not be made."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "setting": setting,
            "horizon": horizon,
            "metric": metric,
            "against": model,
            "ours": rng.uniform(0.1, 1),
            "theirs": rng.uniform(0.1, 1),
            "p_holm": rng.choice([np.nan, 0.01, 0.6]),
            "verdict": rng.choice(["better", "worse", "tie"]),
        }
        for setting in ("totals_known", "ex_ante")
        for horizon in (1, 2, 5)
        for metric in METRICS
        for model in models
    ]
    return pd.DataFrame(rows)


def with_study(result: RunResult, **tables: pd.DataFrame) -> RunResult:
    empty = dict.fromkeys(("by_origin", "ablation", "placebos", "trials"), pd.DataFrame())
    return replace(result, study=Study(**{**empty, **tables}))


# Out of sample -----------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_changes_are_counted_and_averaged_one_by_one(seed: int) -> None:
    tests = made_up_tests(["a", "b"], seed)
    found = changes(tests, setting="totals_known").set_index("against")
    for model in ("a", "b"):
        counts = {"tests": 0, "helps": 0, "hurts": 0}
        ratios: dict[str, list[float]] = {metric: [] for metric in METRICS}
        for row in tests[tests["against"] == model].to_dict("records"):
            if row["setting"] == "totals_known":
                ratios[row["metric"]].append(100 * (row["theirs"] - row["ours"]) / row["ours"])
            if row["p_holm"] == row["p_holm"]:
                counts["tests"] += 1
                counts["helps"] += row["verdict"] == "better"
                counts["hurts"] += row["verdict"] == "worse"
        assert found.loc[model, list(counts)].to_dict() == counts
        assert found.loc[model, "wape_change"] == pytest.approx(np.mean(ratios["wape"]))
        assert found.loc[model, "log_mae_change"] == pytest.approx(np.mean(ratios["log_mae"]))


def test_without_a_study_only_technology_together_was_left_out(result: RunResult) -> None:
    """Its errors are those of the scores by origin; nothing is said of single channels."""
    found = out_of_sample(result)
    assert list(found["channel"]) == [TOGETHER]
    scores = result.scores_by_origin.query("stratum == 'all' and setting == 'totals_known'")
    errors = scores.groupby(["model", "horizon"])["wape"].mean()
    change = 100 * (errors["without_technology"] / errors["gravicast"] - 1)
    assert found["wape_change"].iloc[0] == pytest.approx(change.mean())


def test_a_study_left_out_every_channel_but_the_horizon(result: RunResult) -> None:
    tests = made_up_tests([*leave_out(), "without_technology"], 1)
    found = out_of_sample(with_study(result, ablation=tests))
    # No feature of the users' own is in this run.
    assert set(found["channel"]) == {*CHANNELS, TOGETHER} - {"horizon", "own"}


def test_a_forecast_without_a_back_test_has_no_value_out_of_sample(result: RunResult) -> None:
    bare = replace(result, scores_by_origin=pd.DataFrame())
    assert out_of_sample(bare).empty
    assert placebo_evidence(bare).empty


def test_placebos_are_named_with_their_draw(result: RunResult) -> None:
    tests = made_up_tests(["technology_permuted_2", "indicators_led"], 3)
    found = placebo_evidence(with_study(result, placebos=tests))
    assert list(found["label"]) == [
        "Technology of another country, draw 2",
        "Every indicator a year early, a leak on purpose",
    ]


@pytest.mark.parametrize(("p_value", "left"), [(0.02, 0), (0.0005, 3)])
def test_a_few_rejections_among_many_tests_are_luck(p_value: float, left: int) -> None:
    tests = pd.DataFrame(
        {
            "setting": "totals_known",
            "metric": "wape",
            "against": "without_technology",
            "ours": 1.0,
            "theirs": 1.0,
            "p_holm": [p_value] * 3 + [0.6] * 37,
            "verdict": ["better"] * 3 + ["tie"] * 37,
        }
    )
    row = changes(tests, setting="totals_known").iloc[0]
    assert (row["tests"], row["helps"], row["hurts"]) == (40, 3, 0)
    assert (row["surely_helps"], row["surely_hurts"]) == (left, 0)


@given(tests=st.integers(0, 200), parts=st.tuples(st.integers(0, 200), st.integers(0, 200)))
def test_a_verdict_goes_with_the_rejections_that_are_left(
    tests: int, parts: tuple[int, int]
) -> None:
    helps = min(parts[0], tests)
    hurts = min(parts[1], tests - helps)
    found = verdict(tests=tests, helps=helps, hurts=hurts)
    swapped = verdict(tests=tests, helps=hurts, hurts=helps)
    mirror = {"helps": "hurts", "hurts": "helps"}
    assert swapped == mirror.get(found, found)
    assert (found == "not tested") == (tests == 0)
    if found == "helps":
        assert helps > hurts


# Use by the model --------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["persistence", "automation"]),
            st.sampled_from(["+", "-", "two-sided", "none"]),
            st.sampled_from(["as expected", "against expectation", "no direction", "not used"]),
            st.floats(0, 10),
        ),
        min_size=1,
    )
)
def test_the_share_of_signs_as_expected(rows: list[tuple[str, str, str, float]]) -> None:
    names = ["channel", "expected_sign", "verdict", "mean_abs_percent"]
    found = expected_share(pd.DataFrame(rows, columns=names)).set_index("channel")
    for channel in {row[0] for row in rows}:
        signed = [r for r in rows if r[0] == channel and r[1] in "+-" and r[3] > 0]
        assert found.loc[channel, "one_sided"] == len(signed)
        total = sum(size for *_, size in signed)
        right = sum(size for *_, verdict_of, size in signed if verdict_of == "as expected")
        if signed:
            assert found.loc[channel, "as_expected"] == pytest.approx(right / total)
        else:
            assert np.isnan(found.loc[channel, "as_expected"])


def test_channels_of_a_run_and_technology_together(result: RunResult) -> None:
    table = channel_evidence(result)
    single, together = table.iloc[:-1], table.iloc[-1]
    assert together["channel"] == TOGETHER
    assert single["share"].sum() == pytest.approx(1)
    assert set(single.loc[single["technology"], "channel"]) == TECHNOLOGY
    assert together["share"] == pytest.approx(single.loc[single["technology"], "share"].sum())
    assert (single["share"].diff().dropna() <= 0).all()
    assert (single["share_low"] <= single["share_high"]).all()
    assert together["wape_change"] == out_of_sample(result)["wape_change"].iloc[0]


@pytest.mark.parametrize(
    ("followed", "broken", "correlation", "apart"),
    [
        (0.30, 0.29, 0.99, False),
        (0.30, 0.24, 0.99, True),
        (0.24, 0.30, 0.99, True),
        (0.30, 0.30, 0.80, True),
        (0.009, 0.001, 0.5, False),
        (0.0, 0.0, np.nan, False),
    ],
)
def test_views_are_apart_where_they_differ_noticeably(
    result: RunResult, followed: float, broken: float, correlation: float, apart: bool
) -> None:
    channels = result.channels.assign(
        share_path_dependent=followed, share_interventional=broken, correlation=correlation
    )
    table = channel_evidence(replace(result, channels=channels))
    assert set(table["apart"].iloc[:-1]) == {apart}


def test_sizes_alone_are_enough(result: RunResult) -> None:
    """As in a folder of `gravicast forecast`."""
    names = ["channel", "label", "mean_abs_percent", "mean_abs_net_percent", "share"]
    bare = replace(
        result,
        channels=result.channels[names],
        stability=pd.DataFrame(),
        scores=pd.DataFrame(),
        scores_by_origin=pd.DataFrame(),
    )
    table = channel_evidence(bare)
    assert table["rank_low"].isna().all()
    assert not table["apart"].any()
    assert table["tests"].isna().all()


def test_features_are_all_of_technology_and_the_strongest_others(result: RunResult) -> None:
    table = feature_evidence(result)
    wanted = {f.name for f in FEATURES if f.channel in TECHNOLOGY}
    assert set(table.loc[table["technology"], "feature"]) == wanted
    others = table[~table["technology"]]
    assert len(others) == OTHER_FEATURES
    left = set(result.drivers["feature"]) - set(table["feature"])
    weakest = others["mean_abs_percent"].min()
    rest = result.drivers[result.drivers["feature"].isin(left)]
    assert (rest["mean_abs_percent"] <= weakest).all()
