"""Reasons add up to the forecast, by feature and by channel, in percent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import CHANNEL_OF, NAMES
from forecasting.explanation.explain import (
    attribution_table,
    channel_columns,
    channel_summary,
    explain,
    flow_keys,
)
from models.design import at_horizon


@pytest.fixture(scope="module", params=[(), ("goods", "services")], ids=["plain", "sectors"])
def forecaster(request, make_forecaster):
    return make_forecaster(sectors=request.param)


@pytest.fixture(scope="module")
def forecasts(forecaster):
    return {horizon: forecaster.flow_forecast(horizon) for horizon in (1, 2)}


@pytest.fixture(scope="module")
def explanation(forecaster, forecasts):
    return explain(forecaster, forecasts)


def moved(explanation) -> np.ndarray:
    """Percent by which each explained flow moves from its base."""
    rows = explanation.rows
    return 100 * np.log(rows["forecast"].to_numpy() / rows["base"].to_numpy())


def test_base_value_features_and_raking_sum_to_the_percent_moved(explanation):
    values = explanation.values.sum(axis=1, dtype=np.float64)
    total = explanation.base_values + values + explanation.raking
    np.testing.assert_allclose(total, moved(explanation), atol=1e-10)
    # Not for want of anything to explain.
    assert np.abs(explanation.values).max(axis=1).min() > 0.1
    assert np.abs(moved(explanation)).max() > 5


def test_without_the_raking_they_sum_to_the_shift_alone(explanation, forecasts):
    share = explanation.base_values + explanation.values.sum(axis=1, dtype=np.float64)
    horizon = explanation.rows["horizon"].to_numpy()
    for h, forecast in forecasts.items():
        g = forecast.shift[(forecast.base > 0) & (forecast.forecast > 0)]
        expected = 100 * np.log((2 + g) / (2 - g))
        np.testing.assert_allclose(share[horizon == h], expected, atol=1e-4)


def test_a_flow_is_explained_in_the_proportions_of_the_boosters_own_contributions(
    explanation, forecaster, forecasts
):
    rows = (forecasts[2].base > 0) & (forecasts[2].forecast > 0)
    raw = forecaster.shift.contributions(at_horizon(forecaster.features, 2)[rows])
    mine = explanation.rows["horizon"].to_numpy() == 2
    ours = np.column_stack([explanation.values[mine], explanation.base_values[mine]])
    np.testing.assert_allclose(
        ours * raw.sum(axis=1, keepdims=True),
        raw * ours.sum(axis=1, keepdims=True),
        atol=1e-3,
    )


def test_every_flow_with_a_base_is_explained_under_its_own_name(explanation, forecaster, forecasts):
    rows, flows = explanation.rows, forecaster.flows
    for horizon, forecast in forecasts.items():
        part = rows[rows["horizon"] == horizon].reset_index(drop=True)
        chosen = np.flatnonzero((forecast.base > 0) & (forecast.forecast > 0))
        assert 0 < chosen.size < flows.size  # the tiny world has flows without a base
        names = np.array(flows.countries)
        assert (part["exporter"].astype(str) == names[flows.exporter[chosen]]).all()
        assert (part["importer"].astype(str) == names[flows.importer[chosen]]).all()
        assert ("sector" in part) == flows.has_sectors
        if flows.has_sectors:
            sectors = np.array(flows.sectors)
            assert (part["sector"].astype(str) == sectors[flows.sector[chosen]]).all()
        np.testing.assert_array_equal(part["base"], forecast.base[chosen])
        np.testing.assert_array_equal(part["forecast"], forecast.forecast[chosen])
        assert (part["origin"] == 2010).all()
        assert (part["target_year"] == 2010 + horizon).all()
        mine = (rows["horizon"] == horizon).to_numpy()
        np.testing.assert_array_equal(
            explanation.data[mine], at_horizon(forecaster.features, horizon)[chosen]
        )


def test_contributions_that_do_not_add_up_are_refused(forecaster, forecasts):
    wrong = {h: replace(f, shift=f.shift + 1e-3) for h, f in forecasts.items()}
    with pytest.raises(FloatingPointError, match="do not sum"):
        explain(forecaster, wrong)


def test_a_shift_beyond_the_limit_still_adds_up(forecaster, forecasts):
    # A hundred times the prediction leaves [-1.9, 1.9] for some flows.
    class Steep(type(forecaster.shift)):  # type: ignore[misc]
        def contributions(self, features, **how):
            return 100 * super().contributions(features, **how)

    shift = Steep()
    vars(shift).update(vars(forecaster.shift))
    steep = {
        h: replace(
            f, shift=np.clip(100 * shift.predict(at_horizon(forecaster.features, h)), -1.9, 1.9)
        )
        for h, f in forecasts.items()
    }
    assert any((np.abs(f.shift) == 1.9).any() for f in steep.values())
    got = explain(replace(forecaster, shift=shift), steep)
    total = got.base_values + got.values.sum(axis=1, dtype=np.float64) + got.raking
    np.testing.assert_allclose(total, moved(got), atol=1e-3)
    assert np.isfinite(got.values).all()


# By channel ---------------------------------------------------------------------------------------


def test_channels_divide_the_features(explanation):
    columns = channel_columns(explanation.feature_names)
    everything = np.sort(np.concatenate(list(columns.values())))
    np.testing.assert_array_equal(everything, np.arange(len(NAMES)))
    for channel, mine in columns.items():
        assert {CHANNEL_OF[NAMES[k]] for k in mine} == {channel}


def test_the_table_holds_every_feature_and_the_sum_of_each_channel(explanation):
    table = attribution_table(explanation)
    channels = {name: CHANNEL_OF[name] for name in NAMES}
    assert set(table) == {
        *explanation.rows.columns,
        *(f"total:{term}" for term in ("world", "exporter", "importer", "adjustment")),
        *("base_value", "raking"),
        *NAMES,
        *(f"{kind}:{channel}" for channel in channels.values() for kind in ("channel", "net")),
        "net:totals",
    }
    for channel in set(channels.values()):
        of_channel = [name for name in NAMES if channels[name] == channel]
        np.testing.assert_allclose(
            table[f"channel:{channel}"], table[of_channel].sum(axis=1), atol=1e-3
        )
    by_channel = table.filter(like="channel:").sum(axis=1)
    np.testing.assert_allclose(
        table["base_value"] + by_channel + table["raking"], moved(explanation), atol=1e-10
    )
    np.testing.assert_allclose(
        table.filter(like="net:").sum(axis=1), moved(explanation), atol=1e-10
    )


def test_totals_lead_from_the_origin_to_the_base(explanation, forecaster, forecasts):
    rows, flows = explanation.rows, forecaster.flows
    grown = 100 * np.log(rows["base"].to_numpy() / rows["value_origin"].to_numpy())
    np.testing.assert_allclose(explanation.totals.sum(axis=1), grown, atol=1e-10)
    keys = [name for name in ("exporter", "importer", "sector") if name in rows]
    table = flow_keys(flows, slice(None)).astype(str)
    for horizon, forecast in forecasts.items():
        both = table.assign(then=forecaster.value, now=forecast.base)
        of_sector = keys[2:]

        def growth(by, both=both):
            sums = both.groupby(by)[["then", "now"]].sum() if by else both[["then", "now"]].sum()
            return 100 * np.log(sums["now"] / sums["then"])

        world, exporter, importer = (
            growth([*side, *of_sector]) for side in ([], ["exporter"], ["importer"])
        )
        part = rows[rows["horizon"] == horizon].astype(dict.fromkeys(keys, str))
        found = explanation.totals[(rows["horizon"] == horizon).to_numpy()]
        for k in range(0, len(part), 7):
            row = part.iloc[k]
            sector = tuple(row[name] for name in of_sector)
            of_world = world[sector[0]] if sector else world
            of_exporter = exporter[(row["exporter"], *sector) if sector else row["exporter"]]
            of_importer = importer[(row["importer"], *sector) if sector else row["importer"]]
            assert found[k, 0] == pytest.approx(of_world, abs=1e-9)
            assert found[k, 1] == pytest.approx(of_exporter - of_world, abs=1e-9)
            assert found[k, 2] == pytest.approx(of_importer - of_world, abs=1e-9)


def test_net_contributions_reallocate_trade_and_create_none(explanation):
    table = attribution_table(explanation)
    keys = ["horizon", *(["sector"] if "sector" in table else [])]
    change = table["forecast"] - table["base"]
    worth = change / np.log(table["forecast"] / table["base"])
    usd = table.filter(like="net:").mul(worth / 100, axis=0).drop(columns="net:totals")
    assert np.abs(usd.to_numpy()).max() > 1e3
    for side in ("exporter", "importer"):
        by = [table[name] for name in (side, *keys)]
        sums = usd.groupby(by, observed=True).sum()
        scale = usd.abs().groupby(by, observed=True).sum().to_numpy().max()
        assert np.abs(sums.to_numpy()).max() < 1e-9 * scale


def test_the_summary_ranks_channels_by_their_mean_absolute_part(explanation):
    summary, table = channel_summary(explanation), attribution_table(explanation)
    parts = table.filter(like="channel:").abs().mean()
    parts.index = [name.removeprefix("channel:") for name in parts.index]
    parts = parts.sort_values(ascending=False)
    assert summary["mean_abs_percent"].is_monotonic_decreasing
    assert set(summary["channel"]) == set(parts.index)
    net = table.filter(like="net:").abs().mean()
    for channel, size in summary.set_index("channel")["mean_abs_net_percent"].items():
        assert size == pytest.approx(net[f"net:{channel}"])
    found = summary.set_index("channel")["mean_abs_percent"]
    np.testing.assert_allclose(found.to_numpy(), parts[found.index].to_numpy(), rtol=1e-4)
    assert summary["share"].sum() == pytest.approx(1)
    np.testing.assert_allclose(
        summary["share"], summary["mean_abs_percent"] / summary["mean_abs_percent"].sum()
    )
