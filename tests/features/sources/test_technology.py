"""Stocks of technology goods from trade, and stand-ins for series that are not there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fake_sources.baci import COUNTRIES, FakeBaci, release_zip
from hypothesis import given, settings
from hypothesis import strategies as st

from features.data.indicators import Indicators
from features.errors import InputError
from features.sources.technology import DEPRECIATION, FIRST_GROWTH, Technology, inventory

YEARS = range(1996, 2003)
USA, GERMANY, SINGAPORE, INDIA = 842, 276, 702, 699


def rows(year: int) -> tuple:
    """Germany sells robots to the United States and Singapore, which passes half of them on."""
    grown = 1.1 ** (year - 1996)
    return (
        (GERMANY, USA, "847950", 1_000.0 * grown, None),
        (GERMANY, SINGAPORE, "847950", 400.0 * grown, None),
        (SINGAPORE, INDIA, "847950", 200.0 * grown, None),
        (INDIA, USA, "847130", 50.0, None),
        (USA, INDIA, "010121", 7.0, None),
    )


def served(years=YEARS) -> FakeBaci:
    countries = COUNTRIES + "702,Singapore,SG,SGP\n"
    body = release_zip({year: rows(year) for year in years}, countries=countries)
    return FakeBaci(BACI_HS96_V202601=body)


def series(frame: pd.DataFrame, name: str, iso3: str) -> pd.Series:
    rows = frame[(frame["indicator"] == name) & (frame["iso3"] == iso3)]
    return rows.set_index("year")["value"].sort_index()


def test_a_stock_is_the_sum_of_what_is_left_of_every_import(serve, get):
    frame = get(Technology(), serve(served())).read()
    rate = DEPRECIATION["robots"]
    imports = np.array([1.0 * 1.1 ** (year - 1996) for year in YEARS])  # million USD
    stock = imports[0] / (rate + FIRST_GROWTH)
    expected = [stock]
    for bought in imports[1:]:
        stock = (1 - rate) * stock + bought
        expected.append(stock)
    found = series(frame, "TECH.ROBOTS.STOCK", "USA")
    np.testing.assert_allclose(found.to_numpy(), expected)


def test_an_entrepot_keeps_what_it_does_not_pass_on(serve, get):
    made = get(Technology(), serve(served()))
    frame = made.read()
    first = DEPRECIATION["robots"] + FIRST_GROWTH
    assert series(frame, "TECH.ROBOTS.STOCK", "SGP")[1996] == pytest.approx(0.2 / first)
    # India is not an entrepôt: its imports of robots count whole.
    assert series(frame, "TECH.ROBOTS.STOCK", "IND")[1996] == pytest.approx(0.2 / first)
    assert any("net of re-exports" in said for said in made.statements)


def test_producers_are_flagged_by_literature_or_by_their_trade(serve, get):
    frame = get(Technology(), serve(served())).read()
    assert series(frame, "TECH.ROBOTS.PRODUCER", "DEU")[1996] == 1
    assert series(frame, "TECH.ROBOTS.PRODUCER", "USA")[1996] == 0
    assert series(frame, "TECH.COMPUTERS.PRODUCER", "IND")[1996] == 1
    assert series(frame, "TECH.COMPUTERS.PRODUCER", "USA")[1996] == 0


def test_no_year_depends_on_a_later_one(serve, get):
    whole = get(Technology(), serve(served())).read()
    short = get(Technology(), serve(served(range(1996, 1999))), refresh=True).read()
    keys = ["indicator", "iso3", "year"]
    early = whole[whole["year"] < 1999].astype({"iso3": "str", "indicator": "str"})
    short = short.astype({"iso3": "str", "indicator": "str"})
    pd.testing.assert_frame_equal(
        early.sort_values(keys, ignore_index=True), short.sort_values(keys, ignore_index=True)
    )


def test_a_run_reads_stocks_with_their_catalogue(serve, get):
    made = get(Technology(), serve(served()))
    read = Indicators.from_frames(made.read(), made.catalogue, countries=("IND", "USA"))
    assert read.specs["TECH.ROBOTS.STOCK"].publication_lag_months == 13
    assert {spec.channel for spec in read.specs.values()} == {"automation", "data_infrastructure"}


def test_the_first_revision_has_no_robots():
    with pytest.raises(InputError, match="HS92 has no code for industrial robots"):
        Technology(revision="HS92")


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=12),
    st.floats(0.01, 0.5),
)
@settings(max_examples=50, deadline=None)
def test_an_inventory_is_a_weighted_sum_of_all_investment(flows, rate):
    stock = None
    for flow in flows:
        stock = inventory(pd.Series({"USA": flow}), stock, np.array([rate]))
    ages = np.arange(len(flows))[::-1]
    expected = (np.array(flows) * (1 - rate) ** ages)[1:].sum()
    expected += flows[0] / (rate + FIRST_GROWTH) * (1 - rate) ** ages[0]
    assert stock["USA"] == pytest.approx(expected, rel=1e-9)


def test_a_country_that_appears_later_begins_as_others_did():
    before = pd.Series({"USA": 10.0})
    now = inventory(pd.Series({"USA": 1.0, "SSD": 3.0}), before, np.array([0.1, 0.1]))
    assert now["USA"] == pytest.approx(10.0)
    assert now["SSD"] == pytest.approx(3.0 / (0.1 + FIRST_GROWTH))
