"""What the report and the scoreboard both read from tables of scores."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from forecasting.words.labels import METRIC_LABELS


def rows_where(table: pd.DataFrame, **keys: object) -> pd.DataFrame:
    """Rows with these values of these columns."""
    chosen = pd.Series(True, index=table.index)
    for column, value in keys.items():
        chosen &= table[column] == value
    return table[chosen]


ScoreCells = Mapping[tuple[str, int, str], Mapping[str, float]]
"""Errors by metric over all flows, by setting, horizon and model."""


def score_cells(scores: pd.DataFrame) -> ScoreCells:
    """Every model's errors over all flows, to be read cell by cell."""
    # The models of a study are scored over all flows only, without a stratum.
    overall = scores[scores["stratum"].isna() | (scores["stratum"] == "all")]
    keys = ["setting", "horizon", "model"]
    cells: ScoreCells = overall.drop_duplicates(keys).set_index(keys).to_dict("index")
    return cells


def score_of(cells: ScoreCells, setting: str, horizon: int, model: str, metric: str) -> float:
    """A model's error over all flows; NaN where it has none."""
    found = cells.get((setting, horizon, model))
    return float("nan") if found is None else float(found[metric])


def with_study_models(scores: pd.DataFrame, study: pd.DataFrame | None) -> pd.DataFrame:
    """Scores with the further models of a study, if there was one; means over origins."""
    if study is None:
        return scores
    further = study[study["group"] == "model"]
    by = further.groupby(["setting", "model", "horizon"], sort=False)
    means = by[[*METRIC_LABELS, "r2_shift"]].mean().reset_index()
    return pd.concat([scores, means], ignore_index=True)


def pooled_reliability(reliability: pd.DataFrame) -> pd.DataFrame:
    """Flows, expected and actual events over settings and horizons, by ``margin`` and ``bin``."""
    counts = reliability.assign(
        expected=reliability["mean_probability"] * reliability["n"],
        came=reliability["frequency"] * reliability["n"],
    )
    return counts.groupby(["margin", "bin"])[["n", "expected", "came"]].sum()
