"""Folds all but the largest traders into the rest of the world."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.arrays import sums_by_key
from features.countries.panel_codes import place_of
from features.data.panel import sector_codes
from features.reading.schemas import TRADE

REST = "ROW"


def fold_into_rest(
    frame: pd.DataFrame, *, largest: int, until: int, file: object
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Keep the flows of the largest traders; all others become one trader, ``ROW``.

    A dense panel has a cell for every pair, sector and year: two hundred countries by chapter are
    five million flows, most of them never traded.

    Parameters
    ----------
    frame
        ``exporter, importer, [sector], year, value_usd``, see `TradePanel.from_frame`.
    largest
        Countries to keep: those with the largest sum of exports and imports. Sales of a country to
        itself do not count.
    until
        Last year that counts: later years would tell a back-test who grew large.
    file
        Named in errors.

    Returns
    -------
    tuple
        The table, one row a flow and year, and the codes that ``ROW`` stands for, sorted.

    Raises
    ------
    InputError
        For a missing column, an unknown country, an empty sector, or a year or value that is no
        number.
    """
    checked = TRADE.check(frame, file=file)
    value, year = checked.numbers["value_usd"], checked.years["year"].astype(np.int64)
    given = [checked.codes[name] for name in ("exporter", "importer")]
    everyone = tuple(sorted({name for side in given for name in side.used()}))
    sides = [side.places(everyone) for side in given]
    others = _others(sides, np.where(year <= until, value, 0.0), everyone, largest)
    if not others:
        return frame, ()
    countries = tuple(sorted({*everyone, REST} - set(others)))
    rest = countries.index(REST)
    place = place_of(everyone, countries)
    place[place < 0] = rest
    exporter, importer = (place[side].astype(np.int64) for side in sides)
    coded, sectors = sector_codes(checked.codes.get("sector"))
    sector = np.int64(0) if coded is None else coded.place[coded.codes].astype(np.int64)
    first, years = int(year.min()), int(year.max() - year.min()) + 1
    key = ((exporter * len(countries) + importer) * len(sectors) + sector) * years + year - first
    key, total = sums_by_key(key, value)
    pair, year_place = np.divmod(key, years)
    pair, sector = np.divmod(pair, len(sectors))
    exporter, importer = np.divmod(pair, len(countries))
    folded = {
        "exporter": pd.Categorical.from_codes(exporter, list(countries)),
        "importer": pd.Categorical.from_codes(importer, list(countries)),
    }
    if "sector" in frame.columns:
        folded["sector"] = pd.Categorical.from_codes(sector, list(sectors))
    return pd.DataFrame({**folded, "year": first + year_place, "value_usd": total}), tuple(others)


def _others(
    sides: Sequence[NDArray[np.integer]],
    value: NDArray[np.float64],
    everyone: Sequence[str],
    largest: int,
) -> list[str]:
    """Codes to fold; ties are broken by code, not by the order of rows."""
    abroad = np.where(sides[0] != sides[1], value, 0.0)
    size = sum(np.bincount(side, weights=abroad, minlength=len(everyone)) for side in sides)
    order = np.argsort(-np.asarray(size), kind="stable")
    ranked = [everyone[k] for k in order if everyone[k] != REST]
    return sorted(ranked[largest:])
