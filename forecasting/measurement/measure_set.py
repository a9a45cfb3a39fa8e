"""Which measures the data of a run allow, and what they are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.panel_codes import AGGREGATES
from features.countries.regions import region_codes
from features.data.flows import FlowIndex
from features.data.input_output import (
    InputOutputTable,
    TableNotes,
    check_table_years,
    read_table_year,
)
from features.data.panel import TradePanel
from features.errors import InputError
from features.information import DataBundle
from features.measures.catalogue import available, missing
from features.measures.measure import Array, Measure, PanelContext, TradeYear
from features.measures.value_chains import ValueChains, value_chains
from models.table_update import update_table

UNIT_KEYS = ("country", "partner", "sector")
"""Key columns of every table of measures; empty where a measure has no such dimension."""
DISTANCES = ("distw", "dist")
HOSTING = "hosting"


@dataclass(frozen=True, slots=True)
class MeasureSet:
    """Measures that the data allow, and everything but the flows that they are computed from.

    Attributes
    ----------
    flows
        Keys of the panel's flows.
    context
        Properties of the panel.
    measures
        Those that the data allow.
    missing
        Why the others cannot be computed, by name of the measure.
    tables
        Input-output tables by year, updated to the panel's flows; may be empty.
    chains
        Value chains of those tables.
    statements
        Counts of repairs to the tables, in words.
    """

    flows: FlowIndex
    context: PanelContext
    measures: tuple[Measure, ...]
    missing: Mapping[str, str]
    tables: Mapping[int, InputOutputTable]
    chains: Mapping[int, ValueChains]
    statements: tuple[str, ...] = ()

    def cube(self, values: NDArray[np.floating]) -> Array:
        """Flows as ``[exporter, importer, sector]``; unknown flows count as 0."""
        return cube(self.flows, values)

    def observed(self, panel: TradePanel, year: int, *, before: int) -> TradeYear:
        """A year of the panel; births and deaths are counted from the year ``before``."""
        values = self.cube(panel.values[panel.row(year)])
        since = self.cube(panel.values[panel.row(before)]) > 0
        return TradeYear(
            self.context, values, (values > 0).astype(np.float64), since, self.chains.get(year)
        )

    def forecast(
        self, values: Array, *, chance: Array, before: NDArray[np.bool_], origin: int
    ) -> TradeYear:
        """A forecast year; the origin's input-output table is updated to the flows."""
        table = self.tables.get(origin)
        chains = None
        if table is not None:
            chains = value_chains(update_table(table, values), goods=self.context.goods)
        return TradeYear(self.context, values, chance, before, chains)

    def links(self) -> MeasureSet:
        """The set of births, deaths and use of links only."""
        return replace(self, measures=tuple(m for m in self.measures if m.family == "links"))

    def others(self) -> MeasureSet:
        """The set of all other measures."""
        return replace(self, measures=tuple(m for m in self.measures if m.family != "links"))

    def without_tables(self) -> MeasureSet:
        """The set without input-output tables."""
        return replace(self, tables={}, chains={})

    def compute(self, year: TradeYear) -> dict[str, Array]:
        """Every measure of a year by name, shape of its dimensions."""
        return {measure.name: measure.compute(year) for measure in self.measures}


def cube(flows: FlowIndex, values: NDArray[np.floating]) -> Array:
    """Flows as ``[exporter, importer, sector]``; unknown flows count as 0.

    ``values`` may be of an earlier origin, whose flows are the first of ``flows``.
    """
    n, k, of = len(flows.countries), len(flows.sectors), slice(values.size)
    out = np.zeros((n, n, k))
    out[flows.exporter[of], flows.importer[of], flows.sector[of]] = np.nan_to_num(values)
    return out


def make_measure_set(
    bundle: DataBundle, *, tables: Path | Mapping[int, InputOutputTable] | None
) -> MeasureSet:
    """The measures that the data of a run allow.

    ``tables`` is the folder of input-output tables, or the tables by year; None leaves out value
    chains.

    Raises
    ------
    InputError
        If the tables do not balance or do not have the panel's countries, sectors and years.

    Notes
    -----
    Past tables are updated to the panel's flows like forecast ones. Otherwise falling inventories,
    which are negative in a table and 0 in a flow, would look like a change, of up to a percentage
    point of a country's indirect value added.
    """
    panel = bundle.panel
    context = panel_context(bundle)
    found: dict[int, InputOutputTable] = {}
    counted: list[TableNotes] = []
    if tables is not None:
        years = range(panel.first_year, panel.last_year + 1)
        if isinstance(tables, Path):
            check_table_years(tables, years)
        for year in years:
            read = _table_of(tables, year, flows=panel.flows)
            found[year] = update_table(read, cube(panel.flows, panel.values[panel.row(year)]))
            counted += [read.notes, found[year].notes]
    return MeasureSet(
        flows=panel.flows,
        context=context,
        measures=available(context, tables=bool(found)),
        missing=missing(context, tables=bool(found)),
        tables=found,
        chains={year: value_chains(table, goods=context.goods) for year, table in found.items()},
        statements=table_statements(counted),
    )


def _table_of(
    tables: Path | Mapping[int, InputOutputTable], year: int, *, flows: FlowIndex
) -> InputOutputTable:
    """A year's table in the panel's order of countries and sectors."""
    countries, sectors = flows.countries, flows.sectors
    if isinstance(tables, Path):
        return read_table_year(tables, year, countries=countries, sectors=sectors)
    return tables[year].ordered(countries=countries, sectors=sectors)


