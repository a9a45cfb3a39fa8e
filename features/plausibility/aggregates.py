"""Rows that sum others: the world among traders, ``TOTAL`` among sectors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from features.data.panel import TradePanel
from features.errors import listed
from features.findings import Finding
from features.plausibility.trader_totals import SIDES, Side, TraderTotals

_NEAR = 0.17
"""Relative distance from the sum of the others at which a total is suspected: a world row holds
countries that the table does not list."""
_EXACT = 1e-3
"""Distance at which it is certain: rounding of sources is finer."""
_MOST = 0.9
"""Share of partners and years that must be as close; true partner shares differ widely."""
_FEWEST_TRADERS, _FEWEST_SECTORS = 4, 3
"""With fewer similar ones, each may equal the sum of the rest by chance."""


def aggregate_findings(panel: TradePanel, totals: TraderTotals) -> list[Finding]:
    """Traders and sectors that equal the sum of all others in every year."""
    return [*_traders(panel, totals), *_sectors(panel)]


def _gap(value: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative distance of a value from the sum of others; NaN where both are zero."""
    size = np.maximum(value, others)
    return np.abs(value - others) / np.where(size > 0, size, np.nan)


def _traders(panel: TradePanel, totals: TraderTotals) -> list[Finding]:
    n = len(totals.countries)
    if n < _FEWEST_TRADERS:
        return []
    among = totals.world[:, None] - totals.value["exports"] - totals.value["imports"]
    findings = []
    for k in range(n):
        sides = [side for side in SIDES if _suspect(totals.value[side][:, k], among[:, k])]
        gaps = [_by_partner(panel, k, side) for side in sides]
        near = [(side, gap) for side, gap in zip(sides, gaps, strict=True) if gap is not None]
        if near:
            name, named = totals.countries[k], " and ".join(side for side, _ in near)
            equal, distances = "equal the sum of all other traders'", [gap for _, gap in near]
            findings.append(
                _counted_twice("trader", [name], f"{named} of {name}", equal, distances)
            )
    return findings


def _suspect(value: NDArray[np.float64], among: NDArray[np.float64]) -> bool:
    present = value > 0
    return bool(present.any()) and bool((_gap(value[present], among[present]) <= _NEAR).all())


def _median_gap(gaps: NDArray[np.float64]) -> float | None:
    """Median distance; None where too many are far."""
    if np.nanquantile(gaps, _MOST) > _NEAR:
        return None
    return float(np.nanmedian(gaps))


def _by_partner(panel: TradePanel, k: int, side: Side) -> float | None:
    """Median over partners and years of a trader's distance from the sum of all others'."""
    flows = panel.flows
    own, partner = (
        (flows.exporter == k, flows.importer)
        if side == "exports"
        else (flows.importer == k, flows.exporter)
    )
    rest = ~own & (partner != k) & ~flows.domestic
    n, gaps = len(flows.countries), []
    for row in panel.values:
        known = np.nan_to_num(row, nan=0.0)
        one, others = (
            np.bincount(partner[of], weights=known[of], minlength=n).astype(np.float64)
            for of in (own, rest)
        )
        gaps.append(np.delete(_gap(one, others), k))
    return _median_gap(np.concatenate(gaps))


def _counted_twice(
    what: str, names: Sequence[str], subject: str, equal: str, gaps: Iterable[float]
) -> Finding:
    """Finding on aggregates, whose ``subject`` may ``equal`` the others' sum only nearly."""
    certain = max(gaps) <= _EXACT
    return Finding(
        code=f"aggregate-{what}",
        severity="error" if certain else "warning",
        count=len(names),
        names=tuple(names),
        years=(),
        message=f"{subject} {'' if certain else 'nearly '}{equal} in every year: an aggregate "
        "counts all trade twice",
        remedy=f"Leave the rows of {listed(names)} out"
        + ("" if certain else f", or --accept aggregate-{what} if it is not an aggregate"),
    )


def _sectors(panel: TradePanel) -> list[Finding]:
    flows = panel.flows
    k, n = len(flows.sectors), len(flows.countries)
    if k < _FEWEST_SECTORS:
        return []
    exports = np.stack([flows.exporter_totals(row) for row in panel.values]).reshape(-1, n, k)
    world = exports.sum(axis=1)
    others = world.sum(axis=1)[:, None] - world
    near = [s for s in range(k) if _suspect(world[:, s], others[:, s])]
    gaps = {s: _gap(exports[:, :, s], exports.sum(axis=2) - exports[:, :, s]) for s in near}
    sure = {s: gap for s in near if (gap := _median_gap(gaps[s])) is not None}
    if not sure:
        return []
    names = [flows.sectors[s] for s in sure]
    equal = "equals the sum of all other sectors"
    return [_counted_twice("sector", names, f"sector {listed(names)}", equal, sure.values())]
