"""A stored data set: what it is, its origin, and its table."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import InputError
from features.files.tables import sha256
from features.store.source import Absent, IndicatorLine, Kind

FORMAT = 1
ABOUT, SECTORS = "dataset.json", "sectors.csv"
TEXT = ("exporter", "importer", "sector", "iso3", "indicator", "iso3_o", "iso3_d",
        "source_country", "source_sector", "use_country", "use", "country", "reporter", "partner",
        "flow", "valuation", "published", "region")  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One Parquet file of a data set."""

    file: str
    year: int | None
    rows: int
    sha256: str


@dataclass(frozen=True)
class Dataset:
    """A data set of the store.

    Attributes
    ----------
    folder
        Where it lies.
    key, source, title, kind, release, retrieved
        Name in the store, source and its name in words, what it is, release, day of retrieval.
    licence, citation
        As the source states them.
    publication_lag_months
        Months from the end of a year to its publication.
    renewed_months
        Months after which it is called stale.
    absent
        What a flow without a row means: ``"zero"``, ``"missing"`` or, where the table tells,
        ``"auto"``.
    raw
        The source's files: name, address, sha256, size and day.
    parts
        Its Parquet files.
    indicators
        Catalogue of an indicator data set.
    statements
        What was dropped, mapped or filled in making it.
    """

    folder: Path
    key: str
    source: str
    title: str
    kind: Kind
    release: str
    retrieved: str
    licence: str
    citation: str
    publication_lag_months: int
    renewed_months: int
    absent: Absent
    raw: tuple[dict[str, Any], ...]
    parts: tuple[StoredPart, ...]
    indicators: tuple[IndicatorLine, ...]
    statements: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows of all parts."""
        return sum(part.rows for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum((self.folder / part.file).stat().st_size for part in self.parts)

    @property
    def years(self) -> tuple[int, ...]:
        """Its years in order."""
        return tuple(sorted({part.year for part in self.parts if part.year is not None}))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its parts' checksums, which a run records for its input."""
        return hashlib.sha256(
            "\n".join(f"{p.file} {p.sha256}" for p in self.parts).encode()
        ).hexdigest()

    @property
    def sectors(self) -> Path | None:
        """Table of the sectors of a trade data set, where it has one."""
        path = self.folder / SECTORS
        return path if path.is_file() else None

    @property
    def catalogue(self) -> pd.DataFrame:
        """Catalogue of an indicator data set, as `features.data.indicators` reads it."""
        return pd.DataFrame([asdict(line) for line in self.indicators])

    def verify(self) -> None:
        """Check every part against its checksum.

        Raises
        ------
        InputError
            For a part that is absent or was changed.
        """
        damaged = self.damaged()
        if damaged:
            more = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
            raise InputError(
                f"the file was changed or removed since it was fetched{more}",
                remedy="Give the command that fetched it again, with --refresh",
                file=damaged[0],
            )

    def damaged(self) -> list[Path]:
        """Parts that are missing or differ from their checksums."""
        paths = ((self.folder / part.file, part.sha256) for part in self.parts)
        return [path for path, wanted in paths if not path.is_file() or sha256(path) != wanted]

    def read(self) -> pd.DataFrame:
        """All parts as one table, checked against their checksums."""
        self.verify()
        tables = [_read_part(self.folder / part.file) for part in self.parts]
        table = pa.concat_tables(tables, promote_options="default").unify_dictionaries()
        return table.to_pandas(split_blocks=True, self_destruct=True)


def _read_part(path: Path) -> pa.Table:
    # Arrow refuses names that the file does not have.
    text = [name for name in pq.read_schema(path).names if name in TEXT]
    return pq.ParquetFile(path, read_dictionary=text).read()


def read_dataset(folder: Path) -> Dataset | None:
    """The data set of a folder; None if this version cannot read one there."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about.pop("format") != FORMAT:
            return None
        about["parts"] = tuple(StoredPart(**part) for part in about["parts"])
        about["indicators"] = tuple(IndicatorLine(**line) for line in about["indicators"])
        about["raw"], about["statements"] = tuple(about["raw"]), tuple(about["statements"])
        return Dataset(folder=folder, **about)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
