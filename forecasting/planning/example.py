"""An example of a plan's files, made of a run's largest importers and their suppliers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.results.result import RunResult
from forecasting.results.subjects import origin_of

NAME = "example"
ITEMS, COUNTRIES, YEARS = 3, 4, 7
_YAML = """# Paths are relative to this file; tables may be CSV, Excel or Parquet.
name: example
items: items.csv
suppliers: suppliers.csv
history: history.csv
risk: {weight: 1, level: 90%, switching_cost: 2%}
limits: {largest_share: 80%}
"""


def write_example(run: RunResult, folder: Path) -> Path:
    """Write ``plan.yaml`` and its tables; returns the path of the former.

    Parameters
    ----------
    run
        Countries and sectors are its largest; demand, costs and lead times are invented.
    folder
        Made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    markets, suppliers = _largest(run)
    items = pd.DataFrame(
        {
            "item": [f"part {letter}" for letter in "ABC"[: len(markets)]],
            "importer": markets["importer"],
            "sector": markets["sector"],
            "demand": [12_000, 4_000, 900][: len(markets)],
            "unit_cost": [20.0, 75.0, 310.0][: len(markets)],
            "holding_cost": [4.0, 15.0, 62.0][: len(markets)],
            "order_cost": [150.0, 150.0, 200.0][: len(markets)],
            "stockout_cost": [12.0, np.nan, np.nan][: len(markets)],
            "service_level": [np.nan, 0.95, 0.98][: len(markets)],
            "review_days": [0, 7, 14][: len(markets)],
        }
    )
    if not markets["sector"].any():
        items = items.drop(columns="sector")
    items.to_csv(folder / "items.csv", index=False)
    rows = [
        (item, country, share, round(price * (1 - 0.02 * place), 2), 60.0 - 12 * place, 15.0)
        for item, price, countries in zip(items["item"], items["unit_cost"], suppliers, strict=True)
        for place, (country, share) in enumerate(zip(countries, _shares(len(countries)),
                                                     strict=True))
    ]  # fmt: skip
    names = ["item", "country", "share", "unit_price", "lead_time_days", "lead_time_sd_days"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "suppliers.csv", index=False)
    _history(run, str(items["item"].iloc[0])).to_csv(folder / "history.csv", index=False)
    file = folder / "plan.yaml"
    file.write_text(_YAML, encoding="utf-8")
    return file


def _largest(run: RunResult) -> tuple[pd.DataFrame, list[list[str]]]:
    """The largest markets of different importers, and the largest suppliers of each."""
    rows = run.forecasts[run.forecasts["horizon"] == run.forecasts["horizon"].min()]
    table = pd.DataFrame(
        {
            "exporter": rows["exporter"].astype(str),
            "importer": rows["importer"].astype(str),
            "sector": rows["sector"].astype(str) if "sector" in rows else "",
            "value": rows["value_origin"].astype(float),
        }
    )
    table = table[(table["exporter"] != table["importer"]) & (table["value"] > 0)]
    sums = table.groupby(["importer", "sector"])["value"].sum().sort_values(ascending=False)
    markets = sums.reset_index().drop_duplicates("importer").head(ITEMS).reset_index(drop=True)
    suppliers = []
    for importer, sector in markets[["importer", "sector"]].itertuples(index=False):
        mine = table[(table["importer"] == importer) & (table["sector"] == sector)]
        suppliers.append(list(mine.nlargest(COUNTRIES, "value")["exporter"]))
    return markets, suppliers


def _shares(count: int) -> list[float]:
    """Falling shares that sum to 1."""
    return [[1.0], [0.6, 0.4], [0.5, 0.3, 0.2], [0.4, 0.3, 0.2, 0.1]][count - 1]


def _history(run: RunResult, item: str) -> pd.DataFrame:
    """Monthly demand up to the origin year, with a season and a little noise."""
    last = origin_of(run)
    periods = [(year, month) for year in range(last - YEARS + 1, last + 1)
               for month in range(1, 13)]  # fmt: skip
    rng = np.random.default_rng(0)
    season = 1 + 0.3 * np.sin(2 * np.pi * np.arange(12) / 12)
    quantity = [
        round(1_000 * 1.03 ** (year - last) * season[month - 1] * rng.lognormal(0, 0.05))
        for year, month in periods
    ]
    period = [f"{year}-{month:02d}" for year, month in periods]
    return pd.DataFrame({"item": item, "period": period, "quantity": quantity})
