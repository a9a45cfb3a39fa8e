"""The peers of `peers.py`, which runs this in their own environment; imports nothing of gravicast.

    python peers_worker.py PANEL PLAN OUT --data ../shared/data

PANEL is Parquet (exporter, importer, flow, year, value), every flow in every year. PLAN is JSON,
``{"2003": [1, 3, 5], ...}``: the horizons of each origin. Writes OUT/forecasts.parquet (origin,
horizon, model, flow, forecast) and OUT/report.json (versions, seconds a peer, forecasts filled).

Every peer sees `Known.until(origin)` and nothing else. Trees work on ln(1 + y / smallest flow that
the panel states). One rule holds for all: a forecast below that smallest flow counts as zero.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
Forecasts = dict[int, Array]

LAGS = (1, 2, 3, 5)
TREES = {
    "random_state": 0,
    "n_jobs": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
"""LightGBM's defaults but for what makes a run repeatable."""
CATBOOST = {
    "learning_rate": 0.1,
    "random_seed": 0,
    "thread_count": 1,
    "verbose": False,
    "allow_writing_files": False,
}
MAX_ROUNDS, PATIENCE, VALIDATION_YEARS = 1_000, 50, 3
GDP = "MACRO.GDP"
PACKAGES = ("mlforecast", "skforecast", "statsforecast", "catboost", "lightgbm", "pandas")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("panel", type=Path)
    parser.add_argument("plan", type=json.loads)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    everything = read(given.panel, given.data)
    plan = {int(origin): horizons for origin, horizons in given.plan.items()}
    tables, seconds, filled = [], {}, {}
    for model, peer in PEERS.items():
        started, filled[model] = time.perf_counter(), 0
        for origin, horizons in plan.items():
            known = everything.until(origin)
            step = time.perf_counter()
            by_horizon = peer(known, horizons)
            say(f"{model}: origin {origin}, {time.perf_counter() - step:.1f} s")
            for horizon in horizons:
                forecast, missing = tidy(by_horizon[horizon], known)
                filled[model] += missing
                tables.append(table(origin, horizon, model, forecast))
        seconds[model] = round(time.perf_counter() - started, 1)
        say(f"{model}: {seconds[model]:.0f} s in all")
    forecasts = pd.concat(tables, ignore_index=True)
    forecasts.to_parquet(given.out / "forecasts.parquet", index=False)
    versions = {package: version(package) for package in PACKAGES}
    report = {"versions": versions, "seconds": seconds, "filled": filled}
    (given.out / "report.json").write_text(json.dumps(report), encoding="utf-8")
    return 0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def table(origin: int, horizon: int, model: str, forecast: Array) -> pd.DataFrame:
    columns = {"origin": origin, "horizon": horizon, "model": model}
    return pd.DataFrame({**columns, "flow": np.arange(forecast.size), "forecast": forecast})


# What a peer may know ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """Years in rows, flows in columns; ``static`` has flows in rows."""

    years: NDArray[np.int64]
    values: Array
    agreement: Array
    gdp_exporter: Array
    gdp_importer: Array
    static: Array

    def until(self, origin: int) -> Known:
        """Everything up to the origin and nothing later."""
        keep = self.years <= origin
        names = ("years", "values", "agreement", "gdp_exporter", "gdp_importer")
        return replace(self, **{name: getattr(self, name)[keep] for name in names})

    @property
    def origin(self) -> int:
        return int(self.years[-1])

    @property
    def smallest(self) -> float:
        """The smallest flow stated so far, USD."""
        return float(self.values[self.values > 0].min())

    @property
    def logs(self) -> Array:
        return np.log1p(self.values / self.smallest)

    def dollars(self, logs: Array) -> Array:
        return np.expm1(np.clip(logs, 0.0, 30.0)) * self.smallest


