"""Sampled Shapley values: they add up, and approach the exact ones of all coalitions."""

from __future__ import annotations

from itertools import product
from math import factorial

import numpy as np

from models.permutation_shap import DRAWS, background_rows, permutation_shap

RNG = np.random.default_rng(3)
BACKGROUND = RNG.normal(size=(DRAWS, 5)).astype(np.float32)
ROWS = RNG.normal(size=(40, 5)).astype(np.float32)
GROUPS = ("a", "a", "b", "b", "c")


def curved(rows):
    x = np.nan_to_num(rows.astype(np.float64))
    return x[:, 0] * x[:, 2] + np.sin(x[:, 1]) + np.maximum(x[:, 3], x[:, 4])


def plain(rows):
    return rows.astype(np.float64) @ [1.0, 2.0, 0.0, -1.0, 0.5]


def test_values_add_up_and_the_base_is_the_mean_of_the_background():
    rows = ROWS.copy()
    rows[::3, 1] = np.nan
    found = permutation_shap(curved, rows, BACKGROUND, groups=GROUPS)
    np.testing.assert_allclose(found.sum(axis=1), curved(rows), atol=1e-12)
    np.testing.assert_allclose(found[:, -1], curved(BACKGROUND).mean())


def test_where_effects_are_additive_there_is_no_error():
    found = permutation_shap(plain, ROWS, BACKGROUND, groups=GROUPS)
    exact = (ROWS - BACKGROUND.mean(axis=0)) * [1.0, 2.0, 0.0, -1.0, 0.5]
    np.testing.assert_allclose(found[:, :-1], exact, atol=1e-6)


def all_coalitions(rows):
    """Exact Shapley values of every feature as a player of its own, ``[row, feature]``."""
    count = rows.shape[1]
    worth = {}
    for taken in product((False, True), repeat=count):
        mixed = np.where(taken, rows[:, None, :], BACKGROUND[None, :, :])
        worth[taken] = curved(mixed.reshape(-1, count)).reshape(len(rows), -1).mean(axis=1)
    out = np.zeros(rows.shape)
    for feature in range(count):
        for taken, value in worth.items():
            if not taken[feature]:
                size = sum(taken)
                weight = factorial(size) * factorial(count - size - 1) / factorial(count)
                joined = (*taken[:feature], True, *taken[feature + 1 :])
                out[:, feature] += weight * (worth[joined] - value)
    return out


def test_estimates_are_near_the_exact_values_of_all_coalitions():
    found, exact = (
        permutation_shap(curved, ROWS, BACKGROUND, groups=tuple("abcde")),
        all_coalitions(ROWS),
    )
    assert np.corrcoef(found[:, :-1].ravel(), exact.ravel())[0, 1] > 0.9
    assert np.abs(found[:, :-1] - exact).mean() < 0.5 * np.abs(exact).mean()


def test_a_row_is_explained_alike_whatever_stands_beside_it():
    whole = permutation_shap(curved, ROWS, BACKGROUND, groups=GROUPS)
    np.testing.assert_array_equal(
        whole[7:9], permutation_shap(curved, ROWS[7:9], BACKGROUND, groups=GROUPS)
    )


def test_the_background_stands_for_the_mean_of_all_rows():
    rows = np.random.default_rng(1).normal(size=(2_000, 5)).astype(np.float32)
    chosen = background_rows(plain, rows)
    assert chosen.shape == (DRAWS, 5)
    assert abs(plain(chosen).mean() - plain(rows).mean()) < 0.1 * plain(rows).std()
