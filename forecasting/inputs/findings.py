"""Findings about the data on their way to people: a few lines on stderr, all in ``run.json``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from features.findings import Finding

MOST_LINES = 12


def tell(findings: Sequence[Finding], *, notes: bool) -> None:
    """Write one line a finding to stderr, the gravest first.

    Parameters
    ----------
    findings
        As `features.findings.settled` orders them.
    notes
        Whether notes are told as well; warnings always are, without progress too.
    """
    lines = [one.line for one in findings if notes or one.severity != "note"]
    more = len(lines) - MOST_LINES
    told = [*lines[:MOST_LINES], *([f"and {more:,} more in run.json"] if more > 0 else [])]
    sys.stderr.write("".join(f"{line}\n" for line in told))
