"""DESTA: a list of treaties by dyad, one direction only, and a list of withdrawals."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from fake_sources.server import Fake, Reply, Request, ranged

FOLDER = "/media/filer_public/"
DYADS_PATH = (
    f"{FOLDER}6a/45/6a454835-eef1-44c4-8af2-5557a9552167/desta_list_of_treaties_02_03_dyads.csv"
)
WITHDRAWALS_PATH = (
    f"{FOLDER}38/c6/38c6e92f-a513-443e-8907-77b570fd2973/desta_dyadic_withdrawal_02_03.csv"
)
COLUMNS = ("country1", "country2", "iso1", "iso2", "year", "number", "base_treaty", "name",
           "entry_type", "consolidated", "coded", "entryforceyear", "typememb", "regioncon",
           "wto_listed", "wto_name")  # fmt: skip
CAN, DEU, FRA, GBR, KOR, CIV, IND, NAM, POL, YEMEN, OLD_YEMEN, KOSOVO, ALB = (
    "124", "276", "250", "826", "410", "384", "356", "516", "616", "887", "886", "900", "8",
)  # fmt: skip


def treaty(
    one: str,
    two: str,
    *,
    treaty: str,
    year: int,
    entry: int | str,
    kind: str = "base_treaty",
    wto: str = "1",
    number: str = "",
) -> tuple[str, ...]:
    """A line of the list of treaties."""
    named = "Côte d'Ivoire" if CIV in (one, two) else "a country"
    return (named, "another", one, two, str(year), number or treaty, treaty, f"Treaty {treaty}",
            kind, str(int(kind == "consolidated")), "1", str(entry), "2", "Europe", wto,
            "NA")  # fmt: skip


def treaties() -> list[tuple[str, ...]]:
    return [
        treaty(DEU, FRA, treaty="10", year=1999, entry=2000),
        # The same treaty again: a consolidated version is no further treaty.
        treaty(DEU, FRA, treaty="10", year=2003, entry=2004, kind="consolidated", number="10a"),
        treaty(DEU, FRA, treaty="11", year=2001, entry=2002, wto="0"),
        treaty(POL, DEU, treaty="10", year=2003, entry=2004, kind="accession", number="10+1"),
        treaty(POL, DEU, treaty="12", year=2001, entry=2002),
        # Signed and not in force.
        treaty(CIV, DEU, treaty="13", year=2010, entry="NA"),
        treaty(IND, NAM, treaty="14", year=2008, entry=2009, wto="0"),
        treaty(KOSOVO, ALB, treaty="15", year=2006, entry=2007),
        treaty(OLD_YEMEN, YEMEN, treaty="16", year=2000, entry=2001),
        treaty(IND, DEU, treaty="17", year=2020, entry="NA", kind="negotiation"),
    ]


def withdrawals() -> list[tuple[str, ...]]:
    return [
        # The other way round than in the list of treaties.
        treaty(DEU, POL, treaty="12", year=2004, entry="NA", kind="withdrawal"),
        treaty(IND, NAM, treaty="99", year=2010, entry="NA", kind="withdrawal"),
    ]


def table(lines: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS) -> bytes:
    """The list as the source serves it: Latin-1."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([columns, *lines])
    return out.getvalue().encode("latin-1")


def fake_desta(
    dyads: bytes | Sequence[Sequence[str]] | None = None,
    left: bytes | Sequence[Sequence[str]] | None = None,
) -> Fake:
    """The source; lines or whole bodies replace what it serves."""
    dyads = treaties() if dyads is None else dyads
    left = withdrawals() if left is None else left
    files = {
        DYADS_PATH: dyads if isinstance(dyads, bytes) else table(dyads),
        WITHDRAWALS_PATH: left if isinstance(left, bytes) else table(left),
    }

    def reply(request: Request) -> Reply:
        if request.path not in files:
            return Reply("<html>Not Found</html>", status=404)
        return ranged(files[request.path], request)

    return reply
