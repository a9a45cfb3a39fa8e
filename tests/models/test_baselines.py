from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.choices import SETTINGS
from features.data.flows import FlowIndex
from features.data.panel import PanelNotes, TradePanel
from features.information import AsOfRule, DataBundle, InformationSet
from models.baselines import LagBooster, drift, last_value, last_value_raked
from models.flow_model import Known
from models.known_totals import published_totals

RULE = AsOfRule()
nan = np.nan


def data_of(values: np.ndarray, *, countries: int = 3) -> DataBundle:
    flows = FlowIndex(tuple(f"AA{letter}" for letter in "ABCDEFGH"[:countries]))
    years = np.arange(2000, 2000 + len(values), dtype=np.int32)
    notes = PanelNotes(0, 0, 0, "missing")
    return DataBundle(TradePanel(flows, years, np.float32(values), None, notes))


def at(data: DataBundle, origin: int, setting="totals_known") -> InformationSet:
    return InformationSet(data, as_of=RULE.date(origin), origin=origin, setting=setting)


def infos_of(data: DataBundle, last: int) -> dict[int, InformationSet]:
    return {origin: at(data, origin) for origin in range(data.panel.first_year, last + 1)}


# Last value and drift --------------------------------------------------------------------------


def test_the_last_value_is_that_of_the_origin_or_the_last_known_of_three_years():
    values = [[1, 1, 1, 1, 1, 1], [2, 2, 2, 2, 2, nan], [3, 3, 3, nan, 3, nan],
              [4, 4, nan, nan, 0, nan], [5, 0, nan, nan, nan, nan]]  # fmt: skip
    data = data_of(np.array(values, dtype=float))
    np.testing.assert_array_equal(last_value(at(data, 2004)), [5, 0, 3, 2, 0, 0])
    np.testing.assert_array_equal(last_value(at(data, 2003)), [4, 4, 3, 2, 0, 1])


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_drift_compounds_five_years_of_world_growth(horizon):
    world = np.array([50.0, 100, 130, 90, 120, 110, 160])
    shares = np.array([0.1, 0.2, 0.3, 0.15, 0.05, 0.2])
    info = at(data_of(world[:, None] * shares), 2006)
    expected = 160 * shares * (160 / 100) ** (horizon / 5)
    np.testing.assert_allclose(drift(info, horizon=horizon), expected, rtol=1e-6)


def test_drift_uses_the_years_there_are_where_they_are_fewer_than_five():
    data = data_of(np.array([100.0, 110, 144])[:, None] * np.ones(6))
    np.testing.assert_allclose(drift(at(data, 2002), horizon=1), 144 * 1.2, rtol=1e-6)
    np.testing.assert_allclose(drift(at(data, 2001), horizon=2), 110 * 1.1**2, rtol=1e-6)


def test_drift_of_a_single_year_is_the_last_value():
    data = data_of(np.arange(1.0, 13).reshape(2, 6))
    np.testing.assert_array_equal(drift(at(data, 2000), horizon=5), np.arange(1.0, 7))


# Last value raked ------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["bundle", "sector_bundle"])
def test_the_raked_last_value_has_the_published_totals(data, request):
    info = at(request.getfixturevalue(data), 2008)
    totals, found = published_totals(info), last_value_raked(info, horizon=1)
    assert not np.allclose(totals.exporter, info.exporter_totals[-1], rtol=1e-3, equal_nan=True)
    before = info.flows.exporter_totals(last_value(info))
    # Of services nothing is published: they keep the origin's.
    wanted = np.where(np.isnan(totals.exporter), before, totals.exporter)[before > 0]
    sums = info.flows.exporter_totals(found)[before > 0]
    np.testing.assert_allclose(sums, wanted, rtol=1e-6)
    np.testing.assert_array_equal(found == 0, last_value(info) == 0)


def test_without_published_totals_the_raked_last_value_is_the_last_value():
    values = np.random.default_rng(0).lognormal(10, 2, (6, 6))
    info = at(data_of(values), 2005)
    np.testing.assert_allclose(last_value_raked(info, horizon=1), last_value(info), rtol=1e-6)


def test_an_unknown_flow_leaves_the_others_at_their_last_value():
    values = np.tile([10.0, 20, 30, 40, 50, 60], (4, 1))
    values[3, 0] = nan
    info = at(data_of(values), 2003)
    np.testing.assert_allclose(last_value_raked(info, horizon=1), values[0], rtol=1e-6)


