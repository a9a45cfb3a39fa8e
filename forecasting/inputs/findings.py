"""Findings about the data as users see them: a few lines on stderr, all in ``run.json``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from features.findings import Finding

MOST_LINES = 12


def show_findings(findings: Sequence[Finding], *, notes: bool) -> None:
    """Write a line for each finding to stderr, the most serious first.

    Without ``notes`` only warnings are shown, also without progress.
    """
    lines = [one.line for one in findings if notes or one.severity != "note"]
    more = len(lines) - MOST_LINES
    shown = [*lines[:MOST_LINES], *([f"and {more:,} more in run.json"] if more > 0 else [])]
    sys.stderr.write("".join(f"{line}\n" for line in shown))
