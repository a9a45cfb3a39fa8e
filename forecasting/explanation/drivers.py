"""What the shift model used: size, direction and stability of every channel and feature.

Importance is not predictive value and a direction is not an effect: these tables describe fitted
models. What a channel adds out of sample is `forecasting.evaluation.study`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from features.catalogue import FEATURES
from features.feature import Feature
from forecasting.explanation.explain import (
    Explanation,
    channel_columns,
    channel_summary,
    to_percent,
)
from models.binned_rows import BinnedRows
from models.design import at_horizon
from models.shift import ShiftModel

Matrix = NDArray[np.float64]

SAMPLE = 6_000
"""Rows that represent a back-test origin or another seed."""
ESTIMATED = 300
"""The same where contributions are estimates: each row takes hundreds of predictions."""
OTHER_SEEDS = 4
FLAT = 0.1
"""Correlations of value and contribution closer to zero than this have no direction."""


# One model ----------------------------------------------------------------------------------------


def model_drivers(
    shift: ShiftModel, matrix: NDArray[np.float32], *, horizons: Sequence[int], seed: int
) -> pd.DataFrame:
    """Size and direction of every channel and feature in a fitted model.

    Parameters
    ----------
    shift
        Fitted.
    matrix
        Features of the flows of an origin, shape ``[flow, feature]``; flows without trade are left
        out, and of the others at most `SAMPLE` rows over all horizons are drawn, or `ESTIMATED`.
    horizons, seed
        Years ahead; of the draw.

    Returns
    -------
    DataFrame
        See `driver_table`.
    """
    most = SAMPLE if shift.exact else ESTIMATED
    rows = _draw(matrix, horizons=horizons, seed=seed, most=most)
    raw = shift.contributions(rows)
    percent, _ = to_percent(raw, np.clip(raw.sum(axis=1), -1.9, 1.9))
    return driver_table(percent[:, :-1], rows.T, names=shift.names)


def _draw(
    matrix: NDArray[np.float32], *, horizons: Sequence[int], seed: int, most: int
) -> NDArray[np.float32]:
    """Rows of traded flows, equally many for every horizon."""
    size = [f.name for f in FEATURES].index("log_value")
    traded = np.flatnonzero(matrix[:, size] > 0)
    count = min(most // len(horizons), traded.size)
    chosen = np.sort(np.random.default_rng(seed).choice(traded, count, replace=False))
    return np.concatenate([at_horizon(matrix[chosen], horizon) for horizon in horizons])


def driver_table(
    values: NDArray[np.floating],
    columns: Iterable[NDArray[np.float32]],
    *,
    names: Sequence[str],
) -> pd.DataFrame:
    """Size and direction of channels and features.

    Parameters
    ----------
    values
        Contributions, percent, shape ``[row, feature]``.
    columns
        Values of every feature in turn, shape ``[row]`` each.
    names
        Of the features.

    Returns
    -------
    DataFrame
        ``level`` (channel, feature), ``name``, ``mean_abs_percent``, ``share`` and ``rank`` within
        the level, and ``direction``. A feature's direction is the correlation of its value with its
        contribution; a channel's is the mean over its features, weighted by their size.
    """
    # By groups of columns: all of a large universe in double precision would not fit.
    groups = [values[:, k : k + 16] for k in range(0, values.shape[1], 16)]
    strength = np.concatenate([mean_size(group.astype(np.float64)) for group in groups])
    # A feature that no tree uses has none.
    direction = np.array(
        [
            _direction(contribution.astype(np.float64), value) if size else 0.0
            for contribution, value, size in zip(values.T, columns, strength, strict=True)
        ]
    )
    members = channel_columns(names)
    of_channels = [values[:, of].astype(np.float64).sum(axis=1) for of in members.values()]
    sums = mean_size(np.column_stack(of_channels))
    leaning = {name: _mean(direction[of], strength[of]) for name, of in members.items()}
    return pd.concat(
        [
            _level("channel", list(members), sums, leaning.values()),
            _level("feature", list(names), strength, direction),
        ],
        ignore_index=True,
    )


def mean_size(values: Matrix) -> NDArray[np.float64]:
    """Mean absolute value of every column; 0 where there are no rows."""
    return np.abs(values).sum(axis=0) / max(len(values), 1)


def _level(
    level: str, names: Sequence[str], size: NDArray[np.float64], direction: Iterable[float]
) -> pd.DataFrame:
    total = size.sum()
    return pd.DataFrame(
        {
            "level": level,
            "name": names,
            "mean_abs_percent": size,
            "share": size / total if total > 0 else 0.0,
            "rank": pd.Series(-size).rank(method="first").astype(int),
            "direction": list(direction),
        }
    )


def _direction(contribution: NDArray[np.float64], value: NDArray[np.float32]) -> float:
    """Correlation over rows where the value is known; 0 where either is constant."""
    known = np.isfinite(value)
    return float(np.nan_to_num(correlation(value[known].astype(np.float64), contribution[known])))


def correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Correlation of two columns; NaN where either is constant."""
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    total = weights.sum()
    return float(values @ weights / total) if total > 0 else 0.0


