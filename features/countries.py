"""Country codes in one place: ISO 3166 alpha-3 throughout, alpha-2 translated at the edge."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from features.errors import InputError

AGGREGATES = frozenset({"ROW"})
"""Codes that are not countries but stand in one's place in input-output data (rest of world)."""


@lru_cache(maxsize=1)
def _iso3() -> frozenset[str]:
    # pycountry loads its tables on first use; importing it here keeps `import forecasting` quick.
    import pycountry

    today = {country.alpha_3 for country in pycountry.countries}
    return frozenset(today | {country.alpha_3 for country in pycountry.historic_countries})


@lru_cache(maxsize=1)
def _iso2_to_iso3() -> dict[str, str]:
    import pycountry

    return {country.alpha_2: country.alpha_3 for country in pycountry.countries}


def _is_user_assigned(code: str) -> bool:
    """ISO 3166-1 leaves AAA-AAZ, QMA-QZZ, XAA-XZZ and ZZA-ZZZ to users (XKX, simulated worlds)."""
    plain = len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()
    return plain and (code[:2] in ("AA", "ZZ") or code[0] == "X" or "QM" <= code[:2] <= "QZ")


def is_country(code: str) -> bool:
    """Whether ``code`` is an ISO 3166 alpha-3 code, past or present, or a known aggregate."""
    return code in _iso3() or _is_user_assigned(code) or code in AGGREGATES


def to_iso3(codes: pd.Series, *, file: object | None = None) -> pd.Series:
    """Check a column of country codes and return it as a categorical of alpha-3 codes.

    A column in which every code has two letters is read as ISO 3166 alpha-2; ``NA`` is Namibia.

    Parameters
    ----------
    codes
        Country codes, strings or categorical, one a row.
    file
        Named in the error.

    Raises
    ------
    InputError
        If a code is missing, malformed or unknown; names the first such row.
    """
    # A categorical whose categories are not sorted and unique would break the code arithmetic.
    column = codes.astype("category")
    categories = [str(code) for code in column.cat.categories]
    names = categories
    if categories and all(len(code) == 2 for code in categories):
        names = [_iso2_to_iso3().get(code, code) for code in categories]
    bad = np.array([not is_country(code) for code in names], dtype=bool)
    positions = column.cat.codes.to_numpy()
    wrong = positions < 0
    if bad.any():
        wrong |= bad[positions]
    if wrong.any():
        row = int(np.argmax(wrong))
        shown = "an empty cell" if positions[row] < 0 else repr(categories[positions[row]])
        raise InputError(
            f"{shown} is not a country code",
            remedy="Use ISO 3166 alpha-3 codes such as DEU (or ROW for the rest of the world)",
            file=file,
            column=str(codes.name),
            row=row + 2,
        )
    ordered = sorted(set(names))
    place = {code: number for number, code in enumerate(ordered)}
    recode = np.array([place[code] for code in names], dtype=np.int32)
    recoded = pd.Categorical.from_codes(recode[positions], categories=ordered)
    return pd.Series(recoded, index=codes.index, name=codes.name)
