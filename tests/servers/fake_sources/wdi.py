"""World Bank: its API with errors under status 200, and its bulk archive behind a redirect."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from fake_sources.server import Reply, Request, ranged
from features.sources.indicator_sets import ready_of

Values = Mapping[tuple[str, int], float | None]

AREAS = (
    # alpha-3, alpha-2, name, region; "NA" stands for groups, and is Namibia's alpha-2 code too
    ("AFE", "ZH", "Africa Eastern and Southern", "NA"),
    ("CHI", "JG", "Channel Islands", "ECS"),
    ("DEU", "DE", "Germany", "ECS"),
    ("HIC", "XD", "High income", "NA"),
    ("XKX", "XK", "Kosovo", "ECS"),
    ("NAM", "NA", "Namibia", "SSF"),
    ("INX", "XY", "Not classified", "NA"),
    ("VNM", "VN", "Viet Nam", "EAS"),
    ("WLD", "1W", "World", "NA"),
)
COUNTRIES = ("DEU", "NAM", "VNM", "XKX")
# Groups by income and what is not classified come without an alpha-3 code.
NAMELESS = ("HIC", "INX")
YEARS = range(2019, 2026)
TWO = ("NY.GDP.MKTP.CD", "IT.NET.USER.ZS")


def toy(series: str, *, years: range = YEARS) -> dict[tuple[str, int], float | None]:
    """Made-up values of every area; one country has gaps and the last year is empty."""
    seed = sum(map(ord, series))
    values: dict[tuple[str, int], float | None] = {}
    for place, (iso3, *_) in enumerate(AREAS):
        for year in years:
            gap = year == years[-1] or (iso3 == "VNM" and year % 2)
            values[iso3, year] = None if gap else float(seed % 89 + 10 * place + year - 2000)
    return values


MESSAGES = {
    "120": ("Invalid value", "The provided parameter value is not valid"),
    "175": ("Invalid format", "The indicator was not found. It may have been deleted or archived."),
}


def message(number: str) -> Reply:
    key, value = MESSAGES[number]
    return Reply(json.dumps([{"message": [{"id": number, "key": key, "value": value}]}]))


@dataclass
class FakeWdi:
    """The source with the series given.

    Attributes
    ----------
    series
        Values by alpha-3 code and year.
    largest_page
        Rows it gives at most on a page, whatever is asked for.
    updated
        What it says of its last update.
    bad_gateways
        How many of the next answers are 502.
    spoil
        Changes the parts of an answer of series before it is sent; sees the page's number.
    members
        Changes the members of the archive before they are packed.
    cut
        Breaks the archive's connection after so many bytes, once.
    archive
        Sent instead of the archive.
    """

    series: dict[str, Values]
    largest_page: int = 32_500
    updated: str = "2026-07-13"
    bad_gateways: int = 0
    spoil: Callable[[dict, list, int], object] | None = None
    members: Callable[[dict[str, str]], dict[str, str | bytes]] | None = None
    cut: int | None = None
    archive: bytes | None = None
    retired: set[str] = field(default_factory=set)

    def __call__(self, request: Request) -> Reply:
        if request.path == "/data/download/WDI_CSV.zip":
            return Reply(status=301, headers={"Location": "/public/ddpext_download/WDI_CSV.zip"})
        if request.path == "/public/ddpext_download/WDI_CSV.zip":
            cut, self.cut = self.cut, None
            body = self.packed() if self.archive is None else self.archive
            return ranged(body, request, cut=cut)
        if self.bad_gateways:
            self.bad_gateways -= 1
            return Reply("<html>502 Bad Gateway</html>", status=502)
        if request.query.get("format") != "json":
            return Reply('<?xml version="1.0"?><wb:error/>')
        if int(request.query.get("per_page", 50)) >= 50_000:
            return Reply("<!DOCTYPE html><html>Request Error</html>")
        if request.path == "/v2/country":
            return self._page(request, [_country(*area) for area in AREAS], listing=True)
        name = request.path.removeprefix("/v2/country/all/indicator/")
        if name in self.retired:
            return message("175")
        if name == request.path or name not in self.series:
            return message("120")
        return self._page(request, self._rows(name, request.query.get("date")))

    def _rows(self, name: str, date: str | None) -> list[dict]:
        first, _, last = (date or "1960:2030").partition(":")
        values = self.series[name]
        return [
            {
                "indicator": {"id": name, "value": f"label of {name}"},
                "country": {"id": iso2, "value": label},
                "countryiso3code": "" if iso3 in NAMELESS else iso3,
                "date": str(year),
                "value": values[iso3, year],
                "unit": "",
                "obs_status": "",
                "decimal": 0,
            }
            for iso3, iso2, label, _ in sorted(AREAS, key=lambda area: area[2])
            for year in sorted({y for _, y in values}, reverse=True)
            if (iso3, year) in values and int(first) <= year <= int(last or first)
        ]

    def _page(self, request: Request, rows: list[dict], *, listing: bool = False) -> Reply:
        size = min(int(request.query.get("per_page", 50)), self.largest_page)
        number = int(request.query.get("page", 1))
        if not rows:
            return Reply(json.dumps([{"page": 0, "pages": 0, "per_page": 0, "total": 0}, None]))
        head = {"page": number, "pages": math.ceil(len(rows) / size), "total": len(rows)}
        shown = rows[(number - 1) * size : number * size]
        if listing:
            return Reply(json.dumps([head | {"per_page": str(size)}, shown]))
        head |= {"per_page": size, "sourceid": "2", "lastupdated": self.updated}
        if self.spoil is not None:
            self.spoil(head, shown, number)
        return Reply(json.dumps([head, shown]))

    def packed(self) -> bytes:
        """The archive: byte order marks, a comma at the end of each line, groups without region."""
        years = sorted({year for values in self.series.values() for _, year in values})
        data = ["Country Name,Country Code,Indicator Name,Indicator Code,"
                + "".join(f"{year}," for year in years)]  # fmt: skip
        for iso3, _, label, _ in AREAS:
            for name in (*self.series, "ZZ.NOT.ASKED.FOR"):
                cells = [self.series.get(name, {}).get((iso3, year)) for year in years]
                shown = "".join("," if cell is None else f"{cell!r}," for cell in cells)
                data.append(f'"{label}",{iso3},"Label, of {name}",{name},{shown}')
        countries = ["Country Code,Short Name,2-alpha code,Region,Income Group,"] + [
            f"{iso3},{label},{iso2},{'' if region == 'NA' else region},,"
            for iso3, iso2, label, region in AREAS
        ]
        listed = ["Series Code,Topic,License Type,"] + [
            f"{name},,CC BY-4.0," for name in self.series
        ]
        members = {
            "WDIcountry-series.csv": "CountryCode,SeriesCode,DESCRIPTION\n",
            "WDICSV.csv": "\ufeff" + "\n".join(data) + "\n",
            "WDICountry.csv": "\ufeff" + "\n".join(countries) + "\n",
            "WDISeries.csv": "\ufeff" + "\n".join(listed) + "\n",
        }
        if self.members is not None:
            members = self.members(members)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in members.items():
                archive.writestr(name, text)
        return packed.getvalue()


def _country(iso3: str, iso2: str, label: str, region: str) -> dict:
    return {
        "id": iso3,
        "iso2Code": iso2,
        "name": label,
        "region": {
            "id": region,
            "iso2code": region,
            "value": "Aggregates" if region == "NA" else "",
        },
        "incomeLevel": {"id": "", "value": ""},
        "longitude": "0",
        "latitude": "0",
    }


def fake_wdi(*names: str, **traits: object) -> FakeWdi:
    """The source with made-up values of the series named."""
    return FakeWdi({name: toy(name) for name in names or TWO}, **traits)


def tidy(data: FakeWdi) -> pd.DataFrame:
    """What a reader who knows the areas would make of the fake's values."""
    known = {s.at_source: s for s in ready_of("wdi")}
    rows = [
        (iso3, year, known[series].name, value * known[series].scale)
        for series, values in data.series.items()
        for (iso3, year), value in values.items()
        if value is not None and iso3 in COUNTRIES
    ]
    return ordered(pd.DataFrame(rows, columns=["iso3", "year", "indicator", "value"]))


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of a data set as they can be compared."""
    types = {"iso3": "str", "year": "int64", "indicator": "str", "value": "float64"}
    return frame.astype(types).sort_values(["indicator", "iso3", "year"], ignore_index=True)
