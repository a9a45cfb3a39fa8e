"""The stages of a run on tables in memory, up to the last fit."""

from __future__ import annotations

import itertools
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from types import ModuleType
from typing import Any

from features.errors import InputError, listed
from features.feature import Feature
from forecasting.evaluation.backtest import (
    choice_at,
    choose_weights,
    fold_tasks,
    in_threads,
    plan_backtest,
)
from forecasting.evaluation.calibration import Calibration
from forecasting.evaluation.fold import FoldForecast, FoldResult, main_forecasts
from forecasting.evaluation.folds import Fold
from forecasting.evaluation.parallel import in_parallel
from forecasting.evaluation.prepared import PreparedData, prepare, tuning_origins
from forecasting.evaluation.run_models import comparators
from forecasting.inputs.frames import TABLES, load_frames, named_tables, options_of
from forecasting.inputs.load import LoadedData
from forecasting.options.run_config import OUTPUT, RunConfig
from models.intervals import LEVELS
from models.learner_check import check_learner
from models.shift import ShiftChoice

NOT_OF_FRAMES = frozenset(
    {"world", "store", "tables", "largest", "columns", "unit", "flow", "decimal", "extra_codes",
     "explain_flow", "study", "tune", "cluster", *TABLES,
     *(name for name, option in RunConfig.OPTIONS.items() if option.group == OUTPUT)}
)  # fmt: skip
"""Options of `RunConfig` that say nothing of a forecast from tables in memory."""


def config_of(
    tables: Mapping[str, Any], own: Mapping[str, Any], further: Mapping[str, Any] | None
) -> RunConfig:
    """The configuration of a run on tables in memory.

    Parameters
    ----------
    tables
        By name.
    own
        Parameters of the estimator that are options too.
    further
        Other options by name.

    Raises
    ------
    InputError
        For an option that is unknown, that frames have no use for, or whose value does not fit.
    """
    further = dict(further or {})
    useless = [name for name in further if name in NOT_OF_FRAMES or name in own]
    if useless:
        raise InputError(
            f"`options` cannot hold {listed(useless)}",
            remedy="Parameters of the estimator have their own place, tables go to `fit`, and the "
            "rest is for `forecasting.run`",
        )
    return RunConfig.from_mapping(
        {**further, **own, **options_of(tables), "experiment": None, "quiet": True}
    )


def feature_places(features: Any) -> tuple[Any, ...]:
    """Features of the user's own as the option ``features`` names them.

    Features that are objects stand in a module that is made for them.
    """
    given = features if isinstance(features, (list, tuple)) else (features,)
    own = tuple(one for one in given if isinstance(one, Feature))
    places = tuple(one for one in given if not isinstance(one, Feature))
    if not own:
        return places
    module = ModuleType(f"gravicast_features_{next(_made)}")
    module.__dict__["FEATURES"] = own
    sys.modules[module.__name__] = module
    return (*places, module.__name__)


_made = itertools.count(1)


def check_levels(levels: Sequence[int]) -> tuple[int, ...]:
    """The levels of intervals, checked.

    Raises
    ------
    InputError
        If one is not of `models.intervals.LEVELS`.
    """
    found = tuple(levels)
    unknown = [str(level) for level in found if level not in LEVELS]
    if unknown:
        known = ", ".join(map(str, LEVELS))
        raise InputError(
            f"there are no intervals of {listed(unknown)} %", remedy=f"Choose from {known}"
        )
    return found


@dataclass(frozen=True)
class Stages:
    """Data prepared for the folds of their back-test.

    Attributes
    ----------
    config, data, prepared, folds
        Options, tables as read, and what the folds share.
    """

    config: RunConfig
    data: LoadedData
    prepared: PreparedData
    folds: tuple[Fold, ...]

    @classmethod
    def of(cls, tables: Mapping[str, Any], config: RunConfig) -> Stages:
        """Read the tables and prepare them; refuses what they do not allow, before any fit."""
        comparators(config.compare_with)
        for line in check_learner(config.learner, seed=config.seed):
            # Nothing is explained here.
            if not line.startswith("SHAP"):
                warnings.warn(line, stacklevel=5)
        data = load_frames(tables, config)
        folds = plan_backtest(data.bundle, config)
        return cls(config, data, prepare(data.bundle, config), folds)

    @cached_property
    def _choices(self) -> dict[int, tuple[ShiftChoice, dict[ShiftChoice, float]]]:
        origins = tuning_origins(self.prepared, self.folds, self.config)
        return choose_weights(origins, in_threads(self.prepared, self.config))

    def choice_at(self, origin: int) -> ShiftChoice:
        """Weights that nested validation chooses at an origin."""
        return choice_at(self._choices, origin)

    def calibration(self) -> Calibration:
        """Intervals without any fold yet."""
        return Calibration(
            self.prepared, first_origin=self.folds[0].origin, horizons=self.config.horizons
        )

    def main_forecasts(self) -> Iterator[list[FoldForecast]]:
        """The main model's forecasts, fold by fold."""
        tasks = [
            partial(main_forecasts, self.prepared, fold, self.config, self.choice_at(fold.origin))
            for fold in self.folds
        ]
        return in_parallel(tasks, self.config)

    def all_forecasts(self) -> Iterator[FoldResult]:
        """Forecasts of the main model and of all that it is compared with, fold by fold."""
        tasks = fold_tasks(self.folds, choose_at=self.choice_at)
        return in_threads(self.prepared, self.config)(tasks)


def stages_of(frames: Any, beside: Mapping[str, Any] | None, **given: Any) -> Stages:
    """The stages for an estimator's data and parameters; ``given`` are those of `config_of`."""
    tables = named_tables(frames)
    twice = [name for name in beside or {} if name in tables]
    if twice:
        raise InputError(f"{listed(twice)} is given twice", remedy="Give each table once")
    tables = named_tables({**tables, **(beside or {})})
    return Stages.of(tables, config_of(tables, **given))
