"""Bilateral goods trade from the IMF's International Trade in Goods by partner country."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

import pandas as pd
import pyarrow as pa

from features.countries.source_codes import alpha3_to_iso3, has_iso3, translate
from features.download.answers import Answer
from features.download.given import passes
from features.download.raw_file import RawFile
from features.errors import InputError, SourceError, first_line
from features.sources.imf_explorer import is_explorer, read_explorer
from features.sources.imts_reports import (
    ORIGIN,
    declared_table,
    origin_of,
    without_estimates,
)
from features.sources.indicator_parts import check_release_day, check_years
from features.store.connector import Connector
from features.store.source import Kind, SourceInfo, day_option, option, require_choice
from features.tidy.csv_stream import header
from features.tidy.parts import Notes, Part, with_notes
from features.tidy.tidying import refuse_twice, require_source_columns, trade_frame_table
from features.tidy.years import years_word

if TYPE_CHECKING:
    from pathlib import Path

    from features.download.raw_cache import RawCache

_BASE = "https://api.imf.org/external/sdmx/3.0/data/dataflow/IMF.STA/IMTS"
# The latest stable version is "+", which in an address would mean a space.
_VERSION = quote("+", safe="")
_ACCEPT = "application/vnd.sdmx.data+csv;version=2.0.0"
_INDICATORS = {"exports": "XG_FOB_USD", "imports": "MG_CIF_USD"}
_FREQUENCIES = {"annual": "A", "monthly": "M"}
BOTH = "both"
"""Both flows as reports, for ``--reports`` of a run."""
_COLUMNS = ("COUNTRY", "INDICATOR", "COUNTERPART_COUNTRY", "FREQUENCY", "TIME_PERIOD", "OBS_VALUE")
_GROUP = re.compile(r"G\d+")
# "Not specified" within a continent and the like (GX170, TX898), and a group spelt in letters.
_NO_COUNTRY = re.compile(r"[A-Z]{1,2}\d{3}|GCANCEX")
_OWN_CODES = {"XKX": "KOS"}
FIRST_YEAR = 2000
"""Before, Belgium-Luxembourg and the Southern African Customs Union report as one."""
PARTIAL_SHARE = 0.9
"""Share of the previous year's reporters below which the last year counts as partial."""
# The whole world's matrix takes the server minutes before its first byte.
_READ_TIMEOUT = 1800.0


