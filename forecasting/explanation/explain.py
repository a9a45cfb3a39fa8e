"""What makes up each forecast: totals, then SHAP values of the shift, in percent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import channel_of
from features.countries.panel_codes import place_of
from features.data.flows import FlowIndex
from features.feature import CHANNELS, Channel
from forecasting.explanation.gathered_rows import GatheredRows
from forecasting.explanation.reallocation import net_of_totals
from forecasting.explanation.technology_totals import TechnologyInTotals, technology_in_totals
from forecasting.explanation.terms import (
    MONTHLY_TERM,
    REPORT_TERMS,
    TECHNOLOGY_TERMS,
    TOTAL_TERMS,
)
from models.blocks import blocks
from models.forecaster import FittedForecaster, FlowForecast
from models.raking import rake

ADDITIVITY = 1e-6
"""Largest allowed distance between the sum of contributions and the predicted shift."""


def explain(forecaster: FittedForecaster, forecasts: Mapping[int, FlowForecast]) -> Explanation:
    """Explain every flow that is forecast to be traded.

    Parameters
    ----------
    forecaster
        Fitted.
    forecasts
        Its forecasts by horizon.

    Returns
    -------
    Explanation
        Flows without trade at the origin and flows forecast to stop have no rows; see their
        probability of trade.

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
    chosen = {
        horizon: np.flatnonzero(
            (forecaster.value > 0) & (forecast.base > 0) & (forecast.forecast > 0)
        )
        for horizon, forecast in sorted(forecasts.items())
    }
    flows = np.concatenate(list(chosen.values()))
    ahead = np.concatenate(
        [np.full(rows.size, forecaster.years_ahead(h)) for h, rows in chosen.items()]
    )
    predicted = np.concatenate([forecasts[h].shift[rows] for h, rows in chosen.items()])
    data = GatheredRows(forecaster.features, flows, ahead)
    technology = {h: technology_in_totals(forecaster, forecasts[h].base, h) for h in chosen}
    channels = [
        name for name in TECHNOLOGY_TERMS if any(name in one.percent for one in technology.values())
    ]
    values = np.empty((flows.size, len(forecaster.shift.names)), dtype=np.float32)
    base_values, gap = np.empty(flows.size), 0.0
    for part in blocks(flows.size):
        contributions = forecaster.shift.contributions(data[part])
        # A nowcast has no shift.
        contributions[ahead[part] == 0] = 0.0
        percent, missed = to_percent(contributions, predicted[part])
        values[part], base_values[part] = percent[:, :-1], percent[:, -1]
        gap = max(gap, missed)
    rows = pd.concat(
        [_rows(forecaster, forecasts[h], h, rows) for h, rows in chosen.items()], ignore_index=True
    )
    # The raking absorbs the rounding to single precision, so that the stored parts sum exactly.
    moved = 100.0 * np.log(rows["forecast"].to_numpy() / rows["base"].to_numpy())
    return Explanation(
        rows=rows,
        totals=np.concatenate(
            [_totals(forecaster, technology[h], channels, h)[rows] for h, rows in chosen.items()]
        ),
        total_names=_total_names(forecaster, channels),
        feature_names=tuple(forecaster.shift.names),
        values=values,
        base_values=base_values,
        raking=moved - base_values - values.sum(axis=1, dtype=np.float64),
        data=data,
        largest_gap=gap,
        exact=forecaster.shift.exact,
    )


