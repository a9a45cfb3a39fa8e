"""The fold plan: which origins forecast which horizons, as pure data."""

from __future__ import annotations

from dataclasses import dataclass

from features.errors import InputError

LEARNING_YEARS = 8
"""Years between the panel's first year and the first back-test origin, if it is long enough."""
MOST_ORIGINS = 14
"""Back-test origins unless the first is given: enough for tests, and quick enough."""
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


def first_origin_of(
    *, first_year: int, last_year: int, horizons: tuple[int, ...], given: int | None
) -> int:
    """First origin of the back-test, whether or not the panel is long enough for one.

    Parameters
    ----------
    first_year, last_year, horizons
        See `plan_folds`.
    given
        The user's choice, which is kept.
    """
    if given is not None:
        return given
    last_origin = last_year - min(horizons)
    wanted = max(first_year + LEARNING_YEARS, last_origin - MOST_ORIGINS + 1)
    return max(min(wanted, last_origin), _earliest(first_year, horizons))


def _earliest(first_year: int, horizons: tuple[int, ...]) -> int:
    """An earlier origin must have an outcome at the longest horizon that is already known."""
    return first_year + SHORTEST_HISTORY - 1 + max(horizons)


def tuning_years(folds: tuple[Fold, ...], *, first_year: int, last_year: int, every: int) -> range:
    """Origins at which weights are chosen: calendar years, whatever later years the panel has.

    Parameters
    ----------
    folds
        The back-test.
    first_year, last_year
        Of the panel; the last is the origin of the final forecast.
    every
        Years between two choices.

    Returns
    -------
    range
        From `LEARNING_YEARS` after the first year on, or from the first origin where that is
        earlier. Where `MOST_ORIGINS` shortens the back-test, choices begin before it: counted
        from its first origin, they would move with every added year.
    """
    return range(min(first_year + LEARNING_YEARS, folds[0].origin), last_year + 1, every)


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
    earliest = _earliest(first_year, horizons)
    if earliest > last_origin:
        needed = SHORTEST_HISTORY + max(horizons) + min(horizons)
        raise InputError(
            f"{last_year - first_year + 1} years ({first_year}-{last_year}) are too few for "
            f"horizons {', '.join(map(str, horizons))}",
            remedy=f"Give at least {needed} years or shorter horizons",
        )
    start = first_origin_of(
        first_year=first_year, last_year=last_year, horizons=horizons, given=first_origin
    )
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
