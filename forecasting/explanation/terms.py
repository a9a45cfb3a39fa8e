"""Names and labels of the parts of a forecast, totals first."""

from __future__ import annotations

from features.feature import CHANNELS

TOTAL_TERMS: tuple[str, ...] = ("world", "exporter", "importer", "adjustment")
"""What turns a flow of the origin into its base, in the order of `Explanation.totals`."""


TERM_LABELS: dict[str, str] = {
    "total:world": "Growth of world trade",
    "total:exporter": "Exporter's total beyond world trade",
    "total:importer": "Importer's total beyond world trade",
    "total:adjustment": "All other totals (multilateral adjustment)",
    **{f"net:{channel}": label for channel, label in CHANNELS.items()},
    "net:totals": "Room left by flows forecast to stop",
    "stops": "Flows forecast to stop",
}
"""Every part in words, in the order in which they lead from the origin to the forecast."""