@dataclass(frozen=True, slots=True)
class Imts(Connector):
    """Total goods trade between countries, current USD, as one side reported it.

    Exports are free on board, as the exporter reports them; imports include cost, insurance and
    freight, as the importer reports them.

    {options}
    """

    flow: str = option(
        "exports", help="exports (FOB), imports (CIF), as reported, or both as reports of a run"
    )
    frequency: str = option("annual", help="annual, or monthly for both flows")
    years: tuple[int, ...] = option(
        (), help=f"years, such as 2010-2024; by default all from {FIRST_YEAR} on"
    )
    reporters: tuple[str, ...] = option(
        (), help="reporting countries, such as DEU,USA; by default all, which takes minutes"
    )
    release: str = day_option()

    INFO: ClassVar[SourceInfo] = SourceInfo(
        name="imts",
        kind="trade",
        title="IMF International Trade in Goods by partner country (IMTS)",
        gives="total goods exports or imports between countries, as reported",
        licence="IMF terms (https://www.imf.org/external/terms.htm), no Creative Commons licence",
        citation="International Monetary Fund, International Trade in Goods (by partner country), "
        "IMTS",
        lag="4 to 6 months for most reporters, over a year for some",
        publication_lag_months=6,
        # Ten requests in five seconds are allowed.
        pace_seconds=0.6,
        dated=True,
        renewed_months=2,
        declared=True,
    )

    def __post_init__(self) -> None:
        require_choice("flow", self.flow, (*_INDICATORS, BOTH))
        # Months of one flow would be trade of incomplete years.
        require_choice("frequency", self.frequency, _FREQUENCIES if self._reports else ("annual",))
        check_years(self.years)
        check_release_day(self.release)
        for code in self.reporters:
            if not has_iso3(code) or self.reporters.count(code) > 1:
                raise InputError(
                    f"--reporters: {code!r} is not a country's code or is named twice",
                    remedy="Give ISO 3166 alpha-3 codes such as DEU, each once",
                )

    @property
    def kind(self) -> Kind:
        """Trade, or reports of both flows."""
        return "reports" if self._reports else "trade"

    @property
    def _reports(self) -> bool:
        return self.flow == BOTH

    @property
    def _flows(self) -> tuple[str, ...]:
        return tuple(_INDICATORS) if self._reports else (self.flow,)

    @property
    def key(self) -> str:
        """``imts:<day>:<flow>:<reporters>:<years>``; of reports ``<flow>:<frequency>``."""
        reporters = _short(sorted(self.reporters)) or "all"
        years = years_word(self.years) if self.years else f"since{FIRST_YEAR}"
        flow = f"{self.flow}:{self.frequency}" if self._reports else self.flow
        return f"imts:{self.release}:{flow}:{reporters}:{years}"

    def locate(self) -> tuple[str, ...]:
        """One address per flow, or one per reporter and flow."""
        return tuple(self._address(area, flow) for flow in self._flows for area in self._areas())

    def download(self, cache: RawCache) -> tuple[RawFile, ...]:
        """One answer per flow for all reporters, or one for each.

        Raises
        ------
        SourceError
            Also for an answer without a row, the source's answer to a wrong request.
        """
        if cache.offline:
            wanted = [_INDICATORS[flow] for flow in self._flows]
            fits = passes(partial(_refuse_other, wanted=wanted))
            kind = f"a table of {' or '.join(wanted)} from data.imf.org (IMTS)"
            return cache.all_given(fits, kind=kind)
        return tuple(
            cache.answer(
                self._address(area, flow),
                name=self._file_name(area, flow),
                # `startPeriod` is accepted and ignored.
                params={"c[TIME_PERIOD]": f"ge:{self._first_year}"},
                headers={"Accept": _ACCEPT},
                check=partial(_check, url=self._address(area, flow)),
                read_timeout=_READ_TIMEOUT,
            )
            for flow in self._flows
            for area in self._areas()
        )

    def tidy(self, raw: Sequence[RawFile]) -> Iterator[Part]:
        """One part per year."""
        notes = Notes()
        rows = pd.concat([self._read(file.path, notes) for file in raw], ignore_index=True)
        rows = _known_countries(rows, notes, file=raw[0].path.name)
        if self.reporters:
            # A user's file may have others.
            asked = rows["reporter"].isin(self.reporters)
            notes.count("rows of reporters not asked for dropped", int((~asked).sum()))
            rows = rows[asked]
        words = "trade of {reporter} with {partner} in {year}"
        key = ["reporter", "partner", "year"]
        if self._reports:
            key += ["flow", "month"]
            rows = without_estimates(rows, notes)
        refuse_twice(rows, key, words, file=raw[0].path.name)
        years = sorted(set(rows["year"]))
        absent = [str(year) for year in self.years if year not in years]
        if absent:
            notes.say(f"No figures of {', '.join(absent)}")
        _say_if_partial(rows, notes)
        if self.flow == "imports":
            notes.say("Imports are valued with cost, insurance and freight (CIF)")
        parts = (Part.of_year(int(y), partial(self._build, rows[rows["year"] == y], int(y)))
                 for y in years)  # fmt: skip
        yield from with_notes(notes, parts)

    def _build(self, frame: pd.DataFrame, year: int, notes: Notes) -> pa.Table:
        del notes
        if self._reports:
            return declared_table(frame, monthly=self.frequency == "monthly")
        sides = ("reporter", "partner") if self.flow == "exports" else ("partner", "reporter")
        named = frame.rename(columns=dict(zip(sides, ("exporter", "importer"), strict=True)))
        return trade_frame_table(named[["exporter", "importer", "value_usd"]], year=year)

    @property
    def _first_year(self) -> int:
        return min(self.years, default=FIRST_YEAR)

    def _areas(self) -> tuple[str, ...]:
        # An empty slot of the key is answered with 200 and no row; only "*" means all.
        return tuple(_OWN_CODES.get(code, code) for code in sorted(self.reporters)) or ("*",)

    def _address(self, area: str, flow: str) -> str:
        series = f"{area}.{_INDICATORS[flow]}.*.{_FREQUENCIES[self.frequency]}"
        return f"{_BASE}/{_VERSION}/{series}"

    def _file_name(self, area: str, flow: str) -> str:
        who = "all" if area == "*" else area
        months = "" if self.frequency == "annual" else "-monthly"
        return f"{flow}-{who}{months}-since{self._first_year}.csv"

    def _read(self, path: Path, notes: Notes) -> pd.DataFrame:
        """Rows of one answer as ``reporter, partner, year, value_usd``, codes as the source's.

        Those of reports have ``flow``, ``month`` (0 for a year) and what says who made a figure.
        """
        rows = _csv_rows(path)
        flow_of = {_INDICATORS[flow]: flow for flow in self._flows}
        ours = rows["INDICATOR"].isin(flow_of)
        ours &= rows["FREQUENCY"] == _FREQUENCIES[self.frequency]
        notes.count("rows of other indicators or frequencies dropped", int((~ours).sum()))
        rows = rows[ours]
        year, month = _periods(rows, monthly=self.frequency == "monthly", file=path.name)
        wanted = year.isin(self.years) if self.years else year >= FIRST_YEAR
        notes.count("rows of years not asked for dropped", int((~wanted).sum()))
        known = rows["OBS_VALUE"].notna()
        notes.count("rows without a value left out", int((wanted & ~known).sum()))
        # SCALE only concerns the display; OBS_VALUE is in dollars.
        table = pd.DataFrame(
            {
                "reporter": rows["COUNTRY"],
                "partner": rows["COUNTERPART_COUNTRY"],
                "year": year,
                "value_usd": rows["OBS_VALUE"],
            }
        )
        if self._reports:
            table = table.assign(flow=rows["INDICATOR"].map(flow_of), month=month)
            table = table.join(origin_of(rows, file=path.name))
        return table[wanted & known]


