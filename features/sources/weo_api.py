"""WEO vintages from April 2025 on, from the IMF's SDMX API."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from features.countries.source_codes import alpha3_to_iso3, translate
from features.download.answers import Answer
from features.download.raw_file import RawFile
from features.errors import SourceError, first_line
from features.sources.weo_files import is_group, last_actual_year
from features.tidy.parts import Notes
from features.tidy.tidying import refuse_twice, require_source_columns

if TYPE_CHECKING:
    from features.download.raw_cache import RawCache

_HOST = "https://api.imf.org/external/sdmx/3.0"
LISTING = f"{_HOST}/structure/dataflow/IMF.RES/*/*"
_DATA = f"{_HOST}/data/dataflow/IMF.RES"
_CSV = {"Accept": "text/csv"}
_ARCHIVED = re.compile(r"WEO_(\d{4})_(APR|OCT)_VINTAGE")
_MONTHS = {"APR": "04", "OCT": "10"}
_SERIES = ("COUNTRY", "INDICATOR", "FREQUENCY")
_COLUMNS = (*_SERIES, "TIME_PERIOD", "OBS_VALUE")
_LAST_ACTUAL = "LATEST_ACTUAL_ANNUAL_DATA"
_REMEDY = (
    "Try again later, or download the workbook by hand from data.imf.org and give it with --from"
)
_broken = partial(SourceError, remedy=_REMEDY)


class Flow(NamedTuple):
    """A dataflow and its version; the newest vintages are versions of ``WEO``."""

    name: str
    version: str

    @property
    def rank(self) -> tuple[bool, tuple[int, ...]]:
        """Of two with one vintage the greater counts: ``WEO`` itself, then later versions."""
        return self.name == "WEO", tuple(int(n) for n in re.findall(r"\d+", self.version))


def download_vintage(cache: RawCache, vintage: str) -> tuple[RawFile, RawFile]:
    """Figures of a vintage, and metadata of its series (where estimates start).

    Raises
    ------
    SourceError
        For a vintage that the interface does not have; names those it has.
    """
    listing = cache.answer(
        LISTING, name="dataflows.json", params={"detail": "allstubs"}, check=_check_listing
    )
    flow = _flow_of(cache, vintage, _flows(listing.path.read_bytes()))
    url = f"{_DATA}/{flow.name}/{flow.version}/*"
    data = cache.answer(
        url,
        name=data_name(vintage),
        headers=_CSV,
        check=partial(_check_csv, columns=_COLUMNS),
        read_timeout=600.0,
    )
    series = cache.answer(
        url,
        name=series_name(vintage),
        params={"attributes": "series", "firstNObservations": "1"},
        headers=_CSV,
        check=partial(_check_csv, columns=(*_SERIES, _LAST_ACTUAL)),
        read_timeout=600.0,
    )
    return data, series


def data_name(vintage: str) -> str:
    """Name of a vintage's figures in the cache."""
    return f"WEO-{vintage}.csv"


def series_name(vintage: str) -> str:
    """Name of the metadata of a vintage's series."""
    return f"WEO-{vintage}-series.csv"


def _flow_of(cache: RawCache, vintage: str, flows: Collection[Flow]) -> Flow:
    """The flow of a vintage: by its name, else by the publication day in its data."""
    vintages: dict[str, Flow] = {}
    for flow in sorted(flows, key=lambda flow: flow.rank):
        vintages[_vintage_of(cache, flow)] = flow
    if vintage not in vintages:
        have = ", ".join(sorted(vintages)) or "none"
        raise SourceError(
            f"the interface has no vintage {vintage}; it has {have}",
            remedy="Choose --vintages among those, or download the workbook by hand from "
            "https://data.imf.org (dataset WEO) and give it with --from",
            file="weo",
        )
    return vintages[vintage]


def _vintage_of(cache: RawCache, flow: Flow) -> str:
    archived = _ARCHIVED.fullmatch(flow.name)
    if archived:
        return f"{archived[1]}-{_MONTHS[archived[2]]}"
    probe = cache.answer(
        f"{_DATA}/{flow.name}/{flow.version}/USA.NGDP_RPCH.A",
        name=f"published-{flow.version}.csv",
        params={"attributes": "dataset", "lastNObservations": "1"},
        headers=_CSV,
        check=partial(_check_csv, columns=("PUBLICATION_DATE",)),
    )
    day = str(_table(probe.path.read_bytes(), probe.path.name)["PUBLICATION_DATE"].iloc[0])
    named = re.match(r"(\d{4})-(\d{2})", day)
    if named is None:
        raise _broken(f"{day!r} is not a publication day", file=probe.path.name)
    # Out in the second half of April or the middle of October, give or take a week.
    return f"{named[1]}-{'04' if int(named[2]) < 7 else '10'}"


