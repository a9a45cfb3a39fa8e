"""Input-output tables of a finished run: of its folder of tables, or of its simulated world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from features.data.input_output import InputOutputTable, read_table_year, table_years
from features.errors import InputError
from forecasting.inputs.simulated import simulated_data
from forecasting.results.result import RunResult

Tables = Path | Mapping[int, InputOutputTable]


def run_tables(run: RunResult) -> Tables | None:
    """Tables that a run read or simulated; None where it has none."""
    if run.config.tables is not None:
        return run.config.tables
    trade = [one for one in run.provenance.get("data", ()) if one["role"] == "trade"]
    # A simulated world has no file: its name and seed say what it is.
    if run.config.trade is not None or not trade or trade[0]["sha256"]:
        return None
    world = simulated_data(run.config.world, seed=run.config.seed)
    return world.tables if world.name == trade[0]["path"] else None


def table_of_origin(
    tables: Tables, origin: int, *, countries: Sequence[str], sectors: Sequence[str]
) -> InputOutputTable:
    """The newest table that is not after the origin, in this order.

    Raises
    ------
    InputError
        If there is none, or it is not of these countries and sectors.
    """
    known = table_years(tables) if isinstance(tables, Path) else sorted(tables)
    years = [year for year in known if year <= origin]
    if not years:
        file = tables if isinstance(tables, Path) else None
        raise InputError(f"there is no table of {origin} or before", remedy="Add one", file=file)
    if isinstance(tables, Path):
        return read_table_year(
            tables, years[-1], countries=tuple(countries), sectors=tuple(sectors)
        )
    return tables[years[-1]].ordered(countries=countries, sectors=sectors)
