"""USITC ITPD-E: one big CSV a release, whose columns changed names between releases."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from fake_sources.server import Reply, Request, ranged

PATHS = {
    "/data/gravity/itpd_e/r03/ITPDE_R03_no_names.zip": "r03",
    "/data/gravity/itpd_e/itpd_e_r02_no_names.zip": "r02",
}
HEADERS = {
    "r03": "exporter_iso3,exporter_iso3_dynamic,importer_iso3,importer_iso3_dynamic,year,"
    "industry_id,broad_sector,trade,flag_mirror,flag_zero",
    # Without broad sectors: the industry says which it is.
    "r02": "exporter_iso3,exporter_dynamic_code,importer_iso3,importer_dynamic_code,year,"
    "industry_id,trade,flag_mirror,flag_zero",
}

Row = tuple[str, str, int, int, float, str]
"""Exporter, importer, year, industry, million USD, flag of zeros."""


def broad_sector(industry: int) -> str:
    """As the release spells it."""
    names = ((28, "Agriculture"), (35, "Mining and Energy"), (153, "Manufacturing"))
    return next((name for last, name in names if industry <= last), "Services")


def toy_rows() -> list[Row]:
    """Sorted by exporter, importer and industry, as the release is, not by year."""
    rows: list[Row] = []
    for e, exporter in enumerate(("CAN", "PAK", "USA")):
        for i, importer in enumerate(("CAN", "PAK", "USA")):
            for industry in (1, 28, 29, 35, 36, 153, 154, 162):
                for year in (2000, 2001):
                    value = (e + 1) * 100.0 + i * 10 + industry / 8 + (year - 2000)
                    rows.append((exporter, importer, year, industry, value, "p"))
    return rows


class FakeItpde:
    """Serves both releases, to clients that say who they are."""

    def __init__(self, rows: Sequence[Row] | None = None) -> None:
        self.rows = toy_rows() if rows is None else list(rows)

    def text(self, edition: str) -> str:
        """The CSV file of a release."""
        lines = [HEADERS[edition]]
        for exporter, importer, year, industry, value, flag in self.rows:
            # Pakistan after the separation of Bangladesh has a code of its own.
            sides = [
                f"{code},{'PAK.X' if code == 'PAK' else code}" for code in (exporter, importer)
            ]
            broad = f"{broad_sector(industry)}," if edition == "r03" else ""
            lines.append(f"{','.join(sides)},{year},{industry},{broad}{value},0,{flag}")
        return "\n".join(lines) + "\n"

    def zip(self, edition: str) -> bytes:
        """The archive, with a leaflet beside the file."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"ITPDE_{edition.upper()}_no_names.csv", self.text(edition))
            archive.writestr("ITPDE_metadata.pdf", b"%PDF")
        return out.getvalue()

    def __call__(self, request: Request) -> Reply:
        edition = PATHS.get(request.path)
        if edition is None:
            return Reply("Not found", status=404)
        if "Mozilla" not in request.headers.get("user-agent", ""):
            return Reply("Forbidden", status=403)
        return ranged(self.zip(edition), request)
