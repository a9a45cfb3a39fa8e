"""The folder of a plan, ``RUN/plans/NAME/``, read back."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from features.errors import MALFORMED, InputError
from forecasting.planning.result import TABLES, PlanResult
from forecasting.run_folder.files import PLANS

RECORD, PAGE, WORKBOOK = "plan.json", "plan.html", "plan.xlsx"


def plan_names(run: Path) -> list[str]:
    """Names of a run's plans, sorted."""
    return sorted(path.parent.name for path in (run / PLANS).glob(f"*/{RECORD}"))


def read_plan_folder(run: Path, name: str) -> PlanResult:
    """A plan of a run, read back.

    Raises
    ------
    InputError
        If its folder is damaged.
    """
    folder = run / PLANS / name
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        # A table without rows has no file.
        files = {table: folder / f"{table}.parquet" for table in TABLES}
        tables = {
            table: pd.read_parquet(path) if path.is_file() else pd.DataFrame()
            for table, path in files.items()
        }
        return PlanResult(name=name, record=record, **tables)
    except MALFORMED as error:
        raise InputError("the plan cannot be read", remedy="Make it again with --overwrite",
                         file=folder) from error  # fmt: skip
