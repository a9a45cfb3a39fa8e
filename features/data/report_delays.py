"""Usual delay from the end of a year to each reporter's publication of its trade."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from features.reading.schemas import DELAYS

LATE_MONTHS = 18
"""Delay of a reporter that no table names: late, never early."""
_SHIPPED = Path(__file__).with_name("report_delays.csv")


@cache
def usual_delays() -> Mapping[str, int]:
    """Months by alpha-3 code of reporters that publish early, a judgement.

    They publish their months within two or three, and a whole year within six, the last to do so
    counted: in 2013, 76 of 81 reporters of months had a median delay below three months.
    """
    table = pd.read_csv(_SHIPPED, dtype={"reporter": "str"}, keep_default_na=False)
    return delays_of(table, file=_SHIPPED.name)


def delays_of(table: pd.DataFrame, *, file: object) -> Mapping[str, int]:
    """Months by reporter, of a table with ``reporter, months``.

    Raises
    ------
    InputError
        For a wrong cell or a repeated reporter.
    """
    checked = DELAYS.check(table, file=file)
    months = checked.numbers["months"].astype(int)
    reporters = checked.codes["reporter"].texts()
    return MappingProxyType({str(name): int(n) for name, n in zip(reporters, months, strict=True)})
