"""Findings: well-formed data that look wrong, and when they end a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from features.errors import InputError, listed

Severity = Literal["error", "warning", "note"]

CODES: dict[str, str] = {
    "late-reporter": "a trader without trade in the last years",
    "reporting-gap": "a trader or flow without trade in years between others",
    "late-start": "a trader whose trade begins after the table's first year",
    "succession": "a country that ends where others begin",
    "partial-year": "a last year with far less trade, or far more, than the year before",
    "world-jump": "a year with far less trade, or far more, than the year before",
    "trader-jump": "a trader's total that jumps",
    "flow-jump": "a large flow that jumps",
    "aggregate-trader": "a trader that is the sum of all others",
    "aggregate-sector": "a sector that is the sum of all others",
    "unit-gdp": "trade that does not fit GDP",
    "unit-model": "trade that does not fit the data of the trained model",
    "few-zeros": "a few stated zeros among many cells without a row",
    "pairs-once": "a pair file that lists every pair in one direction",
}
"""All checks, by the code of their finding."""

_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the data that looks wrong, or was corrected.

    Attributes
    ----------
    code
        One of `CODES`.
    severity
        ``"error"`` for what is certain and ends the run, ``"warning"`` for what is likely,
        ``"note"`` for what is settled or harmless.
    count
        How many there are of it; ``names`` and ``years`` may be fewer.
    names
        Countries, sectors, flows (``DEU -> FRA``) or attributes it is about.
    years
        Calendar years it is about.
    message
        One sentence without its full stop.
    remedy
        What to do, with the option that settles it.
    """

    code: str
    severity: Severity
    count: int
    names: tuple[str, ...]
    years: tuple[int, ...]
    message: str
    remedy: str

    @property
    def line(self) -> str:
        """The finding in one line."""
        return f"{self.severity}: {self.message}. {self.remedy}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return {
            "code": self.code,
            "severity": self.severity,
            "count": self.count,
            "names": list(self.names),
            "years": list(self.years),
            "message": self.message,
            "remedy": self.remedy,
        }


def settled(findings: Iterable[Finding], *, accept: Collection[str]) -> tuple[Finding, ...]:
    """Findings, the most severe first; warnings that the user accepts become notes."""
    found = [
        replace(one, severity="note") if one.severity == "warning" and one.code in accept else one
        for one in findings
    ]
    return tuple(sorted(found, key=lambda one: _ORDER[one.severity]))


def refuse(findings: Sequence[Finding], *, strict: bool, file: object | None) -> None:
    """End the run where a finding is an error.

    Parameters
    ----------
    findings
        As `settled` orders them.
    strict
        Whether warnings are errors too.
    file
        Named in the error.

    Raises
    ------
    InputError
        With the first such finding, and the codes of the others.
    """
    grave: tuple[Severity, ...] = ("error", "warning") if strict else ("error",)
    found = [one for one in findings if one.severity in grave]
    if not found:
        return
    first, *others = found
    also = f" (also found: {listed([one.code for one in others])})" if others else ""
    raise InputError(f"{first.message}{also}", remedy=first.remedy, file=file)


def years_listed(years: Iterable[int]) -> str:
    """Years in order, ranges as ``1998-2001``."""
    ordered = sorted(set(years))
    starts = [year for year in ordered if year - 1 not in ordered]
    ends = [year for year in ordered if year + 1 not in ordered]
    spans = zip(starts, ends, strict=True)
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def dollars(value: float) -> str:
    """An amount in words, such as ``1.2 bn USD``."""
    for size, word in ((1e12, "tn"), (1e9, "bn"), (1e6, "m")):
        if value >= size:
            return f"{value / size:,.3g} {word} USD"
    return f"{value:,.3g} USD"
