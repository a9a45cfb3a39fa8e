"""The folder of a plan, ``RUN/plans/NAME/``, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from forecasting.planning.folder import PAGE, RECORD, WORKBOOK
from forecasting.planning.page import plan_page
from forecasting.planning.plots import draw_plots
from forecasting.planning.result import PlanResult
from forecasting.planning.workbook import workbook
from forecasting.run_folder.staging import locked, staged


def write_plan(plan: PlanResult, out: Path) -> None:
    """Write a plan's tables as Parquet and as a workbook, its record, page and figures."""
    figures = draw_plots(plan)
    tables = plan.tables()
    notes = [*plan.record["notes"], *plan.record["not_known"]]
    with locked(out), staged(out) as folder:
        for name, table in tables.items():
            table.to_parquet(folder / f"{name}.parquet", index=False)
        (folder / WORKBOOK).write_bytes(workbook(tables, notes))
        (folder / PAGE).write_text(plan_page(plan, figures), encoding="utf-8")
        text = json.dumps(plan.record, indent=2, allow_nan=False) + "\n"
        (folder / RECORD).write_text(text, encoding="utf-8")
        for name, content in figures.items():
            (folder / name).write_bytes(content)
