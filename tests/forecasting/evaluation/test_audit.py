"""The run's own check for leaks: it alters everything later, nothing earlier, and sees a leak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features import catalogue
from features.feature import Feature
from features.information import InformationSet
from forecasting import RunConfig
from forecasting.evaluation.altered_future import alter_future
from forecasting.evaluation.audit import audit, explained_counts
from forecasting.evaluation.prepared import prepare

SETTINGS = ("totals_known", "ex_ante")


def check(bundle, prepared, setting="totals_known", origins=(2006, 2010)):
    return audit(
        bundle,
        prepared,
        setting=setting,
        origins=origins,
        horizons=(1, 2),
        seed=0,
        forecasts=[],
        additivity=0.0,
    )


@pytest.mark.parametrize("setting", SETTINGS)
def test_honest_data_have_no_leak(make_bundle, prepared, setting):
    found = check(make_bundle(), prepared, setting)
    assert found.features_changed == ()
    assert found.totals_changed == ()
    assert found.cells_altered > 1_000


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("origin", [2004, 2008])
def test_every_later_cell_is_altered_and_no_earlier_one(
    make_bundle, prepared, published_on, setting, origin
):
    bundle, as_of = make_bundle(), prepared.rule.date(origin)
    rng = np.random.default_rng(1)
    other, cells = alter_future(bundle, as_of=as_of, origin=origin, setting=setting, rng=rng)
    count = 0

    def compare(found, expected, late):
        nonlocal count
        both = (found == expected) | (np.isnan(found) & np.isnan(expected))
        assert both[~late].all()
        assert not both[late].any()
        count += both[late].size

    years = bundle.panel.years
    compare(other.panel.values, bundle.panel.values, years > origin)
    for name, values in bundle.indicators.values.items():
        spec = bundle.indicators.specs[name]
        late = np.array(
            [
                published_on(int(year), lag_months=spec.publication_lag_months) > as_of
                for year in bundle.indicators.years
            ]
        )
        if setting == "ex_ante" and spec.channel == "published_totals":
            late |= bundle.indicators.years > origin
        compare(other.indicators.values[name], values, late)
    for name, pairs in bundle.pairs.yearly.items():
        year = pairs.first_year + np.arange(len(pairs.values))
        late = np.array(
            [published_on(int(y), lag_months=pairs.publication_lag_months) > as_of for y in year]
        )
        compare(other.pairs.yearly[name].values, pairs.values, late)
    assert cells == count > 0


def test_a_planted_leak_is_named(make_bundle, monkeypatch):
    bundle = make_bundle()

    def tomorrow(info: InformationSet) -> np.ndarray:
        panel = info._data.panel  # what no builder may reach for
        return panel.values[min(panel.row(info.origin) + 1, len(panel.values) - 1)]

    honest = catalogue.FEATURES
    leaking: tuple[Feature, ...] = (replace(honest[0], build=tomorrow), *honest[1:])
    monkeypatch.setattr(catalogue, "FEATURES", leaking)
    prepared = prepare(bundle, RunConfig(world="goods", horizons=(1, 2), experiment=None))
    assert check(bundle, prepared).features_changed == (honest[0].name,)


def test_flows_without_reasons_are_counted_by_reason():
    table = pd.DataFrame(
        [(1.0, 1.0, 1.0), (1.0, 2.0, 0.0), (0.0, 0.0, 0.0), (0.0, 4.0, 4.0), (1.0, 3.0, 4.0)],
        columns=["value_origin", "base", "forecast"],
    )
    found = explained_counts(table, explained=2, largest_gap=1e-12, exact=True)
    assert found == {
        "forecasts": 5,
        "explained": 2,
        "no_trade_at_origin": 2,
        "forecast_to_stop": 1,
        "largest_gap": 1e-12,
        "exact": True,
    }
