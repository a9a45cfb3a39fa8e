"""The nowcast: reconciled flows of the year after the origin, from what reporters have declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.arrays import logs, mean_of_known
from features.data.flows import FlowIndex
from features.data.reports import REPORTERS, Reporter, SeenReports, margins_of
from features.information import InformationSet

if TYPE_CHECKING:
    import lightgbm

Vector = NDArray[np.float64]

PAST_YEARS = 5
"""Years of a reporter's ratio to the reconciled value; each weighs half as much as the next."""
LARGEST_RATIO = 3.0
"""Logs beyond which reported and reconciled value are not of the same flow."""
CIF = 0.13
"""Usual log cost of insurance and freight in an importer's figure, for a flow without a past."""
FURTHEST = 2.5
"""Logs that an implied level may be away from the raked base."""
TRAINING_ORIGINS = 8
NOBODY = len(REPORTERS) + 1
"""Group of flows whose nowcast rests on no report of any country."""
_PARAMS: Mapping[str, Any] = {
    "learning_rate": 0.1,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
}
_LEVEL = {**_PARAMS, "objective": "l1", "num_leaves": 31}
_CHANCE = {**_PARAMS, "objective": "binary", "num_leaves": 15}
_LEVEL_ROUNDS, _CHANCE_ROUNDS = 90, 40
_LEVEL_ROWS, _CHANCE_ROWS = 35_000, 20_000


@dataclass(frozen=True, slots=True)
class ImpliedLevels:
    """What reports of the year after an origin say of its reconciled flows.

    Attributes
    ----------
    columns
        Predictors of the nowcast, relative to ``anchor`` where they are levels, shape
        ``[flow, predictor]``; NaN where there is no such report.
    anchor
        Log USD, shape ``[flow]``: the mean of the levels that both reports imply, or that of one,
        else the raked base; NaN where nothing says that there is trade.
    growth
        Log USD, shape ``[flow]``: the origin's flow grown like the importer's report of it, else
        like the exporter's, else the raked base.
    base
        Log USD of the raked base, shape ``[flow]``; NaN where it is 0.
    reported
        Number of reporters that have filed, 0 to 2, shape ``[flow]``.
    levels
        By who declares, the level that the report implies, log USD, shape ``[flow]``; NaN without.
    """

    columns: NDArray[np.float32]
    anchor: Vector
    growth: Vector
    base: Vector
    reported: NDArray[np.int8]
    levels: Mapping[Reporter, Vector]


def implied_levels(info: InformationSet, reports: SeenReports, *, base: Vector) -> ImpliedLevels:
    """Levels and growth that the reports of the year after the origin imply.

    Parameters
    ----------
    info
        Information set of the origin.
    reports
        Reports that were out on its as-of date.
    base
        The origin's flows raked to the totals of the next year, USD, shape ``[flow]``.

    Notes
    -----
    A reporter's own recent ratio of reconciled to reported value carries its report to the level
    of the reconciled data; FOB against CIF and the reporter's biases are in that ratio, and cancel.
    """
    history = np.stack([logs(row) for row in info.history[-PAST_YEARS - 1 :].astype(np.float64)])
    log_base = logs(base)
    sides = {side: _Side.of(info, reports, side, history) for side in REPORTERS}
    level = _mean(*(side.level for side in sides.values()))
    start = _mean(sides["importer"].fresh - CIF, sides["exporter"].fresh)
    anchor = _first(level, log_base, start)
    anchor = _near(anchor, log_base)
    columns = [column for side in sides.values() for column in side.columns(anchor)]
    columns += [
        log_base - anchor,
        anchor,
        np.isnan(log_base).astype(np.float64),
        sides["importer"].level - sides["exporter"].level,
        history[-1] - mean_of_known(history[-4:-1]),
        mean_of_known(history) - log_base,
    ]
    growth = _first(sides["importer"].growth, sides["exporter"].growth, log_base)
    growth = _near(growth, log_base)
    filed = np.sum([side.filed for side in sides.values()], axis=0).astype(np.int8)
    stacked = np.stack(columns, axis=1).astype(np.float32)
    levels = {name: side.level for name, side in sides.items()}
    return ImpliedLevels(stacked, anchor, growth, log_base, filed, levels)


