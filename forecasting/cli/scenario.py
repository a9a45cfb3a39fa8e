"""The command ``gravicast scenario``: what if, on a finished run's forecasts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from forecasting.scenarios.result import ScenarioResult

HELP = "answer a what-if: tariffs, agreements, embargoes, trade costs"
EXAMPLES = """examples:
  gravicast scenario runs/goods tariff.yaml
  gravicast scenario runs/goods --compare tariff agreement

tariff.yaml:
  text: What if the United States put 25 % on goods from China?
  elasticity: {value: 5.03, standard_error: 0.5, source: my survey of the literature}
  changes:
    - tariff: 25%
      exporters: CHN
      importers: USA
      phase: {2018: 50%, 2019: 100%}
  Other changes: `agreement: [EU27, USA]`, `iceberg: -5%`, `embargo: true`, `productivity: 2%`,
  `indicator: NAME`. An agreement's effect and an indicator's semi_elasticity may be `from_model`:
  estimated on the run's data. Other keys: name, years, groups, draws, domestic_sales, tables,
  deficits, supply_elasticity. Groups stand by name, such as EU27 or ASEAN.
"""
_SHOWN = 8


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare its options."""
    parser.add_argument("run", metavar="RUN", help="output folder of a finished run")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", metavar="SCENARIO", nargs="?", help="a scenario as YAML")
    what.add_argument("--compare", nargs=2, metavar=("A", "B"),
                      help="set two scenarios of the run side by side")  # fmt: skip
    parser.add_argument("--overwrite", action="store_true",
                        help="replace the scenario of this name")  # fmt: skip
    parser.add_argument("--track", action="store_true",
                        help="log it in MLflow, below the run")  # fmt: skip


def answer(parsed: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    if parsed.compare:
        print("\n".join(_compared(Path(parsed.run), *parsed.compare)))
        return 0
    from forecasting.scenarios.scenario import scenario

    result = scenario(parsed.run, parsed.file, overwrite=parsed.overwrite)
    print("\n".join(_summary(result, Path(parsed.run))))
    if parsed.track:
        from forecasting.scenarios.track import track_scenario

        print(f"MLflow run {track_scenario(result, Path(parsed.run))}")
    return 0


def _summary(result: ScenarioResult, run: Path) -> Iterator[str]:
    """The largest changes of the last year, and what they rest on."""
    from forecasting.results.subjects import named
    from forecasting.scenarios.words import rests_on

    record = result.record
    year = max(record["years"])
    yield f"{result.name}: {result.text}" if result.text else result.name
    yield f"Change against the forecast of {year}, {result.answer} effect:"
    groups = result.groups[result.groups["target_year"] == year]
    for _, row in groups.iterrows():
        yield f"  {row['unit'] + ' ' + row['side']:<36}{_change(row)}"
    if result.answer == "full":
        table = result.countries[result.countries["target_year"] == year]
        order = table["difference"].abs().sort_values(ascending=False, kind="stable").index
        for _, row in table.loc[order[:_SHOWN]].iterrows():
            yield f"  {named(row['unit']) + ' ' + row['side']:<36}{_change(row)}"
    yield f"Flows that move most in {year}:"
    yield from _flows(result, year)
    if len(result.welfare):
        last = result.welfare[result.welfare["target_year"] == year]
        order = last["percent"].abs().sort_values(ascending=False, kind="stable").index
        moved = [f"{code} {percent:+.2f} %" for code, percent in
                 last.loc[order[:5], ["country", "percent"]].itertuples(index=False)]  # fmt: skip
        yield f"Welfare: {', '.join(moved)}"
    yield "Rests on:"
    yield from (f"  {line}" for line in rests_on(record))
    yield f"Tables and figures: {run / 'scenarios' / result.name}"


def _flows(result: ScenarioResult, year: int) -> Iterator[str]:
    from forecasting.scenarios.words import flow_words

    table = result.flows[result.flows["target_year"] == year]
    table = table[table["exporter"].astype(str) != table["importer"].astype(str)]
    order = table["difference"].abs().sort_values(ascending=False, kind="stable").index
    for _, row in table.loc[order[:_SHOWN]].iterrows():
        words = f"  {flow_words(row, result.sectors):<36}"
        words += f"{row['difference'] / 1e9:>+12,.2f} billion USD"
        if row["baseline"] > 0:
            words += f" {100 * row['difference'] / row['baseline']:>+8.2f} %"
        if "difference_lower_90" in row:
            low, high = (row[f"difference_{side}_90"] / 1e9 for side in ("lower", "upper"))
            words += f"  (90 %: {low:+,.2f} to {high:+,.2f} billion)"
        yield words


def _change(row: pd.Series[float]) -> str:
    words = f"{row['difference'] / 1e9:>+12,.2f} billion USD {row['percent']:>+8.2f} %"
    if "percent_lower_90" in row:
        words += f"  (90 %: {row['percent_lower_90']:+.2f} to {row['percent_upper_90']:+.2f})"
    return words


def _compared(run: Path, first: str, second: str) -> Iterator[str]:
    from forecasting.scenarios.tables import FLOW
    from forecasting.scenarios.write import compare_scenarios, read_scenario_folder

    table = compare_scenarios(*(read_scenario_folder(run, name) for name in (first, second)))
    year = table["target_year"].max()
    yield f"Change against the forecast of {year}, percent (90 % intervals): {first}, {second}"
    for _, row in table[table["target_year"] == year].head(2 * _SHOWN).iterrows():
        name = row["unit"] if row["side"] == FLOW else f"{row['unit']} {row['side']}"
        sides = "".join(f"{_percent_of(row, side):<28}" for side in ("first", "second"))
        apart = f"{row['second_less_first'] / 1e9:>+10,.2f} billion USD apart"
        if np.isfinite(row.get("apart_lower_90", np.nan)):
            low, high = (row[f"apart_{side}_90"] / 1e9 for side in ("lower", "upper"))
            apart += f" ({low:+,.2f} to {high:+,.2f})"
        yield f"  {name:<24}{sides}{apart}"


def _percent_of(row: pd.Series[float], side: str) -> str:
    words = f"{row[f'{side}_percent']:>+9.2f}"
    if f"{side}_lower_90" in row:
        words += f" ({row[f'{side}_lower_90']:+.2f} to {row[f'{side}_upper_90']:+.2f})"
    return words
