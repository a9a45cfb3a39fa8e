"""What the report says about accuracy: headline, track record, intervals, ablation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from features.feature import CHANNELS, TECHNOLOGY
from forecasting.report_style import (
    DASH,
    METRIC_LABELS,
    MODEL_LABELS,
    SETTING_LABELS,
    NoDataError,
    decimal,
    metric,
    models_of,
    paragraph,
    percent,
    plural,
    settings_of,
    stratum,
    table,
    take,
    years,
)
from forecasting.score_plots import MAIN_MODEL, REFERENCE

if TYPE_CHECKING:
    from forecasting.results import RunResult

RAKED, ABLATION = "last_value_raked", "without_technology"
HEADLINE_METRICS = ("wape", "log_mae")
TIE = 0.0005
"""Relative differences below this are called equal: the table would show them as 0.0%."""


def headline(result: RunResult) -> list[str]:
    """How the forecast model did against the two references it must beat."""
    rows = list(_headline_rows(result))
    if not rows:
        return [paragraph("The run holds no scores: nothing is known about its accuracy.")]
    header = ("Setting", "Horizon", "Metric", MAIN_MODEL, "Last value", "Against last value",
              "Raked base", "Against raked base", "Origins better than raked base")  # fmt: skip
    return [
        paragraph(_verdicts(rows), kind="lead"),
        table("Error and skill of the forecast model (means over origins)", header, rows, heads=3),
        paragraph(
            "Skill is the share of the reference's error that the model does without. Last value: "
            "the flow stays as it was. "
            "Raked base: last year's pattern scaled to the country totals, so that only the sizes "
            "of countries change. WAPE is dominated by large flows, log MAE counts every pair "
            "alike. Totals known: published totals of the year after the origin are used; ex ante: "
            "no total beyond the origin is.",
            kind="note",
        ),
    ]


def _verdicts(rows: list[list[str]]) -> str:
    """In how many comparisons the forecast model is better, worse or equal."""
    sentences = []
    for column, name in ((5, "repeating the last value"), (7, "the raked base")):
        words = [row[column].split()[-1] for row in rows if row[column] != DASH]
        counts = {w: words.count(w) for w in ("better", "worse", "equal") if w in words}
        if counts:
            said = ", ".join(f"{word} in {count}" for word, count in counts.items())
            sentences.append(f"Against {name}, {MAIN_MODEL} is {said} of {len(words)} comparisons.")
    return " ".join(sentences)


def _headline_rows(result: RunResult) -> Iterator[list[str]]:
    scores = _overall(result.scores)
    for setting, horizon in _cells(scores):
        for name in HEADLINE_METRICS:
            ours = _value(scores, setting, horizon, MAIN_MODEL, name)
            last = _value(scores, setting, horizon, REFERENCE, name)
            raked = _value(scores, setting, horizon, RAKED, name)
            if ours == ours:
                yield [
                    SETTING_LABELS.get(setting, setting),
                    years(horizon),
                    METRIC_LABELS[name],
                    metric(name, ours),
                    metric(name, last),
                    compared(ours, last),
                    metric(name, raked),
                    compared(ours, raked),
                    _won(result.scores_by_origin, setting, horizon, name),
                ]


def compared(ours: float, reference: float) -> str:
    """Skill in percent with its verdict in a word: better, worse or equal."""
    if not (reference > 0 and ours == ours):
        return DASH
    skill = 1.0 - ours / reference
    word = "equal" if abs(skill) < TIE else "better" if skill > 0 else "worse"
    return f"{percent(skill, sign=True)} {word}"


def _won(by_origin: pd.DataFrame, setting: str, horizon: int, name: str) -> str:
    """At how many origins the forecast model beat the raked base."""
    scores = _overall(by_origin, "origin", name)
    chosen = scores[(scores["setting"] == setting) & (scores["horizon"] == horizon)]
    wide = chosen.pivot_table(index="origin", columns="model", values=name)
    if not {MAIN_MODEL, RAKED} <= set(wide.columns):
        return DASH
    both = wide[[MAIN_MODEL, RAKED]].dropna()
    return f"{int((both[MAIN_MODEL] < both[RAKED]).sum())} of {len(both)}"


def _overall(scores: pd.DataFrame, *needs: str) -> pd.DataFrame:
    """Rows over all flows; an empty table where there are none."""
    columns = ("setting", "model", "horizon", *needs)
    try:
        return take(scores, ["model"], needs=columns, stratum="all")
    except NoDataError:
        return pd.DataFrame(columns=[*columns, "stratum", *METRIC_LABELS])


def _cells(scores: pd.DataFrame) -> list[tuple[str, int]]:
    """List settings and horizons of a table of scores in the order of reports."""
    horizons = sorted(int(h) for h in scores["horizon"].unique())
    return [(s, h) for s in settings_of(scores) for h in horizons]


def _value(scores: pd.DataFrame, setting: str, horizon: int, model: str, name: str) -> float:
    chosen = (
        (scores["setting"] == setting) & (scores["horizon"] == horizon) & (scores["model"] == model)
    )
    values = scores.loc[chosen, name] if name in scores else pd.Series(dtype=float)
    return float(values.iloc[0]) if len(values) else float("nan")


def record(result: RunResult) -> list[str]:
    """Every model, and the forecast model by group of flows."""
    scores = _overall(result.scores)
    rows = [
        [
            SETTING_LABELS.get(setting, setting),
            years(horizon),
            MODEL_LABELS.get(model, model),
            *(metric(m, _value(scores, setting, horizon, model, m)) for m in METRIC_LABELS),
            decimal(_value(scores, setting, horizon, model, "r2_shift")),
            *(
                DASH
                if model == REFERENCE
                else percent(_value(scores, setting, horizon, model, f"skill_{m}"), sign=True)
                for m in HEADLINE_METRICS
            ),
        ]
        for setting, horizon in _cells(scores)
        for model in models_of(scores)
    ]
    if not rows:
        return [paragraph("The run holds no scores.")]
    header = ("Setting", "Horizon", "Model", *METRIC_LABELS.values(), "R² of shift",
              "Skill, WAPE", "Skill, log MAE")  # fmt: skip
    return [
        paragraph(f"Rolling origins, refit at every one; means over {_origins(scores)}."),
        table("Scoreboard, all flows", header, rows, heads=3, strong=MODEL_LABELS[MAIN_MODEL]),
        *_by_stratum(result),
    ]


def _origins(scores: pd.DataFrame) -> str:
    counts = scores["origins"].dropna().astype(int) if "origins" in scores else pd.Series([])
    if counts.empty:
        return "origins"
    low, high = int(counts.min()), int(counts.max())
    return plural(high, "origin") if low == high else f"{low} to {high} origins by horizon"


def _by_stratum(result: RunResult) -> list[str]:
    needs = ("setting", "horizon", "stratum", "skill_wape", "skill_log_mae", "log_mae")
    try:
        ours = take(result.scores, ["wape"], needs=needs, model=MAIN_MODEL)
    except NoDataError:
        return []
    ours = ours[~ours["stratum"].astype(str).str.startswith("decile_")]
    rows = [
        [
            SETTING_LABELS.get(row["setting"], row["setting"]),
            years(int(row["horizon"])),
            stratum(str(row["stratum"])),
            metric("wape", row["wape"]),
            percent(row["skill_wape"], sign=True),
            metric("log_mae", row["log_mae"]),
            percent(row["skill_log_mae"], sign=True),
        ]
        for row in ours.to_dict("records")
        if row["stratum"] != "all"
    ]
    header = ("Setting", "Horizon", "Flows", "WAPE", "Skill, WAPE", "Log MAE", "Skill, log MAE")
    return [table(f"{MAIN_MODEL} by group of flows", header, rows, heads=3)] if rows else []


def intervals(result: RunResult) -> list[str]:
    """How often the intervals held the actual flow."""
    names = ["coverage_50", "coverage_90"]
    try:
        ours = take(result.scores, names, needs=("setting", "horizon", "stratum"), model=MAIN_MODEL)
    except NoDataError:
        return [paragraph("The run holds no interval scores.")]
    decile = ours["stratum"].astype(str).str.startswith("decile_")
    spread = ours[decile].groupby(["setting", "horizon"])["coverage_90"].agg(["min", "max"])
    rows = []
    for row in ours[ours["stratum"] == "all"].to_dict("records"):
        key = (row["setting"], row["horizon"])
        low, high = spread.loc[key] if key in spread.index else (float("nan"), float("nan"))
        rows.append(
            [
                SETTING_LABELS.get(row["setting"], row["setting"]),
                years(int(row["horizon"])),
                *(percent(row[name]) for name in names),
                f"{percent(low)} to {percent(high)}" if low == low else DASH,
                *(percent(row.get(f"width_{level}", float("nan"))) for level in (50, 90)),
            ]
        )
    header = ("Setting", "Horizon", "Inside 50%", "Inside 90%",
              "90%: lowest and highest size decile", "Width 50%", "Width 90%")  # fmt: skip
    return [
        paragraph("Share of actual flows inside the intervals; an honest interval covers what its "
                  "name says. Widths are in percent of trade."),
        table(f"Interval coverage of {MAIN_MODEL}", header, rows, heads=2),
    ]  # fmt: skip


def ablation(result: RunResult) -> list[str]:
    """Errors with and without the technology channels."""
    scores = _overall(result.scores)
    rows = []
    for setting, horizon in _cells(scores):
        for name in METRIC_LABELS:
            full = _value(scores, setting, horizon, MAIN_MODEL, name)
            less = _value(scores, setting, horizon, ABLATION, name)
            if full == full and less == less:
                place = [SETTING_LABELS.get(setting, setting), years(horizon), METRIC_LABELS[name]]
                rows.append([*place, metric(name, full), metric(name, less), compared(full, less)])
    if not rows:
        return [paragraph("The model was not scored without the technology channels.")]
    header = ("Setting", "Horizon", "Metric", "With technology", "Without", "With against without")
    labels = ", ".join(CHANNELS[c].lower() for c in CHANNELS if c in TECHNOLOGY)
    return [table(f"Errors with and without the technology channels ({labels})", header, rows,
                  heads=3)]  # fmt: skip
