"""The fold plan: rolling origins as pure data, whose outcomes the panel holds."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from features.errors import InputError
from forecasting import Fold, plan_folds
from forecasting.evaluation.folds import LEARNING_YEARS, MOST_ORIGINS, tuning_years

YEARS = st.integers(1800, 2150)
HORIZONS = st.sets(st.integers(1, 10), min_size=1, max_size=4).map(lambda h: tuple(sorted(h)))


def test_a_plan_written_out():
    plan = plan_folds(first_year=2000, last_year=2008, horizons=(1, 3), first_origin=2006)
    assert plan == (
        Fold(2006, (1,), (2000, 2001, 2002, 2003, 2004, 2005)),
        Fold(2007, (1,), (2000, 2001, 2002, 2003, 2004, 2005, 2006)),
    )


def test_a_plan_is_frozen_and_the_same_every_time():
    plan = plan_folds(first_year=1995, last_year=2017, horizons=(1, 2, 3))
    assert plan == plan_folds(first_year=1995, last_year=2017, horizons=(1, 2, 3))
    assert hash(plan) == hash(plan_folds(first_year=1995, last_year=2017, horizons=(1, 2, 3)))
    with pytest.raises(FrozenInstanceError):
        plan[0].origin = 1990  # type: ignore[misc]


def test_the_protocol_of_the_evaluation_is_the_default_on_its_panel():
    plan = plan_folds(first_year=1995, last_year=2017, horizons=(1, 2, 3, 5))
    origins = {h: [fold.origin for fold in plan if h in fold.horizons] for h in (1, 2, 3, 5)}
    assert {h: (o[0], o[-1], len(o)) for h, o in origins.items()} == {
        1: (2003, 2016, 14),
        2: (2003, 2015, 13),
        3: (2003, 2014, 12),
        5: (2003, 2012, 10),
    }


@given(first=YEARS, length=st.integers(1, 40), horizons=HORIZONS)
def test_folds_roll_over_every_origin_whose_outcome_is_known(first, length, horizons):
    last = first + length - 1
    try:
        plan = plan_folds(first_year=first, last_year=last, horizons=horizons)
    except InputError:
        assume(False)
    origins = [fold.origin for fold in plan]
    assert origins == list(range(origins[0], last - min(horizons) + 1))
    for fold in plan:
        # Exactly the horizons whose target year the panel holds, and never none.
        assert fold.horizons == tuple(h for h in horizons if fold.origin + h <= last)
        assert fold.horizons
        # Exactly the origins whose shortest horizon has ended by the fold's own.
        assert fold.train_origins
        assert fold.train_origins == tuple(
            year for year in range(first, last + 1) if year + min(horizons) <= fold.origin
        )


@given(first=YEARS, length=st.integers(1, 40), horizons=HORIZONS)
def test_the_first_fold_knows_an_outcome_at_every_horizon(first, length, horizons):
    try:
        plan = plan_folds(first_year=first, last_year=first + length - 1, horizons=horizons)
    except InputError:
        assume(False)
    assert plan[0].origin - max(horizons) > first
    assert plan[0].train_origins[0] + max(horizons) <= plan[0].origin


@given(first=YEARS, length=st.integers(1, 60), horizons=HORIZONS)
def test_by_default_eight_years_are_learned_from_and_the_last_fourteen_origins_scored(
    first, length, horizons
):
    last = first + length - 1
    try:
        plan = plan_folds(first_year=first, last_year=last, horizons=horizons)
    except InputError:
        assume(False)
    assert len(plan) <= MOST_ORIGINS == 14
    start, earliest = plan[0].origin, first + 3 + max(horizons)
    if start > earliest and len(plan) > 1:
        assert start >= first + LEARNING_YEARS == first + 8
    # Nothing is left out but for one of the two.
    if start > max(earliest, first + LEARNING_YEARS):
        assert len(plan) == MOST_ORIGINS


@given(first=YEARS, horizons=HORIZONS)
def test_a_first_origin_that_is_given_may_score_more_origins(first, horizons):
    earliest, last = first + 3 + max(horizons), first + 60
    plan = plan_folds(first_year=first, last_year=last, horizons=horizons, first_origin=earliest)
    assert len(plan) == last - min(horizons) - earliest + 1 > MOST_ORIGINS


@given(first=YEARS, horizons=HORIZONS)
def test_a_panel_that_is_too_short_is_told_how_many_years_it_needs(first, horizons):
    needed = 4 + max(horizons) + min(horizons)
    with pytest.raises(InputError, match=f"at least {needed} years") as caught:
        plan_folds(first_year=first, last_year=first + needed - 2, horizons=horizons)
    assert f"{needed - 1} years ({first}-{first + needed - 2}) are too few" in str(caught.value)
    # And that many are enough.
    assert plan_folds(first_year=first, last_year=first + needed - 1, horizons=horizons)


@given(first=YEARS, length=st.integers(20, 40), horizons=HORIZONS, offset=st.integers(-5, 45))
def test_a_first_origin_is_taken_or_refused_with_the_years_to_choose_from(
    first, length, horizons, offset
):
    last = first + length - 1
    lowest = first + 3 + max(horizons)
    assume(lowest <= last - min(horizons))
    # Later ones would leave the longest horizon without a score.
    highest = max(lowest, last - max(horizons))
    wanted = first + offset
    if lowest <= wanted <= highest:
        plan = plan_folds(first_year=first, last_year=last, horizons=horizons, first_origin=wanted)
        assert plan[0].origin == wanted
    else:
        with pytest.raises(InputError, match=f"first_origin {wanted} .*{lowest} to {highest}"):
            plan_folds(first_year=first, last_year=last, horizons=horizons, first_origin=wanted)


@given(first=YEARS, length=st.integers(5, 40), horizons=HORIZONS, every=st.integers(1, 5))
def test_a_further_year_moves_no_choice_of_weights(first, length, horizons, every):
    def years(last: int) -> list[int]:
        plan = plan_folds(first_year=first, last_year=last, horizons=horizons)
        found = tuning_years(plan, first_year=first, last_year=last, every=every)
        assert found[0] <= plan[0].origin
        # Every origin of both back-tests must find the same choices before it.
        return [year for year in found if plan[0].origin >= first + LEARNING_YEARS]

    last = first + length - 1
    try:
        before = years(last)
    except InputError:
        assume(False)
    after = years(last + 1)
    assert after[: len(before)] == before
