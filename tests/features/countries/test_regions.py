from __future__ import annotations

import pycountry
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.countries.regions import REGIONS, region_codes

OF = {code: region for region, codes in REGIONS.items() for code in codes.split()}
KNOWN = sorted(OF)
# Where M49 differs from what a map or a union suggests.
BY_M49 = {
    "CYP": "Asia", "TUR": "Asia", "GEO": "Asia", "ARM": "Asia", "AZE": "Asia", "KAZ": "Asia",
    "IRN": "Asia", "ISR": "Asia", "TLS": "Asia", "RUS": "Europe", "SJM": "Europe",
    "EGY": "Africa", "SDN": "Africa", "IOT": "Africa", "ATF": "Africa", "REU": "Africa",
    "SHN": "Africa", "MEX": "Americas", "GRL": "Americas", "BVT": "Americas", "SGS": "Americas",
    "GUF": "Americas", "CXR": "Oceania", "CCK": "Oceania", "HMD": "Oceania", "UMI": "Oceania",
    "PNG": "Oceania",
}  # fmt: skip


def test_every_country_of_iso_3166_is_in_one_region():
    listed = [code for codes in REGIONS.values() for code in codes.split()]
    assert len(listed) == len(set(listed))
    today = {country.alpha_3 for country in pycountry.countries}
    # Antarctica has no region; Kosovo no code of ISO's.
    assert set(listed) == today - {"ATA"} | {"XKX"}


def test_regions_are_as_large_as_in_m49():
    """Countries and areas of M49, with Taiwan in Asia and Kosovo in Europe, less Sark (no code)."""
    sizes = {region: len(codes.split()) for region, codes in REGIONS.items()}
    assert sizes == {"Africa": 60, "Americas": 57, "Asia": 51, "Europe": 52, "Oceania": 29}


def test_cases_that_a_map_would_not_tell():
    assert {code: OF[code] for code in BY_M49} == BY_M49


@hypothesis_settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([*KNOWN, "ROW", "ATA", "SUN", "XAA", ""]), max_size=30))
def test_codes_number_the_regions_in_order(countries):
    names = list(REGIONS)
    found = [names[code] if code >= 0 else None for code in region_codes(countries)]
    assert found == [OF.get(country) for country in countries]
    assert len(region_codes(countries)) == len(countries)