# Many models --------------------------------------------------------------------------------------


def other_seeds(shift: ShiftModel, rows: BinnedRows) -> dict[int, ShiftModel]:
    """The final model fitted on ``rows`` with `OTHER_SEEDS` other seeds, by seed."""
    seeds = range(shift.seed + 1, shift.seed + 1 + OTHER_SEEDS)
    return {seed: clone(shift).set_params(seed=seed).fit_binned(rows) for seed in seeds}


def stability_table(members: Iterable[tuple[str, int, pd.DataFrame]]) -> pd.DataFrame:
    """Drivers of many models, one below the other.

    Parameters
    ----------
    members
        Kind (``origin`` or ``seed``), year or seed, and its `driver_table`.
    """
    parts = []
    for kind, number, table in members:
        parts.append(table.assign(kind=kind, of=number))
    table = pd.concat(parts, ignore_index=True)
    return table[["kind", "of", *(name for name in table if name not in ("kind", "of"))]]


def sign(direction: float) -> str:
    """A direction as ``+``, ``-``, or ``0`` where value and contribution are unrelated."""
    return "0" if abs(direction) < FLAT else "+" if direction > 0 else "-"


def _range(stability: pd.DataFrame, level: str, shown: pd.DataFrame) -> pd.DataFrame:
    """Signs over members, and ranks and shares over them and the model shown, a row per name."""
    found = dict(zip(shown["name"], shown["found_sign"], strict=True))
    part = stability[stability["level"] == level]
    same = part["direction"].map(sign) == part["name"].map(found)
    of = part.assign(
        **{
            f"{kind}s{which}": (part["kind"] == kind) & counted
            for kind in ("origin", "seed")
            for which, counted in (("", True), ("_same_sign", same))
        }
    ).groupby("name", sort=False)
    # A range that leaves out the value it stands beside would look like a slip.
    everyone = pd.concat([part, shown]).groupby("name", sort=False)
    rank, share = (everyone[name].agg(["min", "max"]) for name in ("rank", "share"))
    counts = of[["origins", "origins_same_sign", "seeds", "seeds_same_sign"]].sum()
    ranges = pd.DataFrame(
        {
            "rank_low": rank["min"],
            "rank_high": rank["max"],
            "share_low": share["min"],
            "share_high": share["max"],
        }
    )
    return ranges.join(counts).reset_index()


# The final model's tables -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drivers:
    """What the final model used.

    Attributes
    ----------
    explanation
        Flow by flow.
    channels, features
        See `channel_drivers` and `feature_drivers`.
    stability
        The same of other models, see `stability_table`.
    """

    explanation: Explanation
    channels: pd.DataFrame
    features: pd.DataFrame
    stability: pd.DataFrame


