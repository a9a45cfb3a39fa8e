"""Codes of every source, the odd ones by name, unknown ones never dropped."""

from __future__ import annotations

from functools import partial

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.countries.source_codes import (
    UnknownCodeError,
    alpha2_to_iso3,
    alpha3_to_iso3,
    has_iso3,
    numeric_to_iso3,
    translate,
    unknown_codes,
)
from features.errors import InputError, SourceError

ODD = {
    "58": "BEL", "251": "FRA", "490": "TWN", "530": "ANT", "579": "NOR", "699": "IND",
    "711": "ZAF", "736": "SDN", "729": "SDN", "757": "CHE", "842": "USA", "841": "USA",
    "849": "PUS", "891": "SCG", "280": "DEU", "276": "DEU", "004": "AFG", "4": "AFG",
}  # fmt: skip


@pytest.mark.parametrize(("code", "iso3"), ODD.items())
def test_codes_that_iso_does_not_have(code, iso3):
    assert numeric_to_iso3(code) == iso3


@pytest.mark.parametrize("code", ["97", "697", "837", "899"])
def test_what_is_no_country_is_for_the_sources_own_list_to_say(code):
    with pytest.raises(UnknownCodeError):
        numeric_to_iso3(code)


@pytest.mark.parametrize("country", list(pycountry.countries), ids=lambda c: c.alpha_3)
def test_every_iso_country_is_itself(country):
    assert alpha3_to_iso3(country.alpha_3) == country.alpha_3
    assert alpha2_to_iso3(country.alpha_2) == country.alpha_3
    assert numeric_to_iso3(country.numeric) == country.alpha_3


@pytest.mark.parametrize(
    ("code", "iso3"),
    [("KOS", "XKX"), ("UVK", "XKX"), ("OWID_KOS", "XKX"), ("WBG", "PSE"), ("ROM", "ROU"),
     ("ZAR", "COD"), ("TMP", "TLS"), ("XKV", "XKX"), ("XKX", "XKX"), ("BUR", "MMR"),
     ("CHI", None)],
)  # fmt: skip
def test_aliases(code, iso3):
    assert alpha3_to_iso3(code) == iso3


def test_na_is_namibia():
    assert alpha2_to_iso3("NA") == "NAM"


@given(st.text("ABCXYZ019", max_size=5))
def test_a_code_is_a_country_none_or_an_error(code):
    for using in (numeric_to_iso3, alpha3_to_iso3, alpha2_to_iso3):
        try:
            found = using(code)
        except UnknownCodeError:
            continue
        assert found is None or has_iso3(found)


@pytest.mark.parametrize("code", ["XAB", "XXX", "QMA", "QZZ", "AAA", "ZZZ", "WLD", "X8"])
def test_codes_left_to_users_are_no_countries_of_a_source(code):
    with pytest.raises(UnknownCodeError):
        alpha3_to_iso3(code)


def test_rows_of_unknown_codes_are_dropped_where_the_user_says_so_and_counted():
    counted = {}
    ask = partial(translate, {"842": 5, "998": 7}, numeric_to_iso3, file="list.csv", column="i")
    with unknown_codes("drop"):
        assert ask(count=counted.__setitem__) == {"842": "USA", "998": None}
        # What cannot count them cannot drop them.
        with pytest.raises(SourceError, match="998"):
            ask()
    assert list(counted.values()) == [7]
    assert "998" in next(iter(counted))
    with pytest.raises(SourceError, match="--unknown-codes drop"):
        ask(count=counted.__setitem__)
    with pytest.raises(InputError, match="error or drop"), unknown_codes("skip"):
        pass


def test_all_unknown_codes_are_named_and_none_is_dropped():
    with pytest.raises(SourceError, match="country '998', 'x' is") as caught:
        translate(
            dict.fromkeys(["842", "998", "", "x"], 1), numeric_to_iso3, file="list.csv", column="i"
        )
    assert caught.value.column == "i"
    known = translate({"842": 1, "": 1}, numeric_to_iso3, file="list.csv", column="i")
    assert known == {"842": "USA", "": None}
