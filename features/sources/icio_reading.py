"""Reads a year of the OECD's ICIO from its zip: checks labels, places cells, proves balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.countries.source_codes import alpha3_to_iso3, translate
from features.data.input_output import FINAL_USES
from features.errors import SourceError, changed_source
from features.tidy.csv_stream import header
from features.tidy.parts import Notes
from features.tidy.zip_csv import blocks

ECONOMIES = 81
"""Economies of the edition, the rest of the world among them."""
TOLERANCE, SLACK = 0.01, 5.0
"""Share of output, and million USD, by which a row or a column may miss the published output."""
TAXES, VALUE_ADDED, OUTPUT = "TLS", "VA", "OUT"
_FINAL = {"HFCE": "HOUSEHOLD", "NPISH": "NONPROFIT", "GGFC": "GOVERNMENT", "GFCF": "GFCF",
          "INVNT": "INVENTORY", "DPABR": "HOUSEHOLD"}  # fmt: skip
"""Final use of each source column; residents' purchases abroad count as households'."""
_changed = partial(
    changed_source,
    remedy="Take the edition that this version of gravicast knows, or upgrade gravicast",
)

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Industry:
    """An industry of ISIC Rev. 4 as ICIO groups them."""

    code: str
    kind: Literal["goods", "manufacturing", "services"]
    digital: bool
    name: str


def _industries() -> tuple[Industry, ...]:
    lines = """
        A01 g Agriculture and hunting|A02 g Forestry and logging|A03 g Fishing and aquaculture
        B05 g Coal and lignite|B06 g Crude petroleum and natural gas|B07 g Metal ores
        B08 g Other mining and quarrying|B09 g Mining support
        C10T12 m Food, beverages and tobacco|C13T15 m Textiles, apparel, leather and footwear
        C16 m Wood and products of wood|C17_18 m Paper and printing
        C19 m Coke and refined petroleum|C20 m Chemicals|C21 m Pharmaceuticals
        C22 m Rubber and plastics|C23 m Other non-metallic mineral products
        C24A m Iron and steel|C24B m Other basic metals|C25 m Fabricated metal products
        C26 m Computers, electronic and optical products|C27 m Electrical equipment
        C28 m Machinery n.e.c.|C29 m Motor vehicles|C301 m Ships and boats
        C302T309 m Other transport equipment|C31T33 m Other manufacturing; repair
        D s Electricity, gas and steam|E s Water, sewerage and waste|F s Construction
        G s Wholesale and retail trade|H49 s Land transport and pipelines|H50 s Water transport
        H51 s Air transport|H52 s Warehousing and support of transport|H53 s Post and couriers
        I s Accommodation and food|J58T60 d Publishing, audiovisual and broadcasting
        J61 d Telecommunications|J62_63 d Computer programming and information services
        K d Finance and insurance|L s Real estate|M d Professional, scientific and technical
        N d Administration and support|O s Public administration and defence|P d Education
        Q s Health and social work|R d Arts, entertainment and recreation|S s Other services
        T s Households as employers
    """
    kinds: dict[str, Literal["goods", "manufacturing", "services"]] = {
        "g": "goods", "m": "manufacturing", "s": "services", "d": "services",
    }  # fmt: skip
    parts = (one.split(maxsplit=2) for line in lines.split("\n") for one in line.split("|"))
    rows = [one for one in parts if one]
    return tuple(Industry(code, kinds[mark], mark == "d", name) for code, mark, name in rows)


INDUSTRIES = _industries()
"""The 50 industries. Digitally deliverable are, after UNCTAD (2015), information and communication,
finance, business services, education and recreation; an upper bound. Post, which older tables join
to telecommunications, is not, nor are personal services."""
SECTORS = tuple(one.code for one in INDUSTRIES)


@dataclass(frozen=True, slots=True)
class IcioYear:
    """A year's table, million USD at basic prices.

    Attributes
    ----------
    countries, sectors
        Codes, in the order of the arrays; rows are ``country * n_sectors + sector``.
    intermediate
        Sales to sectors, shape ``[row, row]``, never negative.
    final
        Sales to final use, shape ``[row, country, use]`` with the uses of `FINAL_USES`.
    """

    countries: tuple[str, ...]
    sectors: tuple[str, ...]
    intermediate: Matrix
    final: Matrix

    def flows(self) -> Matrix:
        """Sales to all uses of a country, shape ``[exporter, importer, sector]``."""
        n, k = len(self.countries), len(self.sectors)
        sold = self.intermediate.reshape(n * k, n, k).sum(axis=2) + self.final.sum(axis=2)
        return sold.reshape(n, k, n).transpose(0, 2, 1)


def read_year(path: Path, member: str, notes: Notes) -> IcioYear:
    """Read and check a year.

    Raises
    ------
    SourceError
        For changed rows or columns, an unknown economy, an empty cell, or a row or column that
        does not add up to the published output.
    """
    labels = _Labels.of(path, member)
    cells = _cells(path, member, labels)
    n, k = len(labels.countries), len(SECTORS)
    rows = cells[: n * k]
    intermediate = rows[:, : n * k].copy()
    by_column = rows[:, n * k : n * (k + len(_FINAL))].reshape(n * k, n, len(_FINAL))
    final = np.zeros((n * k, n, len(FINAL_USES)))
    for place, use in enumerate(_FINAL.values()):
        final[:, :, FINAL_USES.index(use)] += by_column[:, :, place]
    _check_balance(cells, labels)
    notes.say("Taxes less subsidies on products that industries pay (row TLS) are not sales: the "
              "tables' value added, output less inputs, contains them; those on final use are left "
              "out")  # fmt: skip
    notes.say("Purchases of residents abroad (DPABR) are counted with households'")
    _settle_negatives(intermediate, final, notes)
    return IcioYear(labels.countries, SECTORS, intermediate, final)


def read_outputs(path: Path, member: str) -> tuple[tuple[str, ...], Matrix]:
    """Countries, and published gross output in million USD, shape ``[country, sector]``."""
    labels = _Labels.of(path, member)
    types = {labels.first: pa.string(), OUTPUT: pa.float64()}
    output = np.full(len(labels.row), np.nan)
    for block in blocks(path, member, types=types):
        place = labels.rows_of(block.column(0).to_pylist())
        output[place] = block.column(1).to_numpy(zero_copy_only=False)
    n, k = len(labels.countries), len(SECTORS)
    return labels.countries, output[: n * k].reshape(n, k)


@dataclass(frozen=True, slots=True)
class _Labels:
    """What rows and columns mean.

    Attributes
    ----------
    first
        Name of the column with the rows' labels.
    countries
        Alpha-3 codes in the order of the file.
    row
        Place of each row's label: sales by country and industry, then taxes, value added, output.
    columns
        The columns in the order of a row's cells: uses by country and industry, final uses by
        country and category, output.
    """

    file: str
    first: str
    countries: tuple[str, ...]
    row: dict[str, int]
    columns: tuple[str, ...]

    @classmethod
    def of(cls, path: Path, member: str) -> _Labels:
        """Read the header.

        Raises
        ------
        SourceError
            If it is not that of the edition.
        """
        file = f"{path.name}, {member}"
        found = header(path, member=member)
        # Codes of industries have underscores too: AGO_C17_18.
        codes = dict.fromkeys((name.partition("_")[0] for name in found[1:] if "_" in name), 1)
        uses = [f"{c}_{i}" for c in codes for i in SECTORS]
        columns = (*uses, *(f"{c}_{use}" for c in codes for use in _FINAL), OUTPUT)
        if len(codes) != ECONOMIES or set(found[1:]) != set(columns):
            wide = ECONOMIES * (len(SECTORS) + len(_FINAL)) + 1
            strange = sorted(set(found[1:]) ^ set(columns))
            raise _changed(
                f"expected {wide:,} columns of {ECONOMIES} economies and "
                f"{len(SECTORS)} industries, found {len(found) - 1:,} of {len(codes)} economies"
                + (f" (unexpected or absent: {', '.join(strange[:3])})" if strange else ""),
                file=file,
            )
        countries = translate(codes, alpha3_to_iso3, file=file, column="header").values()
        rows = (*uses, TAXES, VALUE_ADDED, OUTPUT)
        place = {label: number for number, label in enumerate(rows)}
        return cls(file, found[0], tuple(map(str, countries)), place, columns)

    def rows_of(self, labels: Sequence[str]) -> NDArray[np.int64]:
        """Places of the rows of a block."""
        strange = [label for label in labels if label not in self.row]
        if strange:
            raise _changed(f"there should be no row {strange[0]!r}", file=self.file)
        return np.array([self.row[label] for label in labels], dtype=np.int64)


def _cells(path: Path, member: str, labels: _Labels) -> Matrix:
    """All cells, shape ``[row, column]`` in the order of the labels."""
    types = {labels.first: pa.string(), **dict.fromkeys(labels.columns, pa.float64())}
    cells = np.full((len(labels.row), len(labels.columns)), np.nan)
    seen = np.zeros(len(labels.row), dtype=np.int64)
    for block in blocks(path, member, types=types):
        place = labels.rows_of(block.column(0).to_pylist())
        np.add.at(seen, place, 1)
        for number, column in enumerate(block.columns[1:]):
            cells[place, number] = column.to_numpy(zero_copy_only=False)
    if (seen != 1).any():
        label = list(labels.row)[int(np.argmax(seen != 1))]
        raise _changed(
            f"expected {len(seen):,} rows, found {int(seen.sum()):,} "
            f"(row {label} occurs {int(seen[labels.row[label]])} times)",
            file=labels.file,
        )
    # Value added of a final use does not exist, and may be an empty cell.
    empty = np.isnan(cells[:-3]).any(axis=1)
    if empty.any():
        raise SourceError(
            f"a cell of row {list(labels.row)[int(np.argmax(empty))]} is empty", file=labels.file
        )
    return cells


def _check_balance(cells: Matrix, labels: _Labels) -> None:
    """Rows must sum to the output in the last column, columns to that in the last row."""
    k = len(labels.countries) * len(SECTORS)
    sold, output = cells[:k, :-1].sum(axis=1), cells[:k, -1]
    # An empty cell here would pass every comparison.
    made, below = np.nan_to_num(cells[:-1, :k]).sum(axis=0), np.nan_to_num(cells[-1, :k])
    for name, added, published in (("row", sold, output), ("column", made, below)):
        gap = np.abs(added - published)
        wrong = gap > np.maximum(TOLERANCE * np.abs(published), SLACK)
        if wrong.any():
            worst = int(np.argmax(np.where(wrong, gap, 0.0)))
            raise SourceError(
                f"{name} {list(labels.row)[worst]} adds up to {added[worst]:,.0f} and its output "
                f"is {published[worst]:,.0f} million USD ({int(wrong.sum())} such)",
                remedy="The file may be damaged (fetch it again with --refresh), or the source has "
                "changed",
                file=labels.file,
            )


def _settle_negatives(intermediate: Matrix, final: Matrix, notes: Notes) -> None:
    """Move negative sales to sectors to the user's inventories, in place."""
    row, column = np.nonzero(intermediate < 0)
    if not row.size:
        return
    inventories = final[:, :, FINAL_USES.index("INVENTORY")]
    np.add.at(inventories, (row, column // len(SECTORS)), intermediate[row, column])
    intermediate[row, column] = 0.0
    notes.count("negative sales to industries moved to inventories, so that rows still add up",
                row.size)  # fmt: skip
