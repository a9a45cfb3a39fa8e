"""Net contributions: what a regression on exporter and importer effects leaves of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from forecasting.explanation.reallocation import log_mean, net_of_totals

positive = st.floats(1e-3, 1e12)


@given(positive, positive)
def test_the_logarithmic_mean_turns_a_log_change_into_the_change_itself(a, b):
    mean = log_mean(np.array([a]), np.array([b]))[0]
    assert_allclose(mean * np.log(a / b), a - b, rtol=1e-9, atol=1e-9 * max(a, b))
    assert min(a, b) * (1 - 1e-9) <= mean <= max(a, b) * (1 + 1e-9)


@given(positive, st.floats(-1e-5, 1e-5))
def test_the_logarithmic_mean_keeps_its_digits_where_both_are_nearly_the_same(a, apart):
    got = log_mean(np.array([a * np.exp(apart)]), np.array([a]))[0]
    exact = a * (1 + apart / 2 + apart**2 / 6)
    assert_allclose(got, exact, rtol=1e-14)


@st.composite
def flows(draw, *, sectors: bool = False, dense: bool = False):
    """A table of explained flows and their contributions, gaps and lone flows included."""
    countries = [f"X{letter}{letter}" for letter in "ABCDE"]
    pairs = [(i, j) for i in countries for j in countries if i != j]
    names = ("goods", "services") if sectors else ("",)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = []
    for horizon in (1, 2):
        for sector in names:
            share = 1.0 if dense else draw(st.sampled_from([0.1, 0.4, 0.9]))
            rows += [(i, j, sector, horizon) for i, j in pairs if rng.random() < share]
    table = pd.DataFrame(rows or [("XAA", "XBB", names[0], 1)],
                         columns=["exporter", "importer", "sector", "horizon"])  # fmt: skip
    table["base"] = rng.lognormal(10, 2, len(table))
    table["forecast"] = table["base"] * rng.lognormal(0, 0.3, len(table))
    values = rng.normal(0, 20, (len(table), 3))
    return values, table if sectors else table.drop(columns="sector")


def by_dummies(values: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """The same by dense least squares on dummies, block by block."""
    out = np.empty_like(values)
    keys = [name for name in ("horizon", "sector") if name in rows]
    for _, block in rows.groupby(keys):
        dummies = pd.get_dummies(block[["exporter", "importer"]]).to_numpy(dtype=float)
        f, b = block["forecast"].to_numpy(), block["base"].to_numpy()
        root = np.sqrt((f - b) / np.log(f / b))
        y = values[block.index]
        fit = np.linalg.lstsq(dummies * root[:, None], y * root[:, None], rcond=None)[0]
        out[block.index] = y - dummies @ fit
    return out


@settings(max_examples=30, deadline=None)
@given(flows())
def test_net_contributions_are_the_residuals_of_a_weighted_regression_on_dummies(given_flows):
    values, rows = given_flows
    assert_allclose(net_of_totals(values, rows), by_dummies(values, rows), atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(flows(sectors=True))
def test_every_sector_is_netted_by_itself(given_flows):
    values, rows = given_flows
    assert_allclose(net_of_totals(values, rows), by_dummies(values, rows), atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(flows())
def test_over_the_partners_of_every_country_nothing_is_left_in_usd(given_flows):
    values, rows = given_flows
    weights = log_mean(rows["forecast"].to_numpy(), rows["base"].to_numpy())
    usd = pd.DataFrame(weights[:, None] * net_of_totals(values, rows))
    for side in ("exporter", "importer"):
        sums = usd.groupby([rows["horizon"], rows[side]]).sum()
        assert_allclose(sums, 0.0, atol=1e-7 * weights.sum())


@settings(max_examples=20, deadline=None)
@given(flows(dense=True))
def test_what_moves_all_flows_of_a_country_alike_is_taken_out(given_flows):
    values, rows = given_flows
    rng = np.random.default_rng(1)
    codes = [pd.Categorical(rows[side]).codes for side in ("exporter", "importer")]
    alike = rng.normal(0, 30, 5)[codes[0]] + rng.normal(0, 30, 5)[codes[1]]
    assert_allclose(net_of_totals(alike[:, None], rows), 0.0, atol=1e-8)
    moved = net_of_totals(values + alike[:, None], rows)
    assert_allclose(moved, net_of_totals(values, rows), atol=1e-8)
    assert np.abs(moved).max() > 1
