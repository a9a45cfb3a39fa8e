"""The design: rows (flow, origin, horizon) with their features, base and shift."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.catalogue import positions
from features.data.panel import TradePanel
from features.information import InformationSet
from models.raking import rake

MAX_FLOWS = 12_000
"""Flows a block keeps for training; bounds the memory of universes with sectors."""
LARGE_BLOCK = 5_000
"""Rows of a block, on average, from which on several threads fill faster than one."""
HORIZON_COLUMN = int(positions(["years_ahead"])[0])


@dataclass(frozen=True, slots=True)
class Design:
    """Training rows ordered by target year, so that what an origin may learn from is a prefix.

    Attributes
    ----------
    features
        float32, shape ``[row, feature]``, columns as in `features.catalogue.NAMES`,
        then those of the user's own series.
    shift
        Midpoint growth of the actual flow against its base, in [-2, 2], shape ``[row]``.
    base
        USD, shape ``[row]``.
    traded
        Whether the flow is positive in the target year.
    origin, target_year
        Calendar years, shape ``[row]``.
    """

    features: NDArray[np.float32]
    shift: NDArray[np.float32]
    base: NDArray[np.float32]
    traded: NDArray[np.bool_]
    origin: NDArray[np.int32]
    target_year: NDArray[np.int32]

    def until(self, year: int) -> Design:
        """Rows whose target year is at most ``year``: a view, nothing is copied."""
        end = int(np.searchsorted(self.target_year, year, side="right"))
        return Design(
            self.features[:end],
            self.shift[:end],
            self.base[:end],
            self.traded[:end],
            self.origin[:end],
            self.target_year[:end],
        )

    def thinned(self, *, max_rows: int, seed: int) -> Design:
        """A copy of at most ``max_rows`` rows, those of `drawn`; itself where it has no more."""
        return self if self.shift.size <= max_rows else self.rows(self.drawn(max_rows, seed=seed))

    def drawn(self, max_rows: int, *, seed: int) -> NDArray[np.intp]:
        """Numbers of at most ``max_rows`` rows drawn at random, in their order."""
        size = self.shift.size
        if size <= max_rows:
            return np.arange(size)
        rng = np.random.default_rng((seed, size))
        return np.sort(rng.choice(size, max_rows, replace=False))

    def split(self, year: int) -> tuple[Design, Design]:
        """Rows with targets up to ``year``, and those with origins since: no origin is in both.

        Otherwise the first would hold the same features beside growth to an earlier year, which
        trees memorise. Validation on the second would then prefer ever larger models that forecast
        no better, as nothing about a real forecast's own origin can be memorised.
        """
        return self.until(year), self.rows(np.flatnonzero(self.origin >= year))

    def rows(self, chosen: NDArray[np.intp]) -> Design:
        """Copy the chosen rows, in that order."""
        return Design(*(getattr(self, name)[chosen] for name in Design.__slots__))


def midpoint_growth(now: NDArray[np.floating], then: NDArray[np.floating]) -> NDArray[np.float64]:
    """``2 (now - then) / (now + then)``; 0 where both are 0 (Davis, Haltiwanger and Schuh 1996)."""
    total = np.asarray(now, dtype=np.float64) + then
    return np.divide(2.0 * (now - then), total, out=np.zeros_like(total), where=total != 0)


def grow(base: NDArray[np.floating], shift: NDArray[np.floating]) -> NDArray[np.float64]:
    """The flow a midpoint growth makes of its base: ``base (2 + g) / (2 - g)``."""
    limited = np.clip(np.asarray(shift, dtype=np.float64), -2.0, 1.999)
    return base * (2.0 + limited) / (2.0 - limited)


def at_horizon(
    matrix: NDArray[np.float32], horizon: int, flows: NDArray[np.intp] | None = None
) -> NDArray[np.float32]:
    """A copy of an origin's features, of all ``flows`` or some, with the horizon filled in."""
    rows = matrix.copy() if flows is None else matrix[flows]
    rows[:, HORIZON_COLUMN] = horizon
    return rows


def pattern_base(panel: TradePanel, *, origin: int, horizon: int) -> NDArray[np.float64]:
    """The origin's matrix raked to the true totals of the target year, shape ``[flow]``.

    Flows that are unknown in either year are left out of both, and have base 0: otherwise the known
    flows of their exporter and importer would seem to shift.

    What the shift is measured against in training. The target year is past at training time, so
    its totals are known; and because every forecast is raked again after the shift, what the
    booster has to learn is the pattern alone, whichever totals it will meet.
    """
    start, target = (panel.values[panel.row(year)] for year in (origin, origin + horizon))
    known = ~np.isnan(start) & ~np.isnan(target)
    start, target = np.where(known, start, 0.0), np.where(known, target, 0.0)
    flows = panel.flows
    return rake(
        start,
        flows=flows,
        exporter_totals=flows.exporter_totals(target),
        importer_totals=flows.importer_totals(target),
        tolerance=1e-6,
    ).values


