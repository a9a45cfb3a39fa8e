"""What the report says about accuracy: errors and tests, by group and origin, and intervals."""

from __future__ import annotations

from typing import Any

import pandas as pd

from forecasting.evaluation.metric_labels import METRICS
from forecasting.evaluation.metrics import ratio_of_errors
from forecasting.evaluation.significance import why_untested
from forecasting.reports.html import heading, paragraph, table
from forecasting.reports.score_cells import (
    pooled_reliability,
    rows_where,
    score_cells,
    score_of,
    with_study_models,
)
from forecasting.results.result import RunResult
from forecasting.words.labels import (
    METRIC_LABELS,
    SETTING_LABELS,
    cells_of,
    models_of,
    settings_of,
    stratum,
)
from forecasting.words.numbers import DASH, decimal, metric, percent, plural, years
from models.registry import LAST_VALUE, MAIN_MODEL, RAKED_BASE, model_label

MAIN_METRICS = ("wape", "log_mae")


def record(result: RunResult) -> list[str]:
    """The forecast model against what it must beat, and every model."""
    overall = result.scores[result.scores["stratum"] == "all"]
    return [
        paragraph(f"The forecasts of past origins, each made only from what was published then, "
                  f"with every model fitted anew; means over {_origins(overall)}."),
        _tested(result.significance, overall),
        paragraph("Last value: the flow stays as it was. Raked base: the last pattern scaled to "
                  "the country totals, so that only the sizes of countries change. "
                  f"WAPE {METRICS['wape'].sees}; log MAE {METRICS['log_mae'].sees}. "
                  "Totals known: published totals of the year after the origin "
                  "are used; ex ante: none beyond the origin is. A verdict is better or worse "
                  "where a test rejects equal accuracy, adjusted for the models compared, and "
                  "otherwise a tie; what was not tested says why.", kind="note"),
        _models(result, overall),
    ]  # fmt: skip


def _origins(overall: pd.DataFrame) -> str:
    low, high = int(overall["origins"].min()), int(overall["origins"].max())
    return plural(high, "origin") if low == high else f"{low} to {high} origins by horizon"


def _tested(significance: pd.DataFrame, overall: pd.DataFrame) -> str:
    """Errors and verdicts against the last value and the raked base."""
    cells = score_cells(overall)
    rows = [
        [
            SETTING_LABELS[setting],
            years(horizon),
            METRIC_LABELS[name],
            metric(name, score_of(cells, setting, horizon, MAIN_MODEL, name)),
            *_against(significance, (setting, horizon, name, LAST_VALUE)),
            *_against(significance, (setting, horizon, name, RAKED_BASE)),
        ]
        for setting, horizon in cells_of(overall)
        for name in METRIC_LABELS
    ]
    other = ("Change", "Lower at", "Verdict")
    header = ("Setting", "Horizon", "Error", MAIN_MODEL, "Last value", *other, "Raked base",
              *other)  # fmt: skip
    caption = f"Error of {MAIN_MODEL} against repeating the last value and against the raked base"
    return table(caption, header, rows, heads=3, words=(7, 11))


def _against(tests: pd.DataFrame, key: tuple[str, int, str, str]) -> list[str]:
    """The other model's error, ours relative to it, origins where ours is lower, the verdict."""
    setting, horizon, name, against = key
    found = rows_where(
        tests, setting=setting, horizon=horizon, metric=name, against=against
    ).to_dict("records")
    if not found:
        return [DASH] * 4
    row: dict[str, Any] = found[0]
    change = ratio_of_errors(row["ours"], row["theirs"]) - 1
    return [
        metric(name, row["theirs"]),
        percent(change, sign=True),
        f"{row['wins']} of {row['origins']}",
        why_untested(origins=row["origins"]) if pd.isna(row["p_holm"]) else str(row["verdict"]),
    ]


def _models(result: RunResult, overall: pd.DataFrame) -> str:
    """Every model's errors; of a study's models too where there was one."""
    overall = with_study_models(overall, None if result.study is None else result.study.by_origin)
    cells, rows = score_cells(overall), []
    for setting, horizon in cells_of(overall):
        for model in models_of(overall):
            ours, last = (
                {name: score_of(cells, setting, horizon, m, name) for name in METRIC_LABELS}
                for m in (model, LAST_VALUE)
            )
            skills = [1 - ratio_of_errors(ours[name], last[name]) for name in MAIN_METRICS]
            rows.append(
                [
                    SETTING_LABELS[setting],
                    years(horizon),
                    model_label(model),
                    *(metric(name, value) for name, value in ours.items()),
                    decimal(score_of(cells, setting, horizon, model, "r2_shift")),
                    *(DASH if model == LAST_VALUE else percent(s, sign=True) for s in skills),
                ]
            )
    header = ("Setting", "Horizon", "Model", *METRIC_LABELS.values(), "R² of shift",
              "Skill, WAPE", "Skill, log MAE")  # fmt: skip
    caption = "Every model, all flows; skill against the last value"
    return table(caption, header, rows, heads=3, strong=model_label(MAIN_MODEL))


