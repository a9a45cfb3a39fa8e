"""A scenario on a finished run: baseline, answers, intervals, and what they rest on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from features.errors import InputError
from forecasting.inputs.run_tables import run_tables
from forecasting.results.read import read_run
from forecasting.results.result import RunResult
from forecasting.scenarios.baseline import Baseline, make_baseline
from forecasting.scenarios.binding import BoundScenario, bind
from forecasting.scenarios.from_model import with_model_effects
from forecasting.scenarios.result import NOT_ESTIMATED, ScenarioResult
from forecasting.scenarios.scenario_file import read_scenario
from forecasting.scenarios.solve import Closure, closure_of, solve
from forecasting.scenarios.tables import (
    draw_table,
    flow_table,
    measure_table,
    unit_sums,
    welfare_table,
)
from forecasting.scenarios.uncertainty import Uncertainty, draw_scenario
from forecasting.scenarios.units import make_units
from forecasting.scenarios.write import write_scenario
from forecasting.scenarios.written import Change, ScenarioFile
from forecasting.words.measures import sector_names


def scenario(
    run: RunResult | Path | str, file: Path | str, *, overwrite: bool = False
) -> ScenarioResult:
    """Answer a what-if question on a run's forecasts.

    Parameters
    ----------
    run
        Finished run or its folder, in which ``scenarios/NAME/`` is written.
    file
        ``scenario.yaml``, see `forecasting.scenarios.scenario_file`.
    overwrite
        Whether a scenario of this name may be replaced.

    Returns
    -------
    ScenarioResult

    Raises
    ------
    InputError
        For anything wrong with the file, before any work; if there is no equilibrium; or if there
        is a scenario of this name.
    """
    result = run if isinstance(run, RunResult) else read_run(run)
    written = read_scenario(file)
    out = result.out / "scenarios" / written.name
    if out.exists() and not overwrite:
        raise InputError("there is a scenario of this name", remedy="Name it otherwise, or give "
                         "--overwrite", file=out)  # fmt: skip
    found = answer_scenario(result, written)
    write_scenario(found, out)
    return found


def answer_scenario(run: RunResult, written: ScenarioFile) -> ScenarioResult:
    """Answer a scenario without writing anything, see `scenario`."""
    try:
        return _answered(run, written)
    except InputError as error:
        if error.file is not None:
            raise
        raise InputError(error.problem, remedy=error.remedy, file=written.file) from None


def _answered(run: RunResult, written: ScenarioFile) -> ScenarioResult:
    baseline = make_baseline(run, years=written.years, domestic_sales=written.domestic_sales)
    bound = bind(written, run.forecasts, baseline, store=run.config.store)
    closure = closure_of(bound, baseline, written.tables or run_tables(run))
    bound = with_model_effects(bound, run)
    answers = {
        year: solve(bound, baseline, closure, year, values)
        for year, values in zip(baseline.years, baseline.values, strict=True)
    }
    units = make_units(baseline.flows.countries, bound.groups)
    drawn = draw_scenario(run, bound, baseline, closure, units)
    draws = drawn.years if drawn is not None else {}
    sums = unit_sums(answers, units, draws)
    is_country = sums["kind"] == "country"
    tables = [sums[mask].drop(columns="kind").reset_index(drop=True)
              for mask in (is_country, ~is_country)]  # fmt: skip
    largest = max(answer.residual for answer in answers.values())
    return ScenarioResult(
        name=written.name,
        text=written.text,
        flows=flow_table(answers, baseline, draws),
        countries=tables[0],
        groups=tables[1],
        welfare=welfare_table(answers, baseline, draws),
        measures=measure_table(answers, baseline, closure),
        draws=draw_table(units, draws, drawn.count if drawn is not None else 0, baseline=baseline),
        record={
            **_record(bound, baseline, closure, drawn, largest),
            "sector_names": dict(sector_names(run)),
        },
    )


def _record(
    bound: BoundScenario,
    baseline: Baseline,
    closure: Closure,
    drawn: Uncertainty | None,
    residual: float,
) -> dict[str, Any]:
    """What the numbers rest on, as plain values."""
    sectors = baseline.flows.sectors
    elasticities = [
        {"sector": sector, **estimate.to_dict()}
        for sector, estimate in zip(sectors, bound.theta, strict=True)
    ]
    same = len(set(bound.theta)) == 1
    return {
        "name": bound.written.name,
        "text": bound.written.text,
        "file": bound.written.file.name,
        "answer": "full" if closure.is_full else "conditional",
        "origin": baseline.origin,
        "years": list(baseline.years),
        "closure": closure.words,
        "domestic_sales": baseline.source,
        "largest_residual": residual,
        "trade_elasticity": [{**elasticities[0], "sector": "all"}] if same else elasticities,
        "changes": [_change_record(one.change, bound, baseline) for one in bound.changes],
        "uncertainty": "none: nothing stated is uncertain" if drawn is None else drawn.words,
        "groups": {name: list(members) for name, members in bound.groups.items()},
        "absent_members": {name: list(codes) for name, codes in bound.absent.items()},
        "not_estimated_here": list(NOT_ESTIMATED),
    }


def _change_record(change: Change, bound: BoundScenario, baseline: Baseline) -> dict[str, Any]:
    touched = next(one for one in bound.changes if one.change is change)
    effect = change.effect.to_dict() if change.effect is not None else None
    at_home = "also touches sales at home; " if change.kind == "productivity" else ""
    return {
        "change": describe(change),
        "effect": effect,
        "share_in_force": {str(year): touched.in_force(year) for year in baseline.years},
        "flows_touched": int(touched.touches.sum()),
        "support": at_home + touched.support,
    }


def describe(change: Change) -> str:
    """A change in words."""
    between = f"from {', '.join(change.exporters)} to {', '.join(change.importers)}"
    if change.both_ways:
        between += " and back"
    words = {
        "tariff": f"a tariff of {change.size:+.1%} on trade {between}",
        "iceberg": f"trade costs {change.size:+.1%} {between}",
        "embargo": f"an embargo on trade {between}",
        "productivity": f"productivity {change.size:+.1%} in {', '.join(change.exporters)}",
        "agreement": f"an agreement of {', '.join(change.members)}",
        "indicator": f"{change.indicator} changed by "
        + ", ".join(f"{value:+g} from {year}" for year, value in change.path.items())
        + f", on trade {between}",
    }[change.kind]
    return words + (f", in {', '.join(change.sectors)}" if change.sectors else "")
