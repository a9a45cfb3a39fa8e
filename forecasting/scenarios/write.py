"""The folder of a scenario, ``RUN/scenarios/NAME/``: written whole, read back and compared."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from features.errors import MALFORMED, InputError
from forecasting.run_folder.files import SCENARIOS
from forecasting.run_folder.staging import locked, staged
from forecasting.scenarios.result import ScenarioResult

RECORD = "scenario.json"
TABLES = ("flows", "countries", "groups", "welfare", "measures")


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
    """Sums of two scenarios of a run side by side.

    Returns
    -------
    DataFrame
        ``unit, side, target_year, baseline, first_percent, second_percent, second_less_first``
        (USD), largest first.

    Raises
    ------
    InputError
        If they have no year in common.
    """
    keys = ["unit", "side", "target_year"]
    one, other = (pd.concat([s.groups, s.countries]) for s in (first, second))
    both = one[[*keys, "baseline", "difference", "percent"]].merge(
        other[[*keys, "difference", "percent"]], on=keys, suffixes=("_first", "_second")
    )
    if both.empty:
        raise InputError(f"{first.name} and {second.name} have no year in common",
                         remedy="Compare scenarios of the same years")  # fmt: skip
    both["second_less_first"] = both.pop("difference_second") - both.pop("difference_first")
    both = both.rename(columns={"percent_first": "first_percent",
                                "percent_second": "second_percent"})  # fmt: skip
    order = both["second_less_first"].abs().sort_values(ascending=False, kind="stable").index
    return both.loc[order].reset_index(drop=True)
