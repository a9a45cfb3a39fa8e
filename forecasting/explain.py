"""Exact SHAP values of the forecasts' shifts, per feature and per channel, in percent."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import CHANNEL_OF
from features.feature import CHANNELS
from features.flows import FlowIndex
from forecasting.results import Explanation
from models.design import at_horizon
from models.forecaster import FittedForecaster, FlowForecast

CHUNK = 1_024
ADDITIVITY = 1e-6
"""Largest allowed distance between the sum of contributions and the prediction."""


def explain(
    forecaster: FittedForecaster,
    forecasts: dict[int, FlowForecast],
    *,
    max_rows: int,
    always: int | None = None,
) -> Explanation:
    """Explain the shift of the largest flows of every horizon.

    Parameters
    ----------
    forecaster
        Fitted; its booster's own path-dependent contributions are exact.
    forecasts
        Its forecasts by horizon.
    max_rows
        Rows over all horizons; where there are more flows, the largest bases are explained.
    always
        A flow explained in any case, by number.

    Returns
    -------
    Explanation
        Flows with a zero base have no shift and are left out.

    Raises
    ------
    FloatingPointError
        If contributions do not sum to the prediction.

    Notes
    -----
    A shift g is a factor (2 + g) / (2 - g) on the base. Contributions to g are scaled by
    ``ln((2 + g) / (2 - g)) / g``, so that they sum to the log of that factor; times 100 they read
    as percent. They describe the fitted model, not causes.
    """
    parts = [
        _explain_horizon(forecaster, forecast, horizon, max_rows // len(forecasts), always)
        for horizon, forecast in sorted(forecasts.items())
    ]
    return Explanation(
        rows=pd.concat([part.rows for part in parts], ignore_index=True),
        feature_names=parts[0].feature_names,
        values=np.concatenate([part.values for part in parts]),
        base_values=np.concatenate([part.base_values for part in parts]),
        raking=np.concatenate([part.raking for part in parts]),
        data=np.concatenate([part.data for part in parts]),
    )


def _explain_horizon(
    forecaster: FittedForecaster,
    forecast: FlowForecast,
    horizon: int,
    most: int,
    always: int | None,
) -> Explanation:
    chosen = np.flatnonzero((forecast.base > 0) & (forecast.forecast > 0))
    if chosen.size > most:
        size = forecast.base[chosen]
        size[chosen == always] = np.inf
        chosen = np.sort(chosen[np.argsort(-size, kind="stable")[:most]])
    data = at_horizon(forecaster.features, horizon)[chosen]
    chunks = [data[start : start + CHUNK] for start in range(0, max(chosen.size, 1), CHUNK)]
    # Threads of our own, each with a booster call on one thread, as everywhere (`ShiftModel`).
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        raw = np.concatenate(list(pool.map(forecaster.shift.contributions, chunks)))
    total = raw.sum(axis=1)
    predicted = forecast.shift[chosen]
    if chosen.size and np.abs(np.clip(total, -1.9, 1.9) - predicted).max() > ADDITIVITY:
        raise FloatingPointError("SHAP contributions do not sum to the predicted shift")
    log_factor = np.log((2.0 + predicted) / (2.0 - predicted))
    small = np.abs(total) < 1e-9
    scale = np.where(small, 1.0, log_factor / np.where(small, 1.0, total))
    percent = 100.0 * raw * scale[:, None]
    moved = 100.0 * np.log(forecast.forecast[chosen] / forecast.base[chosen])
    return Explanation(
        rows=_rows(forecaster, forecast, horizon, chosen),
        feature_names=tuple(forecaster.shift.names),
        values=percent[:, :-1].astype(np.float32),
        base_values=percent[:, -1],
        raking=moved - percent.sum(axis=1),
        data=data,
    )


def _rows(
    forecaster: FittedForecaster,
    forecast: FlowForecast,
    horizon: int,
    chosen: NDArray[np.intp],
) -> pd.DataFrame:
    table = flow_keys(forecaster.flows, chosen)
    table["origin"] = np.int16(forecaster.origin)
    table["horizon"] = np.int8(horizon)
    table["target_year"] = np.int16(forecaster.origin + horizon)
    table["base"] = forecast.base[chosen]
    table["forecast"] = forecast.forecast[chosen]
    return table


def flow_keys(flows: FlowIndex, chosen: NDArray[np.intp] | slice) -> pd.DataFrame:
    """Exporter, importer and, where there are sectors, sector of flows, as categories."""
    table = {
        "exporter": pd.Categorical.from_codes(flows.exporter[chosen], list(flows.countries)),
        "importer": pd.Categorical.from_codes(flows.importer[chosen], list(flows.countries)),
    }
    if flows.has_sectors:
        table["sector"] = pd.Categorical.from_codes(flows.sector[chosen], list(flows.sectors))
    return pd.DataFrame(table)


def attribution_table(explanation: Explanation) -> pd.DataFrame:
    """The explanation as one table: keys, base value, raking, features, channels, percent."""
    features = pd.DataFrame(explanation.values, columns=list(explanation.feature_names))
    channels = {
        f"channel:{channel}": explanation.values[:, columns].sum(axis=1)
        for channel, columns in channel_columns(explanation.feature_names).items()
    }
    head = explanation.rows.assign(base_value=explanation.base_values, raking=explanation.raking)
    return pd.concat([head, features, pd.DataFrame(channels)], axis=1)


def channel_columns(names: Sequence[str]) -> dict[str, NDArray[np.intp]]:
    """Columns of each channel, in the order of `features.feature.CHANNELS`."""
    return {
        channel: np.array(
            [k for k, name in enumerate(names) if CHANNEL_OF[name] == channel], dtype=np.intp
        )
        for channel in CHANNELS
        if any(CHANNEL_OF[name] == channel for name in names)
    }


def _margins(rows: pd.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Codes of the exporter's and the importer's rows, by horizon and sector."""
    rest = ["horizon", *(["sector"] if "sector" in rows else [])]
    exporter, importer = (
        rows.groupby([side, *rest], observed=True, sort=False).ngroup().to_numpy(dtype=np.intp)
        for side in ("exporter", "importer")
    )
    return exporter, importer


