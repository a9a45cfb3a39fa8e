"""A run's scenarios as a section of its report: self-contained HTML without scripts."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from forecasting.run_folder.files import SCENARIOS
from forecasting.scenarios.plots import PLOTS, moved_rows
from forecasting.scenarios.result import ScenarioResult
from forecasting.scenarios.words import rests_on
from forecasting.scenarios.write import read_scenario_folder, scenario_names

_ALT = {
    "waterfall": "Waterfall from the change itself over multilateral resistance and incomes to the "
    "whole change",
    "movers": "What moves most, with 90 % intervals",
    "map": "World map of where the exports go that the scenario touches most, shaded by the change",
}


_ANSWERS = (
    "Baseline: the forecast. Partial: the change itself, with prices as they were. Conditional: "
    "with what it changes for trade with third countries too (multilateral resistance), at incomes "
    "as they were. Full: with incomes and prices too."
)


def scenarios_section(run: Path) -> str:
    """Every scenario of a run as HTML, one ``<section>`` each; empty where there is none."""
    parts = []
    for name in scenario_names(run):
        result = read_scenario_folder(run, name)
        folder = run / SCENARIOS / name
        figures = "".join(_figure(folder / f"{plot}.png", _ALT[plot]) for plot in PLOTS)
        items = "".join(f"<li>{escape(line)}</li>" for line in rests_on(result.record))
        parts.append(
            f"<section><h3>{escape(name)}</h3><p>{escape(result.text)}</p>{_table(result)}"
            f"{figures}<p>What the numbers rest on:</p><ul>{items}</ul></section>"
        )
    return "\n".join(parts)


def _figure(file: Path, alt: str) -> str:
    if not file.is_file():
        return ""
    source = base64.b64encode(file.read_bytes()).decode("ascii")
    return f'<figure><img src="data:image/png;base64,{source}" alt="{escape(alt)}"></figure>'


def _table(result: ScenarioResult) -> str:
    """What moves most, billion USD before and after each step."""
    rows = moved_rows(result)
    columns = ["baseline", "partial", "conditional", *(["full"] if result.answer == "full" else [])]
    names = [*(f"{name}, billion USD" for name in columns), "change, %"]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ["What", *names])
    head = f"<tr>{head}</tr>"
    body = "".join(_row(_cells(row, columns), names) for _, row in rows.iterrows())
    year = int(rows["target_year"].max())
    caption = f"What moves most in {year}; the last answer counts"
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{caption}">'
        f'<table class="cards"><caption>{caption}</caption><thead>{head}</thead>'
        f'<tbody>{body}</tbody></table></div><p class="note">{_ANSWERS}</p>'
    )


def _cells(row: pd.Series[Any], columns: Iterable[str]) -> list[str]:
    change = 100 * row["difference"] / row["baseline"]
    values = [f"{row[name] / 1e9:,.2f}" for name in columns]
    return [str(row["label"]), *values, f"{change:+.2f}"]


def _row(cells: Sequence[str], names: Sequence[str]) -> str:
    """The name of the row, then its numbers with their headings, which narrow screens show."""
    values = "".join(
        f'<td class="n" data-label="{escape(name)}">{escape(cell)}</td>'
        for cell, name in zip(cells[1:], names, strict=True)
    )
    return f'<tr><th scope="row">{escape(cells[0])}</th>{values}</tr>'