@dataclass(frozen=True, slots=True)
class _Side:
    """What one side of every flow declares, logs, shape ``[flow]``; NaN where it has not filed."""

    fresh: Vector
    level: Vector
    growth: Vector
    spread: Vector
    months: Vector
    filed: NDArray[np.bool_]

    @classmethod
    def of(
        cls, info: InformationSet, reports: SeenReports, side: Reporter, history: Vector
    ) -> _Side:
        declared = reports.at(side, info.origin + 1)
        fresh, filed = logs(declared), ~np.isnan(declared)
        years = range(info.origin + 1 - min(PAST_YEARS, history.shape[0]), info.origin + 1)
        reported = np.stack([logs(reports.at(side, year)) for year in years])
        ratio = history[-len(years) :] - reported
        ratio[np.abs(ratio) > LARGEST_RATIO] = np.nan
        weight = 0.5 ** np.arange(len(years))[::-1, None] * ~np.isnan(ratio)
        total, known = weight.sum(axis=0), weight > 0
        ratio = np.nan_to_num(ratio)
        mean = np.divide((ratio * weight).sum(axis=0), total, out=np.zeros_like(total),
                         where=total > 0)  # fmt: skip
        squares = (np.square(ratio - mean) * weight).sum(axis=0)
        spread = np.sqrt(np.divide(squares, total, out=np.zeros_like(total), where=total > 0))
        margins = margins_of(info.flows, side)
        usual = _median_by(np.where(known, ratio, np.nan), margins, size=info.flows.margins)
        return cls(
            fresh,
            fresh + np.where(total > 0, mean, usual[margins]),
            history[-1] + fresh - reported[-1],
            np.where(known.sum(axis=0) > 1, spread, np.nan),
            reports.months_at(side, info.origin + 1, info.flows),
            filed,
        )

    def columns(self, anchor: Vector) -> list[Vector]:
        silent = self.filed & np.isnan(self.fresh)
        return [
            self.level - anchor,
            self.growth - anchor,
            self.fresh - anchor,
            self.spread,
            # The growth of a few months says less than that of a year.
            self.months,
            silent.astype(np.float64),
            self.filed.astype(np.float64),
        ]


