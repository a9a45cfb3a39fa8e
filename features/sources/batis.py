"""OECD-WTO BaTIS: balanced bilateral trade in services by EBOPS item."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.countries.source_codes import alpha2_to_iso3, alpha3_to_iso3
from features.download.given import called, csv_like, member_like
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import InputError, SourceError, changed_source
from features.store.connector import Connector
from features.store.source import SourceInfo, option, require_years
from features.tidy.csv_stream import TEXT
from features.tidy.flow_spool import FlowSpool
from features.tidy.parts import Part
from features.tidy.years import years_word
from features.tidy.zip_csv import blocks, zip_only

MAIN_ITEMS = {
    "SA": "Manufacturing services on inputs owned by others",
    "SB": "Maintenance and repair",
    "SC": "Transport",
    "SD": "Travel",
    "SE": "Construction",
    "SF": "Insurance and pensions",
    "SG": "Financial services",
    "SH": "Charges for the use of intellectual property",
    "SI": "Telecommunications, computer and information services",
    "SJ": "Other business services",
    "SK": "Personal, cultural and recreational services",
    "SL": "Government goods and services",
}
"""The twelve main items of EBOPS 2010, which add up to all services (``S``)."""
DIGITAL_ITEMS = frozenset({"SF", "SG", "SH", "SI", "SJ", "SK"})
"""Digitally deliverable, after UNCTAD (2015) and the WTO, by main item. Of SK only some are, such
as audiovisual; the whole item counts, an upper bound."""
TOTAL = "total"
FIRST_YEAR = 2005
MILLION = 1e6
_OECD = "https://webfs-sdd.oecd.org/files/.Stat/BATIS"
_WTO = "https://www.wto.org/english/res_e/statis_e/daily_update_e/OECD-WTO_BATIS_data_BPM6-1.zip"
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip
_TYPES = {
    "Reporter": TEXT,
    "type_Reporter": TEXT,
    "Partner": TEXT,
    "type_Partner": TEXT,
    "Flow": TEXT,
    "Item_code": TEXT,
    "Year": pa.int16(),
    "Balanced_value": pa.float64(),
}
_BALANCED = "Balanced values: exports as reported and the partner's imports, reconciled"
_EXPORTS, _IMPORTS = ("X", "EXP"), ("M", "IMP")
"""The WTO's copy of the file has the first, the OECD's the second word."""


@dataclass(frozen=True, slots=True)
class Batis(Connector):
    """Services exports of every economy to every other, balanced with the partner's imports.

    {options}

    Raises
    ------
    InputError
        For a malformed release or item, items that overlap, or years before the first.
    """

    release: str = option("202512", help="edition, YYYYMM (default 202512)")
    items: tuple[str, ...] = option(
        tuple(MAIN_ITEMS), help="EBOPS items such as SI,SJ1, or total (default the 12 main items)"
    )
    years: tuple[int, ...] = option((), help="such as 2005-2023 (default: all of the edition)")

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="batis",
        kind="trade",
        title="OECD-WTO Balanced Trade in Services (BaTIS)",
        gives="balanced services trade of some 200 economies by EBOPS item, from 2005",
        licence="OECD terms: reuse with citation",
        citation="OECD-WTO Balanced Trade in Services dataset (BPM6)",
        lag="12 months",
        publication_lag_months=12,
    )

    def __post_init__(self) -> None:
        if not re.fullmatch(r"20\d\d(0[1-9]|1[0-2])", self.release):
            raise InputError(
                f"{self.release!r} is not an edition of BaTIS",
                remedy="Give year and month, such as --release 202512",
            )
        require_years(self.years, "BaTIS", FIRST_YEAR)
        _check_items(self.items)

    @property
    def key(self) -> str:
        """``batis:RELEASE:ITEMS:YEARS``."""
        main = set(self.items) == set(MAIN_ITEMS)
        items = "main" if main else ".".join(sorted(self.items))
        return f"batis:{self.release}:{items}:{years_word(self.years)}"

    @property
    def _file(self) -> str:
        month = _MONTHS[int(self.release[4:]) - 1]
        return f"OECD-WTO_BATIS_BPM6_{month}{self.release[:4]}_bulk"

    def locate(self) -> tuple[str, ...]:
        """The OECD's copy, and the WTO's in case the OECD refuses."""
        return (f"{_OECD}/{self._file}.zip", _WTO)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """The zip, 2.8 GB unpacked, read without unpacking.

        The file inside names its edition, which is checked.
        """
        name = f"{self._file}.zip"
        check = zip_only(name, by_hand=f"{_OECD}/{name} or {_WTO}")
        try:
            return (
                cache.file(
                    f"{_OECD}/{name}",
                    check=check,
                    fits=member_like(re.compile(re.escape(f"{self._file}.csv"), re.IGNORECASE)),
                    member=called(f"{self._file}.csv", csv_like(_TYPES, member=None)),
                ),
            )
        except SourceError as refused:
            if cache.offline:
                raise
            cache.client.watcher.report(f"{refused.problem}; asking the WTO for its copy")
            return (cache.file(_WTO, name=name, check=check),)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """One part per year, exporter, importer, sector (item) and current USD."""
        path = raw[0].path
        wanted = ("S",) if self.items == (TOTAL,) else tuple(sorted(self.items))
        spool = FlowSpool.beside(path, key=self.key, years=self.years)
        _Reader(spool, wanted).read(path, f"{self._file}.csv")
        yield from spool.parts(
            _economy,
            column="Reporter or Partner",
            sectors=None if self.items == (TOTAL,) else wanted,
            group=np.arange(len(wanted)),
            statements=[_BALANCED],
        )

    def sector_table(self, raw: Sequence[RawFile]) -> pd.DataFrame | None:
        """Items, all of them services; None for the total."""
        del raw
        if self.items == (TOTAL,):
            return None
        items = sorted(self.items)
        return pd.DataFrame(
            {
                "sector": items,
                "kind": "services",
                "digitally_deliverable": [int(item[:2] in DIGITAL_ITEMS) for item in items],
                "name": [MAIN_ITEMS.get(item, item) for item in items],
            }
        )


def _check_items(items: Sequence[str]) -> None:
    if tuple(items) == (TOTAL,):
        return
    remedy = "Give items of EBOPS 2010 that do not overlap, such as SC,SI1, or total alone"
    if not items or len(set(items)) < len(items):
        raise InputError("no item is named, or one is named twice (--items)", remedy=remedy)
    for item in items:
        if not re.fullmatch(r"S[A-Z]{1,2}\d{0,3}", item):
            raise InputError(f"{item!r} is not an item of EBOPS (--items)", remedy=remedy)
        # SOX, SPX1 and others are other sums of main items.
        if len(items) > 1 and item[:2] not in MAIN_ITEMS:
            raise InputError(f"{item} is a sum of other items (--items)", remedy=remedy)
        inside = [other for other in items if other != item and other.startswith(item)]
        if inside:
            raise InputError(f"{inside[0]} is part of {item} (--items)", remedy=remedy)


class _Reader:
    """Puts the wanted rows of the file into a spool."""

    def __init__(self, spool: FlowSpool, items: Sequence[str]) -> None:
        self._spool, self._items = spool, tuple(items)
        self._seen: set[str] = set()

    def read(self, path: Path, member: str) -> None:
        """Read the file once.

        Raises
        ------
        SourceError
            For changed columns or words, or an item without exports.
        """
        for block in blocks(path, member, types=_TYPES):
            self._add(block)
        absent = [item for item in self._items if item not in self._seen]
        if absent:
            raise SourceError(
                f"there are no exports of {', '.join(absent)} from country to country",
                remedy=f"Choose --items among those there are: {', '.join(sorted(self._seen))}",
                file=self._spool.file,
                column="Item_code",
            )

    def _add(self, block: pa.RecordBatch) -> None:
        exports = self._is(block, "Flow", yes=_EXPORTS, no=_IMPORTS)
        countries = self._is(block, "type_Reporter", yes=("c",), no=("g",))
        countries &= self._is(block, "type_Partner", yes=("c",), no=("g",))
        item = self._item(block, exports & countries)
        year = np.asarray(block.column("Year"))
        value = block.column("Balanced_value").to_numpy(zero_copy_only=False)
        wanted = exports & (item >= 0)
        spool = self._spool
        spool.count("rows of groups of economies left out", year[wanted & ~countries])
        wanted &= countries
        spool.count("rows without a balanced value left out", year[wanted & np.isnan(value)])
        spool.add(
            wanted & ~np.isnan(value),
            exporter=block.column("Reporter"),
            importer=block.column("Partner"),
            year=year,
            sector=item,
            value=value * MILLION,
        )

    def _item(self, block: pa.RecordBatch, rows: NDArray[np.bool_]) -> NDArray[np.int16]:
        """Place of each row's item among those wanted, -1 for others."""
        column = block.column("Item_code")
        words, place = column.dictionary.to_pylist(), np.asarray(column.indices)
        self._seen |= {words[used] for used in np.unique(place[rows])}
        known = {name: number for number, name in enumerate(self._items)}
        return np.array([known.get(word, -1) for word in words], dtype=np.int16)[place]

    def _is(
        self, block: pa.RecordBatch, column: str, *, yes: Sequence[str], no: Sequence[str]
    ) -> NDArray[np.bool_]:
        """Rows with one of the words ``yes``; a word in neither list is an error."""
        words = block.column(column)
        each = words.dictionary.to_pylist()
        strange = [word for word in each if word not in (*yes, *no)]
        if strange:
            raise changed_source(
                f"expected {', '.join((*yes, *no))}, found {strange[0]!r}",
                remedy="Take an earlier edition, or upgrade gravicast",
                file=self._spool.file,
                column=column,
            )
        return np.array([word in yes for word in each], dtype=bool)[np.asarray(words.indices)]


def _economy(code: str) -> str | None:
    """The WTO's copy has two-letter codes (``NA`` is Namibia), the OECD's three-letter ones."""
    return alpha2_to_iso3(code) if len(code) == 2 else alpha3_to_iso3(code)
