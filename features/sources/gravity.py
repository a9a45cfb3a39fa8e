"""CEPII Gravity: distances and ties of country pairs, and agreements by year, to 2021."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.countries.source_codes import alpha3_to_iso3
from features.download.given import member_like, name_like
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import InputError, SourceError
from features.store.connector import Connector
from features.store.source import SourceInfo, option, require_choice
from features.tidy.csv_stream import TEXT, csv_batches, opened, whole_zip
from features.tidy.pair_rows import require_unique, small_frame, with_iso3, yearly_parts
from features.tidy.parts import Notes, Part
from features.tidy.tidying import pair_table, require_source_columns

SIDES = ("iso3_o", "iso3_d")
KEYS = {
    "year": pa.int16(),
    "iso3_o": TEXT,
    "iso3_d": TEXT,
    "country_exists_o": pa.float32(),
    "country_exists_d": pa.float32(),
}
GEOGRAPHY = {
    "dist": "dist",
    "distcap": "distcap",
    "distw_arithmetic": "distw",
    "distw_harmonic": "distwces",
    "contig": "contig",
    "comlang_off": "comlang_off",
    "comlang_ethno": "comlang_ethno",
    "comcol": "comcol",
    "col45": "col45",
    "col_dep_ever": "colony",
}
"""Columns that do not change over time, and what GeoDist and the features call them."""
AGREEMENTS = {"fta_wto": pa.float32(), "rta_type": TEXT}
TYPES = ("cu", "fta", "psa", "eia")
"""Customs union, free trade, partial scope, economic integration (services)."""


@dataclass(frozen=True, slots=True)
class Gravity(Connector):
    """CEPII's Gravity database.

    The geography is for the channel of trade costs, the agreements for that of trade policy; one
    run may take both.

    {options}

    Raises
    ------
    InputError
        For an option that does not fit.

    Notes
    -----
    The panel of the source is square in ``country_id``, so that two configurations of a country
    (Germany before and after 1990) stand side by side under one ISO code; only that which exists
    has rows of interest. Conte, Cotterlaz and Mayer (2022), CEPII working paper 2022-05.
    """

    release: str = option("202211", help="month of the release, YYYYMM")
    what: str = option("geography", help="geography (static) or agreements (by year)")

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="gravity",
        kind="pairs",
        title="CEPII Gravity",
        gives="distances, borders, languages, colonial ties; or trade agreements by year to 2021",
        licence="Etalab Open Licence 2.0",
        citation="Conte, Cotterlaz and Mayer (2022), The CEPII Gravity Database, "
        "CEPII working paper 2022-05",
        lag="11 months at its release; nothing after 2021",
        publication_lag_months=11,
        # Updated irregularly, last in 2022.
        renewed_months=60,
    )

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d{6}", self.release):
            raise InputError(
                f"{self.release!r} is not a release of CEPII Gravity",
                remedy="Give year and month, such as --release 202211",
            )
        require_choice("what", self.what, ("geography", "agreements"))

    @property
    def key(self) -> str:
        """Source, release and what."""
        return f"gravity:{self.release}:{self.what}"

    def locate(self) -> tuple[str, ...]:
        """Address of the archive."""
        return (f"https://www.cepii.fr/DATA_DOWNLOAD/gravity/data/Gravity_csv_V{self.release}.zip",)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """Get the archive of all files."""
        files = re.compile(rf"(Gravity|Countries|Label_\w+)_V{self.release}\.csv")
        panel = re.compile(re.escape(self._member))
        return (
            cache.file(
                self.locate()[0],
                check=whole_zip,
                fits=member_like(panel),
                member=name_like(files),
            ),
        )

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """The pairs as one part, or one part per year of agreements."""
        path = raw[0].path
        if self.what == "geography":
            yield Part.whole(lambda notes: self._geography(path, notes))
            return
        labels = _type_labels(path, f"Label_rta_type_V{self.release}.csv")
        read = Notes()
        rows = with_iso3(
            small_frame(
                _existing(path, self._member, AGREEMENTS, read),
                columns=("year", *SIDES, *AGREEMENTS),
            ),
            sides=SIDES,
            using=alpha3_to_iso3,
            file=self._member,
            notes=read,
        )
        read.say(
            f"Agreements end in {rows['year'].max()}: nothing is carried forward to later years"
        )
        yield from yearly_parts(
            rows, read=read, finish=lambda year, notes: self._agreements(year, labels, notes)
        )

    @property
    def _member(self) -> str:
        return f"Gravity_V{self.release}.csv"

    def _geography(self, path: Path, notes: Notes) -> pa.Table:
        newest: list[pd.DataFrame] = []
        columns = dict.fromkeys(GEOGRAPHY, pa.float64())
        for batch in _existing(path, self._member, columns, notes):
            rows = batch.to_pandas()
            rows[[*SIDES]] = rows[[*SIDES]].astype("str")
            require_unique(rows, file=self._member)
            newest.append(_last_year(rows))
        if not newest:
            newest = [pd.DataFrame(columns=["year", *SIDES, *GEOGRAPHY])]
        rows = pd.concat(newest, ignore_index=True)
        require_unique(rows, file=self._member)
        pairs = with_iso3(
            _last_year(rows), sides=SIDES, using=alpha3_to_iso3, file=self._member, notes=notes
        )
        last = pairs["year"].max()
        notes.count(f"pairs from a year before {last}, when both last existed",
                    int((pairs["year"] < last).sum()))  # fmt: skip
        notes.say(
            "colony is col_dep_ever; distw is the arithmetic, distwces the harmonic mean of cities"
        )
        static = pairs.drop(columns="year").rename(columns=GEOGRAPHY)
        require_unique(static, file=self._member)
        return pair_table(static)

    def _agreements(self, rows: pd.DataFrame, labels: dict[str, str], notes: Notes) -> pd.DataFrame:
        require_unique(rows, file=self._member)
        rta = rows["fta_wto"].to_numpy()
        typed = _typed(rows["rta_type"], labels, file=self._member)
        contradicting = (rta == 0) & (np.nan_to_num(typed).max(axis=1) > 0)
        notes.count("pair-years with a type of agreement but fta_wto 0: none is assumed",
                    int(contradicting.sum()))  # fmt: skip
        notes.count("pair-years where it is unknown whether there is an agreement",
                    int(np.isnan(rta).sum()))  # fmt: skip
        # An empty type would make the reader take the table for a list of agreements only, and fill
        # unknown pairs with 0.
        typed[rta == 0] = 0.0
        types = {name: typed[:, number] for number, name in enumerate(TYPES)}
        return rows[["year", *SIDES]].assign(rta=rta, **types)


def _existing(
    path: Path, member: str, columns: dict[str, pa.DataType], notes: Notes
) -> Iterator[pa.RecordBatch]:
    """Rows of pairs that both existed and have ISO codes, without the columns that say so."""
    for batch in csv_batches(path, member=member, columns={**KEYS, **columns}):
        exist = pc.and_(
            pc.equal(batch["country_exists_o"], 1), pc.equal(batch["country_exists_d"], 1)
        )
        both = batch.filter(pc.fill_null(exist, False))
        notes.count("rows of countries that did not exist in the year left out",
                    batch.num_rows - both.num_rows)  # fmt: skip
        # Former federations such as Malaysia with Singapore have none.
        has_code = pc.and_(
            pc.not_equal(both["iso3_o"].cast(pa.string()), ""),
            pc.not_equal(both["iso3_d"].cast(pa.string()), ""),
        )
        coded = both.filter(pc.fill_null(has_code, False))
        notes.count("rows of countries without an ISO code left out",
                    both.num_rows - coded.num_rows)  # fmt: skip
        if coded.num_rows:
            yield coded.select(["year", *SIDES, *columns])


def _last_year(rows: pd.DataFrame) -> pd.DataFrame:
    ordered = rows.sort_values("year", kind="stable")
    return ordered.drop_duplicates([*SIDES], keep="last")


def _type_labels(path: Path, member: str) -> dict[str, str]:
    """Label of every code of ``rta_type``."""
    with opened(path, member=member) as handle:
        text = handle.read().decode("utf-8-sig", errors="replace")
    lines = csv.DictReader(io.StringIO(text))
    require_source_columns(lines.fieldnames or (), ("rta_type", "rta_type_lbl"), file=member)
    return {line["rta_type"].strip(): line["rta_type_lbl"] for line in lines}


def _typed(column: pd.Series, labels: dict[str, str], *, file: str) -> NDArray[np.float32]:
    """0 or 1 for each of `TYPES`, shape ``[row, type]``; NaN where no type is given."""
    categories = column.astype("category")
    table = np.full((len(categories.cat.categories) + 1, len(TYPES)), np.nan, dtype=np.float32)
    for number, code in enumerate(categories.cat.categories):
        if str(code).strip() == "":
            continue
        label = labels.get(str(code), "")
        words = {word.lower() for word in re.findall("[A-Za-z]+", label)}
        table[number] = [name in words for name in TYPES]
        if not table[number].any():
            raise SourceError(
                f"no label says which type of agreement {code} is (its label is {label!r})",
                remedy="Take an earlier release, or upgrade gravicast",
                file=file,
                column="rta_type",
            )
    return table[categories.cat.codes.to_numpy()]
