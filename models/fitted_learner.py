"""A learner of scikit-learn's kind, fitted on the rows of the shift: predictions and reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from features.catalogue import channel_of, positions
from features.errors import InputError, first_line
from models.binned_rows import BinnedRows
from models.learner_shap import Method, contributions_by, method_of
from models.learner_text import learner_of

Rows = NDArray[np.float32]
Vector = NDArray[np.float64]

_QUIET: dict[str, dict[str, Any]] = {
    "catboost": {"allow_writing_files": False, "logging_level": "Silent", "thread_count": 1},
    "lightgbm": {"verbosity": -1, "deterministic": True, "force_row_wise": True},
}
"""What libraries are told unless the user says otherwise: no files, no lines, one thread."""


@dataclass(frozen=True, slots=True)
class FittedLearner:
    """A fitted learner and what explains it.

    Attributes
    ----------
    text
        Names the learner, see `models.learner_text`.
    estimator
        Fitted, in a pipeline behind an imputer where it takes no missing values.
    names, own
        Features it was fitted on; those of the user's own after the built-in ones.
    method, reference
        How contributions are found, and what they are measured from: `learner_shap.method_of`.
    """

    text: str
    estimator: Any
    names: tuple[str, ...]
    own: tuple[str, ...]
    method: Method
    reference: NDArray[Any]

    @property
    def exact(self) -> bool:
        """Whether contributions are exact Shapley values; otherwise they are estimates."""
        return self.method != "permutation"

    def predict(self, features: Rows) -> Vector:
        """Predicted shift of rows with the catalogue's columns, not clipped.

        Raises
        ------
        InputError
            If the learner fails, or gives anything but a finite number for each row.
        """
        with one_thread():
            return self._predicted(self._seen(features))

    def contributions(self, features: Rows, *, names: Sequence[str]) -> Vector:
        """Contributions in the columns of ``names`` and a base value; rows sum to the prediction.

        Returns
        -------
        ndarray, shape ``[row, len(names) + 1]``
        """
        groups = [channel_of(name) for name in self.names]
        rows = self._seen(features)
        with one_thread():
            found = contributions_by(
                self.method, self.estimator, self._predicted, rows, self.reference, groups=groups
            )
        place = {name: column for column, name in enumerate(names)}
        out = np.zeros((len(rows), len(names) + 1))
        out[:, [place[name] for name in self.names]] = found[:, :-1]
        out[:, -1] = found[:, -1]
        return out

    def _seen(self, features: Rows) -> Rows:
        return np.ascontiguousarray(features[:, positions(self.names, own=self.own)])

    def _predicted(self, rows: Rows) -> Vector:
        return predicted(self.estimator, rows, text=self.text)


def fit_learner(
    text: str,
    rows: BinnedRows,
    *,
    names: Sequence[str],
    own: Sequence[str],
    power: float,
    seed: int,
) -> FittedLearner:
    """Fit a learner on one thread.

    Parameters
    ----------
    text
        Names the learner.
    rows
        To fit on.
    names, own
        Features it may use, of which those without any value are left out; features of the user's
        own.
    power
        Rows weigh ``base ** power``, where the learner takes weights.
    seed
        Of everything random that has no seed of its own.

    Raises
    ------
    InputError
        If the learner fails.
    """
    known = [name for name, has in zip(rows.names, rows.known, strict=True) if has]
    used = tuple(name for name in known if name in set(names))
    features, shift, weight = rows.learnt_from(power)
    seen = np.ascontiguousarray(features[:, positions(used, own=own)])
    with one_thread():
        estimator = fitted(new_learner(text, seed=seed), seen, shift, weight, text=text)
        method, reference = method_of(
            estimator, lambda some: predicted(estimator, some, text=text), seen
        )
    return FittedLearner(text, estimator, used, tuple(own), method, reference)


def new_learner(text: str, *, seed: int) -> Any:
    """A new learner: seeded, quiet, on one thread, behind an imputer if it takes no NaN.

    Missing values become the training rows' median, beside a column that marks them.
    """
    learner = learner_of(text)
    given = learner.get_params(deep=True)
    learner.set_params(**{
        **{k: seed for k, v in given.items() if _named(k, "random_state") and v is None},
        **{k: 1 for k in given if _named(k, "n_jobs")},
        **{k: v for k, v in _QUIET.get(package(learner), {}).items() if given.get(k) is None},
    })  # fmt: skip
    if takes_missing(learner):
        return learner
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    return make_pipeline(SimpleImputer(strategy="median", add_indicator=True), learner)


def one_thread() -> AbstractContextManager[Any]:
    """One thread for libraries on OpenMP, such as scikit-learn's histogram boosting.

    Folds run side by side; the limit holds in the calling thread alone.
    """
    return threadpool_limits(limits=1, user_api="openmp")


def _named(parameter: str, name: str) -> bool:
    return parameter == name or parameter.endswith(f"__{name}")


def package(learner: Any) -> str:
    """Top-level package of a learner's class."""
    return type(learner).__module__.partition(".")[0]


