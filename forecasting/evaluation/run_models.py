"""Which models a back-test forecasts with: the registry's, and those that the user names."""

from __future__ import annotations

import difflib
from functools import lru_cache
from importlib.util import find_spec

from features.errors import InputError, cut
from forecasting.options.run_config import RunConfig
from models.comparators.comparator import is_named, name_of, own_comparator
from models.registry import MODELS, UNTUNED, Model, backtest_models, baselines, registered


def run_models(config: RunConfig) -> tuple[Model, ...]:
    """Models of a configuration's back-test, the main one among them, in the order of reports.

    Raises
    ------
    InputError
        As of `comparators`.
    """
    untuned = (registered(UNTUNED),) if config.tune else ()
    return (*backtest_models(config.settings), *untuned, *comparators(config.compare_with))


def tested_against(config: RunConfig) -> tuple[str, ...]:
    """Names of the models that the main model is tested against."""
    named = [model.name for model in comparators(config.compare_with)]
    return tuple(dict.fromkeys([*baselines(), *named]))


@lru_cache(maxsize=8)
def comparators(named: tuple[str, ...]) -> tuple[Model, ...]:
    """Models by what ``--compare-with`` calls them.

    Raises
    ------
    InputError
        If one is unknown, cannot be imported, needs a package that is not installed, or takes the
        name of another.
    """
    found: list[Model] = []
    for text in named:
        model = _own(text) if is_named(text) else _known(text)
        if model.name in [other.name for other in found]:
            raise InputError(
                f"option 'compare_with' names two models {model.name!r}",
                remedy="Give one of the classes another name",
            )
        found.append(model)
    return tuple(found)


def _own(text: str) -> Model:
    name = name_of(text)
    taken = {model.name for model in MODELS}
    if name in taken:
        raise InputError(
            f"option 'compare_with': gravicast has a model {name!r} of its own",
            remedy="Give the class another name",
        )
    return Model(name, name, own_comparator(text), of="compare")


def _known(text: str) -> Model:
    known = {model.name: model for model in MODELS if model.of == "compare"}
    if text not in known:
        close = difflib.get_close_matches(cut(text), known, n=1)
        listed = f"Choose from {', '.join(known)}, or give module:Class or file.py:Class"
        hint = f"Did you mean {close[0]!r}?" if close else listed
        raise InputError(f"option 'compare_with' knows no model {cut(repr(text))}", remedy=hint)
    package = known[text].package
    if package is not None and find_spec(package) is None:
        wanted = "gravicast[compare]" if package == "statsmodels" else "chronos-forecasting>=2"
        raise InputError(
            f"option 'compare_with': {text} needs the package {package!r}",
            remedy=f"Install it: pip install '{wanted}'",
        )
    return known[text]
