"""When a finding ends a run."""

from __future__ import annotations

import pytest

from features.errors import InputError
from features.findings import CODES, Finding, refuse, settled, years_listed


def finding(code: str, severity: str) -> Finding:
    return Finding(code, severity, 1, ("DEU",), (2010,), f"{code} of DEU", f"Settle {code}")


NOTE, WARNING, ERROR = (
    finding("late-start", "note"),
    finding("trader-jump", "warning"),
    finding("aggregate-trader", "error"),
)


def test_the_gravest_come_first():
    assert settled([NOTE, WARNING, ERROR], accept=()) == (ERROR, WARNING, NOTE)


def test_an_accepted_warning_is_a_note_and_an_error_stays():
    found = settled([WARNING, ERROR], accept=CODES)
    assert [one.severity for one in found] == ["error", "note"]


@pytest.mark.parametrize(
    ("findings", "strict", "ends"),
    [
        ([NOTE], True, None),
        ([WARNING], False, None),
        ([WARNING], True, "trader-jump of DEU"),
        ([ERROR], False, "aggregate-trader of DEU"),
        ([ERROR, WARNING], True, "also found: trader-jump"),
    ],
)
def test_errors_end_a_run_and_warnings_where_it_is_strict(findings, strict, ends):
    if ends is None:
        refuse(findings, strict=strict, file="flows.csv")
        return
    with pytest.raises(InputError, match=ends) as caught:
        refuse(findings, strict=strict, file="flows.csv")
    assert caught.value.remedy == findings[0].remedy
    assert caught.value.file == "flows.csv"


def test_years_are_listed_as_ranges():
    assert years_listed([2003, 2001, 2002, 2007]) == "2001-2003, 2007"
