"""Draws of sums and measures as tables of words and as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from forecasting.distribution.draws import Draws
from forecasting.distribution.measure_draws import MeasureDraws
from forecasting.run_folder.whole_file import write_whole
from forecasting.words.labels import SETTING_LABELS
from forecasting.words.measures import change_words, range_words, value_words

_BILLION = 1e9


def table_lines(found: Draws) -> list[str]:
    """A table for reading, in billion USD and percent, and what must be known of it."""
    table = found.table
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
                for level in _levels(table)
            },
            "growth": _percent(table["growth"], "+.1f"),
            "chance of growth": _percent(table["probability_of_growth"], ".0f"),
        }
    )
    return [_text(shown), f"Billion USD; {_made_of(found)}", *found.notes()]


def measure_lines(found: MeasureDraws) -> list[str]:
    """A table for reading, each measure in its unit, and what must be known of it."""
    table = found.table
    measures = [one.measure for one in found.selections for _ in found.years]

    def words(write: Callable[..., str], *columns: str) -> list[str]:
        rows = table[list(columns)].itertuples(index=False)
        return [write(measure, *row) for measure, row in zip(measures, rows, strict=True)]

    shown = pd.DataFrame(
        {
            "measure": table["selection"],
            "year": table["target_year"],
            "last known": words(value_words, "last_known"),
            "forecast": words(value_words, "forecast"),
            **{
                f"{level} % interval": words(range_words, f"lower_{level}", f"upper_{level}")
                for level in _levels(table)
            },
            "change": words(change_words, "change"),
            "chance of a rise": _percent(table["probability_of_rise"], ".0f"),
        }
    )
    units = dict.fromkeys(f"{one.measure.name}: {one.measure.label}" for one in found.selections)
    return [
        _text(shown),
        f"{'; '.join(units)}; {_made_of(found)}",
        "Years ahead these intervals tend to be too narrow: `gravicast measures` has those of each "
        "measure's own past errors",
    ]


def _levels(table: pd.DataFrame) -> list[str]:
    return [name.removeprefix("lower_") for name in table if name.startswith("lower_")]


def _text(shown: pd.DataFrame) -> str:
    """The table; years after the first of a selection stand below its name."""
    name = shown.columns[0]
    shown.loc[shown[name].duplicated(), [name, "last known"]] = ""
    return shown.to_string(index=False)


def _made_of(found: Draws | MeasureDraws) -> str:
    setting = SETTING_LABELS[str(found.table["setting"].iloc[0])].lower()
    return f"{found.values.shape[-1]} joint draws, errors of past forecasts: {setting}"


def _usd(values: pd.Series) -> pd.Series:
    return values.map(lambda usd: "unknown" if np.isnan(usd) else f"{usd / _BILLION:,.4g}")


def _percent(values: pd.Series, form: str) -> pd.Series:
    return values.map(lambda share: "unknown" if np.isnan(share) else f"{100 * share:{form}} %")


def draws_table(found: Draws | MeasureDraws) -> pd.DataFrame:
    """One row per selection, target year and draw: ``selection, target_year, draw, value``.

    Values are USD, those of measures in the measure's unit.
    """
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


def write_draws(found: Iterable[Draws | MeasureDraws], file: Path) -> None:
    """Write the `draws_table` of each as one Parquet file, the whole of it or nothing."""
    tables = [draws_table(one) for one in found]
    names = union_categoricals([table["selection"] for table in tables])
    table = pd.concat(tables, ignore_index=True).assign(selection=names)
    buffer = BytesIO()
    table.to_parquet(buffer, compression="zstd", index=False)
    write_whole(file, buffer.getvalue())
