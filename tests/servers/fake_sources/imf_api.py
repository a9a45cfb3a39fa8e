"""The IMF's two interfaces: SDMX 3.0 with bilateral trade, and the DataMapper with the AI index."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fake_sources.server import Reply, Request

FLOW = "/external/sdmx/3.0/data/dataflow/IMF.STA/IMTS"
MAPPER = "/external/datamapper/api/v1"
HEADER = (
    "STRUCTURE[;],STRUCTURE_ID,ACTION,COUNTRY,INDICATOR,COUNTERPART_COUNTRY,FREQUENCY,TIME_PERIOD,"
    "OBS_VALUE,SCALE,PRECISION,DECIMALS_DISPLAYED,TRADE_FLOW,VALUATION,UNIT,DERIVATION_TYPE,"
    "OVERLAP,STATUS"
)

Trade = tuple[str, str, str, str, str, str]
"""Reporter, indicator, partner, frequency, period, value."""


@dataclass
class FakeSdmx:
    """Bilateral trade: a wrong version is 404, an empty slot a header, startPeriod is ignored."""

    rows: Sequence[Trade]
    header: str = HEADER
    headers_seen: list[str] = field(default_factory=list)
    body: bytes | None = None
    more: Sequence[Trade] = ()
    """Rows sent whatever was asked for."""
    derivation: Mapping[str, str] = field(default_factory=dict)
    """Who made a reporter's figures, where it is not the reporter."""

    def __call__(self, request: Request) -> Reply:
        self.headers_seen.append(request.headers.get("accept", ""))
        # A plus that is not encoded reaches the service as a blank.
        version, _, key = request.path.removeprefix(f"{FLOW}/").partition("/")
        if version not in ("+", "~", "1.0.0") or "/+/" in request.target:
            return Reply("No dataflow", status=404)
        if "csv" not in self.headers_seen[-1]:
            return Reply(json.dumps({"data": {"dataSets": []}}))
        if self.body is not None:
            return Reply(self.body)
        slots = key.split(".")
        first = request.query.get("c[TIME_PERIOD]", "ge:0").removeprefix("ge:")
        rows = [
            row
            for row in self.rows
            if all(_fits(slot, code) for slot, code in zip(slots, row[:4], strict=True))
            and row[4][:4] >= first
        ]
        return Reply("\r\n".join([self.header, *map(self._line, (*rows, *self.more))]) + "\r\n")

    def _line(self, row: Trade) -> str:
        area, indicator, partner, frequency, period, value = row
        made = self.derivation.get(f"{area} {period}") or self.derivation.get(area, "M, as given")
        return (
            f"dataflow,IMF.STA:IMTS(1.0.0),R,{area},{indicator},{partner},{frequency},{period},"
            f'{value},6,,,XG,FOB,USD,"{made}",OL,'
        )


def _fits(slot: str, code: str) -> bool:
    return slot == "*" or code in slot.split("+")


def index_values(code: str, values: dict[str, object], year: int = 2023) -> dict[str, Any]:
    """An answer of the DataMapper with one value a country."""
    return {"values": {code: {area: {str(year): value} for area, value in values.items()}}}


@dataclass
class FakeDataMapper:
    """The AI index: a browser-like client is required, periods are ignored, unknown names are 200.

    ``answers`` maps a path below ``/v1`` to its body without the closing ``api`` object.
    """

    answers: dict[str, dict[str, Any]]
    body: str | None = None

    def __call__(self, request: Request) -> Reply:
        if not request.headers.get("user-agent", "").startswith("Mozilla/"):
            return Reply("<HTML><TITLE>Access Denied</TITLE></HTML>", status=403)
        if self.body is not None:
            return Reply(self.body)
        found = self.answers.get(request.path.removeprefix(f"{MAPPER}/"), {})
        return Reply(json.dumps(found | {"api": {"version": "1", "output-method": "json"}}))


def toy_index(**changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The index and its parts for three countries and some groups."""
    areas = {"DEU": 0.75, "USA": 0.77, "UVK": 0.4, "WBG": 0.35, "ADVEC": 0.68, "AFQ": 0.3}
    answers = {
        f"AIPI/{code}": index_values(code, {a: v / n for a, v in areas.items()})
        for n, code in enumerate(("AI_PI", "DI", "HCLMP", "IEI", "RE"), start=1)
    }
    answers["groups"] = {"groups": {"ADVEC": {"label": "Advanced economies"}}}
    answers["regions"] = {"regions": {"AFQ": {"label": "Africa (Region)"}}}
    return answers | changes