def read(panel: Path, data: Path) -> Known:
    trade = pd.read_parquet(panel)
    values = trade.pivot(index="year", columns="flow", values="value")
    years = values.index.to_numpy(dtype=int)
    pairs = trade.drop_duplicates("flow").sort_values("flow")[["exporter", "importer"]]
    keys = pd.MultiIndex.from_frame(pairs.astype(str), names=["iso3_o", "iso3_d"])
    geography = pd.read_parquet(data / "pairs" / "geography.parquet")
    geography = geography.set_index(["iso3_o", "iso3_d"]).reindex(keys)
    agreements = pd.read_parquet(data / "pairs" / "trade_agreements.parquet")
    agreements = agreements.pivot(index=["iso3_o", "iso3_d"], columns="year", values="rta_wto")
    indicators = pd.read_parquet(data / "indicators" / "country_year.parquet")
    gdp = indicators[indicators["indicator"] == GDP].pivot(
        index="iso3", columns="year", values="value"
    )
    gdp = np.log(gdp.reindex(columns=years))
    languages = geography[["contig", "comlang_off", "comlang_ethno", "colony"]]
    return Known(
        years=years,
        values=values.to_numpy(dtype=float),
        agreement=agreements.reindex(index=keys, columns=years).fillna(0).to_numpy(float).T,
        gdp_exporter=gdp.reindex(keys.get_level_values(0)).to_numpy().T,
        gdp_importer=gdp.reindex(keys.get_level_values(1)).to_numpy().T,
        static=np.column_stack([np.log(geography["dist"]), languages]).astype(float),
    )


def tidy(forecast: Array, known: Known) -> tuple[Array, int]:
    """Zero for flows below the smallest stated one, and the last value for a failed fit."""
    failed = ~np.isfinite(forecast)
    forecast = np.where(failed, known.values[-1], forecast)
    return np.where(forecast < known.smallest, 0.0, forecast), int(failed.sum())


# Peers -------------------------------------------------------------------------------------------


def last_value(known: Known, horizons: Sequence[int]) -> Forecasts:
    """Not a peer: `peers.py` checks the round trip with it."""
    return dict.fromkeys(horizons, known.values[-1])


def long_table(values: Array, years: NDArray[np.int64]) -> pd.DataFrame:
    flows = values.shape[1]
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(flows), years.size),
            "ds": np.tile(years, flows),
            "y": values.T.ravel(),
        }
    )


def from_long(table: pd.DataFrame, column: str, known: Known, horizons: Sequence[int]) -> Forecasts:
    wide = table.pivot(index="ds", columns="unique_id", values=column)
    return {horizon: wide.loc[known.origin + horizon].to_numpy(float) for horizon in horizons}


def with_mlforecast(known: Known, horizons: Sequence[int], *, differences: bool) -> Forecasts:
    """One LightGBM for all flows, recursive: direct models have no rows at the first origins."""
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean, RollingStd
    from mlforecast.target_transforms import Differences

    model = MLForecast(
        {"forecast": LGBMRegressor(**TREES)},
        freq=1,
        lags=list(LAGS),
        lag_transforms={1: [RollingMean(3), RollingMean(5), RollingStd(5)]},
        target_transforms=[Differences([1])] if differences else None,
        num_threads=1,
    )
    model.fit(long_table(known.logs, known.years), static_features=[])
    found = from_long(model.predict(max(horizons)), "forecast", known, horizons)
    return {horizon: known.dollars(logs) for horizon, logs in found.items()}


def with_skforecast(known: Known, horizons: Sequence[int]) -> Forecasts:
    """One LightGBM for all flows, recursive, differences, each flow's number a predictor."""
    from lightgbm import LGBMRegressor
    from skforecast.preprocessing import RollingFeatures
    from skforecast.recursive import ForecasterRecursiveMultiSeries

    dates = pd.date_range(f"{known.years[0]}-01-01", periods=known.years.size, freq="YS")
    flows = [str(flow) for flow in range(known.values.shape[1])]
    model = ForecasterRecursiveMultiSeries(
        LGBMRegressor(**TREES),
        lags=list(LAGS),
        window_features=RollingFeatures(stats=["mean", "mean", "std"], window_sizes=[3, 5, 5]),
        differentiation=1,
    )
    model.fit(pd.DataFrame(known.logs, index=dates, columns=flows), suppress_warnings=True)
    found = model.predict(max(horizons), suppress_warnings=True)
    wide = found.pivot(columns="level", values="pred")[flows].to_numpy(float)
    return {horizon: known.dollars(wide[horizon - 1]) for horizon in horizons}


