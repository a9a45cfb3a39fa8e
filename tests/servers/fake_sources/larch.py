"""Larch's agreements: a zip of a square panel by pair and year; releases up to 2022 are plain."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from fake_sources.server import Fake, Reply, Request, ranged

FOLDER = "/pool/dokumente/"
COLUMNS = ("exporter", "importer", "year", "rta", "cu", "fta", "psa", "eia", "cueia", "ftaeia",
           "psaeia")  # fmt: skip
# Pair, first year, and which flags beside rta are 1.
AGREEMENTS: dict[tuple[str, str], tuple[int, tuple[str, ...]]] = {
    ("DEU", "FRA"): (1958, ("cueia",)),
    ("DEU", "ROM"): (2007, ("cueia",)),
    ("IND", "NAM"): (2009, ("psa",)),
    ("FRA", "NAM"): (2016, ("fta",)),
}
CODES = ("DEU", "FRA", "IND", "NAM", "ROM", "ROU", "YUG")
YEARS = (1950, 1958, 2007, 2009, 2016, 2024)


def rows() -> list[tuple[str, ...]]:
    """Every pair in every year; the flags are 0 where there is no agreement."""
    out = []
    for exporter in CODES:
        for importer in CODES:
            first, flags = AGREEMENTS.get(
                (min(exporter, importer), max(exporter, importer)), (9999, ())
            )
            for year in YEARS:
                agreed = {"rta", *flags} if year >= first else set()
                marks = [str(int(name in agreed)) for name in COLUMNS[3:]]
                out.append((exporter, importer, str(year), *marks))
    return out


def table(lines: Sequence[Sequence[str]] | None = None, columns: Sequence[str] = COLUMNS) -> str:
    body = rows() if lines is None else lines
    return "\n".join([",".join(columns), *(",".join(line) for line in body), ""])


def fake_larch(text: str | None = None, *, body: bytes | None = None) -> Fake:
    """The source; ``text`` replaces its table, ``body`` the bytes of its archive."""
    text = table() if text is None else text
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("rta_20260111.csv", text)
    files = {
        f"{FOLDER}rta_20260111_csv.zip": packed.getvalue() if body is None else body,
        f"{FOLDER}rta_20221214.csv": text.encode(),
    }

    def reply(request: Request) -> Reply:
        if request.path not in files:
            return Reply("<html>Not Found</html>", status=404)
        return ranged(files[request.path], request)

    return reply
