"""`measures`: what is asked for is found and filtered, and what could not be measured is named."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from features.measures.catalogue import MEASURES
from forecasting import measures, read_run
from forecasting.results.measures import ALL, FAMILIES, FAMILY_LABELS

TABLES = ("history", "forecasts", "backtest", "drivers")


@pytest.fixture(scope="module")
def finished(finished_run):
    """A run on flows without sectors, domestic sales or tables."""
    return read_run(finished_run)


@pytest.fixture(scope="module")
def present(finished):
    return set(finished.measures.scores["measure"])


def test_all_holds_every_measure_of_the_run_as_it_is(finished, present):
    found = measures(finished)
    assert found.kind == ALL
    assert {m.name for m in found.measures} == present
    assert [m for m in MEASURES if m in found.measures] == list(found.measures)
    for name in (*TABLES, "scores"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(finished.measures, name))
    assert found.missing == finished.measures.missing
    assert present | set(found.missing) == {m.name for m in MEASURES}


def test_a_measure_is_found_by_its_name(finished):
    found = measures(finished, "market_share")
    assert [m.name for m in found.measures] == ["market_share"]
    assert found.missing == {}
    for name in (*TABLES, "scores"):
        table, whole = getattr(found, name), getattr(finished.measures, name)
        wanted = whole[whole["measure"] == "market_share"].reset_index(drop=True)
        pd.testing.assert_frame_equal(table, wanted)
        assert len(table)


def test_a_family_holds_its_measures_and_says_which_are_missing(finished, present):
    found = measures(finished, "partners")
    family = {m.name for m in MEASURES if m.family == "partners"}
    assert {m.name for m in found.measures} == family & present
    assert set(found.missing) == family - present
    assert "column `sector`" in found.missing["largest_supplier_by_sector"]
    assert set(found.scores["measure"]) == family & present


def test_families_are_those_of_the_catalogue(finished):
    assert set(FAMILIES) == set(FAMILY_LABELS) == {m.family for m in MEASURES}


@pytest.mark.parametrize("wanted", ["DEU", "deu", "Germany"])
def test_a_country_may_be_given_by_code_or_name(finished, wanted):
    found = measures(finished, "partners", country=wanted)
    whole = measures(finished, "partners")
    for name in TABLES:
        table, all_units = getattr(found, name), getattr(whole, name)
        assert len(table)
        assert set(table["country"].astype(str)) == {"DEU"}
        assert len(table) == (all_units["country"].astype(str) == "DEU").sum()
        assert list(table.index) == list(range(len(table)))
    assert (found.forecasts["partner"].astype(str) != "DEU").all()
    pd.testing.assert_frame_equal(found.scores, whole.scores)


def test_an_unknown_country_is_refused_with_near_ones(finished, stops):
    stops(lambda: measures(finished, "links", country="Atlantis"), says="Atlantis")
    error = stops(lambda: measures(finished, "links", country="Germny"))
    assert "DEU" in error.remedy


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("market_shares", "market_share"), ("reshorin", "reshoring"), ("upstream", "upstreamness")],
)
def test_an_unknown_kind_is_refused_with_near_names(finished, stops, wrong, near):
    error = stops(lambda: measures(finished, wrong), says=repr(wrong))
    assert near in error.remedy


def test_a_kind_like_no_other_is_refused_with_the_families(finished, stops):
    error = stops(lambda: measures(finished, "zzzzzz"))
    assert all(word in error.remedy for word in (ALL, *FAMILIES))


@pytest.mark.parametrize(
    ("kind", "option"),
    [("import_penetration", "--domestic include"), ("value_chains", "--tables"),
     ("digital", "--sectors")],
)  # fmt: skip
def test_what_the_data_do_not_allow_is_refused_with_what_they_lack(finished, stops, kind, option):
    error = stops(lambda: measures(finished, kind), says=repr(kind))
    assert option in error.remedy
    assert error.file == finished.out


def test_a_forecast_by_a_trained_model_has_no_measures(finished, stops):
    error = stops(lambda: measures(replace(finished, measures=None)), says="back-test")
    assert "gravicast run" in error.remedy
    assert error.file == finished.out


def test_what_several_measures_lack_is_said_once(stops, finished):
    error = stops(lambda: measures(finished, "digital"), says="could not measure")
    reasons = error.remedy.split("; ")
    assert len(reasons) == len(set(reasons)) > 1