def origin_value(info: InformationSet) -> NDArray[np.float64]:
    """The flows a base starts from: those of the origin, or of up to three years before.

    A flow that is unknown at the origin takes its last known value of the three years before, and
    is taken to be 0 where there is none.
    """
    value = info.history[-1].astype(np.float64)
    for row in info.history[-2:-5:-1]:
        value = np.where(np.isnan(value), row, value)
    return np.nan_to_num(value)


def training_design(
    panel: TradePanel,
    matrices_at: Callable[[int], Sequence[NDArray[np.float32]]],
    *,
    origins: Iterable[int],
    horizons: Sequence[int],
    last_year: int,
    seed: int,
    max_flows: int = MAX_FLOWS,
    threads: int = 1,
) -> Design:
    """Stack training rows of every origin and horizon whose target year is known.

    Parameters
    ----------
    panel
        Bilateral trade.
    matrices_at
        From an origin to its features in each setting, shape ``[flow, feature]``; asked once for
        each origin, by several threads at a time. Rows alternate between settings at random, so
        that one booster learns to forecast with and without them.
    origins, horizons
        Calendar years; years ahead.
    last_year
        Last target year.
    seed
        Of the alternation and the thinning.
    max_flows
        Blocks (origin x horizon) of a larger universe keep this many flows, drawn at random.
    threads
        Origins filled in at a time where blocks are large: there most of the time goes to memory
        that is written for the first time, elsewhere to Python code.

    Returns
    -------
    Design
        Flows that are unknown in the origin or target year are left out. Each block draws from a
        generator of its own, so that a prefix by target year is the same whatever comes later.
    """
    blocks = sorted(
        (
            _Block.draw(panel, origin, h, max_flows=max_flows, seed=seed)
            for origin in origins
            for h in horizons
            if origin + h <= last_year
        ),
        key=lambda block: (block.origin + block.horizon, block.origin),
    )
    if not blocks:
        raise ValueError(f"no origin has a target year up to {last_year}")
    ends = np.cumsum([block.chosen.size for block in blocks])
    starts = {(block.origin, block.horizon): int(end) - block.chosen.size
              for block, end in zip(blocks, ends, strict=True)}  # fmt: skip
    first, *others = sorted({block.origin for block in blocks})
    settings = matrices_at(first)
    out = _empty(int(ends[-1]), settings[0].shape[1])

    def fill(origin: int) -> None:
        matrices = settings if origin == first else matrices_at(origin)
        for block in blocks:
            if block.origin == origin:
                block.fill(out, starts[origin, block.horizon], panel, matrices)

    at_once = threads if ends[-1] >= LARGE_BLOCK * len(blocks) else 1
    with ThreadPoolExecutor(at_once) as pool:
        for _ in pool.map(fill, (first, *others)):
            pass
    return out


def _empty(rows: int, columns: int) -> Design:
    return Design(
        np.empty((rows, columns), dtype=np.float32),
        np.empty(rows, dtype=np.float32),
        np.empty(rows, dtype=np.float32),
        np.empty(rows, dtype=np.bool_),
        np.empty(rows, dtype=np.int32),
        np.empty(rows, dtype=np.int32),
    )


@dataclass(frozen=True, slots=True)
class _Block:
    """The flows of an origin and horizon that are learned from, and the generator they drew."""

    origin: int
    horizon: int
    chosen: NDArray[np.intp]
    rng: np.random.Generator

    @classmethod
    def draw(
        cls, panel: TradePanel, origin: int, horizon: int, *, max_flows: int, seed: int
    ) -> _Block:
        rng = np.random.default_rng((seed, origin, horizon))
        size = panel.flows.at(panel.row(origin)).size
        start, target = (panel.values[panel.row(y), :size] for y in (origin, origin + horizon))
        chosen = np.flatnonzero(~np.isnan(target) & ~np.isnan(start))
        if chosen.size > max_flows:
            chosen = np.sort(rng.choice(chosen, size=max_flows, replace=False))
        return cls(origin, horizon, chosen, rng)

    def fill(
        self,
        out: Design,
        start: int,
        panel: TradePanel,
        settings: Sequence[NDArray[np.float32]],
    ) -> None:
        """Write the rows from ``start`` on."""
        chosen, end = self.chosen, start + self.chosen.size
        target = panel.values[panel.row(self.origin + self.horizon)]
        base = pattern_base(panel, origin=self.origin, horizon=self.horizon)
        which = self.rng.integers(len(settings), size=chosen.size)
        for number, matrix in enumerate(settings):
            rows = np.flatnonzero(which == number)
            out.features[start + rows] = matrix[chosen[rows]]
        out.features[start:end, HORIZON_COLUMN] = self.horizon
        out.base[start:end] = base[chosen]
        out.shift[start:end] = midpoint_growth(target[chosen], base[chosen])
        out.traded[start:end] = target[chosen] > 0
        out.origin[start:end] = self.origin
        out.target_year[start:end] = self.origin + self.horizon
