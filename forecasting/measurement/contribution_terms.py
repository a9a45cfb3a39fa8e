"""Terms of contributions to measures, and their sums: country sizes, shifts of flows, channels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.feature import CHANNELS, TECHNOLOGY
from forecasting.explanation.terms import TERM_LABELS

TERMS: dict[str, str] = {
    **{name: label for name, label in TERM_LABELS.items() if name not in ("starts", "stops")},
    "stops:base": "Flows forecast to stop: growth until then",
    "stops:shift": "Flows forecast to stop",
    "chance:average": "Chance of the average flow",
    **{f"chance:{channel}": label for channel, label in CHANNELS.items()},
    "remainder": "Remainder of the quadrature",
}
"""Columns of contributions in words, in order from the origin to the forecast."""
TO_BASE = (*(name for name in TERMS if name.startswith("total:")), "stops:base")
"""Terms that lead from the value at the origin to the base."""


def terms_in(drivers: pd.DataFrame) -> list[str]:
    """Contribution columns of a table of drivers that are not empty, in the order of `TERMS`."""
    return [name for name in TERMS if name in drivers and drivers[name].notna().any()]


def sizes(drivers: pd.DataFrame) -> pd.Series[float]:
    """Contribution of changed country totals to each row: from the origin to the base."""
    return drivers[[name for name in TO_BASE if name in drivers]].sum(axis=1)


def pattern(drivers: pd.DataFrame) -> pd.Series[float]:
    """Contribution of the shifts of flows to each row: from the base to the forecast."""
    return drivers[
        [n for n in terms_in(drivers) if n.startswith(("net:", "stops:shift", "chance:"))]
    ].sum(axis=1)


def technology(drivers: pd.DataFrame) -> pd.Series[float]:
    """Contribution of the technology channels to each row, through totals and through shifts."""
    wanted = [f"{by}:{channel}" for by in ("total", "net") for channel in sorted(TECHNOLOGY)]
    return drivers[[name for name in wanted if name in drivers]].sum(axis=1)


def term_summary(drivers: pd.DataFrame) -> pd.DataFrame:
    """Size of every term over the units of a measure in one year.

    Returns
    -------
    DataFrame
        ``term, label, mean_abs`` (in the measure's unit), ``share`` of the sum over terms, ``mean``
        (whose sign is the direction of its average effect), in the order of `TERMS`.
    """
    names = terms_in(drivers)
    values = drivers[names].to_numpy(dtype=np.float64)
    size = np.abs(values).mean(axis=0) if len(values) else np.zeros(len(names))
    total = size.sum()
    return pd.DataFrame(
        {
            "term": names,
            "label": [TERMS[name] for name in names],
            "mean_abs": size,
            "share": size / total if total > 0 else size,
            "mean": values.mean(axis=0) if len(values) else size,
        }
    )
