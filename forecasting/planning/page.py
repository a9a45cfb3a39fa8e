"""A plan's page: one HTML file that opens without a network, a template filled from facts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Template

from forecasting.planning.folder import plan_names, read_plan_folder
from forecasting.planning.result import PlanResult
from forecasting.planning.sourcing import FALLS
from forecasting.results.subjects import named
from forecasting.run_folder.files import PLANS
from forecasting.words.labels import SETTING_LABELS
from forecasting.words.numbers import DASH, percent
from forecasting.words.templates import template_environment

SHOWN = 50
"""Rows of a table on the page; the workbook has all."""


def plan_page(plan: PlanResult, figures: Mapping[str, bytes]) -> str:
    """The page of a plan; ``figures`` are PNG files by name."""
    return _template("plan").render(**_facts(plan, figures), heading="h2", **_COMMON)


def plans_section(run: Path) -> str:
    """Every plan of a run as HTML, one ``<section>`` each; empty where there is none."""
    found = []
    for name in plan_names(run):
        figures = {path.name: path.read_bytes() for path in (run / PLANS / name).glob("*.png")}
        found.append(_facts(read_plan_folder(run, name), figures))
    return _template("sections").render(plans=found, heading="h4", **_COMMON) if found else ""


_COMMON: Mapping[str, Any] = {"falls": FALLS, "shown": SHOWN}


def _facts(plan: PlanResult, figures: Mapping[str, bytes]) -> dict[str, Any]:
    """What the template says of a plan."""
    mixes = plan.frontier[plan.frontier["mix"] != "frontier"] if len(plan.frontier) else None
    return {
        "plan": plan,
        "setting": SETTING_LABELS[plan.record["setting"]].lower(),
        "year_rows": _rows(plan.demand[plan.demand["period"] == str(plan.record["year"])]),
        "stock_rows": _rows(plan.inventory),
        "risk_rows": _rows(plan.risk),
        "share_rows": _rows(plan.shares),
        "mixes": _rows(plan.frontier if mixes is None else mixes),
        "images": {
            name.removesuffix(".png"): base64.b64encode(content).decode("ascii")
            for name, content in figures.items()
            if name.endswith(".png")
        },
    }


def _rows(table: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(name): value for name, value in row.items()}
            for row in table.head(SHOWN).to_dict("records")]  # fmt: skip


def units(value: float) -> str:
    """A quantity in its own unit: whole from 100 on, else three digits."""
    if not np.isfinite(value):
        return DASH
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


@lru_cache
def _template(name: str) -> Template:
    filters = {"units": units, "percent": percent, "named": named}
    environment = template_environment("forecasting.planning", escape=True, filters=filters)
    return environment.get_template(f"{name}.html.j2")
