"""Numbers in words: money, percent, counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from forecasting.evaluation.metric_labels import METRICS

if TYPE_CHECKING:
    pass


DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
"""What a table shows where there is no number, and before a negative one."""


_MAGNITUDES = ((1e12, " tn"), (1e9, " bn"), (1e6, " m"), (1e3, " k"), (0.0, ""))


def usd(value: float, *, sign: bool = False) -> str:
    """Write an amount in three digits, such as ``1.24 bn``."""
    if not math.isfinite(value):
        return DASH
    size, name = next((s, n) for s, n in _MAGNITUDES if abs(value) >= 0.9995 * s)
    scaled = abs(value) / (size or 1.0)
    before = MINUS if value < 0 else "+" * sign
    return f"{before}{scaled:{'.3g' if scaled < 999.5 else ',.0f'}}{name}"


def plain(value: float) -> str:
    """Write a number in four digits without an exponent, ``0.00007556``."""
    text = np.format_float_positional(value, precision=4, unique=False, fractional=False, trim="-")
    return text.replace("-", MINUS)


def percent(share: float, *, digits: int = 1, sign: bool = False) -> str:
    """Write a share as a percentage, ``0.085`` as ``8.5%``."""
    if not math.isfinite(share):
        return DASH
    number = round(100.0 * share, digits) + 0.0
    return f"{number:{'+' if sign and number else ''}.{digits}f}%".replace("-", MINUS)


def decimal(value: float, digits: int = 3) -> str:
    """Write a plain number."""
    return f"{value:.{digits}f}".replace("-", MINUS) if math.isfinite(value) else DASH


def metric(name: str, value: float) -> str:
    """Write a metric in its unit: shares of trade in percent, others plain."""
    known = METRICS.get(name)
    return percent(value, digits=2) if known and known.factor == 100 else decimal(value)


def years(horizon: int) -> str:
    """Name a horizon in words."""
    return f"{horizon} year{'' if horizon == 1 else 's'} ahead"


def plural(count: int, noun: str) -> str:
    """Write a count and its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def scale_of(largest: float) -> tuple[float, str]:
    """USD in which an axis up to an amount is drawn, and its name, such as ``bn USD``."""
    size, name = next(pair for pair in _MAGNITUDES if largest >= pair[0])
    return size or 1.0, f"{name.strip()} USD".strip()


def money(value: float, *, sign: bool = False) -> str:
    """An amount in three digits with its unit, such as ``1.24 bn USD``."""
    amount = _whole(value)
    return f"{usd(amount, sign=sign and amount != 0)} USD" if math.isfinite(value) else DASH


def _whole(value: float) -> float:
    """The amount, or 0 where it is less than half a dollar: what sums leave of rounding."""
    return 0.0 if abs(value) < 0.5 else float(value)


def points(value: float, *, sign: bool = False) -> str:
    """A number that is in percent already, such as ``1.2%``; small ones in two digits."""
    digits = 2 if abs(round(value, 2)) < 1 else 1
    return percent(value / 100.0, digits=digits, sign=sign)


def listed(words: Iterable[str], *, between: str = ", ") -> str:
    """Words as a list in a sentence: ``a, b and c``."""
    words = list(words)
    return " and ".join([*([between.join(words[:-1])] if words[1:] else []), *words[-1:]])


def ahead(horizon: int) -> str:
    """A horizon in words."""
    return f"{horizon} year{'s' if horizon > 1 else ''} ahead"


def change(start: float, end: float) -> float:
    """Growth in percent; NaN from zero."""
    return 100.0 * (end / start - 1.0) if start > 0 else float("nan")


def share(part: float, whole: float) -> float:
    """A part in percent of a whole; 0 of nothing."""
    return 100.0 * part / whole if whole > 0 else 0.0


def plural_rows(count: int) -> str:
    """A number of rows in words."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def lower_first(label: str) -> str:
    """A label inside a sentence; abbreviations keep their capitals."""
    return label if label[:2].isupper() else label[:1].lower() + label[1:]
