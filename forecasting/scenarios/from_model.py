"""Effects that a scenario asks of the run's data (``from_model``), and what supports them.

They are gravity estimates, `models.counterfactual_effects`, with their standard errors. The
booster's answer to a changed feature is no effect and is not asked.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from features.information import InformationSet
from forecasting.results.result import RunResult
from forecasting.run_data import run_data
from forecasting.scenarios.binding import BoundChange, BoundScenario
from forecasting.scenarios.estimate import Estimate
from forecasting.scenarios.written import EVERYONE, Change
from models.counterfactual_effects import PanelEffect, country_effect, pair_effect


def with_model_effects(bound: BoundScenario, run: RunResult) -> BoundScenario:
    """The scenario with every effect that it asks of the run's data, estimated.

    Raises
    ------
    InputError
        If the data have changed since the run, do not hold the series or say nothing of it, or the
        change does not name whose indicator moves.
    """
    if not any(one.change.from_model for one in bound.changes):
        return bound
    if find_spec("pyfixest") is None:
        raise InputError(
            "`from_model` needs pyfixest, which is not installed",
            remedy="python -m pip install 'gravicast[gravity]', or state the effect",
            file=bound.written.file,
        )
    for one in bound.changes:
        if one.change.from_model:
            _check_sides(one.change, bound)
    info, names = _information(run)
    changes = [
        _estimated(one, info, names, bound) if one.change.from_model else one
        for one in bound.changes
    ]
    return replace(bound, changes=tuple(changes))


def _information(run: RunResult) -> tuple[InformationSet, Sequence[str]]:
    """What the run knew, read again from its files, and the names of its series and attributes."""
    about = run.provenance
    if about["kind"] != "run":
        raise InputError(
            "a forecast by a trained model has no data to estimate effects on",
            remedy="Ask the run that trained it",
            file=run.out,
        )
    data = run_data(run)
    info = InformationSet(
        data.bundle,
        as_of=date.fromisoformat(about["as_of"]),
        origin=about["origin"],
        setting=about["setting"],
    )
    return info, sorted({*info.specs, *data.bundle.pairs.yearly, *data.bundle.pairs.static})


def _check_sides(change: Change, bound: BoundScenario) -> None:
    """Refuse a country's indicator that moves only some of its trade: the estimate is of all."""
    if change.kind == "agreement":
        return
    whole = [change.exporters == EVERYONE, change.importers == EVERYONE]
    if change.both_ways or sum(whole) != 1:
        raise InputError(
            f"the indicator {change.indicator} is asked of the model, and the change does not say "
            "whose it is",
            remedy="Name exporters or importers, not both: the estimate is of all their trade "
            "abroad",
            file=bound.written.file,
        )


def _estimated(
    one: BoundChange, info: InformationSet, names: Sequence[str], bound: BoundScenario
) -> BoundChange:
    change = one.change
    name = change.from_model
    of_country = info.has_series(name)
    if not of_country and not info.has_pair(name):
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.3)
        raise InputError(
            f"the run's data have no indicator or pair attribute {name!r}",
            remedy=f"Nearest: {', '.join(near)}" if near else "State the effect with its source",
            file=bound.written.file,
        )
    try:
        found = (country_effect if of_country else pair_effect)(info, name)
    except InputError as error:
        raise InputError(error.problem, remedy=error.remedy, file=bound.written.file) from None
    moved = 1.0 if change.kind == "agreement" else list(dict(sorted(change.path.items())).values())
    step = max(np.atleast_1d(moved), key=abs)
    before = _moved_values(one, found, info, of_country)
    support = _support(found, before, float(step))
    if change.kind == "agreement" and (before >= 1).any():
        support = (
            f"WARNING: {int((before >= 1).sum())} of {before.size} flows have an agreement "
            "already, and the effect is that of a first one"
        )
    errors = f"exporter ({len(info.flows.countries)})" if of_country else "pair"
    source = f"{_source(found, name, info)}; errors clustered by {errors}"
    effect = Estimate(found.value, found.standard_error, source)
    return replace(one, change=replace(change, effect=effect), support=support)


def _source(found: PanelEffect, name: str, info: InformationSet) -> str:
    border = ", border-year" if info.flows.diagonal else ""
    return (
        f"estimated on the run's data: PPML of {found.observations:,} flow-years, "
        f"{found.years[0]}-{found.years[1]}, on {name} with exporter-year, importer-year{border} "
        "and pair effects; an association that these effects leave, not an experiment"
    )


def _moved_values(
    one: BoundChange, found: PanelEffect, info: InformationSet, of_country: bool
) -> NDArray[np.float64]:
    """Last known values of the variable that the change moves."""
    pairs: NDArray[np.bool_] = np.asarray(one.touches.any(axis=2))
    place = {code: number for number, code in enumerate(info.flows.countries)}
    codes = [place[code] for code in one.countries]
    if not of_country:
        values = found.latest[np.ix_(codes, codes)][pairs]
    else:
        moves = np.any(pairs, axis=1 if one.change.importers == EVERYONE else 0)
        values = found.latest[codes][moves]
    known: NDArray[np.float64] = values[np.isfinite(values)]
    return known


def _support(found: PanelEffect, before: NDArray[np.float64], step: float) -> str:
    """Whether the data span the new values: the share beyond them, and how far they are."""
    sample = np.sort(found.sample)
    if not before.size:
        return "support: the last values of those that change are unknown"
    new = before + step
    beyond = [float((sample >= v).mean() if step > 0 else (sample <= v).mean()) for v in new]
    worst = int(np.argmin(beyond))
    spread = float(sample.std())
    nearest = float(np.abs(sample - new[worst]).min()) / spread
    if beyond[worst] > 0:
        return (
            f"support: {beyond[worst]:.2%} of the {sample.size:,} observations lie beyond the new "
            f"value {new[worst]:,.4g}"
        )
    outside = int(np.sum(np.array(beyond) == 0))
    return (
        f"WARNING: outside the data: no observation reaches {new[worst]:,.4g} ({outside} of "
        f"{new.size} new values are so far out), the nearest is {nearest:.1f} standard deviations "
        "away: the effect is extrapolated"
    )
