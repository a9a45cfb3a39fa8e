"""CEPII ProTEE: how much imports of each product fall with its tariff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.download.given import csv_like
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import InputError, SourceError
from features.store.connector import Connector
from features.store.source import SourceInfo, option
from features.tidy.csv_stream import TEXT, csv_batches, header
from features.tidy.parts import Notes, Part
from features.tidy.tidying import refuse_twice, require_source_columns

FOLDER = "https://www.cepii.fr/DATA_DOWNLOAD/ProTEE/"
COLUMNS = ("HS6", "zero", "positive", "sigma")
PRODUCT = r"\d{6}"


@dataclass(frozen=True, slots=True)
class Protee(Connector):
    """CEPII's product-level trade elasticities, for scenarios on trade by sector.

    {options}

    Raises
    ------
    InputError
        For a release that is no version.

    Notes
    -----
    Fontagne, Guimbard and Orefice (2022), doi:10.1016/j.jinteco.2022.103593. ``sigma`` is the
    elasticity of imports to one plus the tariff, negative. Where it was not significant or positive
    (``zero``, ``positive``) it is the mean of the product's four-digit heading, or empty.
    """

    release: str = option("0.1", help="version of the data")

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="protee",
        kind="elasticities",
        title="CEPII ProTEE",
        gives="elasticities of imports to tariffs of 5,050 products (HS 2007)",
        licence="Etalab Open Licence 2.0",
        citation="Fontagne, Guimbard and Orefice (2022), Product-level trade elasticities, Journal "
        "of International Economics 137",
        lag="none: estimates from trade of 2001 to 2016",
        publication_lag_months=0,
        # One version in five years.
        renewed_months=120,
    )

    def __post_init__(self) -> None:
        if not all(part.isdigit() for part in self.release.split(".")):
            raise InputError(
                f"{self.release!r} is not a version of ProTEE",
                remedy="Give a version, such as --release 0.1",
            )

    def locate(self) -> tuple[str, ...]:
        """Address of the file."""
        return (f"{FOLDER}ProTEE_{self.release.replace('.', '_')}.csv",)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """Get the file, from the user's folder whatever its name."""
        fits = csv_like(COLUMNS, member=None)
        return (cache.file(self.locate()[0], check=_is_whole, fits=fits),)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """All products as one part."""
        yield Part.whole(lambda notes: _products(raw[0], notes))


def _is_whole(path: Path) -> None:
    """Raise `SourceError` for a page of HTML, or a file whose last line is cut."""
    name = path.name.removesuffix(".part")
    require_source_columns(header(path, member=None), COLUMNS, file=name)
    with path.open("rb") as handle:
        lines = handle.read().splitlines()
    if lines[-1].count(b",") < lines[0].count(b","):
        raise SourceError(
            f"the file ends in the middle of line {len(lines)}",
            remedy="Try again later, or download the file by hand and give its folder with --from",
            file=name,
        )


def _products(raw: RawFile, notes: Notes) -> pa.Table:
    """``hs6, zero, positive, sigma``, sorted by product."""
    types = {"HS6": TEXT, **dict.fromkeys(COLUMNS[1:], pa.float64())}
    batches = csv_batches(raw.path, member=None, columns=types)
    name = raw.path.name
    table = pa.Table.from_batches(batches).to_pandas().rename(columns={"HS6": "hs6"})
    # A spreadsheet drops leading zeros.
    table["hs6"] = table["hs6"].astype(str).str.zfill(6)
    _refuse(table, ~table["hs6"].str.fullmatch(PRODUCT).to_numpy(), "hs6", "a product", file=name)
    for column in ("zero", "positive"):
        _refuse(table, ~table[column].isin([0, 1]).to_numpy(), column, "0 or 1", file=name)
    _refuse(table, (table["sigma"] >= 0).to_numpy(), "sigma", "a negative elasticity", file=name)
    own = (table["zero"] == 0) & (table["positive"] == 0) & table["sigma"].notna()
    refuse_twice(table, ["hs6"], "product {hs6}", file=name)
    notes.count("products with an estimate of their own", int(own.sum()))
    notes.count("products without: they have the mean of their heading, or nothing",
                int((~own).sum()))  # fmt: skip
    ordered = table.sort_values("hs6", ignore_index=True)
    return pa.table(
        {
            "hs6": pa.array(ordered["hs6"], pa.string()),
            "zero": pa.array(ordered["zero"].to_numpy(dtype=np.int8)),
            "positive": pa.array(ordered["positive"].to_numpy(dtype=np.int8)),
            "sigma": pa.array(ordered["sigma"].to_numpy(dtype=np.float64), from_pandas=True),
        }
    )


def _refuse(
    table: pd.DataFrame, wrong: NDArray[np.bool_], column: str, what: str, *, file: str
) -> None:
    """Raise `SourceError` at the first wrong cell of a column."""
    if wrong.any():
        row = int(wrong.argmax())
        raise SourceError(f"{table[column].iloc[row]!r} is not {what}", file=file, column=column,
                          row=row + 2)  # fmt: skip
