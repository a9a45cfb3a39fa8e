"""The OECD's ICIO zips, or the page of its bot protection in their stead."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

import numpy as np

from fake_sources.server import Reply, Request, ranged

BOTS = "<!DOCTYPE html><html><title>Just a moment...</title></html>"
BUNDLES = ((1995, 2000), (2001, 2005), (2006, 2010), (2011, 2015), (2016, 2022))
_INDUSTRIES = """
    A01 A02 A03 B05 B06 B07 B08 B09 C10T12 C13T15 C16 C17_18 C19 C20 C21 C22 C23 C24A C24B C25 C26
    C27 C28 C29 C301 C302T309 C31T33 D E F G H49 H50 H51 H52 H53 I J58T60 J61 J62_63 K L M N O P Q R
    S T
"""
INDUSTRIES = tuple(_INDUSTRIES.split())
FINAL = ("HFCE", "NPISH", "GGFC", "GFCF", "INVNT", "DPABR")
ALIVE = ("CHN", "DEU", "ROW")
_SILENT = """
    AGO ARE ARG AUS AUT BEL BGD BGR BLR BRA BRN CAN CHE CHL CIV CMR COD COL CRI CYP CZE DNK EGY ESP
    EST FIN FRA GBR GRC HKG HRV HUN IDN IND IRL ISL ISR ITA JOR JPN KAZ KHM KOR LAO LTU LUX LVA MAR
    MEX MLT MMR MYS NGA NLD NOR NZL PAK PER PHL POL PRT ROU RUS SAU SEN SGP STP SVK SVN SWE THA TUN
    TUR TWN UKR USA VNM ZAF
"""
SILENT = tuple(_SILENT.split())
"""The other economies of the edition; here they sell and buy nothing."""


class ToyTable:
    """A table that balances: a few sales between some industries of three economies.

    Parameters
    ----------
    year
        Decides the figures.
    economies
        Codes, in the order of the file.
    """

    def __init__(self, year: int, economies: Sequence[str] = ALIVE) -> None:
        self.economies = tuple(economies)
        n, k = len(economies), len(INDUSTRIES)
        self.uses = [f"{c}_{i}" for c in economies for i in INDUSTRIES]
        self.columns = [*self.uses, *(f"{c}_{use}" for c in economies for use in FINAL), "OUT"]
        self.rows = [*self.uses, "TLS", "VA", "OUT"]
        self.cells = np.zeros((n * k + 3, n * (k + len(FINAL)) + 1))
        random = np.random.default_rng(year)
        alive = [self.economies.index(code) for code in ALIVE if code in self.economies]
        for seller in (c * k + i for c in alive for i in (0, 11, 25, 38, 40)):
            for user in (c * k + i for c in alive for i in (2, 11, 39)):
                self.cells[seller, user] = round(random.uniform(1, 90), 3)
            for country in alive:
                first = n * k + country * len(FINAL)
                self.cells[seller, first : first + len(FINAL)] = [700, 20, 80, 300, -3.5, 12.25]
        # Industries that use inputs sell something too.
        for c in alive:
            for i in (2, 39):
                self.cells[c * k + i, n * k + c * len(FINAL)] = 4000.0
        self.close()

    def close(self) -> None:
        """Output as rows sum to, taxes a tenth of inputs, value added the rest."""
        k = len(self.uses)
        self.cells[:k, -1] = self.cells[:k, :-1].sum(axis=1)
        inputs = self.cells[:k, :k].sum(axis=0)
        self.cells[-3, :k] = np.round(inputs / 10, 3)
        self.cells[-3, k : len(self.columns) - 1] = 7.0
        self.cells[-1, :k] = self.cells[:k, -1]
        self.cells[-2, :k] = self.cells[-1, :k] - inputs - self.cells[-3, :k]

    def at(self, row: str, column: str) -> tuple[int, int]:
        """Place of a cell."""
        return self.rows.index(row), self.columns.index(column)

    def text(self) -> str:
        """The CSV file."""
        lines = [",".join(["V1", *self.columns])]
        quiet = ",".join(["0"] * len(self.columns))
        for label, cells in zip(self.rows, self.cells, strict=True):
            row = ",".join(f"{cell:.10g}" for cell in cells) if cells.any() else quiet
            lines.append(f"{label},{row}")
        return "\n".join(lines) + "\n"


class FakeIcio:
    """Serves the zips of an edition.

    Parameters
    ----------
    economies
        Codes; all 81 of the edition by default.
    years
        Years whose files the zips have, for speed; all by default.
    bots
        Whether programs get a page instead, with status 200.
    """

    def __init__(
        self,
        economies: Sequence[str] = tuple(sorted((*ALIVE, *SILENT))),
        *,
        years: Sequence[int] = range(1995, 2023),
        bots: bool = False,
    ) -> None:
        self.economies, self.years, self.bots = economies, years, bots
        self.texts: dict[int, str] = {}
        """Files to serve in place of the toy ones, by year."""

    def text(self, year: int) -> str:
        """CSV file of a year."""
        if year not in self.texts:
            self.texts[year] = ToyTable(year, self.economies).text()
        return self.texts[year]

    def bundle(self, first: int, last: int) -> bytes:
        """A zip."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for year in (year for year in self.years if first <= year <= last):
                archive.writestr(f"{year}_SML.csv", self.text(year))
        return out.getvalue()

    def __call__(self, request: Request) -> Reply:
        if self.bots:
            return Reply(BOTS, headers={"Content-Type": "text/html"})
        for first, last in BUNDLES:
            if request.path == f"/files/STI-PIE/ICIO/2025/{first}-{last}_SML.zip":
                return ranged(self.bundle(first, last), request)
        return Reply("Not found", status=404)