def final_drivers(
    explanation: Explanation,
    seeds: Mapping[int, ShiftModel],
    matrix: NDArray[np.float32],
    *,
    by_origin: Mapping[int, pd.DataFrame],
    views: pd.DataFrame,
    horizons: Sequence[int],
    rows_seed: int,
    own: Sequence[Feature] = (),
) -> Drivers:
    """Summarise the final model's explanation and set it against other origins and seeds.

    Parameters
    ----------
    explanation
        Of its forecasts.
    seeds
        `other_seeds` of the fitted model.
    matrix
        Features at the last origin, shape ``[flow, feature]``.
    by_origin
        `model_drivers` of the models of the back-test.
    views
        See `tree_views.tree_views`.
    horizons
        Years ahead.
    rows_seed
        Of the rows that represent the origin.
    own
        Features of the user's own series.
    """
    # The rows stay the same, so that only the model differs between seeds.
    by_seed = {
        seed: model_drivers(again, matrix, horizons=horizons, seed=rows_seed)
        for seed, again in seeds.items()
    }
    stability = stability_table(
        [
            *(("origin", origin, table) for origin, table in by_origin.items()),
            *(("seed", seed, table) for seed, table in by_seed.items()),
        ]
    )
    table = drivers_of(explanation)
    return Drivers(
        explanation=explanation,
        channels=channel_drivers(explanation, table, stability, views),
        features=feature_drivers(table, stability, own=own),
        stability=stability,
    )


def drivers_of(explanation: Explanation) -> pd.DataFrame:
    """The `driver_table` of all explained flows."""
    columns = explanation.data.columns()
    return driver_table(explanation.values, columns, names=explanation.feature_names)


def feature_drivers(
    table: pd.DataFrame, stability: pd.DataFrame, *, own: Sequence[Feature] = ()
) -> pd.DataFrame:
    """Every feature of the final model: its size, its sign, what was expected, how stable.

    Parameters
    ----------
    table, stability
        See `drivers_of` and `stability_table`.
    own
        Features of the user's own series.

    Returns
    -------
    DataFrame
        ``feature, channel, unit, expected_sign, source, mean_abs_percent, share, rank, direction,
        found_sign, verdict``; ``rank_low, rank_high, share_low, share_high``, over this model and
        those of back-test origins and other seeds; how many of these there are and have the same
        sign, ``origins, origins_same_sign, seeds, seeds_same_sign``; largest first.
    """
    table = table[table["level"] == "feature"].drop(columns="level")
    about = pd.DataFrame(
        [(f.name, f.channel, f.unit, f.sign, f.source) for f in (*FEATURES, *own)],
        columns=["name", "channel", "unit", "expected_sign", "source"],
    )
    table = about.merge(table, on="name")
    table["found_sign"] = [sign(value) for value in table["direction"]]
    table["verdict"] = [
        _verdict(row.expected_sign, row.found_sign, row.mean_abs_percent)
        for row in table.itertuples()
    ]
    table = table.merge(_range(stability, "feature", table), on="name")
    table = table.rename(columns={"name": "feature"})
    return table.sort_values("rank", ignore_index=True)


def _verdict(expected: str, found: str, size: float) -> str:
    if size == 0:
        return "not used"
    if expected not in ("+", "-"):
        return "no expectation" if expected == "none" else "two-sided"
    if found == "0":
        return "no direction"
    return "as expected" if found == expected else "against expectation"


def channel_drivers(
    explanation: Explanation, table: pd.DataFrame, stability: pd.DataFrame, views: pd.DataFrame
) -> pd.DataFrame:
    """Every channel of the final model: its size, its stability, and the other view of it.

    Returns
    -------
    DataFrame
        The columns of `explain.channel_summary`, then ``rank, direction, found_sign`` and the
        ranges and counts of `feature_drivers`, then the columns of `tree_views.tree_views`;
        largest first.
    """
    table = table[table["level"] == "channel"][["name", "share", "rank", "direction"]]
    table["found_sign"] = [sign(value) for value in table["direction"]]
    table = table.merge(_range(stability, "channel", table), on="name").drop(columns="share")
    summary = channel_summary(explanation).rename(columns={"channel": "name"})
    table = summary.merge(table, on="name").merge(views, on="name")
    return table.rename(columns={"name": "channel"})