def takes_missing(learner: Any) -> bool:
    """Whether scikit-learn's tags say that NaN is taken; of a pipeline, by every step.

    A step that imputes takes NaN and hands none on.
    """
    from sklearn.pipeline import Pipeline
    from sklearn.utils import get_tags

    if isinstance(learner, Pipeline):
        for _, step in learner.steps:
            if type(step).__module__.startswith("sklearn.impute"):
                return True
            if step not in (None, "passthrough") and not takes_missing(step):
                return False
        return True
    try:
        return bool(get_tags(learner).input_tags.allow_nan)
    except (AttributeError, TypeError):
        return False


def weight_key(learner: Any) -> str | None:
    """Keyword of ``fit`` for the rows' weights; None where there is none."""
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import has_fit_parameter

    if isinstance(learner, Pipeline):
        name, last = learner.steps[-1]
        inner = weight_key(last)
        return inner and f"{name}__{inner}"
    return "sample_weight" if has_fit_parameter(learner, "sample_weight") else None


def fitted(learner: Any, rows: Rows, shift: Rows, weight: Rows | None, *, text: str) -> Any:
    """Fit with weights where they are taken.

    Raises
    ------
    InputError
        If the learner fails.
    """
    key = weight_key(learner)
    given = {} if key is None or weight is None else {key: weight}
    with _failing(text, "fit"):
        found = learner.fit(rows, shift, **given)
    return learner if found is None else found


def predicted(estimator: Any, rows: Rows, *, text: str) -> Vector:
    """A finite number for each row.

    Raises
    ------
    InputError
        If the learner fails or gives anything else.
    """
    if not len(rows):
        return np.empty(0)
    with _failing(text, "predict"):
        found = np.asarray(estimator.predict(rows), dtype=np.float64)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.shape != (len(rows),):
        raise _wrong(text, f"predictions of shape {found.shape} for {len(rows)} rows")
    if not np.isfinite(found).all():
        raise _wrong(text, "predictions that are missing or infinite")
    return found


@contextmanager
def _failing(text: str, verb: str) -> Iterator[None]:
    """An error of the learner as the user's, in one line."""
    from sklearn.exceptions import NotFittedError

    try:
        yield
    except (InputError, MemoryError):
        raise
    except NotFittedError as error:
        # scikit-learn looks for such an attribute to tell whether a step of a pipeline is fitted.
        raise InputError(
            f"learner {text!r} does not seem fitted after its fit",
            remedy="Let fit set an attribute whose name ends in an underscore, such as self.mean_",
        ) from error
    except Exception as error:
        raise InputError(
            f"learner {text!r} fails to {verb} ({type(error).__name__}: {first_line(error)})",
            remedy="Correct its parameters, or take another",
        ) from error


def _wrong(text: str, what: str) -> InputError:
    return InputError(
        f"learner {text!r} gives {what}", remedy="Give one whose predict returns a number for each"
    )
