"""The shift model: a learner over all horizons, averaged with a linear model of reversion."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from features.catalogue import NAMES, positions
from features.errors import InputError
from models.binned_rows import FEWEST_ROWS, BinnedRows
from models.booster_params import by_name
from models.design import Design, grow, midpoint_growth
from models.fitted_learner import FittedLearner, fit_learner
from models.learner_text import LIGHTGBM
from models.reversion import Reversion
from models.tree_shap.path_dependent import tree_shap

if TYPE_CHECKING:
    import lightgbm

DEFAULT_PARAMS: Mapping[str, Any] = {
    "objective": "huber",
    "alpha": 0.3,
    "learning_rate": 0.1,
    "num_leaves": 24,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.25,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "bin_construct_sample_cnt": 10_000,
}
"""Huber loss with a small threshold, close to an absolute loss: the scores are absolute errors. A
threshold of 1 validates the same (`models.trials`) but fits more noise: in a simulated world
without effects of technology it attributes twice as much to technology (tests/forecasting,
``test_recovery.py``). LightGBM's own absolute loss takes half as long again."""


MANY_ROWS = 60_000
"""Rows from which on LightGBM adds up gradients by column, see `histograms`."""
LINEAR_ROWS = 2
"""Rows of the linear model for every row of the trees. It takes a tenth of their time, and with
fewer rows its penalty weighs more: on the real goods panel 50,000 for both cost .1 % of log MAE."""
VALIDATION_YEARS = 3
"""Years before an origin that nested validation holds out."""


