"""A column of countries, by code or name, as alpha-3 categories."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.panel_codes import AGGREGATES, is_user_assigned, unknown_codes
from features.errors import InputError
from features.reading.country_names import WORLD, alpha3, is_comtrade, is_world, nearest

KOSOVO = "XKX"
_NAMED = 12
"""Codes that a remedy lists."""


@dataclass(frozen=True, slots=True)
class CountryColumn:
    """Countries of a table's rows.

    Attributes
    ----------
    column
        The column as categories.
    given
        The table's name of each.
    names
        Alpha-3 code of each, `WORLD` for the world, None for what no table knows.
    """

    column: pd.Series
    given: tuple[str, ...]
    names: tuple[str | None, ...]

    @classmethod
    def of_table(
        cls, columns: Mapping[str, pd.Series], *, extra_codes: Collection[str]
    ) -> dict[str, CountryColumn]:
        """Read the columns of countries of one table.

        A table with user-assigned codes of ISO 3166 only is of a simulated world, and they are its
        countries; among real countries they must be listed.
        """
        coded = {name: column.astype("category") for name, column in columns.items()}
        codes = {str(each) for column in coded.values() for each in column.cat.categories}
        own = codes - AGGREGATES
        own = own if own and all(map(is_user_assigned, own)) else set()
        return {name: cls.of(each, extra_codes={*extra_codes, *own})
                for name, each in coded.items()}  # fmt: skip

    @classmethod
    def of(cls, column: pd.Series, *, extra_codes: Collection[str]) -> CountryColumn:
        """Read a column, looking up distinct values only."""
        coded = column.astype("category")
        given = tuple(str(each) for each in coded.cat.categories)
        words = [each.strip() for each in given]
        real = [word for word in words if not is_world(word)]
        two_letters = bool(real) and all(len(word) == 2 and word.isupper() for word in real)
        comtrade = is_comtrade(words)
        names = tuple(
            word
            if word in extra_codes
            else _checked(alpha3(word, two_letters=two_letters, comtrade=comtrade), extra_codes)
            for word in words
        )
        return cls(coded, given, names)

    @property
    def codes(self) -> NDArray[np.integer]:
        """Place of each row's country in ``names``, -1 where the cell is empty, shape ``[row]``."""
        codes: NDArray[np.integer] = self.column.cat.codes.to_numpy()
        return codes

    @property
    def translated(self) -> bool:
        """Whether a country is not named by its alpha-3 code."""
        return any(
            name is not None and name not in (WORLD, given)
            for given, name in zip(self.given, self.names, strict=True)
        )

    def marked(self, name: str | None) -> NDArray[np.bool_] | None:
        """Rows of `WORLD` or of unknown codes (None); None where there are none."""
        places = [place for place, found in enumerate(self.names) if found == name]
        if not places:
            return None
        rows = np.isin(self.codes, places)
        return rows if rows.any() else None

    @property
    def categorical(self) -> pd.Series:
        """Alpha-3 codes as categories; rows of the world and of unknown codes are missing."""
        if self.names == self.given:
            return self.column
        known = sorted({name for name in self.names if name})
        place = {name: number for number, name in enumerate(known)}
        number = np.array([*(place.get(name or "", -1) for name in self.names), -1], dtype=np.int32)
        coded = pd.Categorical.from_codes(number[self.codes], known)
        return pd.Series(coded, index=self.column.index)

    def counted(
        self, name: str | None, *, among: NDArray[np.bool_] | None = None
    ) -> dict[str, int]:
        """Rows of each code of `WORLD`, or of each unknown code (None), by the table's name."""
        codes = self.codes if among is None else self.codes[among]
        counts = np.bincount(codes[codes >= 0], minlength=len(self.given))
        return {
            given: int(rows)
            for given, found, rows in zip(self.given, self.names, counts, strict=True)
            if found == name and rows
        }


def require_filled(country: CountryColumn, *, file: object, column: str) -> None:
    """Raise `InputError` at the first empty cell."""
    if country.codes.min(initial=0) < 0:
        _refuse({}, file=file, column=column, row=int(np.argmax(country.codes < 0)) + 2)


def require_known(
    columns: dict[str, CountryColumn],
    *,
    file: object,
    among: NDArray[np.bool_] | None = None,
) -> None:
    """Refuse empty cells and codes that no table knows, all of them at once.

    Parameters
    ----------
    columns
        By the name that the table gives each.
    among
        Rows that count; None for all.

    Raises
    ------
    InputError
        At the first row; it lists every unknown code and its rows.
    """
    for name, country in columns.items():
        bad = [-1, *(place for place, found in enumerate(country.names) if found is None)]
        if len(bad) == 1 and country.codes.min(initial=0) >= 0:
            continue
        wrong = np.isin(country.codes, bad)
        if among is not None:
            wrong &= among
        if not wrong.any():
            continue
        row = int(np.argmax(wrong))
        unknown = country.counted(None, among=wrong) if country.codes[row] >= 0 else {}
        _refuse(unknown, file=file, column=name, row=row + 2)


def _refuse(counts: dict[str, int], *, file: object, column: str, row: int) -> None:
    """Refuse unknown codes, or an empty cell where there are none."""
    problem = unknown_codes(counts) if counts else "an empty cell is not a country code"
    raise InputError(problem, remedy=_remedy(counts), file=file, column=column, row=row)


def _remedy(counts: dict[str, int]) -> str:
    words = "Use ISO 3166 alpha-3 codes such as DEU"
    offers = [f"{code[:40]} may be {near[0]}" for code in counts if (near := nearest(code))]
    if offers:
        words += f" ({'; '.join(offers[:3])})"
    own = [code for code in counts if is_user_assigned(code)]
    if own:
        words += f", or take codes of your own with `--extra-codes {','.join(own[:_NAMED])}`"
    return words + "; leave out rows of groups of countries"


def _checked(name: str | None, extra_codes: Collection[str]) -> str | None:
    """User-assigned codes of ISO 3166 are known only if listed, except Kosovo's."""
    if name is None or not is_user_assigned(name) or name == KOSOVO or name in extra_codes:
        return name
    return None
