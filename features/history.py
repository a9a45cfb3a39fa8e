"""Columns computed from a flow's own past: lags, growth, gaps, volatility, zeros, reverse flow.

The flows are cut into blocks that stay in cache while every column of the block is computed from
contiguous ``[year, flow]`` planes; on a million flows this is several times as fast as whole-array
operations, which stream every intermediate through memory.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.information import InformationSet

BLOCK = 16_384
GROWTH_YEARS = (1, 2, 3, 5)
GAP_YEARS = (3, 5, 10)

HISTORY_COLUMNS = (
    "log_value",
    "share_of_exporter",
    "share_of_importer",
    "intensity",
    *(f"growth_vs_world_{years}" for years in GROWTH_YEARS),
    *(f"growth_vs_margins_{years}" for years in GROWTH_YEARS),
    *(f"intensity_gap_{years}" for years in GAP_YEARS),
    "value_gap_5",
    "volatility_5",
    "zeros_5",
    "years_since_trade",
    "link_age",
    "peak_gap",
    "reverse_value",
    "reverse_growth_3",
    "balance",
)

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Margins:
    """Log country totals per year, and which margin each flow belongs to."""

    exporter: NDArray[np.float32]  # [year, margin], ln USD
    importer: NDArray[np.float32]
    world: NDArray[np.float32]  # [year, sector], ln USD


def history_columns(info: InformationSet) -> NDArray[np.float32]:
    """Every column of `HISTORY_COLUMNS` at the origin.

    Returns
    -------
    ndarray of float32, shape ``[column, flow]``
        A flow without trade has log value 0 (that of one dollar); an unknown one NaN.

    Notes
    -----
    **Availability.** Reads ``info.history``, which ends at the origin. Growth is the midpoint
    growth 2 (x - y) / (x + y) of Davis, Haltiwanger and Schuh (1996); intensity is
    ``ln x_ij - ln X_i - ln M_j + ln W``, every total that of the flow's sector.
    """
    if "history" not in info.cache:
        out = np.empty((len(HISTORY_COLUMNS), info.flows.size), dtype=np.float32)
        write_history(info, out)
        info.cache["history"] = out
    return info.cache["history"]


def write_history(info: InformationSet, out: NDArray[np.float32]) -> None:
    """Write `history_columns` into ``out``, shape ``[column, flow]``; a reused buffer is faster."""
    margins = _Margins(
        _log_totals(info.exporter_totals),
        _log_totals(info.importer_totals),
        _log_totals(_world_by_sector(info)),
    )
    parts = [
        slice(start, min(start + BLOCK, info.flows.size))
        for start in range(0, info.flows.size, BLOCK)
    ]
    # NumPy releases the interpreter's lock inside each operation. Blocks do not touch each other,
    # so the number of threads changes no bit.
    with ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), len(parts))) as pool:
        for _ in pool.map(lambda part: _write_block(info, margins, part, out[:, part]), parts):
            pass


def _world_by_sector(info: InformationSet) -> NDArray[np.float64]:
    """World trade of each sector, shape ``[year, sector]``: what its totals are shares of."""
    years = info.exporter_totals.shape[0]
    return info.exporter_totals.reshape(years, -1, len(info.flows.sectors)).sum(axis=1)


def _log_totals(totals: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.log(np.maximum(totals, 1.0)).astype(np.float32)


@np.errstate(divide="ignore", invalid="ignore")
def _write_block(
    info: InformationSet, margins: _Margins, part: slice, out: NDArray[np.float32]
) -> None:
    flows = info.flows
    window = info.history[-max(GAP_YEARS) :, part]
    logs = np.log(np.maximum(window, np.float32(1.0)))
    rows = slice(-window.shape[0], None)
    intensity = logs - margins.exporter[rows, flows.exporter_margin[part]]
    intensity -= margins.importer[rows, flows.importer_margin[part]]
    world = margins.world[rows, flows.sector[part]]
    intensity += world
    now = window[-1]
    out[0] = logs[-1]
    out[1] = logs[-1] - margins.exporter[-1, flows.exporter_margin[part]]
    out[2] = logs[-1] - margins.importer[-1, flows.importer_margin[part]]
    out[3] = intensity[-1]
    column = 4
    column = _growth_columns(window, intensity, world, out, column)
    column = _gap_columns(window, logs, intensity, out, column)
    column = _life_columns(info.history[:, part], out, column)
    back = info.history[-4:, :][:, flows.reverse[part]]
    out[column] = np.log(np.maximum(back[-1], np.float32(1.0)))
    out[column + 1] = _midpoint(back[-1], back[0]) if back.shape[0] > 3 else np.nan
    out[column + 2] = _midpoint(now, back[-1])


def _growth_columns(window: Plane, intensity: Plane, world: Plane, out: Plane, column: int) -> int:
    now, held = window[-1], window.shape[0]
    expected = np.exp(intensity[-1])
    for years in GROWTH_YEARS:
        relative = column + len(GROWTH_YEARS)
        if years >= held:
            out[column] = out[relative] = np.nan
        else:
            grown = np.exp(world[-1] - world[-1 - years])
            out[column] = _midpoint(now, window[-1 - years]) - 2 * (grown - 1) / (grown + 1)
            # x now against x then scaled by what both margins and the world did since: the
            # shift one step of raking leaves.
            traded = np.where(now > 0, expected, 0)
            before = np.where(window[-1 - years] > 0, np.exp(intensity[-1 - years]), 0)
            out[relative] = _midpoint(traded, before)
            out[relative][np.isnan(now) | np.isnan(window[-1 - years])] = np.nan
        column += 1
    return column + len(GROWTH_YEARS)


def _gap_columns(window: Plane, logs: Plane, intensity: Plane, out: Plane, column: int) -> int:
    positive = window > 0
    for years in GAP_YEARS:
        traded = positive[-years:]
        total = np.where(traded, intensity[-years:], 0).sum(axis=0)
        out[column] = intensity[-1] - total / traded.sum(axis=0, dtype=np.float32)
        column += 1
    five = window[-5:]
    known = ~np.isnan(five)
    mean = np.where(known, five, 0).sum(axis=0) / known.sum(axis=0, dtype=np.float32)
    out[column] = logs[-1] - np.log(np.maximum(mean, np.float32(1.0)))
    recent = np.exp(intensity[-6:]) * positive[-6:]
    steps = _midpoint(recent[1:], recent[:-1])
    out[column + 1] = steps.std(axis=0) if steps.shape[0] > 1 else np.nan
    out[column + 2] = (five == 0).sum(axis=0)
    return column + 3


def _life_columns(history: Plane, out: Plane, column: int) -> int:
    years = history.shape[0]
    backwards = (history > 0)[::-1]
    ever = backwards.any(axis=0)
    since = np.argmax(backwards, axis=0)
    out[column] = np.where(ever, since, years)
    unbroken = np.argmin(backwards, axis=0)
    age = np.where(backwards.all(axis=0), years, unbroken)
    out[column + 1] = np.where(backwards[0], age, 0)
    peak = np.fmax.reduce(history, axis=0)
    out[column + 2] = np.log(np.maximum(history[-1], np.float32(1))) - np.log(
        np.maximum(peak, np.float32(1))
    )
    return column + 3


def _midpoint(now: Plane, then: Plane) -> Plane:
    """Midpoint growth in [-2, 2]; 0 where both are 0, NaN where either is unknown."""
    total = now + then
    return np.where(total == 0, np.float32(0), np.float32(2) * (now - then) / total)
