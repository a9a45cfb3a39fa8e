"""Countries, flows, blocs and years are known by code or name; the nearest are offered."""

from __future__ import annotations

import pandas as pd
import pytest

from forecasting.results.subjects import (
    check_blocs,
    check_country,
    check_flow,
    check_year,
    countries_of,
    country_name,
    rows_of_flow,
)

CODES = ("CHN", "DEU", "FRA", "IND", "ROW", "USA")


@pytest.fixture(scope="module")
def flows() -> pd.DataFrame:
    pairs = [(i, j) for i in CODES for j in CODES if i != j]
    table = pd.DataFrame(pairs, columns=["exporter", "importer"]).astype("category")
    years = [
        table.assign(target_year=year, as_of="2019-07-01", base=1.0, forecast=2.0)
        for year in (2019, 2018)
    ]
    return pd.concat(years, ignore_index=True)


@pytest.fixture(scope="module")
def sectors(flows) -> pd.DataFrame:
    parts = [flows.assign(sector=name) for name in ("cars, lorries", "goods", "services")]
    return pd.concat(parts, ignore_index=True).astype({"sector": "category"})


def test_countries_are_those_on_either_side(flows):
    assert countries_of(flows[flows["exporter"] == "DEU"]) == sorted(CODES)


@pytest.mark.parametrize("wanted", ["DEU", "deu", " Deu ", "Germany", "GERMANY", "germany "])
def test_a_country_goes_by_code_or_name_in_any_case(flows, wanted):
    assert check_country(flows, wanted) == "DEU"


@pytest.mark.parametrize(
    ("wanted", "offered"),
    [("Germny", "DEU (Germany)"), ("DEZ", "DEU (Germany)"), ("Frence", "FRA (France)"),
     ("rest of world", "ROW (Rest of the world)")],
)  # fmt: skip
def test_an_unknown_country_is_refused_with_the_nearest(flows, stops, wanted, offered):
    error = stops(lambda: check_country(flows, wanted), says=repr(wanted))
    assert offered in error.remedy


def test_where_nothing_is_near_the_known_ones_are_listed(flows, stops):
    error = stops(lambda: check_country(flows, "???"))
    assert error.remedy == "Known: CHN, DEU, FRA, IND, ROW, USA"


def test_a_flow_goes_by_codes_or_names(flows, sectors):
    assert check_flow(flows, ("Germany", "fra")) == ("DEU", "FRA")
    assert check_flow(sectors, ("DEU", "France", "cars, lorries")) == (
        "DEU", "FRA", "cars, lorries"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (("DEU",), "not a flow"),
        (("DEU", "FRA", "goods"), "not a flow"),
        (("DEU", "DEU"), "domestic"),
        (("Germany", "DEU"), "domestic"),
        (("DEU", "XXX"), "XXX"),
    ],
)
def test_what_is_not_a_flow_is_refused(flows, stops, wanted, says):
    stops(lambda: check_flow(flows, wanted), says=says)


def test_a_flow_needs_its_sector_and_the_nearest_is_offered(sectors, stops):
    error = stops(lambda: check_flow(sectors, ("DEU", "FRA")), says="not a flow")
    assert "exporter,importer,sector" in error.remedy
    assert "goods" in stops(lambda: check_flow(sectors, ("DEU", "FRA", "good"))).remedy


def test_the_first_year_not_over_is_the_default_and_an_unknown_one_is_refused(flows, stops):
    assert check_year(flows, None) == 2019
    assert check_year(flows.assign(as_of="2018-02-01"), None) == 2018
    assert check_year(flows.assign(as_of="2021-07-01"), None) == 2019
    assert check_year(flows, 2019) == 2019
    assert stops(lambda: check_year(flows, 2020)).remedy == "Choose from 2018, 2019"


def test_rows_of_a_flow(sectors):
    rows = sectors[rows_of_flow(sectors, ("DEU", "FRA", "goods"))]
    assert rows["target_year"].tolist() == [2019, 2018]
    assert len(sectors[rows_of_flow(sectors, ("DEU", "FRA"))]) == 6
    assert not rows_of_flow(sectors, ("DEU", "DEU")).any()


def test_names_of_countries():
    assert country_name("DEU") == "Germany"
    assert country_name("TWN") == "Taiwan"
    assert country_name("YUG").startswith("Yugoslavia")
    assert country_name("ROW") == "Rest of the world"
    assert country_name("XAA") == "XAA"


# Blocs ------------------------------------------------------------------------------------------


def test_blocs_go_by_codes_and_names_without_repeats(flows):
    assert check_blocs(flows, ["Germany", "FRA", " deu"], ["China"]) == (("DEU", "FRA"), ("CHN",))


@pytest.mark.parametrize("everyone", ["ALL", "*", "all"])
def test_everyone_is_everyone_else(flows, everyone):
    rest = ("CHN", "IND", "ROW", "USA")
    assert check_blocs(flows, ["DEU", "FRA"], [everyone]) == (("DEU", "FRA"), rest)
    assert check_blocs(flows, [everyone], ["DEU", "FRA"]) == (rest, ("DEU", "FRA"))


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ([], ["DEU"], "empty"),
        (["DEU"], ["", " "], "empty"),
        (["DEU", "FRA"], ["CHN", "France"], "FRA (France) is in both"),
        (["*"], ["ALL"], "all countries"),
        (list(CODES), ["ALL"], "empty"),
        (["DEU", "ALL"], ["CHN"], "'ALL'"),
        (["DEU"], ["Chyna"], "Chyna"),
    ],
)
def test_blocs_that_make_no_pair_are_refused(flows, stops, first, second, says):
    stops(lambda: check_blocs(flows, first, second), says=says)


@pytest.mark.parametrize(
    ("words", "code"),
    [("United States of America", "USA"), ("us", "USA"), ("People's Republic of China", "CHN")],
)
def test_any_of_a_country_s_names_will_do(words, code):
    table = pd.DataFrame({"exporter": ["USA", "CHN"], "importer": ["CHN", "USA"]})
    assert check_country(table, words) == code


@pytest.mark.parametrize("words", ["LAO", "Laos", "uk", "Russia"])
def test_a_country_outside_the_data_is_said_to_be_so(words, stops):
    table = pd.DataFrame({"exporter": ["USA", "CHN"], "importer": ["CHN", "USA"]})
    stops(lambda: check_country(table, words), says="is not among the 2 countries of the run")
