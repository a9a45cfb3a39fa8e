"""Intervals of an origin come from outcomes that were known at it, and from no others."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.data.panel import TradePanel
from forecasting import RunConfig
from forecasting.evaluation.calibration import Calibration, check_outcomes
from forecasting.evaluation.fold import FoldForecast
from forecasting.evaluation.prepared import PreparedData, prepare
from models.intervals import RECENT_ORIGINS, Sample, fit_intervals
from models.world_growth import world_error

FIRST = 2007
SETTINGS = ("totals_known", "ex_ante")


def forecast_at(prepared: PreparedData, origin: int, *, seed: int = 0, horizon: int = 1, **changed):
    rng = np.random.default_rng((seed, origin, horizon))
    size = prepared.panel.flows.size
    forecast = FoldForecast(
        setting="totals_known",
        model="gravicast",
        origin=origin,
        horizon=horizon,
        forecast=rng.lognormal(10, 1, size),
        base=np.ones(size),
        expected=np.ones(size),
        probability=None,
        value_origin=np.ones(size),
        actual=rng.lognormal(10, 1, size),
    )
    return replace(forecast, **changed)


def numbers(calibration: Calibration, *, origin: int, horizon: int = 1, setting="totals_known"):
    return asdict(calibration.intervals(setting=setting, horizon=horizon, origin=origin))


def same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("horizon", [1, 2])
def test_only_outcomes_up_to_the_origin_count(prepared, horizon):
    origins = range(FIRST, 2012)
    begun = Calibration(prepared, first_origin=FIRST, horizons=(1, 2))

    def calibrated(changed_from: int) -> Calibration:
        calibration = deepcopy(begun, {id(prepared.infos): prepared.infos})
        for origin in origins:
            seed = int(origin >= changed_from)
            calibration.add(forecast_at(prepared, origin, seed=seed, horizon=horizon))
        return calibration

    reference = calibrated(9999)
    for at in (FIRST, 2008, 2010, 2012, 2013):
        known = numbers(reference, origin=at, horizon=horizon)
        # Whatever is forecast for later than `at`, in any way, is not seen at `at` ...
        later = calibrated(at - horizon + 1)
        assert same(known, numbers(later, origin=at, horizon=horizon))
        # ... and the outcome of `at` itself is.
        if at - horizon in origins:
            now = calibrated(at - horizon)
            assert not same(known, numbers(now, origin=at, horizon=horizon))


@pytest.fixture(scope="module")
def before(prepared) -> Calibration:
    """The later first origin fills in as much of the future as there is."""
    return Calibration(prepared, first_origin=2009, horizons=(1, 2))


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("origin", [2005, FIRST])
def test_early_residuals_of_the_base_see_nothing_later(
    before, bundle, perturb_future, quick, setting, origin
):
    as_of, config = date(origin + 2, 7, 1), RunConfig(world="goods", **quick)
    moved = perturb_future(bundle, as_of, setting, np.random.default_rng(origin))
    assert not np.array_equal(moved.panel.values, bundle.panel.values, equal_nan=True)
    after = Calibration(prepare(moved, config), first_origin=2009, horizons=(1, 2))
    for horizon in (1, 2):
        where = {"origin": origin, "horizon": horizon, "setting": setting}
        assert same(numbers(before, **where), numbers(after, **where))
        # The check is alive: with all years known the two differ.
        where["origin"] = 2099
        assert not same(numbers(before, **where), numbers(after, **where))


def test_settings_and_horizons_are_calibrated_apart(prepared):
    calibration = Calibration(prepared, first_origin=FIRST, horizons=(1, 2))
    keys = [(setting, horizon) for setting in SETTINGS for horizon in (1, 2)]
    before = {k: numbers(calibration, origin=2010, setting=k[0], horizon=k[1]) for k in keys}
    calibration.add(forecast_at(prepared, FIRST))
    for key in keys:
        after = numbers(calibration, origin=2010, setting=key[0], horizon=key[1])
        assert same(before[key], after) == (key != ("totals_known", 1))


def test_early_residuals_wear_out_as_the_back_test_goes_on(prepared):
    histories = [
        Calibration(prepared, first_origin=first, horizons=(1,)) for first in (2004, FIRST)
    ]
    for origin in range(FIRST, FIRST + RECENT_ORIGINS):
        assert not same(*(numbers(c, origin=origin) for c in histories))
        for calibration in histories:
            calibration.add(forecast_at(prepared, origin))
    end = FIRST + RECENT_ORIGINS
    assert same(*(numbers(c, origin=end) for c in histories))


@pytest.mark.parametrize("horizon", [1, 3])
def test_intervals_in_time_order_are_those_of_all_past_outcomes_in_double_precision(
    prepared, horizon
):
    """What is let go of, and single precision, move no bound: against everything kept."""
    calibration = Calibration(prepared, first_origin=FIRST, horizons=(horizon,))
    everything: list[Sample] = []
    for origin in range(FIRST, FIRST + RECENT_ORIGINS + 6):
        made = forecast_at(prepared, origin, horizon=horizon)
        made.actual[origin % 7 :: 7] = np.nan
        calibration.add(made)
        everything.append(Sample(origin, made.forecast, made.actual, made.expected))
        known = [sample for sample in everything if sample.origin + horizon <= origin]
        if len(known) < RECENT_ORIGINS:
            continue
        now = min(origin, prepared.last_origin)
        shocks = world_error(prepared.infos["totals_known"], origin=now, horizon=horizon).shocks()
        expected = fit_intervals(known, shocks=shocks)
        found = numbers(calibration, origin=origin, horizon=horizon)
        for name, value in asdict(expected).items():
            np.testing.assert_allclose(found[name], value, rtol=2e-6, atol=1e-6)


def test_the_first_fold_has_something_to_be_calibrated_on(prepared):
    calibration = Calibration(prepared, first_origin=FIRST, horizons=(1, 2))
    for setting in SETTINGS:
        for horizon in (1, 2):
            fitted = calibration.intervals(setting=setting, horizon=horizon, origin=FIRST)
            bounds = fitted.bounds(np.array([0.0, 1e6]), np.array([1e4, 1e6]))
            for low, high in bounds.values():
                assert (low >= 0).all()
                assert high[1] > low[1]


def test_only_the_main_model_is_calibrated(prepared):
    calibration = Calibration(prepared, first_origin=FIRST, horizons=(1,))
    with pytest.raises(ValueError, match="drift"):
        calibration.add(forecast_at(prepared, FIRST, model="drift"))


def panel_of(pairs: int, years: int = 20, *, silent: int = 0) -> TradePanel:
    """Every pair trades in every year; the first not in the last ``silent`` years to 2007."""
    rows = [("DEU", "FRA"), ("FRA", "DEU"), ("DEU", "USA"), ("USA", "DEU"), ("FRA", "USA")][:pairs]
    table = [(*pair, 2000 + year, 1.0 + year) for pair in rows for year in range(years)]
    frame = pd.DataFrame(table, columns=["exporter", "importer", "year", "value_usd"])
    quiet = frame["year"].between(2008 - silent, 2007) & (frame["exporter"] == rows[0][0])
    frame.loc[quiet & (frame["importer"] == rows[0][1]), "value_usd"] = 0.0
    return TradePanel.from_frame(frame, absent="zero")


@pytest.mark.parametrize(
    ("pairs", "years", "enough"), [(2, 20, False), (3, 20, True), (3, 8, False)]
)
def test_a_panel_with_too_few_past_flows_for_an_interval_is_refused_at_once(
    stops, pairs, years, enough
):
    """Two countries have 16 past flows in the last eight origins; 19 are the least."""
    panel = panel_of(pairs, years)
    check = lambda: check_outcomes(panel, horizons=(1,), last_origin=panel.last_year)  # noqa: E731
    if enough:
        check()
    else:
        stops(check, says="too few for intervals")


@pytest.mark.parametrize(
    ("years", "horizon", "silent", "enough"),
    # Three pairs from 2002 on, or in the last eight origins: 21 and 24 flows.
    [(10, 1, 2, True), (10, 1, 3, False), (11, 2, 2, True), (11, 2, 3, False),
     (11, 1, 5, True), (11, 1, 6, False), (12, 2, 5, True), (12, 2, 6, False)],
)  # fmt: skip
def test_the_flow_that_makes_them_enough_is_counted(stops, years, horizon, silent, enough):
    panel = panel_of(3, years, silent=silent)
    check = lambda: check_outcomes(panel, horizons=(horizon,), last_origin=panel.last_year)  # noqa: E731
    if enough:
        check()
    else:
        stops(check, says=f"18 past flows with an outcome at horizon {horizon}")


def test_the_first_origin_pools_as_many_early_origins_whatever_other_horizons_there_are(prepared):
    first = prepared.last_origin
    alone, beside_another = (
        numbers(Calibration(prepared, first_origin=first, horizons=horizons), origin=first)
        for horizons in ((1,), (1, 2))
    )
    assert same(alone, beside_another)


def test_early_origins_without_an_outcome_in_the_panel_are_left_out(prepared):
    """Two years after the last origin but one there is no outcome yet."""
    last = prepared.last_origin
    calibration = Calibration(prepared, first_origin=last, horizons=(1, 2))
    for horizon in (1, 2):
        assert np.isfinite(numbers(calibration, origin=last, horizon=horizon)["residuals"]).all()


# Nowcasts ----------------------------------------------------------------------------------------


def nowcasts(prepared: PreparedData, *others: str, reported: int) -> Calibration:
    """Four origins of the setting with reports, that many sides of each, and of other settings."""
    settings = ("reports_known", *others)
    infos = dict.fromkeys(settings, prepared.infos["totals_known"])
    calibration = Calibration(
        replace(prepared, infos=infos), first_origin=prepared.panel.first_year + 2, horizons=(1,)
    )
    for origin in range(2005, 2009):
        for seed, setting in enumerate(settings):
            made = forecast_at(prepared, origin, seed=seed, setting=setting)
            if setting == "reports_known":
                made = replace(made, reported=np.full(made.forecast.size, reported))
            calibration.add(made)
    return calibration


@pytest.mark.parametrize(
    ("others", "reported", "taken"),
    [
        (SETTINGS, 0, "totals_known"),
        (SETTINGS, 2, "totals_known"),
        # Nobody reported anything: they have past errors of their own.
        (("ex_ante",), 0, "reports_known"),
        # Everybody reported everything: they have none.
        (("ex_ante",), 2, "ex_ante"),
    ],
)
def test_flows_that_nobody_reports_have_the_intervals_that_come_nearest(
    prepared, others, reported, taken
):
    calibration = nowcasts(prepared, *others, reported=reported)
    last = asdict(calibration.nowcast_intervals(2008)[-1])
    alike = {
        setting: same(last, numbers(calibration, origin=2008, setting=setting))
        for setting in ("reports_known", *others)
    }
    assert alike == {setting: setting == taken for setting in alike}


def test_without_any_other_setting_flows_that_nobody_reports_are_as_those_without_a_report(
    prepared,
):
    found = nowcasts(prepared, reported=2).nowcast_intervals(2008)
    assert same(asdict(found[-1]), asdict(found[0]))