def to_percent(
    raw: NDArray[np.float64], predicted: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Scale contributions to a shift to its log factor, percent.

    Parameters
    ----------
    raw
        SHAP values and the base value, shape ``[row, feature + 1]``.
    predicted
        Shift the model predicted, as midpoint growth, shape ``[row]``.

    Returns
    -------
    tuple
        Scaled values, and the largest distance of a row of ``raw`` from summing to the shift.

    Raises
    ------
    FloatingPointError
        If that distance exceeds `ADDITIVITY`.
    """
    total = raw.sum(axis=1)
    gap = float(np.abs(np.clip(total, -1.9, 1.9) - predicted).max(initial=0.0))
    if gap > ADDITIVITY:
        raise FloatingPointError("SHAP contributions do not sum to the predicted shift")
    log_factor = np.log((2.0 + predicted) / (2.0 - predicted))
    small = np.abs(total) < 1e-9
    scale = np.where(small, 1.0, log_factor / np.where(small, 1.0, total))
    return 100.0 * raw * scale[:, None], gap


def _total_names(forecaster: FittedForecaster, channels: Sequence[Channel]) -> tuple[str, ...]:
    monthly = (MONTHLY_TERM,) if forecaster.before_monthly else ()
    reports = () if forecaster.nowcast is None else REPORT_TERMS
    return (*TOTAL_TERMS, *monthly, *channels, *reports)


def _totals(
    forecaster: FittedForecaster,
    technology: TechnologyInTotals,
    channels: Sequence[Channel],
    horizon: int,
) -> NDArray[np.float64]:
    """What leads from every flow to its base, percent, shape ``[flow, term]``; see `Explanation`.

    Rows without a base are not finite.
    """
    base, nothing = technology.without, np.zeros(technology.without.shape)
    added = [technology.percent.get(channel, nothing) for channel in channels]
    if forecaster.before_monthly:
        before = _before_monthly(forecaster, base, horizon)
        with np.errstate(divide="ignore", invalid="ignore"):
            added.insert(0, 100.0 * np.log(base / before))
        base = before
    if forecaster.nowcast is None:
        return np.column_stack([_by_totals(forecaster, base), *added])
    flows = forecaster.flows
    sums = flows.exporter_totals(base), flows.importer_totals(base)
    without = rake(
        forecaster.value, flows=flows, exporter_totals=sums[0], importer_totals=sums[1]
    ).values
    with np.errstate(divide="ignore", invalid="ignore"):
        log_without, beyond = np.log(without), 100.0 * np.log(base / without)
    levels = [forecaster.nowcast.levels[side] for side in ("exporter", "importer")]
    reports = np.sum([~np.isnan(level) for level in levels], axis=0)
    parts = [
        100.0 * np.where(np.isnan(level), 0.0, level - log_without) / np.maximum(reports, 1)
        for level in levels
    ]
    with np.errstate(invalid="ignore"):
        rest = beyond - sum(parts)
    return np.column_stack([_by_totals(forecaster, without), *added, *parts, rest])


def _before_monthly(
    forecaster: FittedForecaster, base: NDArray[np.float64], horizon: int
) -> NDArray[np.float64]:
    """The base without monthly trade, USD, shape ``[flow]``; a nowcast's is the same."""
    totals = forecaster.before_monthly.get(horizon)
    if totals is None:
        return base
    return rake(
        forecaster.start,
        flows=forecaster.flows,
        exporter_totals=totals.exporter,
        importer_totals=totals.importer,
    ).values


def _by_totals(forecaster: FittedForecaster, base: NDArray[np.float64]) -> NDArray[np.float64]:
    """Effect of changed totals, percent, shape ``[flow, TOTAL_TERMS]``."""
    flows, value = forecaster.flows, forecaster.value
    sectors = len(flows.sectors)
    with np.errstate(divide="ignore", invalid="ignore"):
        exporter = np.log(flows.exporter_totals(base) / flows.exporter_totals(value))
        importer = np.log(flows.importer_totals(base) / flows.importer_totals(value))
        world = np.log(
            np.bincount(flows.sector, weights=base, minlength=sectors)
            / np.bincount(flows.sector, weights=value, minlength=sectors)
        )[flows.sector]
        out = np.empty((flows.size, len(TOTAL_TERMS)))
        out[:, 0] = world
        out[:, 1] = exporter[flows.exporter_margin] - world
        out[:, 2] = importer[flows.importer_margin] - world
        out[:, 3] = np.log(base / value) - out[:, :3].sum(axis=1)
    return 100.0 * out


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
    table["value_origin"] = forecaster.value[chosen]
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


def flow_positions(table: pd.DataFrame, flows: FlowIndex) -> NDArray[np.int32]:
    """Number of each row's flow, from its keys (categories); the inverse of `flow_keys`."""
    codes = []
    for name, known in (
        ("exporter", flows.countries),
        ("importer", flows.countries),
        ("sector", flows.sectors),
    ):
        column = table.get(name)
        if column is None:
            codes.append(np.zeros(len(table), dtype=np.int32))
        else:
            place = place_of([str(word) for word in column.cat.categories], known)
            codes.append(place[column.cat.codes.to_numpy()])
    return flows.position(*codes)


def attribution_table(explanation: Explanation) -> pd.DataFrame:
    """The explanation as one table, percent.

    Returns
    -------
    DataFrame
        The flow's keys and values; ``total:*``, which sum to ``100 ln(base / value_origin)``;
        ``base_value``, ``raking``, one column per feature and, their sums, ``channel:*``: the first
        two and either of the others sum to ``100 ln(forecast / base)``. ``net:*`` are the channels
        net of what the raking takes back (`reallocation.net_of_totals`) and ``net:totals``, what
        flows that are forecast to stop leave to the others; they sum to the same.
    """
    totals = {
        f"total:{name}": explanation.totals[:, k] for k, name in enumerate(explanation.total_names)
    }
    # Not a copy: the values of a large universe are most of the memory.
    features = pd.DataFrame(explanation.values, columns=list(explanation.feature_names), copy=False)
    channels = {
        f"channel:{channel}": explanation.values[:, columns].sum(axis=1, dtype=np.float64)
        for channel, columns in channel_columns(explanation.feature_names).items()
    }
    rows = explanation.rows
    net = net_of_totals(np.column_stack(list(channels.values())), rows)
    moved = 100.0 * np.log(rows["forecast"].to_numpy() / rows["base"].to_numpy())
    nets = {name.replace("channel:", "net:"): net[:, k] for k, name in enumerate(channels)}
    head = rows.assign(**totals, base_value=explanation.base_values, raking=explanation.raking)
    tail = {**channels, **nets, "net:totals": moved - net.sum(axis=1)}
    return pd.concat([head, features, pd.DataFrame(tail)], axis=1)


def channel_columns(names: Sequence[str]) -> dict[str, NDArray[np.intp]]:
    """Columns of each channel, in the order of `features.feature.CHANNELS`."""
    channels = np.array([channel_of(name) for name in names])
    return {
        channel: np.flatnonzero(channels == channel) for channel in CHANNELS if channel in channels
    }


def channel_summary(explanation: Explanation) -> pd.DataFrame:
    """Mean absolute contribution of each channel over the explained rows, largest first.

    A channel's contribution to a row is the sum of its features': that keeps additivity, and is
    not the Shapley value of the channel as one player. ``mean_abs_net_percent`` is what is left
    once the totals are met (`reallocation.net_of_totals`): only that moves the pattern of trade.
    """
    columns = channel_columns(explanation.feature_names)
    values = np.column_stack(
        [explanation.values[:, of].sum(axis=1, dtype=np.float64) for of in columns.values()]
    )
    table = pd.DataFrame(
        {
            "channel": list(columns),
            "label": [CHANNELS[channel] for channel in columns],  # type: ignore[index]
            "mean_abs_percent": np.abs(values).mean(axis=0),
            "mean_abs_net_percent": np.abs(net_of_totals(values, explanation.rows)).mean(axis=0),
        }
    )
    table = table.sort_values("mean_abs_percent", ascending=False, ignore_index=True)
    total = table["mean_abs_percent"].sum()
    table["share"] = table["mean_abs_percent"] / total if total > 0 else 0.0
    return table


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a forecast is made of, flow by flow, in percent (100 times log points).

    Attributes
    ----------
    rows
        Explained flow x target year: ``exporter, importer, [sector], origin, horizon,
        target_year, value_origin, base, forecast``; one row for each row of ``values``.
    totals
        Growth of world trade (of the sector); of the exporter's and of the importer's total beyond
        the world's; and the adjustment, what raking to all the other totals adds to their sum.
        Percent, columns `TOTAL_TERMS`. Where monthly trade is known these four are without it, and
        what it changes follows. Where totals are forecast with technology, all these are without
        it, and what each channel adds (`technology_totals`) follows. With reports also what
        they say beyond the totals, in equal parts of the exporter's and the importer's, and what
        the nowcast makes of both.
    total_names
        Columns of ``totals``.
    feature_names
        Columns of ``values`` and ``data``.
    values
        SHAP values of the shift by feature, percent, shape ``[row, feature]``.
    base_values
        Shift of the average training row, percent, shape ``[row]``.
    raking
        What the final raking to the totals added, percent, shape ``[row]``.
    data
        Feature values, shape ``[row, feature]``, gathered when asked for.
    largest_gap
        Largest distance between a row's SHAP values and the shift the model predicted, as midpoint
        growth.
    exact
        Whether ``values`` are exact SHAP values; otherwise they are estimates, whose sum is exact.

    Notes
    -----
    **Invariants.** ``totals.sum(axis=1) == 100 * ln(base / value_origin)``, and
    ``base_values + values.sum(axis=1) + raking == 100 * ln(forecast / base)``.
    """

    rows: pd.DataFrame
    totals: NDArray[np.float64]
    total_names: tuple[str, ...]
    feature_names: tuple[str, ...]
    values: NDArray[np.float32]
    base_values: NDArray[np.float64]
    raking: NDArray[np.float64]
    data: GatheredRows
    largest_gap: float
    exact: bool = True
