"""Nested validation of the shift: what is held out, how errors are measured, and every trial."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.catalogue import NAMES, positions
from models.design import HORIZON_COLUMN, Design, grow, midpoint_growth
from models.shift import (
    FEWEST_ROWS,
    VALIDATION_YEARS,
    ValidationErrors,
    validation_errors,
    validation_rows,
)
from models.trials import STANDARD, Trial, trial_errors, trials

YEAR = 2008
GAP = positions(["intensity_gap_3"])[0]


def design(*, rows: int = 3_000, horizons: int = 3, seed: int = 0, first: int = 1999) -> Design:
    """Shifts that revert to the gap, ordered by target year."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 0.5, (rows, len(NAMES))).astype(np.float32)
    horizon = rng.integers(1, horizons + 1, rows)
    target = np.sort(rng.integers(first, 2012, rows))
    features[:, HORIZON_COLUMN] = horizon
    shift = np.clip(-0.6 * features[:, GAP] + rng.normal(0, 0.1, rows), -1.9, 1.9)
    return Design(
        features,
        shift.astype(np.float32),
        rng.lognormal(10, 2, rows).astype(np.float32) * (rng.random(rows) < 0.9),
        np.ones(rows, dtype=np.bool_),
        (target - horizon).astype(np.int32),
        target.astype(np.int32),
    )


# What is held out ---------------------------------------------------------------------------------


@hypothesis_settings(max_examples=40, deadline=None)
@given(year=st.integers(2001, 2011), horizons=st.integers(1, 5), seed=st.integers(0, 99))
def test_no_origin_is_learnt_from_and_judged_on(year, horizons, seed):
    rows = design(rows=800, horizons=horizons, seed=seed)
    past, judged = validation_rows(rows, year=year)
    assert past.target_year.max() <= year - 1
    assert judged.target_year.max() <= year
    # An origin's flows are looked at once it is over: nothing of them was learnt before.
    assert judged.origin.min() >= past.target_year.max()
    assert not set(past.origin) & set(judged.origin)
    assert (judged.base > 0).all()


def test_three_years_are_held_out_where_there_are_as_many():
    past, judged = validation_rows(design(), year=YEAR)
    assert past.target_year.max() == YEAR - VALIDATION_YEARS
    assert set(judged.origin) == {YEAR - 3, YEAR - 2, YEAR - 1}


def test_a_short_panel_holds_out_fewer():
    rows = design(first=2007)
    past, judged = validation_rows(rows, year=YEAR)
    assert past.shift.size >= FEWEST_ROWS
    assert set(past.target_year) == {2007}
    assert set(judged.origin) == {2007}


# How errors are measured --------------------------------------------------------------------------


def test_errors_are_those_of_the_scoreboard_relative_to_no_shift():
    rows = validation_rows(design(), year=YEAR)[1]
    predicted = np.full(rows.shift.size, 0.1)
    predicted[:5] = -2.0
    truth, base = grow(rows.base, rows.shift), rows.base.astype(float)
    forecast = grow(base, predicted)
    both = forecast > 0
    found = validation_errors(rows, predicted)
    alike = [np.abs(midpoint_growth(truth, f)).sum() for f in (forecast, base)]
    assert found.alike == pytest.approx(alike[0] / alike[1], rel=1e-6)
    assert found.money == pytest.approx(
        np.abs(truth - forecast).sum() / np.abs(truth - base).sum(), rel=1e-6
    )
    logs = np.abs(np.log(truth[both] / forecast[both])).mean(), np.abs(np.log(truth / base)).mean()
    assert found.ratio == pytest.approx(logs[0] / logs[1], rel=1e-6)
    assert found.total == found.alike + found.money + found.ratio


def test_no_shift_has_errors_of_one_and_the_truth_none():
    rows = validation_rows(design(), year=YEAR)[1]
    nothing = validation_errors(rows, np.zeros(rows.shift.size))
    assert (nothing.alike, nothing.money, nothing.ratio) == pytest.approx((1, 1, 1))
    assert validation_errors(rows, rows.shift.astype(float)).total == pytest.approx(0, abs=1e-5)


# Trials -------------------------------------------------------------------------------------------


def errors(trial: Trial, rows: Design) -> ValidationErrors:
    quick = {"min_data_in_leaf": 20, **trial.params}
    return trial_errors(replace(trial, rounds=10, params=quick), rows, year=YEAR, seed=1, threads=1)


def test_trials_differ_from_the_standard_by_what_they_are_named_for():
    everything = trials()
    assert everything[0] == STANDARD
    names = [(trial.question, trial.answer) for trial in everything]
    assert len(set(names)) == len(names)
    unnamed = [replace(t, question="", answer="", params=dict(t.params)) for t in everything]
    assert all(unnamed.count(trial) == 1 for trial in unnamed)


@pytest.mark.parametrize("trial", trials(), ids=lambda trial: f"{trial.question}: {trial.answer}")
def test_a_trial_learns_and_sees_nothing_after_its_origin(trial):
    rows = design()
    found = errors(trial, rows)
    assert found == errors(trial, rows.until(YEAR))
    # Half of the shift's variation is the gap; without the flow's own means it cannot be found.
    assert found.total < 3.0 or "own means" in trial.answer


@pytest.mark.parametrize(
    "trial",
    [trial for trial in trials() if trial.question not in ("standard", "forecast at zero")],
    ids=lambda trial: f"{trial.question}: {trial.answer}",
)
def test_a_trial_changes_the_forecast(trial):
    found = trial_errors(trial, design(), year=YEAR, seed=1, threads=1)
    assert found != standard_errors()


@cache
def standard_errors() -> ValidationErrors:
    return trial_errors(STANDARD, design(), year=YEAR, seed=1, threads=1)


def test_a_flow_that_ends_is_forecast_at_zero_where_its_end_is_likely():
    """Where size alone says which flows stop, the hurdle gets nearly every one of them right."""
    rows = design()
    ends = rows.features[:, positions(["log_value"])[0]] < 0
    shift = np.where(ends, np.float32(-2), rows.shift)
    dying = replace(rows, shift=shift, traded=~ends)
    hurdle = next(trial for trial in trials() if trial.answer == "below 50%")
    with_hurdle, without = errors(hurdle, dying), errors(STANDARD, dying)
    assert with_hurdle.alike < 0.5 * without.alike
    assert with_hurdle.ratio == pytest.approx(without.ratio, rel=0.05)
