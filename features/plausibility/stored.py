"""Traders' totals of a data set of the store, a file at a time: it may not fit in memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.plausibility.checks import check_totals
from features.plausibility.trader_totals import SIDES, Side, TraderTotals

_COLUMNS = ["exporter", "importer", "year", "value_usd"]


def noticed(paths: Iterable[Path]) -> list[str]:
    """What looks wrong in a trade data set, one line a finding.

    Parameters
    ----------
    paths
        Parquet files with columns ``exporter, importer, year, value_usd``, further ones or not.
    """
    pairs = pd.concat([_pairs(path) for path in paths], ignore_index=True)
    pairs = pairs.groupby(_COLUMNS[:3], as_index=False)["value_usd"].sum()
    pairs = pairs[pairs["exporter"] != pairs["importer"]]
    return [] if pairs.empty else [one.line for one in check_totals(_totals(pairs))]


def _pairs(path: Path) -> pd.DataFrame:
    """Positive values summed over sectors: one row a pair and year."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.ParquetFile(path).read(columns=_COLUMNS)
    table = table.filter(pc.greater(table["value_usd"], 0))
    summed = table.group_by(_COLUMNS[:3]).aggregate([("value_usd", "sum")])
    frame = summed.rename_columns([*_COLUMNS[:3], "value_usd"]).to_pandas()
    return frame.astype({"exporter": "str", "importer": "str", "year": "int64"})


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
