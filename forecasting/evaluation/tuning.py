"""Tuning over the back-test: a study at each origin of a choice, and what it gained.

Each study sees target years up to its origin (`models.tuning`); the folds from there on use its
best trial until the next study. What they forecast is later than anything the study saw, so the
back-test scores the tuning too: beside the main model stands the same model with the run's own
parameters (`models.registry.UNTUNED`), and the test of equal accuracy says whether the gain is more
than luck.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from forecasting.evaluation.scores import SKILL_METRICS
from forecasting.evaluation.significance import significance_table
from forecasting.evaluation.tasks import Compute, TuningStudy
from models.registry import MAIN_MODEL, UNTUNED
from models.shift import ShiftChoice
from models.tuning import TuningTrial, best_trial

Choices = dict[int, tuple[ShiftChoice, dict[ShiftChoice, float]]]
Studies = dict[int, tuple[TuningTrial, ...]]


@dataclass(frozen=True, slots=True)
class Tuning:
    """Trials of every study, and what tuning gained.

    Attributes
    ----------
    trials
        ``origin, trial, chosen, loss, rounds`` and a column a parameter; trial 0 has the run's own.
    gain
        `significance_table` of the main model against itself with the run's own parameters: a
        negative difference is a gain.
    """

    trials: pd.DataFrame
    gain: pd.DataFrame


def run_studies(choices: Choices, compute: Compute) -> Studies:
    """A study at every origin where weights were chosen."""
    found: Iterator[tuple[TuningTrial, ...]] = compute(
        [TuningStudy(origin, choice) for origin, (choice, _) in choices.items()]
    )
    return dict(zip(choices, found, strict=True))


def tuned(choices: Choices, studies: Studies) -> Choices:
    """The choices of weights, each with the booster that its study chose."""
    return {
        origin: (best_trial(studies[origin]).choice(choice), losses)
        for origin, (choice, losses) in choices.items()
    }


def tuning_of(studies: Studies, by_origin: pd.DataFrame) -> Tuning:
    """Tables of a tuned back-test.

    Parameters
    ----------
    studies
        Trials by origin.
    by_origin
        Scores by origin over all flows, of the main model and of `UNTUNED`.
    """
    gain = significance_table(by_origin, model=MAIN_MODEL, others=[UNTUNED], metrics=SKILL_METRICS)
    return Tuning(pd.DataFrame(list(_rows(studies))), gain)


def _rows(studies: Mapping[int, Sequence[TuningTrial]]) -> Iterator[dict[str, Any]]:
    for origin, trials in studies.items():
        best = best_trial(trials)
        for number, trial in enumerate(trials):
            yield {
                "origin": origin,
                "trial": number,
                "chosen": int(trial is best),
                "loss": trial.loss,
                "rounds": trial.rounds,
                **trial.params,
            }
