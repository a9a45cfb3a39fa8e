"""A comparator: what it is given, what it may return, and how that becomes a model."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from features.information import AsOfRule, InformationSet
from models.comparators.comparator import (
    Compared,
    history_of,
    is_named,
    known_future,
    name_of,
    own_comparator,
)
from models.flow_model import Known
from models.known_totals import published_totals

ORIGIN, HORIZONS = 2008, (1, 2)


@pytest.fixture(scope="module")
def infos(bundle):
    return {
        setting: InformationSet(
            bundle, as_of=AsOfRule().date(ORIGIN), origin=ORIGIN, setting=setting
        )
        for setting in ("totals_known", "ex_ante")
    }


def known_of(info) -> Known:
    return Known({ORIGIN: info}, ORIGIN, HORIZONS, np.empty((0, 0), np.float32), {}, None)


class Spread:
    """The last value, with quantiles of a tenth and a half of it to either side."""

    factors: ClassVar = {0.05: 0.5, 0.25: 0.9, 0.5: 1.0, 0.75: 1.1, 0.95: 1.5}
    calls: ClassVar[list[dict]] = []

    def fit_predict(self, history, horizons, known_future):
        self.calls.append(known_future)
        last = history.ffill().iloc[-1].fillna(0.0).to_numpy()
        return {h: pd.DataFrame({p: f * last for p, f in self.factors.items()}) for h in horizons}


class Univariate(Spread):
    takes_totals = False
    calls: ClassVar[list[dict]] = []


def test_it_sees_what_was_known_and_nothing_later(bundle, infos, perturb_future):
    info = infos["totals_known"]
    history, future = history_of(info), known_future(info, horizons=HORIZONS)
    assert list(history.index) == list(range(info.first_year, ORIGIN + 1))
    assert history.columns.names == ["exporter", "importer"]
    np.testing.assert_array_equal(history.to_numpy(), info.history)
    later = perturb_future(bundle, info.as_of, info.setting, np.random.default_rng(0))
    other = InformationSet(later, as_of=info.as_of, origin=ORIGIN, setting=info.setting)
    pd.testing.assert_frame_equal(history_of(other), history)
    for name, frame in known_future(other, horizons=HORIZONS).items():
        pd.testing.assert_frame_equal(frame, future[name])


def test_published_totals_are_known_future_values_where_the_setting_has_them(infos):
    info = infos["totals_known"]
    future = known_future(info, horizons=HORIZONS)
    totals = published_totals(info)
    assert totals is not None
    one = ("BRA", "CHN")
    flows = info.flows
    number = history_of(info).columns.get_loc(one)
    assert (
        future["exporter_total"].loc[ORIGIN + 1, one]
        == (totals.exporter[flows.exporter_margin[number]])
    )
    assert future["importer_total"].loc[ORIGIN, one] == pytest.approx(
        np.nansum(history_of(info).loc[ORIGIN].xs("CHN", level="importer"))
    )
    ahead = {name: frame.loc[ORIGIN + 1 :] for name, frame in
             known_future(infos["ex_ante"], horizons=HORIZONS).items()}  # fmt: skip
    assert all(len(frame) == 2 and frame.isna().all(axis=None) for frame in ahead.values())


def test_its_medians_are_the_forecast_and_its_quantiles_the_intervals(infos):
    known = known_of(infos["ex_ante"])
    model = Compared("spread", Spread)
    forecast, bounds = model.forecast(known)[2], model.bounds(known)[2]
    np.testing.assert_allclose(bounds[50][0], 0.9 * forecast)
    np.testing.assert_allclose(bounds[90][1], 1.5 * forecast)
    assert model.forecast(known)[1] is not None
    known.require_valid(model.forecast(known), model="spread")


def test_it_is_asked_once_a_setting_or_once_if_it_takes_no_totals(infos):
    for kind, calls in ((Spread, 2), (Univariate, 1)):
        kind.calls.clear()
        model = Compared("spread", kind)
        for info in infos.values():
            model.forecast(known_of(info))
            model.bounds(known_of(info))
        assert len(kind.calls) == calls
        assert bool(kind.calls[0]) == (kind is Spread)


def test_a_forecast_without_totals_is_raked_to_those_that_are_published(infos):
    info = infos["totals_known"]
    model, totals = Compared("spread", Univariate), published_totals(info)
    known = known_of(info)
    forecast = model.forecast(known)
    sums = info.flows.exporter_totals(forecast[1])
    np.testing.assert_allclose(sums, totals.exporter, rtol=1e-6)
    # Its intervals move with it; two years ahead nothing is published.
    np.testing.assert_allclose(model.bounds(known)[1][90][1], 1.5 * forecast[1])
    plain = Compared("spread", Univariate).forecast(known_of(infos["ex_ante"]))
    np.testing.assert_array_equal(forecast[2], plain[2])
    assert not np.allclose(forecast[1], plain[1])


class Returns:
    """Whatever a test says, out of a good answer."""

    def __init__(self, change):
        self.change = change

    def fit_predict(self, history, horizons, known_future):
        return self.change(Spread().fit_predict(history, horizons, known_future))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: None, "no median of every flow at horizon 1"),
        (lambda good: {1: good[1]}, "no median of every flow at horizon 2"),
        (lambda good: {h: frame.iloc[1:] for h, frame in good.items()}, "every flow"),
        (lambda good: {h: frame.drop(columns=0.5) for h, frame in good.items()}, "no median"),
        (lambda good: {h: frame * np.nan for h, frame in good.items()}, "not finite"),
        (lambda good: good[7], "fails at origin 2008 (KeyError: 7)"),
    ],
)
def test_a_wrong_answer_names_the_comparator(infos, change, says):
    with pytest.raises(InputError) as caught:
        Compared("odd", lambda: Returns(change)).forecast(known_of(infos["ex_ante"]))
    assert says in str(caught.value)
    assert "'odd'" in str(caught.value)


def test_quantiles_that_cross_are_sorted_and_none_is_negative(infos):
    def spoilt(good):
        return {h: -frame + 1.0 for h, frame in good.items()}

    known = known_of(infos["ex_ante"])
    model = Compared("odd", lambda: Returns(spoilt))
    bounds = model.bounds(known)[1]
    low, high = bounds[90]
    assert (low >= 0).all()
    assert (low <= bounds[50][0]).all()
    assert (bounds[50][0] <= model.forecast(known)[1]).all()
    assert (bounds[50][1] <= high).all()


def test_without_all_quantiles_there_are_no_intervals(infos):
    median = Compared("m", lambda: Returns(lambda good: {h: f[[0.5]] for h, f in good.items()}))
    known = known_of(infos["ex_ante"])
    assert set(median.forecast(known)) == set(HORIZONS)
    assert median.bounds(known) == {}


def test_a_class_of_the_users_own_is_named_by_its_module_or_file(tmp_path):
    assert is_named("pkg.models:Mine")
    assert is_named("/some where/my.py:Mine")
    assert not is_named("theta")
    file = tmp_path / "mine.py"
    file.write_text("class Mine:\n    def fit_predict(self, h, k, f):\n        return {}\n")
    assert name_of(f"{file}:Mine") == "Mine"
    model = own_comparator(f"{file}:Mine")()
    assert (model.name, type(model.make()).__name__) == ("Mine", "Mine")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import nothing_there\nclass Mine: ...", "nothing_there"),
        ("class Mine:\n", "does not import"),
        ("class Other: ...", "holds no 'Mine'"),
        ("class Mine: ...", "no `fit_predict`"),
        ("class Mine:\n    def __init__(self, size): ...", "without parameters"),
    ],
)
def test_a_class_that_cannot_be_used_is_refused(tmp_path, text, says):
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        own_comparator(f"{file}:Mine")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
