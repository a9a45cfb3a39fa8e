"""Monthly trade: what it holds, what was out when, and what is refused."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.countries.monitor_regions import CODES, REGIONS
from features.data.monthly import WORLD, MonthlyTrade
from features.information import DataBundle, InformationSet

SERIES = ((WORLD, "trade"), ("china", "export"), (WORLD, "oil price"))
MONTHS = [f"{year}-{month:02d}" for year in (2003, 2004, 2005) for month in range(1, 13)]


def rows() -> pd.DataFrame:
    return pd.DataFrame(
        [
            (region, flow, month, 100.0 + 7 * place + number)
            for place, (region, flow) in enumerate(SERIES)
            for number, month in enumerate(MONTHS)
        ],
        columns=["region", "flow", "month", "value"],
    )


def test_every_region_of_the_monitor_has_a_code_and_no_country_has_two_regions():
    assert set(CODES.values()) == {*REGIONS, WORLD}
    members = [country for countries in REGIONS.values() for country in countries]
    assert len(members) == len(set(members))


def test_months_of_a_year_stop_before_an_unknown_one():
    monthly = MonthlyTrade.from_frame(rows().drop(index=[4]))
    np.testing.assert_array_equal(monthly.months(2003), [100, 101, 102, 103])
    np.testing.assert_array_equal(monthly.months(2004), 112.0 + np.arange(12))
    assert monthly.months(2005, region="china", direction="export")[0] == 131
    assert monthly.months(2002).size == monthly.months(2006).size == 0
    assert monthly.months(2003, region="japan").size == 0


@pytest.mark.parametrize(
    ("as_of", "trade", "oil"),
    [(date(2005, 7, 1), 4, 5), (date(2005, 7, 25), 5, 6), (date(2005, 7, 10), 4, 6),
     (date(2005, 3, 24), 0, 2), (date(2005, 3, 25), 1, 2), (date(2009, 1, 1), 12, 12)],
)  # fmt: skip
def test_a_month_is_out_when_its_publisher_has_it(as_of, trade, oil):
    seen = MonthlyTrade.from_frame(rows()).seen(as_of)
    assert seen.months(2005).size == trade
    assert seen.months(2005, direction="oil price").size == oil
    assert MonthlyTrade.from_frame(rows()).seen(date(1990, 1, 1)).months(2003).size == 0


@hypothesis_settings(max_examples=12, deadline=None)
@given(st.dates(date(2003, 6, 1), date(2006, 12, 31)), st.integers(0, 2**32 - 1))
def test_nonsense_in_months_that_were_not_out_changes_nothing(bundle, as_of, seed):
    rng = np.random.default_rng(seed)
    frame = rows()
    days = pd.to_datetime(frame["month"]) + pd.DateOffset(months=2) + pd.Timedelta(days=24)
    oil = (frame["flow"] == "oil price").to_numpy()
    early = pd.to_datetime(frame["month"]) + pd.DateOffset(months=1) + pd.Timedelta(days=9)
    late = np.where(oil, early, days) > np.datetime64(as_of)
    nonsense = frame.assign(
        value=np.where(late, frame["value"] * rng.lognormal(0, 3, len(frame)), frame["value"])
    )
    # It may also not be there at all.
    tables = (frame, nonsense, frame[~late | (rng.random(len(frame)) < 0.5)])
    seen = [
        InformationSet(
            DataBundle(bundle.panel, monthly=MonthlyTrade.from_frame(table)), as_of=as_of
        ).monthly
        for table in tables
    ]
    for other in seen[1:]:
        for region, flow in SERIES:
            for year in (2003, 2004, 2005):
                np.testing.assert_array_equal(
                    *(one.months(year, region=region, direction=flow) for one in (seen[0], other))
                )


@pytest.mark.parametrize(
    ("change", "column", "says"),
    [
        ({"month": "2003/Q1"}, "month", "'2003/Q1' is not a month"),
        ({"flow": "transit"}, "flow", "'transit' is not one of"),
        ({"value": "n.a."}, "value", "is not a finite number"),
        ({"month": "2003-01"}, None, "world trade 2003-01 occurs twice"),
    ],
)
def test_a_wrong_cell_is_named(change, column, says, refused):
    frame = rows().astype({"value": object})
    for name, value in change.items():
        frame.loc[5, name] = value
    refused(lambda: MonthlyTrade.from_frame(frame), file="monthly trade", column=column, row=7,
            says=says)  # fmt: skip


def test_the_world_is_needed_and_unknown_regions_are_named(refused):
    frame = rows()
    refused(lambda: MonthlyTrade.from_frame(frame[frame["flow"] == "export"]),
            file="monthly trade", says="no trade of the world")  # fmt: skip
    frame.loc[frame["region"] == "china", "region"] = "middle-earth"
    said = MonthlyTrade.from_frame(frame).statements
    assert any("'middle-earth'" in line for line in said)
    assert said[0].startswith("3 series, 2003-01 to 2005-12")
