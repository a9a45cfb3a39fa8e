from __future__ import annotations

import pandas as pd
import pycountry
import pytest

from features.countries.panel_codes import is_country
from features.reading.country_column import CountryColumn
from features.reading.country_names import _NAMES, WORLD, alpha3, normal


@pytest.mark.parametrize("country", list(pycountry.countries), ids=lambda c: c.alpha_3)
def test_every_country_is_found_by_each_of_its_names_and_codes(country):
    names = {country.name, country.name.upper(), getattr(country, "official_name", country.name)}
    for name in (*names, country.alpha_3):
        assert alpha3(name, two_letters=False) == country.alpha_3, name
    assert alpha3(country.alpha_2, two_letters=True) == country.alpha_3
    assert alpha3(country.numeric, two_letters=False) == country.alpha_3


def test_names_of_the_table_are_normal_and_name_one_country_each():
    every = [name for names in _NAMES.values() for name in names]
    assert every == [normal(name) for name in every]
    assert len(set(every)) == len(every)
    assert all(is_country(code) for code in _NAMES)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Viet Nam", "VNM"), ("Rep. of Korea", "KOR"), ("T\u00fcrkiye", "TUR"),
        ("China, Hong Kong SAR", "HKG"), ("Other Asia, nes", "TWN"), ("USA", "USA"),
        ("C\u00f4te d'Ivoire", "CIV"), ("Cote d\u2019Ivoire", "CIV"), ("Congo, Dem. Rep.", "COD"),
        ("Congo", "COG"), ("Korea, Dem. People's Rep.", "PRK"), ("Egypt, Arab Rep.", "EGY"),
        ("Bolivia (Plurinational State of)", "BOL"), ("Cura\u00e7ao", "CUW"), ("842.0", "USA"),
        ("056", "BEL"), ("251", "FRA"), ("S19", "TWN"), ("ROW", "ROW"), ("Rest of World", "ROW"),
        ("World", WORLD), ("W00", WORLD), ("0", WORLD), ("001", WORLD), ("_X", WORLD),
        ("Areas, nes", WORLD), ("Other Europe, nes", WORLD), ("Bunkers", WORLD), ("899", WORLD),
        ("EUU", None), ("European Union", None), ("NA", None), ("deu", None), ("998", None),
        ("", None), ("Korea, Rep", "KOR"), ("The Gambia", "GMB"), ("Niger", "NER"),
        ("Dominica", "DMA"), ("Guinea", "GIN"), ("Georgia", "GEO"), ("Ireland", "IRL"),
    ],
)  # fmt: skip
def test_names_and_codes_as_sources_write_them(name, code):
    assert alpha3(name, two_letters=False) == code


def test_na_is_namibia_only_where_every_code_has_two_letters():
    two = CountryColumn.of(pd.Series(["NA", "DE", "World"]), extra_codes=())
    assert set(two.categorical.dropna()) == {"NAM", "DEU"}
    mixed = CountryColumn.of(pd.Series(["NA", "DEU"]), extra_codes=())
    assert mixed.counted(None) == {"NA": 1}


def test_a_number_that_comtrade_has_for_a_group_is_a_country_elsewhere():
    comtrade = CountryColumn.of(pd.Series([842, 492]), extra_codes=())
    assert comtrade.counted(WORLD) == {"492": 1}
    assert set(CountryColumn.of(pd.Series([840, 492]), extra_codes=()).categorical) == {
        "USA",
        "MCO",
    }
