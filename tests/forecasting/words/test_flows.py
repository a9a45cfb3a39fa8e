"""Flows in words: sales at home are not called a flow from a country to itself."""

from __future__ import annotations

from forecasting.words.flows import LONGEST_NAME, flow_label, flow_words, sector_label

SECTORS = {"MACH": "Machinery and vehicles", "X": "A name that goes on " * 5}
KEYS = ("exporter", "importer", "sector")


def test_a_flow_names_both_countries_and_its_sector():
    row = {"exporter": "DEU", "importer": "FRA", "sector": "MACH"}
    words = flow_words(row, KEYS, SECTORS)
    assert words == "Germany (DEU) to France (FRA), Machinery and vehicles (MACH)"
    assert flow_words(row, KEYS[:2], {}) == "Germany (DEU) to France (FRA)"
    assert flow_words(row, KEYS, {}).endswith(", MACH")
    assert (
        flow_label(("DEU", "FRA", "MACH"), SECTORS) == "Germany to France, Machinery and vehicles"
    )


def test_sales_at_home_are_named_as_such():
    row = {"exporter": "DEU", "importer": "DEU", "sector": "MACH"}
    assert flow_words(row, KEYS, {}) == "sales at home in Germany (DEU), MACH"
    assert flow_label(("DEU", "DEU"), {}) == "Germany, sales at home"


def test_a_partner_alone_is_named():
    row = {"partner": "FRA", "sector": "MACH"}
    assert flow_words(row, ("partner", "sector"), {}) == "France (FRA), MACH"


def test_long_names_of_sectors_are_cut():
    assert len(sector_label("X", SECTORS)) <= LONGEST_NAME
