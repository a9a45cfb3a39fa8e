"""Errors of past forecasts of a group of flows, by hand and in words."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from forecasting import read_run
from forecasting.briefs.brief import BriefTable
from forecasting.briefs.track_record import Record, past_errors, read_outcomes, record_table
from forecasting.results.record_setting import record_setting


def test_where_no_total_is_published_the_record_is_that_made_ex_ante(finished_run):
    run_read = read_run(finished_run)
    assert record_setting(run_read) == "totals_known"
    nothing = replace(run_read, coverage=run_read.coverage.assign(share_of_flows=0.0))
    assert record_setting(nothing) == "ex_ante"
    assert not read_outcomes(nothing)["forecast"].equals(read_outcomes(run_read)["forecast"])
    one = replace(nothing, config=replace(nothing.config, settings=("totals_known",)))
    assert record_setting(one) == "totals_known"


def test_errors_of_a_group_by_hand():
    outcomes = pd.DataFrame(
        [
            # model, origin, actual, base, forecast, lower_90, upper_90
            ("gravicast", 2001, 100.0, 80.0, 90.0, 50.0, 95.0),
            ("gravicast", 2001, 100.0, 120.0, 130.0, 90.0, 140.0),
            ("gravicast", 2002, 50.0, 50.0, 40.0, 0.0, 60.0),
            ("last_value", 2001, 100.0, 80.0, 50.0, np.nan, np.nan),
            ("last_value", 2001, 100.0, 120.0, 100.0, np.nan, np.nan),
            ("last_value", 2002, 50.0, 50.0, 50.0, np.nan, np.nan),
            ("last_value_raked", 2001, 100.0, 80.0, 80.0, np.nan, np.nan),
            ("last_value_raked", 2001, 100.0, 120.0, 120.0, np.nan, np.nan),
            ("last_value_raked", 2002, 50.0, 50.0, 50.0, np.nan, np.nan),
        ],
        columns=["model", "origin", "actual", "base", "forecast", "lower_90", "upper_90"],
    ).assign(horizon=1)
    row = record_table(outcomes).iloc[0]
    assert row[["horizon", "origins", "outcomes"]].tolist() == [1, 2, 3]
    # Origin by origin: 40 of 200 and 10 of 50; 1 of 2 and 1 of 1 inside; 1 of 2 and 0 of 1 right.
    assert row["wape_percent"] == pytest.approx((20 + 20) / 2)
    assert row["last_value_wape_percent"] == pytest.approx((25 + 0) / 2)
    assert row["raked_base_wape_percent"] == pytest.approx((20 + 0) / 2)
    assert row["inside_90_percent"] == pytest.approx((50 + 100) / 2)
    assert row["same_direction_percent"] == pytest.approx((50 + 0) / 2)
    off = [100 * (200 / 220 - 1), 100 * (50 / 40 - 1)]
    assert row["sum_lowest_percent"] == pytest.approx(off[0])
    assert row["sum_highest_percent"] == pytest.approx(off[1])
    assert row["sum_typical_miss_percent"] == pytest.approx((-off[0] + off[1]) / 2)


def test_the_record_of_a_horizon_is_its_row_of_the_table():
    row = Record(
        horizon=2,
        origins=13,
        outcomes=130,
        wape_percent=5.5,
        last_value_wape_percent=12.5,
        raked_base_wape_percent=6.5,
        inside_90_percent=91.0,
        same_direction_percent=60.0,
        sum_lowest_percent=-3.0,
        sum_typical_miss_percent=1.5,
        sum_highest_percent=4.0,
    )
    table = BriefTable("", pd.DataFrame([asdict(row)]))
    assert past_errors(table, 2, of="X").record == row
    absent = past_errors(table, 3, of="X")
    assert (absent.record, absent.back_tested) == (None, True)
    assert not past_errors(None, 3, of="X").back_tested
