"""Levels of a country's trade: facts that add up, and a template that says only what they hold."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from forecasting import read_run
from forecasting.briefs.country import country_brief
from forecasting.briefs.fill import sentence
from forecasting.briefs.levels import levels_table, side_levels
from forecasting.distribution.draws import draws
from forecasting.distribution.sums import PastOutcome, SumReader, sum_reader
from forecasting.words.numbers import chance_words, lead, money, percent


@pytest.fixture(scope="module")
def run_read(finished_run):
    return read_run(finished_run)


@pytest.fixture(scope="module")
def reader(run_read):
    return sum_reader(run_read)


@pytest.fixture(scope="module", params=[0, 1], ids=["exports", "imports"])
def found(request, reader):
    return side_levels(reader, "DEU", partners=["CHN", "BRICS"])[request.param]


def words_of(found) -> str:
    """The sentences of a side, as a brief has them."""
    return " ".join(sentence("levels", macro, found) for macro in ("headline", "levels"))


def test_levels_are_sums_of_the_forecasts(run_read, found):
    exports = found.side.word == "exports"
    own, other = ("exporter", "importer") if exports else ("importer", "exporter")
    rows = run_read.forecasts.astype({own: str, other: str})
    rows = rows[(rows[own] == "DEU") & (rows[other] != "DEU") & (rows["target_year"] == 2012)]
    members = {"China": ["CHN"], "BRICS": ["BRA", "CHN", "IND"]}
    # South Africa joined after the origin, 2010.
    members["All partners"] = rows[other].unique().tolist()
    by_name = {found.name(row): row for row in found.rows}
    for name, codes in members.items():
        part = rows[rows[other].isin(codes)]
        row = by_name[name]
        assert row.last == pytest.approx(part["value_origin"].sum())
        assert row.levels[-1].forecast == pytest.approx(part["forecast"].sum())
        growth = (row.levels[-1].forecast / row.last) ** 0.5 - 1
        assert row.levels[-1].yearly == pytest.approx(growth)
    assert found.side.share(found.side.total, found.side.total.levels[-1]) == pytest.approx(1)
    (over,) = found.over
    assert over.year == 2011
    first = run_read.forecasts.astype({own: str})
    first = first[(first[own] == "DEU") & (first["target_year"] == 2011)]
    assert over.forecast == pytest.approx(first["forecast"].sum())


def test_intervals_and_chances_are_those_of_the_joint_draws(reader, found):
    table = draws(reader.joint, f"DEU:{found.side.word}", years=[2012]).table.iloc[0]
    level = found.side.total.levels[0]
    bounds = [level.inner_lower, level.inner_upper, level.lower, level.upper]
    names = ("lower_50", "upper_50", "lower_90", "upper_90")
    assert bounds == pytest.approx([table[name] for name in names])
    assert level.chance == pytest.approx(table["probability_of_growth"])


def test_the_words_hold_the_facts_and_no_gap(found):
    text, total = words_of(found), found.side.total
    assert money(total.last) in text
    assert money(total.levels[0].forecast) in text
    assert percent(total.levels[-1].yearly, sign=True) in text
    assert chance_words(total.levels[0].chance) in text
    assert not re.search(r"\bnan\b|None|\{|\}|  | [,.;]", text)
    table = levels_table(found)
    assert len(table.frame) == sum(len(row.levels) for row in found.rows)
    assert len(table.rows()) == 4 * len(found.rows)


def test_growth_is_on_the_year_before_unless_years_between_are_left_out(run_read, reader):
    named = [("World", "world")]
    (whole,) = reader.read(named, [2011, 2012])
    first, last = whole.levels
    assert (first.since, last.since) == (2010, 2011)
    assert last.growth == pytest.approx(last.forecast / first.forecast - 1)
    (alone,) = reader.read(named, [2012])
    assert (alone.levels[0].since, alone.levels[0].growth) == (2011, pytest.approx(last.growth))
    # A year that is not forecast is not a year to compare with.
    apart = replace(run_read, forecasts=run_read.forecasts.query("target_year == 2012"))
    ((level,),) = (s.levels for s in SumReader(apart, None).read(named, [2012]))
    assert (level.since, level.before_known) == (2010, False)
    assert level.growth == level.yearly == pytest.approx((level.forecast / whole.last) ** 0.5 - 1)


def test_a_sum_that_always_came_out_higher_is_flagged(found):
    total = found.side.total
    past = PastOutcome(total.name, total.selection, 2, 9, 1.1, 1.2, 1.5, "always too low")
    flagged = replace(found, past={total.selection: past})
    assert flagged.flagged == (("always too low", (("All partners", past),)),)
    text = words_of(flagged)
    assert "always too low for the total (outcomes of 1.10 to 1.50 times the forecast)." in text


def test_old_data_is_said_to_be_stale(found):
    assert found.stale == 0
    text = words_of(replace(found, stale=2))
    assert f"flows up to {found.origin + 2} were published" in text


def test_a_forecast_without_a_back_test_has_levels_without_intervals(run_read, found):
    place = ("exports", "imports").index(found.side.word)
    bare = side_levels(SumReader(run_read, None), "DEU")[place]
    level = bare.side.total.levels[0]
    assert level.forecast == pytest.approx(found.side.total.levels[0].forecast)
    assert not any(level.bounded for row in bare.rows for level in row.levels)
    assert "without a back-test" in words_of(bare)
    assert len(levels_table(bare).rows()) == 2 * len(bare.rows)


def test_the_brief_of_a_country_opens_with_levels(run_read):
    brief = country_brief(run_read, "DEU", partners=["BRICS"])
    assert brief.sections[0].tables == ("exports_levels", "exports_reasons")
    assert brief.sections[1].tables == ("imports_levels", "imports_reasons")
    assert "BRICS" in brief.tables["exports_levels"].frame["partner"].tolist()


@pytest.mark.parametrize(
    ("year", "words"),
    [(2018, "already over"), (2019, "this year"), (2020, "next year"), (2022, "in 3 years")],
)
def test_years_are_told_by_their_lead(year, words):
    assert lead(year, date(2019, 7, 1)) == words