def with_statsforecast(
    known: Known, horizons: Sequence[int], *, name: str, **options: Any
) -> Forecasts:
    """One model per flow, on its level."""
    from statsforecast import StatsForecast, models

    method = getattr(models, name)(season_length=1, alias="forecast", **options)
    million = long_table(known.values / 1e6, known.years)
    found = StatsForecast([method], freq=1, n_jobs=1).forecast(df=million, h=max(horizons))
    levels = from_long(found, "forecast", known, horizons)
    return {horizon: level * 1e6 for horizon, level in levels.items()}


def with_catboost(known: Known, horizons: Sequence[int], *, changes: bool) -> Forecasts:
    """The dyad panel of policyrj.com article 1520: CatBoost on lags and gravity, a model a horizon.

    The last three target years choose the number of trees, which are then grown on every year.
    """
    from catboost import CatBoostRegressor

    logs, out = known.logs, {}
    for horizon in horizons:
        targets = range(int(known.years[0]) + horizon, known.origin + 1)
        blocks = {
            year: (rows_at(known, logs, row), logs[row + horizon] - changes * logs[row])
            for row, year in enumerate(targets)
        }
        early = [b for year, b in blocks.items() if year <= known.origin - VALIDATION_YEARS]
        late = [b for year, b in blocks.items() if year > known.origin - VALIDATION_YEARS]
        trial = CatBoostRegressor(iterations=MAX_ROUNDS, **CATBOOST)
        trial.fit(*stacked(early), eval_set=stacked(late), early_stopping_rounds=PATIENCE)
        model = CatBoostRegressor(iterations=trial.get_best_iteration() + 1, **CATBOOST)
        model.fit(*stacked([*early, *late]))
        found = model.predict(rows_at(known, logs, known.years.size - 1))
        out[horizon] = known.dollars(found + changes * logs[-1])
    return out


def rows_at(known: Known, logs: Array, row: int) -> Array:
    """Predictors of the year in ``row``: nothing of a later row enters."""

    def columns() -> Iterator[Array]:
        for back in (lag - 1 for lag in LAGS):
            yield logs[row - back] if back <= row else np.full(logs.shape[1], np.nan)
        for years in (3, 5):
            yield logs[max(0, row - years + 1) : row + 1].mean(axis=0)
        yield logs[max(0, row - 4) : row + 1].std(axis=0)
        yield from known.static.T
        yield from (known.agreement[row], known.gdp_exporter[row], known.gdp_importer[row])

    return np.column_stack(list(columns()))


def stacked(blocks: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    features, targets = zip(*blocks, strict=True)
    return np.concatenate(features), np.concatenate(targets)


PEERS: dict[str, Callable[[Known, Sequence[int]], Forecasts]] = {
    "last_value": last_value,
    "mlforecast: LightGBM, levels": partial(with_mlforecast, differences=False),
    "mlforecast: LightGBM, differences": partial(with_mlforecast, differences=True),
    "skforecast: LightGBM, differences": with_skforecast,
    "statsforecast: Theta": partial(with_statsforecast, name="Theta"),
    "statsforecast: AutoTheta": partial(with_statsforecast, name="AutoTheta"),
    "statsforecast: AutoETS": partial(with_statsforecast, name="AutoETS"),
    "statsforecast: AutoETS, damped": partial(
        with_statsforecast, name="AutoETS", model="ZZN", damped=True
    ),
    "CatBoost: lags and gravity, levels": partial(with_catboost, changes=False),
    "CatBoost: lags and gravity, changes": partial(with_catboost, changes=True),
}


if __name__ == "__main__":
    sys.exit(main())
