"""Input-output tables of the simulated world, and the files that `--tables` reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from features.data.input_output import MILLION, InputOutputTable
from features.world.countries import Array
from features.world.sectors import INPUT_SHARES

LEAST_FINAL = 0.1
"""Least share of final use in what a country buys of a product."""
_FINAL = "HOUSEHOLD"


def balanced_table(
    flows: Array, *, year: int, countries: tuple[str, ...], sectors: tuple[str, ...]
) -> InputOutputTable:
    """The input-output table of a year's flows.

    Every sector takes `INPUT_SHARES` of its output as inputs, of which each source has the share
    it has in all that the country buys of the product; final use takes the rest. Where that rest
    would be less than `LEAST_FINAL` of what the country buys, all sectors take less of the product.

    Parameters
    ----------
    flows
        USD, sales at home included, shape ``[exporter, importer, sector]``.
    """
    n, k = len(countries), len(sectors)
    output, bought = flows.sum(axis=1), flows.sum(axis=0)
    inputs = INPUT_SHARES * output[:, None, :]  # [country, selling sector, using sector]
    most, wanted = (1.0 - LEAST_FINAL) * bought, inputs.sum(axis=2)
    inputs *= np.minimum(np.divide(most, wanted, out=np.ones_like(most), where=wanted > 0), 1.0)[
        :, :, None
    ]
    source = np.divide(flows, bought, out=np.zeros_like(flows), where=bought > 0)
    sales = source.transpose(0, 2, 1)[:, :, :, None] * inputs.transpose(1, 0, 2)
    final = flows.transpose(0, 2, 1) - sales.sum(axis=3)
    # What rounding leaves below zero is none.
    final = np.maximum(final, 0.0)
    return InputOutputTable(
        year, countries, sectors, sales.reshape(n * k, n * k), final.reshape(n * k, n)
    )


def table_frame(table: InputOutputTable) -> pd.DataFrame:
    """A table as ``wiot_YYYY.parquet`` holds it: long, million USD, zeros left out."""
    n, k = len(table.countries), len(table.sectors)
    uses = np.concatenate(
        [table.intermediate.reshape(n * k, n, k), table.final[:, :, None]], axis=2
    )
    row, user, use = np.nonzero(uses)
    countries, sectors = np.array(table.countries), np.array([*table.sectors, _FINAL])
    return pd.DataFrame(
        {
            "source_country": countries[row // k],
            "source_sector": sectors[row % k],
            "use_country": countries[user],
            "use": sectors[use],
            "value_musd": uses[row, user, use] / MILLION,
        }
    )


def write_tables(tables: Mapping[int, InputOutputTable], folder: Path | str) -> None:
    """Write the folder that ``--tables`` reads: every year's table, and gross output."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    output = []
    for year, table in tables.items():
        table_frame(table).to_parquet(folder / f"wiot_{year}.parquet", index=False)
        output.append(
            pd.DataFrame(
                {
                    "country": np.repeat(table.countries, len(table.sectors)),
                    "sector": np.tile(table.sectors, len(table.countries)),
                    "year": year,
                    "output_musd": table.output / MILLION,
                }
            )
        )
    pd.concat(output, ignore_index=True).to_parquet(folder / "gross_output.parquet", index=False)
