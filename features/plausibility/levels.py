"""Jumps of the world total, a trader or a flow, and trade against GDP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.data.panel import TradePanel
from features.errors import listed
from features.findings import Finding, Severity
from features.plausibility.reporting import flow_name
from features.plausibility.trader_totals import SIDES, Recount, Side, TraderTotals

WORLD_CHANGE = 0.3
"""Share by which world trade may change within a year: it fell by 23 % in 2009."""
JUMP = 20.0
"""Factor from one year to the next that is rare in trade but common for unit errors."""
SMALL_TRADER = 1e-5
"""Share of world trade below which a trader's total may jump for small reasons."""
SLIPPED_FLOW, LARGE_FLOW = 1e-4, 1e-3
"""Shares of world trade from which a flow's jump is reported: by about 1,000, or by any such
factor. Small flows jump for real: a plant closes, an embargo ends.
"""
_OF_MEAN = (0.2, 10.0)
"""The same in mean flows of the panel, for panels of few flows."""
_STEADY = 2.0
"""Largest change in earlier years of a flow whose jump is suspect."""
_OF_GDP = (1e-3, 20.0)
"""Bounds of the median country's exports over GDP (usually .2 to .3); outside, a unit is wrong."""


@dataclass(frozen=True, slots=True)
class Jump:
    """A total or a flow of one year over that of the year before."""

    name: str
    year: int
    factor: float

    @property
    def words(self) -> str:
        """``DEU exports 2020 (1/1,003 times 2019, near 1/1,000)``."""
        power = round(abs(np.log10(self.factor)) / 3)
        over = "1/" if self.factor < 1 else ""
        near = f", near {over}{1000**power:,}" if near_power(self.factor) else ""
        return f"{self.name} {self.year} ({times(self.factor)} {self.year - 1}{near})"


def times(factor: float) -> str:
    """A factor in words, such as ``1/1,003 times``."""
    size = max(factor, 1 / factor)
    digits = f"{size:,.0f}" if size >= 10 else f"{size:.2g}"
    return f"{'1/' if factor < 1 else ''}{digits} times"


def near_power(factor: ArrayLike) -> NDArray[np.bool_]:
    """Whether a factor is within 1.5 of 1,000, a million, ... or one over those."""
    digits = np.abs(np.log10(np.asarray(factor, dtype=np.float64)))
    power = np.round(digits / 3)
    near: NDArray[np.bool_] = (power > 0) & (np.abs(digits - 3 * power) < np.log10(1.5))
    return near


def trader_jumps(totals: TraderTotals, recount: Recount) -> dict[Side, NDArray[np.float64]]:
    """Factor of each total that jumps beyond the common change, 1 elsewhere; [year, country].

    A trader with a thousandfold of imports moves the exports of all its suppliers. So the side with
    fewer jumps in a year comes first, and its jumping traders are left out of the other's totals.
    """
    out = {side: np.ones_like(totals.value[side]) for side in SIDES}
    for row in range(1, totals.years.size):
        change = {s: _change(totals, row, totals.now[s][row], totals.before[s][row]) for s in SIDES}
        first, second = sorted(SIDES, key=lambda side: int((change[side] != 1).sum()))
        jumped = change[first] != 1
        if jumped.any():
            change[second] = _change(totals, row, *recount(row, second, jumped))
        for side in SIDES:
            out[side][row] = change[side]
    return out


