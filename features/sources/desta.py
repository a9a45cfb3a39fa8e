"""DESTA: trade agreements in force between country pairs, from its list of treaties by dyad."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa

from features.countries.source_codes import numeric_to_iso3
from features.download.given import Fits, passes
from features.download.raw_cache import RawCache
from features.download.raw_file import RawFile
from features.errors import InputError, SourceError, first_line
from features.store.connector import Connector
from features.store.source import SourceInfo, option, require_choice
from features.tidy.csv_stream import header
from features.tidy.pair_rows import PAIR, with_iso3
from features.tidy.parts import Notes, Part, with_notes
from features.tidy.tidying import pair_table, require_source_columns

FOLDER = "https://www.designoftradeagreements.org/media/filer_public/"
RELEASES = {
    "02_03": (
        "6a/45/6a454835-eef1-44c4-8af2-5557a9552167/desta_list_of_treaties_02_03_dyads.csv",
        "38/c6/38c6e92f-a513-443e-8907-77b570fd2973/desta_dyadic_withdrawal_02_03.csv",
    )
}
"""Release to its lists of treaties and of withdrawals; addresses follow no pattern."""
SIDES = ("iso1", "iso2")
DYADS = (*SIDES, "base_treaty", "entry_type", "year", "entryforceyear", "wto_listed")
WITHDRAWALS = (*SIDES, "base_treaty", "year")
NO_TREATY = ("negotiation", "withdrawal")
_TRANSITION = ("GBR", 2020)
"""The EU's treaties bound the United Kingdom to 31 December 2020, and the list has its withdrawals
under 2020: they end a year later than other withdrawals."""
_NEVER = 9999
_changed = partial(SourceError, remedy="Take an earlier release, or upgrade gravicast")


@dataclass(frozen=True, slots=True)
class Desta(Connector):
    """Design of Trade Agreements: pair attributes for the channel of trade policy.

    {options}

    Raises
    ------
    InputError
        For a release that is not known or a last year that is not a year.

    Notes
    -----
    ``rta`` is 1 from the year a treaty enters into force to the year before a withdrawal (for the
    United Kingdom's of 2020 to 2020 itself), and again from the year in which a later version of
    it or an accession enters into force. ``rta_wto`` is 1 where one of the treaties is listed by
    the WTO, ``n_treaties`` counts base treaties: accessions to one and consolidated versions of it,
    such as those with which the United Kingdom carried the European Union's on, are the same
    treaty. Only pair-years
    with a treaty have a row, in both directions. Dür, Baccini and Elsig (2014),
    doi:10.1007/s11558-013-9179-8.
    """

    release: str = option("02_03", help="version of the list of treaties")
    until: int = option(0, help="last year; by default the last in which the list has a signature")

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="desta",
        kind="pairs",
        title="Design of Trade Agreements (DESTA)",
        gives="trade agreements in force by pair and year, how many, and whether the WTO lists one",
        licence="none stated; citation requested",
        citation="Dür, Baccini and Elsig (2014), The design of international trade agreements, "
        "Review of International Organizations 9(3)",
        lag="about 12 months (an estimate)",
        publication_lag_months=12,
    )

    def __post_init__(self) -> None:
        require_choice("release", self.release, RELEASES)
        if self.until and not 1948 <= self.until <= 2200:
            raise InputError(
                f"{self.until} is not a last year of agreements",
                remedy="Give a year from 1948 on, such as --until 2024, or leave it out",
            )

    @property
    def key(self) -> str:
        """Source, release and where the years end."""
        return f"desta:{self.release}:{f'to{self.until}' if self.until else 'listed'}"

    def locate(self) -> tuple[str, ...]:
        """Addresses of the treaties and of the withdrawals."""
        return tuple(FOLDER + path for path in RELEASES[self.release])

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """Get both lists."""
        return tuple(
            cache.file(url, check=check, fits=_is_list(check, left=columns is WITHDRAWALS))
            for url, columns in zip(self.locate(), (DYADS, WITHDRAWALS), strict=True)
            for check in [partial(_require_columns, columns=columns)]
        )

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """A part for every year with a treaty in force."""
        read = Notes()
        spells, listed = _spells(raw[0], raw[1], read)
        last = self.until or listed
        read.count(f"treaties of a pair that enter into force after {last} left out",
                   int((spells["start"] > last).sum()))  # fmt: skip
        if last > listed:
            read.say(
                f"Years after {listed} repeat what was in force then: the list has no later treaty"
            )
        first = last + 1 if spells.empty else int(spells["start"].min())
        years = (year for year in range(first, last + 1) if _in_force(spells, year).any())
        yield from with_notes(
            read, (Part.of_year(year, partial(_table_of, spells, year)) for year in years)
        )


def _desta_to_iso3(code: str) -> str | None:
    """ISO numeric, and DESTA's own 900."""
    return "XKX" if code.strip() == "900" else numeric_to_iso3(code)


def _require_columns(path: Path, *, columns: Sequence[str]) -> None:
    """Check for `RawCache.file`, so that a page of HTML or a changed table is not cached."""
    found = header(path, member=None)
    require_source_columns(found, columns, file=path.name.removesuffix(".part"))


def _is_list(check: Callable[[Path], None], *, left: bool) -> Fits:
    """Whether a file is the list of treaties or that of withdrawals, whose columns are similar."""

    def fits(path: Path) -> bool:
        if not passes(check)(path):
            return False
        with path.open(encoding="latin-1", newline="") as handle:
            rows = csv.DictReader(handle)
            kinds = {str(row.get("entry_type")) for row in islice(rows, 100)}
        return (kinds == {"withdrawal"}) == left

    return fits


def _read(raw: RawFile, columns: Sequence[str], notes: Notes) -> pd.DataFrame:
    """Columns as text, with both countries' codes, each pair in alphabetical order."""
    _require_columns(raw.path, columns=columns)
    try:
        # Names of countries and treaties, in various encodings, are not needed.
        frame = pd.read_csv(
            raw.path, usecols=[*columns], dtype="str", keep_default_na=False, encoding="latin-1"
        )
    except (pd.errors.ParserError, ValueError) as error:
        raise SourceError(
            f"the file cannot be read ({first_line(error)})", file=raw.path.name
        ) from error
    rows = with_iso3(frame, sides=SIDES, using=_desta_to_iso3, file=raw.path.name, notes=notes)
    first, second = (rows[name].astype("str").to_numpy(dtype=object) for name in PAIR)
    swapped = first > second
    rows = rows.assign(
        iso3_o=np.where(swapped, second, first), iso3_d=np.where(swapped, first, second)
    )
    same = (rows["iso3_o"] == rows["iso3_d"]).to_numpy()
    notes.count("rows of a country with itself, once under an earlier code, left out", same.sum())
    return rows[~same]


def _years(column: pd.Series, *, file: str) -> pd.Series:
    """Years as floats, NaN where there is none."""
    cells = column.str.strip()
    years = pd.to_numeric(cells.where(~cells.isin(("", "NA")), None), errors="coerce")
    wrong = (years.isna() & ~cells.isin(("", "NA"))) | (years < 1800) | (years > 2200)
    if wrong.any():
        row = int(np.argmax(wrong.to_numpy()))
        raise _changed(
            f"{column.iloc[row]!r} is not a year",
            file=file,
            column=str(column.name),
            row=int(column.index[row]) + 2,
        )
    return years


def _spells(dyads: RawFile, withdrawals: RawFile, notes: Notes) -> tuple[pd.DataFrame, int]:
    """Pair, treaty, first year in force and first year no longer; and the last year listed."""
    rows = _read(dyads, DYADS, notes)
    name = dyads.path.name
    none = rows["entry_type"].isin(NO_TREATY)
    notes.count("rows of negotiations and withdrawals in the list of treaties left out", none.sum())
    rows = rows[~none]
    signed, start = (_years(rows[column], file=name) for column in ("year", "entryforceyear"))
    if signed.notna().sum() == 0:
        raise _changed("the list has no year of signature", file=name)
    notes.count("rows of treaties not in force, without a year of entry, left out",
                start.isna().sum())  # fmt: skip
    spells = rows.assign(start=start, wto=rows["wto_listed"].str.strip() == "1")[start.notna()]
    ended = _with_end(spells, withdrawals, notes)
    return ended, int(signed.max())


def _with_end(spells: pd.DataFrame, withdrawals: RawFile, notes: Notes) -> pd.DataFrame:
    """The spells with their first year no longer in force."""
    keys = [*PAIR, "base_treaty"]
    left = _read(withdrawals, WITHDRAWALS, notes)
    left = left.assign(left=_years(left["year"], file=withdrawals.path.name))
    notes.count("withdrawals without a year left out", left["left"].isna().sum())
    left = left.loc[left["left"].notna(), [*keys, "left"]].drop_duplicates()
    spells = spells.reset_index(drop=True).assign(spell=lambda frame: frame.index)
    joined = spells.merge(left, on=keys, how="left")
    # Anything that enters into force after a withdrawal brings the pair back.
    after = joined["left"].where(joined["left"] >= joined["start"])
    country, year = _TRANSITION
    after += (joined[[*PAIR]] == country).any(axis=1) & (after == year)
    ends = after.groupby(joined["spell"]).min().fillna(_NEVER)
    back = (joined["left"] < joined["start"]).groupby(joined["spell"]).any()
    notes.count("treaties of a pair in force again after a withdrawal", back.sum())
    notes.count("treaties of a pair ended by a withdrawal", (ends < _NEVER).sum())
    known = left.merge(spells[keys].drop_duplicates(), on=keys)
    notes.count("withdrawals from a treaty that the list does not have in force",
                len(left) - len(known))  # fmt: skip
    return spells.assign(end=ends)


def _in_force(spells: pd.DataFrame, year: int) -> pd.Series:
    return (spells["start"] <= year) & (spells["end"] > year)


def _table_of(spells: pd.DataFrame, year: int, notes: Notes) -> pa.Table:
    del notes
    now = spells[_in_force(spells, year)]
    pairs = now.groupby([*PAIR])
    pairs = pd.DataFrame(
        {"rta": 1.0, "rta_wto": pairs["wto"].max(), "n_treaties": pairs["base_treaty"].nunique()}
    ).reset_index()
    back = pairs.rename(columns={"iso3_o": "iso3_d", "iso3_d": "iso3_o"})
    return pair_table(pd.concat([pairs, back], ignore_index=True).assign(year=year))
