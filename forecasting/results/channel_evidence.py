"""Evidence for and against every channel: its size, stability, sign, and out-of-sample test.

A share of SHAP values says how much a fitted model uses a channel. Whether the channel improves
forecasts is another question, which only forecasts made without it can answer. One table has both.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from features.feature import CHANNELS, TECHNOLOGY
from forecasting.evaluation import significance
from forecasting.evaluation.metrics import ratio_of_errors
from forecasting.evaluation.placebos import placebo_label
from forecasting.evaluation.scores import SKILL_METRICS
from forecasting.evaluation.significance import LEVEL, holm, significance_table
from forecasting.evaluation.study import without
from forecasting.results.result import RunResult
from models.registry import ABLATION, MAIN_MODEL

TOGETHER = "technology"
"""Row of all technology channels, left out together."""
OTHER_FEATURES = 15
VIEWS_APART = 1.2
"""The two views of a channel differ if one's share exceeds the other's by this factor ..."""
CORRELATION_APART = 0.9
"""... or if they correlate less than this over flows ..."""
SMALLEST_SHARE = 0.01
"""... and the channel has at least this share in one view."""
_USED = (
    "channel",
    "label",
    "mean_abs_percent",
    "share",
    "rank",
    "found_sign",
    "rank_low",
    "rank_high",
    "share_low",
    "share_high",
    "origins",
    "origins_same_sign",
    "seeds",
    "seeds_same_sign",
    "share_path_dependent",
    "share_interventional",
    "correlation",
)


def channel_evidence(run: RunResult) -> pd.DataFrame:
    """Size of each channel in the model beside its value out of sample.

    The output of ``gravicast forecast`` has sizes only; the rest is NaN.

    Returns
    -------
    DataFrame
        One row per channel, largest first, then one for all technology channels, which has only a
        share and an out-of-sample value. ``channel, label, technology`` (whether it is a technology
        channel); ``mean_abs_percent`` and ``share`` of the SHAP values, ``rank``, and their range
        over this model and those of back-test origins and seeds, ``share_low, share_high, rank_low,
        rank_high``; ``found_sign`` and how often it recurred, ``origins_same_sign`` of ``origins``
        and ``seeds_same_sign`` of ``seeds``; ``as_expected``, see `expected_share`;
        ``share_path_dependent`` and ``share_interventional``, the two views of the trees, their
        ``correlation``, and whether they are ``apart``; and the columns of `out_of_sample`, NaN for
        a channel that was not left out.
    """
    table = run.channels.reindex(columns=_USED)
    table = table.merge(expected_share(run.drivers), on="channel", how="left")
    table["apart"] = _apart(table)
    technology = table["channel"].isin(TECHNOLOGY)
    together = {
        "channel": TOGETHER,
        "label": "Technology channels together",
        "share": table.loc[technology, "share"].sum(),
        "apart": False,
    }
    table["technology"] = technology
    table = pd.concat([table, pd.DataFrame([together])], ignore_index=True)
    table["technology"] = table["technology"].fillna(True).astype(bool)
    return table.merge(out_of_sample(run), on="channel", how="left")


def expected_share(drivers: pd.DataFrame) -> pd.DataFrame:
    """Share of a channel that has the expected sign, from `drivers.feature_drivers`.

    Returns
    -------
    DataFrame
        ``channel, one_sided`` (how many of its features in use are expected to have one sign) and
        ``as_expected``, the share of their mean absolute SHAP values in features that have it; NaN
        if ``one_sided`` is 0.
    """
    signed = drivers["expected_sign"].isin(["+", "-"]) & (drivers["mean_abs_percent"] > 0)
    size = drivers["mean_abs_percent"].where(signed, 0.0)
    right = size.where(drivers["verdict"] == "as expected", 0.0)
    sums = pd.DataFrame({"size": size, "right": right, "one_sided": signed.astype(int)})
    by = sums.groupby(drivers["channel"]).sum()
    by["as_expected"] = (by["right"] / by["size"]).where(by["size"] > 0)
    return by[["one_sided", "as_expected"]].rename_axis("channel").reset_index()


def _apart(table: pd.DataFrame) -> pd.Series[bool]:
    """Whether the two views of a channel differ."""
    pair = table[["share_path_dependent", "share_interventional"]].astype(np.float64)
    larger, smaller = pair.max(axis=1), pair.min(axis=1)
    unlike = (larger > VIEWS_APART * smaller) | (table["correlation"] < CORRELATION_APART)
    return (larger >= SMALLEST_SHARE) & unlike


# Out of sample ------------------------------------------------------------------------------------


def out_of_sample(run: RunResult) -> pd.DataFrame:
    """How much worse forecasts are without each channel.

    A study leaves out every channel in turn, any other run only the technology channels together,
    and ``gravicast forecast`` none.

    Returns
    -------
    DataFrame
        ``channel`` (`TOGETHER` for all technology), then the columns of `changes`.
    """
    names = {without(channel): str(channel) for channel in CHANNELS} | {ABLATION: TOGETHER}
    if run.study is not None:
        tests = run.study.ablation
    elif run.scores_by_origin.empty:
        tests = pd.DataFrame()
    else:
        overall = run.scores_by_origin["stratum"] == "all"
        tests = significance_table(
            run.scores_by_origin[overall],
            model=MAIN_MODEL,
            others=[ABLATION],
            metrics=SKILL_METRICS,
        )
    table = changes(tests, setting=run.config.settings[0])
    table["against"] = table["against"].map(names)
    return table.rename(columns={"against": "channel"})


def placebo_evidence(run: RunResult) -> pd.DataFrame:
    """How much worse forecasts are on deliberately altered data; empty without a study.

    Returns
    -------
    DataFrame
        ``against`` and ``label`` of the alteration, then the columns of `changes`.
    """
    tests = pd.DataFrame() if run.study is None else run.study.placebos
    table = changes(tests, setting=run.config.settings[0])
    table.insert(1, "label", table["against"].map(placebo_label))
    return table


def changes(tests: pd.DataFrame, *, setting: str) -> pd.DataFrame:
    """Summarise tests of the main model against itself on less, or different, data.

    ``tests`` are of `significance.significance_table`. Errors are compared in one setting; tests of
    all settings are counted.

    Returns
    -------
    DataFrame
        One row per model of ``against``: ``wape_change`` and ``log_mae_change``, by how many
        percent its error exceeds the main model's, mean over horizons; ``tests`` over settings,
        horizons and metrics, and how many find the main model better (``helps``: what the other
        lacks helps) or worse (``hurts``); ``surely_helps`` and ``surely_hurts`` count those that
        remain after Holm's adjustment over all tests of a model, valid under any dependence.
    """
    columns = ["against", "wape_change", "log_mae_change", "tests", "helps", "hurts"]
    columns += ["surely_helps", "surely_hurts"]
    if tests.empty:
        return pd.DataFrame(columns=columns)
    rows = []
    for against, block in tests.groupby("against", sort=False):
        chosen = block[block["setting"] == setting]
        made = block["p_holm"].notna()
        sure = holm(block["p_holm"].to_numpy(dtype=np.float64)) < LEVEL
        verdicts = block["verdict"]
        rows.append(
            (
                against,
                *(_change(chosen[chosen["metric"] == metric]) for metric in ("wape", "log_mae")),
                int(made.sum()),
                *(int((made & (verdicts == word)).sum()) for word in ("better", "worse")),
                *(int((sure & (verdicts == word)).sum()) for word in ("better", "worse")),
            )
        )
    return pd.DataFrame(rows, columns=columns)


def _change(tests: pd.DataFrame) -> float:
    """By how many percent the other model's error exceeds the main one's, mean over horizons."""
    return float((100.0 * (ratio_of_errors(tests["theirs"], tests["ours"]) - 1.0)).mean())


def why_untested(run: RunResult, channel: str, *, worth: pd.DataFrame) -> str:
    """Why the out-of-sample value of a channel is unknown; empty if it was tested.

    ``channel`` is one of `features.feature.CHANNELS`, or `TOGETHER`; ``worth`` the run's
    `out_of_sample`.
    """
    row = worth[worth["channel"] == channel]
    if len(row) and int(row["tests"].iloc[0]) > 0:
        return ""
    if run.scores.empty:
        return "nothing was back-tested"
    if channel == "horizon":
        return "a forecast cannot leave out its horizon"
    if not has_data(run, channel):
        return "no data"
    if row.empty:
        return "not left out one by one"
    return significance.why_untested(origins=int(run.scores["origins"].max()))


def has_data(run: RunResult, channel: str) -> bool:
    """Whether the data fill any feature of the channel (`TOGETHER`: of a technology channel)."""
    channels = TECHNOLOGY if channel == TOGETHER else {channel}
    features = run.coverage[run.coverage["channel"].isin(channels)]
    return bool((features["share_of_flows"] > 0).any())


Verdict = Literal["not tested", "helps", "hurts", "nothing measurable"]


def verdict(*, tests: int, helps: int, hurts: int) -> Verdict:
    """What several tests say together.

    ``helps`` and ``hurts`` count the tests that reject equality after adjustment (``surely_*`` of
    `changes`). A few unadjusted rejections among many tests are chance, and tests on the same
    origins are correlated.
    """
    if tests == 0:
        return "not tested"
    if helps > hurts:
        return "helps"
    return "hurts" if hurts > helps else "nothing measurable"


# Features -----------------------------------------------------------------------------------------


def feature_evidence(run: RunResult) -> pd.DataFrame:
    """All technology features, then the `OTHER_FEATURES` strongest others.

    Returns
    -------
    DataFrame
        The columns of `drivers.feature_drivers` and ``technology``.
    """
    table = run.drivers.assign(technology=run.drivers["channel"].isin(TECHNOLOGY))
    others = table[~table["technology"]].head(OTHER_FEATURES)
    return pd.concat([table[table["technology"]], others], ignore_index=True)
