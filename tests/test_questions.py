"""Where is what? Fifteen questions of a newcomer, and the file whose name should answer each.

Asked with nothing but the list of files, 13 of 15 first guesses were right (in November 2026,
before `models/registry.py` and `run_folder/files.py`, which answer the other two, were there).
Ask them again when files move: a file that nobody guesses needs another name.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ANSWERS = {
    "Where is a flow's forecast made?": ("models/forecaster.py", "forecast_flows"),
    "Where would I add a baseline?": ("models/registry.py", "MODELS"),
    "Where is a late reporter noticed?": (
        "features/plausibility/reporting.py", "reporting_findings"),
    "Which files are in a run's folder?": ("forecasting/run_folder/files.py", "FILES"),
    "Where are the options of a run declared?": (
        "forecasting/options/run_config.py", "RunConfig"),
    "Where is the loop over origins?": ("forecasting/evaluation/backtest.py", "run_backtest"),
    "Where is decided what was published at a date?": ("features/information.py", "InformationSet"),
    "How wide is an interval, and why?": ("models/intervals.py", "fit_intervals"),
    "Where is a forecast split into contributions?": (
        "forecasting/explanation/explain.py", "explain"),
    "Where does `gravicast fetch` find its sources?": ("features/store/registry.py", "SOURCES"),
    "Which features are there?": ("features/catalogue.py", "FEATURES"),
    "Where would I add a plot?": ("forecasting/figures/plots.py", "KINDS"),
    "What must a model pass to become champion?": ("forecasting/promotion/gates.py", "gates"),
    "Where does 'Korea, Rep.' become KOR?": ("features/reading/country_names.py", "alpha3"),
    "Where are totals of the target year forecast?": ("models/totals.py", "forecast_totals"),
}  # fmt: skip


def defined(file: Path) -> set[str]:
    """Functions, classes and constants of a module."""
    names: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_there_are_fifteen():
    assert len(ANSWERS) == 15


@pytest.mark.parametrize("question", ANSWERS)
def test_the_file_answers(question):
    file, name = ANSWERS[question]
    assert name in defined(ROOT / file)
