"""Shrunk variances, on units of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from models.moderated_variances import moderated_variances


def _estimates(rng, truth, freedom):
    return truth * rng.chisquare(freedom, truth.size) / freedom


@pytest.mark.parametrize("freedom", [1.6, 4.0, 12.0])
def test_equal_variances_become_equal(freedom):
    rng = np.random.default_rng(0)
    estimates = _estimates(rng, np.full(3_000, 2.0), freedom)
    found = moderated_variances(estimates, [np.arange(3_000)], freedom=freedom)
    assert found.std() < 0.25 * estimates.std()
    assert found.mean() == pytest.approx(2.0, rel=0.15)


@pytest.mark.parametrize("prior", [3.0, 8.0])
def test_shrunk_variances_are_nearer_to_the_truth_as_the_bayes_rule_that_knows_the_prior(prior):
    rng = np.random.default_rng(1)
    truth, freedom = prior / rng.chisquare(prior, 2_000), 4.0
    estimates = _estimates(rng, truth, freedom)
    found = moderated_variances(estimates, [np.arange(2_000)], freedom=freedom)
    best = (prior + freedom * estimates) / (prior + freedom)
    assert np.corrcoef(np.log(found), np.log(best))[0, 1] > 0.999
    assert found == pytest.approx(best, rel=0.25)


def test_a_group_shrinks_to_itself_and_units_outside_are_zero():
    rng = np.random.default_rng(2)
    truth = np.repeat([1.0, 100.0], 200)
    estimates = np.append(_estimates(rng, truth, 4.0), 7.0)
    groups = [np.arange(200), np.arange(200, 400)]
    found = moderated_variances(estimates, groups, freedom=4.0)
    assert found[:200].max() < 5 < 30 < found[200:400].min()
    assert found[400] == 0
