"""The nowcast: levels in the reporter's own ratio, nothing where nobody has filed, and learning."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.data.flows import FlowIndex
from features.data.panel import TradePanel
from features.data.reports import Reports
from features.information import DataBundle, InformationSet
from models.design import origin_value
from models.nowcast import (
    NOBODY,
    ImpliedLevels,
    Nowcast,
    implied_levels,
    interval_groups,
    usd,
)

COUNTRIES = ("BRA", "CHN", "DEU", "FRA", "IND", "NAM", "USA", "ZAF")
YEARS = range(2000, 2012)
ORIGIN = 2009


def truth() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    level = rng.lognormal(17, 1.5, (len(COUNTRIES), len(COUNTRIES)))
    rows = []
    for year in YEARS:
        level = level * np.exp(rng.normal(0.03, 0.2, level.shape))
        rows += [
            (exporter, importer, year, level[i, j])
            for i, exporter in enumerate(COUNTRIES)
            for j, importer in enumerate(COUNTRIES)
            if i != j
        ]
    return pd.DataFrame(rows, columns=["exporter", "importer", "year", "value_usd"])


def declared(trade: pd.DataFrame, *, scale: dict[str, float]) -> pd.DataFrame:
    """Both sides declare the truth times a factor of their own."""
    tables = []
    for flow, reporter, partner in (
        ("import", "importer", "exporter"),
        ("export", "exporter", "importer"),
    ):
        named = {"year": trade["year"], "reporter": trade[reporter], "partner": trade[partner]}
        value = trade["value_usd"] * scale[flow]
        tables.append(pd.DataFrame({**named, "flow": flow, "value_usd": value}))
    return pd.concat(tables, ignore_index=True)


def implied(reports: pd.DataFrame, trade: pd.DataFrame, *, delays: dict[str, int]) -> ImpliedLevels:
    panel = TradePanel.from_frame(trade)
    found = Reports.from_frame(reports, flows=panel.flows, delays=delays)
    info = InformationSet(
        DataBundle(panel, reports=found), as_of=date(ORIGIN + 2, 7, 1), origin=ORIGIN
    )
    assert info.reports is not None
    return implied_levels(info, info.reports, base=origin_value(info))


def actual(trade: pd.DataFrame, year: int) -> np.ndarray:
    panel = TradePanel.from_frame(trade)
    return panel.values[panel.row(year)].astype(np.float64)


EARLY = dict.fromkeys(COUNTRIES, 6)


def test_a_constant_bias_of_either_side_cancels():
    trade = truth()
    found = implied(declared(trade, scale={"import": 1.2, "export": 0.7}), trade, delays=EARLY)
    np.testing.assert_allclose(usd(found.anchor), actual(trade, ORIGIN + 1), rtol=1e-5)
    np.testing.assert_allclose(usd(found.growth), actual(trade, ORIGIN + 1), rtol=1e-5)
    assert (found.reported == 2).all()


def test_where_one_side_is_late_the_other_decides_and_where_both_are_the_base_does():
    trade = truth()
    late = ("NAM", "ZAF")
    delays = {name: 14 if name in late else 6 for name in COUNTRIES}
    found = implied(declared(trade, scale={"import": 1.1, "export": 1.0}), trade, delays=delays)
    flows = TradePanel.from_frame(trade).flows
    names = np.array(flows.countries)
    count = 2 - np.isin(names[flows.exporter], late) - np.isin(names[flows.importer], late)
    np.testing.assert_array_equal(found.reported, count)
    known = count > 0
    np.testing.assert_allclose(
        usd(found.anchor)[known], actual(trade, ORIGIN + 1)[known], rtol=1e-5
    )
    np.testing.assert_allclose(usd(found.anchor)[~known], actual(trade, ORIGIN)[~known], rtol=1e-5)


def test_growth_of_a_few_months_is_known_as_such():
    trade = truth()
    annual = declared(trade, scale={"import": 1.0, "export": 1.0})
    parts = [
        annual.assign(month=month, value_usd=annual["value_usd"] / 12) for month in range(1, 13)
    ]
    months = pd.concat(parts, ignore_index=True)
    last = months["year"] == ORIGIN + 1
    german = (months["reporter"] == "DEU") & (months["flow"] == "export")
    started = months[~last | ~german | (months["month"] <= 3)]
    found = implied(started[started["year"] <= ORIGIN + 1], trade, delays=EARLY)
    flows = TradePanel.from_frame(trade).flows
    of_months = np.isclose(found.columns, 3.0).all(axis=0, where=(flows.exporter == 2)[:, None])
    assert of_months.sum() == 1
    column = found.columns[:, of_months.argmax()]
    np.testing.assert_array_equal(column, np.where(flows.exporter == 2, 3, 12))


def test_an_absurd_report_stays_within_reach_of_the_base():
    trade = truth()
    reports = declared(trade, scale={"import": 1.0, "export": 1.0})
    reports.loc[reports["year"] == ORIGIN + 1, "value_usd"] *= 1e6
    found = implied(reports, trade, delays=EARLY)
    ratio = usd(found.anchor) / actual(trade, ORIGIN)
    assert ratio.max() == pytest.approx(np.exp(2.5), rel=1e-6)


@pytest.mark.parametrize("diagonal", [False, True])
def test_intervals_know_what_nobody_could_report(diagonal):
    """Sales at home and sectors without any report, unlike flows of poor reporters."""
    flows = FlowIndex(COUNTRIES, ("goods", "tours"), diagonal=diagonal)
    goods = (flows.sector == 0) & ~flows.domestic
    reported = np.where(goods, flows.importer % 3, 0).astype(np.int8)
    groups = interval_groups(reported, flows)
    np.testing.assert_array_equal(groups[goods], reported[goods])
    assert (groups[~goods] == NOBODY).all()
    assert (interval_groups(np.zeros_like(reported), flows) == NOBODY).all()


def test_learning_weighs_the_side_that_is_right():
    """Importers declare the truth and exporters noise: after a few years the nowcast knows."""
    rng = np.random.default_rng(2)
    blocks = {}
    for origin in range(2000, 2006):
        base = rng.normal(17, 2, 600)
        value = base + rng.normal(0, 0.3, 600)
        exporter, importer = value + rng.normal(0, 0.8, 600), value + rng.normal(0, 0.01, 600)
        anchor = (exporter + importer) / 2
        columns = np.column_stack([importer - anchor, exporter - anchor, base - anchor, anchor])
        blocks[origin] = (
            ImpliedLevels(
                columns.astype(np.float32),
                anchor,
                importer,
                base,
                np.full(600, 2, dtype=np.int8),
                {"importer": importer, "exporter": exporter},
            ),
            np.exp(value),
        )
    implied_now, true_now = blocks.pop(2005)
    value, chance = Nowcast(seed=1).fit(blocks).predict(implied_now)
    learned = np.abs(np.log(value / true_now)).mean()
    assert learned < 0.5 * np.abs(implied_now.anchor - np.log(true_now)).mean()
    assert (chance > 0.5).all()
