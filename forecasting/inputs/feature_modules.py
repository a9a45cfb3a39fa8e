"""Modules of features that users wrote, as sources of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from features.errors import listed
from features.extra_features import extra_features, feature_modules
from features.files.tables import sha256
from forecasting.inputs.load import Source
from forecasting.words.numbers import plural


def feature_sources(places: Sequence[str]) -> tuple[Source, ...]:
    """The files of the modules, with their sums and how many features they gave.

    Raises
    ------
    InputError
        As of `extra_features`.
    """
    names = [feature.name for feature in extra_features(places)]
    files = [Path(str(module.__file__)) for _, module, _ in feature_modules(places)]
    statements = (f"{plural(len(names), 'feature')} of your own: {listed(names)}",)
    return tuple(
        Source("features", str(file), sha256(file), () if number else statements)
        for number, file in enumerate(files)
    )
