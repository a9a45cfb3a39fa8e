"""Growth out of months: exact for a whole year, near the truth for a part of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.data.monthly import MonthlyTrade
from models.monthly_growth import monthly_growth, regional_growth


def news(yearly: np.ndarray, *, first: int = 2000, region: str = "world", flow: str = "trade"):
    """Months that grow evenly through every year."""
    when = (np.arange(12 * (len(yearly) - 1)) + 0.5) / 12 + 0.5
    logs = np.interp(when, np.arange(len(yearly)) + 0.5, np.cumsum(yearly))
    months = [f"{first + k // 12}-{k % 12 + 1:02d}" for k in range(logs.size)]
    frame = pd.DataFrame({"region": region, "flow": flow, "month": months, "value": np.exp(logs)})
    world = frame.assign(region="world", flow="trade")
    return MonthlyTrade.from_frame(frame if region == "world" else pd.concat([frame, world]))


GROWTH = np.random.default_rng(4).normal(0.05, 0.08, 16)


def test_a_whole_year_is_read_off():
    found = news(GROWTH)
    means = [found.months(year).mean() for year in (2009, 2010)]
    assert monthly_growth(found, 2010) == pytest.approx(np.log(means[1] / means[0]))


def test_the_first_months_come_nearer_than_no_growth():
    found = news(GROWTH)
    errors, sizes = [], []
    for year in range(2006, 2014):
        now = found.seen(date(year, 7, 1))
        assert now.months(year).size == 4
        guess, truth = monthly_growth(now, year), monthly_growth(found, year)
        assert guess is not None
        assert truth is not None
        errors.append(abs(guess - truth))
        sizes.append(abs(truth))
    assert np.mean(errors) < 0.7 * np.mean(sizes)


def test_nothing_later_than_the_as_of_date_counts():
    found, day = news(GROWTH), date(2008, 7, 1)
    out = found.seen(day).values["world", "trade"].size
    later = found.values["world", "trade"].copy()
    later[out:] *= 7
    other = replace(found, values={("world", "trade"): later})
    assert monthly_growth(found.seen(day), 2008) == monthly_growth(other.seen(day), 2008)
    assert monthly_growth(found, 2008) != monthly_growth(other, 2008)


def test_a_year_without_months_has_no_news():
    assert monthly_growth(news(GROWTH).seen(date(2008, 7, 1)), 2009) is None
    assert monthly_growth(news(GROWTH), 2000) is None


def test_countries_take_the_growth_of_their_region():
    found = news(GROWTH, region="china", flow="export")
    growth = regional_growth(found, 2008, "export", ("CHN", "DEU"))
    assert growth[0] == pytest.approx(
        monthly_growth(found, 2008, region="china", direction="export")
    )
    assert np.isnan(growth[1])