def _periods(rows: pd.DataFrame, *, monthly: bool, file: str) -> tuple[pd.Series, pd.Series]:
    """Year and month of each row; month 0 for a year."""
    periods = rows["TIME_PERIOD"].astype("category")
    pattern, what = (r"\d{4}-M(0[1-9]|1[0-2])", "month") if monthly else (r"\d{4}", "year")
    for period in periods.cat.categories:
        if not re.fullmatch(pattern, period):
            raise SourceError(f"{period!r} is not a {what}", file=file, column="TIME_PERIOD")
    text = periods.astype("str")
    month = text.str[-2:].astype("int8") if monthly else pd.Series(0, rows.index, dtype="int8")
    return text.str[:4].astype("int16"), month


def _check(answer: Answer, *, url: str) -> None:
    """Refuse a page, and a header without rows."""
    if answer.status != 200:
        return
    header, _, rows = answer.body.partition(b"\n")
    if b"OBS_VALUE" not in header:
        raise SourceError(
            "the source's answer is not CSV of observations",
            remedy="Try again later, or download the file by hand and give its folder with --from",
            file=url,
        )
    # A stripped copy would double the answer's hundreds of megabytes.
    if not rows[:1000].strip():
        raise SourceError(
            "the source answered with a header and no row, as it does for a selection it lacks",
            remedy="Check --reporters and --years: the country may report nothing there",
            file=url,
        )


def _refuse_other(path: Path, *, wanted: Sequence[str]) -> None:
    """Raise `SourceError` for a file without figures of an indicator, by its first rows."""
    found = header(path, member=None)
    if is_explorer(found):
        indicators = set(read_explorer(path)["INDICATOR"])
        present = any(name in indicators for name in wanted)
    else:
        require_source_columns(found, _COLUMNS, file=path.name)
        with path.open(encoding="utf-8-sig") as handle:
            begin = handle.read(1 << 16)
        present = any(name in begin for name in wanted)
    if not present:
        raise SourceError("the table has another indicator", file=path.name)


def _csv_rows(path: Path) -> pd.DataFrame:
    """The columns that are used, by name: their number and order differ between versions."""
    import pyarrow.csv as pacsv

    found = header(path, member=None)
    if is_explorer(found):
        return read_explorer(path)
    try:
        require_source_columns(found, _COLUMNS, file=path.name)
        code = pa.dictionary(pa.int32(), pa.string())
        text = (*_COLUMNS[:-1], *(name for name in ORIGIN if name in found))
        types = dict.fromkeys(text, code) | {"OBS_VALUE": pa.float64()}
        table = pacsv.read_csv(
            path,
            convert_options=pacsv.ConvertOptions(
                include_columns=list(types),
                column_types=types,
                null_values=["", "NaN"],
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise SourceError(
            f"the CSV cannot be read ({first_line(error)})", file=path.name
        ) from error
    return table.to_pandas().astype(dict.fromkeys(text, "str"))


def _known_countries(rows: pd.DataFrame, notes: Notes, *, file: str) -> pd.DataFrame:
    """Codes as ISO alpha-3; drops and counts groups, other non-countries and self trade."""
    columns = {"reporter": "COUNTRY", "partner": "COUNTERPART_COUNTRY"}
    grouped = pd.Series(False, index=rows.index)
    nowhere = pd.Series(False, index=rows.index)
    for side, column in columns.items():
        sizes = rows[side].value_counts().sort_index().to_dict()
        groups = {code for code in sizes if _GROUP.fullmatch(code)}
        iso3 = translate(sizes, _area_to_iso3, file=file, column=column, count=notes.count)
        others = {code for code, country in iso3.items() if country is None} - groups
        grouped |= rows[side].isin(groups)
        nowhere |= rows[side].isin(others)
        if others:
            notes.say(f"{column} names areas that are not countries: {', '.join(sorted(others))}")
        rows = rows.assign(**{side: rows[side].map(iso3)})
    notes.count("rows of groups of countries dropped", int(grouped.sum()))
    notes.count("rows of areas that are not countries dropped", int((nowhere & ~grouped).sum()))
    rows = rows[~grouped & ~nowhere]
    itself = rows["reporter"] == rows["partner"]
    notes.count("rows of a country's trade with itself (returned goods) dropped", itself.sum())
    return rows[~itself]


def _area_to_iso3(code: str) -> str | None:
    no_country = _GROUP.fullmatch(code) or _NO_COUNTRY.fullmatch(code)
    return None if no_country else alpha3_to_iso3(code)


def _say_if_partial(rows: pd.DataFrame, notes: Notes) -> None:
    """Note where the last year has clearly fewer reporters than the year before."""
    counted = rows.groupby("year")["reporter"].nunique()
    if len(counted) < 2:
        return
    (_, before), (last, now) = list(counted.items())[-2:]
    if now < PARTIAL_SHARE * before:
        notes.say(
            f"{last} seems partial: {now} countries report it so far, {before} the year before"
        )


def _short(words: Sequence[str]) -> str:
    """Words as part of a key; many become a digest."""
    text = "_".join(words)
    if len(text) <= 40:
        return text
    return f"{len(words)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
