"""A promotion in words: the reasons for its outcome, as Markdown, tags and a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from forecasting.evaluation.scores import SKILL_METRICS
from forecasting.evaluation.significance import why_untested
from forecasting.promotion.gates import Comparison, Gate
from forecasting.words.labels import METRIC_LABELS
from forecasting.words.markdown import escaped, table
from forecasting.words.numbers import decimal

LONGEST = 5_000
"""Longest description of a model version that MLflow keeps."""
_CUT = "\n\n(cut)"


def reasons(
    gates: Sequence[Gate], comparisons: Sequence[Comparison], *, first: bool
) -> tuple[str, ...]:
    """Why a challenger is not promoted, one sentence each; empty if it is.

    ``first``: there is no champion yet, and the score against the baselines decides alone.
    """
    found = [f"gate {gate.name}: {gate.found} (required: {gate.required})" for gate in gates
             if not gate.passed]  # fmt: skip
    for comparison in comparisons:
        if not comparison.score < 1.0:
            score = decimal(comparison.score, 4)
            found.append(f"mean error ratio to {comparison.against}: {score}, not below 1")
        if comparison.worse and not first:
            cells = ", ".join(f"{s} h{h} {metric}" for s, h, metric in sorted(comparison.worse))
            found.append(f"significantly worse than {comparison.against}: {cells}")
    return tuple(found)


def summary_of(gates: Sequence[Gate]) -> str:
    """Gates in one line."""
    failed = [gate.name for gate in gates if not gate.passed]
    return f"failed: {', '.join(failed)}" if failed else "passed"


def describe(
    verdict: str,
    why: Sequence[str],
    gates: Sequence[Gate],
    comparisons: Sequence[Comparison],
    *,
    notes: Sequence[str],
) -> str:
    """The description of a model version, Markdown.

    ``why`` is that of `reasons`; ``notes`` are further remarks for a reviewer.
    """
    # Plain text, because lists of versions show the beginning as it is.
    parts = [verdict]
    if why:
        parts.append("\n".join(f"- {escaped(reason)}" for reason in why))
    rows = [[gate.name, gate.required, escaped(gate.found), "yes" if gate.passed else "**no**"]
            for gate in gates]  # fmt: skip
    parts.append(_table(["gate", "required", "found", "passed"], rows))
    parts += [_described(comparison) for comparison in comparisons]
    parts += list(notes)
    text = "\n\n".join(parts)
    return text if len(text) <= LONGEST else text[: LONGEST - len(_CUT)] + _CUT


def _described(comparison: Comparison) -> str:
    """Ratios of errors as a table, significant ones marked."""
    rows = [
        [
            str(row["setting"]),
            str(row["horizon"]),
            str(row["origins"]),
            *(_ratio(comparison, row, metric) for metric in SKILL_METRICS),
        ]
        for row in comparison.cells.to_dict("records")
    ]
    tested = (
        "Cells that differ significantly say so."
        if comparison.tested
        else f"Equal accuracy was not tested: {_why_untested(comparison)}."
    )
    return (
        f"Errors against **{comparison.against}** (ratio of means over origins, below 1 is better; "
        f"mean **{decimal(comparison.score, 4)}**). {tested}\n\n"
        + _table(
            ["setting", "h", "origins", *(METRIC_LABELS[name] for name in SKILL_METRICS)], rows
        )
    )


def _why_untested(comparison: Comparison) -> str:
    if comparison.cells.empty:
        return "no forecast is common to both"
    return why_untested(origins=int(comparison.cells["origins"].max()))


def _ratio(comparison: Comparison, row: Mapping[str, Any], metric: str) -> str:
    cell = (row["setting"], row["horizon"], metric)
    sure = "better" if cell in comparison.better else "worse" if cell in comparison.worse else ""
    return f"{decimal(row[metric])} {sure}".rstrip()


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    # MLflow's pages leave no space between the cells of a table.
    first, *others = [[f"{cell}&emsp;" for cell in line] for line in (heads, *rows)]
    return table(first, others)
