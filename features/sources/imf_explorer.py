"""Tables of the IMF's Data Explorer: a column per year, codes or names, scaled units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import SourceError, first_line
from features.reading.country_names import alpha3_of_name
from features.tidy.tidying import require_source_columns

KEYS = ("COUNTRY", "INDICATOR", "COUNTERPART_COUNTRY", "FREQUENCY")
_YEAR = re.compile(r"\d{4}")
_INDICATORS = {
    "exports of goods, free on board (fob), us dollar": "XG_FOB_USD",
    "imports of goods, cost insurance freight (cif), us dollar": "MG_CIF_USD",
    "imports of goods, cost, insurance and freight (cif), us dollar": "MG_CIF_USD",
    "imports of goods, free on board (fob), us dollar": "MG_FOB_USD",
}
_broken = partial(SourceError, remedy="Download it again")
_SCALES = {"units": 0, "thousands": 3, "millions": 6, "billions": 9}


def is_explorer(header: Sequence[str]) -> bool:
    """Whether these are columns of such a table."""
    return "TIME_PERIOD" not in header and any(_YEAR.fullmatch(name) for name in header)


def read_explorer(path: Path) -> pd.DataFrame:
    """One row per series and year, with the columns of the interface's CSV.

    Parameters
    ----------
    path
        CSV with ``COUNTRY.ID`` beside ``COUNTRY`` and so on, with ``SERIES_CODE``, or with names
        only; and with a scale, of which its figures are multiples (unlike the interface's).

    Returns
    -------
    DataFrame
        The columns `KEYS` as text, ``TIME_PERIOD`` and ``OBS_VALUE`` in US dollars. A country that
        has a name only and none that is known stays a name.

    Raises
    ------
    SourceError
        For a table that is broken, or lacks its scale.
    """
    try:
        table = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError) as error:
        raise _broken(f"the CSV cannot be read ({first_line(error)})", file=path) from error
    years = [name for name in table if _YEAR.fullmatch(str(name))]
    long = _keys(table, path).assign(_scale=_scale(table, path))
    cells = pd.concat([long, table[years]], axis="columns").melt(
        id_vars=[*KEYS, "_scale"], var_name="TIME_PERIOD", value_name="OBS_VALUE"
    )
    text = cells["OBS_VALUE"].str.replace(",", "").str.strip()
    value = pd.to_numeric(text.where(text != "", None), errors="coerce")
    wrong = value.isna() & (text != "")
    if wrong.any():
        raise _broken(f"{text[wrong].iloc[0]!r} is not a number", file=path.name)
    return cells.assign(OBS_VALUE=value * cells["_scale"]).drop(columns="_scale")


def _keys(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The four codes, from columns of codes, from the code of the series, or from names."""
    series = table.get("SERIES_CODE", pd.Series("", index=table.index)).str.split(".", expand=True)
    by_series = (0, 1, 2, 3) if series.shape[1] == len(KEYS) else None
    out: dict[str, pd.Series] = {}
    for place, name in enumerate(KEYS):
        if f"{name}.ID" in table:
            out[name] = table[f"{name}.ID"]
        elif by_series is not None:
            out[name] = series[place]
        else:
            require_source_columns([*table], [name], file=path.name)
            out[name] = table[name].map(_of_name[name])
    return pd.DataFrame(out)


def _scale(table: pd.DataFrame, path: Path) -> np.ndarray:
    """US dollars in one of each row's unit."""
    column = next((name for name in ("SCALE.ID", "SCALE") if name in table), None)
    if column is None:
        require_source_columns([*table], ["SCALE"], file=path.name)
    cells = table[str(column)].str.strip()
    power = cells.str.lower().map(_SCALES).fillna(pd.to_numeric(cells, errors="coerce"))
    if power.isna().any():
        raise SourceError(
            f"{cells[power.isna()].iloc[0]!r} is not a scale",
            remedy="Download it again with its scale",
            file=path.name,
            column=str(column),
        )
    return 10.0 ** power.to_numpy(dtype=np.float64)


def _country(name: str) -> str:
    return alpha3_of_name(name) or name


_of_name = {
    "COUNTRY": _country,
    "INDICATOR": lambda name: _INDICATORS.get(name.strip().lower(), name),
    "COUNTERPART_COUNTRY": _country,
    "FREQUENCY": lambda name: name.strip()[:1].upper(),
}
