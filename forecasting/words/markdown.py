"""Pieces of Markdown: tables, and text from outside that must stay text."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MARKUP = re.compile(r"[\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_])")
"""Markup inside a line; ``_`` between letters, as in names of measures, is not."""
_BLOCK = re.compile(r"^(\s*\d*)([#+=.)-])(?=[\s#+=-]|$)")
"""Start of a heading, a list or a rule."""
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escaped(text: str) -> str:
    """Text shown literally, in one line: no markup, no HTML, and safe in a cell of a table.

    Anyone may have chosen names of files, sectors and indicators, and viewers run HTML in Markdown.
    """
    line = " ".join(text.split())
    line = _MARKUP.sub(r"\\\g<0>", line)
    return _BLOCK.sub(r"\1\\\2", line).translate(_ENTITIES)


def fenced(lines: Sequence[str]) -> str:
    """Lines as a code block, whatever they contain."""
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
