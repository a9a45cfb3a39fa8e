"""Series that replace another where a table lacks it."""

from __future__ import annotations

STAND_INS: dict[str, tuple[str, ...]] = {
    "NSF.AI.ARTICLES": ("AI.ARTICLES",),
    "PWT.emp": ("WDI.WORKERS",),
    "PWT.cn": ("WDI.CAPITAL",),
    "MACRO.GDP": ("WEO.NGDPD",),
    "MACRO.POP": ("WEO.LP",),
}
"""By the name features know: series that measure the same, or nearly (the labour force is more than
the persons engaged), in the same unit, the best first."""
FILLERS: dict[str, str] = {"MACRO.GDP": "WEO.NGDPD", "MACRO.POP": "WEO.LP"}
"""Series that fill whole countries another lacks: the World Bank has no Taiwan."""


def stand_ins(present: frozenset[str] | set[str]) -> dict[str, str]:
    """Which series replaces which.

    Parameters
    ----------
    present
        Series a table has.

    Returns
    -------
    dict
        Name features know, to the series of the table that stands in for it.
    """
    found = {}
    for name, others in STAND_INS.items():
        other = next((series for series in others if series in present), None)
        if name not in present and other is not None:
            found[name] = other
    return found


def fillers(present: frozenset[str] | set[str]) -> dict[str, str]:
    """Which series fill whole countries another lacks, where a table has both."""
    return {name: other for name, other in FILLERS.items() if name in present and other in present}
