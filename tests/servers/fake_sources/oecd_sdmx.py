"""The OECD's SDMX interface: few downloads an hour, errors of its own, groups among countries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fake_sources.server import Reply, Request

FLOWS = "/public/rest/data/OECD.TAD.TPD,DSD_STRI@DF_STRI_"
HEADER = (
    "DATAFLOW,FREQ,REF_AREA,MEASURE,ACTIVITY,UNIT_MEASURE,TIME_PERIOD,OBS_VALUE,OBS_STATUS,DECIMALS"
)

Cell = tuple[str, str, str, int | str, float | str]
"""Country, measure, activity, year, value."""


@dataclass
class FakeOecd:
    """Both indices, with the same rows.

    Attributes
    ----------
    header
        Any other order or choice of `HEADER`'s columns, and columns of its own in ``constant``.
    allowed, retry_after, forgives
        Downloads before it answers 429, the wait it then asks for (None where it says nothing), and
        after how many such answers it serves again.
    nothing
        How it says that there is nothing.
    most
        Rows of the largest selection that it serves.
    vpn
        Whether the client comes from where it serves nobody.
    body
        Sent instead of every table.
    """

    rows: Sequence[Cell]
    header: str = HEADER
    constant: dict[str, str] = field(default_factory=dict)
    allowed: int = 60
    retry_after: str | None = None
    forgives: int = 1_000_000
    nothing: str = "NoResultsFound"
    most: int = 100_000
    vpn: bool = False
    body: bytes | str | None = None

    def __call__(self, request: Request) -> Reply:
        if self.vpn:
            return Reply("<html><title>Access denied</title></html>", status=403)
        if self.allowed <= 0 and self.forgives > 0:
            self.forgives -= 1
            asks = {} if self.retry_after is None else {"Retry-After": self.retry_after}
            return Reply("You have exceeded the number of requests", status=429, headers=asks)
        self.allowed -= 1
        flow, _, key = request.path.removeprefix(FLOWS).partition("/")
        if flow not in ("MAIN,1.0", "DIGITAL,1.0") or key != "all":
            return Reply("Could not find Dataflow and/or DSD", status=404)
        query = request.query
        if "lastNObservations" in query:
            return Reply("Payload too large", status=413)
        # By default it answers in XML, and with updatedAfter also with rows that are deleted.
        if query.get("format") != "csvfile" or "updatedAfter" in query:
            return Reply("<?xml version='1.0'?><message:StructureSpecificData/>")
        if query.get("dimensionAtObservation") != "AllDimensions":
            return Reply("DATAFLOW,FREQ,REF_AREA,2014,2015\n")
        first, last = query.get("startPeriod", "0"), query.get("endPeriod", "9999")
        rows = [row for row in self.rows if first <= str(row[3])[:4] <= last]
        if len(rows) > self.most:
            return Reply("Payload too large", status=413)
        if not rows:
            return Reply(self.nothing, status=404)
        return Reply(self.table(flow.partition(",")[0], rows) if self.body is None else self.body)

    def table(self, flow: str, rows: Sequence[Cell]) -> str:
        """The rows as CSV."""
        return "\r\n".join([self.header, *(self._line(flow, row) for row in rows)]) + "\r\n"

    def _line(self, flow: str, row: Cell) -> str:
        area, measure, activity, year, value = row
        cells = {
            "DATAFLOW": f"OECD.TAD.TPD:DSD_STRI@DF_STRI_{flow}(1.0)",
            "FREQ": "M" if "-" in str(year) else "A",
            "REF_AREA": area,
            "MEASURE": measure,
            "ACTIVITY": activity,
            "UNIT_MEASURE": "IX",
            "TIME_PERIOD": str(year),
            "OBS_VALUE": str(value),
            "OBS_STATUS": "E" if activity == "J61" else "A",
            "DECIMALS": "3",
            **self.constant,
        }
        names = self.header.removeprefix("\ufeff").replace('"', "").split(",")
        return ",".join(cells[name] for name in names)


def toy_rows(years: Sequence[int] = range(2014, 2019)) -> list[Cell]:
    """Two countries and a union of them: the index, two of its parts, and two sectors."""
    levels = {"DEU": 0.15, "USA": 0.05, "NAM": 0.25, "EU27_2020": 0.2}
    return [
        (area, measure, activity, year, round(level * share + (year - 2014) / 100, 4))
        for year in years
        for area, level in levels.items()
        for measure, activity, share in (
            ("CLAS1_6", "_T", 0.4), ("CLAS1_7", "_T", 0.1), ("STRI", "_T", 1.0),
            ("STRI", "J61", 0.9), ("STRI", "J62", 0.8),
        )
    ]  # fmt: skip
