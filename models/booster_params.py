"""LightGBM's own list of its parameters: names it knows, and those that a user cannot set."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from typing import Any

from features.errors import InputError

SET_HERE: Mapping[str, str] = {
    "objective": "the loss is the model's own",
    "seed": "give the option `seed`",
    "num_iterations": "give the option `rounds`",
    "num_threads": "give the option `workers`: a fit runs on one thread",
    "deterministic": "results must not depend on the machine",
    "force_row_wise": "results must not depend on the machine",
    "force_col_wise": "results must not depend on the machine",
    "verbosity": "messages of LightGBM are not shown",
}
"""Parameters a user cannot give, and why: it would be ignored or break reproducibility."""


@cache
def parameter_names() -> Mapping[str, str]:
    """LightGBM's name of every parameter and alias, as the installed version lists them."""
    from lightgbm.basic import _ConfigAliases

    listed = _ConfigAliases._get_all_param_aliases()
    return {alias: name for name, aliases in listed.items() for alias in aliases}


def check_params(params: Mapping[str, Any]) -> None:
    """Refuse parameters that a user cannot give.

    Raises
    ------
    InputError
        As of `by_name`, and for one of `SET_HERE` under any of its names.
    """
    by_name(params)
    for given in params:
        name = parameter_names()[given]
        if name in SET_HERE:
            alias = "" if name == given else f" ({name!r})"
            raise InputError(
                f"option 'params' cannot hold {given!r}{alias}: {SET_HERE[name]}",
                remedy="Leave it out",
            )


def by_name(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters under LightGBM's own names.

    LightGBM ignores an alias if the parameter is also given by name, so an alias would lose to our
    default.

    Raises
    ------
    InputError
        For a name that LightGBM does not know, or a parameter given twice.
    """
    known, out = parameter_names(), dict[str, Any]()
    for given, value in params.items():
        if given not in known:
            raise InputError(
                f"option 'params': LightGBM knows no parameter {given!r}", remedy=_nearest(given)
            )
        if known[given] in out:
            raise InputError(
                f"option 'params' holds {known[given]!r} twice: {given!r} is another name of it",
                remedy="Give it once",
            )
        out[known[given]] = value
    return out


def _nearest(given: object) -> str:
    """The most similar parameter that may be given, by its own name before any alias."""
    free = {alias: name for alias, name in parameter_names().items() if name not in SET_HERE}
    for names, cutoff in ((set(free.values()), 0.8), (set(free), 0.6)):
        close = difflib.get_close_matches(str(given), sorted(names), n=1, cutoff=cutoff)
        if close:
            return f"Did you mean {close[0]!r}?"
    return "See LightGBM's list of parameters"
