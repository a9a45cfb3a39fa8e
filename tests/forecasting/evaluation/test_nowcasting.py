"""The setting with reports: what it gains, what it may not see, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

from features.data.monthly import MonthlyTrade
from features.data.panel import TradePanel
from features.data.report_years import NEVER
from features.data.reports import REPORTERS, Reports
from features.information import DataBundle
from features.world.reports import monthly_frame, reports_frame
from forecasting import RunConfig, simulate_world
from forecasting.evaluation.fold import FoldForecast, run_fold
from forecasting.evaluation.folds import Fold
from forecasting.evaluation.prepared import prepare
from forecasting.final_forecast import fit_forecaster
from models.known_totals import Totals
from models.registry import MAIN_MODEL
from models.shift import CHOICES

ORIGIN = 2012
LEARNS = {"min_data_in_leaf": 5, "num_leaves": 8}
OPTIONS = {"horizons": (1, 2), "rounds": 8, "params": LEARNS, "experiment": None}
NEEDED = {"trade": "flows.csv", "reports": "reports.csv"}
"""Names only: tests build the data themselves."""


@lru_cache(maxsize=1)
def world() -> tuple[TradePanel, pd.DataFrame, pd.DataFrame]:
    trade = simulate_world(seed=3, n_countries=14, n_years=20).trade
    panel = TradePanel.from_frame(trade)
    return panel, reports_frame(trade, seed=3), monthly_frame(trade, seed=3)


def with_services_and_sales_at_home() -> pd.DataFrame:
    """Trade of the world in two sectors, services a third of goods, and sales at home."""
    trade = simulate_world(seed=3, n_countries=10, n_years=20).trade
    home = trade.groupby(["exporter", "year"], as_index=False)["value_usd"].sum()
    home = home.assign(importer=home["exporter"], value_usd=3 * home["value_usd"])
    goods = pd.concat([trade, home], ignore_index=True)
    tours = goods.assign(value_usd=goods["value_usd"] / 3)
    return pd.concat([goods.assign(sector="goods"), tours.assign(sector="tours")])


def bundle(*, reports: bool = True, monthly: bool = False) -> DataBundle:
    panel, declared, months = world()
    return DataBundle(
        panel,
        reports=Reports.from_frame(declared, flows=panel.flows, delays={}) if reports else None,
        monthly=MonthlyTrade.from_frame(months) if monthly else None,
    )


def forecasts(data: DataBundle) -> dict[tuple[str, int], FoldForecast]:
    """Of the main model at one origin, by setting and horizon."""
    reports = data.reports is not None
    config = RunConfig(**OPTIONS, **(NEEDED if reports else {"trade": "flows.csv"}))
    fold = run_fold(
        prepare(data, config), Fold(ORIGIN, (1, 2), tuple(range(2000, ORIGIN))), config, CHOICES[0]
    )
    return {(f.setting, f.horizon): f for f in fold.forecasts if f.model == MAIN_MODEL}


@lru_cache(maxsize=1)
def as_it_is() -> dict[tuple[str, int], FoldForecast]:
    return forecasts(bundle())


def wape(found: FoldForecast) -> float:
    return float(np.abs(found.forecast - found.actual).sum() / found.actual.sum())


def test_reports_of_the_next_year_more_than_halve_its_error():
    found = as_it_is()
    assert wape(found["reports_known", 1]) < 0.5 * wape(found["totals_known", 1])
    assert wape(found["reports_known", 2]) < wape(found["totals_known", 2])


def test_flows_without_a_report_take_the_forecast_of_totals_known():
    now = as_it_is()["reports_known", 1]
    assert now.reported is not None
    silent = now.reported == 0
    assert silent.any()
    assert not silent.all()
    plain = as_it_is()["totals_known", 1].forecast
    np.testing.assert_array_equal(now.forecast[silent], plain[silent])


def test_nonsense_in_reports_that_are_not_out_changes_no_byte():
    data = bundle()
    assert data.reports is not None
    later = replace(data.reports, values={**data.reports.values})
    as_of = np.datetime64(f"{ORIGIN + 2}-07-01")
    for side in REPORTERS:
        ends = later.flows.importer if side == "importer" else later.flows.exporter
        unpublished = (later.published[side] > as_of)[:, ends]
        assert unpublished.any()
        values = later.values[side].copy()
        values[unpublished] = 1e14
        later.values[side] = values  # type: ignore[index]
    data.reports = later
    for key, found in forecasts(data).items():
        np.testing.assert_array_equal(found.forecast, as_it_is()[key].forecast, err_msg=str(key))


def test_stale_reports_do_not_help():
    """Reports of a year earlier, given as of this one, may not look like news."""
    panel, declared, _ = world()
    stale = declared.assign(year=declared["year"] + 1)
    stale["published"] = stale["published"] + pd.DateOffset(years=1)
    data = bundle(reports=False)
    data.reports = Reports.from_frame(stale, flows=panel.flows, delays={})
    found = forecasts(data)
    assert wape(found["reports_known", 1]) > 0.9 * wape(found["totals_known", 1])


def test_reports_a_year_early_help_greatly():
    """A leak must show: flows that no one has reported by the as-of date, reported all the same."""
    data = bundle()
    assert data.reports is not None
    year = np.timedelta64(365, "D")
    published = {side: days - year for side, days in data.reports.published.items()}
    data.reports = replace(data.reports, published=published)
    early, honest = forecasts(data)["reports_known", 1], as_it_is()["reports_known", 1]
    assert early.reported is not None
    assert honest.reported is not None
    new = (honest.reported == 0) & (early.reported > 0)
    assert new.any()
    errors = [np.abs(f.forecast - f.actual)[new].sum() for f in (early, honest)]
    assert errors[0] < 0.5 * errors[1]


def test_without_reports_and_monthly_trade_a_run_is_one_that_never_had_them():
    """Removed from a bundle that had them, both leave the bytes of a bundle without."""
    had = bundle(monthly=True)
    had.reports, had.monthly = None, None
    found, never = forecasts(had), forecasts(bundle(reports=False))
    assert set(found) == set(never) == {(s, h) for s in ("totals_known", "ex_ante") for h in (1, 2)}
    for key, fold in found.items():
        assert fold.forecast.tobytes() == never[key].forecast.tobytes(), key
        # Reports alone move no other setting either.
        assert fold.forecast.tobytes() == as_it_is()[key].forecast.tobytes(), key


def test_reporters_that_never_file_leave_the_forecast_of_totals_known():
    data = bundle()
    assert data.reports is not None
    never = {side: np.full_like(data.reports.published[side], NEVER) for side in REPORTERS}
    data.reports = replace(data.reports, published=never)
    found = forecasts(data)
    np.testing.assert_array_equal(
        found["reports_known", 1].forecast, found["totals_known", 1].forecast
    )


def test_flows_that_nobody_can_report_keep_the_forecast_of_totals_known():
    """Goods take the nowcast; services and sales at home keep theirs, to the byte."""
    trade = with_services_and_sales_at_home()
    goods = trade[(trade["sector"] == "goods") & (trade["exporter"] != trade["importer"])]
    declared = reports_frame(goods, seed=3).assign(sector="goods")
    panel = TradePanel.from_frame(trade, domestic="include")
    reports = Reports.from_frame(declared, flows=panel.flows, delays={})
    found = forecasts(DataBundle(panel, reports=reports))
    now, plain = found["reports_known", 1], found["totals_known", 1]
    flows = panel.flows
    at_home, of_goods = flows.domestic, (flows.sector == 0) & ~flows.domestic
    np.testing.assert_array_equal(now.forecast[~of_goods], plain.forecast[~of_goods])
    assert not now.reported[at_home].any()
    errors = [np.abs(f.forecast - f.actual)[of_goods].sum() for f in (now, plain)]
    assert errors[0] < 0.5 * errors[1]


def test_monthly_trade_helps_every_setting():
    found, without = forecasts(bundle(monthly=True)), as_it_is()
    worlds = {
        key: [abs(np.log(f.forecast.sum() / f.actual.sum())) for f in (found[key], without[key])]
        for key in (("totals_known", 2), ("ex_ante", 1), ("ex_ante", 2))
    }
    assert np.mean([new for new, _ in worlds.values()]) < np.mean(
        [old for _, old in worlds.values()]
    )


def test_a_fitted_forecaster_knows_totals_without_monthly_trade_where_it_changes_them():
    config = RunConfig(**OPTIONS, **NEEDED, as_of=f"{ORIGIN + 2}-07-01")

    def before(data: DataBundle) -> tuple[dict[int, Totals], dict[int, Totals]]:
        _, fitted = fit_forecaster(prepare(data, config), config, CHOICES[0], None)
        return dict(fitted.before_monthly), dict(fitted.totals)

    (found, totals), (without, bare) = before(bundle(monthly=True)), before(bundle())
    assert set(found) == {2}
    assert without == {}
    # Nearly: the nowcast of flows that nobody has reported knows months of its year.
    np.testing.assert_allclose(found[2].exporter, bare[2].exporter, rtol=0.03)
    assert not np.allclose(found[2].exporter, totals[2].exporter, rtol=1e-3)


@pytest.mark.parametrize("horizons", [(2,), (2, 3)])
def test_reports_need_the_horizon_that_they_are_of(horizons):
    with pytest.raises(ValueError, match="horizon"):
        RunConfig(**{**OPTIONS, **NEEDED, "horizons": horizons})
