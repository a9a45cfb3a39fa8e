"""Every format of a number in text: amounts, percent, decimals, counts, horizons."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date

import numpy as np

from forecasting.evaluation.metric_labels import METRICS

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
"""Shown for a missing number, and before a negative one."""
_MAGNITUDES = ((1e12, " tn"), (1e9, " bn"), (1e6, " m"), (1e3, " k"), (0.0, ""))


def usd(value: float, *, sign: bool = False) -> str:
    """An amount in three digits, such as ``1.24 bn``."""
    if not math.isfinite(value):
        return DASH
    size, name = next((s, n) for s, n in _MAGNITUDES if abs(value) >= 0.9995 * s)
    scaled = abs(value) / (size or 1.0)
    before = MINUS if value < 0 else "+" * sign
    return f"{before}{scaled:{'.3g' if scaled < 999.5 else ',.0f'}}{name}"


def plain(value: float) -> str:
    """A number in four digits without an exponent, such as ``0.00007556``."""
    text = np.format_float_positional(value, precision=4, unique=False, fractional=False, trim="-")
    return text.replace("-", MINUS)


def percent(share: float, *, digits: int = 1, sign: bool = False) -> str:
    """A share in percent: ``8.5%`` for 0.085."""
    if not math.isfinite(share):
        return DASH
    number = round(100.0 * share, digits) + 0.0
    return f"{number:{'+' if sign and number else ''}.{digits}f}%".replace("-", MINUS)


def decimal(value: float, digits: int = 3) -> str:
    """A number with a fixed count of decimals."""
    return f"{value:.{digits}f}".replace("-", MINUS) if math.isfinite(value) else DASH


def number(value: float, *, sign: bool = False) -> str:
    """A number in three digits, never as a power of ten."""
    decimals = 0 if value == 0 else max(0, min(6, 2 - math.floor(math.log10(abs(value)))))
    rounded = round(value, decimals) + 0.0
    before = "+" if sign and rounded else ""
    return f"{rounded:{before},.{decimals}f}".replace("-", MINUS)


def metric(name: str, value: float) -> str:
    """A metric of accuracy: shares of trade in percent, the others as decimals."""
    known = METRICS.get(name)
    return percent(value, digits=2) if known and known.factor == 100 else decimal(value)


def years(horizon: int) -> str:
    """A horizon in words."""
    return f"{horizon} year{'' if horizon == 1 else 's'} ahead"


def lead(year: int, as_of: date | str) -> str:
    """A target year seen from the as-of date, such as ``next year``."""
    ahead = year - int(str(as_of)[:4])
    if ahead < 0:
        return "already over"
    return {0: "this year", 1: "next year"}.get(ahead, f"in {ahead} years")


def count(number: float) -> str:
    """A whole number, with commas between thousands."""
    return f"{number:,.0f}"


def plural(number: int, noun: str) -> str:
    """A count and its noun."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def scale_of(largest: float) -> tuple[float, str]:
    """Unit of an axis that reaches an amount: USD per unit, and its name, such as ``bn USD``."""
    size, name = next(pair for pair in _MAGNITUDES if largest >= pair[0])
    return size or 1.0, f"{name.strip()} USD".strip()


def money(value: float, *, sign: bool = False) -> str:
    """An amount in three digits with its unit, such as ``1.24 bn USD``."""
    amount = whole_usd(value)
    return f"{usd(amount, sign=sign and amount != 0)} USD" if math.isfinite(value) else DASH


def whole_usd(value: float) -> float:
    """The amount, or 0 below half a dollar, which is the rounding error of a sum."""
    return 0.0 if abs(value) < 0.5 else float(value)


def points(value: float, *, sign: bool = False) -> str:
    """A number already in percent, such as ``1.2%``; two decimals below 1."""
    digits = 2 if abs(round(value, 2)) < 1 else 1
    return percent(value / 100.0, digits=digits, sign=sign)


def listed(items: Iterable[object], *, between: str = ", ") -> str:
    """A list inside a sentence: ``a, b and c``."""
    words = list(map(str, items))
    return " and ".join([*([between.join(words[:-1])] if words[1:] else []), *words[-1:]])


def change(start: float, end: float) -> float:
    """Growth in percent; NaN if it starts at 0."""
    return 100.0 * (end / start - 1.0) if start > 0 else float("nan")


def share(part: float, whole: float) -> float:
    """A part in percent of a whole; 0 if the whole is 0."""
    return 100.0 * part / whole if whole > 0 else 0.0


def lower_first(label: str) -> str:
    """A label inside a sentence; abbreviations stay in capitals."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]


def chance_words(chance: float) -> str:
    """A probability in words: ``7 in 10``; draws cannot tell what is nearer to certain."""
    if not math.isfinite(chance):
        return DASH
    if chance >= 0.985:
        return "over 98 in 100"
    if chance <= 0.015:
        return "under 2 in 100"
    if chance >= 0.945:
        return "19 in 20"
    if chance <= 0.055:
        return "1 in 20"
    return f"{min(max(round(10 * chance), 1), 9)} in 10"


def times(ratio: float) -> str:
    """A ratio, such as ``1.38 times``."""
    return f"{ratio:.2f} times"