@dataclass(frozen=True, slots=True)
class ShiftChoice:
    """What nested validation chooses between.

    Attributes
    ----------
    weight_power
        Rows weigh ``base ** weight_power``: 0 treats every pair alike, 0.5 leans to large flows.
    linear_share
        Weight of `models.reversion` beside the booster.
    """

    weight_power: float
    linear_share: float

    @property
    def weights(self) -> ShiftChoice:
        """The choice of weights alone."""
        return self

    def booster(self, rounds: int, params: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Rounds and parameters of the booster, out of those of the run."""
        return rounds, dict(params)


CHOICES: tuple[ShiftChoice, ...] = tuple(
    ShiftChoice(weight_power, linear_share)
    for linear_share in (0.0, 0.5)
    for weight_power in (0.25, 0.5)
)


class ShiftModel(BaseEstimator):  # type: ignore[misc]
    """Learner and linear model for the trade-pattern shift: an estimator of scikit-learn's kind.

    Parameters
    ----------
    names
        Features it may use; the full catalogue by default.
    choice
        Weights of rows and of the linear model; the first of `CHOICES` by default.
    rounds
        Boosting rounds of LightGBM.
    seed, threads
        LightGBM runs deterministically; the result does not depend on ``threads``. Fits that
        run at the same time must each be given 1: LightGBM keeps the number of threads in a
        process-wide variable, and if it changes during a fit, LightGBM writes past its buffers.
        The same is true of predictions and data sets. Other learners take one thread always.
    params
        LightGBM parameters on top of `DEFAULT_PARAMS`.
    own
        Columns of the design after the built-in ones: features of the user's own series.
    learner
        `models.learner_text.LIGHTGBM`, or the text that names another learner.

    Attributes
    ----------
    booster_
        The fitted `lightgbm.Booster`; None with another learner.
    learner_
        The other learner, fitted; None with LightGBM.
    reversion_
        The fitted linear model; None where ``choice.linear_share`` is 0.
    """

    booster_: lightgbm.Booster | None
    learner_: FittedLearner | None
    reversion_: Reversion | None

    def __init__(
        self,
        names: Sequence[str] = NAMES,
        choice: ShiftChoice = CHOICES[0],
        rounds: int = 80,
        seed: int = 0,
        threads: int = 0,
        params: Mapping[str, Any] | None = None,
        own: Sequence[str] = (),
        learner: str = LIGHTGBM,
    ) -> None:
        self.names, self.choice, self.rounds = names, choice, rounds
        self.seed, self.threads, self.params = seed, threads, params
        self.own, self.learner = own, learner

    def fit(self, design: Design, y: None = None) -> ShiftModel:  # noqa: ARG002
        """Fit on the rows of a design that `models.binned_rows` names; it holds the targets too.

        Raises
        ------
        InputError
            If there are too few rows, or LightGBM refuses ``params`` (`booster_params.by_name`).
        """
        return self.fit_binned(self.binned(design))

    def binned(
        self, design: Design, *, linear: Design | None = None, max_linear: int | None = None
    ) -> BinnedRows:
        """Rows that this model and those that differ from it by features, choice or seed fit on.

        Parameters
        ----------
        design
            Rows of the trees.
        linear
            What the linear model draws its rows from; by default the same.
        max_linear
            The most rows that it draws; by default all.
        """
        linear = design if linear is None else linear
        size = linear.shift.size
        return BinnedRows(
            design,
            linear=linear,
            linear_rows=linear.drawn(size if max_linear is None else max_linear, seed=self.seed),
            names=(*NAMES, *self.own),
            params=self._params(),
        )

    def fit_binned(self, rows: BinnedRows) -> ShiftModel:
        """Fit on rows that other models fit on too.

        The booster is the same, to the byte, as if the rows had been binned for it alone.

        Raises
        ------
        InputError
            If LightGBM refuses ``params``.
        """
        power, share = self.choice.weight_power, self.choice.linear_share
        self.booster_ = self.learner_ = None
        if self.learner == LIGHTGBM:
            self.booster_ = self._boosted(rows)
        else:
            self.learner_ = fit_learner(
                self.learner, rows, names=self.names, own=self.own, power=power, seed=self.seed
            )
        self.reversion_ = rows.reversion(self.names) if share else None
        return self

    def _boosted(self, rows: BinnedRows) -> lightgbm.Booster:
        import lightgbm

        params = {**self._params(), histograms(rows.size): True}
        try:
            params |= splits_on(self.names, rows, given=params)
            data = rows.weighed(self.choice.weight_power)
            return lightgbm.train(params, data, num_boost_round=self.rounds)
        except lightgbm.basic.LightGBMError as error:
            if not self.params:
                raise
            raise InputError(
                f"LightGBM refuses its parameters ({error})", remedy="Correct the option `params`"
            ) from error

    def on(self, names: Sequence[str]) -> ShiftModel:
        """The same fitted model under more names: the added columns had no value in training."""
        other = copy(self)
        other.names = names
        return other

    @property
    def exact(self) -> bool:
        """Whether `contributions` are exact Shapley values, and no estimates by permutations."""
        check_is_fitted(self, "reversion_")
        return self.learner_ is None or self.learner_.exact

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Expected shift of rows with the catalogue's columns, shape ``[row]``, in [-1.9, 1.9]."""
        check_is_fitted(self, "reversion_")
        if self.learner_ is not None:
            predicted = self.learner_.predict(features)
        else:
            assert self.booster_ is not None
            predicted = np.asarray(self.booster_.predict(features, num_threads=self.threads))
        if self.reversion_ is not None:
            predicted = self._blend(predicted, self.reversion_.predict(features))
        return np.clip(predicted, -1.9, 1.9)

    def contributions(
        self, features: NDArray[np.float32], *, threads: int = 0
    ) -> NDArray[np.float64]:
        """SHAP values of the raw prediction: path-dependent for the trees, and linear.

        They are exact but for learners that `models.learner_shap` has no exact method for.

        Parameters
        ----------
        features
            Rows with the catalogue's columns.
        threads
            At most, of the SHAP kernel, which is not LightGBM's: 0 takes every core.

        Returns
        -------
        ndarray, shape ``[row, len(names) + 1]``
            One column per feature, the last the base value; rows sum to the unclipped prediction.
        """
        check_is_fitted(self, "reversion_")
        if self.learner_ is not None:
            values = self.learner_.contributions(features, names=self.names)
        else:
            assert self.booster_ is not None
            found = tree_shap(self.booster_, features, threads=threads)
            # The other columns have none: no tree splits on them.
            used = found.values[:, positions(self.names, own=self.own)]
            values = np.column_stack([used, np.full(len(features), found.base_value)])
        if self.reversion_ is None:
            return values
        return self._blend(values, self.reversion_.contributions(features, names=self.names))

    def _blend(
        self, booster: NDArray[np.float64], linear: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        share = self.choice.linear_share
        return (1.0 - share) * booster + share * linear

    def _params(self) -> dict[str, Any]:
        params: dict[str, Any] = {**DEFAULT_PARAMS, "seed": self.seed, "verbosity": -1}
        # Last, so that a user's parameters cannot override them: results would depend on the number
        # of cores.
        return {
            **params,
            **by_name(self.params or {}),
            "num_threads": self.threads,
            "deterministic": True,
        }


def histograms(rows: int) -> str:
    """How LightGBM adds up gradients, which it would otherwise try out: trees are the same.

    By row is as fast or faster until the bins of a tree's features outgrow a core's cache; with
    165,000 rows by column takes .6 of the time.
    """
    return "force_row_wise" if rows < MANY_ROWS else "force_col_wise"


def splits_on(
    names: Sequence[str], rows: BinnedRows, *, given: Mapping[str, Any]
) -> dict[str, Any]:
    """LightGBM parameters that keep trees from splitting on columns outside ``names``.

    None where those columns hold no value: then the model is the one on all columns.

    Parameters
    ----------
    names
        Columns to split on.
    rows
        What is fitted on.
    given
        Parameters: constraints among them stay.
    """
    wanted = np.isin(rows.names, names)
    if not (rows.known & ~wanted).any():
        return {}
    sets = given.get("interaction_constraints") or [range(wanted.size)]
    if isinstance(sets, str):
        sets = json.loads(f"[{sets}]")
    free = set(np.flatnonzero(wanted).tolist())
    kept = [[column for column in columns if column in free] for columns in sets]
    kept = [columns for columns in kept if columns]
    # No set at all would allow every column.
    return {"interaction_constraints": kept} if kept else {"min_gain_to_split": np.inf}


@dataclass(frozen=True, slots=True)
class ValidationErrors:
    """Errors on held-out rows, each relative to no shift at all.

    Attributes
    ----------
    alike
        Mean midpoint error: every pair alike.
    money
        Sum of absolute errors in USD.
    ratio
        Mean absolute log error of flows that are positive in truth and forecast.
    """

    alike: float
    money: float
    ratio: float

    @property
    def total(self) -> float:
        """Their sum: what nested validation minimises."""
        return self.alike + self.money + self.ratio


def losses(
    design: Design,
    *,
    names: Sequence[str],
    year: int,
    seed: int,
    threads: int,
    own: Sequence[str] = (),
    learner: str = LIGHTGBM,
    rounds: int = 40,
    max_rows: int = 50_000,
) -> dict[ShiftChoice, float]:
    """Validation loss of every choice of weights and share of the linear model.

    Nested: only target years up to ``year`` are used (`validation_rows`). The loss is the sum of
    the scoreboard's errors (midpoint, WAPE and log), each relative to no shift at all.

    Returns
    -------
    dict
        Loss by choice, in the order of `CHOICES`.
    """
    past, recent = validation_rows(design, year=year)
    rows = past.thinned(max_rows=max_rows, seed=seed)
    model = ShiftModel(names, CHOICES[0], rounds, seed, threads, own=own, learner=learner)
    binned = model.binned(rows, linear=past, max_linear=LINEAR_ROWS * max_rows)
    linear = binned.reversion(names).predict(recent.features)
    found = {}
    for boosted in (choice for choice in CHOICES if choice.linear_share == 0):
        trees = clone(model).set_params(choice=boosted).fit_binned(binned).predict(recent.features)
        # Every share of the linear model is a mix of the same two forecasts: no further fits.
        for candidate in CHOICES:
            if replace(candidate, linear_share=0.0) == boosted:
                share = candidate.linear_share
                mixed = (1.0 - share) * trees + share * linear
                found[candidate] = validation_errors(recent, mixed).total
    return {candidate: found[candidate] for candidate in CHOICES}


def validation_rows(design: Design, *, year: int) -> tuple[Design, Design]:
    """Training and validation rows at an origin.

    Returns
    -------
    tuple of Design
        Targets up to `VALIDATION_YEARS` before ``year`` (fewer years in a short panel), and rows
        with a base from origins since then with targets up to ``year``; see `Design.split`.
    """
    for years in range(VALIDATION_YEARS, 0, -1):
        past, recent = design.until(year).split(year - years)
        if past.shift.size >= FEWEST_ROWS:
            break
    return past, recent.rows(np.flatnonzero(recent.base > 0))


def validation_errors(rows: Design, predicted: NDArray[np.float64]) -> ValidationErrors:
    """Errors of predicted shifts on rows with a base."""
    base, actual = rows.base.astype(np.float64), rows.shift.astype(np.float64)
    truth, forecast = grow(base, actual), grow(base, predicted)
    both, traded = (truth > 0) & (forecast > 0), truth > 0
    return ValidationErrors(
        alike=_relative(np.abs(midpoint_growth(truth, forecast)).sum(), np.abs(actual).sum()),
        money=_relative(np.abs(truth - forecast).sum(), np.abs(truth - base).sum()),
        ratio=_relative(_log_error(truth, forecast, both), _log_error(truth, base, traded)),
    )


def _log_error(
    truth: NDArray[np.float64], forecast: NDArray[np.float64], rows: NDArray[np.bool_]
) -> float:
    return float(np.abs(np.log(truth[rows] / forecast[rows])).mean()) if rows.any() else 0.0


def _relative(error: float, reference: float) -> float:
    return float(error / max(reference, np.finfo(np.float64).tiny))