@dataclass(slots=True)
class Nowcast:
    """Boosted correction of the anchor, and the chance of trade; scikit-learn conventions.

    Parameters
    ----------
    seed, threads
        LightGBM runs deterministically; see `models.shift.ShiftModel` on threads.
    """

    seed: int = 0
    threads: int = 1
    level_: lightgbm.Booster | None = None
    chance_: lightgbm.Booster | None = None

    def fit(self, past: Mapping[int, tuple[ImpliedLevels, Vector]]) -> Nowcast:
        """Fit on past origins.

        Parameters
        ----------
        past
            By origin, what its reports implied, and the reconciled flows of the next year, USD,
            shape ``[flow]``, NaN where unknown. The last `TRAINING_ORIGINS` are used.
        """
        recent = [past[origin] for origin in sorted(past)[-TRAINING_ORIGINS:]]
        columns, away, weights, traded = [], [], [], []
        for implied, actual in recent:
            known = np.isfinite(implied.anchor) & ~np.isnan(actual)
            columns.append(implied.columns[known])
            away.append(logs(actual[known]) - implied.anchor[known])
            weights.append(np.exp(implied.anchor[known] / 4))
            traded.append(actual[known] > 0)
        x, y, w, z = (np.concatenate(part) for part in (columns, away, weights, traded))
        rows = self._drawn(np.flatnonzero(z), most=_LEVEL_ROWS)
        weight = w[rows] / w[rows].mean()
        self.level_ = self._boosted(_LEVEL, x[rows], np.clip(y[rows], -2, 2), weight, _LEVEL_ROUNDS)
        rows = self._drawn(np.arange(z.size), most=_CHANCE_ROWS)
        self.chance_ = self._boosted(_CHANCE, x[rows], z[rows], None, _CHANCE_ROUNDS)
        return self

    def predict(self, implied: ImpliedLevels) -> tuple[Vector, Vector]:
        """Nowcast flows if they trade, USD, and the probability that they do, shape ``[flow]``."""
        if self.level_ is None or self.chance_ is None:
            raise ValueError("the nowcast is not fitted yet")
        known = np.isfinite(implied.anchor)
        value, chance = np.zeros(known.size), np.zeros(known.size)
        rows = implied.columns[known]
        correction = np.asarray(self.level_.predict(rows, num_threads=self.threads))
        value[known] = np.exp(implied.anchor[known] + correction)
        chance[known] = self.chance_.predict(rows, num_threads=self.threads)
        return value, chance

    def _drawn(self, rows: NDArray[np.intp], *, most: int) -> NDArray[np.intp]:
        if rows.size <= most:
            return rows
        drawn = np.random.default_rng((self.seed, rows.size)).choice(rows, most, replace=False)
        return np.sort(drawn)

    def _boosted(
        self,
        params: Mapping[str, Any],
        x: NDArray[np.float32],
        y: NDArray[Any],
        weight: Vector | None,
        rounds: int,
    ) -> lightgbm.Booster:
        import lightgbm

        settled = {**params, "seed": self.seed, "num_threads": self.threads}
        data = lightgbm.Dataset(x, label=y.astype(np.float32), weight=weight, params=settled)
        return lightgbm.train(settled, data, num_boost_round=rounds)


def reportable(reported: NDArray[np.int8], flows: FlowIndex) -> NDArray[np.bool_]:
    """Flows abroad of a sector that somebody has filed, shape ``[flow]``.

    Parameters
    ----------
    reported
        Number of reporters that have filed, shape ``[flow]``.
    flows
        Keys.
    """
    filed = np.bincount(flows.sector, weights=reported, minlength=len(flows.sectors)) > 0
    of_sector: NDArray[np.bool_] = filed[flows.sector]
    return of_sector & ~flows.domestic


def interval_groups(reported: NDArray[np.int8], flows: FlowIndex) -> NDArray[np.int8]:
    """Group of each flow's interval: how many sides have filed, or 3 where nobody could have.

    Flows that neither side has reported while others are known belong to poor reporters. Sales at
    home, and sectors that nobody has filed, have the forecasts that are made without reports; so
    have all flows before the first report.
    """
    return np.where(reportable(reported, flows), reported, np.int8(NOBODY))


def usd(logs: Vector) -> Vector:
    """Levels of logs, 0 where they are NaN."""
    return np.exp(np.nan_to_num(logs, nan=-np.inf))


def _mean(*columns: Vector) -> Vector:
    return mean_of_known(np.stack(columns))


def _first(*columns: Vector) -> Vector:
    """The first column that is known, row by row."""
    out = columns[0].copy()
    for column in columns[1:]:
        out = np.where(np.isnan(out), column, out)
    return out


def _near(logs: Vector, base: Vector) -> Vector:
    """Logs no further than `FURTHEST` from the raked base, where there is one."""
    return np.where(np.isnan(base), logs, np.clip(logs, base - FURTHEST, base + FURTHEST))


def _median_by(ratio: Vector, margins: NDArray[np.int32], *, size: int) -> Vector:
    """Median ratio of each reporter over its flows and years, shape ``[margin]``; 0 without."""
    out = np.zeros(size)
    order = np.argsort(margins, kind="stable")
    bounds = np.searchsorted(margins[order], np.arange(size + 1))
    for margin in range(size):
        values = ratio[:, order[bounds[margin] : bounds[margin + 1]]]
        values = values[~np.isnan(values)]
        if values.size:
            out[margin] = np.median(values)
    return out
