"""Eurostat's statistics API: JSON-stat, places instead of rows, warnings under status 200."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fake_sources.server import Reply, Request

PATH = "/eurostat/api/dissemination/statistics/1.0/data/"
GEO = ("EU27_2020", "EA20", "BE", "DE", "EL", "FR", "UK", "XK")
TIME = ("2021", "2023", "2024", "2025")
SIZES, INDUSTRIES = ("GE10", "10-49"), ("C10-S951_X_K", "J")


def share(geo: str, year: str, *, size: str = "GE10", industry: str = "C10-S951_X_K") -> float:
    """What the toy table says of a country and year."""
    number = GEO.index(geo) + 2 * TIME.index(year) + 20 * SIZES.index(size)
    return 1.5 + number + 50 * INDUSTRIES.index(industry)


def toy_table(
    unknown: Sequence[tuple[str, str]] = (("UK", "2023"), ("UK", "2024")),
) -> dict[str, Any]:
    """Two sizes and two industries, time before geo; unknown cells have no place in ``value``."""
    dimensions: dict[str, Sequence[str]] = {
        "freq": ("A",), "size_emp": SIZES, "nace_r2": INDUSTRIES, "indic_is": ("E_AI_TANY",),
        "unit": ("PC_ENT",), "time": TIME, "geo": GEO,
    }  # fmt: skip
    values, place = {}, 0
    for size in SIZES:
        for industry in INDUSTRIES:
            for year in TIME:
                for geo in GEO:
                    if (geo, year) not in unknown:
                        values[str(place)] = share(geo, year, size=size, industry=industry)
                    place += 1
    return {
        "version": "2.0", "class": "dataset", "label": "Artificial intelligence by size class",
        "id": [*dimensions], "size": [len(codes) for codes in dimensions.values()],
        "value": values, "status": {"3": "u"},
        "dimension": {
            name: {"category": {"index": {code: k for k, code in enumerate(codes)},
                                "label": {code: code.title() for code in codes}}}
            for name, codes in dimensions.items()
        },
    }  # fmt: skip


@dataclass
class FakeEurostat:
    """The source; ``body`` is sent whatever was asked for."""

    table: Mapping[str, Any] = field(default_factory=toy_table)
    body: str | None = None

    def __call__(self, request: Request) -> Reply:
        if not request.path.startswith(PATH) or request.path.removeprefix(PATH) != "isoc_eb_ai":
            return Reply(json.dumps({"error": [{"status": 404}]}), status=404)
        if self.body is not None:
            return Reply(self.body)
        asked = {"format": "JSON", "indic_is": "E_AI_TANY", "unit": "PC_ENT", "freq": "A"}
        if asked.items() - request.query.items():
            return Reply(json.dumps({"warning": {"status": 413, "label": "ASYNCHRONOUS"}}))
        return Reply(json.dumps(self.table))
