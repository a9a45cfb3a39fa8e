"""Absorption that output can meet: reachable, and forecast absorption where nothing is amiss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.flows import FlowIndex
from models.absorption import reachable_absorption
from models.raking import rake

quick = hypothesis_settings(max_examples=30, deadline=None)
FLOWS = FlowIndex(("AAA", "AAB", "AAC", "AAD", "AAE"), ("a", "b"), diagonal=True)
seeds = st.integers(0, 2**32 - 1)


def matrix(seed: int, *, abroad: float, zeros: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.lognormal(20, 1, FLOWS.size) * np.where(FLOWS.domestic, 1.0, abroad)
    return values * (FLOWS.domestic | (rng.random(FLOWS.size) >= zeros))


def divergence(found: np.ndarray, wanted: np.ndarray) -> float:
    """Kullback-Leibler divergence of unnormalised totals."""
    return float((found * np.log(found / wanted) - found + wanted).sum())


def by_sector(totals: np.ndarray) -> np.ndarray:
    return totals.reshape(-1, len(FLOWS.sectors)).sum(axis=0)


@quick
@given(seeds, st.sampled_from([0.0, 1e-6, 1e-3, 0.5]), st.sampled_from([0.0, 0.5, 0.9]))
def test_raking_meets_both_sides_to_the_tolerance(seed, abroad, zeros):
    rng = np.random.default_rng((seed, 1))
    value = matrix(seed, abroad=abroad, zeros=zeros)
    exporter, importer = (
        side * rng.lognormal(0, 0.05, FLOWS.margins)
        for side in (FLOWS.exporter_totals(value), FLOWS.importer_totals(value))
    )
    absorbed = reachable_absorption(value, exporter, importer, flows=FLOWS)
    np.testing.assert_allclose(by_sector(absorbed), by_sector(exporter), rtol=1e-9)
    raked = rake(value, flows=FLOWS, exporter_totals=exporter, importer_totals=absorbed)
    assert raked.largest_gap <= 1e-6
    np.testing.assert_allclose(FLOWS.importer_totals(raked.values), absorbed, rtol=2e-6)


@quick
@given(seeds, st.sampled_from([1e-3, 0.5]))
def test_absorption_that_fits_output_is_taken_as_it_is(seed, abroad):
    value = matrix(seed, abroad=abroad)
    growth = np.random.default_rng((seed, 1)).lognormal(0, 0.3, FLOWS.size // 5)
    moved = value * growth[FLOWS.importer_margin]
    exporter, importer = FLOWS.exporter_totals(moved), FLOWS.importer_totals(moved)
    # Output alone says all there is to say: the matrix it scales has these importer totals.
    scaled = value * (exporter / FLOWS.exporter_totals(value))[FLOWS.exporter_margin]
    fits = FLOWS.importer_totals(scaled)
    np.testing.assert_allclose(
        reachable_absorption(value, exporter, fits, flows=FLOWS), fits, rtol=1e-9
    )
    # The forecast bends it, the more the more a country trades abroad.
    found = reachable_absorption(value, exporter, importer, flows=FLOWS)
    assert divergence(found, importer) < 0.999 * divergence(fits, importer)


def test_where_nothing_crosses_a_border_absorption_is_output():
    value = matrix(0, abroad=0.0)
    exporter = FLOWS.exporter_totals(value) * 1.1
    found = reachable_absorption(value, exporter, exporter * 1.3, flows=FLOWS)
    np.testing.assert_allclose(found, exporter, rtol=1e-12)


@pytest.mark.filterwarnings("error")
def test_margins_without_a_flow_are_left_at_nothing():
    value = matrix(1, abroad=0.5)
    value[FLOWS.exporter_margin == 3] = 0
    value[FLOWS.importer_margin == 4] = 0
    exporter, importer = np.ones(FLOWS.margins), np.ones(FLOWS.margins)
    found = reachable_absorption(value, exporter, importer, flows=FLOWS)
    assert found[4] == 0
    assert np.isfinite(found).all()
