"""The peers of `peers_time.py`, each run in a process; imports nothing of gravicast.

    python peers_time_worker.py mlforecast|analyst PANEL OUT ORIGINS HORIZONS

PANEL is Parquet (exporter, importer, year, value_usd). Writes the forecasts to OUT (exporter,
importer, origin, horizon, forecast, and the number of columns the model saw).
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd

KEYS = ["exporter", "importer"]
TREES = {"n_jobs": 1, "random_state": 0, "verbosity": -1}
LAGS, GROWTH, WINDOWS = (1, 2, 3, 4, 5), (1, 2, 3, 5), (3, 5, 10)


def main() -> int:
    name, panel, out, origins, horizons = sys.argv[1:]
    warnings.filterwarnings("ignore")
    years, ahead = ([int(part) for part in text.split(",")] for text in (origins, horizons))
    PEERS[name](pd.read_parquet(panel), years, ahead).to_parquet(out, index=False)
    return 0


def with_mlforecast(panel: pd.DataFrame, origins: list[int], horizons: list[int]) -> pd.DataFrame:
    """Seven lags and rolling statistics of every flow's log; one model, stepped year by year."""
    import lightgbm
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import RollingMean, RollingStd

    long = pd.DataFrame(
        {
            "unique_id": panel["exporter"] + "|" + panel["importer"],
            "ds": panel["year"].astype("int64"),
            "y": np.log1p(panel["value_usd"]),
        }
    )
    parts = []
    for origin in origins:
        model = MLForecast(
            models={"forecast": lightgbm.LGBMRegressor(**TREES)},
            freq=1,
            lags=[1, 2, 3, 5],
            lag_transforms={1: [RollingMean(3), RollingMean(5), RollingStd(5)]},
        )
        model.fit(long[long["ds"] <= origin], static_features=[])
        made = model.predict(max(horizons))
        made[KEYS] = made["unique_id"].str.split("|", expand=True)
        made["horizon"], made["origin"] = made["ds"] - origin, origin
        parts.append(made[made["horizon"].isin(horizons)])
    out = pd.concat(parts, ignore_index=True)
    out["forecast"] = np.expm1(out["forecast"]).clip(lower=0.0)
    return out[[*KEYS, "origin", "horizon", "forecast"]].assign(columns=7)


def by_an_analyst(panel: pd.DataFrame, origins: list[int], horizons: list[int]) -> pd.DataFrame:
    """Group-bys of the flow, its mirror, totals and shares; a model an origin and horizon."""
    import lightgbm

    table, columns = features(panel)
    parts = []
    for horizon in horizons:
        ahead = table.groupby(KEYS, sort=False)["value_usd"].shift(-horizon)
        target = np.log1p(ahead) - np.log1p(table["value_usd"])
        for origin in origins:
            known = (table["year"] <= origin - horizon) & target.notna()
            model = lightgbm.LGBMRegressor(n_estimators=200, **TREES)
            model.fit(table.loc[known, columns], target[known])
            now = table[table["year"] == origin]
            change = model.predict(now[columns])
            forecast = np.expm1(np.log1p(now["value_usd"]) + change).clip(lower=0.0)
            parts.append(now[KEYS].assign(origin=origin, horizon=horizon, forecast=forecast))
    return pd.concat(parts, ignore_index=True).assign(columns=len(columns))


def features(panel: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The panel with lags, growth and rolling statistics of six series, and their names."""
    table = panel.sort_values([*KEYS, "year"], ignore_index=True)
    value = table["value_usd"]
    mirror = table[["importer", "exporter", "year", "value_usd"]]
    mirror.columns = pd.Index([*KEYS, "year", "mirror"])
    table = table.merge(mirror, on=[*KEYS, "year"], how="left")
    for side in KEYS:
        table[f"{side}_total"] = table.groupby([side, "year"])["value_usd"].transform("sum")
        table[f"{side}_share"] = value / table[f"{side}_total"]
    series = ["value_usd", "mirror", *(f"{s}_{what}" for s in KEYS for what in ("total", "share"))]
    made = {}
    for name in series:
        groups = table.groupby(KEYS, sort=False)[name]
        for lag in LAGS:
            made[f"{name}_lag_{lag}"] = groups.shift(lag)
        for years in GROWTH:
            made[f"{name}_growth_{years}"] = groups.pct_change(years, fill_method=None)
        for years in WINDOWS:
            rolling = groups.rolling(years, min_periods=1)
            for what in ("mean", "std", "min", "max"):
                made[f"{name}_{what}_{years}"] = getattr(rolling, what)().to_numpy()
    made |= {f"{side}_code": table[side].astype("category").cat.codes for side in KEYS}
    table = pd.concat([table, pd.DataFrame(made)], axis=1).replace([np.inf, -np.inf], np.nan)
    columns = [name for name in table if name not in KEYS]
    return table, columns


PEERS = {"mlforecast": with_mlforecast, "analyst": by_an_analyst}


if __name__ == "__main__":
    sys.exit(main())
