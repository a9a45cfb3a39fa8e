"""What a model used: sizes, signs and their stability, against obvious computations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shap

from features.catalogue import CHANNEL_OF, FEATURES, NAMES
from forecasting.explanation.drivers import (
    FLAT,
    Drivers,
    driver_table,
    final_drivers,
    model_drivers,
    other_seeds,
    sign,
    stability_table,
)
from forecasting.explanation.explain import explain
from forecasting.explanation.tree_views import tree_views
from models.shift import CHOICES, ShiftModel

HORIZONS = (1, 2)
LEARNS = {"min_data_in_leaf": 5, "feature_fraction": 1.0}


@pytest.fixture(scope="module")
def shift(prepared) -> ShiftModel:
    return ShiftModel(NAMES, CHOICES[-1], 10, 1, threads=1, params=LEARNS).fit(prepared.design)


@pytest.fixture(scope="module")
def drivers(prepared, make_forecaster, shift) -> Drivers:
    forecaster = make_forecaster()
    forecasts = {horizon: forecaster.flow_forecast(horizon) for horizon in HORIZONS}
    by_origin = {
        origin: model_drivers(
            shift, prepared.matrices["totals_known", origin], horizons=HORIZONS, seed=1
        )
        for origin in (2008, 2009)
    }
    explanation = explain(forecaster, forecasts)
    return final_drivers(
        explanation,
        other_seeds(forecaster.shift, forecaster.shift.binned(prepared.design)),
        forecaster.features,
        by_origin=by_origin,
        views=tree_views(forecaster.shift, explanation.data, prepared.design.features, seed=1),
        horizons=HORIZONS,
        rows_seed=forecaster.shift.seed,
    )


def test_sizes_ranks_and_directions_are_those_of_the_contributions():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(400, len(NAMES))).astype(np.float32)
    data[:50, 3] = np.nan
    slopes = rng.normal(size=len(NAMES))
    values = np.where(np.isnan(data), 1.0, data * slopes) + 0.1 * rng.normal(size=data.shape)
    values[:, 7] = 0.0
    table = driver_table(values, data.T, names=NAMES)
    features = table[table["level"] == "feature"].set_index("name")
    frame = pd.DataFrame(values, columns=NAMES)
    expected = frame.abs().mean()
    np.testing.assert_allclose(features["mean_abs_percent"], expected)
    np.testing.assert_allclose(features["share"], expected / expected.sum())
    assert list(features["rank"]) == list(expected.rank(ascending=False, method="first"))
    assert features.loc[NAMES[7], "direction"] == 0
    for column in (0, 3, 20):
        known = frame[NAMES[column]][~np.isnan(data[:, column])]
        other = pd.Series(data[:, column].astype(float)).dropna()
        assert features.loc[NAMES[column], "direction"] == pytest.approx(known.corr(other))
        assert sign(features.loc[NAMES[column], "direction"]) == (
            "+" if slopes[column] > 0 else "-"
        )
    channels = table[table["level"] == "channel"].set_index("name")
    by_channel = frame.T.groupby(CHANNEL_OF).sum().T.abs().mean()
    np.testing.assert_allclose(channels["mean_abs_percent"], by_channel[channels.index])
    leaning = (features["direction"] * expected).groupby(CHANNEL_OF).sum()
    leaning /= expected.groupby(CHANNEL_OF).sum()
    np.testing.assert_allclose(channels["direction"], leaning[channels.index])


def test_a_direction_close_to_zero_is_none():
    assert [sign(d) for d in (0.5, FLAT / 2, -FLAT / 2, -0.5)] == ["+", "0", "0", "-"]


def test_a_model_without_a_single_flow_to_explain_used_nothing(shift, prepared):
    empty = np.full_like(prepared.matrices["totals_known", 2010], np.nan)
    table = model_drivers(shift, empty, horizons=HORIZONS, seed=1)
    assert (table["mean_abs_percent"] == 0).all()
    assert (table["share"] == 0).all()
    views = tree_views(shift, empty[:0], prepared.design.features, seed=1)
    assert (views["share_interventional"] == 0).all()


def test_ranges_are_those_of_the_members_and_of_the_model_shown(drivers):
    table = drivers.stability
    assert set(zip(table["kind"], table["of"], strict=True)) == {
        *(("origin", origin) for origin in (2008, 2009)),
        *(("seed", seed) for seed in (2, 3, 4, 5)),
    }
    for level, summary in (("feature", drivers.features), ("channel", drivers.channels)):
        for row in summary.to_dict("records"):
            mine = table[(table["level"] == level) & (table["name"] == row[level])]
            for name in ("rank", "share"):
                everyone = [*mine[name], row[name]]
                assert row[f"{name}_low"] == pytest.approx(min(everyone))
                assert row[f"{name}_high"] == pytest.approx(max(everyone))
            same = mine["direction"].map(sign) == row["found_sign"]
            for kind, members in (("origin", 2), ("seed", 4)):
                assert row[f"{kind}s"] == members
                assert row[f"{kind}s_same_sign"] == (same & (mine["kind"] == kind)).sum()
    # The seeds differ from each other.
    seeds = table[(table["kind"] == "seed") & (table["name"] == "persistence")]
    assert seeds["share"].nunique() == 4


def test_features_stand_beside_what_was_expected_of_them(drivers):
    found = drivers.features.set_index("feature")
    assert set(found.index) == set(NAMES)
    assert list(drivers.features["rank"]) == list(range(1, len(NAMES) + 1))
    for feature in FEATURES:
        row = found.loc[feature.name]
        assert (row["expected_sign"], row["source"]) == (feature.sign, feature.source)
        if row["mean_abs_percent"] == 0:
            expected = "not used"
        elif feature.sign in ("two-sided", "none"):
            expected = {"two-sided": "two-sided", "none": "no expectation"}[feature.sign]
        elif row["found_sign"] == "0":
            expected = "no direction"
        else:
            expected = "as expected" if row["found_sign"] == feature.sign else "against expectation"
        assert row["verdict"] == expected
    assert {"as expected", "two-sided"} <= set(found["verdict"])


def test_both_views_of_the_trees_are_shaps_own(shift, prepared):
    rows = prepared.design.features[:150]
    assert shift.booster_ is not None
    # SHAP's explainer takes other branches than LightGBM where cells are unknown.
    rows, background = np.nan_to_num(rows), np.nan_to_num(prepared.design.features[:90])
    views = tree_views(shift, rows, background, seed=3).set_index("name")
    explainer = shap.TreeExplainer(shift.booster_, background.astype(np.float64))
    broken = explainer.shap_values(rows.astype(np.float64))
    followed = shift.booster_.predict(rows, pred_contrib=True)[:, :-1]
    for view, values in (("interventional", broken), ("path_dependent", followed)):
        size = pd.DataFrame(values, columns=NAMES).T.groupby(CHANNEL_OF).sum().T.abs().mean()
        share = views[f"share_{view}"]
        np.testing.assert_allclose(share, (size / size.sum())[views.index], atol=1e-6)
        assert share.sum() == pytest.approx(1)
        used = share[share > 0]
        ranks = views.loc[used.index, f"rank_{view}"]
        assert list(ranks) == list(used.rank(ascending=False, method="first"))
    assert views["correlation"].max() > 0.8


def test_stability_tells_its_members_apart():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(20, len(NAMES))).astype(np.float32)
    one = driver_table(data.astype(np.float64), data.T, names=NAMES)
    table = stability_table([("origin", 2001, one), ("seed", 7, one)])
    assert list(table)[:2] == ["kind", "of"]
    assert len(table) == 2 * len(one)
