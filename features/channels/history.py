"""History features of a flow: lags, growth, gaps, volatility, zeros, reverse flow.

The flows are cut into blocks that stay in cache while every column of the block is computed from
contiguous ``[year, flow]`` planes; on a million flows this is several times as fast as whole-array
operations, which stream every intermediate through memory.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from features.cores import cores
from features.data.flows import IntArray
from features.information import InformationSet, log_totals

BLOCK = 65_536
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
    """Write `history_columns` into ``out``, ``[column, flow]``; reusing a buffer is faster."""
    world = log_totals(_world_by_sector(info))
    parts = [
        slice(start, min(start + BLOCK, info.flows.size))
        for start in range(0, info.flows.size, BLOCK)
    ]
    # Computed before threads share them.
    planes = (info.intensity, info.traded_intensity)
    # NumPy releases the interpreter's lock inside each operation. Blocks do not touch each other,
    # so the number of threads changes no bit.
    with ThreadPoolExecutor(min(cores(), len(parts))) as pool:
        for _ in pool.map(
            lambda part: _write_block(info, planes, world, part, out[:, part]), parts
        ):
            pass


def _world_by_sector(info: InformationSet) -> NDArray[np.float64]:
    """World trade of each sector, shape ``[year, sector]``."""
    years = info.exporter_totals.shape[0]
    return info.exporter_totals.reshape(years, -1, len(info.flows.sectors)).sum(axis=1)


@np.errstate(divide="ignore", invalid="ignore")
def _write_block(
    info: InformationSet,
    planes: tuple[Plane, Plane],
    world: Plane,
    part: slice,
    out: Plane,
) -> None:
    flows = info.flows
    window = info.history[-max(GAP_YEARS) :, part]
    intensity, traded = (plane[-max(GAP_YEARS) :, part] for plane in planes)
    now = window[-1]
    out[0] = _log_usd(now)
    out[1] = out[0] - log_totals(info.exporter_totals[-1])[flows.exporter_margin[part]]
    out[2] = out[0] - log_totals(info.importer_totals[-1])[flows.importer_margin[part]]
    out[3] = intensity[-1]
    column = _growth_columns(window, traded, world, flows.sector[part], out)
    column = _gap_columns(window, intensity, traded, out, column)
    column = _life_columns(info.history[:, part], out, column)
    back = flows.of_reverse(info.history[-1], part)
    out[column] = _log_usd(back)
    out[column + 1] = (
        _midpoint(back, flows.of_reverse(info.history[-4], part))
        if info.history.shape[0] > 3
        else np.nan
    )
    out[column + 2] = _midpoint(now, back)


def _growth_columns(
    window: Plane, traded: Plane, world: Plane, sector: IntArray, out: Plane
) -> int:
    first, held = 4, window.shape[0]
    for column, years in enumerate(GROWTH_YEARS, start=first):
        relative = column + len(GROWTH_YEARS)
        if years >= held:
            out[column] = out[relative] = np.nan
            continue
        grown = np.exp(world[-1] - world[-1 - years])
        of_world = (2 * (grown - 1) / (grown + 1))[sector]
        out[column] = _midpoint(window[-1], window[-1 - years])
        unknown = np.isnan(out[column])
        out[column] -= of_world
        # x now against x then, scaled by the change of both margins and the world: the shift after
        # one step of raking.
        out[relative] = _midpoint(traded[-1], traded[-1 - years])
        out[relative][unknown] = np.nan
    return first + 2 * len(GROWTH_YEARS)


def _gap_columns(window: Plane, intensity: Plane, traded: Plane, out: Plane, column: int) -> int:
    positive = window > 0
    known = np.where(positive, intensity, 0)
    total, count = np.zeros_like(out[0]), np.zeros_like(out[0])
    # Year by year, because a sum over ten rows rounds differently where a block has one column.
    for back in range(1, max(GAP_YEARS) + 1):
        if back <= window.shape[0]:
            total += known[-back]
            count += positive[-back]
        if back in GAP_YEARS:
            out[column] = intensity[-1] - total / count
            column += 1
    five = window[-5:]
    present = ~np.isnan(five)
    mean = np.where(present, five, 0).sum(axis=0) / present.sum(axis=0, dtype=np.float32)
    out[column] = out[0] - _log_usd(mean)
    recent = traded[-6:]
    steps = _midpoint(recent[1:], recent[:-1])
    out[column + 1] = steps.std(axis=0) if steps.shape[0] > 1 else np.nan
    out[column + 2] = (five == 0).sum(axis=0, dtype=np.float32)
    return column + 3


def _life_columns(history: Plane, out: Plane, column: int) -> int:
    """Years since trade, age of the link, gap to the peak; one pass backwards over the years.

    Unknown years are skipped: a flow whose last year is not reported yet has not stopped.
    """
    positive, none = history > 0, history == 0
    alive, idle = ~none[-1], ~positive[-1]
    age, since = positive[-1].astype(np.int16), none[-1].astype(np.int16)
    peak = history[-1].copy()
    for row in range(history.shape[0] - 2, -1, -1):
        alive &= ~none[row]
        idle &= ~positive[row]
        age += alive & positive[row]
        since += idle & none[row]
        np.fmax(peak, history[row], out=peak)
    out[column], out[column + 1] = since, age
    out[column + 2] = out[0] - _log_usd(peak)
    return column + 3


def _log_usd(values: Plane) -> Plane:
    return np.log(np.maximum(values, np.float32(1.0)))


def _midpoint(now: Plane, then: Plane) -> Plane:
    """Midpoint growth in [-2, 2]; 0 where both are 0, NaN where either is unknown."""
    total = now + then
    growth = np.divide(now - then, total, out=np.zeros_like(total), where=total != 0)
    growth *= np.float32(2)
    return growth
