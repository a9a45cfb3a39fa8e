"""Coverage of a stored data set by country and year; whether it is complete and fresh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.download.raw_cache import SIDE, read_side
from features.files.tables import sha256
from features.store.dataset import Dataset
from features.store.source import Kind
from features.store.store import Store

_COUNTRY: dict[Kind, str] = {
    "trade": "exporter",
    "indicators": "iso3",
    "pairs": "iso3_o",
    "tables": "source_country",
    "reports": "reporter",
    "monthly": "region",
    "elasticities": "hs6",
}
COUNTED: dict[Kind, str] = {
    "trade": "flows by exporter",
    "indicators": "known series",
    "pairs": "partners with an entry",
    "tables": "uses of output",
    "reports": "declared flows",
    "monthly": "months of series",
    "elasticities": "elasticities of the product",
}
"""What a cell of `coverage` counts."""


def coverage(dataset: Dataset) -> pd.DataFrame:
    """Rows by country and year.

    Returns
    -------
    DataFrame
        One row per country in order of code, one column per year (one column ``all`` without
        years), int64; 0 where there is no row.

    Raises
    ------
    InputError
        If a file was changed or removed.
    """
    dataset.verify()
    column = _COUNTRY[dataset.kind]
    counts: dict[object, pd.Series] = {}
    for part in dataset.parts:
        file = pq.ParquetFile(dataset.folder / part.file)
        if column not in file.schema_arrow.names:
            continue  # gross output beside the tables
        by_year = "year" in file.schema_arrow.names and part.year is None
        table = file.read(columns=[column, *(["year"] if by_year else [])])
        if not by_year:
            label = "all" if part.year is None else part.year
            counts[label] = _counted(table.column(column)).add(counts.get(label, 0), fill_value=0)
            continue
        frame = table.to_pandas()
        for year, group in frame.groupby("year"):
            counts[int(year)] = group[column].astype("str").value_counts()
    made = pd.DataFrame(counts).fillna(0).astype("int64").sort_index()
    return made[sorted(made.columns, key=str)]


def _counted(column: pa.ChunkedArray) -> pd.Series:
    found = column.value_counts().to_pylist()
    return pd.Series({entry["values"]: entry["counts"] for entry in found}, dtype="int64")


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect in a store, certain or possible.

    Attributes
    ----------
    where
        Key of a data set, or a file or folder.
    problem
        In words.
    broken
        Whether it must be repaired; otherwise it is stale or left over.
    """

    where: str
    problem: str
    broken: bool


def check(store: Store, *, today: date) -> list[Finding]:
    """Check a store: checksums, stale data, leftovers.

    Parameters
    ----------
    today
        The day staleness is judged on.

    Returns
    -------
    list of Finding
        Empty if all is well.
    """
    found = [
        Finding(str(folder), "its description cannot be read: fetch it again", broken=True)
        for folder in store.broken()
    ]
    for dataset in store.datasets():
        found += [
            Finding(dataset.key, f"{path} was changed or removed", broken=True)
            for path in dataset.damaged()
        ]
        if is_stale(dataset, today=today):
            problem = f"release {dataset.release} of {dataset.retrieved}: a newer one is likely out"
            found.append(Finding(dataset.key, problem, broken=False))
    return found + _raw_findings(store) + _leftovers(store)


def is_stale(dataset: Dataset, *, today: date) -> bool:
    """Whether a newer release is likely to be out."""
    since = _day(dataset.release) or _day(dataset.retrieved.replace("-", "")) or today
    months = (today.year - since.year) * 12 + today.month - since.month
    return months >= dataset.renewed_months


def _day(release: str) -> date | None:
    """Day of a release named by its date, YYYYMM or YYYYMMDD."""
    if not (release.isdigit() and len(release) in (6, 8)):
        return None
    try:
        return date(int(release[:4]), int(release[4:6]), int(release[6:] or 1))
    except ValueError:
        return None


def _raw_findings(store: Store) -> list[Finding]:
    found = []
    for side in sorted((store.folder / "raw").rglob(f"*{SIDE}")):
        path = Path(str(side).removesuffix(SIDE))
        kept = read_side(path)
        if kept is None or sha256(path) != kept["sha256"]:
            problem = "the cached file was changed or removed: the next fetch gets it again"
            found.append(Finding(str(path), problem, broken=True))
    return found


def _leftovers(store: Store) -> list[Finding]:
    data = store.folder / "data"
    partial = sorted((*data.rglob(".*.partial"), *data.rglob(".*.old")))
    parts = sorted((store.folder / "raw").rglob("*.part"))
    return [
        Finding(str(path), "left by an interrupted fetch: run it again to resume", broken=False)
        for path in (*partial, *parts)
    ]
