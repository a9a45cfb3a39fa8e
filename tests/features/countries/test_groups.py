"""Groups of countries: real codes, members by year."""

from __future__ import annotations

import pytest

from features.countries.groups import country_groups, find_group
from features.countries.panel_codes import is_country


@pytest.mark.parametrize("group", country_groups().values(), ids=lambda group: group.name)
def test_members_are_countries_and_each_stands_once(group):
    for year in (1960, 1990, 2004, 2017, 2025):
        members = group.members(year)
        assert all(map(is_country, members))
        assert len(set(members)) == len(members)
    assert group.source


def test_the_european_union_grows_and_shrinks():
    sizes = {1958: 6, 1973: 9, 1981: 10, 1986: 12, 1995: 15, 2004: 25, 2007: 27, 2013: 28, 2020: 27}
    for year, size in sizes.items():
        assert len(find_group("eu").members(year)) == size
    assert find_group("EU27").members(2004) == find_group("EU").members(2024)


def test_other_groups_have_their_known_sizes():
    sizes = {"ASEAN": 10, "MERCOSUR": 4, "USMCA": 3, "GCC": 6, "RCEP": 15, "CPTPP": 11, "G7": 7,
             "BRICS": 5, "EFTA": 4, "AfCFTA": 54}  # fmt: skip
    assert {name: len(find_group(name).members(2018)) for name in sizes} == sizes


def test_no_country_has_two_incomes():
    levels = ("HIGH", "UPPER_MIDDLE", "LOWER_MIDDLE", "LOW")
    members = [find_group(f"{level}_INCOME").members(2018) for level in levels]
    together = [code for codes in members for code in codes]
    assert len(set(together)) == len(together)
    assert [len(codes) for codes in members[1:]] == [54, 51, 26]


def test_an_unknown_name_is_no_group():
    assert find_group("DEU") is None
