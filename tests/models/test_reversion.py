from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from features.catalogue import NAMES, positions
from models.design import HORIZON_COLUMN, Design
from models.reversion import INPUTS, PENALTY, SIZE_FEATURE, SMALLEST_ERROR, fit_reversion
from models.shift import CHOICES, ShiftChoice, ShiftModel, losses

quick = hypothesis_settings(max_examples=25, deadline=None)
SIZE = positions([SIZE_FEATURE])[0]
GAP, STRUCTURE = positions(["intensity_gap_3", "structure_gap"])


def design_of(features: np.ndarray, shift: np.ndarray) -> Design:
    rows = shift.size
    years = np.full(rows, 2010, dtype=np.int32)
    return Design(
        features.astype(np.float32),
        shift.astype(np.float32),
        np.ones(rows, dtype=np.float32),
        np.ones(rows, dtype=np.bool_),
        years - features[:, HORIZON_COLUMN].astype(np.int32),
        years,
    )


def rows_of(rows: int, *, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 0.5, (rows, len(NAMES)))
    features[:, SIZE] = rng.uniform(5, 20, rows)
    features[:, HORIZON_COLUMN] = rng.integers(1, 4, rows)
    return features


def test_slopes_of_every_size_class_are_found_despite_births_and_deaths():
    features = rows_of(60_000)
    small = features[:, SIZE] < np.quantile(features[:, SIZE], 0.2)
    slope = np.where(small, -0.6, -0.2)
    shift = (
        slope * features[:, GAP] * features[:, HORIZON_COLUMN] / 2 + 0.3 * features[:, STRUCTURE]
    )
    rng = np.random.default_rng(1)
    shift += rng.normal(0, 0.05, shift.size)
    outliers = rng.random(shift.size) < 0.05
    shift[outliers] = 2.0
    fitted = fit_reversion(design_of(features, shift), names=NAMES)
    probe = rows_of(2)
    probe[:] = probe[:1]
    probe[:, HORIZON_COLUMN] = 2
    probe[1, GAP] = probe[0, GAP] + 1
    for size, expected in ((6.0, -0.6), (15.0, -0.2)):
        probe[:, SIZE] = size
        low, high = fitted.predict(probe.astype(np.float32))
        assert high - low == pytest.approx(expected, abs=0.05)


def test_one_class_minimises_the_stated_loss():
    features = rows_of(3_000, seed=2)
    shift = -0.4 * features[:, GAP] + np.random.default_rng(3).standard_t(2, 3_000) * 0.3
    names = ("intensity_gap_3", "years_ahead")
    fitted = fit_reversion(design_of(features, shift), names=names)
    ahead = features[:, HORIZON_COLUMN] - features[:, HORIZON_COLUMN].mean()
    gap = np.float32(features[:, GAP]).astype(float)
    terms = np.column_stack([np.ones_like(gap), ahead, gap, gap * ahead])

    def loss(slopes):
        # Huber's loss with threshold d, over d.
        error = np.abs(np.float32(shift) - terms @ slopes)
        small = error < SMALLEST_ERROR
        huber = np.where(small, error**2 / (2 * SMALLEST_ERROR), error - SMALLEST_ERROR / 2)
        return huber.sum() + PENALTY / 2 * (slopes**2).sum()

    best = minimize(loss, np.zeros(4), tol=1e-10).x
    np.testing.assert_allclose(fitted.slopes[0], best, atol=1e-6)


@quick
@given(
    st.integers(0, 100),
    st.sets(st.sampled_from((*INPUTS, SIZE_FEATURE, "years_ahead", "distance")), min_size=1),
)
def test_contributions_sum_to_the_prediction(seed, names):
    features = rows_of(400, seed=seed)
    features[np.random.default_rng(seed).random(features.shape) < 0.05] = np.nan
    features[:, HORIZON_COLUMN] = 1 + np.arange(400) % 3
    names = tuple(name for name in NAMES if name in names)
    shift = np.clip(np.nan_to_num(features[:, GAP]), -2, 2)
    fitted = fit_reversion(design_of(features, shift), names=names)
    rows = features.astype(np.float32)
    parts = fitted.contributions(rows, names=names)
    assert parts.shape == (400, len(names) + 1)
    np.testing.assert_allclose(parts.sum(axis=1), fitted.predict(rows), atol=1e-9)
    # Over the training rows every feature's contributions average out.
    unused = [k for k, name in enumerate(names) if name == "distance"]
    assert not parts[:, unused].any()


def test_few_rows_are_shrunk_to_no_shift_and_none_predict_none():
    features = rows_of(30)
    fitted = fit_reversion(design_of(features, features[:, GAP]), names=NAMES)
    assert np.abs(fitted.predict(features.astype(np.float32))).max() < 0.4
    empty = fit_reversion(design_of(features[:0], features[:0, GAP]), names=NAMES)
    assert not empty.predict(features.astype(np.float32)).any()


def test_unknown_inputs_count_as_no_gap():
    features = rows_of(5_000)
    fitted = fit_reversion(design_of(features, -0.5 * features[:, GAP]), names=NAMES)
    unknown, none = rows_of(10), rows_of(10)
    unknown[:, GAP], none[:, GAP] = np.nan, 0
    np.testing.assert_array_equal(
        fitted.predict(unknown.astype(np.float32)), fitted.predict(none.astype(np.float32))
    )


@pytest.fixture(scope="module")
def fitted_half() -> tuple[ShiftModel, np.ndarray]:
    features = rows_of(2_000, seed=5)
    shift = np.clip(-0.5 * features[:, GAP], -2, 2)
    choice = ShiftChoice(0.25, linear_share=0.5)
    model = ShiftModel(NAMES, choice, rounds=10, seed=1, threads=1)
    return model.fit(design_of(features, shift)), features.astype(np.float32)


def test_the_blend_is_the_mean_and_its_contributions_add_up(fitted_half):
    model, rows = fitted_half
    assert model.booster_ is not None
    assert model.reversion_ is not None
    both = 0.5 * (model.booster_.predict(rows) + model.reversion_.predict(rows))
    np.testing.assert_allclose(model.predict(rows), both, atol=1e-12)
    np.testing.assert_allclose(model.contributions(rows).sum(axis=1), both, atol=1e-6)


def test_nested_losses_cover_every_choice_and_ignore_later_years():
    features = rows_of(4_000, seed=6)
    shift = np.clip(-0.5 * features[:, GAP], -2, 2)
    design = design_of(features, shift)
    years = np.sort(np.random.default_rng(7).integers(2000, 2010, 4_000)).astype(np.int32)
    design = Design(design.features, design.shift, design.base, design.traded, years - 1, years)
    full = losses(design, names=NAMES, year=2006, seed=0, threads=1, rounds=5)
    cut = losses(design.until(2006), names=NAMES, year=2006, seed=0, threads=1, rounds=5)
    assert tuple(full) == CHOICES
    assert full == cut
    # What drives the shift here is linear in one input: the mix must win over trees of five rounds.
    best = min(full, key=full.__getitem__)
    assert best.linear_share > 0
