"""Trials of the shift model: one decision changed at a time, judged on years before the origin.

A run chooses among few candidates (`models.shift.CHOICES`). These are the decisions behind them. A
trial that beats the standard on years already known at an origin could become a candidate; one that
does not is a null result worth keeping.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.catalogue import NAMES
from features.channels.structure import STRUCTURE_COLUMNS
from models.design import HORIZON_COLUMN, Design
from models.shift import (
    ShiftChoice,
    ShiftModel,
    ValidationErrors,
    validation_errors,
    validation_rows,
)
from models.trade_probability import TradeProbability

Vector = NDArray[np.float64]
Features = NDArray[np.float32]

STANDARD_CHOICE = ShiftChoice(weight_power=0.5, linear_share=0.5)
ROUNDS = 80
MAX_ROWS = 50_000
_STOPPED = -2.0
"""Midpoint growth of a flow that ends."""
_OWN_MEANS = tuple(name for name in NAMES if name.startswith(("intensity_gap", "value_gap")))


@dataclass(frozen=True, slots=True)
class Trial:
    """The standard shift model with one decision changed.

    Attributes
    ----------
    question
        Decision it is about.
    answer
        What it does instead of the standard.
    choice, names, params, rounds, own
        Of `models.shift.ShiftModel`.
    half_life
        Years after which a training row counts half; None forgets nothing.
    shrinkage
        Factor the predicted shift is multiplied by.
    per_horizon
        Whether every horizon has a model of its own.
    least_chance
        Flows less likely than this to be traded are forecast at 0.
    """

    question: str
    answer: str
    choice: ShiftChoice = STANDARD_CHOICE
    names: tuple[str, ...] = NAMES
    own: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    rounds: int = ROUNDS
    half_life: float | None = None
    shrinkage: float = 1.0
    per_horizon: bool = False
    least_chance: float = 0.0


STANDARD = Trial("standard", "as the others but for one decision")


def trials(own: tuple[str, ...] = ()) -> tuple[Trial, ...]:
    """Every trial, the standard first; ``own`` names features of the user's own series."""
    found = (STANDARD, *_of_loss(), *_of_rows(), *_of_form(), *_of_features())
    return tuple(replace(trial, names=(*trial.names, *own), own=own) for trial in found)


def _of_loss() -> Iterator[Trial]:
    for answer, params in (
        ("absolute", {"objective": "l1"}),
        ("squared", {"objective": "l2"}),
        ("Huber's, turning at 1", {"alpha": 1.0}),
    ):
        yield replace(STANDARD, question="loss", answer=answer, params=MappingProxyType(params))


def _of_rows() -> Iterator[Trial]:
    for power in (0.0, 0.25, 1.0):
        choice = replace(STANDARD.choice, weight_power=power)
        yield replace(STANDARD, question="weights", answer=f"value ** {power:g}", choice=choice)
    for years in (3.0, 8.0):
        answer = f"half after {years:g} years"
        yield replace(STANDARD, question="decay of old years", answer=answer, half_life=years)


def _of_form() -> Iterator[Trial]:
    for share in (0.0, 0.25, 0.75, 1.0):
        choice = replace(STANDARD.choice, linear_share=share)
        answer = f"{share:.0%} linear"
        yield replace(STANDARD, question="booster and linear", answer=answer, choice=choice)
    for factor in (0.6, 0.8):
        answer = f"times {factor:g}"
        yield replace(STANDARD, question="shrinkage of the shift", answer=answer, shrinkage=factor)
    yield replace(STANDARD, question="horizons", answer="a model each", per_horizon=True)
    for chance in (0.3, 0.5, 0.6, 0.7):
        answer = f"below {chance:.0%}"
        yield replace(STANDARD, question="forecast at zero", answer=answer, least_chance=chance)
    for factor, rate in ((0.5, 0.2), (2.0, 0.05)):
        rounds = round(factor * ROUNDS)
        yield replace(
            STANDARD,
            question="rounds",
            answer=f"{rounds}, learning rate {rate:g}",
            params=MappingProxyType({"learning_rate": rate}),
            rounds=rounds,
        )


def _of_features() -> Iterator[Trial]:
    for answer, left_out in (
        ("without the flow's own means", _OWN_MEANS),
        ("without the matrix around it", STRUCTURE_COLUMNS),
    ):
        kept = tuple(name for name in NAMES if name not in left_out)
        yield replace(STANDARD, question="features", answer=answer, names=kept)


def trial_errors(
    trial: Trial, design: Design, *, year: int, seed: int, threads: int
) -> ValidationErrors:
    """Validation errors of a trial at one origin.

    Parameters
    ----------
    trial
        What to fit.
    design
        Training rows; those with a target year beyond ``year`` are ignored.
    year
        Forecast origin: split as in `models.shift.validation_rows`.
    seed, threads
        Of the fits.
    """
    past, recent = validation_rows(design, year=year)
    rows = _remembered(past.thinned(max_rows=MAX_ROWS, seed=seed), trial, seed=seed)
    features = recent.features
    predicted = trial.shrinkage * _predicted(trial, rows, features, seed=seed, threads=threads)
    if trial.least_chance > 0:
        chance = TradeProbability(seed=seed, threads=threads).fit(rows).predict(features)
        predicted = np.where(chance < trial.least_chance, _STOPPED, predicted)
    return validation_errors(recent, predicted)


def _remembered(rows: Design, trial: Trial, *, seed: int) -> Design:
    """Keep rows with a probability that falls with age: a decaying weight for any model."""
    if trial.half_life is None:
        return rows
    age = rows.target_year.max() - rows.target_year
    drawn = np.random.default_rng((seed, age.size)).random(age.size)
    chance = 0.5 ** (age / trial.half_life)
    return rows.rows(np.flatnonzero(drawn < chance))


def _predicted(
    trial: Trial, rows: Design, features: Features, *, seed: int, threads: int
) -> Vector:
    if not trial.per_horizon:
        return _fitted(trial, rows, seed=seed, threads=threads).predict(features)
    out = np.zeros(features.shape[0])
    learnt, asked = rows.features[:, HORIZON_COLUMN], features[:, HORIZON_COLUMN]
    for horizon in np.unique(asked):
        own_rows = rows.rows(np.flatnonzero(learnt == horizon))
        wanted = np.flatnonzero(asked == horizon)
        model = _fitted(trial, own_rows, seed=seed, threads=threads)
        out[wanted] = model.predict(features[wanted])
    return out


def _fitted(trial: Trial, rows: Design, *, seed: int, threads: int) -> ShiftModel:
    model = ShiftModel(
        trial.names,
        trial.choice,
        trial.rounds,
        seed,
        threads=threads,
        params=dict(trial.params),
        own=trial.own,
    )
    return model.fit(rows)
