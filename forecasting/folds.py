"""The fold plan: which origins forecast which horizons, as pure data."""

from __future__ import annotations

from dataclasses import dataclass

from features.errors import InputError

LEARNING_YEARS = 8
"""Years between the panel's first year and the first back-test origin, where there are as many."""
MOST_ORIGINS = 14
"""Back-test origins unless the first is given: enough to test on, few enough to wait for."""
SHORTEST_HISTORY = 4


@dataclass(frozen=True, slots=True)
class Fold:
    """One origin of the back-test.

    Attributes
    ----------
    origin
        Last year of bilateral trade the forecast sees.
    horizons
        Years ahead whose outcome the panel holds.
    train_origins
        Earlier origins, whose shortest horizon ends by ``origin``.
    """

    origin: int
    horizons: tuple[int, ...]
    train_origins: tuple[int, ...]


def plan_folds(
    *,
    first_year: int,
    last_year: int,
    horizons: tuple[int, ...],
    first_origin: int | None = None,
) -> tuple[Fold, ...]:
    """Rolling origins with an expanding window.

    Parameters
    ----------
    first_year, last_year
        Of the panel.
    horizons
        Years ahead, ascending.
    first_origin
        First origin; by default the one that leaves `LEARNING_YEARS` years of the panel before
        it, or fewer where the panel is short, and at most `MOST_ORIGINS` origins.

    Returns
    -------
    tuple of Fold
        In the order of origins, up to the last whose shortest horizon the panel holds.

    Raises
    ------
    InputError
        If the panel is too short for a single fold, or ``first_origin`` is not inside it.
    """
    last_origin = last_year - min(horizons)
    # From the first origin on every horizon must be scored at least once.
    latest = last_year - max(horizons)
    # An origin must have an earlier one whose outcome at the longest horizon it already knows.
    earliest = first_year + SHORTEST_HISTORY - 1 + max(horizons)
    if earliest > last_origin:
        needed = SHORTEST_HISTORY + max(horizons) + min(horizons)
        raise InputError(
            f"{last_year - first_year + 1} years ({first_year}-{last_year}) are too few for "
            f"horizons {', '.join(map(str, horizons))}",
            remedy=f"Give at least {needed} years or shorter horizons",
        )
    wanted = max(first_year + LEARNING_YEARS, last_origin - MOST_ORIGINS + 1)
    start = max(min(wanted, last_origin), earliest) if first_origin is None else first_origin
    if first_origin is not None and not earliest <= start <= max(latest, earliest):
        raise InputError(
            f"first_origin {start} does not fit the panel {first_year}-{last_year} and horizons "
            f"{', '.join(map(str, horizons))}",
            remedy=f"Choose a year from {earliest} to {max(latest, earliest)}",
        )
    return tuple(
        Fold(
            origin,
            tuple(h for h in horizons if origin + h <= last_year),
            tuple(range(first_year, origin - min(horizons) + 1)),
        )
        for origin in range(start, last_origin + 1)
    )
