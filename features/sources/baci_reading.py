"""Streams a year of BACI from its zip and aggregates it in constant memory."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.arrays import sums_by_key, sums_of_runs
from features.countries.source_codes import (
    UnknownCodeError,
    dropped_rows,
    drops_unknown,
    has_iso3,
    numeric_to_iso3,
)
from features.errors import SourceError
from features.sources.harmonized_system import Level
from features.tidy.csv_stream import TEXT, csv_batches
from features.tidy.parts import Notes
from features.tidy.tidying import require_source_columns

COLUMNS = {
    "t": pa.int32(),
    "i": pa.int32(),
    "j": pa.int32(),
    # Text, as products have leading zeros and letters (9999AA); a dictionary, so that each is
    # looked up once per block.
    "k": TEXT,
    "v": pa.float64(),
}
_COUNTRY_COLUMNS = ("country_code", "country_name", "country_iso3")
_COUNTRY_COLUMNS_TO_2023 = ("country_code", "country_name_full", "iso_3digit_alpha")
_PRODUCT = re.compile(r"\d{6}|\d{4}[A-Z]{2}")
_LARGEST_CODE = 999
_NO_COUNTRY, _UNKNOWN = -1, -2


@dataclass(frozen=True, slots=True)
class CountryMap:
    """What numeric country codes mean.

    Attributes
    ----------
    names
        Alpha-3 codes, sorted and distinct.
    place
        Position in ``names`` by code, shape ``[1000]``; -1 for what is not a country, -2 for a code
        that is unknown.
    labels
        What the release calls each code.
    """

    names: tuple[str, ...]
    place: NDArray[np.int64]
    labels: dict[int, str]


@dataclass(frozen=True, slots=True)
class YearFlows:
    """Flows of a year, sorted by exporter, importer and sector; one array entry per flow.

    Attributes
    ----------
    names, sectors
        What the positions in ``exporter``, ``importer`` and ``sector`` stand for.
    value
        Thousand current USD.
    """

    names: tuple[str, ...]
    sectors: tuple[str, ...]
    exporter: NDArray[np.int64]
    importer: NDArray[np.int64]
    sector: NDArray[np.int64]
    value: NDArray[np.float64]


def read_countries(archive: zipfile.ZipFile, member: str) -> CountryMap:
    """Countries of the codes in a release's list: from our table, else the list's alpha-3.

    The list's own alpha-3 codes are not unique: Belgium, Germany and Sudan have two rows, Taiwan is
    ``S19``. A placeholder of its own with a digit (``R20``) is an area that is not a country.
    """
    rows = _read_list(archive, member, _COUNTRY_COLUMNS, _COUNTRY_COLUMNS_TO_2023)
    labels: dict[int, str] = {}
    meaning: dict[int, str | None] = {}
    for row in rows:
        given = row["country_code"].strip()
        if not (given.isdecimal() and int(given) <= _LARGEST_CODE):
            raise SourceError(
                f"{given!r} is not a numeric country code", file=member, column="country_code"
            )
        labels[int(given)] = row["country_name"]
        try:
            meaning[int(given)] = numeric_to_iso3(given)
        except UnknownCodeError:
            listed = row["country_iso3"].strip()
            if has_iso3(listed):
                meaning[int(given)] = listed
            elif re.search(r"\d", listed):
                meaning[int(given)] = None
    names = tuple(sorted({name for name in meaning.values() if name is not None}))
    at = {name: number for number, name in enumerate(names)}
    place = np.full(_LARGEST_CODE + 1, _UNKNOWN, dtype=np.int64)
    for code, name in meaning.items():
        place[code] = _NO_COUNTRY if name is None else at[name]
    return CountryMap(names, place, labels)


def read_products(archive: zipfile.ZipFile, member: str) -> dict[str, str]:
    """Description of each six-digit code."""
    rows = _read_list(archive, member, ("code", "description"))
    return {row["code"].zfill(6): row["description"] for row in rows}


def _read_list(
    archive: zipfile.ZipFile, member: str, columns: Sequence[str], earlier: Sequence[str] = ()
) -> list[dict[str, str]]:
    """Rows of a small list, as text: ``NA`` is Namibia, ``010121`` keeps its zero.

    ``earlier`` are the names that earlier releases have for ``columns``.
    """
    text = archive.read(member).decode("utf-8-sig", errors="replace")
    reader = csv.DictReader(io.StringIO(text))
    found = reader.fieldnames or ()
    theirs = earlier if earlier and set(earlier) <= set(found) else columns
    require_source_columns(found, theirs, file=member)
    return [
        {name: repaired(row[their] or "") for name, their in zip(columns, theirs, strict=True)}
        for row in reader
    ]


def repaired(name: str) -> str:
    """A name, decoded again where the source encoded it twice."""
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return name


def aggregate_year(
    path: Path, member: str, *, year: int, countries: CountryMap, level: Level, notes: Notes
) -> YearFlows:
    """Add a year up to the level's sectors, a block at a time.

    Rows are sorted by exporter, importer and product, so each block shrinks to its runs of one flow
    before it is kept; other orders only cost more memory.

    Raises
    ------
    SourceError
        For changed columns, a code that is unknown, a value that is not a positive number, a row of
        another year, or a file that breaks off.
    """
    totals = _RunningTotals(countries, level, member, year, notes)
    for batch in csv_batches(path, member=member, columns=COLUMNS):
        totals.add(batch)
    notes.count("rows of areas that are not countries left out", totals.no_country)
    return totals.flows()


class _RunningTotals:
    """Sums by exporter, importer and sector of the blocks so far."""

    def __init__(
        self, countries: CountryMap, level: Level, member: str, year: int, notes: Notes
    ) -> None:
        self._countries, self._level = countries, level
        self._member, self._year, self._notes = member, year, notes
        self._sectors: dict[str, int] = {}
        self._keys: list[NDArray[np.int64]] = []
        self._sums: list[NDArray[np.float64]] = []
        self.no_country = 0

    def add(self, batch: pa.RecordBatch) -> None:
        if not batch.num_rows:
            return
        year, exporter, importer, product, value = (self._column(batch, c) for c in COLUMNS)
        self._refuse(np.asarray(year) != self._year, year, "a row is of another year", "t")
        value = np.asarray(value)
        positive = (value > 0) & np.isfinite(value)
        self._refuse(~positive, value, "the value is not a positive number", "v")
        sides = [self._place(np.asarray(column)) for column in (exporter, importer)]
        sector = self._sector(product)
        kept = (sides[0] >= 0) & (sides[1] >= 0)
        self.no_country += int((~kept).sum())
        kept &= sector >= 0
        n = len(self._countries.names)
        key = (sides[0] * n + sides[1]) * (_MOST_SECTORS) + sector
        if not kept.all():
            key, value = key[kept], value[kept]
        if key.size:
            keys, sums = sums_of_runs(key, value)
            self._keys.append(keys)
            self._sums.append(sums)

    def flows(self) -> YearFlows:
        # A flow may span blocks, and two codes may be one country.
        none: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
        keys, sums = sums_by_key(
            np.concatenate(self._keys or none), np.concatenate(self._sums or [np.empty(0)])
        )
        pair, sector = np.divmod(keys, _MOST_SECTORS)
        exporter, importer = np.divmod(pair, len(self._countries.names))
        return YearFlows(
            self._countries.names, tuple(self._sectors), exporter, importer, sector, sums
        )

    def _column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        column = batch.column(batch.schema.get_field_index(name))
        if column.null_count:
            raise self._error("a cell is empty", name)
        return column

    def _place(self, codes: NDArray[np.int32]) -> NDArray[np.int64]:
        outside = (codes < 0) | (codes > _LARGEST_CODE)
        place = self._countries.place[np.where(outside, 0, codes)]
        unknown = outside | (place == _UNKNOWN)
        if unknown.any() and drops_unknown():
            for code, rows in zip(*np.unique(codes[unknown], return_counts=True), strict=True):
                self._notes.count(dropped_rows(str(code)), rows)
            place = np.where(unknown, _NO_COUNTRY, place)
        elif unknown.any():
            labels = self._countries.labels
            found = ", ".join(
                f"{code} ({labels[code]})" if code in labels else f"{code}"
                for code in np.unique(codes[unknown])[:5].tolist()
            )
            raise self._error(f"no table says which country {found} is", "i or j")
        return place

    def _sector(self, product: pa.DictionaryArray) -> NDArray[np.int64]:
        """Position of each row's sector; -1 for a product outside the level."""
        of_entry = np.array(
            [self._sector_of(code) for code in product.dictionary.to_pylist()], dtype=np.int64
        )
        return of_entry[np.asarray(product.indices)]

    def _sector_of(self, code: str) -> int:
        given, code = code.strip(), code.strip().zfill(6)
        if not given or not _PRODUCT.fullmatch(code):
            raise self._error(f"{given!r} is not a six-digit product", "k")
        sector = self._level.sector(code)
        return -1 if sector is None else self._sectors.setdefault(sector, len(self._sectors))

    def _refuse(self, wrong: NDArray[np.bool_], cells: object, problem: str, column: str) -> None:
        if wrong.any():
            raise self._error(f"{problem} ({np.asarray(cells)[int(wrong.argmax())]})", column)

    def _error(self, problem: str, column: str) -> SourceError:
        return SourceError(
            problem,
            remedy="The release may be broken (fetch it again with --refresh) or newer than this "
            "version of gravicast (--unknown-codes drop leaves out codes of unknown countries)",
            file=self._member,
            column=column,
        )


_MOST_SECTORS = 10_000
