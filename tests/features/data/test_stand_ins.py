"""Series in the place of others, and series of one year."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.catalogue import FEATURES
from features.data.indicators import Indicators
from features.data.stand_ins import FILLERS, STAND_INS
from features.errors import InputError

COUNTRIES = ("DEU", "TWN", "USA")


def table(*rows: tuple[str, int, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["iso3", "year", "indicator", "value"])


def catalogue(**lags: int) -> pd.DataFrame:
    names = [name.replace("_", ".") for name in lags]
    frame = pd.DataFrame({"indicator": names, "publication_lag_months": list(lags.values())})
    return frame.assign(channel="economic_mass", label="x", unit="x")


def test_what_is_stood_in_for_is_what_features_read():
    read = {series for feature in FEATURES for series in feature.series}
    assert set(STAND_INS) | set(FILLERS) <= read


def test_a_series_stands_in_with_its_own_lag():
    rows = [("USA", 2010, "WDI.WORKERS", 150.0), ("DEU", 2010, "WDI.WORKERS", 40.0)]
    read = Indicators.from_frames(table(*rows), catalogue(WDI_WORKERS=12), countries=COUNTRIES)
    np.testing.assert_array_equal(read.values["PWT.emp"], read.values["WDI.WORKERS"])
    assert read.specs["PWT.emp"].publication_lag_months == 12
    assert read.statements == ("WDI.WORKERS stands in for PWT.emp",)


def test_the_series_itself_comes_first():
    rows = [("USA", 2010, "WDI.WORKERS", 150.0), ("USA", 2010, "PWT.emp", 151.0)]
    read = Indicators.from_frames(
        table(*rows), catalogue(WDI_WORKERS=12, PWT_emp=36), countries=COUNTRIES
    )
    assert read.values["PWT.emp"][0, 2] == 151.0
    assert read.statements == ()


@pytest.mark.parametrize(("lag", "filled"), [(6, True), (5, True), (7, False)])
def test_a_country_that_a_series_lacks_is_filled_where_that_is_no_earlier_news(lag, filled):
    rows = [
        ("USA", 2010, "MACRO.GDP", 15.0), ("USA", 2010, "WEO.NGDPD", 15.1),
        ("TWN", 2010, "WEO.NGDPD", 0.4), ("TWN", 2011, "WEO.NGDPD", 0.5),
    ]  # fmt: skip
    read = Indicators.from_frames(
        table(*rows), catalogue(MACRO_GDP=6, WEO_NGDPD=lag), countries=COUNTRIES
    )
    gdp = read.values["MACRO.GDP"]
    assert gdp[0, 2] == 15.0
    assert np.isnan(gdp[1, 2])
    assert (gdp[1, 1] == 0.5) == filled
    assert bool(read.statements) == filled
    if filled:
        assert read.statements == (
            "WEO.NGDPD stands in for MACRO.GDP of TWN before its first figure",
        )


def test_that_a_series_begins_later_changes_nothing_before():
    early = [("TWN", year, "WEO.NGDPD", 0.1 * year) for year in range(2010, 2016)]
    late = [("TWN", 2014, "MACRO.GDP", 9.0), ("USA", 2010, "MACRO.GDP", 15.0)]
    specs = catalogue(MACRO_GDP=6, WEO_NGDPD=6)
    whole = Indicators.from_frames(table(*early, *late), specs, countries=COUNTRIES)
    cut = Indicators.from_frames(
        table(*(row for row in (*early, *late) if row[1] < 2014)), specs, countries=COUNTRIES
    )
    np.testing.assert_array_equal(
        whole.values["MACRO.GDP"][: cut.years.size], cut.values["MACRO.GDP"]
    )
    # Once it has begun, a year it lacks stays unknown: two sources in one series would jump.
    assert whole.values["MACRO.GDP"][-2, 1] == 9.0
    assert np.isnan(whole.values["MACRO.GDP"][-1, 1])


SNAPSHOT = table(("DEU", 2023, "AIPI", 0.7), ("USA", 2010, "X", 1.0), ("USA", 2023, "AIPI", 0.8))


def test_a_series_of_one_year_is_refused_with_its_row(refused):
    specs = catalogue(X=0, AIPI=6).assign(snapshot=[0, 1])
    refused(
        lambda: Indicators.from_frames(SNAPSHOT, specs, countries=COUNTRIES, catalogue_file="c"),
        file="c", column="snapshot", row=3, says="AIPI has one year only",
    )  # fmt: skip


def test_forced_it_is_what_every_year_had_and_that_is_said():
    specs = catalogue(X=0, AIPI=6).assign(snapshot=[False, True])
    read = Indicators.from_frames(SNAPSHOT, specs, countries=COUNTRIES, snapshots="spread")
    np.testing.assert_array_equal(
        read.values["AIPI"], np.tile([0.7, np.nan, 0.8], (read.years.size, 1))
    )
    assert read.specs["AIPI"].publication_lag_months == 0
    assert "unknown at the time" in read.statements[0]


def test_a_flag_is_0_or_1():
    specs = catalogue(X=0, AIPI=6).assign(snapshot=[0, 2])
    with pytest.raises(InputError, match="2 is neither 0 nor 1"):
        Indicators.from_frames(SNAPSHOT, specs, countries=COUNTRIES)
