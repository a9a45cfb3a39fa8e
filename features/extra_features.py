"""Features that users write: from modules that a run names, and from installed packages.

A module holds ``FEATURES``, a tuple of `features.feature.Feature`. An installed package declares
its own in the entry point group ``gravicast.features``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from features.catalogue import NAMES
from features.channels.own_features import OWN_PREFIX
from features.errors import InputError, cut, first_line
from features.feature import CHANNELS, OWN, Feature, Sign
from features.information import InformationSet
from features.plugins import own_module

GROUP = "gravicast.features"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")


def extra_features(places: Sequence[str] = ()) -> tuple[Feature, ...]:
    """Features of installed packages, then those of modules, as columns of the design matrix.

    Parameters
    ----------
    places
        Names of modules, or paths of files.

    Returns
    -------
    tuple of Feature
        Named ``own_<channel>_<name>``, from which `features.catalogue.channel_of` reads the channel
        again; their builders check what they give.

    Raises
    ------
    InputError
        If a module does not import or holds no features, or a feature is not valid or clashes with
        another.
    """
    found: dict[str, Feature] = {}
    for where, feature in _declared(places):
        _check(feature, where)
        named = replace(feature, name=column_name(feature), build=_checked(feature, where))
        if feature.name in NAMES or named.name in found:
            raise InputError(
                f"feature {feature.name!r} of {where} clashes with another of that name",
                remedy="Give it another name",
            )
        found[named.name] = named
    return tuple(found.values())


def check_names(extra: Sequence[Feature], taken: Collection[str]) -> None:
    """Refuse a feature named like one of the user's own indicators.

    Raises
    ------
    InputError
        If there is one.
    """
    for feature in extra:
        if feature.name in taken:
            raise InputError(
                f"feature {feature.name!r} clashes with one made of an indicator",
                remedy="Give it another name",
            )


def column_name(feature: Feature) -> str:
    """Name of a feature's column, which says its channel."""
    channel = "" if feature.channel == OWN else f"{feature.channel}_"
    return f"{OWN_PREFIX}{channel}{feature.name}"


def feature_modules(places: Sequence[str]) -> list[tuple[str, ModuleType, str]]:
    """Modules that hold features: where each was named, the module, and the name in it.

    Raises
    ------
    InputError
        If one does not import.
    """
    named = [
        (f"entry point {entry.name}", entry.module, entry.attr or "FEATURES")
        for entry in installed(tuple(sys.path))
    ]
    named += [(place, place, "FEATURES") for place in places]
    return [
        (where, own_module(module, what=f"features of {where}"), attribute)
        for where, module, attribute in named
    ]


@cache
def installed(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:  # noqa: ARG001 (the key)
    """Entry points of packages on a path, in order; kept, as every package's files are read."""
    found = entry_points(group=GROUP)
    return tuple(sorted(found, key=lambda entry: (entry.name, entry.value)))


def _declared(places: Sequence[str]) -> Iterator[tuple[str, Feature]]:
    for where, module, attribute in feature_modules(places):
        yield from ((where, one) for one in _listed(getattr(module, attribute, None), where))


def _listed(found: Any, where: str) -> Sequence[Any]:
    if not isinstance(found, (tuple, list)) or not found:
        raise InputError(
            f"{where} holds no FEATURES",
            remedy="Write FEATURES = (Feature(...), ...), from forecasting import Feature",
        )
    return found


def _check(feature: Any, where: str) -> None:
    """Refuse what is not a whole feature."""
    if not isinstance(feature, Feature):
        raise InputError(
            f"FEATURES of {where} hold a {type(feature).__name__}",
            remedy="Write Feature(...)",
        )
    name = cut(repr(feature.name))
    if not isinstance(feature.name, str) or not _NAME.fullmatch(feature.name):
        raise InputError(
            f"feature {name} of {where} cannot have that name",
            remedy="Use lower letters, digits and underscores, at most 80",
        )
    if feature.channel not in CHANNELS:
        known = ", ".join(channel for channel in CHANNELS if channel != OWN)
        raise InputError(
            f"feature {name} of {where}: there is no channel {cut(repr(feature.channel))}",
            remedy=f"Choose one of {known}, or {OWN}, which is labelled {CHANNELS[OWN]!r}",
        )
    if feature.channel == OWN and any(feature.name.startswith(f"{c}_") for c in CHANNELS):
        raise InputError(
            f"feature {name} of {where} is named like one of another channel",
            remedy="Give it that channel, or another name",
        )
    if feature.sign not in get_args(Sign):
        raise InputError(
            f"feature {name} of {where}: its sign cannot be {cut(repr(feature.sign))}",
            remedy=f"Choose one of {', '.join(get_args(Sign))}",
        )
    texts = (feature.unit, feature.source, *feature.series)
    if isinstance(feature.series, str) or not all(isinstance(text, str) for text in texts):
        raise InputError(
            f"feature {name} of {where}: unit, source and series are not text",
            remedy='Give text, and series as a tuple such as ("MACRO.GDP",)',
        )
    if not callable(feature.build):
        raise InputError(
            f"feature {name} of {where} has no builder",
            remedy="Give build, a function from an InformationSet to a number for each flow",
        )


def _checked(feature: Feature, where: str) -> Callable[[InformationSet], NDArray[np.float32]]:
    """The builder; whatever it does wrong is named as the feature's."""
    build = feature.build
    assert build is not None

    def checked(info: InformationSet) -> NDArray[np.float32]:
        at = f"feature {feature.name!r} of {where} at origin {info.origin}"
        try:
            found = np.asarray(build(info), dtype=np.float64)
        except Exception as error:
            raise InputError(
                f"{at} fails ({type(error).__name__}: {first_line(error)})",
                remedy="Correct its builder: first origins have two years of history, and what is "
                "unknown is NaN",
            ) from error
        if found.shape != (info.flows.size,):
            raise InputError(
                f"{at} has the shape {found.shape}",
                remedy=f"Return one number for each flow, shape ({info.flows.size},)",
            )
        with np.errstate(over="ignore"):
            column = found.astype(np.float32)
        if np.isinf(column).any():
            raise InputError(f"{at} is infinite", remedy="Return NaN where it is unknown")
        return column

    return checked
