"""Pieces of Markdown: tables, and text of anybody's that stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from forecasting.words.labels import SETTING_LABELS

_MARKUP = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown reads inside a line; ``_`` between letters, as in names of measures, is none."""
_BLOCK = re.compile(r"^(\s*\d*)([#+=.)-])(?=[\s#+=-]|$)")
"""What opens a heading, a list or a rule."""
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escaped(text: str) -> str:
    """Text that is shown as it is: no markup, no HTML and one line, also in a cell of a table.

    Names of files, sectors and indicators are anybody's, and a page of Markdown may run them.
    """
    line = " ".join(text.split())
    line = _MARKUP.sub(r"\\\g<0>", line)
    return _BLOCK.sub(r"\1\\\2", line).translate(_ENTITIES)


def fenced(lines: Sequence[str]) -> str:
    """Lines as code, whatever they hold."""
    text = "\n".join(lines)
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text) or [""]))
    return f"{fence}\n{text}\n{fence}"


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
