"""Countries that split, merge or change code: known cases and likely ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from features.errors import listed
from features.findings import Finding
from features.plausibility.trader_totals import TraderTotals

SPLITS: dict[str, tuple[str, ...]] = {
    "ANT": ("ABW", "BES", "CUW", "SXM"),
    "CSK": ("CZE", "SVK"),
    "SCG": ("MNE", "SRB"),
    "SUN": ("ARM", "AZE", "BLR", "EST", "GEO", "KAZ", "KGZ", "LTU", "LVA", "MDA", "RUS", "TJK",
            "TKM", "UKR", "UZB"),
    "YUG": ("BIH", "HRV", "MKD", "MNE", "SCG", "SRB", "SVN"),
}  # fmt: skip
"""Successors of former countries for which ISO 3166-3 names none."""
SAME_CODE: dict[str, str] = {"ROM": "ROU", "WBG": "PSE", "ZAR": "COD"}
"""Old codes outside ISO 3166-3, and today's."""
_ALIKE = 1.5
"""Largest size factor between old and new countries where no succession is known."""


@dataclass(frozen=True, slots=True)
class Succession:
    """A trader that ends, and those that begin in its place the year after.

    Attributes
    ----------
    before, after
        The trader that ends and those that begin.
    year
        Last year of the one that ends.
    known
        Whether the succession is known; otherwise the figures suggest it.
    share
        Its share of the world's exports of that year.
    """

    before: str
    after: tuple[str, ...]
    year: int
    known: bool
    share: float


@lru_cache(maxsize=1)
def successors() -> dict[str, tuple[str, ...]]:
    """Successors by the code that ended, from ISO 3166-3 and `SPLITS`."""
    import pycountry

    today = {country.alpha_2: country.alpha_3 for country in pycountry.countries}
    # The last two letters of a code of ISO 3166-3 are the successor's; HH where there is no one.
    renamed = {
        country.alpha_3: (today[country.alpha_4[2:]],)
        for country in pycountry.historic_countries
        if country.alpha_4[2:] in today and country.alpha_3 != today[country.alpha_4[2:]]
    }
    return renamed | {old: (new,) for old, new in SAME_CODE.items()} | SPLITS


def successions(totals: TraderTotals) -> tuple[Succession, ...]:
    """Traders of the table that end, and those that take their place.

    A trader ends when it neither exports nor imports any more; only the year after decides.
    """
    active = (totals.traded["exports"] > 0) | (totals.traded["imports"] > 0)
    ever = active.any(axis=0)
    first = np.where(ever, active.argmax(axis=0), active.shape[0])
    last = np.where(ever, active.shape[0] - 1 - active[::-1].argmax(axis=0), -1)
    place = {code: number for number, code in enumerate(totals.countries)}
    size = totals.value["exports"] + totals.value["imports"]
    found = []
    for ends in np.flatnonzero(ever & (last < active.shape[0] - 1)):
        row = int(last[ends])
        code = totals.countries[ends]
        successors_here = [place[name] for name in successors().get(code, ()) if name in place]
        heirs = [k for k in successors_here if first[k] > 0 and row <= first[k] <= row + 1]
        # A successor whose figures began long before, as in a merger, takes over.
        heirs = heirs or [k for k in successors_here if active[row + 1, k]]
        known = bool(heirs)
        if not known:
            heirs = [int(k) for k in np.flatnonzero(first == row + 1)]
            ratio = size[row + 1, heirs].sum() / size[row, ends]
            if not heirs or not 1 / _ALIKE <= ratio <= _ALIKE:
                continue
        share = float(totals.value["exports"][row, ends]) / max(float(totals.world[row]), 1.0)
        names = tuple(totals.countries[k] for k in heirs)
        found.append(Succession(code, names, int(totals.years[row]), known, share))
    return tuple(found)


def succession_findings(found: tuple[Succession, ...]) -> list[Finding]:
    """One finding per succession: what to chain, and what the back-test leaves out for it."""
    return [
        Finding(
            code="succession",
            severity="warning",
            count=len(one.after),
            names=(one.before, *one.after),
            years=(one.year, one.year + 1),
            message=f"{one.before} ends in {one.year} and {listed(one.after)} "
            f"follow{'s' if len(one.after) == 1 else ''}"
            f"{'' if one.known else ' at a like size'}: forecasts of later years made up to "
            f"{one.year} are not scored on their flows ({100 * one.share:.2g} % of world exports)",
            remedy=f"Chain them: give {listed(one.after)} in all years, or their sum as "
            f"{one.before}; --accept succession keeps the break",
        )
        for one in found
    ]
