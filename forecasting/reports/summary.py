"""Verdicts on the track record in plain sentences: accuracy, tests, intervals, technology."""

from __future__ import annotations

import pandas as pd

from features.feature import CHANNELS, TECHNOLOGY
from forecasting.evaluation.significance import LEVEL
from forecasting.evaluation.significance import why_untested as why_untested_of
from forecasting.reports.html import statements
from forecasting.reports.score_cells import rows_where
from forecasting.results.channel_evidence import (
    TOGETHER,
    Verdict,
    has_data,
    out_of_sample,
    verdict,
    why_untested,
)
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.words.labels import SETTING_LABELS
from forecasting.words.numbers import listed, percent, plural, points, years
from models.registry import LAST_VALUE, MAIN_MODEL, RAKED_BASE

NOMINAL = 0.9
TOLERANCE = 0.025
"""Intervals held what they promise where their coverage is this close to nominal."""
_VERDICTS: dict[Verdict, str] = {
    "not tested": "Whether that is more than luck was not tested",
    "helps": "Read plainly: they improve the forecasts, beyond the luck of so many tests.",
    "hurts": "Read plainly: they make the forecasts worse, beyond the luck of so many tests.",
    "nothing measurable": "Read plainly: a null result. They add nothing to accuracy that can be "
    "told from luck, whatever the model makes of them.",
}


def answers(result: RunResult) -> str:
    """Say in a few sentences what was found and how far it can be trusted."""
    return statements(
        [
            ("Accuracy", _accuracy(result)),
            ("Tests", _tests(result.significance)),
            ("Intervals", _intervals(result.scores)),
            ("Technology channels", technology_words(result)),
        ]
    )


def _ends(numbers: list[int]) -> list[int]:
    """The first and the last, or the only one."""
    return list(dict.fromkeys([numbers[0], numbers[-1]]))


# How good it was ----------------------------------------------------------------------------------


def _accuracy(result: RunResult) -> str:
    setting = record_setting(result)
    scores = rows_where(result.scores, stratum="all", setting=setting)
    wape = scores.set_index(["model", "horizon"])["wape"]
    parts = [
        f"{percent(wape[MAIN_MODEL, h])} of trade {years(h)} ({percent(wape[LAST_VALUE, h])} "
        f"repeating the last value, {percent(wape[RAKED_BASE, h])} the raked base)"
        for h in _ends(sorted(int(h) for h in scores["horizon"].unique()))
    ]
    forecasts = plural(int(scores["origins"].max()), "past forecast")
    return (
        f"In {forecasts}, {SETTING_LABELS[setting].lower()}, the error of {MAIN_MODEL} (WAPE) was "
        f"{listed(parts)}."
    )


def _tests(significance: pd.DataFrame) -> str:
    if significance["p_holm"].isna().all():
        return f"None was made: {why_untested_of(origins=int(significance['origins'].max()))}."
    parts = []
    for against, words in (
        (LAST_VALUE, "Against repeating the last value"),
        (RAKED_BASE, "against the base"),
    ):
        tests = significance[significance["against"] == against]
        made = tests["p_holm"].notna()
        if not made.any():
            parts.append(f"{words} nothing was tested")
            continue
        better, worse = (int((made & (tests["verdict"] == v)).sum()) for v in ("better", "worse"))
        parts.append(f"{words} {better} of {int(made.sum())} tests say better and {worse} worse")
    return (
        f"{', '.join(parts)} (settings x horizons x errors, at {percent(LEVEL, digits=0)}). "
        "The rest are ties, which few origins cannot settle."
    )


def _intervals(scores: pd.DataFrame) -> str:
    ours = scores[scores["model"] == MAIN_MODEL]
    overall = ours.loc[ours["stratum"] == "all", "coverage_90"].dropna()
    sizes = ours.loc[ours["stratum"].str.startswith("decile_"), "coverage_90"].dropna()
    if overall.empty:
        return "The back-test holds no intervals, so nothing is known about those given here."
    furthest = float(overall.iloc[int((overall - NOMINAL).abs().to_numpy().argmax())])
    if abs(furthest - NOMINAL) <= TOLERANCE:
        judged = "Over all flows together they held what they promise"
    elif furthest < NOMINAL:
        judged = "They are too narrow: treat them as too optimistic"
    else:
        judged = "They are wider than necessary"
    by_size = f", {_range(sizes)} by size of flow" if len(sizes) else ""
    held = f"90% intervals of single flows held {_range(overall)} of outcomes by horizon"
    return f"{held}{by_size}. {judged}."


def _range(shares: pd.Series[float]) -> str:
    return f"{percent(float(shares.min()))} to {percent(float(shares.max()))}"


# What technology amounts to -----------------------------------------------------------------------


def technology_words(result: RunResult) -> str:
    """What the technology channels amount to, judged only where that was tested."""
    channels = result.channels
    share = channels.loc[channels["channel"].isin(TECHNOLOGY), "share"].sum()
    names = listed(CHANNELS[c] for c in CHANNELS if c in TECHNOLOGY)
    opening = f"{names} make up {percent(float(share))} of the model's SHAP contributions"
    worth = out_of_sample(result)
    row = worth[worth["channel"] == TOGETHER].to_dict("records")
    why = why_untested(result, TOGETHER, worth=worth)
    if not row or not has_data(result, TOGETHER):
        return f"{opening}. Whether they improve forecasts was not tested here: {why}."
    tests, helps, hurts = (int(row[0][name]) for name in ("tests", "helps", "hurts"))
    counts = f"; one by one {helps} of {tests} tests say that they help, {hurts} that they hurt"
    surely = verdict(
        tests=tests, helps=int(row[0]["surely_helps"]), hurts=int(row[0]["surely_hurts"])
    )
    return (
        f"{opening}. Without them the money error (WAPE) changes by "
        f"{points(row[0]['wape_change'], sign=True)} and the mean log error by "
        f"{points(row[0]['log_mae_change'], sign=True)}{counts if tests else ''}. "
        f"{_VERDICTS[surely]}{f': {why}.' if why else ''}{_lacking(result)}"
    )


def _lacking(result: RunResult) -> str:
    """Technology channels of which the data hold nothing: no verdict is about them."""
    names = [CHANNELS[c] for c in CHANNELS if c in TECHNOLOGY and not has_data(result, c)]
    return f" Not tested, no data: {listed(names)}." if names else ""
