"""CEPII GeoDist: a zip of an .xls of 2011, with codes of then and full stops for the unknown."""

from __future__ import annotations

import io
import zipfile

from fake_sources.server import Fake, Reply, Request, ranged
from fake_sources.workbooks import xls

PATH = "/distance/dist_cepii.zip"
HEADER = ["iso_o", "iso_d", "contig", "comlang_off", "comlang_ethno", "colony", "comcol", "curcol",
          "col45", "smctry", "dist", "distcap", "distw", "distwces"]  # fmt: skip
CODES = ("DEU", "ROM", "ZAR", "YUG", "TMP", "PAL", "MSR")


def rows() -> list[list[str | float]]:
    """Every pair of the countries, with themselves too; Montserrat has no weighted distance."""
    out: list[list[str | float]] = []
    for i, origin in enumerate(CODES):
        for j, other in enumerate(CODES):
            known = "MSR" not in (origin, other)
            distance = 100.0 * (i + 1) * (j + 1)
            weighted: list[str | float] = [distance + 5, distance + 4] if known else [".", "."]
            ties = [float(abs(i - j) == 1), 0.0, 1.0, 0.0, float(i > 3 < j), 0.0, 0.0, 0.0]
            out.append([origin, other, *ties, distance, distance + 1, *weighted])
    return out


def archive(workbook: bytes, *, name: str = "dist_cepii.xls") -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, workbook)
    return body.getvalue()


def fake_geodist(
    table: list[list[str | float]] | None = None,
    *,
    header: list[str] | None = None,
    sheet: str = "dist_cepii",
) -> Fake:
    """The source; ``table`` and ``header`` replace what it serves."""
    body = archive(xls(sheet, [header or HEADER, *(rows() if table is None else table)]))

    def reply(request: Request) -> Reply:
        return ranged(body, request) if request.path == PATH else Reply("no", status=404)

    return reply
