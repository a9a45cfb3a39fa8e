"""Tables of a scenario's answers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.regions import region_codes
from features.measures.catalogue import available
from features.measures.measure import PanelContext, TradeYear
from features.measures.value_chains import value_chains
from forecasting.measurement.measure_set import UNIT_KEYS, measure_rows, unit_table
from forecasting.scenarios.baseline import Baseline
from forecasting.scenarios.solve import Answer, Closure
from forecasting.scenarios.uncertainty import YearDraws, bounds
from forecasting.scenarios.units import Units
from models.table_update import update_table

Array = NDArray[np.float64]
FLOW = "flow"
"""Side of a unit that is a flow."""
MOST_FLOWS = 100
"""Flows whose draws are kept, those that move most."""
ANSWERS = ("partial", "conditional", "full")


def flow_table(
    answers: Mapping[int, Answer], baseline: Baseline, draws: Mapping[int, YearDraws]
) -> pd.DataFrame:
    """One row per flow and year, see `ScenarioResult.flows`."""
    of = (baseline.flows.exporter, baseline.flows.importer, baseline.flows.sector)
    flat = np.ravel_multi_index(of, baseline.values.shape[1:])
    names = np.asarray(baseline.flows.countries)
    parts = []
    for year, answer in answers.items():
        columns = {
            "exporter": pd.Categorical.from_codes(of[0], list(names)),
            "importer": pd.Categorical.from_codes(of[1], list(names)),
        }
        if baseline.flows.has_sectors:
            columns["sector"] = pd.Categorical.from_codes(of[2], list(baseline.flows.sectors))
        table = pd.DataFrame(columns)
        table["target_year"] = year
        table["baseline"] = answer.baseline[of]
        for name in ANSWERS:
            values = getattr(answer, name)
            table[name] = np.nan if values is None else values[of]
        table["difference"] = answer.main[of] - answer.baseline[of]
        drawn = draws.get(year)
        if drawn is not None and drawn.flows_after is not None and drawn.flows_before is not None:
            after, before = drawn.flows_after[flat], drawn.flows_before[flat]
            table = table.assign(
                **bounds(after),
                **{f"difference_{k}": v for k, v in bounds(after - before).items()},
            )
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def unit_sums(
    answers: Mapping[int, Answer], units: Units, draws: Mapping[int, YearDraws]
) -> pd.DataFrame:
    """One row per unit and year: ``kind`` first, see `ScenarioResult.countries`."""
    parts = []
    for year, answer in answers.items():
        table = pd.DataFrame(
            {
                "kind": [unit.kind for unit in units.units],
                "unit": [unit.name for unit in units.units],
                "side": [unit.side for unit in units.units],
                "target_year": year,
                "baseline": units.sums(answer.baseline),
            }
        )
        for name in ANSWERS:
            values = getattr(answer, name)
            table[name] = np.nan if values is None else units.sums(values)
        table["difference"] = units.sums(answer.main) - table["baseline"]
        table["percent"] = (
            100 * table["difference"] / table["baseline"].where(table["baseline"] > 0)
        )
        if year in draws:
            before, after = draws[year].before, draws[year].after
            with np.errstate(divide="ignore", invalid="ignore"):
                percent = 100 * (after / before - 1)
            found = {
                "": bounds(after),
                "difference_": bounds(after - before),
                "percent_": bounds(percent),
            }
            table = table.assign(
                **{f"{of}{k}": v for of, columns in found.items() for k, v in columns.items()}
            )
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def draw_table(
    units: Units, draws: Mapping[int, YearDraws], count: int, *, baseline: Baseline
) -> pd.DataFrame:
    """Differences of units and of the flows that move most by draw, see `ScenarioResult.draws`."""
    parts = []
    for year, drawn in draws.items():
        parts += _flow_draws(drawn, year, count, baseline)
        values = np.full((len(units.units), count), np.nan, dtype=np.float32)
        values[:, drawn.numbers] = drawn.after - drawn.before
        keys = {
            "unit": [unit.name for unit in units.units],
            "side": [unit.side for unit in units.units],
            "target_year": year,
        }
        columns = {f"draw_{number}": values[:, number] for number in range(count)}
        parts.append(pd.DataFrame({**keys, **columns}))
    empty = pd.DataFrame({"unit": [], "side": [], "target_year": []})
    return pd.concat(parts, ignore_index=True) if parts else empty


def _flow_draws(drawn: YearDraws, year: int, count: int, baseline: Baseline) -> list[pd.DataFrame]:
    if drawn.flows_after is None or drawn.flows_before is None:
        return []
    n = len(baseline.flows.countries)
    moved = drawn.flows_after - drawn.flows_before
    size = np.abs(moved).mean(axis=1).reshape(n, n, -1)
    size[np.arange(n), np.arange(n)] = -1.0
    most = np.argsort(-size.ravel(), kind="stable")[:MOST_FLOWS]
    exporter, importer, sector = np.unravel_index(most, size.shape)
    names, kinds = np.asarray(baseline.flows.countries), np.asarray(baseline.flows.sectors)
    keys = pd.DataFrame({"exporter": names[exporter], "importer": names[importer]})
    if baseline.flows.has_sectors:
        keys["sector"] = kinds[sector]
    values = np.full((most.size, count), np.nan, dtype=np.float32)
    values[:, drawn.numbers] = moved[most]
    table = pd.DataFrame({"unit": flow_units(keys), "side": FLOW, "target_year": year})
    columns = {f"draw_{number}": values[:, number] for number in range(count)}
    return [pd.concat([table, pd.DataFrame(columns)], axis=1)]


def flow_units(keys: pd.DataFrame) -> pd.Series[str]:
    """Names of flows as units, such as ``CHN to USA``, from ``exporter, importer, [sector]``."""
    found = keys["exporter"].astype(str) + " to " + keys["importer"].astype(str)
    return found + ", " + keys["sector"].astype(str) if "sector" in keys else found


def welfare_table(
    answers: Mapping[int, Answer], baseline: Baseline, draws: Mapping[int, YearDraws]
) -> pd.DataFrame:
    """One row per country and year, percent; empty without a full equilibrium."""
    parts = [pd.DataFrame({"country": [], "target_year": [], "percent": []})]
    for year, answer in answers.items():
        if answer.welfare is None:
            continue
        table = pd.DataFrame({"country": list(baseline.flows.countries), "target_year": year})
        table["percent"] = 100 * (answer.welfare - 1)
        drawn = draws[year].welfare if year in draws else None
        if drawn is not None:
            table = table.assign(
                **{f"percent_{k}": v for k, v in bounds(100 * (drawn - 1)).items()}
            )
        parts.append(table)
    return pd.concat(parts[1:] or parts, ignore_index=True)


def measure_table(
    answers: Mapping[int, Answer], baseline: Baseline, closure: Closure
) -> pd.DataFrame:
    """Measures of the trade pattern before and after, one row per unit and year."""
    flows = baseline.flows
    regions = region_codes(flows.countries)
    context = PanelContext(
        countries=flows.countries,
        sectors=flows.sectors,
        domestic=flows.diagonal,
        region=regions if (regions >= 0).any() else None,
    )
    known = available(context, tables=closure.table is not None)
    wanted = [measure for measure in known if measure.family != "links"]
    units = {measure.name: unit_table(measure, context) for measure in wanted}
    keys = ["measure", *UNIT_KEYS, "target_year", "baseline", "scenario", "difference"]
    parts = [pd.DataFrame({name: [] for name in keys})]
    for year, answer in answers.items():
        years = [_trade_year(v, context, closure) for v in (answer.baseline, answer.main)]
        for measure in wanted:
            before, after = (measure.compute(one) for one in years)
            columns = {"target_year": year, "baseline": before, "scenario": after,
                       "difference": after - before}  # fmt: skip
            is_known = np.isfinite(before) & np.isfinite(after)
            parts.append(measure_rows(measure, units[measure.name], columns, known=is_known))
    table = pd.concat(parts[1:] or parts, ignore_index=True)
    return table.astype(dict.fromkeys(("measure", *UNIT_KEYS), str))


def _trade_year(values: Array, context: PanelContext, closure: Closure) -> TradeYear:
    traded = values > 0
    chains = None
    if closure.table is not None:
        chains = value_chains(update_table(closure.table, values), goods=context.goods)
    return TradeYear(context, values, traded.astype(np.float64), traded, chains)
