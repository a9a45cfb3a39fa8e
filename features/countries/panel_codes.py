"""Country codes of the panel: ISO 3166 alpha-3, translated from alpha-2 on reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError, listed

AGGREGATES = frozenset({"ROW"})
"""Codes that replace countries in input-output data (rest of world)."""


@lru_cache(maxsize=1)
def _iso3() -> frozenset[str]:
    # Imported here, because pycountry's tables would slow `import forecasting`.
    import pycountry

    today = {country.alpha_3 for country in pycountry.countries}
    return frozenset(today | {country.alpha_3 for country in pycountry.historic_countries})


@lru_cache(maxsize=1)
def _iso2_to_iso3() -> dict[str, str]:
    import pycountry

    return {country.alpha_2: country.alpha_3 for country in pycountry.countries}


def is_user_assigned(code: str) -> bool:
    """ISO 3166-1 leaves AAA-AAZ, QMA-QZZ, XAA-XZZ and ZZA-ZZZ to users (XKX, simulated worlds)."""
    plain = len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()
    return plain and (code[:2] in ("AA", "ZZ") or code[0] == "X" or "QM" <= code[:2] <= "QZ")


def is_country(code: str) -> bool:
    """Whether ``code`` is an ISO 3166 alpha-3 code, past or present, or a known aggregate."""
    return code in _iso3() or is_user_assigned(code) or code in AGGREGATES


def to_iso3(
    codes: pd.Series, *, file: object | None = None
) -> tuple[NDArray[np.integer], tuple[str, ...]]:
    """Check a column of country codes and translate it to alpha-3.

    A column in which every code has two letters is read as ISO 3166 alpha-2; ``NA`` is Namibia.

    Parameters
    ----------
    codes
        Country codes, strings or categorical, one a row.

    Returns
    -------
    tuple
        Position of each row's country in the second item, shape ``[row]``; alpha-3 codes, in
        which a country may occur more than once or without a row.

    Raises
    ------
    InputError
        If a code is missing, malformed or unknown; names the first such row and every such code.
    """
    column = codes.astype("category")
    categories = [str(code) for code in column.cat.categories]
    names = categories
    if categories and all(len(code) == 2 for code in categories):
        names = [_iso2_to_iso3().get(code, code) for code in categories]
    positions = column.cat.codes.to_numpy()
    bad = [number for number, code in enumerate(names) if not is_country(code)]
    # Rows are searched only where there is something to find: a release has 28 million of them.
    wrong = np.isin(positions, [-1, *bad]) if bad or positions.min(initial=0) < 0 else None
    if wrong is not None and wrong.any():
        row = int(np.argmax(wrong))
        rows = np.bincount(positions[positions >= 0], minlength=len(categories))
        unknown = {categories[number]: int(rows[number]) for number in bad if rows[number]}
        raise InputError(
            unknown_codes(unknown)
            if positions[row] >= 0
            else "an empty cell is not a country code",
            remedy="Use ISO 3166 alpha-3 codes such as DEU; leave out the world and groups",
            file=file,
            column=str(codes.name),
            row=row + 2,
        )
    return positions, tuple(names)


def counted(rows: int) -> str:
    """A number of rows in words."""
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def with_rows(counts: Mapping[str, int]) -> str:
    """Codes and their rows, the first dozen by name."""
    return listed([f"{code[:40]!r} ({counted(rows)})" for code, rows in counts.items()], most=12)


def unknown_codes(counts: Mapping[str, int]) -> str:
    """Problem of unknown codes: all of them, with their rows."""
    if len(counts) == 1:
        ((code, rows),) = counts.items()
        return f"{code[:40]!r} is not a country code ({counted(rows)})"
    return f"{with_rows(counts)} are not country codes"


def place_of(names: Sequence[str], countries: Sequence[str]) -> NDArray[np.int32]:
    """Position of each name among ``countries``, -1 where it is not one of them."""
    place = {code: number for number, code in enumerate(countries)}
    return np.array([place.get(code, -1) for code in names], dtype=np.int32)
