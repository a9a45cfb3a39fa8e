"""Unit of a value column, from its header or a unit column."""

from __future__ import annotations

import re
from collections.abc import Collection

from features.choices import Unit
from features.errors import InputError

FACTORS: dict[str, float] = {"usd": 1.0, "thousand": 1e3, "million": 1e6, "billion": 1e9}
"""USD of one unit."""

_SCALES: dict[str, frozenset[str]] = {
    "thousand": frozenset({"thousand", "thousands", "1000", "000", "000s", "kusd", "tusd", "ths",
                           "thsd", "thous", "1000usd", "usd1000"}),
    "million": frozenset({"million", "millions", "musd", "mn", "mln", "mio", "mill", "usdm",
                          "usdmn", "mnusd", "musds", "mmusd", "1000000"}),
    "billion": frozenset({"billion", "billions", "busd", "bn", "bln", "usdbn", "bnusd"}),
}  # fmt: skip
_CURRENCIES = frozenset({"eur", "euro", "euros", "ecu", "gbp", "cny", "rmb", "jpy", "yen", "inr",
                         "brl", "chf", "cad", "aud", "sdr", "lcu"})  # fmt: skip
_DOLLARS = frozenset({"usd", "us", "dollar", "dollars", "u", "s", "current", "nominal", "in", "of",
                      "at", "prices"})  # fmt: skip


def split_unit(header: str) -> tuple[str, Unit | None, str | None]:
    """A header without its unit, the unit's scale, and a currency other than USD."""
    # "US$", "$" and the camel case of "valueThousandUSD" split into words.
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", header.replace("€", " eur ").replace("$", " "))
    words = re.findall(r"[a-z0-9]+", spaced.lower())
    scale: Unit | None = None
    for name, spelled in _SCALES.items():
        if spelled & set(words):
            scale = name  # type: ignore[assignment]
    currency = next((word for word in words if word in _CURRENCIES), None)
    known = frozenset().union(*_SCALES.values()) | _CURRENCIES | _DOLLARS
    left = [word for word in words if word not in known]
    return "".join(left), scale, currency


def unit_of_cells(cells: Collection[str], *, file: object, column: str) -> Unit:
    """The unit that a column of units names in every row.

    Raises
    ------
    InputError
        If it names several, or another currency.
    """
    units: set[Unit] = set()
    for cell in cells:
        _, scale, currency = split_unit(cell)
        if currency is not None:
            refuse_currency(currency, file=file, column=column)
        units.add(scale or "usd")
    if len(units) > 1:
        raise InputError(
            f"the column names several units ({', '.join(sorted(cells)[:5])})",
            remedy="Give all values in one unit",
            file=file,
            column=column,
        )
    return units.pop()


def refuse_currency(currency: str, *, file: object, column: str) -> None:
    """Refuse values in another currency: no rate is guessed."""
    raise InputError(
        f"the values are in {currency.upper()}",
        remedy="Give values in current USD; if they are, say so with `--unit usd`",
        file=file,
        column=column,
    )
