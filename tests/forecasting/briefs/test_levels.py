"""Levels of a country's trade: facts that add up, and a template that says only what they hold."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from forecasting import read_run
from forecasting.briefs.country import country_brief
from forecasting.briefs.fill import paragraphs
from forecasting.briefs.levels import PastRatio, lead, levels_table, side_levels
from forecasting.distribution.draws import draws
from forecasting.distribution.joint import joint_draws
from forecasting.words.numbers import in_ten, money, points


@pytest.fixture(scope="module")
def run_read(finished_run):
    return read_run(finished_run)


@pytest.fixture(scope="module")
def joint(run_read):
    return joint_draws(run_read)


@pytest.fixture(scope="module", params=["exporter", "importer"])
def side(request, run_read, joint):
    return side_levels(run_read, joint, "DEU", side=request.param, partners=["CHN", "BRICS"])


def test_levels_are_sums_of_the_forecasts(run_read, side):
    own, other = ("exporter", "importer") if side.word == "exports" else ("importer", "exporter")
    rows = run_read.forecasts.astype({own: str, other: str})
    rows = rows[(rows[own] == "DEU") & (rows[other] != "DEU") & (rows["target_year"] == 2012)]
    members = {"China": ["CHN"], "BRICS": ["BRA", "CHN", "IND"]}
    # South Africa joined after the origin, 2010.
    members["All partners"] = rows[other].unique().tolist()
    by_name = {row.partner: row for row in side.rows}
    for name, codes in members.items():
        part = rows[rows[other].isin(codes)]
        row = by_name[name]
        assert row.last_known == pytest.approx(part["value_origin"].sum())
        assert row.years[-1].forecast == pytest.approx(part["forecast"].sum())
        growth = (row.years[-1].forecast / row.last_known) ** 0.5 - 1
        assert row.growth_a_year == pytest.approx(100 * growth)
    assert side.rows[-1].share_now == pytest.approx(100)
    assert side.over == ("2011",)


def test_intervals_and_chances_are_those_of_the_joint_draws(joint, side):
    table = draws(joint, f"DEU:{side.word}", years=[2012]).table.iloc[0]
    year = side.rows[-1].years[0]
    names = ("lower_50", "upper_50", "lower_90", "upper_90")
    assert year.bounds == pytest.approx([table[name] for name in names])
    assert year.chance == pytest.approx(table["probability_of_growth"])


def test_the_words_hold_the_facts_and_no_gap(side):
    text = " ".join(paragraphs("levels", side=side))
    total = side.rows[-1]
    assert money(total.last_known) in text
    assert money(total.years[0].forecast) in text
    assert points(total.growth_a_year, sign=True) in text
    assert in_ten(total.years[0].chance) in text
    assert not re.search(r"\bnan\b|None|\{|\}|  ", text)
    table = levels_table(side)
    assert len(table.frame) == sum(len(row.years) for row in side.rows)
    assert len(table.rows()) == 3 * len(side.rows)


def test_a_sum_that_always_came_out_higher_is_flagged(side):
    past = PastRatio(2, 9, 1.1, 1.2, 1.5, "always too low")
    flagged = replace(side, rows=(*side.rows[:-1], replace(side.rows[-1], past=past)))
    assert "always too low: outcomes of 1.10 times to 1.50" in " ".join(
        paragraphs("levels", side=flagged)
    )


def test_old_data_is_said_to_be_stale(side):
    assert side.stale == 0
    text = " ".join(paragraphs("levels", side=replace(side, stale=2)))
    assert f"flows up to {side.origin + 2} were published" in text


def test_a_forecast_without_a_back_test_has_levels_without_intervals(run_read, side):
    word = "exporter" if side.word == "exports" else "importer"
    bare = side_levels(run_read, None, "DEU", side=word)
    assert bare.rows[-1].years[0].forecast == pytest.approx(side.rows[-1].years[0].forecast)
    assert all(year.bounds is None for row in bare.rows for year in row.years)
    assert "without a back-test" in " ".join(paragraphs("levels", side=bare))


def test_the_brief_of_a_country_opens_with_levels(run_read):
    brief = country_brief(run_read, "DEU", partners=["BRICS"])
    assert brief.sections[0].tables == ("exports_levels",)
    assert brief.sections[1].tables == ("imports_levels",)
    assert "BRICS" in brief.tables["exports_levels"].frame["partner"].tolist()


@pytest.mark.parametrize(
    ("year", "words"),
    [(2018, "already over"), (2019, "this year"), (2020, "next year"), (2022, "in 3 years")],
)
def test_years_are_told_by_their_lead(year, words):
    assert lead(year, date(2019, 7, 1)) == words


def test_chances_in_words():
    chances = (0.01, 0.2, 0.74, 0.95, 0.99)
    assert [in_ten(c) for c in chances] == ["less than 1 in 20", "2 in 10", "7 in 10", "9 in 10",
                                            "more than 19 in 20"]  # fmt: skip