# By group and origin ------------------------------------------------------------------------------


def by_group(result: RunResult) -> list[str]:
    """The forecast model by group of flows, and by origin."""
    groups = _by_stratum(result.scores)
    return [heading("By group of flows"), *groups, heading("By origin"), *_by_origin(result)]


def _by_stratum(scores: pd.DataFrame) -> list[str]:
    """Skill and coverage of the forecast model in every group, a table a setting."""
    ours = scores[(scores["model"] == MAIN_MODEL) & (scores["stratum"] != "all")]
    horizons, parts = sorted(int(h) for h in ours["horizon"].unique()), []
    for setting in settings_of(ours):
        block = ours[ours["setting"] == setting].set_index(["stratum", "horizon"])
        rows = [
            [
                stratum(name),
                *(
                    percent(float(block[column].get((name, horizon), float("nan"))), sign=sign)
                    for horizon in horizons
                    for column, sign in _OF_A_GROUP
                ),
            ]
            for name in block.index.unique("stratum")
        ]
        pairs = ((f"{years(h)}: skill, WAPE", "skill, log MAE", "inside 90%") for h in horizons)
        header = ("Flows", *(name for pair in pairs for name in pair))
        caption = f"{MAIN_MODEL} by group of flows, {SETTING_LABELS[setting].lower()}"
        parts.append(table(caption, header, rows))
    return parts


_OF_A_GROUP = (("skill_wape", True), ("skill_log_mae", True), ("coverage_90", False))


def _by_origin(result: RunResult) -> list[str]:
    """WAPE of the forecast model at every origin, and its change against the raked base."""
    scores = result.scores_by_origin[result.scores_by_origin["stratum"] == "all"]
    horizons = sorted(int(h) for h in scores["horizon"].unique())
    parts = []
    for setting in settings_of(scores):
        block = scores[scores["setting"] == setting]
        wide = block.pivot_table(index="origin", columns=["model", "horizon"], values="wape")
        rows = []
        for origin, row in wide.iterrows():
            cells = [str(origin)]
            for horizon in horizons:
                ours = float(row.get((MAIN_MODEL, horizon), float("nan")))
                base = float(row.get((RAKED_BASE, horizon), float("nan")))
                cells += [metric("wape", ours), percent(ratio_of_errors(ours, base) - 1, sign=True)]
            rows.append(cells)
        pairs = ((years(h), "against base") for h in horizons)
        header = ("Origin", *(name for pair in pairs for name in pair))
        caption = f"WAPE of {MAIN_MODEL} by origin, {SETTING_LABELS[setting].lower()}"
        parts.append(table(caption, header, rows))
    return parts


# Intervals and probabilities ----------------------------------------------------------------------


def intervals(result: RunResult) -> list[str]:
    """How often the intervals held the actual flow, and how often flows start and stop."""
    ours = result.scores[result.scores["model"] == MAIN_MODEL]
    decile = ours["stratum"].str.startswith("decile_")
    spread = ours[decile].groupby(["setting", "horizon"])["coverage_90"].agg(["min", "max"])
    rows = []
    for row in ours[ours["stratum"] == "all"].to_dict("records"):
        key = (row["setting"], row["horizon"])
        low, high = spread.loc[key] if key in spread.index else (float("nan"), float("nan"))
        rows.append(
            [
                SETTING_LABELS[row["setting"]],
                years(int(row["horizon"])),
                *(percent(row[f"coverage_{level}"]) for level in (50, 90)),
                f"{percent(low)} to {percent(high)}" if low == low else DASH,
                *(percent(row[f"width_{level}"]) for level in (50, 90)),
            ]
        )
    header = ("Setting", "Horizon", "Inside 50%", "Inside 90%",
              "90%: lowest and highest size decile", "Width 50%", "Width 90%")  # fmt: skip
    return [
        heading("Intervals and probabilities"),
        paragraph("Share of outcomes inside the intervals; an honest interval covers what its "
                  "name says. Widths are in percent of trade."),
        table(f"Interval coverage of {MAIN_MODEL}", header, rows, heads=2),
        *_reliability(result.reliability),
    ]  # fmt: skip


def _reliability(reliability: pd.DataFrame) -> list[str]:
    """Forecast probabilities against what happened, pooled over settings and horizons."""
    pooled = pooled_reliability(reliability)
    rows = []
    for number in sorted({int(key[1]) for key in pooled.index}):
        cells = [f"{10 * number}% to {10 * (number + 1)}%"]
        for margin in ("births", "deaths"):
            if (margin, number) in pooled.index:
                row = pooled.loc[(margin, number)]
                shares = (percent(row[name] / row["n"]) for name in ("expected", "came"))
                cells += [f"{row['n']:,.0f}", *shares]
            else:
                cells += [DASH] * 3
        rows.append(cells)
    header = ("Probability", "Flows that may start", "Said", "Started", "Flows that may stop",
              "Said", "Stopped")  # fmt: skip
    caption = "Flows that start and stop: what was said and what came, over settings and horizons"
    return [table(caption, header, rows)] if rows else []
