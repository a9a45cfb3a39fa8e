"""A fitted learner on disk, in the format of skops, which runs no code that is not known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from features.errors import InputError, first_line, listed
from features.plugins import own_module
from models.fitted_learner import FittedLearner
from models.learner_text import module_of

LEARNER_FILE = "learner.skops"

_KNOWN = re.compile(
    r"(sklearn\.[\w.]+|xgboost\.(core|sklearn)\.\w+|catboost\.core\.\w+"
    r"|lightgbm\.(basic|sklearn)\.\w+|numpy\.dtype|collections\.OrderedDict)"
)
"""Classes that hold numbers alone, beside those that skops knows."""


def write_learner(learner: FittedLearner, folder: Path) -> dict[str, Any]:
    """Write a learner; returns the rest of it as JSON holds it.

    Raises
    ------
    InputError
        If it holds something that has no form on disk.
    """
    import skops.io

    try:
        content = skops.io.dumps(learner.estimator)
    except Exception as error:
        raise InputError(
            f"learner {learner.text!r} cannot be saved ({first_line(error)})",
            remedy="Take one that skops can write, of classes at the top of modules",
        ) from error
    (folder / LEARNER_FILE).write_bytes(content)
    return {
        "text": learner.text,
        "names": list(learner.names),
        "method": learner.method,
        "reference": learner.reference.astype(np.float64).tolist(),
    }


def read_learner(
    meta: dict[str, Any], folder: Path, *, own: tuple[str, ...], trusted: str | None
) -> FittedLearner:
    """Read what `write_learner` wrote.

    A learner of classes that are not known is not loaded unless it is the trusted one: it then
    explains and reports what it forecast, and refuses to forecast.

    Parameters
    ----------
    meta
        What `write_learner` returned.
    folder
        Of the file.
    own
        Features of the user's own.
    trusted
        A learner whose code may run, by its text.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    reference = np.array(meta["reference"], dtype=np.float64)
    if meta["method"] == "permutation":
        reference = reference.astype(np.float32)
    estimator = _estimator(meta["text"], folder / LEARNER_FILE, trusted=trusted)
    return FittedLearner(
        meta["text"], estimator, tuple(meta["names"]), own, meta["method"], reference
    )


@dataclass(frozen=True, slots=True)
class NotLoaded:
    """Stands for a learner that is not trusted."""

    error: InputError

    def predict(self, rows: object) -> NoReturn:  # noqa: ARG002
        """Refuse."""
        raise self.error


def _estimator(text: str, file: Path, *, trusted: str | None) -> Any:
    import skops.io

    content = file.read_bytes()
    held = skops.io.get_untrusted_types(data=content)
    others = [name for name in held if not _KNOWN.fullmatch(name)]
    if others and trusted != text:
        return NotLoaded(
            InputError(
                f"the model's learner is code that gravicast does not know ({listed(others)})",
                remedy=f"If you trust it, name it with --learner {text!r}",
                file=file,
            )
        )
    if others:
        # Where it is a file, its classes have no other way to be found.
        own_module(module_of(text), what=f"learner {text!r}")
    try:
        return skops.io.loads(content, trusted=held)
    except Exception as error:
        raise InputError(
            f"the model's learner cannot be read ({first_line(error)})",
            remedy="Install the packages of the run in their versions, or train it again",
            file=file,
        ) from error
