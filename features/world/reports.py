"""What the countries of a simulated world declare of their trade, and the world's monthly trade."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

CIF = 0.08
"""Mean log cost of insurance and freight in an importer's figure."""
_BIAS, _PAIR_BIAS, _NOISE = 0.08, 0.15, 0.05
"""Standard deviations of logs: of a reporter, of one partner of it, and of one year of that."""
_EARLY_SHARE = 0.6
_LATE_MONTHS = 14
_MONTHS = 12


def reports_frame(trade: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Reports of both sides of every flow, as `features.data.reports.Reports` reads them.

    Importers declare with insurance and freight (CIF), exporters without (FOB). A reporter differs
    from the truth in a way of its own that lasts, and by a little noise each year. The larger a
    country's trade, the likelier it reports within half a year; others take more than one.

    Parameters
    ----------
    trade
        ``exporter, importer, year, value_usd`` and perhaps ``sector``: the truth.
    seed
        Of every draw.
    """
    rng = np.random.default_rng([seed, 11])
    positive = trade[trade["value_usd"] > 0]
    codes = pd.Index(sorted({*trade["exporter"], *trade["importer"]}))
    exporter, importer = (
        codes.get_indexer(positive[side].astype(str)) for side in ("exporter", "importer")
    )
    size = np.bincount(exporter, positive["value_usd"], len(codes))
    rank = np.argsort(np.argsort(-size))
    early = rank < _EARLY_SHARE * len(codes)
    months = np.where(early, rng.integers(2, 7, len(codes)), _LATE_MONTHS)
    by_sector = {"sector": positive["sector"].array} if "sector" in positive else {}
    tables = []
    for flow, reporter, partner in (("import", importer, exporter), ("export", exporter, importer)):
        bias = rng.normal(0, _BIAS, len(codes))[reporter]
        bias = bias + rng.normal(0, _PAIR_BIAS, (len(codes), len(codes)))[reporter, partner]
        noise = rng.normal(0, _NOISE, len(positive))
        cif = CIF if flow == "import" else 0.0
        year = positive["year"].to_numpy()
        out = (year + 1 - 1970).astype("datetime64[Y]").astype("datetime64[M]") + months[reporter]
        tables.append(
            pd.DataFrame(
                {
                    "reporter": codes[reporter],
                    "partner": codes[partner],
                    "flow": flow,
                    **by_sector,
                    "valuation": "cif" if flow == "import" else "fob",
                    "year": year,
                    "value_usd": positive["value_usd"].to_numpy() * np.exp(bias + noise + cif),
                    "published": out.astype("datetime64[D]"),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def monthly_frame(trade: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """The world's trade by month, as `features.data.monthly.MonthlyTrade` reads it.

    The months of a year lie on the line from the middle of the year before to the middle of the
    next one, with a little noise; they sum to the year's trade.
    """
    rng = np.random.default_rng([seed, 12])
    world = trade.groupby("year")["value_usd"].sum()
    middle = np.arange(len(world)) + 0.5
    when = (np.arange(len(world) * _MONTHS) + 0.5) / _MONTHS
    logs = np.interp(when, middle, np.log(world.to_numpy())) + rng.normal(0, 0.01, when.size)
    values = np.exp(logs).reshape(-1, _MONTHS)
    values *= (world.to_numpy() / values.sum(axis=1))[:, None]
    months = [f"{year}-{month:02d}" for year in world.index for month in range(1, _MONTHS + 1)]
    return pd.DataFrame(
        {"region": "world", "flow": "trade", "month": months, "value": values.ravel()}
    )
