from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import FEATURES
from features.errors import InputError
from features.feature import CHANNELS, TECHNOLOGY
from features.sources.indicator_parts import years_word
from features.sources.indicator_sets import (
    READY,
    SETS,
    choose,
    ready_in,
    ready_of,
    selection_word,
)

SERVICES = ("NFSV.CD", "TRAN.ZS", "TRVL.ZS", "INSF.ZS", "CMCP.ZS")
WDI_ID = re.compile(r"[A-Z]{2}\.[A-Z]{3}\.[A-Z0-9.]+")


def test_every_series_has_what_a_back_test_needs():
    names = [series.name for series in READY]
    assert len(set(names)) == len(names)
    assert len({(s.source, s.at_source) for s in READY}) == len(READY)
    for series in READY:
        line = series.line()
        assert line.channel in CHANNELS
        assert 0 <= line.publication_lag_months <= 60
        assert line.unit
        assert line.label
        assert not line.snapshot
        assert series.scale > 0


def test_every_world_bank_series_that_features_read_is_ready_under_its_name():
    read = {name for feature in FEATURES for name in feature.series}
    wanted = {n for n in read if WDI_ID.fullmatch(n)} | {n for n in read if n.startswith("MACRO.")}
    assert len(wanted) > 15
    assert wanted <= {series.name for series in ready_of("wdi")}


def test_features_of_a_channel_find_their_own_series_in_it():
    channel = {series.name: series.channel for series in READY}
    for feature in FEATURES:
        first = feature.series[0] if feature.series else None
        # News of the economy and of prices are read from the series of their mass.
        if first in channel and feature.channel != "macro_news":
            assert channel[first] == feature.channel, feature.name


def test_services_have_a_total_in_dollars_and_kinds_in_percent_late_as_balances_of_payments():
    lines = {s.name: s.line() for s in ready_in("published_totals") if ".GSR." in s.name}
    for name, line in lines.items():
        of = "exports" if name.startswith("BX") else "imports"
        total = name.endswith("NFSV.CD")
        assert line.unit == ("current USD" if total else f"percent of service {of}")
        # Out after the merchandise indices: no forecast of July may have the year before.
        assert line.publication_lag_months == 9
        assert "balance of payments" in line.source


def test_licences_and_gaps_are_said():
    for series in ready_of("wdi"):
        assert "CC BY 4.0" in series.provider
        assert "Taiwan is absent" in series.note
    for series in ready_of("owid"):
        restricted = re.search(r"CC BY-N[CD]", series.provider)
        assert restricted
        assert restricted.group() in series.note


def test_sets_are_whole_channels():
    assert {series.channel for series in ready_in("technology")} == set(TECHNOLOGY)
    for name in SETS:
        assert ready_in(name), name
    technology = {series.name for series in ready_in("technology")}
    single = [{s.name for s in ready_in(channel)} for channel in TECHNOLOGY]
    assert technology == set().union(*single)
    assert {s.name for s in ready_in("published_totals")} == {
        "TX.VAL.MRCH.XD.WD", "TM.VAL.MRCH.XD.WD",
        *(f"{side}.GSR.{kind}" for side in ("BX", "BM") for kind in SERVICES),
    }  # fmt: skip
    with pytest.raises(InputError, match="no set of indicators 'tech'"):
        ready_in("tech")


@given(st.lists(st.sampled_from(ready_of("wdi")), min_size=1), st.randoms())
def test_a_choice_is_the_same_in_any_order_and_by_either_name(wanted, random):
    words = [random.choice([s.name, s.at_source]) for s in wanted]
    chosen = choose("wdi", words)
    assert set(chosen) == set(wanted)
    assert chosen == choose("wdi", [s.name for s in reversed(wanted)])


@given(st.sets(st.sampled_from(ready_of("wdi")), min_size=1),
       st.sets(st.sampled_from(ready_of("wdi")), min_size=1))  # fmt: skip
def test_different_choices_have_different_words(one, other):
    words = [
        selection_word("wdi", choose("wdi", [s.name for s in chosen])) for chosen in (one, other)
    ]
    assert (words[0] == words[1]) == (one == other)


def test_words_of_choices_are_read_by_people():
    assert selection_word("wdi", choose("wdi", ())) == "all"
    assert selection_word("wdi", choose("wdi", ("NY.GDP.MKTP.CD",))) == "MACRO.GDP"
    names = [s.name for s in ready_in("technology") if s.source == "wdi"]
    assert selection_word("wdi", choose("wdi", names)) == "technology"
    few = selection_word("wdi", choose("wdi", ("MACRO.GDP", "IP.PAT.RESD")))
    assert re.fullmatch(r"2-series-[0-9a-f]{8}", few)


@given(st.sets(st.integers(1960, 2025)))
def test_words_of_years_tell_the_years(years):
    word = years_word(tuple(years))
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", word)
    told: set[int] = set()
    for span in [] if word == "all" else word.split("_"):
        first, _, last = span.partition("-")
        told |= set(range(int(first), int(last or first) + 1))
    assert told == years
