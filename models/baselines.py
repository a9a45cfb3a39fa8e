"""Baselines: last value, last value raked, drift, and boosted trees on lags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from features.information import InformationSet
from models.design import origin_value
from models.flow_model import FlowModel, Known, Training
from models.known_totals import carried_totals
from models.nowcast import ImpliedLevels, usd
from models.raking import rake

Vector = NDArray[np.float64]

LAGS = (0, 1, 2, 4)
"""Years before the origin: lags 1, 2, 3 and 5 of a target one year ahead."""
DRIFT_YEARS = 5
UNIT = np.float32(1e6)
"""USD; in single dollars the step from no trade to a little would dwarf every other change."""
# LightGBM's defaults, as a user of a forecasting library would get them.
_LAG_PARAMS = {
    "objective": "regression",
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}


def last_value(info: InformationSet) -> Vector:
    """The flow of the origin year, shape ``[flow]``."""
    return origin_value(info)


def drift(info: InformationSet, *, horizon: int) -> Vector:
    """The last value times the world's mean growth of the last five years, compounded.

    The last value alone where nothing is known of the world then.
    """
    world = info.exporter_totals.sum(axis=1)
    years = min(DRIFT_YEARS, world.size - 1)
    if years == 0 or not world[-1 - years] > 0:
        return origin_value(info)
    yearly = (world[-1] / world[-1 - years]) ** (1.0 / years)
    return origin_value(info) * yearly**horizon


def last_value_raked(info: InformationSet, *, horizon: int) -> Vector:
    """The last value raked to the last totals published up to the target year, carried forward."""
    totals = carried_totals(info, horizon=horizon)
    return rake(
        origin_value(info),
        flows=info.flows,
        exporter_totals=totals.exporter,
        importer_totals=totals.importer,
    ).values


class LastValue(FlowModel):
    """`last_value` at every horizon."""

    def forecast(self, known: Known) -> dict[int, Vector]:
        """Forecast every horizon, USD ``[flow]``."""
        return dict.fromkeys(known.horizons, last_value(known.info))


class LastValueRaked(FlowModel):
    """`last_value_raked` at every horizon."""

    def forecast(self, known: Known) -> dict[int, Vector]:
        """Forecast every horizon, USD ``[flow]``."""
        return {h: last_value_raked(known.info, horizon=h) for h in known.horizons}


class Drift(FlowModel):
    """`drift` at every horizon."""

    def forecast(self, known: Known) -> dict[int, Vector]:
        """Forecast every horizon, USD ``[flow]``."""
        return {h: drift(known.info, horizon=h) for h in known.horizons}


@dataclass(frozen=True)
class FromReports(FlowModel):
    """Reports of the year after the origin without learning, repeated at every horizon.

    Attributes
    ----------
    of
        From what reports imply to logs of USD, shape ``[flow]``.
    """

    of: Callable[[ImpliedLevels], Vector]

    def forecast(self, known: Known) -> dict[int, Vector]:
        """Forecast every horizon, USD ``[flow]``."""
        assert known.start is not None, "the setting has no reports"
        return dict.fromkeys(known.horizons, usd(self.of(known.start.implied)))


@dataclass(frozen=True)
class LagBooster(FlowModel):
    """A pooled LightGBM on lags of ln(1 + million USD), as forecasting libraries build it.

    Attributes
    ----------
    form
        ``"levels"`` predicts the log level from log levels, ``"differences"`` its change from
        past changes.
    rounds, seed, threads, max_rows
        Boosting rounds, seed, LightGBM threads, and rows drawn at random for training.
    """

    form: Literal["levels", "differences"]
    rounds: int = 100
    seed: int = 0
    threads: int = 0
    max_rows: int = 50_000

    def fit(self, training: Training) -> LagBooster:
        """Take the seed, threads and number of rows: it learns from information sets."""
        return replace(
            self, seed=training.seed, threads=training.threads, max_rows=training.max_rows
        )

    def forecast(self, known: Known) -> dict[int, Vector]:
        """Fit on targets up to the origin and forecast every horizon, USD ``[flow]``.

        Without a past target for a horizon the last value is repeated.
        """
        import lightgbm

        info, horizons = known.info, known.horizons
        rows, target = self._training(known.infos, known.origin, horizons)
        if target.size == 0:
            return {horizon: origin_value(info) for horizon in horizons}
        params = {**_LAG_PARAMS, "seed": self.seed, "num_threads": self.threads}
        data = lightgbm.Dataset(rows, label=target, params=params)
        booster = lightgbm.train(params, data, num_boost_round=self.rounds)
        start = np.log1p(origin_value(info) / UNIT) if self.form == "differences" else 0.0
        out = {}
        for horizon in horizons:
            rows = self._rows(info, horizon)
            predicted = np.asarray(booster.predict(rows, num_threads=self.threads))
            out[horizon] = np.expm1(np.clip(start + predicted, 0.0, 30.0)) * float(UNIT)
        return out

    def _training(
        self, infos: Mapping[int, InformationSet], origin: int, horizons: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        blocks = [
            (past, horizon)
            for past in sorted(infos)
            for horizon in horizons
            if past + horizon <= origin and past - infos[past].first_year >= max(LAGS)
        ]
        rows: list[NDArray[np.float32]] = [np.empty((0, 0), dtype=np.float32)]
        targets: list[NDArray[np.float32]] = [np.empty(0, dtype=np.float32)]
        actual = infos[origin].history
        for past, horizon in blocks:
            # A universe of active flows grows with the years; the first ones are the same.
            size = infos[past].flows.size
            target = actual[past + horizon - infos[origin].first_year, :size]
            known = np.flatnonzero(~np.isnan(target) & ~np.isnan(infos[past].history[-1]))
            most = self.max_rows // len(blocks)
            if known.size > most:
                rng = np.random.default_rng((self.seed, past, horizon))
                known = np.sort(rng.choice(known, size=most, replace=False))
            level = np.log1p(target[known] / UNIT)
            if self.form == "differences":
                level = level - np.log1p(infos[past].history[-1][known] / UNIT)
            rows.append(self._rows(infos[past], horizon)[known])
            targets.append(level)
        return np.concatenate(rows[1:] or rows), np.concatenate(targets)

    def _rows(self, info: InformationSet, horizon: int) -> NDArray[np.float32]:
        logs = np.log1p(info.history[-1 - max(LAGS) - 1 :] / UNIT)
        series = np.diff(logs, axis=0) if self.form == "differences" else logs
        reach = series.shape[0]
        lags = [
            series[-1 - lag] if lag < reach else np.full_like(series[-1], np.nan) for lag in LAGS
        ]
        columns = [
            *lags,
            series[-3:].mean(axis=0),
            series[-5:].mean(axis=0),
            series[-5:].std(axis=0),
            np.full_like(series[-1], horizon),
        ]
        return np.stack(columns, axis=1)
