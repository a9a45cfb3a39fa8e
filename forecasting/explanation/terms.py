"""Names and labels of the parts of a forecast, totals first."""

from __future__ import annotations

from collections.abc import Iterable

from features.feature import CHANNELS, TECHNOLOGY, Channel

TOTAL_TERMS: tuple[str, ...] = ("world", "exporter", "importer", "adjustment")
"""How changed totals move a flow from the origin to its base."""
MONTHLY_TERM = "monthly"
"""What monthly trade changes in the forecast totals, where it is known."""
TECHNOLOGY_TERMS: tuple[Channel, ...] = tuple(name for name in CHANNELS if name in TECHNOLOGY)
"""What technology adds to that, where totals are forecast with it."""
REPORT_TERMS: tuple[str, ...] = ("by_exporter", "by_importer", "reconciliation")
"""How reports of the year after the origin move it beyond the totals, where reports are known."""

TERM_LABELS: dict[str, str] = {
    "total:world": "Growth of world trade",
    "total:exporter": "Exporter's total beyond world trade",
    "total:importer": "Importer's total beyond world trade",
    "total:adjustment": "All other totals (multilateral adjustment)",
    f"total:{MONTHLY_TERM}": "Monthly trade of the world and its regions",
    **{
        f"total:{name}": f"{CHANNELS[name]}, through totals"
        for name in CHANNELS
        if name in TECHNOLOGY
    },
    "total:by_exporter": "Reported by the exporter",
    "total:by_importer": "Reported by the importer",
    "total:reconciliation": "Reconciliation of reports",
    **{f"net:{channel}": label for channel, label in CHANNELS.items()},
    "net:totals": "Room left by flows forecast to stop",
    "starts": "Flows that started, by reports",
    "stops": "Flows forecast to stop",
}
"""Every part in words, in the order in which they lead from the origin to the forecast."""


def base_terms(columns: Iterable[str]) -> list[str]:
    """Those of the terms that lead to the base that a table of attributions has, without prefix."""
    present = set(columns)
    return [
        name
        for name in (*TOTAL_TERMS, MONTHLY_TERM, *TECHNOLOGY_TERMS, *REPORT_TERMS)
        if f"total:{name}" in present
    ]
