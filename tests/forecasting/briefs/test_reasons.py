"""Why sums change: parts by pandas alone, and that they sum to the change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import RunResult, read_run
from forecasting.briefs.reasons import Reasons, reasons
from forecasting.distribution.partners import group_gaps, trade_sides
from forecasting.distribution.sums import SumReader
from forecasting.results.decompose import decompose, parts_by_flow
from forecasting.results.subjects import the, years_of


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


@pytest.fixture(scope="module")
def found(result: RunResult) -> tuple[Reasons, Reasons]:
    year = years_of(result)[-1]
    (sides,) = trade_sides(SumReader(result, None), ["USA"], [year], largest=4, groups=["EU27"])
    parts = parts_by_flow(result, year)
    return tuple(reasons(result, side, parts, year) for side in sides)


def usd_of(rows: pd.DataFrame, term: str) -> float:
    """USD of a part of the change from origin to base, by the logarithmic mean of both."""
    start, base = rows["value_origin"].to_numpy(float), rows["base"].to_numpy(float)
    weight = (base - start) / np.log(base / start)
    return float(weight @ rows[term].to_numpy(float) / 100)


def test_parts_sum_to_the_change(found):
    for side in found:
        assert side.rows[0].name == f"{side.word.capitalize()} of the United States"
        for row in side.rows:
            parts = row.world, row.own, row.partner, row.rest, row.shift
            assert sum(parts) == pytest.approx(row.change, abs=1e-12)
            assert row.world != 0


def test_parts_are_those_of_the_attributions(found, result):
    year = years_of(result)[-1]
    table = result.attributions[result.attributions["target_year"] == year]
    table = table[table["exporter"] == "USA"]
    members = {"EU27": ["DEU", "FRA"], "Germany": ["DEU"]}
    seen = 0
    for row in found[0].rows:
        if row.name not in members:
            continue
        mine = table[table["importer"].astype(str).isin(members[row.name])]
        last = mine["value_origin"].sum()
        assert row.own == pytest.approx(usd_of(mine, "total:exporter") / last)
        assert row.partner == pytest.approx(usd_of(mine, "total:importer") / last)
        monthly = usd_of(mine, "total:monthly") if "total:monthly" in mine else 0.0
        assert row.world == pytest.approx((usd_of(mine, "total:world") + monthly) / last)
        assert row.change == pytest.approx(mine["forecast"].sum() / last - 1)
        seen += 1
    assert seen == 2


def test_parts_of_flows_sum_to_those_of_their_group(result):
    chosen = result.forecasts["exporter"] == "DEU"
    for year in years_of(result):
        group = decompose(result, chosen, year=year).set_index("term")["usd"]
        flows = parts_by_flow(result, year)
        mine = flows[flows["exporter"] == "DEU"]
        for term in group.index.difference(["stops", "starts"]):
            assert mine[term].sum() == pytest.approx(group[term], abs=1.0)  # a dollar


def test_a_sum_without_trade_has_no_reason(result):
    year = years_of(result)[-1]
    (sides,) = trade_sides(SumReader(result, None), ["USA"], [year], largest=2, groups=[])
    none = replace(sides[0], partners=(replace(sides[0].partners[0], last=0.0),))
    assert len(reasons(result, none, parts_by_flow(result, year), year).rows) == 1


def test_groups_name_the_members_that_a_run_lacks(result):
    (eu,) = group_gaps(result, ["EU27", "nowhere"])
    assert (eu.name, eu.members) == ("EU27", 27)
    assert "Germany" not in eu.absent
    assert {"Malta", "Spain"} <= set(eu.absent)


def test_names_of_countries_take_an_article_where_english_has_one():
    assert the("United States") == "the United States"
    assert the("Central African Republic") == "the Central African Republic"
    assert the("Rest of the world") == "the rest of the world"
    assert [the(n) for n in ("Germany", "EU27", "Dominica")] == ["Germany", "EU27", "Dominica"]
