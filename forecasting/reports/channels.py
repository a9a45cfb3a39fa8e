"""What the report says about channels and features, and why none of it tells what causes trade."""

from __future__ import annotations

from typing import Any

import pandas as pd

from features.feature import CHANNELS, TECHNOLOGY
from forecasting.reports.html import bullets, heading, paragraph, table
from forecasting.results.channel_evidence import (
    CORRELATION_APART,
    OTHER_FEATURES,
    SMALLEST_SHARE,
    TOGETHER,
    VIEWS_APART,
    channel_evidence,
    feature_evidence,
    has_data,
    out_of_sample,
    placebo_evidence,
    why_untested,
)
from forecasting.results.result import RunResult
from forecasting.words.features import feature_words
from forecasting.words.labels import SETTING_LABELS
from forecasting.words.numbers import DASH, MINUS, listed, percent, plural, points

_SIGNS = {"+": "+", "-": MINUS, "0": "none", "two-sided": "two-sided", "none": DASH}
_WHY = (
    "Not causes: only the model's inputs were varied. Indicators of technology rise with income, "
    "schooling and connectivity, and the model may use one in place of another.",
    "Not predictive value: a share says how much the fitted model uses a channel. Whether it makes "
    "forecasts better is seen only where they are made without it, in the last columns.",
    "Not one truth: channels that move together share their contributions, and the two definitions "
    "of a SHAP value share them out differently. Where they are far apart both are shown to be.",
)


def evidence(result: RunResult) -> list[str]:
    """Channels and features: size, stability, sign, both views, and the out-of-sample value."""
    channels = channel_evidence(result)
    return [
        paragraph("What the model used is not what causes trade, and not what improves forecasts.",
                  kind="lead"),
        bullets(_WHY),
        _channels(result, channels),
        *_reading(result, channels),
        *_placebos(result),
        heading("Features"),
        *_features(result),
    ]  # fmt: skip


# Channels -----------------------------------------------------------------------------------------


def _channels(result: RunResult, channels: pd.DataFrame) -> str:
    header = ("Channel", "Share of SHAP (range)", "Rank (range)", "Sign", "Same sign at origins",
              "Same sign for seeds", "Signs as expected", "Trees: path-dependent, interventional",
              "WAPE without it", "Log MAE without it", "Tests")  # fmt: skip
    worth = out_of_sample(result)
    return table(
        f"Channels: use by the model, and worth out of sample ({len(result.explanation.rows):,} "
        "explained forecasts)",
        header,
        [_channel(row, result, worth) for row in channels.to_dict("records")],
        strong=str(channels["label"].iloc[-1]),
    )


def _channel(row: dict[str, Any], result: RunResult, worth: pd.DataFrame) -> list[str]:
    technology = row["technology"] and row["channel"] != TOGETHER
    views = [percent(row[f"share_{view}"]) for view in ("path_dependent", "interventional")]
    return [
        f"{row['label']} (technology)" if technology else str(row["label"]),
        _with_range(percent(row["share"]), percent(row["share_low"]), percent(row["share_high"])),
        _with_range(*(_count(row[name]) for name in ("rank", "rank_low", "rank_high"))),
        _SIGNS.get(row["found_sign"], DASH),
        _of(row["origins_same_sign"], row["origins"]),
        _of(row["seeds_same_sign"], row["seeds"]),
        percent(row["as_expected"], digits=0),
        DASH if DASH in views else f"{', '.join(views)}{': far apart' if row['apart'] else ''}",
        *_changes(row, result),
        _tests(row, result, worth),
    ]


def _changes(row: dict[str, Any], result: RunResult) -> list[str]:
    """Errors without the channel; none where there was nothing to leave out."""
    if not has_data(result, str(row["channel"])):
        return [DASH, DASH]
    return [points(row[f"{metric}_change"], sign=True) for metric in ("wape", "log_mae")]


def _tests(row: dict[str, Any], result: RunResult, worth: pd.DataFrame) -> str:
    if row["tests"] > 0:
        counts = [_count(row[name]) for name in ("helps", "hurts", "tests")]
        return "{} help, {} hurt of {}".format(*counts)
    return f"not tested: {why_untested(result, str(row['channel']), worth=worth)}"


def _count(number: float) -> str:
    return DASH if pd.isna(number) else f"{number:.0f}"


