"""UN Comtrade's interface as it behaves, with toy flows: cut answers, empty 200s, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fake_sources.server import Reply, Request

KEY = "5ecre7-0f-the-t3am"
BOM = b"\xef\xbb\xbf"
MAX_TARGET = 2_000
PUBLIC, WITH_KEY = "/public/v1/preview/C/", "/data/v1/get/C/"
RELEASES = ("/public/v1/getDa/C/", "/data/v1/getDa/C/")


@dataclass(frozen=True)
class Flow:
    """What a reporter declared of a partner."""

    reporter: int
    partner: int
    year: int
    """Or a month, such as 202305."""
    value: float | None
    commodity: str = "TOTAL"
    flow: str = "M"


def area(code: int, iso3: str, *, first: int = 1900, last: int | None = None,
         group: bool = False) -> dict[str, Any]:  # fmt: skip
    """An entry of a list of codes, in the words that both lists share."""
    expired = {} if last is None else {"entryExpiredDate": f"{last}-12-31T00:00:00"}
    effective = {"entryEffectiveDate": f"{first}-01-01T00:00:00"}
    return {"id": code, "text": iso3, "iso3": iso3, **effective, **expired, "isGroup": group}


# As in the source, the expired twins come last, so that a table made by overwriting has them.
AREAS = (
    area(76, "BRA"),
    area(156, "CHN"),
    area(251, "FRA"),
    area(276, "DEU", first=1991),
    area(490, "S19"),
    area(516, "NAM", first=1990),
    area(579, "NOR"),
    area(699, "IND", first=1975),
    area(729, "SDN", first=2012),
    area(757, "CHE"),
    area(842, "USA", first=1981),
    area(97, "EUR", group=True),
    area(975, "ASN", group=True),
    area(736, "SDN", last=2011),
    area(841, "USA", last=1980),
    area(356, "IND", last=1974),
    area(280, "DEU", last=1990),
    area(998, "ZZX", last=1971),
)
PARTNERS = (*AREAS, area(0, "W00"), area(899, "_X "), area(837, "BUN"))


class FakeComtrade:
    """Answers as the source does.

    Parameters
    ----------
    flows
        What was declared; the world is added as partner of each reporter, year and commodity.
    preview_calls, quota
        Calls without a key after which all are turned away; calls a day with one.
    busy
        Calls that are first answered with 429.
    empty
        The body of an answer without data.
    """

    def __init__(
        self,
        flows: Iterable[Flow],
        *,
        partners: Iterable[dict[str, Any]] = PARTNERS,
        preview_calls: int = 70,
        quota: int = 500,
        refusal_headers: dict[str, str] | None = None,
        busy: int = 0,
        empty: str = '{"elapsedTime":"0.02 secs","count":0,"data":[],"error":""}',
        with_world: bool = True,
    ) -> None:
        self.flows = list(flows)
        if with_world:
            self.flows += _world(self.flows)
        self.partners = tuple(partners)
        self.preview_calls, self.quota, self.busy = preview_calls, quota, busy
        self.refusal_headers, self.empty = refusal_headers or {}, empty
        self.calls = 0

    def __call__(self, request: Request) -> Reply:
        if request.path.startswith("/files/v1/app/reference/"):
            return self._reference(request.path.rpartition("/")[2])
        if len(request.target) > MAX_TARGET:
            return Reply("<html><body>Request-URI Too Long</body></html>", status=414)
        if request.path.startswith(RELEASES):
            return self._released(request)
        if request.path.startswith(WITH_KEY):
            return self._with_key(request)
        if request.path.startswith(PUBLIC):
            return self._preview(request)
        return Reply('{"statusCode":404,"message":"Resource not found"}', status=404)

    def _released(self, request: Request) -> Reply:
        """What each reporter has released and when, whatever its flow."""
        there = sorted({(flow.reporter, flow.year) for flow in self.flows})
        asked = request.query["period"].split(",")
        rows = [
            {"datasetCode": 2_020_000_000 + reporter, "typeCode": "C", "freqCode": "A",
             "period": period, "reporterCode": reporter, "reporterISO": None,
             "classificationCode": "H5", "totalRecords": 99, "datasetChecksum": -5,
             "firstReleased": f"{int(str(period)[:4]) + 1}-06-15T00:00:00",
             "lastReleased": f"{int(str(period)[:4]) + 2}-01-10T00:00:00"}
            for reporter, period in there if str(period) in asked
        ]  # fmt: skip
        return Reply(json.dumps({"elapsedTime": "0.1 secs", "count": len(rows), "data": rows}))

    def _with_key(self, request: Request) -> Reply:
        # The source takes a key from the address as well, which a client must not use.
        given = request.headers.get("ocp-apim-subscription-key") or request.query.get(
            "subscription-key"
        )
        if given != KEY:
            text = (
                "Access denied due to invalid subscription key. Make sure to provide a valid key "
                "for an active subscription."
            )
            return Reply(json.dumps({"statusCode": 401, "message": text}), status=401)
        if self.busy:
            self.busy -= 1
            text = '{"statusCode":429,"message":"Rate limit is exceeded. Try again in 2 seconds."}'
            return Reply(text, status=429, headers={"Retry-After": "2"})
        self.calls += 1
        if self.calls > self.quota:
            text = "Out of call volume quota. Quota will be replenished in 05:12:10."
            body = json.dumps({"statusCode": 403, "message": text})
            return Reply(body, status=403, headers=self.refusal_headers)
        return self._data(request, cap=100_000)

    def _preview(self, request: Request) -> Reply:
        self.calls += 1
        if self.calls > self.preview_calls:
            return Reply("Forbidden", status=403)
        return self._data(request, cap=500)

    def _data(self, request: Request, *, cap: int) -> Reply:
        asked = {name.lower(): value for name, value in request.query.items()}
        listed = {name: value.split(",") for name, value in asked.items()}
        reporters = listed.get("reportercode", [])
        if any(not code.isdigit() for code in reporters):
            message = "The field reporterCode is invalid"
            return Reply(json.dumps({"errorObject": {"errorMessage": message}}), status=400)
        if len(listed["period"]) > 12:
            message = "The maximum number of periods is 12"
            return Reply(json.dumps({"errorObject": {"errorMessage": message}}), status=400)
        rows = [row for flow in self.flows if _fits(flow, listed) for row in _rows(flow, asked)]
        rows = rows[: min(cap, int(asked.get("maxrecords", cap)))]
        if not rows:
            return Reply(self.empty)
        return Reply(
            json.dumps({"elapsedTime": "2.06 secs", "count": len(rows), "data": rows, "error": ""})
        )

    def _reference(self, name: str) -> Reply:
        if name == "Reporters.json":
            # Taiwan is called a group here and none among the partners.
            rows = [
                {**_renamed(a, "reporter"), "reporterNote": a["text"],
                 "isGroup": a["isGroup"] or a["id"] == 490}
                for a in AREAS
            ]  # fmt: skip
        elif name == "partnerAreas.json":
            rows = [_renamed(a, "Partner") for a in self.partners]
        else:
            return Reply("<html>not found</html>", status=404)
        return Reply(BOM + json.dumps({"more": False, "results": rows}).encode())


def _renamed(entry: dict[str, Any], who: str) -> dict[str, Any]:
    iso3 = {f"{who}Code": entry["id"], f"{who}Desc": entry["text"],
            f"{who}CodeIsoAlpha3": entry["iso3"]}  # fmt: skip
    return {name: value for name, value in entry.items() if name != "iso3"} | iso3


def _world(flows: list[Flow]) -> list[Flow]:
    total: dict[tuple[int, int, str, str], float] = {}
    for flow in flows:
        if flow.partner not in (97, 975):
            key = (flow.reporter, flow.year, flow.commodity, flow.flow)
            total[key] = total.get(key, 0.0) + (flow.value or 0.0)
    return [Flow(r, 0, y, value, c, f) for (r, y, c, f), value in total.items()]


def _fits(flow: Flow, asked: dict[str, list[str]]) -> bool:
    return (
        str(flow.reporter) in asked["reportercode"]
        and str(flow.year) in asked["period"]
        and flow.flow in asked["flowcode"]
        and ("partnercode" not in asked or str(flow.partner) in asked["partnercode"])
        and flow.commodity in asked["cmdcode"]
    )


def _rows(flow: Flow, asked: dict[str, str]) -> list[dict[str, Any]]:
    """One row where everything is pinned, and nine where nothing is."""
    seconds = [0] if asked.get("partner2code") == "0" else [0, 156, 276]
    modes = [0] if asked.get("motcode") == "0" else [0, 1000]
    customs = ["C00"] if asked.get("customscode") == "C00" else ["C00", "C01"]
    return [_row(flow, s, m, c) for s in seconds for m in modes for c in customs]


def _row(flow: Flow, partner2: int, mode: int, customs: str) -> dict[str, Any]:
    row = {
        "typeCode": "C", "freqCode": "A", "refPeriodId": flow.year * 10_000 + 101,
        "refYear": flow.year, "refMonth": 52, "period": str(flow.year),
        "reporterCode": flow.reporter, "reporterISO": None, "reporterDesc": None,
        "flowCode": flow.flow, "flowDesc": None, "partnerCode": flow.partner,
        "partnerISO": None, "partnerDesc": None, "partner2Code": partner2,
        "classificationCode": "H5" if flow.year < 2022 else "H6",
        "classificationSearchCode": "HS", "isOriginalClassification": True,
        "cmdCode": flow.commodity, "aggrLevel": 0, "isLeaf": False, "customsCode": customs,
        "mosCode": "0", "motCode": mode, "qtyUnitCode": -1, "qtyUnitAbbr": None,
        "qty": 0 if flow.year % 2 else None, "netWgt": 0, "isNetWgtEstimated": True,
        "fobvalue": None, "cifvalue": flow.value, "primaryValue": flow.value,
        "isReported": False, "legacyEstimationFlag": 4,
    }  # fmt: skip
    # Older rows lack a field that newer ones have.
    return row if flow.year < 2015 else {**row, "isAggregate": True}
