"""The IMF's server of WEO vintages: text called .xls, workbooks under folders nobody can guess."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fake_sources.server import Reply, Request, ranged

MONTHS = {"04": "April", "09": "September", "10": "October"}
LEGACY = "/-/media/Files/Publications/WEO/WEO-Database"
ADDRESSES = {
    "2011-09": f"{LEGACY}/2011/WEOSep2011all.xls",
    "2015-04": f"{LEGACY}/2015/WEOApr2015all.xls",
    "2020-04": f"{LEGACY}/2020/WEOApr2020all.xls",
    "2020-10": f"{LEGACY}/2020/02/WEOOct2020all.xls",
    "2021-10": f"{LEGACY}/2021/WEOOct2021all.ashx",
    "2022-10": f"{LEGACY}/2022/WEOOct2022all.ashx",
    "2023-10": f"{LEGACY}/2023/WEOOct2023all.ashx",
    "2024-04": f"{LEGACY}/2024/April/WEOApr2024all.xls",
    "2024-10": f"{LEGACY}/2024/October/WEOOct2024all.xls",
}
API = "/external/sdmx/3.0"
FLOWS = {
    "2025-04": ("WEO", "6.0.0"),
    "2025-10": ("WEO_2025_OCT_VINTAGE", "1.0.0"),
    "2026-04": ("WEO", "9.0.0"),
}
"""Where the interface has each vintage: nothing but its data says which a version of WEO is of."""
_SCALES = {"": 0, "Units": 0, "Thousands": 3, "Millions": 6, "Billions": 9}


@dataclass(frozen=True)
class Series:
    """A row of a vintage: values in the unit that ``scale`` names."""

    area: str
    code: str
    values: dict[int, object]
    scale: str = ""
    last_actual: object = ""


@dataclass
class FakeWeo:
    """Serves the vintages given; every other address is a page of the site, with status 200.

    From April 2025 on the interface has them; a body in their place is sent for every table.
    """

    vintages: dict[str, Sequence[Series]]
    utf16: frozenset[str] = frozenset({"2020-10", "2024-04"})
    bodies: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for vintage, rows in self.vintages.items():
            if vintage in FLOWS:
                self.bodies.setdefault(vintage, b"")
            elif vintage not in self.bodies:
                self.bodies[vintage] = vintage_file(vintage, rows, utf16=vintage in self.utf16)

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith(API):
            return self._interface(request)
        for vintage, path in ADDRESSES.items():
            if request.path == path and vintage in self.bodies:
                return ranged(self.bodies[vintage], request, etag=f'"{vintage}"')
        return Reply("<!DOCTYPE html><html><title>Page not found</title></html>")

    def _interface(self, request: Request) -> Reply:
        """Lists flows of the whole department; an unknown key is a header without a row."""
        there = {v: flow for v, flow in FLOWS.items() if v in self.bodies}
        if request.path == f"{API}/structure/dataflow/IMF.RES/*/*":
            others = [("WEO_LIVE", "1.0.0"), ("CCI", "2.0.0"), *there.values()]
            flows = [{"id": i, "version": v, "agencyID": "IMF.RES"} for i, v in others]
            return Reply(json.dumps({"meta": {}, "data": {"dataflows": flows}}))
        name, _, rest = request.path.removeprefix(f"{API}/data/dataflow/IMF.RES/").partition("/")
        version, _, key = rest.partition("/")
        vintage = next((v for v, flow in there.items() if flow == (name, version)), None)
        if vintage is None:
            return Reply("No dataflow", status=404)
        if request.headers.get("accept") != "text/csv":
            return Reply(json.dumps({"data": {"dataSets": []}}))
        if request.query.get("attributes") == "dataset":
            day = f"{vintage}-14T09:00:00"
            line = f"dataflow,IMF.RES:{name}({version}),R,USA,NGDP_RPCH,A,2030,1.8,{day}\r\n"
            return Reply(
                f"{_KEYS},TIME_PERIOD,OBS_VALUE,PUBLICATION_DATE\r\n" + line * (key != "*")
            )
        if self.bodies[vintage]:
            return Reply(self.bodies[vintage])
        series = request.query.get("attributes") == "series"
        return Reply(api_csv(self.vintages[vintage], flow=f"{name}({version})", series=series))


_KEYS = "STRUCTURE[;],STRUCTURE_ID,ACTION,COUNTRY,INDICATOR,FREQUENCY"


def api_csv(rows: Sequence[Series], *, flow: str, series: bool) -> str:
    """Figures in plain units beside a scale; or the first figure of each series, and its notes."""
    lines = [
        f"{_KEYS},TIME_PERIOD,OBS_VALUE,"
        + ("LATEST_ACTUAL_ANNUAL_DATA,METHODOLOGY_NOTES" if series else "SCALE,COUNTRY_UPDATE_DATE")
    ]
    for row in rows:
        power = _SCALES.get(row.scale, 0)
        known = {y: v for y, v in row.values.items() if v not in (None, "")}
        for year, value in list(known.items())[: 1 if series else None]:
            plain = value * 10**power if isinstance(value, int | float) else value
            rest = f'{row.last_actual},"Source, and ""notes"""' if series else f"{power},9/19/2025"
            lines.append(f"dataflow,IMF.RES:{flow},R,{row.area},{row.code},A,{year},{plain},{rest}")
    return "\r\n".join(lines) + "\r\n"


