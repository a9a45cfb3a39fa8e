"""EIA's workbook of the Brent price: .xls, two sheets' worth of titles, days as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from fake_sources.server import Fake, Reply, Request, ranged
from fake_sources.workbooks import xls

PATH = "/dnav/pet/hist_xls/RBRTEm.xls"
TITLE = "Data 1: Europe Brent Spot Price FOB (Dollars per Barrel)"
Prices = Sequence[tuple[date, object]]
TOY: Prices = [(date(1990 + n // 12, n % 12 + 1, 15), 20.0 + 0.5 * n) for n in range(28 * 12 + 6)]


def workbook(prices: Prices = TOY, *, series: str = "RBRTE") -> bytes:
    days = [[float((day - date(1899, 12, 30)).days), price] for day, price in prices]
    rows = [["Back to Contents", TITLE], ["Sourcekey", series], ["Date", TITLE[8:]]]
    return xls("Data 1", [*rows, *days])


def fake_eia(body: bytes | None = None) -> Fake:
    """The source; ``body`` replaces its workbook."""
    book = workbook() if body is None else body

    def reply(request: Request) -> Reply:
        if request.path != PATH:
            return Reply("<html>Not Found</html>", status=404)
        return ranged(book, request)

    return reply