def read_api_vintage(
    data: Path, series: Path, *, codes: Collection[str], notes: Notes
) -> pd.DataFrame:
    """Series of the wanted codes, countries only; see `weo_files.read_vintage`.

    The API gives plain units (dollars, persons), despite the scale it names.

    Raises
    ------
    SourceError
        For a table that is broken or changed, or has a figure twice.
    """
    rows = _table(data.read_bytes(), data.name)
    require_source_columns([*rows], _COLUMNS, file=data.name)
    rows = rows[rows["INDICATOR"].isin([*codes]) & (rows["FREQUENCY"] == "A")]
    areas = rows["COUNTRY"].map(is_group).astype(bool)
    notes.count("series of groups of countries dropped", _count_series(rows[areas]))
    rows = rows[~areas]
    sizes = rows["COUNTRY"].value_counts().sort_index().to_dict()
    iso3 = translate(sizes, alpha3_to_iso3, file=data.name, column="COUNTRY", count=notes.count)
    rows = rows.assign(iso3=rows["COUNTRY"].map(iso3))
    rows = rows[rows["iso3"].notna() & (rows["OBS_VALUE"].str.strip() != "")]
    words = "{INDICATOR} of {COUNTRY} in {TIME_PERIOD}"
    refuse_twice(rows, ("iso3", "INDICATOR", "TIME_PERIOD"), words, file=data.name)
    try:
        return pd.DataFrame(
            {
                "iso3": rows["iso3"].astype("str"),
                "code": rows["INDICATOR"].astype("str"),
                "year": rows["TIME_PERIOD"].astype("int64"),
                "value": rows["OBS_VALUE"].astype("float64"),
                "scale": 1.0,
                "last_actual": _last_actual(rows, series, notes),
            }
        ).reset_index(drop=True)
    except ValueError as error:
        raise _broken(f"a figure cannot be read ({first_line(error)})", file=data.name) from error


def _last_actual(rows: pd.DataFrame, series: Path, notes: Notes) -> pd.Series:
    """Last year of each row's series that is not an estimate, NaN if unknown."""
    table = _table(series.read_bytes(), series.name)
    require_source_columns([*table], (*_SERIES, _LAST_ACTUAL), file=series.name)
    present = set(zip(rows["COUNTRY"], rows["INDICATOR"], strict=True))
    known: dict[tuple[str, str], float] = {}
    columns = [table[name] for name in (*_SERIES, _LAST_ACTUAL)]
    for number, (area, code, frequency, last) in enumerate(zip(*columns, strict=True), start=2):
        if frequency == "A" and (area, code) in present:
            known[area, code] = last_actual_year(last, row=number, file=series.name, notes=notes)
    keys = zip(rows["COUNTRY"], rows["INDICATOR"], strict=True)
    return pd.Series([known.get(key, float("nan")) for key in keys], index=rows.index, dtype=float)


def _count_series(rows: pd.DataFrame) -> int:
    return len(rows[["COUNTRY", "INDICATOR"]].drop_duplicates())


def _table(body: bytes, file: str) -> pd.DataFrame:
    try:
        return pd.read_csv(BytesIO(body), dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError) as error:
        raise _broken(f"the CSV cannot be read ({first_line(error)})", file=file) from error


def _check_csv(answer: Answer, *, columns: Collection[str]) -> None:
    """Refuse a page, another table, or a header without a row, as for a wrong request."""
    if answer.status != 200:
        return
    head = answer.body[: 1 << 16]
    cut = head[: head.rfind(b"\n") + 1] or head
    rows = _table(cut, "SDMX interface of the IMF")
    require_source_columns([*rows], columns, file="SDMX interface of the IMF")
    if rows.empty:
        raise _broken("the source answered with a header and no row", file="weo")


def _check_listing(answer: Answer) -> None:
    if answer.status == 200:
        _flows(answer.body)


def _flows(body: bytes) -> list[Flow]:
    """The flows of the Outlook in the list of the department's."""
    try:
        flows = [Flow(f["id"], f["version"]) for f in json.loads(body)["data"]["dataflows"]]
    except (ValueError, KeyError, TypeError):
        raise _broken("the source's answer is not a list of dataflows", file=LISTING) from None
    return [flow for flow in flows if flow.name == "WEO" or _ARCHIVED.fullmatch(flow.name)]
