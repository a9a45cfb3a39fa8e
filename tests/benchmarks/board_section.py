"""Sections of the scoreboard that benchmarks write beside those of its run."""

from __future__ import annotations

import re
from pathlib import Path

from forecasting.run_folder.whole_file import write_whole

LAST = "## To reproduce\n"


def board_with(board: str, section: str) -> str:
    """A scoreboard with a section before its last one, in place of an earlier one of its heading.

    Parameters
    ----------
    board
        Markdown.
    section
        Markdown that begins with its heading, ``## ...``.
    """
    heading = section.partition("\n")[0]
    parts = re.split(r"(?m)^(?=## )", board)
    kept = "".join(part for part in parts if not part.startswith(f"{heading}\n"))
    before, mark, after = kept.partition(LAST)
    return f"{before.rstrip()}\n\n{section.strip()}\n\n{mark}{after}"


def write_section(board: Path, section: str) -> None:
    """Put a section into a scoreboard's file."""
    write_whole(board, board_with(board.read_text(encoding="utf-8"), section).encode())
