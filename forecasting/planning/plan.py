"""A plan on a finished run: demand, stock, supplier risk and shares."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import InputError
from forecasting.planning import LIMITS
from forecasting.planning.binding import BoundPlan, bind
from forecasting.planning.demand import FEWEST_YEARS, ItemDemand, demand_table, item_demand
from forecasting.planning.markets import market_draws
from forecasting.planning.plan_file import PlanFile, read_plan
from forecasting.planning.result import PlanResult
from forecasting.planning.sourcing import dependence_of, risk_table, share_tables
from forecasting.planning.stock import stock_table
from forecasting.planning.tables import PlanTables, empty_tables, read_tables
from forecasting.planning.tracked import track_plan
from forecasting.planning.write import write_plan
from forecasting.results.read import read_run
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_country
from forecasting.run_folder.files import PLANS

MARKET_SUPPLIERS = 15
"""Largest supplier countries that the view of a market shows."""


def plan(
    run: RunResult | Path | str,
    file: Path | str | None = None,
    *,
    importer: str | None = None,
    sector: str | None = None,
    overwrite: bool = False,
) -> PlanResult:
    """Plan stock and suppliers on a run's forecasts.

    Parameters
    ----------
    run
        Finished run or its folder, in which ``plans/NAME/`` is written.
    file
        ``plan.yaml`` or a table of items, see `forecasting.planning`.
    importer, sector
        In place of a file: the market to look at, of all sectors where none is named.
    overwrite
        Whether a plan of this name may be replaced.

    Returns
    -------
    PlanResult

    Raises
    ------
    InputError
        For anything wrong with the files, before any work; if limits leave no shares; or if there
        is a plan of this name.
    """
    if (file is None) == (importer is None):
        raise InputError("a plan needs a file or an importer",
                         remedy="Give plan.yaml, or an importer such as DEU")  # fmt: skip
    written = None if file is None else read_plan(file)
    tables = None if written is None else read_tables(written)
    result = run if isinstance(run, RunResult) else read_run(run)
    if written is None or tables is None:
        written, tables = market_plan(result, str(importer), sector or "")
    out = result.out / PLANS / written.name
    if out.exists() and not overwrite:
        raise InputError("there is a plan of this name",
                         remedy="Name it otherwise, or give --overwrite", file=out)  # fmt: skip
    found = answer_plan(result, bind(written, tables, result))
    write_plan(found, out)
    track_plan(found, result, out)
    return found


def answer_plan(run: RunResult, bound: BoundPlan) -> PlanResult:
    """Make a plan without writing anything, see `plan`."""
    drawn = market_draws(bound, run)
    demand = item_demand(bound, drawn, run)
    shares, frontier = share_tables(bound, demand, drawn)
    return PlanResult(
        name=bound.plan.name,
        demand=demand_table(bound, demand, drawn),
        inventory=stock_table(bound, demand, seed=run.config.seed)
        if _has_stock(bound)
        else pd.DataFrame(),
        risk=risk_table(bound, drawn, dependence_of(bound, run)),
        shares=shares,
        frontier=frontier,
        record=_record(bound, run, demand),
    )


def market_plan(run: RunResult, importer: str, sector: str) -> tuple[PlanFile, PlanTables]:
    """The plan of a market as a whole: imports are the item, its largest suppliers supply it."""
    code = check_country(run.forecasts, importer)
    rows = run.forecasts[run.forecasts["horizon"] == run.forecasts["horizon"].min()]
    rows = rows[(rows["importer"] == code) & (rows["exporter"].astype(str) != code)]
    if sector and "sector" in rows:
        rows = rows[rows["sector"] == sector]
    value = rows.groupby(rows["exporter"].astype(str))["value_origin"].sum().astype(float)
    largest = value[value > 0].nlargest(MARKET_SUPPLIERS)
    name = f"{code} {sector}".strip()
    # The market's demand is that of the last known year.
    origin = int(run.forecasts["origin"].iloc[0])
    plan_file = PlanFile(name=name, items=run.out, demand_year=origin, file=run.out)
    tables = empty_tables()
    items = tables.items.reindex(range(1)).assign(
        item=f"{name} imports, USD", importer=code, sector=sector, demand=float(value.sum())
    )
    suppliers = tables.suppliers.reindex(range(len(largest))).assign(
        item=items["item"].iloc[0],
        country=largest.index.to_numpy(),
        share=largest.to_numpy() / max(largest.sum(), 1e-9),
        unit_price=1.0,
    )
    return plan_file, PlanTables(items, suppliers, tables.history)


def _record(bound: BoundPlan, run: RunResult, demand: ItemDemand) -> dict[str, object]:
    plan_file = bound.plan
    files = {"plan": plan_file.file, "items": plan_file.items, "suppliers": plan_file.suppliers,
             "history": plan_file.history}  # fmt: skip
    limits = plan_file.limits
    return {
        "year": bound.year,
        "demand_year": bound.demand_year,
        "setting": record_setting(run),
        "draws": plan_file.draws,
        "risk": {name: getattr(plan_file.risk, name) for name in plan_file.risk.__slots__},
        "limits": {
            "largest_share": limits.largest_share,
            "groups": {name: float(share) for name, share in limits.groups.items()},
            "budget": limits.budget if np.isfinite(limits.budget) else None,
        },
        "files": {
            role: {"path": path.name, "sha256": sha256(path.read_bytes()).hexdigest()}
            for role, path in files.items()
            if path is not None and path.is_file()
        },
        "notes": _notes(bound, demand),
        "not_known": list(LIMITS),
    }


def _notes(bound: BoundPlan, demand: ItemDemand) -> list[str]:
    if not _has_stock(bound):
        return []
    without, count = int((~demand.has_past).sum()), len(demand.has_past)
    if not without:
        return []
    return [
        f"{without:,} of {count:,} items have no history over {FEWEST_YEARS} past forecasts: they "
        "vary as their market does and no more, so their safety stock is a lower bound."
    ]


def _has_stock(bound: BoundPlan) -> bool:
    """Whether items have costs; the view of a market has none."""
    return bool(bound.tables.items["holding_cost"].notna().all())
