"""Our World in Data: tables and metadata of its charts, with its own codes and renamed columns."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from fake_sources.server import Reply, Request


@dataclass
class Chart:
    """One chart.

    Attributes
    ----------
    short, title, unit
        Of its value column.
    rows
        ``(entity, code, year, value)``, value as text.
    time
        Name of the column of time.
    others
        Further value columns: short name and title.
    header
        How the value column is called in the table; by default by its short name in lower case.
    """

    short: str
    title: str
    unit: str
    rows: list[tuple[str, str, int | str, str]]
    time: str = "Year"
    others: tuple[tuple[str, str], ...] = ()
    header: str | None = None

    def table(self) -> str:
        names = ["Entity", "Code", self.time, *(short for short, _ in self.others)]
        lines = [",".join([*names, self.header or self.short.lower()])]
        blank = ["-1"] * len(self.others)
        lines += [",".join([f'"{e}"', c, str(y), *blank, v]) for e, c, y, v in self.rows]
        return "\n".join(lines) + "\n"

    def metadata(self, day: str) -> dict:
        columns = {
            title: {
                "titleShort": title,
                "unit": self.unit,
                "shortName": short,
                "lastUpdated": "2026-04-20",
                "nextUpdate": "2027-04-20",
                "timespan": "2016-2024",
                "fullMetadata": "https://api.ourworldindata.org/v1/indicators/1.metadata.json",
            }
            for short, title in ((self.short, self.title), *self.others)
        }
        return {"chart": {"title": self.title}, "columns": columns, "dateDownloaded": day}


@dataclass
class FakeOwid:
    """The source with the charts given, by slug; unchanged tables are not sent again.

    Attributes
    ----------
    instead
        Sent instead of what lies at a path.
    """

    charts: dict[str, Chart]
    day: str = "2026-11-25"
    instead: dict[str, str] = field(default_factory=dict)

    def __call__(self, request: Request) -> Reply:
        name = request.path.removeprefix("/grapher/")
        if name in self.instead:
            return Reply(self.instead[name])
        slug, _, kind = name.partition(".")
        chart = self.charts.get(slug)
        if chart is None or request.query.get("useColumnShortNames") != "true":
            return Reply("<!DOCTYPE html><title>Not found</title>", status=404)
        if kind == "metadata.json":
            return Reply(json.dumps(chart.metadata(self.day)))
        table = chart.table()
        etag = f'"{hash(table) & 0xFFFFFFFF:x}"'
        if request.headers.get("if-none-match") == etag:
            return Reply(status=304, headers={"ETag": etag})
        return Reply(table, headers={"ETag": etag})
