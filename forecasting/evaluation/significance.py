"""Equal predictive ability: whether a lower loss over a few origins is more than luck.

Thousands of flows of one origin are not thousands of draws: a recession or a revision hits them
together. So each origin has one loss (a mean or a ratio over all flows), and the test is on its
differences between models over origins. That is valid whatever the dependence between
flows (the overall test of Akgun, Pirotte, Urga and Yang 2024, International Journal of Forecasting
40(1), 202-228) and leaves a short, serially dependent series, because horizons overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from forecasting.evaluation.metrics import PERFECT

Vector = NDArray[np.float64]

FEWEST_ORIGINS = 4
LEVEL = 0.05
UNTESTED = "not tested"
LARGEST_ORDER, SMALLEST_ORDER = 4, 2
KEYS = ["setting", "horizon", "metric"]


@dataclass(frozen=True, slots=True)
class EqualAccuracy:
    """A test of equal accuracy.

    Attributes
    ----------
    difference
        Mean loss difference, ours minus theirs; negative is better.
    statistic, p_value
        t statistic and two-sided p value; NaN with fewer than `FEWEST_ORIGINS` origins, and where
        both have the same loss at every origin: identical forecasts are not evidence of a tie.
    origins, wins
        Origins compared, and those where ours is lower.
    """

    difference: float
    statistic: float
    p_value: float
    origins: int
    wins: int


def equal_accuracy(difference: Vector, *, horizon: int) -> EqualAccuracy:
    """Diebold and Mariano's test with a long-run variance and critical values for short series.

    Parameters
    ----------
    difference
        Loss difference of each origin in time order, ours minus theirs, shape ``[origin]``.
    horizon
        Years ahead: differences of origins less than this apart share target years.

    Raises
    ------
    ValueError
        If a difference is not finite.

    Notes
    -----
    The long-run variance is the equal-weighted cosine estimate with ``nu`` terms, and the statistic
    is compared with Student's t of ``nu`` degrees of freedom (Lazarus, Lewis, Stock and Watson
    2018, Journal of Business & Economic Statistics 36(4), 541-559; for forecast comparison with
    short series Coroneo and Iacone 2020, Journal of Applied Econometrics 35(4), 391-409). ``nu``
    is T / 2h, at most 4 and at least 2: fewer where horizons overlap. The simulation in
    ``tests/benchmarks/significance.py`` shows why: with 10 to 14 origins and overlapping horizons
    the plain t test and the kernel estimates reject a true null in 7 to 43 % of the cases, this
    one in 5 to 9 %. The price is power: a tie is weak evidence of equality.
    """
    values = np.asarray(difference, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("loss differences must be finite")
    size = values.size
    mean = float(values.mean()) if size else float("nan")
    wins = int((values < 0).sum())
    if size < FEWEST_ORIGINS or not values.any():
        return EqualAccuracy(mean, float("nan"), float("nan"), size, wins)
    if np.allclose(values, values[0], rtol=1e-12, atol=0.0):
        # No variation to test with, and a constant gap is not an accident.
        return EqualAccuracy(mean, float(np.copysign(np.inf, mean)), 0.0, size, wins)
    order = cosine_terms(size, horizon=horizon)
    time = (np.arange(size) + 0.5) / size
    waves = np.sqrt(2.0 / size) * np.cos(np.pi * np.arange(1, order + 1)[:, None] * time)
    variance = float(((waves @ values) ** 2).mean())
    statistic = float(np.sqrt(size) * mean / np.sqrt(variance))
    return EqualAccuracy(mean, statistic, float(2 * stats.t.sf(abs(statistic), order)), size, wins)


def why_untested(*, origins: int) -> str:
    """Why a comparison with that many origins and no p value was not tested."""
    if origins < FEWEST_ORIGINS:
        return f"fewer than {FEWEST_ORIGINS} origins"
    return "both forecast the same"


def cosine_terms(origins: int, *, horizon: int) -> int:
    """Terms of the variance estimate: degrees of freedom of the test."""
    return int(np.clip(origins // (2 * horizon), SMALLEST_ORDER, LARGEST_ORDER))


def holm(p_values: Vector) -> Vector:
    """Holm's (1979) step-down adjustment: valid whatever the dependence; NaN stays NaN."""
    adjusted = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    factors = np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return adjusted


def significance_table(
    by_origin: pd.DataFrame, *, model: str, others: Sequence[str], metrics: Sequence[str]
) -> pd.DataFrame:
    """Test ``model`` against each of ``others``.

    Parameters
    ----------
    by_origin
        Scores by origin over all flows: columns setting, model, horizon, origin and the metrics.
    model, others
        Names in the column ``model``; those missing from it are left out.
    metrics
        Losses: lower is better.

    Returns
    -------
    DataFrame
        One row per setting, horizon, metric and other model: ``against, origins, ours, theirs,
        difference, wins, statistic, p_value, p_holm, verdict``. Origins where either lacks the
        metric are left out of both. The Holm family is one setting, horizon and metric: the
        question is which of these models ours beats. ``verdict`` is "better", "worse",
        "tie" where ``p_holm`` is above 5 %, and "not tested" where it is unknown.
    """
    index = ["setting", "horizon", "origin"]
    rows: list[dict[str, object]] = []
    for metric in metrics:
        table = by_origin.pivot_table(index=index, columns="model", values=metric, observed=True)
        place = {str(name): number for number, name in enumerate(table.columns)}
        losses = table.to_numpy(dtype=np.float64)
        group, found = pd.factorize(table.index.droplevel("origin"))
        for number, (setting, horizon) in enumerate(found):
            block = losses[group == number]
            for other in others:
                if other not in place or model not in place:
                    continue
                keys = {"setting": setting, "horizon": horizon, "metric": metric, "against": other}
                pair = block[:, [place[model], place[other]]]
                rows.append(keys | _test(pair, horizon=int(horizon)))
    return _with_verdicts(pd.DataFrame(rows))


def _test(losses: NDArray[np.float64], *, horizon: int) -> dict[str, object]:
    """Columns of `significance_table` for losses of ours and theirs, shape ``[origin, 2]``."""
    ours, theirs = np.where(losses > PERFECT, losses, 0.0)[~np.isnan(losses).any(axis=1)].T.copy()
    test = equal_accuracy(ours - theirs, horizon=horizon)
    return {
        "origins": test.origins,
        "ours": ours.mean() if ours.size else np.nan,
        "theirs": theirs.mean() if theirs.size else np.nan,
        "difference": test.difference,
        "wins": test.wins,
        "statistic": test.statistic,
        "p_value": test.p_value,
    }


def _with_verdicts(table: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        return table
    adjusted = [
        pd.Series(holm(group.to_numpy(dtype=np.float64)), index=group.index)
        for _, group in table.groupby(KEYS, sort=False)["p_value"]
    ]
    table["p_holm"] = pd.concat(adjusted)
    better = table["difference"] < 0
    sure = table["p_holm"] < LEVEL
    table["verdict"] = np.where(sure, np.where(better, "better", "worse"), "tie")
    table.loc[table["p_holm"].isna(), "verdict"] = UNTESTED
    return table
