"""The note on the page of a run in MLflow: its verdict in fifteen lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from forecasting.evaluation.significance import UNTESTED, why_untested
from forecasting.results.result import RunResult
from forecasting.run_folder.files import FIGURES, REPORT
from forecasting.tracking.metrics import board_of
from forecasting.words.markdown import escaped, fenced
from forecasting.words.numbers import percent
from models.learner_text import LIGHTGBM
from models.registry import LAST_VALUE, RAKED_BASE


def run_note(result: RunResult, model_id: str) -> str:
    """The note in Markdown: how accurate the run is, what was run, where its files are."""
    board, first = board_of(result.scores), result.provenance["setting"]
    main, tests = board[board["setting"] == first], result.significance
    origins = result.scores_by_origin["origin"]
    return "\n".join(
        [
            f"**Against the last value**: {_verdict(main, tests, against=LAST_VALUE)}",
            "",
            f"**Against the raked base**: {_verdict(main, tests, against=RAKED_BASE)}",
            "",
            f"WAPE, mean over origins {origins.min()}-{origins.max()}, setting `{first}`; better "
            "or worse where a test rejects equal accuracy, otherwise a tie. "
            f"{subject(result)}",
            "",
            *_score_lines(board),
            "",
            *_learner_lines(result),
            f"**Model**: its files are under *Logged models*, not under Artifacts: "
            f'`mlflow.pyfunc.load_model("models:/{model_id}")`. ' + _pages(result.out),
        ]
    )


def _learner_lines(result: RunResult) -> list[str]:
    """The learner, where it is not LightGBM."""
    if result.config.learner == LIGHTGBM:
        return []
    exact = "exact" if result.explanation.exact else "approximate"
    return [f"**Learner**: {escaped(result.config.learner)}; SHAP values are {exact}.", ""]


def _pages(out: Path) -> str:
    """Where to read on; a run may have neither report nor figures."""
    present = [f"`{name}`" for name in (REPORT, f"{FIGURES}/") if (out / name).exists()]
    if not present:
        return "**Report**: none; `gravicast report` writes it from the run's folder."
    return f"**Report**: {' and '.join(present)} under Artifacts."


def subject(result: RunResult) -> str:
    """What was forecast, in one sentence."""
    forecasts, trade = result.forecasts, result.provenance["data"][0]
    years = forecasts["target_year"]
    flows = int((forecasts["horizon"] == forecasts["horizon"].min()).sum())
    return (
        f"Forecasts of {years.min()}-{years.max()} for {flows:,} flows of "
        f"{escaped(Path(trade['path']).name)}, from origin {result.provenance['origin']} "
        f"as of {result.provenance['as_of']}."
    )


def _verdict(board: pd.DataFrame, tests: pd.DataFrame, *, against: str) -> str:
    """How much lower or higher the error is at each horizon, and the verdict of the test."""
    column = {LAST_VALUE: "skill_wape", RAKED_BASE: "skill_on_raked_wape"}[against]
    words = []
    for row in board.sort_values("horizon").to_dict("records"):
        skill = row[column]
        if not np.isfinite(skill):
            words.append(f"h{row['horizon']} not known")
            continue
        found = (tests["setting"] == row["setting"]) & (tests["horizon"] == row["horizon"])
        found &= (tests["metric"] == "wape") & (tests["against"] == against)
        by = f"{percent(abs(skill))} {'lower' if skill > 0 else 'higher'}"
        verdict = _test_verdict(tests[found])
        sure = verdict in ("better", "worse")
        words.append(f"h{row['horizon']} {f'**{verdict}**' if sure else verdict} ({by})")
    return ", ".join(words)


def _test_verdict(tests: pd.DataFrame) -> str:
    """Verdict of a single test, with the reason if it was not made."""
    if tests.empty:
        return UNTESTED
    row = tests.iloc[0]
    if row["verdict"] == UNTESTED:
        return f"{UNTESTED}: {why_untested(origins=int(row['origins']))}"
    return str(row["verdict"])


def _score_lines(board: pd.DataFrame) -> list[str]:
    # Aligned by hand: the UI leaves no space between the cells of a Markdown table.
    heads = {
        "wape": "    WAPE",
        "wape_of_raked": "   raked base",
        "wape_of_last": "   last value",
        "coverage_90": "   in 90% interval",
    }
    lines = [f"{'setting':<14}{'h':>2}" + "".join(heads.values())]
    for row in board.to_dict("records"):
        cells = [f"{percent(row[name], digits=2):>{len(head)}}" for name, head in heads.items()]
        lines.append(f"{row['setting']:<14}{row['horizon']:>2}" + "".join(cells))
    return fenced(lines).splitlines()
