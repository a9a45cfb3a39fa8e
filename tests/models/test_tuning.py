"""The search over the booster's parameters: what it sees, what it keeps, and whom it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import NAMES
from features.errors import InputError
from models.design import HORIZON_COLUMN, Design
from models.shift import CHOICES, DEFAULT_PARAMS, ShiftModel
from models.tuning import TunedChoice, TuningTrial, best_trial, check_tuning, tuning_trials

YEAR = 2008
CHOICE = CHOICES[-1]


def design(*, rows: int = 1_200, seed: int = 0) -> Design:
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 0.5, (rows, len(NAMES))).astype(np.float32)
    features[:, HORIZON_COLUMN] = 1
    target = np.sort(rng.integers(1998, 2012, rows)).astype(np.int32)
    shift = np.clip(features[:, 0] + rng.normal(0, 0.3, rows), -1.9, 1.9).astype(np.float32)
    base = rng.lognormal(10, 2, rows).astype(np.float32)
    return Design(features, shift, base, np.ones(rows, dtype=np.bool_), target - 1, target)


def study(rows: Design, *, trials: int = 3, **options: object) -> tuple[TuningTrial, ...]:
    model = ShiftModel(rounds=6, seed=1, threads=1, params=dict(options))
    return tuning_trials(rows, year=YEAR, choice=CHOICE, model=model, trials=trials, max_rows=1_000)


@pytest.fixture(scope="module")
def found():
    return study(design())


def test_the_first_trial_is_the_run_itself(found):
    assert found[0].rounds == 6
    assert {DEFAULT_PARAMS[name] == value for name, value in found[0].params.items()} == {True}
    assert len({trial.loss for trial in found}) == len(found)


def test_it_sees_no_year_after_its_origin(found):
    rows = design()
    later = rows.target_year > YEAR
    shift = np.where(later, -rows.shift, rows.shift)
    base = np.where(later, 1e3 * rows.base, rows.base)
    assert study(replace(rows, shift=shift, base=base)) == found
    # The last year that it may see does count.
    seen = rows.target_year == YEAR
    assert study(replace(rows, shift=np.where(seen, -rows.shift, rows.shift))) != found


def test_what_the_user_gave_is_not_searched():
    given = {"learning_rate": 0.2, "max_bin": 31}
    trials = study(design(), shrinkage_rate=0.2, max_bin=31)
    assert all({name: trial.params[name] for name in given} == given for trial in trials)
    assert len({trial.params["num_leaves"] for trial in trials}) > 1


def test_the_best_trial_becomes_the_booster_of_the_choice(found):
    best = best_trial(found)
    assert best.loss == min(trial.loss for trial in found)
    choice = best.choice(CHOICE)
    assert isinstance(choice, TunedChoice)
    assert choice.weights == CHOICE
    assert choice.booster(6, {}) == (best.rounds, best.params)
    assert CHOICE.booster(6, {"max_bin": 31}) == (6, {"max_bin": 31})


def test_of_equal_trials_the_first_is_the_best():
    first, second = (TuningTrial(rounds, {}, 1.0) for rounds in (5, 6))
    assert best_trial((first, second)) is first


def test_another_learner_or_a_missing_package_is_refused(monkeypatch):
    with pytest.raises(InputError, match="the learner is another"):
        check_tuning("sklearn.linear_model:Ridge()")
    check_tuning("lightgbm")
    monkeypatch.setattr("models.tuning.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"gravicast\[tune\]"):
        check_tuning("lightgbm")
