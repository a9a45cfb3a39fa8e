"""The CPB World Trade Monitor: a page that links this month's workbook, and the workbook."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cache

from openpyxl import Workbook

from fake_sources.server import Fake, Reply, Request, ranged

PAGE = "/en/worldtrademonitor/latest"
BOOK = "/system/files/cpbmedia/CPB-World-trade-monitor-july-2026_0.xlsx"
MONTHS = tuple(f"{2000 + n // 12}m{n % 12 + 1:02d}" for n in range(4 * 12 + 6))
CODES = ("w1", "i1", "e6", "us", "gb", "jp", "a3", "r2", "d1", "cn", "a5", "t1", "l1", "f3")


def toy_series() -> dict[str, Sequence[object]]:
    """Volumes that grow and prices that fall, of every region and of what is no region."""
    names = ["tgz_w1", *(f"{flow}_{code}" for flow in ("mgz", "xgz") for code in CODES)]
    series: dict[str, Sequence[object]] = {}
    for place, name in enumerate(names):
        series[f"{name}_qnmi_sn"] = [50.0 + place + 0.25 * n for n in range(len(MONTHS))]
        series[f"{name}_pdmi_sn"] = [100.0 - 0.125 * n for n in range(len(MONTHS))]
    series["hfl_w1_pdmi_nn"] = [70.0] * len(MONTHS)
    return series


def workbook(series: Mapping[str, Sequence[object]], *, months: Sequence[str] = MONTHS) -> bytes:
    """Titles above, a stamp beside the months, labels before the codes, and a second sheet."""
    book = Workbook()
    sheet = book.active
    sheet.title = "trade_out"
    sheet["B1"], sheet["B2"] = "CPB WORLD TRADE MONITOR", "Merchandise world trade, 2021=100"
    sheet["B4"] = "21 September 2026  10:00:42"
    for place, month in enumerate(months):
        sheet.cell(4, 6 + place, month)
    sheet["B6"] = "Volumes, seasonally adjusted"
    for number, (code, values) in enumerate(series.items()):
        row = 8 + 2 * number
        sheet.cell(row, 2, f" Label of {code}")
        sheet.cell(row, 3, code)
        sheet.cell(row, 4, 100)
        for place, value in enumerate(values):
            sheet.cell(row, 6 + place, value)
    other = book.create_sheet("inpro_out")
    for place, month in enumerate(months):
        other.cell(4, 6 + place, month)
        other.cell(8, 6 + place, 100.0)
    other["C8"] = "ipz_w1_qnmi_sm"
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


@cache
def toy_workbook() -> bytes:
    return workbook(toy_series())


def fake_cpb(
    series: Mapping[str, Sequence[object]] | None = None,
    *,
    page: str | None = None,
    body: bytes | None = None,
) -> Fake:
    """The source; ``page`` replaces its page, ``body`` its workbook."""
    if page is None:
        page = f'<a href="/en/subscribe">x</a> <a class="button" href="{BOOK}">data</a>'
    book = (toy_workbook() if series is None else workbook(series)) if body is None else body

    def reply(request: Request) -> Reply:
        if request.path == PAGE:
            return Reply(f"<!doctype html><html><body>{page}</body></html>")
        if request.path == BOOK:
            return ranged(book, request)
        return Reply("<html>Page not found</html>", status=404)

    return reply
