"""CEPII GeoDist: distances, borders, languages and colonial ties of 224 countries."""

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
from numpy.typing import NDArray

from features.countries.source_codes import alpha3_to_iso3
from features.download.given import member_like
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import SourceError, changed_source
from features.files.workbooks import Row
from features.store.connector import Connector
from features.store.source import SourceInfo
from features.tidy.csv_stream import opened, whole_zip
from features.tidy.pair_rows import require_unique, with_iso3
from features.tidy.parts import Notes, Part
from features.tidy.sheets import source_sheets
from features.tidy.stata import has_stata_columns, is_stata, read_stata
from features.tidy.tidying import pair_table, require_source_columns

ARCHIVE = "https://www.cepii.fr/distance/dist_cepii.zip"
MEMBER = "dist_cepii.xls"
_EXCEL = (bytes.fromhex("d0cf11e0"), b"\x09\x08")
"""First bytes of workbooks, in a container (as the source's) or bare."""
SHEET = "dist_cepii"
SIDES = ("iso_o", "iso_d")
FLAGS = ("contig", "comlang_off", "comlang_ethno", "colony", "comcol", "curcol", "col45", "smctry")
DISTANCES = ("dist", "distcap", "distw", "distwces")


@dataclass(frozen=True, slots=True)
class GeoDist(Connector):
    """CEPII's GeoDist: static pair attributes for the channel of trade costs.

    Notes
    -----
    Mayer and Zignago (2011), CEPII working paper 2011-25. Distances in km, ties 0 or 1.
    """

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="geodist",
        kind="pairs",
        title="CEPII GeoDist",
        gives="distances, borders, languages and colonial ties of 224 countries",
        licence="Etalab Open Licence 2.0",
        citation="Mayer and Zignago (2011), Notes on CEPII's distances measures: the GeoDist "
        "database, CEPII working paper 2011-25",
        lag="none: it does not change over time",
        publication_lag_months=0,
        # From 2011, never updated.
        renewed_months=1200,
    )

    @property
    def release(self) -> str:
        """The year of the only release."""
        return "2011"

    def locate(self) -> tuple[str, ...]:
        """Address of the archive."""
        return (ARCHIVE,)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """Get the archive, or its workbook or the Stata file from the user's folder."""
        return (cache.file(ARCHIVE, check=whole_zip, fits=_is_geodist),)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """All pairs as one part."""
        yield Part.whole(lambda notes: _pairs(raw[0], notes))


def _pairs(raw: RawFile, notes: Notes) -> pa.Table:
    name = raw.path.name
    columns = (_stata_columns if is_stata(raw.path) else _sheet_columns)(raw)
    rows = pd.DataFrame(
        {column: columns[column] for column in SIDES}
        | {column: _numbers(columns[column], column, file=name) for column in (*FLAGS, *DISTANCES)}
    )
    notes.count("cells without a weighted distance", int(rows["distw"].isna().sum()))
    codes = {*rows[SIDES[0]], *rows[SIDES[1]]}
    if "YUG" in codes and "SRB" not in codes:
        rows[[*SIDES]] = rows[[*SIDES]].replace("YUG", "SRB")
        notes.say("Serbia has the distances and ties of Serbia and Montenegro (YUG)")
    pairs = with_iso3(rows, sides=SIDES, using=alpha3_to_iso3, file=name, notes=notes)
    require_unique(pairs, file=name)
    return pair_table(pairs)


def _is_geodist(path: Path) -> bool:
    if is_stata(path):
        return has_stata_columns(path, (*SIDES, *FLAGS, *DISTANCES))
    with path.open("rb") as handle:
        workbook = handle.read(4).startswith(_EXCEL)
    return workbook or member_like(re.compile(re.escape(MEMBER), re.IGNORECASE))(path)


def _stata_columns(raw: RawFile) -> dict[str, list[object]]:
    table = read_stata(raw.path, (*SIDES, *FLAGS, *DISTANCES))
    return {str(name): table[name].tolist() for name in table}


def _sheet_columns(raw: RawFile) -> dict[str, list[object]]:
    top, *body = _sheet(raw) or [[]]
    header = [str(cell).strip() for cell in top]
    require_source_columns(header, (*SIDES, *FLAGS, *DISTANCES), file=raw.path.name)
    return {name: [row[place] for row in body] for place, name in enumerate(header)}


def _sheet(raw: RawFile) -> list[Row]:
    member = MEMBER if zipfile.is_zipfile(raw.path) else None
    with opened(raw.path, member=member) as handle:
        content = handle.read()
    sheets = source_sheets(content, file=raw.path.name)
    if SHEET not in sheets:
        raise changed_source(
            f"expected sheet {SHEET}, found {', '.join(sheets)}",
            remedy="Upgrade gravicast",
            file=raw.path.name,
        )
    return sheets[SHEET]


def _numbers(cells: list[object], column: str, *, file: str) -> NDArray[np.float64]:
    """A column as floats; a full stop or an empty cell is unknown.

    Raises
    ------
    SourceError
        At the first other text.
    """
    out = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if cell is None or (isinstance(cell, str) and cell.strip() in ("", ".")):
            continue
        try:
            out[row] = float(str(cell))
        except ValueError:
            raise SourceError(
                f"{cell!r} is not a number", file=file, column=column, row=row + 2
            ) from None
    return out
