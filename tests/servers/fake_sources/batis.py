"""OECD-WTO BaTIS: the zip at the OECD, or at the WTO, which spell codes and flows differently."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from fake_sources.icio import BOTS
from fake_sources.server import Reply, Request, ranged

HEADER = (
    "Reporter,type_Reporter,Partner,type_Partner,Flow,Item_code,type_Item,Year,Reported_value,"
    "Final_value,Final_value_methodology,Balanced_value"
)
OECD = "/files/.Stat/BATIS/OECD-WTO_BATIS_BPM6_December2025_bulk.zip"
WTO = "/english/res_e/statis_e/daily_update_e/OECD-WTO_BATIS_data_BPM6-1.zip"
MAIN = ("SA", "SB", "SC", "SD", "SE", "SF", "SG", "SH", "SI", "SJ", "SK", "SL")
ISO3 = {"NA": "NAM", "DE": "DEU", "US": "USA", "888": "XKX", "YU": "SCG", "FRE": "FRE", "WL": "W"}
COUNTRIES = ("NA", "DE", "US", "888")

Row = tuple[str, str, str, str, int, float | None]
"""Reporter, partner, flow, item, year, balanced value in million USD."""


def toy_rows(years: Sequence[int] = (2021, 2022)) -> list[Row]:
    """Every pair and main item in an order that is not by year; exports equal mirror imports."""
    rows: list[Row] = []
    for r, reporter in enumerate((*COUNTRIES, "WL")):
        for p, partner in enumerate((*COUNTRIES, "WL")):
            for year in years if reporter != partner else ():
                parts = [float((r + 1) * 10 + p + i + (year - 2000)) for i in range(len(MAIN))]
                items = [*zip(MAIN, parts, strict=True), ("S", sum(parts)), ("SI1", 0.5)]
                rows += [(reporter, partner, "X", item, year, v) for item, v in items]
                rows += [(partner, reporter, "M", item, year, v) for item, v in items]
    return rows


class FakeBatis:
    """Serves the bulk file.

    Parameters
    ----------
    rows
        Rows of the file.
    oecd
        Whether the OECD's server lets programs in; else it sends a page with status 200.
    iso3
        Whether codes have three letters and flows are EXP and IMP, as in the OECD's copy.
    edition
        Month and year in the name of the file inside.
    """

    def __init__(
        self,
        rows: Sequence[Row] | None = None,
        *,
        oecd: bool = True,
        iso3: bool = False,
        edition: str = "December2025",
    ) -> None:
        self.rows = toy_rows() if rows is None else list(rows)
        self.oecd, self.iso3, self.edition = oecd, iso3, edition
        self.header = HEADER.replace("Final_value_methodology", "Methodology") if iso3 else HEADER

    def text(self) -> str:
        """The CSV file."""
        flows = {"X": "EXP", "M": "IMP"} if self.iso3 else {}
        lines = [self.header]
        for reporter, partner, flow, item, year, value in self.rows:
            sides = [
                f"{ISO3.get(code, code) if self.iso3 else code},{'g' if code == 'WL' else 'c'}"
                for code in (reporter, partner)
            ]
            # Which of the three values is read shows: they differ.
            shown, final = ("", "") if value is None else (f"{value}", f"{value + 0.25}")
            reported = "" if flow == "X" else final
            kind = f"{flows.get(flow, flow)},{item},m,{year}"
            lines.append(f"{','.join(sides)},{kind},{reported},{final},E3,{shown}")
        return "\n".join(lines) + "\n"

    def zip(self) -> bytes:
        """The archive."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"OECD-WTO_BATIS_BPM6_{self.edition}_bulk.csv", self.text())
        return out.getvalue()

    def __call__(self, request: Request) -> Reply:
        if request.path == OECD and not self.oecd:
            return Reply(BOTS, headers={"Content-Type": "text/html"})
        if request.path in (OECD, WTO):
            return ranged(self.zip(), request)
        return Reply("Not found", status=404)
