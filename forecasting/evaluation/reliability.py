"""Reliability of the probability of trade: how often flows start and stop where it is p."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from forecasting.evaluation.fold import FoldForecast

BINS = 10
KEYS = ["setting", "horizon", "margin", "bin"]


def reliability_rows(forecast: FoldForecast) -> Iterator[dict[str, object]]:
    """Counts by bin of probability: starts among flows without trade at the origin, and stops.

    Flows with an unknown outcome, or unknown at the origin, are left out.
    """
    if forecast.probability is None:
        return
    known = ~np.isnan(forecast.actual) & ~np.isnan(forecast.value_origin)
    trades = forecast.actual > 0
    for margin, rows, chance, happened in (
        ("births", known & (forecast.value_origin == 0), forecast.probability, trades),
        ("deaths", known & (forecast.value_origin > 0), 1 - forecast.probability, ~trades),
    ):
        number = np.minimum((chance[rows] * BINS).astype(np.int64), BINS - 1)
        count = np.bincount(number, minlength=BINS)
        expected = np.bincount(number, weights=chance[rows], minlength=BINS)
        came = np.bincount(number, weights=happened[rows], minlength=BINS)
        for place in np.flatnonzero(count):
            yield {
                "setting": forecast.setting,
                "horizon": forecast.horizon,
                "margin": margin,
                "bin": int(place),
                "n": int(count[place]),
                "expected": float(expected[place]),
                "happened": int(came[place]),
            }


def summarise_reliability(rows: Iterable[dict[str, object]]) -> pd.DataFrame:
    """Sum the counts over origins.

    Returns
    -------
    DataFrame
        ``setting, horizon, margin, bin, n, mean_probability, frequency``: ``margin`` is "births"
        (the event is trade) or "deaths" (the event is none), ``bin`` k holds probabilities from
        k/10 to (k + 1)/10.
    """
    columns = [*KEYS, "n", "expected", "happened"]
    table = pd.DataFrame(list(rows), columns=columns).groupby(KEYS, sort=False).sum().reset_index()
    table = table.sort_values(KEYS, kind="stable", ignore_index=True)
    table["mean_probability"] = table.pop("expected") / table["n"]
    table["frequency"] = table.pop("happened") / table["n"]
    return table
