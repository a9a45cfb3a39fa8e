"""OECD indices of restrictions on services trade, digital or all, from its SDMX API."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pandas as pd
import pyarrow as pa

from features.download.answers import Answer
from features.download.given import passes
from features.download.raw_file import RawFile
from features.errors import InputError, SourceError, listed
from features.sources.indicator_parts import Reading, check_release_day, check_years, yearly_parts
from features.sources.indicator_sets import ReadySeries
from features.store.connector import Connector
from features.store.source import (
    IndicatorLine,
    SourceInfo,
    day_option,
    option,
    require_choice,
    require_years,
)
from features.tidy.csv_stream import csv_batches
from features.tidy.csv_stream import header as columns_of
from features.tidy.parts import Part
from features.tidy.tidying import require_source_columns
from features.tidy.years import years_word

if TYPE_CHECKING:
    from features.download.raw_cache import RawCache

_BASE = "https://sdmx.oecd.org/public/rest/data/OECD.TAD.TPD"
_VERSION = "1.0"
FIRST_YEAR = 2014
ECONOMIES = 129
"""Covered by the edition that goes to 2025."""
LAG_MONTHS = 3
"""Assumed: the OECD states no lag, and an edition comes out soon after its year."""
_FLOWS = ("DATAFLOW", "STRUCTURE_ID")
"""Columns that name the data: that of the interface, and that of the explorer's download."""
_COLUMNS = ("REF_AREA", "TIME_PERIOD", "OBS_VALUE")
_NO_DIMENSIONS = (*_FLOWS, "STRUCTURE", "STRUCTURE_NAME", "ACTION")
_IDENTIFIER = re.compile("[A-Z][A-Z0-9_]*")
TOTALS: dict[str, tuple[str, ...]] = {
    # The measure named after the index is the index; others are its parts.
    "MEASURE": ("STRI", "DSTRI"),
    "COUNTERPART_AREA": ("W",),
    "FREQ": ("A",),
}
"""Codes that mark a dimension's total, beside SDMX's own `TOTAL`. With none of them, or several,
the total is unknown."""
TOTAL = "_T"
# Unions, clubs and averages; "W" and "WLD" are the world.
_GROUP = re.compile(r"EU\d*(_\d{4})?|EU\d*OECD|EA\d*|EEA|OECD\w*|G7|G20|W|WLD|BRIICS|BRICS|ASEAN")
_GROUPS_DROPPED = "rows of groups of countries dropped"
_PICK = re.compile(r"[A-Z][A-Z0-9_]*=[A-Za-z0-9_]+")
_BY_HAND = "Try again later, or download the file by hand and give its folder with --from"
_changed = partial(SourceError, remedy="The source has changed: upgrade gravicast")

