"""Traders that have not reported."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

quick = hypothesis_settings(max_examples=8, deadline=None)
LAST = 2014
ENDS = {"exports": "exporter", "imports": "importer"}


def without(frame: pd.DataFrame, side: str, country: str, years: range) -> pd.Series:
    return (frame[ENDS[side]] == country) & frame["year"].isin(years)


@quick
@given(st.integers(0, 10**6))
def test_a_sound_table_has_no_finding_and_stays_as_it_is(make_sound, look, seed):
    frame = make_sound(seed)
    panel, findings = look(frame)
    assert findings == []
    assert not np.isnan(panel.values).any()


@quick
@given(
    st.integers(0, 10**6),
    st.sampled_from(["exports", "imports"]),
    st.sampled_from(["DEU", "AUT", "USA"]),
    st.integers(1, 3),
    st.booleans(),
)
def test_a_late_reporter_is_unknown_in_its_silent_years_and_named(
    make_sound, look, seed, side, country, years, stated
):
    frame = make_sound(seed)
    silent = without(frame, side, country, range(LAST - years + 1, LAST + 1))
    spoiled = (
        frame.assign(value_usd=frame["value_usd"].where(~silent, 0.0)) if stated else frame[~silent]
    )
    panel, findings = look(spoiled)
    (finding,) = findings
    assert (finding.code, finding.severity, finding.names) == ("late-reporter", "warning",
                                                               (country,))  # fmt: skip
    assert finding.years == tuple(range(LAST - years + 1, LAST + 1))
    assert side in finding.message
    assert "--late zero" in finding.remedy
    expected = np.isnan(panel.values)
    back = panel.to_frame()
    assert len(back) == len(frame) - silent.sum()
    assert expected.sum() == silent.sum()
    pd.testing.assert_frame_equal(
        back, frame[~silent].reset_index(drop=True), check_dtype=False, rtol=1e-6
    )


@pytest.mark.parametrize(("late", "unknown"), [("missing", 7), ("zero", 0)])
def test_the_caller_settles_what_silence_means(make_sound, look, late, unknown):
    frame = make_sound(1)
    panel, findings = look(frame[~without(frame, "exports", "DEU", range(LAST, LAST + 1))],
                           late=late)  # fmt: skip
    assert np.isnan(panel.values).sum() == unknown
    assert [(one.code, one.severity) for one in findings] == [("late-reporter", "note")]


@pytest.mark.parametrize("side", ["exports", "imports"])
def test_a_gap_between_reports_is_unknown_and_named(make_sound, look, side):
    frame = make_sound(2)
    gap = without(frame, side, "JPN", range(2006, 2008))
    panel, findings = look(frame[~gap])
    (finding,) = findings
    assert (finding.code, finding.names, finding.years) == ("reporting-gap", ("JPN",), (2006, 2007))
    assert np.isnan(panel.values).sum() == gap.sum()


@quick
@given(st.integers(0, 10**6), st.integers(2003, LAST - 1), st.sampled_from(["DEU", "FRA"]))
def test_years_added_later_do_not_change_how_earlier_ones_are_read(
    make_sound, look, seed, until, country
):
    frame = make_sound(seed)
    frame = frame[~without(frame, "exports", country, range(until, until + 1))]
    early, _ = look(frame[frame["year"] <= until])
    late, _ = look(frame)
    np.testing.assert_array_equal(early.values, late.values[: early.years.size])


def test_years_before_the_first_report_stay_zero_and_are_noted(make_sound, look):
    frame = make_sound(3)
    before = without(frame, "exports", "IND", range(2001, 2004))
    before |= without(frame, "imports", "IND", range(2001, 2004))
    panel, findings = look(frame[~before])
    assert [(one.code, one.severity, one.names, one.years) for one in findings] == [
        ("late-start", "note", ("IND",), (2004,))
    ]
    assert (panel.values == 0).sum() == before.sum()


def test_a_trader_of_one_or_two_flows_may_stop(make_sound, look):
    frame = make_sound(4)
    mine = frame["exporter"] == "BRA"
    few = mine & ~frame["importer"].isin(["USA", "CHN"])
    panel, findings = look(frame[~few & ~(mine & (frame["year"] == LAST))])
    assert findings == []
    assert not np.isnan(panel.values).any()


def test_flows_unknown_between_known_years_are_counted(make_sound, look):
    frame = make_sound(5)
    frame = frame.assign(value_usd=frame["value_usd"].where(frame["importer"] != "FRA", 0.0))
    gap = (frame["exporter"] == "DEU") & (frame["importer"] == "USA") & (frame["year"] == 2005)
    _, findings = look(frame[~gap])
    (finding,) = [one for one in findings if one.code == "reporting-gap"]
    assert (finding.severity, finding.count, finding.names) == ("note", 1, ("DEU -> USA",))
