"""What a scoreboard proves: tests, channels left out, placebos, and trials of nested validation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from features.feature import CHANNELS, TECHNOLOGY
from forecasting.evaluation.metrics import ratio_of_errors
from forecasting.evaluation.placebos import placebo_label
from forecasting.evaluation.significance import FEWEST_ORIGINS, UNTESTED, why_untested
from forecasting.reports.score_cells import rows_where
from forecasting.words.labels import METRIC_LABELS, SETTING_LABELS, settings_of
from forecasting.words.markdown import section, table
from forecasting.words.numbers import lower_first, percent, years
from models.registry import model_label


def in_short(files: dict[str, Any]) -> str:
    """How often equal accuracy is rejected, by baseline, channel and placebo."""
    kinds = (
        ("significance", "gravicast against", model_label),
        ("tuning_gain", "gravicast tuned against itself with", model_label),
        ("ablation", "gravicast against itself without", _without),
        ("placebos", "gravicast against itself with", _placebo),
    )
    rows = []
    for file, words, name in kinds:
        tests = files.get(file)
        if tests is None:
            continue
        for other, block in tests.groupby("against", sort=False):
            counts = [
                str(int((block["verdict"] == v).sum()))
                for v in ("better", "worse", "tie", UNTESTED)
            ]
            rows.append([f"{words} {name(str(other))}", *counts])
    header = ["Over settings, horizons and metrics", "Better", "Worse", "Tie", "Not tested"]
    return section("In short: verdicts of the tests below", header, rows)


def significance(tests: pd.DataFrame) -> str:
    """The main model against every baseline."""
    text = (
        "Change of the error against each model, and at how many origins ours is lower. **Bold**: "
        "equal accuracy is rejected at 5 % (two-sided t test on the differences of origins with an "
        "equal-weighted cosine variance, Holm's adjustment over the models of a column). With this "
        "few origins a number that is not bold is no proof of equality."
    )
    return _tested("Significance", text, tests, model_label, _against_theirs)


def tuning(tests: pd.DataFrame | None) -> str:
    """The main model against itself with the run's own parameters; empty without tuning."""
    if tests is None:
        return ""
    text = (
        "Change of the error against the same model with the run's own parameters of LightGBM, on "
        "forecasts later than anything that the search saw: negative is a gain. Bold and counts "
        "(origins at which the tuned model is better) as above; each cell is a test of its own."
    )
    return _tested("What tuning gained", text, tests, model_label, _against_theirs)


def ablation(tests: pd.DataFrame | None) -> str:
    """The main model against itself without each channel; empty without a study."""
    if tests is None:
        return ""
    text = (
        "Change of the error where the model never saw a channel: positive says that the channel "
        "helped, about 0 that it added nothing. Bold and counts (origins at which the model with "
        "the channel is better) as above, adjusted over channels."
    )
    return _tested("What each channel adds", text, tests, _without, _against_ours)


def placebos(tests: pd.DataFrame | None) -> str:
    """The main model against itself on altered data; empty without a study."""
    if tests is None:
        return ""
    text = (
        "Change of the error on data altered on purpose. Technology of another country or year "
        "should cost accuracy if technology carried any; indicators published a year early must "
        "gain some, or a leak would go unseen. Counts: origins at which the unaltered data are "
        "better."
    )
    return _tested("Placebos", text, tests, _placebo, _against_ours)


def _tested(
    title: str,
    text: str,
    tests: pd.DataFrame,
    name: Callable[[str], str],
    change: Callable[[dict[str, Any]], float],
) -> str:
    """One table a setting and metric: rows what is compared with, columns horizons."""
    parts = [f"## {title}", text]
    horizons = sorted(tests["horizon"].unique())
    for setting in settings_of(tests):
        for metric, label in METRIC_LABELS.items():
            block = rows_where(tests, setting=setting, metric=metric)
            cells = {
                (row["against"], row["horizon"]): _verdict(row, change(row))
                for row in block.to_dict("records")
            }
            rows = [
                [name(other), *(cells.get((other, horizon), "") for horizon in horizons)]
                for other in dict.fromkeys(block["against"])
            ]
            header = [f"{SETTING_LABELS[setting]}: {label}", *(years(h) for h in horizons)]
            parts.append(table(header, rows))
    return "\n\n".join(parts)


def _against_theirs(row: dict[str, Any]) -> float:
    return float(ratio_of_errors(row["ours"], row["theirs"]) - 1)


def _against_ours(row: dict[str, Any]) -> float:
    return float(ratio_of_errors(row["theirs"], row["ours"]) - 1)


def _verdict(row: dict[str, Any], change: float) -> str:
    """Relative change in percent, bold where it is significant, and the origins won."""
    if row["verdict"] == UNTESTED and row["origins"] >= FEWEST_ORIGINS:
        return f"{UNTESTED}: {why_untested(origins=row['origins'])}"
    text = percent(change, digits=2, sign=True)
    strong = f"**{text}**" if row["verdict"] in ("better", "worse") else text
    return f"{strong} {int(row['wins'])}/{int(row['origins'])}"


def trials(tried: pd.DataFrame | None) -> str:
    """Change of the validation loss by trial against the standard, and of its three parts."""
    if tried is None:
        return ""
    losses = ["loss", "midpoint", "money", "ratio"]
    standard = tried[tried["question"] == "standard"].set_index("origin")[losses]
    rows = []
    for (question, answer), block in tried.groupby(["question", "answer"], sort=False):
        if question == "standard":
            continue
        found = block.set_index("origin")[losses]
        changes = ratio_of_errors(found.mean(), standard.mean()) - 1
        wins = int((found["loss"] < standard["loss"]).sum())
        cells = [percent(changes[name], digits=2, sign=True) for name in losses]
        rows.append([question, answer, *cells, f"{wins}/{len(found)}"])
    header = ["Decision", "Tried", "All three", "Midpoint MAE", "WAPE", "Log MAE", "Better at"]
    text = (
        "One decision of the shift model changed at a time: a booster and a linear model averaged, "
        "Huber's loss, every horizon in one model. Each learns from target years up to three "
        "before an origin and is judged on forecasts made since, up to the origin: the scores "
        "above played no part. Change of the error against the standard; negative is better. A "
        "flow forecast at zero has no log error, so zeros flatter that column."
    )
    return f"## Trials of the shift model, nested\n\n{text}\n\n{table(header, rows)}"


def _without(name: str) -> str:
    channel = name.removeprefix("without_")
    if channel == "technology":
        return "all three technology channels"
    label = next(words for key, words in CHANNELS.items() if key == channel)
    return f"{label} (technology)" if channel in TECHNOLOGY else label


def _placebo(name: str) -> str:
    return lower_first(placebo_label(name))