_NOTE = (
    f"from {FIRST_YEAR}, {ECONOMIES} economies; the publication lag of {LAG_MONTHS} months is "
    "assumed"
)
_INDEX = "index, 0 (open) to 1 (closed)"
_PROVIDER = "OECD (OECD terms: reuse with citation)"
_SERIES = {
    "digital": ReadySeries(
        "OECD.DSTRI", "data_infrastructure", "Digital services trade restrictiveness", _INDEX,
        LAG_MONTHS, "stri", "DSD_STRI@DF_STRI_DIGITAL", _PROVIDER, note=_NOTE,
    ),
    "services": ReadySeries(
        "OECD.STRI", "trade_policy", "Services trade restrictiveness", _INDEX, LAG_MONTHS, "stri",
        "DSD_STRI@DF_STRI_MAIN", _PROVIDER, note=_NOTE,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stri(Connector):
    """One index by country and year, 0 where a market is open and 1 where it is closed.

    Further dimensions (measure, sector, ...) are read at their total if one is marked (`TOTALS`);
    otherwise the error names the dimension and ``pick`` decides. Nothing is averaged.

    {options}
    """

    what: str = option("digital", help="digital (Digital STRI) or services (STRI)")
    years: tuple[int, ...] = option(
        (), help=f"years, such as {FIRST_YEAR}-2024; by default all from {FIRST_YEAR} on"
    )
    pick: tuple[str, ...] = option(
        (), help="rows to read where none is marked as the total, such as ACTIVITY=J61"
    )
    release: str = day_option()

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="stri",
        kind="indicators",
        title="OECD Services Trade Restrictiveness Index (STRI and Digital STRI)",
        gives=f"restrictions on digital or all services trade of {ECONOMIES} economies, "
        f"{FIRST_YEAR}-",
        licence="OECD terms (https://www.oecd.org/en/about/terms-conditions.html): reuse with "
        "citation, no Creative Commons licence",
        citation="OECD, Services Trade Restrictiveness Index; Digital Services Trade "
        "Restrictiveness Index",
        lag=f"{LAG_MONTHS} months (assumed: the source states none)",
        publication_lag_months=LAG_MONTHS,
        # Sixty downloads an hour are allowed per client address.
        pace_seconds=60.0,
        dated=True,
    )

    def __post_init__(self) -> None:
        require_choice("what", self.what, _SERIES)
        check_release_day(self.release)
        check_years(self.years)
        require_years(self.years, "the index", FIRST_YEAR)
        named = [pick.partition("=")[0] for pick in self.pick]
        for pick, name in zip(self.pick, named, strict=True):
            if not _PICK.fullmatch(pick) or name in (*_FLOWS, *_COLUMNS) or named.count(name) > 1:
                raise InputError(
                    f"--pick: {pick!r} is not a dimension's code, or names its dimension twice",
                    remedy="Give such as ACTIVITY=J61,MEASURE=STRI, each dimension once",
                )

    @property
    def series(self) -> ReadySeries:
        """The index, with what was picked."""
        series = _SERIES[self.what]
        picked = f"; rows with {', '.join(sorted(self.pick))}" if self.pick else ""
        return replace(series, note=f"{series.note}{picked}")

    @property
    def key(self) -> str:
        """``stri:<day>:<what>:<years>``, and what was picked."""
        picked = ".".join(pick.replace("=", "-") for pick in sorted(self.pick))
        key = f"stri:{self.release}:{self.what}:{years_word(self.years)}"
        return f"{key}:{picked}" if picked else key

    def locate(self) -> tuple[str, ...]:
        """One address; years are parameters."""
        # All codes of all dimensions, whose number and order may change.
        return (f"{_BASE},{self.series.at_source},{_VERSION}/all",)

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """One answer.

        Raises
        ------
        SourceError
            Also where there is nothing for these years, the selection is too large, or the
            connection is one the OECD turns away.
        """
        (url,) = self.locate()
        first = min(self.years, default=FIRST_YEAR)
        params = {"startPeriod": str(first), "format": "csvfile",
                  "dimensionAtObservation": "AllDimensions"}  # fmt: skip
        if self.years:
            params["endPeriod"] = str(max(self.years))
        span = f"{first}-{max(self.years)}" if self.years else f"since{first}"
        name = f"{self.what}-{span}.csv"
        check = partial(_check, url=url)
        fits = passes(lambda path: _refuse_other_flow(path, flow=self.series.at_source))
        return (cache.answer(url, name=name, params=params, check=check, fits=fits),)

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """One part per year; rows of groups of countries and of parts of the index are counted."""
        path, series = raw[0].path, self.series
        rows, dimensions = _read(path, flow=series.at_source)
        rows, statements = _chosen(rows, dimensions, picks=self.pick, file=path.name)
        frame = _index_rows(rows, series=series, file=path.name)
        groups = {code for code in frame["code"].unique() if _GROUP.fullmatch(code)}
        wanted = frame["year"].isin(self.years or frame["year"])
        if not (wanted & frame["value"].notna() & ~frame["code"].isin(groups)).any():
            raise SourceError(
                "the answer has no value of a country in these years",
                remedy="Widen --years",
                file=path.name,
            )
        dropped = dict.fromkeys(groups, _GROUPS_DROPPED)
        reading = Reading(frame, file=path.name, dropped=dropped, statements=tuple(statements))
        return yearly_parts(reading, chosen=(series,), years=self.years)

    def indicator_lines(self) -> tuple[IndicatorLine, ...]:
        """The line of the index."""
        return (self.series.line(),)


def _check(answer: Answer, *, url: str) -> None:
    """Refuse what is not a table of observations, each with what can be done about it."""
    nothing = re.search(r"No(Results|Records)Found", answer.text)
    if answer.status == 404 and nothing:
        raise SourceError(
            f"the source has nothing for this selection (404 {nothing[0]})",
            remedy="Widen --years: the newest edition may not be out yet",
            file=url,
        )
    if answer.status == 413:
        raise SourceError(
            "the source refuses the selection as too large (413)",
            remedy="Ask for fewer --years",
            file=url,
        )
    if answer.status == 403:
        raise SourceError(
            "the source turns this connection away (403), as it does with VPNs and anonymous "
            "addresses",
            remedy="Connect without a VPN, or download the CSV in a browser from "
            "https://data-explorer.oecd.org and give it with --from",
            file=url,
        )
    if answer.status == 200:
        header, _, rows = answer.text.partition("\n")
        cells = next(csv.reader([header]), [])
        if not {*_FLOWS, "OBS_VALUE"} & set(cells):
            raise SourceError(
                "the source's answer is not CSV of observations",
                remedy=_BY_HAND,
                file=url,
            )
        require_source_columns(cells, (_flow_column(cells), *_COLUMNS), file=url)
        _refuse_no_rows(bool(rows.strip()), file=url)


def _refuse_no_rows(present: bool, *, file: str) -> None:
    if not present:
        raise SourceError(
            "the source answered with a header and no row", remedy="Widen --years", file=file
        )


def _flow_column(header: Sequence[str]) -> str:
    return next((name for name in _FLOWS if name in header), _FLOWS[0])


def _refuse_other_flow(path: Path, *, flow: str) -> None:
    """Raise `SourceError` for a file that is not a table of the data wanted, by its first row."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        rows = csv.DictReader(handle)
        header = rows.fieldnames or ()
        require_source_columns(header, (_flow_column(header), *_COLUMNS), file=path.name)
        first = next(rows, {})
    _refuse_flow(pd.Series([first.get(_flow_column(header)) or ""]), flow, file=path.name)


def _refuse_flow(column: pd.Series, flow: str, *, file: str) -> None:
    wrong = ~column.str.contains(rf"{re.escape(flow)}(?![A-Z0-9_])", regex=True)
    if wrong.any():
        raise SourceError(
            f"expected rows of {flow}, found {column[wrong].iloc[0]!r}",
            remedy="Take the file of the index that --what names",
            file=file,
            column=str(column.name),
        )


def _read(path: Path, *, flow: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows as text but for the value, and the dimensions beside country and year."""
    header = columns_of(path, member=None)
    of_flow = _flow_column(header)
    require_source_columns(header, (of_flow, *_COLUMNS), file=path.name)
    # In SDMX-CSV every dimension stands before the value and every attribute after it; the
    # explorer's download has a label, in words, beside each code.
    before = [n for n in header[: header.index("OBS_VALUE")] if _IDENTIFIER.fullmatch(n)]
    if not {"REF_AREA", "TIME_PERIOD"} <= set(before) or len(set(header)) < len(header):
        raise _changed(
            "the order of the columns does not tell dimensions, which come before OBS_VALUE, from "
            f"attributes: {', '.join(header)}",
            file=path.name,
        )
    dimensions = tuple(name for name in before if name not in (*_NO_DIMENSIONS, *_COLUMNS))
    texts = (of_flow, *_COLUMNS[:-1], *dimensions)
    types = dict.fromkeys(texts, pa.string()) | {"OBS_VALUE": pa.float64()}
    batches = list(csv_batches(path, member=None, columns=types))
    _refuse_no_rows(any(batch.num_rows for batch in batches), file=path.name)
    rows = pa.Table.from_batches(batches).to_pandas()
    _refuse_flow(rows[of_flow], flow, file=path.name)
    return rows, dimensions


def _chosen(
    rows: pd.DataFrame, dimensions: Sequence[str], *, picks: Sequence[str], file: str
) -> tuple[pd.DataFrame, list[str]]:
    """One row per country and year: as picked, else the total; what was left out, in sentences."""
    countries, statements = set(rows["REF_AREA"]), []
    picked = dict(pick.split("=") for pick in picks)
    for name, code in picked.items():
        _refuse_unknown_pick(rows, dimensions, name=name, code=code, file=file)
        rows = rows[rows[name] == code]
    for name in dimensions:
        codes = _codes(rows, name)
        totals = [code for code in (TOTAL, *TOTALS.get(name, ())) if code in codes]
        if len(totals) == 1 and len(codes) > 1:
            kept = rows[name] == totals[0]
            statements.append(
                f"{name} is read at {totals[0]}, {int((~kept).sum()):,} other rows dropped"
            )
            rows = rows[kept]
    # After all choices: rows left by one dimension may have one code of another.
    for name in dimensions:
        codes = _codes(rows, name)
        if len(codes) > 1:
            raise SourceError(
                f"the rows differ by {name}, and none is marked as the total: "
                f"{listed(codes, most=30)}",
                remedy=f"Choose one with --pick, such as {name}={codes[0]}",
                file=file,
            )
    statements.append("Rows of " + ", ".join(f"{name}={rows[name].iloc[0]}" for name in dimensions))
    lost = sorted(countries - set(rows["REF_AREA"]))
    return rows, [*statements, f"No such row of {', '.join(lost)}"] if lost else statements


def _refuse_unknown_pick(
    rows: pd.DataFrame, dimensions: Sequence[str], *, name: str, code: str, file: str
) -> None:
    if name not in dimensions:
        raise InputError(
            f"--pick: there is no dimension {name}",
            remedy=f"Choose among {', '.join(dimensions) or 'none: the answer has no other'}",
            file=file,
        )
    codes = _codes(rows, name)
    if code not in codes:
        raise InputError(
            f"--pick: no row has {name}={code} (beside what else was picked)",
            remedy=f"Choose of {listed(codes, most=30)}",
            file=file,
        )


def _codes(rows: pd.DataFrame, name: str) -> list[str]:
    return sorted(rows[name].unique())


def _index_rows(rows: pd.DataFrame, *, series: ReadySeries, file: str) -> pd.DataFrame:
    """``series, code, year, value``; refuses values outside the index and periods beyond years."""
    value, period = rows["OBS_VALUE"], rows["TIME_PERIOD"]
    for column, wrong in (
        ("TIME_PERIOD", ~period.str.fullmatch(r"\d{4}")),
        ("OBS_VALUE", value.notna() & ~value.between(0.0, 1.0)),
    ):
        if wrong.any():
            row = rows[wrong].iloc[0]
            what = "a year" if column == "TIME_PERIOD" else "an index from 0 to 1"
            raise _changed(
                f"{row[column]!s} of {row['REF_AREA']} is not {what}", file=file, column=column
            )
    return pd.DataFrame(
        {
            "series": series.at_source,
            "code": rows["REF_AREA"].str.strip(),
            "year": period.astype("int32"),
            "value": value,
        }
    )
