"""Tuning: a search over the booster's parameters that sees only years up to an origin.

The sampler is Optuna's tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kegl 2011,
NeurIPS 24). The first trial is the run's own parameters, so that a search never does worse on what
it sees; whether it does better on what it did not see is for the back-test to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from features.errors import InputError
from models.binned_rows import FEWEST_ROWS, BinnedRows
from models.booster_params import by_name
from models.design import Design
from models.learner_text import LIGHTGBM
from models.shift import (
    DEFAULT_PARAMS,
    LINEAR_ROWS,
    VALIDATION_YEARS,
    ShiftChoice,
    ShiftModel,
    validation_errors,
    validation_rows,
)

if TYPE_CHECKING:
    import optuna

WINDOWS = 2
"""Validation windows of a study: one cannot tell the candidates apart."""

_SPACE: Mapping[str, tuple[float, float, bool]] = {
    "learning_rate": (0.02, 0.3, True),
    "num_leaves": (6, 96, True),
    "min_data_in_leaf": (20, 1_000, True),
    "feature_fraction": (0.1, 1.0, False),
    "bagging_fraction": (0.5, 1.0, False),
    "lambda_l2": (0.1, 100.0, True),
    "alpha": (0.1, 1.5, True),
}
"""Lower and upper end of each parameter, and whether it is searched by its logarithm."""
_UNFILTERED: Mapping[str, Any] = {"feature_pre_filter": False}
"""Bins are shared by all trials: they must not drop what a smaller ``min_data_in_leaf`` splits."""
_WHOLE = frozenset({"num_leaves", "min_data_in_leaf"})


@dataclass(frozen=True, slots=True)
class TunedChoice(ShiftChoice):
    """A choice of weights with a booster of its own.

    Attributes
    ----------
    rounds
        Boosting rounds.
    params
        LightGBM parameters by name, on top of `models.shift.DEFAULT_PARAMS`.
    """

    rounds: int
    params: tuple[tuple[str, Any], ...]

    @property
    def weights(self) -> ShiftChoice:
        """The choice of weights alone: the booster is then the run's."""
        return ShiftChoice(self.weight_power, self.linear_share)

    def booster(self, rounds: int, params: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:  # noqa: ARG002
        """Its own."""
        return self.rounds, dict(self.params)


@dataclass(frozen=True, slots=True)
class TuningTrial:
    """One trial of a study.

    Attributes
    ----------
    rounds, params
        Of the booster; ``params`` holds what was searched, the run's own parameters beside it.
    loss
        Mean validation loss over the windows, see `models.shift.ValidationErrors.total`.
    """

    rounds: int
    params: Mapping[str, Any]
    loss: float

    def choice(self, weights: ShiftChoice) -> TunedChoice:
        """The weights with this booster."""
        return TunedChoice(
            weights.weight_power, weights.linear_share, self.rounds, tuple(self.params.items())
        )


def check_tuning(learner: str) -> None:
    """Refuse a search before any work.

    Raises
    ------
    InputError
        If Optuna is not installed, or the learner is not LightGBM.
    """
    if learner != LIGHTGBM:
        raise InputError(
            "option 'tune' searches the parameters of LightGBM, and the learner is another",
            remedy="Leave out one of `tune` and `learner`; GridSearchCV over a TradeForecaster "
            "searches those of any learner",
        )
    if find_spec("optuna") is None:
        raise InputError(
            "option 'tune' needs Optuna", remedy="Install the extra: pip install 'gravicast[tune]'"
        )


def tuning_trials(
    design: Design,
    *,
    year: int,
    choice: ShiftChoice,
    model: ShiftModel,
    trials: int,
    max_rows: int,
) -> tuple[TuningTrial, ...]:
    """Run a study at an origin.

    Parameters
    ----------
    design
        Training rows; those with a target year beyond ``year`` are ignored.
    year
        Forecast origin: the last target year that the study sees.
    choice
        Weights that were chosen at the origin.
    model
        With the run's features, rounds, parameters and seed. Parameters that the user gave are not
        searched.
    trials
        Number of trials; the first has the run's own rounds and parameters.
    max_rows
        Rows that a fit draws at most.

    Returns
    -------
    tuple of TuningTrial
        In their order.

    Notes
    -----
    Every trial is fitted on each of `WINDOWS` windows that end at the origin and
    `VALIDATION_YEARS` apart, and judged on forecasts made within it (`validation_rows`).
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    given = by_name(model.params or {})
    base = clone(model).set_params(params={**given, **_UNFILTERED})
    windows = [_Window.of(base, *rows, share=choice.linear_share, max_rows=max_rows)
               for rows in _windows(design, year=year)]  # fmt: skip
    searched = {name: ends for name, ends in _SPACE.items() if name not in given}
    sampler = optuna.samplers.TPESampler(
        seed=int(np.random.SeedSequence([model.seed, year]).generate_state(1)[0])
    )
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(
        {name: DEFAULT_PARAMS[name] for name in searched} | {"rounds": model.rounds}
    )
    done = []
    for _ in range(trials):
        asked = study.ask()
        rounds, params = _drawn(asked, searched, model.rounds)
        params = given | params
        loss = float(np.mean([window.loss(rounds, params) for window in windows]))
        study.tell(asked, loss)
        done.append(TuningTrial(rounds, params, loss))
    return tuple(done)


def best_trial(trials: Sequence[TuningTrial]) -> TuningTrial:
    """The trial with the least loss, the earliest of equals."""
    return min(trials, key=lambda trial: trial.loss)


def _drawn(
    trial: optuna.Trial, searched: Mapping[str, tuple[float, float, bool]], rounds: int
) -> tuple[int, dict[str, Any]]:
    params: dict[str, Any] = {}
    for name, (low, high, log) in searched.items():
        if name in _WHOLE:
            params[name] = trial.suggest_int(name, int(low), int(high), log=log)
        else:
            params[name] = trial.suggest_float(name, low, high, log=log)
    half, double = max(rounds // 2, 1), 2 * rounds
    return trial.suggest_int("rounds", half, double, log=True), params


def _windows(design: Design, *, year: int) -> list[tuple[Design, Design]]:
    """Training and validation rows of the windows that end at an origin, the latest first."""
    found = [validation_rows(design, year=year)]
    for number in range(1, WINDOWS):
        end = year - number * VALIDATION_YEARS
        past, recent = design.until(end).split(end - VALIDATION_YEARS)
        recent = recent.rows(np.flatnonzero(recent.base > 0))
        if past.shift.size < FEWEST_ROWS or not recent.shift.size:
            break
        found.append((past, recent))
    return found


@dataclass(frozen=True, slots=True)
class _Window:
    """Rows of one validation window, binned once for all trials.

    Attributes
    ----------
    model
        What every trial's model is like but for rounds and parameters.
    rows, recent
        Rows to fit on and to judge on.
    linear
        Shifts of ``recent`` by the linear model, and its weight.
    """

    model: ShiftModel
    rows: BinnedRows
    recent: Design
    linear: tuple[float, Any]

    @classmethod
    def of(
        cls, model: ShiftModel, past: Design, recent: Design, *, share: float, max_rows: int
    ) -> _Window:
        thinned = past.thinned(max_rows=max_rows, seed=model.seed)
        rows = model.binned(thinned, linear=past, max_linear=LINEAR_ROWS * max_rows)
        predicted = rows.reversion(model.names).predict(recent.features) if share else 0.0
        return cls(model, rows, recent, (share, predicted))

    def loss(self, rounds: int, params: Mapping[str, Any]) -> float:
        """Validation loss of a booster beside the linear model."""
        share, linear = self.linear
        model = clone(self.model).set_params(rounds=rounds, params={**params, **_UNFILTERED})
        trees = model.fit_binned(self.rows).predict(self.recent.features)
        return validation_errors(self.recent, (1.0 - share) * trees + share * linear).total
