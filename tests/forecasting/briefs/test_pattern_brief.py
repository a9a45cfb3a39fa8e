"""Briefs of measures: every number is the run's, in words an economist reads."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import InputError
from features.measures.catalogue import MEASURES
from forecasting import read_run
from forecasting.briefs.brief import BriefTable
from forecasting.briefs.fill import sentence
from forecasting.briefs.measure_facts import (
    Parts,
    Past,
    entries,
    index_of,
    movers,
    parts_of,
    past,
    verdicts_against,
)
from forecasting.briefs.measures import pattern_brief
from forecasting.briefs.write import brief_text
from forecasting.results.measures import FAMILY_LABELS, measures
from forecasting.words.measures import (
    change_words,
    number,
    range_words,
    sector_words,
    size_words,
    unit_words,
    value_words,
)

MINUS = "\N{MINUS SIGN}"
BY_NAME = {measure.name: measure for measure in MEASURES}
KINDS = ("sectors", "partners", "links", "reshoring", "digital", "all", "market_share")


@pytest.fixture(scope="module")
def result(measured_run):
    return read_run(measured_run)


@pytest.fixture(scope="module")
def briefs(result):
    return {kind: pattern_brief(result, kind, year=2012) for kind in KINDS}


def sentences(brief) -> list[str]:
    return [brief.title, *brief.summary, *(p for s in brief.sections for p in s.paragraphs)]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_told_in_whole_sentences_without_causes(briefs, kind):
    brief = briefs[kind]
    label = {**FAMILY_LABELS, "all": "Shifts of the trade pattern",
             "market_share": "Market share in a destination"}[kind]  # fmt: skip
    assert brief.title == f"{label}: 2010 to 2012"
    text = brief_text(brief)
    flat = " ".join(text.split())
    for one in sentences(brief):
        assert one in flat
        assert not re.search(r"\b(nan|drives?|because|effects?|impacts?)\b", one)
    assert {"skill"} == {name for name in brief.tables if name.count("_") == 0}
    for section in brief.sections:
        assert set(section.tables) <= set(brief.tables)
        assert set(section.figures) <= set(brief.figures)


def test_every_measure_of_a_kind_has_its_section(result, briefs):
    for kind in ("reshoring", "all"):
        labels = [measure.label for measure in measures(result, kind).measures]
        headings = [section.heading for section in briefs[kind].sections]
        assert headings == [*labels, "Track record", "How to read this"]
    assert any("--tables" in line for line in briefs["reshoring"].summary)


@pytest.mark.parametrize("name", ["market_share", "effective_suppliers", "domestic_sourcing"])
def test_units_are_those_of_the_file_in_the_unit_of_the_columns(measured_run, briefs, name):
    table = pd.read_parquet(measured_run / "measures_forecasts.parquet")
    table = table[(table["measure"] == name) & (table["target_year"] == 2012)]
    table = table.assign(change=table["forecast"] - table["value_origin"])
    table = table.sort_values("change", ascending=False, kind="stable")
    share = BY_NAME[name].unit == "share"
    scale, ending = (100.0, "_percent") if share else (1.0, "")
    found = briefs["all"].tables[f"{name}_forecasts"].frame
    for key in ("country", "partner", "sector"):
        assert found[key].tolist() == table[key].astype(str).tolist()
    columns = {"origin": "value_origin", "base": "base", "forecast": "forecast",
               "lower_90": "lower_90", "upper_90": "upper_90"}  # fmt: skip
    for ours, theirs in columns.items():
        np.testing.assert_allclose(found[f"{ours}{ending}"], scale * table[theirs], rtol=1e-12)
    change = "change_in_points" if share else "change"
    np.testing.assert_allclose(found[change], scale * table["change"], rtol=1e-12)
    inside = (table["lower_90"] <= table["value_origin"]) & (
        table["value_origin"] <= table["upper_90"]
    )
    assert found["sure"].tolist() == (~inside).tolist()


def test_contributions_sum_to_the_mean_change(briefs):
    tables = {n: t for n, t in briefs["all"].tables.items() if n.endswith("_contributions")}
    assert len(tables) > 10
    for name, table in tables.items():
        units = briefs["all"].tables[name.replace("contributions", "forecasts")].frame
        points = "_in_points" if "mean_in_points" in table.frame else ""
        wanted = units[f"change{points}"].mean()
        total = table.frame[f"mean{points}"].sum()
        assert total == pytest.approx(wanted, rel=1e-6, abs=1e-9), name
        assert table.frame["of_all_percent"].sum() == pytest.approx(100)


def test_what_nothing_moves_has_no_contributions(briefs):
    """With one sector of services alone, all services are of it."""
    units = briefs["digital"].tables["digital_share_of_services_forecasts"].frame
    assert (units["change_in_points"] == 0).all()
    assert "digital_share_of_services_contributions" not in briefs["digital"].tables


def test_what_is_not_shown_of_the_contributions_is_small_and_counted(briefs):
    table = briefs["all"].tables["market_share_contributions"]
    assert table.shown is not None
    hidden = table.frame.drop(index=list(table.shown))
    assert len(hidden) > 0
    assert (hidden["of_all_percent"] < 0.1).all()
    assert (table.view["of_all_percent"] >= 0.1).all()
    assert table.left_out == len(hidden)


# Reshoring and entry ------------------------------------------------------------------------------


def rows_of(**columns) -> pd.DataFrame:
    table = pd.DataFrame(columns)
    table["unit"] = [f"unit {k}" for k in range(len(table))]
    return table


def index_said(name: str, rows: pd.DataFrame) -> str:
    return sentence("measure_parts", "index", index_of(BY_NAME[name], rows), len(rows))


def test_kearneys_index_is_minus_the_change_in_basis_points(briefs):
    table = briefs["reshoring"].tables["low_cost_import_ratio_forecasts"].frame
    wanted = 1e4 * (table["origin"] - table["forecast"])
    np.testing.assert_allclose(table["kearney_index"], wanted, rtol=1e-9)
    rows = rows_of(value_origin=[0.10, 0.1295], forecast=[0.09, 0.1449])
    said = index_said("low_cost_import_ratio", rows)
    assert f"unit 0 +100 and unit 1 {MINUS}154; positive for 1 of 2 units" in said


def test_the_index_of_krenz_prettner_and_strulik_counts_falls_as_none():
    rows = rows_of(value_origin=[3.0, 2.0, 5.0], forecast=[3.5, 1.0, 5.25])
    said = index_said("input_ratio", rows)
    assert "positive for 2 of 3 units, largest for unit 0 (0.5)" in said
    assert "positive for 0 of 1 unit." in index_said("input_ratio", rows.iloc[[1]])
    assert index_of(BY_NAME["market_share"], rows) is None


def test_a_chance_of_entry_is_of_units_below_the_threshold_alone(measured_run, briefs):
    table = pd.read_parquet(measured_run / "measures_forecasts.parquet")
    table = table.query("measure == 'revealed_advantage' and target_year == 2012")
    below = table[table["value_origin"] <= 0].set_index(["country", "sector"])["chance_above"]
    found = briefs["sectors"].tables["revealed_advantage_forecasts"].frame
    chances = found.set_index(["country", "sector"])["chance_of_entry_percent"].dropna()
    assert 0 < len(chances) == below.notna().sum() < len(found)
    assert (chances / 100).to_dict() == pytest.approx(below.dropna().to_dict())
    assert {"brier", "brier_of_rate"} <= set(briefs["sectors"].tables["skill"].view)
    assert "brier" not in briefs["links"].tables["skill"].view


def test_entries_are_named_likeliest_first():
    rows = rows_of(value_origin=[0.2, -0.1, 0.0, -0.3], chance_above=[0.9, 0.25, 0.5, np.nan])
    measure = BY_NAME["revealed_advantage"]
    said = sentence("measure_parts", "entries", entries(measure, rows))
    assert said.startswith("Of 2 units at or below 0 at the origin 1 are expected")
    assert "unit 2 50% and unit 1 25%." in said
    nobody = sentence("measure_parts", "entries", entries(measure, rows.iloc[[0]]))
    assert nobody == "No unit is below the threshold with a known chance of crossing it."


# Sentences ----------------------------------------------------------------------------------------


def scored(result, verdicts: dict[tuple[str, int], str]):
    """Shifts whose tests against no change ended like this; the others are ties."""
    found = measures(result, "links")
    keys = zip(found.scores["measure"], found.scores["horizon"], strict=True)
    said = [verdicts.get(key, "tie") for key in keys]
    return replace(found, scores=found.scores.assign(verdict_no_change=said))


def verdict_said(found) -> str:
    return sentence("measure_parts", "verdicts", verdicts_against(found, "no_change"))


def test_verdicts_name_what_is_better_and_worse_and_count_ties(result):
    found = scored(
        result,
        {
            ("link_births", 1): "better",
            ("link_births", 2): "better",
            ("link_deaths", 2): "worse",
            ("active_links", 1): "untested",
        },
    )
    found = replace(found, scores=found.scores.assign(origins=3))
    assert verdict_said(found) == (
        "Against no change, of 6 tests (measures by years ahead): better 2: Births of links (1 "
        "and 2 y); worse 1: Deaths of links (2 y); 2 ties; 1 untested for want of origins."
    )  # fmt: skip


def test_the_same_forecasts_are_no_tie(result):
    found = scored(result, {("active_links", 1): "untested"})
    said = verdict_said(replace(found, scores=found.scores.assign(origins=9)))
    assert "5 ties; 1 untested for the same forecasts." in said


def test_ties_alone_are_a_null_result(result):
    said = verdict_said(scored(result, {}))
    assert said.startswith("A null result. Against no change, of 6 tests")
    assert "better 0; worse 0; 6 ties." in said


def test_parts_of_one_unit_keep_their_signs_and_of_many_are_mean_sizes():
    measure = BY_NAME["largest_supplier"]
    rows = pd.DataFrame(
        {"total:world": [-0.02, 0.04], "stops:base": 0.0, "net:automation": [0.01, -0.03],
         "net:persistence": [0.0, 0.01], "stops:shift": 0.0}
    )  # fmt: skip
    one, many = parts_of(measure, rows.iloc[[0]]), parts_of(measure, rows)
    assert one == Parts(True, False, pytest.approx(-0.02), pytest.approx(0.01), 0.01)
    sizes = pytest.approx(0.03), pytest.approx(0.015), pytest.approx(0.02)
    assert many == Parts(False, False, *sizes)
    said = [sentence("measure_parts", "made_of", parts, measure) for parts in (one, many)]
    assert f"{MINUS}2.00 pp from the sizes of countries and +1.00 pp from shifts" in said[0]
    assert "of both together +1.00 pp from technology" in said[0]
    assert "3.00 pp from the sizes of countries and 1.50 pp from shifts" in said[1]
    assert "of both together 2.00 pp from technology" in said[1]


def test_parts_of_links_say_whether_technology_is_among_them():
    measure = BY_NAME["link_births"]
    rows = pd.DataFrame({"chance:average": [0.04], "chance:persistence": [-0.01]})
    said = sentence("measure_parts", "made_of", parts_of(measure, rows), measure)
    assert "+3.00 pp from the chances of links, none of it from" in said
    rows["chance:automation"] = 0.02
    said = sentence("measure_parts", "made_of", parts_of(measure, rows), measure)
    assert "+5.00 pp from the chances of links, +2.00 pp of it from" in said


def test_one_country_alone(result):
    brief = pattern_brief(result, "reshoring", country="germany")
    assert brief.title == "Reshoring, Germany (DEU): 2010 to 2012"
    for name, table in brief.tables.items():
        if name.endswith("_forecasts"):
            assert set(table.frame["country"]) == {"DEU"}
    assert all(figure.options["country"] == "DEU" for name, figure in brief.figures.items()
               if name != "skill")  # fmt: skip
    # A low-cost country has no ratio of imports from low-cost countries.
    china = pattern_brief(result, "reshoring", country="CHN")
    section = next(s for s in china.sections if "Kearney" in s.heading)
    assert section.paragraphs[1:] == ("The measure has no value here in 2012.",)
    assert (section.tables, section.figures) == ((), ())


@pytest.mark.parametrize(
    ("asked", "says", "remedy"),
    [
        ({"kind": "reshorin"}, "'reshorin'", "reshoring"),
        ({"kind": "value_chains"}, "could not measure 'value_chains'", "--tables"),
        ({"kind": "all", "country": "Germny"}, "no country 'Germny'", "DEU (Germany)"),
        ({"kind": "all", "year": 2030}, "2030", "2012"),
        ({"kind": "low_cost_import_ratio", "country": "IND"}, "no measure of", "another country"),
    ],
)
def test_what_cannot_be_told_is_refused(result, stops, asked, says, remedy):
    error = stops(lambda: pattern_brief(result, **asked), says=says)
    assert remedy in error.remedy


def test_a_forecast_by_a_trained_model_is_refused(result, stops):
    error = stops(
        lambda: pattern_brief(replace(result, measures=None), "all"), says="trained model"
    )
    assert isinstance(error, InputError)
    assert "gravicast run" in error.remedy


# Words --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "said", "change", "between"),
    [
        ("market_share", 0.1234, "12.3%", "+12.3 pp", "12.3% to 24.7%"),
        ("market_share", 0.00123, "0.12%", "+0.123 pp", "0.12% to 0.25%"),
        ("participation", 0.456, "45.6%", "+45.6 pp", "45.6% to 91.2%"),
        ("distance_of_exports", 5230.4, "5,230 km", "+5,230 km", "5,230 to 10,461 km"),
        ("effective_suppliers", 6.654, "6.65", "+6.65", "6.65 to 13.3"),
        ("input_ratio", 172.4, "172", "+172", "172 to 345"),
        ("revealed_advantage", -0.0123, f"{MINUS}0.0123", f"{MINUS}0.0123",
         f"{MINUS}0.0123 to {MINUS}0.0246"),
    ],
)  # fmt: skip
def test_values_carry_their_unit(name, value, said, change, between):
    measure = BY_NAME[name]
    assert value_words(measure, value) == said
    assert change_words(measure, value) == change
    assert size_words(measure, abs(value)) == change.lstrip(f"+{MINUS}")
    assert range_words(measure, value, 2 * value) == between
    assert value_words(measure, np.nan) == change_words(measure, np.nan) == "\N{EN DASH}"


def test_no_change_has_no_sign():
    assert change_words(BY_NAME["market_share"], 0.0) == "0 pp"
    assert change_words(BY_NAME["input_ratio"], -1e-12) == "0.000000"


@given(st.floats(-1e9, 1e9, allow_nan=False))
def test_numbers_are_read_back_to_three_digits_and_never_as_a_power(value):
    words = number(value)
    assert re.fullmatch(rf"{MINUS}?[\d,]+(\.\d+)?", words)
    back = float(words.replace(",", "").replace(MINUS, "-"))
    assert back == pytest.approx(value, rel=0.0051, abs=5.1e-7)


def test_sectors_are_told_by_code_and_name_and_long_names_are_cut():
    names = {"c14": "Electrical and optical equipment", "c30": "Renting of " + "machinery and " * 9}
    assert sector_words("c14", names) == "c14 Electrical and optical equipment"
    assert sector_words("c30", names).endswith(" ...")
    assert len(sector_words("c30", names)) <= 48
    assert sector_words("x", names) == "x"
    unit = {"country": "DEU", "partner": "FRA", "sector": "c14"}
    assert unit_words(unit, names) == (
        "Germany (DEU) in France (FRA), c14 Electrical and optical equipment"
    )
    assert unit_words({**unit, "partner": "", "sector": ""}, {}) == "Germany (DEU)"


def test_names_of_sectors_come_with_the_run(result):
    rows = movers(
        measures(result), BY_NAME["domestic_sourcing"], 2011, result.provenance["sector_names"]
    )
    assert any(unit.endswith(", c1 Textiles") for unit in rows["unit"])


def test_tables_show_what_they_hold(briefs):
    for table in briefs["all"].tables.values():
        assert isinstance(table, BriefTable)
        assert len(table.header()) == len(table.rows()[0])
        assert not any("nan" in cell for row in table.rows() for cell in row)


def test_the_past_is_told_over_units_that_have_both_years():
    share = BY_NAME["market_share"]
    rows = [
        ("A", "X", 2000, 0.10), ("A", "X", 2005, 0.9), ("A", "X", 2010, 0.30),
        ("B", "X", 2000, 0.30), ("B", "X", 2010, 0.20),
        ("C", "X", 2010, 0.99),  # no first year
    ]  # fmt: skip
    history = pd.DataFrame(rows, columns=["country", "partner", "year", "value"]).assign(sector="")
    both = past(history)
    assert both == Past(2000, 2010, pytest.approx(0.2), pytest.approx(0.25), 2, 1)
    assert sentence("measure_parts", "past", both, share) == (
        "Past: on average over 2 units 20.0% in 2000 and 25.0% in 2010; it rose in 1 of them."
    )
    alone = past(history[history["country"] == "B"])
    assert sentence("measure_parts", "past", alone, share) == "Past: 30.0% in 2000, 20.0% in 2010."
    assert past(history[history["year"] == 2010]) is None
