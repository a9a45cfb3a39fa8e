"""Levels that jump, and units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.indicators import Indicators
from features.data.panel import TradePanel
from features.plausibility.checks import GDP, check_against_gdp
from features.plausibility.levels import model_findings, near_power
from features.plausibility.trader_totals import TraderTotals

quick = hypothesis_settings(max_examples=8, deadline=None)
LAST = 2014


def scaled(frame, rows, factor):
    return frame.assign(value_usd=frame["value_usd"].where(~rows, frame["value_usd"] * factor))


@quick
@given(
    st.integers(0, 10**6),
    st.sampled_from([1e-3, 1e3, 1e-6, 40.0, 1 / 40]),
    st.sampled_from(["exporter", "importer"]),
    st.integers(2003, LAST),
)
def test_a_slip_of_one_trader_is_named_with_its_year_and_factor(
    make_sound, look, seed, factor, side, year
):
    frame = make_sound(seed)
    rows = (frame[side] == "DEU") & (frame["year"] == year)
    _, findings = look(scaled(frame, rows, factor))
    (finding,) = findings
    sides = {"exporter": "DEU exports", "importer": "DEU imports"}
    assert (finding.code, finding.severity) == ("trader-jump", "warning")
    assert sides[side] in finding.names
    assert finding.years == ((year,) if year == LAST else (year, year + 1))
    assert ("slip of units" in finding.message) == (factor not in (40.0, 1 / 40))


@quick
@given(st.integers(0, 10**6), st.sampled_from([1e-3, 1e3]), st.integers(2004, LAST))
def test_a_slip_of_a_large_flow_is_named(make_sound, look, seed, factor, year):
    frame = make_sound(seed)
    mean = frame.groupby(["exporter", "importer"])["value_usd"].mean()
    exporter, importer = mean.index[int(np.argsort(mean.to_numpy())[mean.size * 4 // 5])]
    rows = (frame["exporter"] == exporter) & (frame["importer"] == importer)
    _, findings = look(scaled(frame, rows & (frame["year"] == year), factor))
    codes = {one.code for one in findings}
    if codes == {"flow-jump"}:
        (finding,) = findings
        assert finding.names == (f"{exporter} -> {importer}",)
        assert year in finding.years
        assert "near" in finding.message
    else:  # so large that its traders jump, or the world does
        assert codes & {"trader-jump", "world-jump", "partial-year"}


def test_a_small_flow_may_jump(make_sound, look):
    frame = make_sound(1)
    rows = (frame["exporter"] == "DEU") & (frame["importer"] == "AUT")
    small = scaled(frame, rows, 1e-6)
    assert look(scaled(small, rows & (frame["year"] == LAST), 30.0))[1] == []


@quick
@given(st.integers(0, 10**6), st.floats(0.05, 0.55), st.booleans())
def test_a_partial_last_year_is_named(make_sound, look, seed, share, up):
    frame = make_sound(seed)
    factor = 1 / share if up else share
    _, findings = look(scaled(frame, frame["year"] == LAST, factor))
    assert [(one.code, one.years) for one in findings] == [("partial-year", (LAST,))]
    assert ("above" if up else "below") in findings[0].message


def test_a_year_in_another_unit_is_one_finding_not_one_a_trader(make_sound, look):
    frame = make_sound(7)
    _, findings = look(scaled(frame, frame["year"] == 2008, 1e-3))
    assert [(one.code, one.years) for one in findings] == [("world-jump", (2008, 2009))]
    assert "1/" in findings[0].message


def test_a_reporter_that_is_absent_does_not_move_the_world(make_sound, look):
    frame = make_sound(8)
    largest = frame.groupby("exporter")["value_usd"].sum().idxmax()
    gone = (frame["exporter"] == largest) & (frame["year"] == LAST)
    assert [one.code for one in look(frame[~gone])[1]] == ["late-reporter"]


@pytest.mark.parametrize(
    ("factor", "near"),
    [(1000, True), (1 / 1400, True), (1e6, True), (20, False), (100, False), (1, False)],
)
def test_slips_of_units_are_powers_of_a_thousand(factor, near):
    assert bool(near_power(factor)) is near


@pytest.mark.parametrize(
    ("unit", "gdp_unit", "found"),
    [
        (1e-6, 1.0, True),
        (1e-3, 1.0, True),
        (1.0, 1.0, False),
        (1e3, 1.0, True),
        (1.0, 1e-315, True),
    ],
)
def test_the_unit_of_a_whole_file_is_judged_by_gdp(make_sound, unit, gdp_unit, found):
    panel = TradePanel.from_frame(make_sound(3).assign(value_usd=lambda f: f["value_usd"] * unit))
    totals = TraderTotals.of(panel)
    gdp = (
        gdp_unit
        * TraderTotals.of(TradePanel.from_frame(make_sound(3))).value["exports"]
        / 0.25
        / 1e6
    )
    values = {GDP: gdp}
    indicators = Indicators({}, panel.years, values, panel.flows.countries, ())
    assert [one.code for one in check_against_gdp(totals, indicators)] == ["unit-gdp"] * found
    assert check_against_gdp(totals, None) == []


@pytest.mark.parametrize(
    ("factor", "severity"),
    [(1.0, None), (1.1, None), (1e-3, "error"), (1e6, "error"), (2.0, "warning"), (30, "warning")],
)
def test_a_year_shared_with_the_model_must_be_the_same_trade(factor, severity):
    rng = np.random.default_rng(0)
    then = np.where(rng.random(200) < 0.2, 0.0, rng.lognormal(10, 2, 200))
    found = model_findings(then * factor, then, year=2010)
    assert [one.severity for one in found] == [severity] * (severity is not None)