def _change(
    totals: TraderTotals, row: int, now: NDArray[np.float64], before: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Factor of each total that jumps in a year, 1 elsewhere."""
    world = totals.world
    factor = np.ones_like(now)
    # With a wrong unit in the whole year large traders look small: use either year's share.
    share = np.maximum(before / max(world[row - 1], 1.0), now / max(world[row], 1.0))
    both = np.flatnonzero((before > 0) & (now > 0) & (share >= SMALL_TRADER))
    change = now[both] / before[both]
    wild = np.abs(np.log(change / _common(totals, row))) >= np.log(JUMP)
    factor[both[wild]] = change[wild]
    return factor


def _common(totals: TraderTotals, row: int) -> float:
    """Change of the median trader from the year before, of the side where it is smaller."""
    medians: list[float] = []
    for side in SIDES:
        before, now = totals.before[side][row], totals.now[side][row]
        both = (before > 0) & (now > 0)
        medians += [float(np.median(now[both] / before[both]))] if both.any() else []
    return min(medians, key=lambda ratio: abs(np.log(ratio)), default=1.0)


def level_findings(totals: TraderTotals, jumps: dict[Side, NDArray[np.float64]]) -> list[Finding]:
    """World trade and traders' totals that jump."""
    found = [
        Jump(f"{totals.countries[k]} {side}", int(totals.years[row]), float(jumps[side][row, k]))
        for side in SIDES
        for row, k in zip(*np.nonzero(jumps[side] != 1), strict=True)
    ]
    jumped = sorted(found, key=lambda one: (-one.year, one.name))
    return [*_world(totals, jumps), *_jumped("trader-jump", jumped)]


def _jumped(code: str, jumps: Sequence[Jump]) -> list[Finding]:
    if not jumps:
        return []
    slips = any(near_power(one.factor) for one in jumps)
    unit = "; a factor near a power of 1,000 is a slip of units as a rule" if slips else ""
    return [
        Finding(
            code=code,
            severity="warning",
            count=len(jumps),
            names=tuple(dict.fromkeys(one.name for one in jumps))[:50],
            years=tuple(sorted({one.year for one in jumps})),
            message=f"{'a total' if code == 'trader-jump' else 'a large flow'} changes by a factor "
            f"of {JUMP:.0f} or more: {listed([one.words for one in jumps])}{unit}",
            remedy=f"Correct those values, or accept them with --accept {code}",
        )
    ]


def world_changes(
    totals: TraderTotals, jumps: dict[Side, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """World trade over that of the year before, of flows known in both, shape ``[year]``.

    Traders that jump are left out, as they are reported by name. The side (exports or imports) that
    changed less counts, since an absent reporter is missing on both.
    """
    out = np.ones(totals.years.size)
    for row in range(1, out.size):
        sides = []
        for side in SIDES:
            before, now = totals.before[side][row], totals.now[side][row]
            alike = (before > 0) & (now > 0) & (jumps[side][row] == 1)
            if alike.any():
                sides.append(now[alike].sum() / before[alike].sum())
        out[row] = min(sides, key=lambda ratio: abs(np.log(ratio)), default=1.0)
    return out


def _world(totals: TraderTotals, jumps: dict[Side, NDArray[np.float64]]) -> list[Finding]:
    change = world_changes(totals, jumps)
    rows = np.flatnonzero(np.abs(change - 1) > WORLD_CHANGE)
    findings = []
    last = totals.years.size - 1
    for code, of in (("partial-year", rows[rows == last]), ("world-jump", rows[rows < last])):
        if not of.size:
            continue
        years = [int(totals.years[row]) for row in of]
        changes = [f"of {totals.years[r]} is {_beyond(float(change[r]))} {totals.years[r - 1]}"
                   for r in of]  # fmt: skip
        findings.append(
            Finding(
                code=code,
                severity="warning",
                count=of.size,
                names=(),
                years=tuple(years),
                message=f"world trade {listed(changes, most=3)}"
                f"{': an incomplete year, or another unit' if code == 'partial-year' else ''}",
                remedy=_world_remedy(code, years[-1]),
            )
        )
    return findings


def _world_remedy(code: str, year: int) -> str:
    accept = f"--accept {code} if it is right"
    if code == "partial-year":
        return f"Leave {year} out of the table until it is complete, or {accept}"
    return f"Check the unit and the completeness of those years, or {accept}"


def _beyond(ratio: float) -> str:
    if near_power(ratio):
        return f"{times(ratio)} that of"
    return f"{100 * abs(ratio - 1):.0f} % {'below' if ratio < 1 else 'above'}"


def flow_jumps(
    panel: TradePanel, totals: TraderTotals, jumps: dict[Side, NDArray[np.float64]]
) -> list[Finding]:
    """Large flows that jump after steady years, of traders that do not jump."""
    flows, found = panel.flows, []
    for row in range(2, panel.years.size):
        # In a year of another unit every flow jumps: reported for the world.
        now, before = panel.values[row], panel.values[row - 1] * np.float32(_common(totals, row))
        world = max(float(totals.world[row]), 1.0), max(float(totals.world[row - 1]), 1.0)
        with np.errstate(invalid="ignore"):
            wild = (now >= JUMP * before) | (before >= JUMP * now)
            wild &= (now > 0) & (before > 0)
        cells = np.flatnonzero(wild)
        cells = cells[(jumps["exports"][row][flows.exporter[cells]] == 1)
                      & (jumps["imports"][row][flows.importer[cells]] == 1)]  # fmt: skip
        share = np.maximum(now[cells] / world[0], before[cells] / world[1]) * flows.size
        large = share >= np.where(
            near_power(now[cells] / before[cells]),
            max(SLIPPED_FLOW * flows.size, _OF_MEAN[0]),
            max(LARGE_FLOW * flows.size, _OF_MEAN[1]),
        )
        cells = cells[large]
        past = panel.values[max(row - 4, 0) : row, cells]
        found += [
            Jump(flow_name(panel, int(cell)), int(panel.years[row]),
                 float(now[cell]) / float(panel.values[row - 1, cell]))
            for cell, steady in zip(cells, _steady(past), strict=True)
            if steady
        ]  # fmt: skip
    return _jumped("flow-jump", sorted(found, key=lambda one: (-one.year, one.name)))


def _steady(past: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether flows traded in each of the years given, without a change beyond `_STEADY`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.abs(np.log(past[1:] / past[:-1]))
    steady: NDArray[np.bool_] = (past > 0).all(axis=0) & (change <= np.log(_STEADY)).all(axis=0)
    return steady


_LARGEST_LOG = 700.0
"""Of a share of GDP; beyond it the share itself is not a number."""


def gdp_findings(
    totals: TraderTotals, gdp: NDArray[np.float64], gdp_years: NDArray[np.int32]
) -> list[Finding]:
    """Check the median country's exports as a share of GDP.

    Parameters
    ----------
    gdp, gdp_years
        Million USD, shape ``[year, country]``, and its years.
    """
    shares = []
    for row, year in enumerate(totals.years):
        at = int(year) - int(gdp_years[0])
        if 0 <= at < gdp_years.size:
            exports, size = totals.value["exports"][row], gdp[at] * 1e6
            known = (exports > 0) & (size > 0)
            # In logs, as a GDP may be so small that the quotient is no number any more.
            shares.append(np.log(exports[known]) - np.log(size[known]))
    pooled = np.concatenate(shares) if shares else np.empty(0)
    if not pooled.size:
        return []
    share = float(np.exp(min(np.median(pooled), _LARGEST_LOG)))
    if _OF_GDP[0] <= share <= _OF_GDP[1]:
        return []
    return [
        Finding(
            code="unit-gdp",
            severity="warning",
            count=pooled.size,
            names=(),
            years=(),
            message=f"exports of the median country are {share:.3g} times its GDP "
            f"(.2 to .3 is usual): the unit of one of the two is wrong",
            remedy="Give trade in USD and GDP in million USD, or --accept unit-gdp",
        )
    ]


def model_findings(
    now: NDArray[np.float64], then: NDArray[np.float64], *, year: int
) -> list[Finding]:
    """Check that the trained model and new data agree on a year they share.

    Parameters
    ----------
    now, then
        USD of the same flows in the new data and in the model's; 0 where there is no trade.
    year
        The year shared.
    """
    known = (now > 0) & (then > 0)
    if not known.any():
        return []
    ratio = float(np.median(now[known] / then[known]))
    total = float(now[known].sum() / then[known].sum())
    unlike = [abs(np.log(one)) > np.log(1 + WORLD_CHANGE) for one in (ratio, total)]
    if not any(unlike):
        return []
    certain = bool(near_power(ratio) and near_power(total))
    severity: Severity = "error" if certain else "warning"
    return [
        Finding(
            code="unit-model",
            severity=severity,
            count=int(known.sum()),
            names=(),
            years=(year,),
            message=f"flows of {year} are {times(ratio)} those the model was trained on (median of "
            f"{int(known.sum()):,}; their sum {total:,.3g} times)",
            remedy="Give the new table in USD as the model's, of the same source"
            + ("" if certain else "; --accept unit-model if it was revised so much"),
        )
    ]
