"""A run on the flows that have traded by each origin, beside one on every flow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.data.active_flows import active_panel
from features.data.flows import FlowIndex
from features.data.panel import PanelNotes, TradePanel
from features.information import DataBundle
from forecasting.evaluation.backtest_file import read_backtest
from forecasting.evaluation.births import births_of
from forecasting.evaluation.folds import plan_folds
from forecasting.evaluation.outside import Outside
from forecasting.evaluation.prepared import prepare
from forecasting.inputs.load import LoadedData
from forecasting.job import _planned, run
from forecasting.options.run_config import RunConfig
from forecasting.results.subjects import check_flow
from models.births import SIDES, forecast_births, started
from models.saved import load_forecaster

KEYS = ["exporter", "importer", "sector"]
HORIZON = 2
ACROSS = ["wape", "pattern_distance", "midpoint_mae", "log_mae"]


def panel_of(*, years: int = 14) -> TradePanel:
    """Seven countries, three sectors; about half of the flows ever trade, some only late."""
    rng = np.random.default_rng(4)
    countries = ("ARG", "BRA", "CHL", "DEU", "ESP", "FRA", "GBR")
    flows = FlowIndex(countries, ("a", "b", "c"))
    level = rng.normal(-0.5, 2.0, flows.size)
    latent = level + np.cumsum(rng.normal(0, 0.4, (years, flows.size)), axis=0)
    values = np.where(latent > 0, 1e6 * np.exp(latent), 0.0).astype(np.float32)
    numbers = np.arange(2000, 2000 + years, dtype=np.int32)
    return TradePanel(flows, numbers, values, None, PanelNotes(0, 0, 0, "zero"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, few_measures_in):
    """The dense run and the active one, of the same data."""
    folder, out = tmp_path_factory.mktemp("universe"), {}
    with pytest.MonkeyPatch.context() as patch:
        few_measures_in(patch)
        for name, panel in (("dense", panel_of()), ("active", active_panel(panel_of()))):
            data = LoadedData(DataBundle(panel), ())
            patch.setattr("forecasting.job.load", lambda _, data=data: data)
            config = RunConfig(
                out=folder / name, horizons=(1, HORIZON), rounds=8, settings=("ex_ante",),
                experiment=None, figures=False, report=False, max_rows=10**6, workers=1,
                params={"min_data_in_leaf": 5, "num_leaves": 8}, first_origin=2009,
            )  # fmt: skip
            out[name] = run(config, show_progress=False)
    return out


def test_bases_of_common_flows_are_the_same_and_others_have_none(runs):
    dense, active = (runs[n].forecasts.set_index([*KEYS, "horizon"]) for n in ("dense", "active"))
    assert 0 < len(active) < len(dense)
    common = dense.loc[active.index]
    np.testing.assert_allclose(active["base"], common["base"], rtol=1e-6)
    outside = dense.drop(active.index)
    assert (outside[["base", "forecast"]] == 0).all(axis=None)


def test_scores_count_what_starts_outside_as_a_dense_run_does(runs):
    keys = ["model", "horizon", "stratum"]
    dense, active = (runs[n].scores.set_index(keys) for n in ("dense", "active"))
    assert active.index.equals(dense.index)
    models = ["last_value", "last_value_raked", "drift"]
    for metric in (*ACROSS, "n"):
        np.testing.assert_allclose(
            active.loc[models, metric], dense.loc[models, metric], rtol=1e-6, err_msg=metric
        )


def test_some_flow_starts_outside_so_that_scores_had_something_to_count():
    prepared = prepare(
        DataBundle(active_panel(panel_of())), RunConfig(world="goods", horizons=(1,))
    )
    found = [prepared.outside(origin, 1) for origin in range(2004, 2013)]
    assert sum(one.actual.size for one in found) > 3
    assert all(one.silent.sum() > 0 for one in found)
    dense = prepare(DataBundle(panel_of()), RunConfig(world="goods", horizons=(1,)))
    assert dense.outside(2008, 1).silent.size == Outside.nothing().silent.size


def test_nothing_that_starts_later_moves_a_forecast(runs, tmp_path, monkeypatch, few_measures):
    panel, year = panel_of(), 2009
    values, rng = panel.values.copy(), np.random.default_rng(0)
    late = values[panel.row(year) + 1 :]
    late[:] = np.where(rng.random(late.shape) < 0.6, rng.lognormal(13, 2, late.shape), 0.0)
    moved = active_panel(replace(panel, values=values))
    monkeypatch.setattr("forecasting.job.load", lambda _: LoadedData(DataBundle(moved), ()))
    config = replace(runs["active"].config, out=tmp_path / "moved")
    run(config, show_progress=False)
    columns = [*KEYS, "origin", "horizon", "base", "forecast", "probability_of_trade", "upper_90"]
    one, other = (
        read_backtest(out, columns=columns, where=[("origin", "in", range(2000, year + 1))])
        for out in (runs["active"].out, config.out)
    )
    assert len(one)
    pd.testing.assert_frame_equal(one, other, check_exact=True, check_categorical=False)


def test_a_flow_that_never_traded_is_refused_by_name(runs, stops):
    dense, active = runs["dense"].forecasts, runs["active"].forecasts
    traded = set(map(tuple, active[KEYS].astype(str).to_numpy()))
    never = next(k for k in map(tuple, dense[KEYS].astype(str).to_numpy()) if k not in traded)
    stops(lambda: check_flow(active, never), says="has not traded")
    assert check_flow(dense, never) == never


def test_a_saved_model_keeps_its_flows_and_answers_for_those_that_never_traded(runs):
    from forecasting.tracking.pyfunc_model import GravicastModel

    active, model = runs["active"], GravicastModel()
    model._forecaster, model._tables = load_forecaster(active.out / "model"), {}
    flows = model._forecaster.flows
    assert flows == active_panel(panel_of()).flows
    known = active.forecasts[active.forecasts["horizon"] == 1].iloc[[0, -1]]
    code = np.setdiff1d(np.arange(panel_of().flows.size), flows.cells)[0]
    every = panel_of().flows
    never = [every.countries[every.exporter[code]], every.countries[every.importer[code]],
             every.sectors[every.sector[code]]]  # fmt: skip
    asked = pd.DataFrame([*known[KEYS].astype(str).to_numpy().tolist(), never], columns=KEYS)
    found = model.predict(None, asked.assign(horizon=1))
    assert found[KEYS].to_numpy().tolist() == asked.to_numpy().tolist()
    np.testing.assert_array_equal(found["forecast"], [*known["forecast"], 0.0])
    assert found.loc[2, ["upper_90", "probability_of_trade"]].isna().all()
    assert found.loc[:1, "upper_90"].notna().all()


def test_a_waterfall_of_a_flow_that_never_traded_is_refused_before_any_work(stops):
    data = LoadedData(DataBundle(active_panel(panel_of())), ())
    flows, every = data.bundle.panel.flows, panel_of().flows
    code = np.setdiff1d(np.arange(every.size), flows.cells)[0]
    wanted = (every.countries[every.exporter[code]], every.countries[every.importer[code]],
              every.sectors[every.sector[code]])  # fmt: skip
    config = RunConfig(horizons=(1,), explain_flow=wanted)
    stops(lambda: _planned(config, data), says="no trade up to 2013")


# Births ----------------------------------------------------------------------------------------


def test_births_sum_to_the_flows_that_start():
    panel = active_panel(panel_of())
    for side in SIDES:
        came = started(panel, side=side, origin=2008, year=2010)
        before = (panel_of().values[:9] > 0).any(axis=0)
        born = panel_of().values[10] * ~before
        assert came.count.sum() == (born > 0).sum()
        assert came.usd.sum() == pytest.approx(born.sum(dtype=np.float64))


def test_forecast_births_do_not_depend_on_later_years():
    panel = panel_of()
    cut = replace(panel, years=panel.years[:10], values=panel.values[:10])
    one, other = (
        forecast_births(active_panel(p), side="exporter", origin=2009, horizon=1)
        for p in (panel, cut)
    )
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.usd, other.usd)


def test_a_run_writes_births_whose_intervals_are_computed_when_asked_for(runs):
    table = pd.read_parquet(runs["active"].out / "births.parquet")
    rows = table[(table["side"] == "importer") & (table["horizon"] == 1)]
    assert len(rows) == 7 * 3
    found = births_of(rows)
    np.testing.assert_allclose(found.usd, rows["usd"])
    low, high = found.counts(0.9)
    wider = found.counts(0.99)
    assert (wider[0] <= low).all()
    assert (high <= wider[1]).all()
    assert (low <= found.mean).all()
    usd_low, usd_high = found.usd_bounds(0.9)
    assert (usd_low <= usd_high).all()
    scores = pd.read_csv(runs["active"].out / "births_scores.csv")
    folds = plan_folds(first_year=2000, last_year=2013, horizons=(1, HORIZON), first_origin=2009)
    assert scores["origins"].max() == len(folds)
    assert not (runs["dense"].out / "births.parquet").exists()
