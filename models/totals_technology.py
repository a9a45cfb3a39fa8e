"""Which technology totals are forecast with: what lowered the errors of past forecasts for sure.

Totals have few origins, and whatever tells countries apart lowers errors a little. So each channel
is tried alone, at every past origin, on totals of later years that were known by the origin of the
forecast, and against a model that knows the country's standing but not which sectors are exposed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from features.feature import TECHNOLOGY, Channel
from features.information import InformationSet
from models.totals_growth import PENALTIES, Start, TrainingRows, training_rows

Matrix = NDArray[np.float64]

LEAST_TRIALS = 6
"""Past origins at which a channel must have been tried."""
LEVEL = 0.05
"""Chance that any channel is taken, on either side of trade, where none has an effect. What a weak
channel could add is less than what a false one costs."""
_LEARNED_FROM = 2
"""Origins that the first trial learns from."""


def proven_channels(
    info: InformationSet,
    past: Mapping[int, Start],
    *,
    channels: Collection[Channel],
    exports: bool,
    horizon: int,
) -> tuple[Channel, ...]:
    """Channels that would have lowered the errors of past forecasts, in alphabetical order.

    Parameters
    ----------
    info
        Information set of the origin; only totals of years up to it are used.
    past
        Starts of earlier origins, see `models.totals_growth.starts`.
    channels
        To try.
    exports
        Whether the totals are exporters'.
    horizon
        Years ahead at which they are tried: the fewest whose totals are not published, so that
        outcomes do not overlap and there are most of them.
    """
    present = sorted(set(channels).intersection(*(start.technology for start in past.values())))
    if not present:
        return ()
    rows = training_rows(info, past, exports=exports, horizon=horizon, channels=present)
    if len(rows) < LEAST_TRIALS + _LEARNED_FROM:
        return ()
    gains = _gains(rows, horizon=horizon, channels=len(present))
    if len(gains) < LEAST_TRIALS:
        return ()
    spread = np.maximum(gains.std(axis=0, ddof=1), np.finfo(np.float64).tiny)
    chance = student_t.sf(gains.mean(axis=0) / spread * np.sqrt(len(gains)), df=len(gains) - 1)
    # Bonferroni, for both sides and for all channels: leaving one out lets in no other.
    proven = chance * 2 * len(TECHNOLOGY) < LEVEL
    return tuple(channel for channel, kept in zip(present, proven, strict=True) if kept)


def _gains(rows: Mapping[int, TrainingRows], *, horizon: int, channels: int) -> Matrix:
    """Mean absolute error without exposed technology less that with it, ``[trial, channel]``.

    Every trial is fitted on the rows whose target year is its origin or earlier.
    """
    origins = sorted(rows)
    moments = np.cumsum([_moments(rows[origin]) for origin in origins], axis=0)
    counts = np.cumsum([len(rows[origin].growth) for origin in origins])
    # The last origin whose target year is known at each.
    last = np.searchsorted(origins, np.array(origins) - horizon, side="right") - 1
    tried = [number for number in range(len(origins)) if last[number] >= _LEARNED_FROM - 1]
    if not tried:
        return np.empty((0, channels))
    seen, count = moments[last[tried]], counts[last[tried]]
    targets = [rows[origins[number]] for number in tried]
    width = moments.shape[1] - 1
    others = list(range(width - 2 * channels))
    gains = []
    for channel in range(channels):
        standing, exposed = width - 2 * channels + channel, width - channels + channel
        errors = [
            _errors(targets, columns, _slopes(seen, count, columns))
            for columns in ([*others, standing], [*others, standing, exposed])
        ]
        gains.append(errors[0] - errors[1])
    return np.stack(gains, axis=1)


def _moments(rows: TrainingRows) -> Matrix:
    """Weighted products of predictors and growth, shape ``[predictor + 1, predictor + 1]``."""
    both = np.column_stack([rows.predictors, rows.growth])
    product: Matrix = both.T @ (both * rows.weight[:, None])
    return product


def _slopes(moments: Matrix, count: NDArray[np.integer], columns: Sequence[int]) -> Matrix:
    """Slopes of `models.totals_growth`'s ridge on some columns, shape ``[trial, column]``."""
    products = moments[:, columns][:, :, columns]
    scale = np.sqrt(np.diagonal(products, axis1=1, axis2=2) / count[:, None])
    scale = np.maximum(scale, 1e-9)
    standard = products / (scale[:, :, None] * scale[:, None, :])
    right = (moments[:, columns, -1] / scale)[:, :, None]
    unit = np.eye(len(columns))
    slopes = [np.linalg.solve(standard + penalty * unit, right)[:, :, 0] for penalty in PENALTIES]
    mean: Matrix = np.mean(slopes, axis=0) / scale
    return mean


def _errors(
    targets: Sequence[TrainingRows], columns: Sequence[int], slopes: Matrix
) -> NDArray[np.float64]:
    """Weighted mean absolute error of every trial."""
    return np.array(
        [
            np.average(np.abs(one.growth - one.predictors[:, columns] @ slope), weights=one.weight)
            for one, slope in zip(targets, slopes, strict=True)
        ]
    )
