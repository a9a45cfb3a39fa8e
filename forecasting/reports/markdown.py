"""Pieces of Markdown that the sections of a scoreboard share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from forecasting.style import MODEL_LABELS, SETTING_LABELS


def section(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A heading and a table."""
    return f"## {title}\n\n{table(header, rows)}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, without alignment."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cells(scores: pd.DataFrame) -> Iterable[tuple[str, int]]:
    """Settings and horizons in the order of reports."""
    for setting in settings_of(scores):
        block = scores[scores["setting"] == setting]
        yield from ((setting, int(horizon)) for horizon in sorted(block["horizon"].unique()))


def settings_of(scores: pd.DataFrame) -> list[str]:
    """Settings there are, in the order of reports."""
    return [setting for setting in SETTING_LABELS if (scores["setting"] == setting).any()]


def model_label(name: str) -> str:
    """Name of a model in words."""
    return MODEL_LABELS.get(name, name.replace("_", " "))
