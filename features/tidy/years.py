"""Years as part of a key."""

from __future__ import annotations

from collections.abc import Sequence


def years_word(years: Sequence[int]) -> str:
    """``2010``, ``1995-2024`` or ``2010_2012-2014``; ``all`` where there is none.

    Parameters
    ----------
    years
        In any order, perhaps repeated.
    """
    spans: list[list[int]] = []
    for year in sorted(set(years)):
        if spans and year == spans[-1][1] + 1:
            spans[-1][1] = year
        else:
            spans.append([year, year])
    return "_".join(f"{a}-{b}" if b > a else f"{a}" for a, b in spans) or "all"
