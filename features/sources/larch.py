"""Larch's regional trade agreements: kinds of agreement of country pairs by year."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.countries.source_codes import alpha3_to_iso3
from features.download.given import csv_like
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import InputError
from features.store.connector import Connector
from features.store.source import SourceInfo, option
from features.tidy.csv_stream import TEXT, csv_batches, whole_zip
from features.tidy.pair_rows import PAIR, small_frame, with_iso3, yearly_parts
from features.tidy.parts import Notes, Part
from features.tidy.stata import has_stata_columns, is_stata, read_stata

FOLDER = "https://www.ewf.uni-bayreuth.de/pool/dokumente/"
SIDES = ("exporter", "importer")
KINDS = {
    "cu": ("cu", "cueia"),
    "fta": ("fta", "ftaeia"),
    "psa": ("psa", "psaeia"),
    "eia": ("eia", "cueia", "ftaeia", "psaeia"),
}
"""Customs union, free trade, partial scope, services; and the columns that each is the most of."""
FLAGS = tuple(dict.fromkeys(column for columns in KINDS.values() for column in columns))
_COLUMNS = {
    **dict.fromkeys(SIDES, TEXT),
    "year": pa.int16(),
    **dict.fromkeys(("rta", *FLAGS), pa.float32()),
}


@dataclass(frozen=True, slots=True)
class Larch(Connector):
    """Mario Larch's regional trade agreements: pair attributes for the channel of trade policy.

    {options}

    Raises
    ------
    InputError
        For a release that is not a day.

    Notes
    -----
    Only pair-years with an agreement are kept, so that the table lists occurrences and a pair
    without a row has none. Egger and Larch (2008), Journal of International
    Economics 76(2), 384-399.
    """

    release: str = option("20260111", help="day of the release, YYYYMMDD")

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="larch",
        kind="pairs",
        title="Mario Larch's Regional Trade Agreements Database",
        gives="agreements notified to the WTO by pair and year: customs union, free trade, "
        "partial scope, services",
        licence="none stated; citation requested",
        citation="Egger and Larch (2008), Interdependent preferential trade agreement "
        "memberships, Journal of International Economics 76(2)",
        lag="about 12 months (an estimate)",
        publication_lag_months=12,
    )

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d{8}", self.release):
            raise InputError(
                f"{self.release!r} is not a release of Larch's agreements",
                remedy="Give a day, such as --release 20260111",
            )

    def locate(self) -> tuple[str, ...]:
        """Address of the file; releases up to 2022 are not in an archive."""
        ending = ".csv" if self.release < "2023" else "_csv.zip"
        return (f"{FOLDER}rta_{self.release}{ending}",)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """Get the file, in any form from the user's folder."""
        (url,) = self.locate()
        check = whole_zip if url.endswith(".zip") else None
        return (cache.file(url, check=check, fits=_is_table),)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """A part for every year with an agreement."""
        read = Notes()
        yield from yearly_parts(_agreements(raw[0].path, read), read=read)


def _is_table(path: Path) -> bool:
    """Whether a file has the agreements, as CSV, in a zip or as Stata's."""
    if is_stata(path):
        return has_stata_columns(path, _COLUMNS)
    return csv_like(_COLUMNS, member=_member(path))(path)


def _member(path: Path) -> str | None:
    return ".csv" if zipfile.is_zipfile(path) else None


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    if not is_stata(path):
        yield from csv_batches(path, member=_member(path), columns=_COLUMNS)
        return
    frame = read_stata(path, _COLUMNS).astype(dict.fromkeys(SIDES, "category"))
    yield pa.RecordBatch.from_pandas(frame, preserve_index=False)


def _agreements(path: Path, notes: Notes) -> pd.DataFrame:
    kept: list[pa.RecordBatch] = []
    for batch in _batches(path):
        notes.count("rows without a value for rta left out", batch["rta"].null_count)
        agreed = batch.filter(pc.fill_null(pc.equal(batch["rta"], 1), False))
        notes.count("rows without an agreement left out: a pair-year without a row has none",
                    batch.num_rows - batch["rta"].null_count - agreed.num_rows)  # fmt: skip
        kept.append(agreed)
    rows = with_iso3(
        small_frame(kept, columns=[*_COLUMNS]),
        sides=SIDES,
        using=alpha3_to_iso3,
        file=path.name,
        notes=notes,
    )
    out = rows[[*PAIR, "year", "rta"]].copy()
    for name, sources in KINDS.items():
        out[name] = np.fmax.reduce([rows[source].to_numpy() for source in sources])
    return _one_row_a_pair(out, notes)


def _one_row_a_pair(rows: pd.DataFrame, notes: Notes) -> pd.DataFrame:
    """A country under an old and a new code has the agreements of both."""
    keys = [*PAIR, "year"]
    twice = rows.duplicated(keys).sum()
    notes.count("rows of a country under a second code joined to those under its first", twice)
    return rows.groupby(keys, observed=True, as_index=False).max() if twice else rows