def net_of_means(
    values: NDArray[np.float64], groups: tuple[NDArray[np.intp], NDArray[np.intp]]
) -> NDArray[np.float64]:
    """Residual of two-way means by alternating projections; ten rounds leave under a percent."""
    left = values.copy()
    for _ in range(10):
        for group in groups:
            left -= (np.bincount(group, weights=left) / np.bincount(group))[group]
    return left


def channel_summary(explanation: Explanation) -> pd.DataFrame:
    """Mean absolute contribution of each channel over the explained rows, largest first.

    A channel's contribution to a row is the sum of its features': that keeps additivity, and is
    not the Shapley value of the channel as one player. ``mean_abs_net_percent`` is what is left
    after the exporter's and the importer's mean contribution (by horizon and sector) are taken
    out: those move whole rows and columns of the matrix, which the raking to the totals undoes,
    so only the rest moves the pattern of trade.
    """
    groups = _margins(explanation.rows)
    rows = []
    for channel, columns in channel_columns(explanation.feature_names).items():
        values = explanation.values[:, columns].sum(axis=1, dtype=np.float64)
        rows.append(
            {
                "channel": channel,
                "label": CHANNELS[channel],  # type: ignore[index]
                "mean_abs_percent": float(np.abs(values).mean()),
                "mean_abs_net_percent": float(np.abs(net_of_means(values, groups)).mean()),
            }
        )
    table = pd.DataFrame(rows).sort_values("mean_abs_percent", ascending=False, ignore_index=True)
    total = table["mean_abs_percent"].sum()
    table["share"] = table["mean_abs_percent"] / total if total > 0 else 0.0
    return table