_COUNTED: dict[str, str] = {
    "negative_final_cells": "cells of final use made negative by falling inventories, set to 0",
    "cleared_rows": "sectors without output after removing negative cells, set to 0",
    "inputs_without_output": "sectors with inputs but no output, inputs counted as final use",
    "negative_value_added": "sectors whose inputs exceed their output, kept",
    "flows_without_use": "flows without a use in the table, counted as final use",
    "short_of_final_use": "countries whose inputs were scaled down to leave some final use",
}
"""Fields of `features.data.input_output.TableNotes` in words."""


def table_statements(counted: Iterable[TableNotes]) -> tuple[str, ...]:
    """Repairs made to the tables, summed over years; empty without any."""
    notes = list(counted)
    sums = {name: sum(getattr(note, name) for note in notes) for name in _COUNTED}
    return tuple(
        f"input-output tables of all years: {count:,} {_COUNTED[name]}"
        for name, count in sums.items()
        if count
    )


def panel_context(bundle: DataBundle) -> PanelContext:
    """Properties of a run's panel."""
    flows, sectors = bundle.panel.flows, bundle.sectors
    pairs = bundle.pairs.static
    names = [name for name in DISTANCES if name in pairs]
    regions = region_codes(flows.countries)
    return PanelContext(
        countries=flows.countries,
        sectors=flows.sectors,
        domestic=flows.diagonal,
        distance=pairs[names[0]].astype(np.float64) if names else None,
        region=regions if (regions >= 0).any() else None,
        manufacturing=None if sectors is None else sectors.manufacturing,
        services=None if sectors is None else sectors.services,
        digital=None if sectors is None else sectors.digital,
        data_intensity=None if sectors is None else sectors.data_intensity,
        hosting=_hosting(pairs),
    )


def _hosting(pairs: Mapping[str, NDArray[np.float32]]) -> Array | None:
    """Shares of web content by host, ``[exporter, importer]``; None where no pair file has them."""
    if HOSTING not in pairs:
        return None
    shares = pairs[HOSTING].astype(np.float64)
    if (shares < 0).any() or (shares > 1).any():
        raise InputError(
            "a share of hosted web content is below 0 or above 1",
            remedy="Give the share, from 0 to 1, of iso3_d's content that iso3_o hosts",
            file="pairs",
            column=HOSTING,
        )
    return shares


def unit_table(measure: Measure, context: PanelContext) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Units of a measure, in the order of its flattened values, and a mask of reported ones.

    Returns
    -------
    tuple
        Columns `UNIT_KEYS`; and a mask without aggregates such as ROW, and without a country as
        its own partner.
    """
    shape = [len(context.sectors if d == "sector" else context.countries) for d in measure.of]
    places = np.indices(shape).reshape(len(shape), -1)
    is_country = np.array([code not in AGGREGATES for code in context.countries])
    blank = pd.Categorical.from_codes(np.zeros(places.shape[1], dtype=np.int64), [""])
    columns = dict.fromkeys(UNIT_KEYS, blank)
    kept = np.ones(places.shape[1], dtype=np.bool_)
    first: NDArray[np.intp] | None = None
    for dimension, place in zip(measure.of, places, strict=True):
        if dimension == "sector":
            columns["sector"] = _names(context.sectors, place)
            continue
        name = "country" if first is None else "partner"
        columns[name] = _names(context.countries, place)
        kept &= is_country[place]
        if first is not None:
            kept &= first != place
        first = place
    return pd.DataFrame(columns), kept


def _names(names: Sequence[str], place: NDArray[np.intp]) -> pd.Categorical:
    """The name at every place; codes are much faster to make than names are to count."""
    words, code = np.unique(np.asarray(names, dtype=object), return_inverse=True)
    return pd.Categorical.from_codes(code[place], words)


Columns = Mapping[str, Any]
Block = tuple[Columns, NDArray[np.bool_]]


def measure_rows(
    measure: Measure,
    units: tuple[pd.DataFrame, NDArray[np.bool_]],
    columns: Columns,
    *,
    known: NDArray[np.bool_],
) -> pd.DataFrame:
    """Reported units of a measure with their values: ``measure``, `UNIT_KEYS`, ``columns``.

    Parameters
    ----------
    measure, units
        See `unit_table`.
    columns
        By name: values of the measure's shape or flattened, or one number for all units.
    known
        Mask of the units that have a value; the others are left out.
    """
    return stacked_rows(measure, units, [(columns, known)])


def stacked_rows(
    measure: Measure,
    units: tuple[pd.DataFrame, NDArray[np.bool_]],
    blocks: Sequence[Block],
) -> pd.DataFrame:
    """`measure_rows` of several blocks of columns and masks, one below the other.

    One table for all of them: a table each takes most of the time of a measure's back-test.
    """
    keys, kept = units
    rows = [np.flatnonzero(kept & known.ravel()) for _, known in blocks]
    every = np.concatenate(rows)
    values = {
        name: np.concatenate(
            [_taken(columns[name], of) for (columns, _), of in zip(blocks, rows, strict=True)]
        )
        for name in blocks[0][0]
    }
    names = pd.array([measure.name], dtype="str").repeat(every.size)
    units_of = {name: keys[name].array.take(every) for name in UNIT_KEYS}
    return pd.DataFrame({"measure": names, **units_of, **values})


def _taken(values: Any, rows: NDArray[np.intp]) -> NDArray[Any]:
    if isinstance(values, np.ndarray):
        return np.asarray(values.ravel()[rows])
    return np.full(rows.size, values)