def vintage_file(vintage: str, rows: Sequence[Series], *, utf16: bool = False) -> bytes:
    """A vintage as a file in the format of its time."""
    return workbook(vintage, rows) if vintage >= "2025-10" else text(vintage, rows, utf16=utf16)


def text(
    vintage: str, rows: Sequence[Series], *, utf16: bool = False, closing: bool = True
) -> bytes:
    """Tab-separated text with thousands commas, a blank last column and a closing line."""
    years = range(int(vintage[:4]) - 6, int(vintage[:4]) + 6)
    header = [
        "WEO Country Code", "ISO", "WEO Subject Code", "Country", "Subject Descriptor",
        "Subject Notes", "Units", "Scale", "Country/Series-specific Notes", *map(str, years),
        "Estimates Start After", "",
    ]  # fmt: skip
    lines = ["\t".join(header)]
    for row in rows:
        cells = [_with_commas(row.values.get(year, "n/a")) for year in years]
        # A note that quotes, and one with an ellipsis of Windows, which Latin-1 reads as a control
        # character that ends a line for some readers.
        lead = ["512", row.area, row.code, "Toyland", "Thing", '"Toy ""notes"""', "Toys", row.scale,
                "and so on\x85"]  # fmt: skip
        lines.append("\t".join([*lead, *cells, str(row.last_actual), ""]))
    if closing:
        name = f"{MONTHS[vintage[5:]]} {vintage[:4]}"
        lines += ["", f"International Monetary Fund, World Economic Outlook Database, {name}"]
        # As in April 2020, which has few subjects.
        lines += ["Note: this vintage ends early"] * (vintage == "2020-04")
    body = "\r\n".join(lines) + "\r\n"
    return body.encode("utf-16-le") if utf16 else body.encode("latin-1")


def workbook(
    vintage: str,
    rows: Sequence[Series],
    *,
    sheet: str = "Countries",
    published: str = "",
    names: Mapping[str, str] | None = None,
) -> bytes:
    """A workbook with years as numbers, empty cells where there is no figure, and other sheets.

    Parameters
    ----------
    vintage, rows, sheet, published
        What it holds and says of itself.
    names
        New names of columns.
    """
    from openpyxl import Workbook

    years = range(int(vintage[:4]) - 6, int(vintage[:4]) + 6)
    book = Workbook()
    page = book.active
    page.title = sheet
    header = [
        "DATASET", "SERIES_CODE", "OBS_MEASURE", "COUNTRY", "INDICATOR", "FREQUENCY", "SCALE",
        "UNIT", "PUBLICATION_DATE", "LATEST_ACTUAL_ANNUAL_DATA",
    ]  # fmt: skip
    page.append([*((names or {}).get(name, name) for name in header), *years])
    for row in rows:
        cells = [row.values.get(year) for year in years]
        page.append([
            "IMF.RES:WEO(9.0.0)", f"{row.area}.{row.code}.A", "OBS_VALUE", "Toyland", "Thing",
            "Annual", row.scale or "Units", "Toys", published or f"{vintage}-14T09:00:00",
            row.last_actual or None, *cells,
        ])  # fmt: skip
    book.create_sheet("Country Groups").append(["SERIES_CODE"])
    book.create_sheet("Commodity Prices").append(["SERIES_CODE"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def toy_rows(
    year: int, *, areas: Sequence[str] = ("DEU", "USA"), size: float = 1000.0
) -> list[Series]:
    """Six subjects of every area, actual up to the year before, projected five years ahead."""
    rows = []
    for number, area in enumerate(areas, start=1):
        gdp: dict[int, object] = {y: size * number + y - 2000.5 for y in range(year - 6, year + 6)}
        growth: dict[int, object] = {y: 0.5 * number + (y - 2000) / 10 for y in gdp}
        rows += [
            Series(area, "NGDPD", gdp, "Billions", year - 1),
            Series(area, "LP", dict.fromkeys(gdp, 10.25 * number), "Millions", year - 2),
            *(Series(area, c, growth, "", year - 1) for c in ("NGDP_RPCH", "TX_RPCH", "TM_RPCH")),
            Series(area, "LUR", dict.fromkeys(gdp, 5.0), "", year - 1),
        ]
    return rows


def changed(rows: Sequence[Series], area: str, code: str, **changes: object) -> list[Series]:
    """The same rows, with something else in one of them."""
    return [
        replace(row, **changes) if (row.area, row.code) == (area, code) else row for row in rows
    ]


def _with_commas(value: object) -> str:
    return f"{value:,.3f}" if isinstance(value, float) else str(value)
