"""The forecast matrices that a scenario changes, with domestic sales where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.data.flows import FlowIndex
from features.errors import InputError, listed
from features.files.tables import read_table
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_year, countries_of, years_of

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Baseline:
    """Forecasts of a run as dense matrices.

    Attributes
    ----------
    flows
        Their keys, of every pair of countries and sector; with the diagonal where domestic sales
        are known.
    origin
        Last known year.
    years
        Target years.
    values
        USD, shape ``[year, exporter, importer, sector]``; what the run does not forecast is 0.
    rows
        Place of each row of a year's forecasts in a flattened matrix, shape ``[row]``.
    home_ratio
        Domestic sales over exports, shape ``[country, sector]``, where they come from a table;
        None where the run forecasts them or none are known.
    source
        Where domestic sales are from, in words.
    """

    flows: FlowIndex
    origin: int
    years: tuple[int, ...]
    values: Array
    rows: NDArray[np.int64]
    home_ratio: Array | None
    source: str

    @property
    def domestic(self) -> bool:
        """Whether domestic sales are known."""
        return self.flows.diagonal

    def cube(self, values: NDArray[np.floating]) -> Array:
        """A year's flows, in the order of the run's rows, as ``[exporter, importer, sector]``.

        Domestic sales from a table move with a country's exports.
        """
        n, k = len(self.flows.countries), len(self.flows.sectors)
        out = np.zeros(n * n * k)
        out[self.rows] = np.nan_to_num(values)
        cube = out.reshape(n, n, k)
        if self.home_ratio is not None:
            own = np.arange(n)
            cube[own, own] = self.home_ratio * cube.sum(axis=1)
        return cube


def make_baseline(
    run: RunResult, *, years: Sequence[int] = (), domestic_sales: Path | None = None
) -> Baseline:
    """The baseline of a run.

    Parameters
    ----------
    run
        Finished.
    years
        Target years; all of the run where empty.
    domestic_sales
        Table with ``country, [sector], value_usd``: what countries sold to themselves in the
        origin year. It is scaled by each country's exports.

    Raises
    ------
    InputError
        If the run does not forecast a year, or the table lacks a country or is for a run that
        forecasts domestic sales itself.
    """
    table = run.forecasts
    chosen = tuple(check_year(table, year) for year in (years or years_of(run)))
    countries = tuple(countries_of(table))
    sectors = tuple(sorted(table["sector"].astype(str).unique())) if "sector" in table else ("",)
    first = table[table["target_year"] == chosen[0]]
    exporter, importer, sector = _codes(first, countries, sectors)
    k = len(sectors)
    own = bool((exporter == importer).any())
    base = Baseline(
        flows=FlowIndex(countries, sectors, diagonal=own),
        origin=int(table["origin"].iloc[0]),
        years=chosen,
        values=np.zeros(0),
        rows=(exporter * len(countries) + importer) * k + sector,
        home_ratio=None,
        source="forecast by the run" if own else "absent",
    )
    if domestic_sales is not None:
        if own:
            raise InputError(
                "the run forecasts domestic sales itself",
                remedy="Leave out domestic_sales",
                file=domestic_sales,
            )
        exports = base.cube(first["value_origin"].to_numpy()).sum(axis=1)
        ratio = _home_ratio(domestic_sales, countries, sectors, exports)
        base = replace(
            base,
            flows=FlowIndex(countries, sectors, diagonal=True),
            home_ratio=ratio,
            source=f"{domestic_sales.name}, moved with each country's exports",
        )
    parts = [table[table["target_year"] == year]["forecast"].to_numpy() for year in chosen]
    return replace(base, values=np.stack([base.cube(part) for part in parts]))


def _codes(
    rows: pd.DataFrame, countries: Sequence[str], sectors: Sequence[str]
) -> tuple[NDArray[np.int64], ...]:
    known = {"exporter": countries, "importer": countries, "sector": sectors}
    return tuple(
        pd.Categorical(rows[name].astype(str), categories=list(of)).codes.astype(np.int64)
        if name in rows
        else np.zeros(len(rows), dtype=np.int64)
        for name, of in known.items()
    )


def _home_ratio(
    file: Path, countries: Sequence[str], sectors: Sequence[str], exports: Array
) -> Array:
    """Domestic sales over exports, shape ``[country, sector]``."""
    if not file.is_file():
        raise InputError("there is no such file", remedy="Check domestic_sales", file=file)
    keys = ["country", "sector"] if sectors != ("",) else ["country"]
    table = read_table(file, text=keys)
    for column in (*keys, "value_usd"):
        if column not in table:
            remedy = f"Give {', '.join(keys)} and value_usd"
            raise InputError("a column is missing", remedy=remedy, file=file, column=column)
    value = pd.to_numeric(table["value_usd"], errors="coerce").to_numpy(dtype=np.float64)
    if not (np.isfinite(value) & (value >= 0)).all():
        row = int(np.argmax(~(np.isfinite(value) & (value >= 0))))
        raise InputError("domestic sales are not a number of at least 0",
                         remedy="Correct the cell", file=file, column="value_usd",
                         row=row + 2)  # fmt: skip
    if table.duplicated(keys).any():
        row = int(np.argmax(table.duplicated(keys).to_numpy()))
        raise InputError("a country occurs twice", remedy="Keep one row of each", file=file,
                         column="country", row=row + 2)  # fmt: skip
    sales = pd.Series(value, index=pd.MultiIndex.from_frame(table[keys].astype(str)))
    wanted = [(c, s)[: len(keys)] for c in countries for s in sectors]
    found = sales.reindex(pd.MultiIndex.from_tuples(wanted, names=keys))
    if found.isna().any():
        lacking = [" ".join(key) for key in found.index[found.isna()]]
        raise InputError(f"domestic sales of {listed(lacking)} are missing",
                         remedy="Add them, or leave out domestic_sales: partial and conditional "
                         "effects need none", file=file)  # fmt: skip
    home: Array = found.to_numpy().reshape(len(countries), len(sectors))
    return np.divide(home, exports, out=np.zeros_like(home), where=exports > 0)
