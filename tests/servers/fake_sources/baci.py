"""CEPII's BACI as it is served: one zip a release, with the traps of its files."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable

from fake_sources.server import Reply, Request, ranged

COUNTRIES = """country_code,country_name,country_iso2,country_iso3
4,Afghanistan,AF,AFG
56,Belgium,BE,BEL
58,Belgium-Luxembourg (...1998),BX,BEL
156,China,CN,CHN
251,France,FR,FRA
276,Germany,DE,DEU
280,Fed. Rep. of Germany (...1990),DD,DEU
384,C\u00c3\u00b4te d'Ivoire,CI,CIV
392,Japan,JP,JPN
490,"Other Asia, nes",,S19
516,Namibia,NA,NAM
530,Neth. Antilles (...2010),AN,ANT
579,Norway,NO,NOR
697,"Europe EFTA, nes",,R20
699,India,IN,IND
711,South African Customs Union (...1999),ZA,ZA1
729,Sudan,SD,SDN
736,Sudan (...2011),SD,SDN
757,Switzerland,CH,CHE
842,USA,US,USA
849,US Misc. Pacific Isds,PU,PUS
891,Serbia and Montenegro (...2005),CS,SCG
999,Nowhere at all,XX,???
"""
PRODUCTS = """code,description
010121,"Horses: live, pure-bred breeding animals"
010599,P\u00c3\u00a2t\u00c3\u00a9s sur pied
847950,Industrial robots
854231,Processors
9999AA,Commodities not specified according to kind **LEGACY NON-WCO CODE**
"""
Row = tuple[int, int, str, float, float | None]
"""Exporter, importer, product, thousand USD, tons or unknown."""

ROWS: dict[int, tuple[Row, ...]] = {
    1996: (
        (58, 251, "010121", 10.0, 1.0),
        (251, 58, "854231", 7.5, None),
        (276, 842, "847950", 100.0, 2.0),
        (392, 842, "847950", 60.0, 2.0),
        (490, 842, "854231", 0.02, None),
        (711, 156, "9999AA", 3.25, None),
    ),
    1997: (
        (58, 251, "010121", 12.0, 1.0),
        (276, 842, "847950", 50.0, 2.0),
        (392, 156, "847950", 30.0, 2.0),
        (490, 842, "010121", 1.0, 0.5),
        (490, 842, "010599", 2.0, 0.5),
        (490, 842, "854231", 4.0, None),
        (516, 699, "010121", 0.176, 0.1),
    ),
}


def release_zip(
    rows: dict[int, Iterable[Row]] | None = None,
    *,
    revision: str = "HS96",
    release: str = "202601",
    header: str = "t,i,j,k,v,q",
    without: str = "",
    countries: str | None = None,
    missing: str = "           NA",
) -> bytes:
    """A release.

    Parameters
    ----------
    rows, revision, release, header, countries
        What it holds.
    without
        Leaves out members whose name contains it.
    missing
        Marks a quantity that is not known.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        members = {
            f"BACI_{revision}_Y{year}_V{release}.csv": year_csv(year, given, header, missing)
            for year, given in (ROWS if rows is None else rows).items()
        }
        members[f"country_codes_V{release}.csv"] = countries or COUNTRIES
        members[f"product_codes_{revision}_V{release}.csv"] = PRODUCTS
        members["Readme.txt"] = "Toy release"
        for name, text in members.items():
            if not without or without not in name:
                # Without the time of day, so that a release has the same bytes whenever it is made.
                archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def year_csv(year: int, rows: Iterable[Row], header: str, missing: str) -> str:
    """Right-aligned numbers."""
    lines = [header]
    for exporter, importer, product, value, tons in rows:
        quantity = missing if tons is None else f"{tons:13.3f}"
        lines.append(f"{year},{exporter},{importer},{product},{value:10.3f},{quantity}")
    return "\n".join(lines) + "\n"


class FakeBaci:
    """Serves releases by path; others are 404, as HTML."""

    def __init__(self, *, cuts: Iterable[int | None] = (), **bodies: bytes) -> None:
        self.bodies = bodies or {
            "BACI_HS92_V202601": release_zip(revision="HS92"),
            "BACI_HS96_V202601": release_zip(),
        }
        self._cuts = iter(cuts)

    def __call__(self, request: Request) -> Reply:
        name = request.path.rpartition("/")[2].removesuffix(".zip")
        if name not in self.bodies or "/DATA_DOWNLOAD/baci/data/" not in request.path:
            return Reply("<html><body>Not found</body></html>", status=404)
        body = self.bodies[name]
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        return ranged(body, request, etag=etag, cut=next(self._cuts, None))
