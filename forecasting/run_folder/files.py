"""The files of an output folder, declared once.

Writing, reading, replacing and tracking a run read this declaration. A new table is one line here
and one field of what `RunFile.result` names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["run", "forecast"]
"""Work that leaves a folder: ``gravicast run`` or ``gravicast forecast``."""

RUN = frozenset({"run"})
STUDY = frozenset({"study"})
"""A run with ``--study`` writes these too."""
TUNED = frozenset({"tune"})
"""So does one with ``--tune``."""
ACTIVE = frozenset({"active"})
"""So does one whose flows are those that have traded by the origin (``--universe``)."""
ALWAYS = frozenset({"run", "forecast"})
LATER = frozenset({"scenario"})
"""``gravicast scenario`` adds these to a finished run or forecast."""
PLANNED = frozenset({"plan"})
"""``gravicast plan`` adds these to a finished run."""


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file or subfolder of an output folder.

    Attributes
    ----------
    name
        Of the file; the ending is the kind of table (``.csv``, ``.parquet``). ``/`` ends a folder.
    of
        Work that writes it.
    result
        Field of a `RunResult` that holds the table, such as ``scores`` or ``measures.history``;
        empty for what is not a table in memory.
    key
        Columns that identify a row, together with ``sector`` where flows have sectors.
    logged
        Whether MLflow gets the file as an artifact of the same name.
    shown
        Name under which the MLflow UI shows the whole table; empty where it does not.
    redrawn
        Whether a command may write it again from the other files.
    """

    name: str
    of: frozenset[str] = RUN
    result: str = ""
    key: tuple[str, ...] = ()
    logged: bool = True
    shown: str = ""
    redrawn: bool = False


MARKER = "run.json"
FORECASTS = "forecasts.parquet"
BACKTEST = "backtest.parquet"
BIRTHS, BIRTHS_SCORES = "births.parquet", "births_scores.csv"
REPORT = "report.html"
SCOREBOARD = "scoreboard.md"
FIGURES = "figures"
MODEL = "model"
SCENARIOS = "scenarios"
PLANS = "plans"

_FLOW = ("exporter", "importer")
_UNIT = ("measure", "country", "partner", "sector")
_CELL = ("setting", "horizon")
_TEST = (*_CELL, "metric", "against")

FILES = (
    RunFile(MARKER, ALWAYS),
    RunFile(f"{MODEL}/", ALWAYS, logged=False),  # MLflow has it as a model
    RunFile(FORECASTS, ALWAYS, "forecasts", (*_FLOW, "target_year")),
    RunFile("attributions.parquet", ALWAYS, "attributions", (*_FLOW, "target_year")),
    RunFile("channels.csv", ALWAYS, "channels", ("channel",), shown="channels.json"),
    RunFile("drivers.csv", ALWAYS, "drivers", ("feature",)),
    RunFile("coverage.csv", ALWAYS, "coverage", ("feature",), shown="feature_coverage.json"),
    RunFile("stability.csv", RUN, "stability", ("kind", "of", "level", "name")),
    RunFile("scores.csv", RUN, "scores", (*_CELL, "model", "stratum")),
    RunFile("scores_by_origin.csv", RUN, "scores_by_origin",
            (*_CELL, "model", "origin", "stratum")),
    RunFile("significance.csv", RUN, "significance", _TEST),
    RunFile("reliability.csv", RUN, "reliability", (*_CELL, "margin", "bin")),
    RunFile("world_errors.csv", RUN, "world_errors", (*_CELL, "origin")),
    # Written while the back-test goes on, and too large to log.
    RunFile(BACKTEST, RUN, key=(*_CELL, "origin", *_FLOW), logged=False),
    RunFile(BIRTHS, ACTIVE, key=("side", "country", "horizon")),
    RunFile(BIRTHS_SCORES, ACTIVE, key=("side", "horizon")),
    RunFile("measures_history.parquet", RUN, "measures.history", (*_UNIT, "year")),
    RunFile("measures_forecasts.parquet", RUN, "measures.forecasts", (*_UNIT, "target_year")),
    RunFile("measures_backtest.parquet", RUN, "measures.backtest", (*_UNIT, "origin", "horizon"),
            logged=False),
    RunFile("measures_drivers.parquet", RUN, "measures.drivers", (*_UNIT, "target_year"),
            logged=False),
    RunFile("measures_scores.csv", RUN, "measures.scores", ("measure", "horizon"),
            shown="measures.json"),
    RunFile("study_by_origin.csv", STUDY, "study.by_origin", (*_CELL, "group", "model", "origin")),
    RunFile("ablation.csv", STUDY, "study.ablation", _TEST),
    RunFile("placebos.csv", STUDY, "study.placebos", _TEST),
    RunFile("trials.csv", STUDY, "study.trials", ("question", "answer", "origin")),
    RunFile("tuning_trials.csv", TUNED, "tuning.trials", ("origin", "trial")),
    RunFile("tuning_gain.csv", TUNED, "tuning.gain", _TEST),
    RunFile(SCOREBOARD, RUN, redrawn=True),
    RunFile(REPORT, RUN, redrawn=True),
    RunFile(f"{FIGURES}/", RUN, redrawn=True),
    RunFile(f"{SCENARIOS}/", LATER, logged=False, redrawn=True),
    RunFile(f"{PLANS}/", PLANNED, logged=False, redrawn=True),
)  # fmt: skip
"""Everything a run writes; a folder that holds more is never replaced."""

NAMES = frozenset(file.name.rstrip("/") for file in FILES)
REDRAWN = tuple(file.name for file in FILES if file.redrawn)


def tables_of(kind: str, *, study: bool, tune: bool = False) -> Iterator[RunFile]:
    """Tables in memory that a ``run`` or ``forecast`` leaves in its folder."""
    further = {"study": study, "tune": tune}
    works = {kind, *(work for work, done in further.items() if done)}
    return (file for file in FILES if file.result and file.of & works)


def file_of(result: str) -> RunFile:
    """The file of a table, by the field of a `RunResult` that holds it."""
    (found,) = (file for file in FILES if file.result == result)
    return found