@hypothesis_settings(max_examples=30, deadline=None)
@given(st.integers(1999, 2009), st.sampled_from(SETTINGS), st.integers(0, 2**32 - 1))
def test_no_simple_baseline_moves_with_anything_published_later(
    bundle, perturb_future, origin, setting, seed
):
    other = perturb_future(bundle, RULE.date(origin), setting, np.random.default_rng(seed))
    now, then = at(bundle, origin, setting), at(other, origin, setting)
    for forecast in (
        last_value,
        lambda info: last_value_raked(info, horizon=3),
        lambda info: drift(info, horizon=3),
    ):
        assert forecast(now).tobytes() == forecast(then).tobytes()


# Boosted trees on lags -------------------------------------------------------------------------


def booster(form, **options) -> LagBooster:
    return LagBooster(form, rounds=20, threads=1, **options)


def forecast_by(model: LagBooster, infos, *, origin, horizons):
    """Its forecasts; it sees neither features, nor totals, nor what others learn from."""
    return model.forecast(Known(infos, origin, horizons, np.empty((0, 0)), {}, None))


FORMS = ("levels", "differences")


@pytest.mark.parametrize("form", FORMS)
def test_forecasts_from_lags_are_finite_and_not_negative(bundle, form):
    found = forecast_by(booster(form), infos_of(bundle, 2008), origin=2008, horizons=(1, 3))
    assert sorted(found) == [1, 3]
    for forecast in found.values():
        assert forecast.shape == (56,)
        assert np.isfinite(forecast).all()
        assert (forecast >= 0).all()


@pytest.mark.parametrize("form", FORMS)
def test_forecasts_from_lags_repeat_themselves(bundle, form):
    infos = infos_of(bundle, 2008)
    first, again = (
        forecast_by(booster(form, max_rows=200), infos, origin=2008, horizons=(1,))[1]
        for _ in range(2)
    )
    assert first.tobytes() == again.tobytes()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(5))
def test_forecasts_from_lags_do_not_move_with_anything_published_later(
    bundle, perturb_future, form, seed
):
    rng = np.random.default_rng(seed)
    other = perturb_future(bundle, RULE.date(2006), "totals_known", rng)
    found = [
        forecast_by(booster(form), infos_of(data, 2009), origin=2006, horizons=(1, 2))
        for data in (bundle, other)
    ]
    for horizon in (1, 2):
        assert found[0][horizon].tobytes() == found[1][horizon].tobytes()


@pytest.mark.parametrize("form", FORMS)
def test_without_a_past_target_the_last_value_is_repeated(bundle, form):
    infos = infos_of(bundle, 2003)
    found = forecast_by(booster(form), infos, origin=2003, horizons=(1, 5))
    for horizon in (1, 5):
        np.testing.assert_array_equal(found[horizon], last_value(infos[2003]))


def doubling(*, unknown: float) -> DataBundle:
    """Flows that double every year; some cells before the last six years are unknown."""
    rng = np.random.default_rng(0)
    values = rng.lognormal(22, 1, 56) * 2.0 ** np.arange(16)[:, None]
    early = values[:10]
    early[rng.random(early.shape) < unknown] = nan
    return data_of(values, countries=8)


@pytest.mark.parametrize("unknown", [0.0, 0.2])
def test_differences_learn_steady_growth_whatever_is_unknown(unknown):
    infos = infos_of(doubling(unknown=unknown), 2015)
    found = forecast_by(booster("differences", max_rows=10**6), infos, origin=2015, horizons=(1,))[
        1
    ]
    np.testing.assert_allclose(found, 2 * last_value(infos[2015]), rtol=0.005)


def test_levels_learn_levels(bundle):
    panel = bundle.panel
    values = np.tile(np.random.default_rng(0).lognormal(22, 3, panel.flows.size), (12, 1))
    data = DataBundle(replace(panel, values=np.float32(values)))
    model = LagBooster("levels", rounds=100, threads=1)
    found = forecast_by(model, infos_of(data, 2010), origin=2010, horizons=(1,))[1]
    assert np.corrcoef(np.log(found), np.log(values[0]))[0, 1] > 0.9
