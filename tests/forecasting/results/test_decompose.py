"""Parts in USD sum to the change of any group of flows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting import read_run
from forecasting.explanation.terms import TERM_LABELS
from forecasting.results.decompose import decompose, parts_by_flow

YEARS = (2011, 2012)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def run_read(finished_run):
    return read_run(finished_run)


@pytest.fixture(scope="module")
def run_with_stops(run_read):
    """The same with five flows a year that are forecast to stop."""
    flows = run_read.forecasts
    chosen = flows[flows["base"] > 0].groupby("target_year").head(5)
    forecasts = flows.assign(forecast=flows["forecast"].mask(flows.index.isin(chosen.index), 0.0))
    keys = ["exporter", "importer", "target_year"]
    gone = pd.MultiIndex.from_frame(chosen[keys].astype(str))
    kept = ~pd.MultiIndex.from_frame(run_read.attributions[keys].astype(str)).isin(gone)
    return replace(run_read, forecasts=forecasts, attributions=run_read.attributions[kept])


def random_group(run, seed: int) -> pd.Series:
    rng = np.random.default_rng(seed)
    size = rng.choice([0.02, 0.3, 1.0])
    return pd.Series(rng.random(len(run.forecasts)) < size, index=run.forecasts.index)


def moved(run, chosen, year) -> dict[str, float]:
    """Change of a group in each stage."""
    rows = run.forecasts[chosen & (run.forecasts["target_year"] == year)]
    start, base, forecast = (rows[name].sum() for name in ("value_origin", "base", "forecast"))
    return {"base": base - start, "shift": forecast - base}


@settings(max_examples=40, deadline=None)
@given(seed=seeds, year=st.sampled_from(YEARS), stops=st.booleans())
def test_the_parts_of_each_stage_sum_to_its_change(run_read, run_with_stops, seed, year, stops):
    run = run_with_stops if stops else run_read
    chosen = random_group(run, seed)
    table = decompose(run, chosen, year=year)
    scale = run.forecasts["base"].sum()
    for stage, change in moved(run, chosen, year).items():
        got = table.loc[table["stage"] == stage, "usd"].sum()
        assert_allclose(got, change, rtol=1e-9, atol=1e-12 * scale)


@settings(max_examples=20, deadline=None)
@given(seed=seeds, year=st.sampled_from(YEARS))
def test_parts_of_two_groups_add_up_to_those_of_both(run_with_stops, seed, year):
    one = random_group(run_with_stops, seed)
    other = random_group(run_with_stops, seed + 1) & ~one
    usd = [
        decompose(run_with_stops, chosen, year=year).set_index(["stage", "term"])["usd"]
        for chosen in (one, other, one | other)
    ]
    summed = usd[0].add(usd[1], fill_value=0.0)
    assert_allclose(summed, usd[2].reindex(summed.index).fillna(0.0), rtol=1e-9, atol=1e-3)


def flow_by_flow(run, chosen, year) -> dict[tuple[str, str], float]:
    """The same by a loop over flows, with the logarithmic mean written out."""
    out: dict[tuple[str, str], float] = {}
    for _, flow in run.forecasts[chosen & (run.forecasts["target_year"] == year)].iterrows():
        start, base, forecast = (float(flow[name]) for name in ("value_origin", "base", "forecast"))
        table = run.attributions
        row = table[
            (table["exporter"] == flow["exporter"])
            & (table["importer"] == flow["importer"])
            & (table["target_year"] == year)
        ]
        if row.empty:
            if start > 0:
                for stage, usd in (("base", base - start), ("shift", -base)):
                    out[stage, "stops"] = out.get((stage, "stops"), 0.0) + usd
            continue
        for stage, prefix, a, b in (
            ("base", "total:", start, base),
            ("shift", "net:", base, forecast),
        ):
            for name in [n for n in row if n.startswith(prefix)]:
                worth = (b - a) / (100 * np.log(b / a)) * float(row[name].iloc[0])
                out[stage, name] = out.get((stage, name), 0.0) + worth
    return out


@pytest.mark.parametrize("year", YEARS)
def test_every_part_is_that_of_a_loop_over_flows(run_with_stops, year):
    chosen = random_group(run_with_stops, 4) | (run_with_stops.forecasts["exporter"] == "BRA")
    table = decompose(run_with_stops, chosen, year=year)
    expected = flow_by_flow(run_with_stops, chosen, year)
    got = {(row.stage, row.term): row.usd for row in table.itertuples()}
    assert got.keys() == expected.keys()
    assert ("shift", "stops") in got
    for key, usd in expected.items():
        assert_allclose(got[key], usd, rtol=1e-6, atol=1e-3, err_msg=str(key))


def test_percent_is_of_the_value_at_the_origin_and_every_part_has_a_name(run_read):
    chosen = run_read.forecasts["exporter"] == "DEU"
    table = decompose(run_read, chosen, year=2012)
    rows = run_read.forecasts[chosen & (run_read.forecasts["target_year"] == 2012)]
    assert_allclose(table["percent"], 100 * table["usd"] / rows["value_origin"].sum())
    assert table["label"].tolist() == [TERM_LABELS[term] for term in table["term"]]
    assert table["stage"].tolist() == sorted(table["stage"])


@pytest.mark.parametrize("side", ["exporter", "importer"])
def test_over_all_partners_of_a_country_the_channels_move_nothing(run_read, side):
    for code in ("DEU", "BRA", "CHN"):
        chosen = run_read.forecasts[side] == code
        table = decompose(run_read, chosen, year=2011).set_index("term")
        total = run_read.forecasts.loc[chosen, "base"].sum()
        channels = table.loc[table["stage"] == "shift", "usd"]
        assert np.abs(channels).max() < 1e-6 * total
        # Not because nothing shifts.
        flows = run_read.forecasts[chosen & (run_read.forecasts["target_year"] == 2011)]
        assert (flows["forecast"] - flows["base"]).abs().sum() > 1e-3 * total


def test_the_first_year_not_over_is_the_default_and_an_unknown_one_is_refused(run_read, stops):
    chosen = run_read.forecasts["exporter"] == "DEU"
    pd.testing.assert_frame_equal(
        decompose(run_read, chosen), decompose(run_read, chosen, year=2012)
    )
    stops(lambda: decompose(run_read, chosen, year=2030), says="2030")


def test_a_group_without_trade_has_parts_of_zero_and_no_percent(run_read):
    table = decompose(run_read, run_read.forecasts["value_origin"] <= 0)
    assert (table["usd"] == 0).all()
    assert table["percent"].isna().all()


def test_a_group_that_only_starts_to_trade_has_no_percent(run_read):
    flows = run_read.forecasts
    first = flows.index[(flows["target_year"] == 2011) & (flows["base"] > 0)][:3]
    chosen = pd.Series(flows.index.isin(first), index=flows.index)
    silent = flows.assign(value_origin=flows["value_origin"].mask(chosen, 0.0))
    run = replace(run_read, forecasts=silent, attributions=run_read.attributions.iloc[:0])
    table = decompose(run, chosen, year=2011)
    assert table["usd"].sum() == pytest.approx(silent.loc[chosen, "forecast"].sum())
    assert table["percent"].isna().all()


def test_percent_does_not_depend_on_the_unit(run_read):
    """Not even where the whole group is worth less than 1 of it."""
    chosen = run_read.forecasts["exporter"] == "DEU"
    unit = 0.1 / run_read.forecasts["value_origin"].sum()
    usd = ["value_origin", "base", "forecast"]
    small = replace(
        run_read,
        **{
            name: table.assign(**{column: unit * table[column] for column in usd})
            for name in ("forecasts", "attributions")
            for table in (getattr(run_read, name),)
        },
    )
    expected, found = (decompose(run, chosen, year=2012) for run in (run_read, small))
    assert_allclose(found["percent"], expected["percent"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("year", YEARS)
def test_parts_of_single_flows_add_up_to_those_of_their_group(run_with_stops, year):
    parts = parts_by_flow(run_with_stops, year)
    flows = run_with_stops.forecasts
    assert (parts.index == flows.index[flows["target_year"] == year]).all()
    for seed in range(3):
        chosen = random_group(run_with_stops, seed)
        table = decompose(run_with_stops, chosen, year=year).set_index("term")["usd"]
        table = table.drop("stops", errors="ignore")
        assert_allclose(parts.loc[chosen, table.index].sum(), table, rtol=1e-9, atol=1e-3)
