"""Traders' totals of a stored data set, one file at a time to save memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.plausibility.checks import check_totals
from features.plausibility.trader_totals import SIDES, Recount, Side, TraderTotals

_COLUMNS = ["exporter", "importer", "year", "value_usd"]


def noticed(paths: Iterable[Path]) -> list[str]:
    """Findings on a trade data set, one line each.

    Parameters
    ----------
    paths
        Parquet files with columns ``exporter, importer, year, value_usd``, further ones or not.
    """
    pairs = pd.concat([_pairs(path) for path in paths], ignore_index=True)
    pairs = pairs.groupby(_COLUMNS[:3], as_index=False)["value_usd"].sum()
    pairs = pairs[pairs["exporter"] != pairs["importer"]]
    if pairs.empty:
        return []
    totals = _totals(pairs)
    return [one.line for one in check_totals(totals, _recount_of(pairs, totals))]


def _pairs(path: Path) -> pd.DataFrame:
    """Positive values summed over sectors: one row per pair and year."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.ParquetFile(path).read(columns=_COLUMNS)
    table = table.filter(pc.greater(table["value_usd"], 0))
    summed = table.group_by(_COLUMNS[:3]).aggregate([("value_usd", "sum")])
    frame = summed.rename_columns([*_COLUMNS[:3], "value_usd"]).to_pandas()
    return frame.astype({"exporter": "str", "importer": "str", "year": "int64"})


def _recount_of(pairs: pd.DataFrame, totals: TraderTotals) -> Recount:
    """Sums of the table without flows of some partners."""
    names = np.asarray(totals.countries)

    def recount(row: int, side: Side, left_out: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
        own, partner = _COLUMNS[:2] if side == "exports" else _COLUMNS[1::-1]
        kept = pairs[~pairs[partner].isin(names[left_out])]
        sums = []
        for year in (totals.years[row], totals.years[row - 1]):
            usd = kept[kept["year"] == year].groupby(own)["value_usd"].sum()
            sums.append(usd.reindex(names, fill_value=0.0).to_numpy(dtype=np.float64))
        return sums

    return recount


def _totals(pairs: pd.DataFrame) -> TraderTotals:
    countries = sorted({*pairs["exporter"], *pairs["importer"]})
    years = np.arange(pairs["year"].min(), pairs["year"].max() + 1, dtype=np.int32)
    row = pairs["year"].to_numpy() - years[0]
    shape = (years.size, len(countries))
    value: dict[Side, NDArray[np.float64]] = {}
    traded: dict[Side, NDArray[np.int64]] = {}
    for side, column in zip(SIDES, _COLUMNS, strict=False):
        at = row * shape[1] + np.searchsorted(countries, pairs[column].to_numpy(dtype=str))
        usd = pairs["value_usd"].to_numpy(dtype=np.float64)
        cells = years.size * shape[1]
        value[side] = np.bincount(at, weights=usd, minlength=cells).reshape(shape).astype(float)
        traded[side] = np.bincount(at, minlength=cells).reshape(shape).astype(np.int64)
    return TraderTotals.of_known(years, tuple(countries), value, traded)
