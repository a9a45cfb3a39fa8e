"""The folder of a scenario, ``RUN/scenarios/NAME/``: written whole, read back and compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import MALFORMED, InputError
from forecasting.distribution.draws import interval
from forecasting.run_folder.files import SCENARIOS
from forecasting.run_folder.staging import locked, staged
from forecasting.scenarios.result import FULL, ScenarioResult
from forecasting.scenarios.tables import FLOW, flow_units

RECORD = "scenario.json"
TABLES = ("flows", "countries", "groups", "welfare", "measures", "draws")
KEYS = ("unit", "side", "target_year")


def write_scenario(result: ScenarioResult, out: Path) -> None:
    """Write a scenario's tables, record and figures, whole or not at all."""
    from forecasting.scenarios.plots import save_plots

    with locked(out), staged(out) as folder:
        for name in TABLES:
            getattr(result, name).to_parquet(folder / f"{name}.parquet", index=False)
        text = json.dumps(result.record, indent=2, allow_nan=False) + "\n"
        (folder / RECORD).write_text(text, encoding="utf-8")
        save_plots(result, folder)


def read_scenario_folder(run: Path, name: str) -> ScenarioResult:
    """A scenario of a run, read back.

    Raises
    ------
    InputError
        If the run has no such scenario, or its folder is damaged.
    """
    folder = run / SCENARIOS / name
    if not (folder / RECORD).is_file():
        known = scenario_names(run)
        remedy = f"Choose {', '.join(known)}" if known else "Make one: gravicast scenario RUN FILE"
        raise InputError(f"the run has no scenario {name!r}", remedy=remedy, file=run)
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        tables = {table: pd.read_parquet(folder / f"{table}.parquet") for table in TABLES}
        return ScenarioResult(name=record["name"], text=record["text"], record=record, **tables)
    except MALFORMED as error:
        raise InputError("the scenario cannot be read", remedy="Make it again with --overwrite",
                         file=folder) from error  # fmt: skip


def scenario_names(run: Path) -> list[str]:
    """Names of a run's scenarios, sorted."""
    return sorted(path.parent.name for path in (run / SCENARIOS).glob(f"*/{RECORD}"))


def compare_scenarios(first: ScenarioResult, second: ScenarioResult) -> pd.DataFrame:
    """Sums of two scenarios of a run side by side; flows where sums stay as they were.

    Returns
    -------
    DataFrame
        ``unit, side, target_year, baseline, first_percent, second_percent, second_less_first``
        (USD), largest first; and, where both have intervals, ``first_lower_90, first_upper_90,
        second_lower_90, ...`` (percent) and ``apart_lower_90, apart_upper_90`` (USD): of the
        difference draw by draw, so that what both share cancels; NaN where their draws differ.

    Raises
    ------
    InputError
        If they have no year in common.
    """
    names = {"percent": "percent", "percent_lower_90": "lower_90", "percent_upper_90": "upper_90"}
    sides = []
    for result, name in ((first, "first"), (second, "second")):
        table = _compared(result, by_flow=FULL not in (first.answer, second.answer))
        here = {column: f"{name}_{short}" for column, short in names.items() if column in table}
        wanted = [*KEYS, "baseline", "difference", *here]
        sides.append(table[wanted].rename(columns={**here, "difference": f"{name}_difference"}))
    both = sides[0].merge(sides[1].drop(columns="baseline"), on=list(KEYS))
    if both.empty:
        raise InputError(f"{first.name} and {second.name} have no year in common",
                         remedy="Compare scenarios of the same years")  # fmt: skip
    both["second_less_first"] = both.pop("second_difference") - both.pop("first_difference")
    if len(first.draws) and len(second.draws):
        both = both.merge(_apart(first, second), on=list(KEYS), how="left")
    order = both["second_less_first"].abs().sort_values(ascending=False, kind="stable").index
    return both.loc[order].reset_index(drop=True)


def _compared(result: ScenarioResult, *, by_flow: bool) -> pd.DataFrame:
    """Units of a scenario: without a full equilibrium the sums of countries do not move."""
    if not by_flow:
        return pd.concat([result.groups, result.countries])
    table = result.flows
    table = table[table["exporter"].astype(str) != table["importer"].astype(str)]
    found = table[["target_year", "baseline", "difference"]].assign(
        unit=flow_units(table), side=FLOW
    )
    known = table["baseline"].where(table["baseline"] > 0)
    for bound in ("", "_lower_90", "_upper_90"):
        if f"difference{bound}" in table:
            found[f"percent{bound}"] = 100 * table[f"difference{bound}"] / known
    return found


def _apart(first: ScenarioResult, second: ScenarioResult) -> pd.DataFrame:
    """Interval of the difference between two scenarios' differences, from their common draws."""
    both = first.draws.merge(second.draws, on=list(KEYS), suffixes=("", "_second"))
    names = [name for name in first.draws if name not in KEYS]
    found = both[list(KEYS)].copy()
    if first.draws.shape[1] == second.draws.shape[1]:
        apart = both[[f"{name}_second" for name in names]].to_numpy() - both[names].to_numpy()
        known = np.isfinite(apart).all(axis=0)
        low, high = interval(apart[:, known], 90)
        return found.assign(apart_lower_90=low, apart_upper_90=high)
    return found.assign(apart_lower_90=np.nan, apart_upper_90=np.nan)
