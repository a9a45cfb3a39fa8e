"""Draws of sums as a table of words and as a file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.distribution.draws import Draws
from forecasting.run_folder.whole_file import write_whole
from forecasting.words.labels import SETTING_LABELS

_BILLION = 1e9


def table_lines(found: Draws) -> list[str]:
    """A table for reading, in billion USD and percent, and what must be known of it."""
    table = found.table
    levels = [name.removeprefix("lower_") for name in table if name.startswith("lower_")]
    shown = pd.DataFrame(
        {
            "sum": table["selection"],
            "year": table["target_year"],
            "last known": _usd(table["last_known"]),
            "forecast": _usd(table["forecast"]),
            **{
                f"{level} % interval": _usd(table[f"lower_{level}"])
                + " to "
                + _usd(table[f"upper_{level}"])
                for level in levels
            },
            "growth": _percent(table["growth"], "+.1f"),
            "chance of growth": _percent(table["probability_of_growth"], ".0f"),
        }
    )
    # Years after the first of a sum stand below its name.
    shown.loc[shown["sum"].duplicated(), ["sum", "last known"]] = ""
    setting = SETTING_LABELS[str(table["setting"].iloc[0])].lower()
    return [
        shown.to_string(index=False),
        f"Billion USD; {found.values.shape[-1]} joint draws, errors of past forecasts: {setting}",
        *found.notes(),
    ]


def _usd(values: pd.Series) -> pd.Series:
    return values.map(lambda usd: "unknown" if np.isnan(usd) else f"{usd / _BILLION:,.4g}")


def _percent(values: pd.Series, form: str) -> pd.Series:
    return values.map(lambda share: "unknown" if np.isnan(share) else f"{100 * share:{form}} %")


def draws_table(found: Draws) -> pd.DataFrame:
    """One row per selection, target year and draw: ``selection, target_year, draw, value``."""
    count, years, n_draws = found.values.shape
    selection = [one.text for one in found.selections]
    return pd.DataFrame(
        {
            "selection": pd.Categorical.from_codes(
                np.repeat(np.arange(count), years * n_draws), categories=selection
            ),
            "target_year": np.tile(np.repeat(found.years, n_draws), count).astype(np.int16),
            "draw": np.tile(np.arange(n_draws), count * years).astype(np.int32),
            "value": found.values.ravel(),
        }
    )


def write_draws(found: Draws, file: Path) -> None:
    """Write `draws_table` as Parquet, the whole of it or nothing."""
    buffer = BytesIO()
    draws_table(found).to_parquet(buffer, compression="zstd", index=False)
    write_whole(file, buffer.getvalue())