def _of(part: float, whole: float) -> str:
    return DASH if pd.isna(whole) else f"{part:.0f} of {whole:.0f}"


def _with_range(value: str, low: str, high: str) -> str:
    return value if low == DASH else f"{value} ({low} to {high})"


def _reading(result: RunResult, channels: pd.DataFrame) -> list[str]:
    """How to read the table, and which channels the two views see differently."""
    setting = SETTING_LABELS[result.config.settings[0]].lower()
    paragraphs = [
        paragraph("Share of SHAP: of the mean absolute contributions over all explained forecasts; "
                  "its range and that of the rank are over this model and those of the "
                  "back-test's origins and of other seeds, which learn from fewer past flows where "
                  "there are many. Sign: whether larger values of the channel's features go with "
                  "larger forecasts. Signs as expected: of the "
                  "contributions of features with a one-sided expectation, the part with the sign "
                  "expected.", kind="note"),
    ]  # fmt: skip
    if result.stability.empty:
        return paragraphs
    apart = channels.loc[channels["apart"], "label"]
    rule = (
        f"larger by a factor of {VIEWS_APART:g} in one view, or correlated less than "
        f"{CORRELATION_APART:g} over flows, in a channel of at least "
        f"{percent(SMALLEST_SHARE, digits=0)}"
    )
    views = (
        f"The two views differ noticeably ({rule}) for {listed(apart)}: dependence on other "
        "channels is at work there, and neither share is the true one."
        if len(apart)
        else f"For no channel do the two views differ noticeably ({rule})."
    )
    value = (
        "Without it: by how much the error is larger where the model never saw the channel, mean "
        f"over horizons, {setting}; about 0 says that the channel adds nothing. Tests: over all "
        "settings, horizons and error measures, adjusted for their number."
    )
    return [*paragraphs, paragraph(views), paragraph(value, kind="note")]


def _placebos(result: RunResult) -> list[str]:
    found = placebo_evidence(result)
    if found.empty:
        return []
    rows = [
        [
            str(row["label"]),
            points(row["wape_change"], sign=True),
            points(row["log_mae_change"], sign=True),
            *(str(row[name]) for name in ("helps", "hurts", "tests")),
        ]
        for row in found.to_dict("records")
    ]
    header = ("Data altered", "WAPE on it", "Log MAE on it", "Tests: worse on it",
              "Tests: better on it", "Tests")  # fmt: skip
    return [
        heading("Placebos"),
        paragraph("Technology of another country or year should cost accuracy if the technology "
                  "channels carried any. Indicators published a year early must gain some, or a "
                  "leak would go unseen."),
        table("Change of the error on data altered on purpose", header, rows),
    ]  # fmt: skip


# Features -----------------------------------------------------------------------------------------


def _features(result: RunResult) -> list[str]:
    everything = feature_evidence(result)
    found = everything[~everything["technology"] | (everything["mean_abs_percent"] > 0)]
    header = ("Feature", "Channel", "Expected sign", "Source of the expectation", "Found sign",
              "Verdict", "Share of SHAP", "Rank (range)", "Same sign at origins",
              "Same sign for seeds")  # fmt: skip
    rows = [
        [
            feature_words(str(row["feature"]), str(row["source"])),
            CHANNELS[row["channel"]],
            _SIGNS[row["expected_sign"]],
            str(row["source"]),
            _SIGNS[row["found_sign"]],
            str(row["verdict"]),
            percent(row["share"], digits=2),
            _with_range(*(_count(row[name]) for name in ("rank", "rank_low", "rank_high"))),
            _of(row["origins_same_sign"], row["origins"]),
            _of(row["seeds_same_sign"], row["seeds"]),
        ]
        for row in found.to_dict("records")
    ]
    others = min(OTHER_FEATURES, int((~found["technology"]).sum()))
    names = listed(CHANNELS[c] for c in CHANNELS if c in TECHNOLOGY)
    caption = f"Features of {names}, and the {others} strongest others"
    unused = len(everything) - len(found)
    left_out = (
        f"Not used by the model, and left out here: {plural(unused, 'feature')} of these channels; "
        "drivers.csv lists them."
    )
    return [
        table(caption, header, rows, words=(2, 3, 4, 5), heads=2),
        paragraph(left_out, kind="note") if unused else "",
    ]
