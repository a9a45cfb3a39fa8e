"""How a comparator is called, and how it becomes a model of the back-test."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.data.flows import FlowIndex
from features.errors import InputError, cut, first_line
from features.information import InformationSet
from features.plugins import own_module
from models.flow_model import FlowModel, Known
from models.intervals import Bounds, tail_probabilities
from models.known_totals import origin_totals, published_totals
from models.raking import rake

Vector = NDArray[np.float64]
Quantiles = Mapping[int, Any]
"""By horizon, a frame with one row a flow and one column a quantile."""

MEDIAN = 0.5
_NAMED = re.compile(r"(?P<where>.+\.py|[A-Za-z_][\w.]*):(?P<name>[A-Za-z_]\w*)")
_HOW = "Return by horizon a frame with one row a flow and quantiles as columns, 0.5 among them"


class Comparator(Protocol):
    """A model that is compared with ours; see `models.comparators`.

    ``takes_totals = False`` says that it has no use for known future values: its forecasts are then
    raked to the totals that are published.
    """

    def fit_predict(
        self,
        history: pd.DataFrame,
        horizons: Sequence[int],
        known_future: Mapping[str, pd.DataFrame],
    ) -> Quantiles:
        """Forecast from the last year of ``history``."""


@dataclass(frozen=True)
class Compared(FlowModel):
    """A comparator as a model of flows; made anew for every fold.

    Attributes
    ----------
    name
        In files.
    make
        Makes the comparator.
    """

    name: str
    make: Callable[[], Comparator]
    _found: dict[Any, dict[int, Vector]] = field(default_factory=dict, init=False, repr=False)

    def forecast(self, known: Known) -> dict[int, Vector]:
        """Forecast every horizon, USD ``[flow]``: the medians.

        Raises
        ------
        InputError
            If the comparator fails, or returns another shape or what is no number.
        """
        median = _probabilities().index(MEDIAN)
        return {h: found[median] for h, found in self._quantiles(known).items()}

    def bounds(self, known: Known) -> dict[int, Bounds]:
        """Its intervals, of the horizons that it gives all quantiles for."""
        return {
            h: _bounds_of(found)
            for h, found in self._quantiles(known).items()
            if not np.isnan(found).any()
        }

    def _quantiles(self, known: Known) -> dict[int, Vector]:
        """Quantiles of every horizon, USD, shape ``[quantile, flow]``; NaN where it gives none."""
        setting = known.info.setting
        if setting not in self._found:
            comparator = self.make()
            takes_totals = getattr(comparator, "takes_totals", True)
            key = setting if takes_totals else None
            if key not in self._found:
                self._found[key] = self._asked(comparator, known, takes_totals=takes_totals)
            found = self._found[key]
            self._found[setting] = found if takes_totals else _raked(found, known.info)
        return self._found[setting]

    def _asked(
        self, comparator: Comparator, known: Known, *, takes_totals: bool
    ) -> dict[int, Vector]:
        info, horizons = known.info, tuple(known.horizons)
        future = known_future(info, horizons=horizons) if takes_totals else {}
        try:
            given = comparator.fit_predict(history_of(info), horizons, future)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"comparator {self.name!r} fails at origin {info.origin} "
                f"({type(error).__name__}: {first_line(error)})",
                remedy="Correct it, or leave it out of `compare_with`",
            ) from error
        return {h: self._checked(given, h, size=info.flows.size) for h in horizons}

    def _checked(self, given: Any, horizon: int, *, size: int) -> Vector:
        """Quantiles of one horizon, sorted and not negative, shape ``[quantile, flow]``."""
        found = given.get(horizon) if isinstance(given, Mapping) else None
        if not isinstance(found, pd.DataFrame) or len(found) != size or MEDIAN not in found:
            raise InputError(
                f"comparator {self.name!r} gives no median of every flow at horizon {horizon}",
                remedy=_HOW,
            )
        wanted = [p for p in _probabilities() if p in found]
        values = found[wanted].to_numpy(dtype=np.float64).T
        if not np.isfinite(values).all():
            raise InputError(
                f"comparator {self.name!r} gives what is not finite at horizon {horizon}",
                remedy="Return a number for every flow, 0 for one that does not trade",
            )
        out = np.full((len(_probabilities()), size), np.nan)
        places = [_probabilities().index(p) for p in wanted]
        # Rearranged as Chernozhukov, Fernandez-Val and Galichon 2010, Econometrica 78(3).
        out[places] = np.sort(np.maximum(values, 0.0), axis=0)
        return out


def history_of(info: InformationSet) -> pd.DataFrame:
    """Flows of every year up to the origin, USD, one column a flow; NaN where unknown."""
    years = pd.RangeIndex(info.first_year, info.origin + 1, name="year")
    return pd.DataFrame(
        info.history.astype(np.float64), index=years, columns=_flow_names(info.flows)
    )


def known_future(info: InformationSet, *, horizons: Sequence[int]) -> dict[str, pd.DataFrame]:
    """Totals of every flow's exporter and importer, USD, up to the last horizon's year.

    Those of years beyond the origin are the published ones, as the setting allows; NaN where none
    is.
    """
    columns, flows = _flow_names(info.flows), info.flows
    last = info.origin + max(horizons)
    years = pd.RangeIndex(info.first_year, last + 1, name="year")
    sides = (
        ("exporter_total", "exporter", info.exporter_totals, flows.exporter_margin),
        ("importer_total", "importer", info.importer_totals, flows.importer_margin),
    )
    found = {year: published_totals(info, years=year - info.origin)
             for year in range(info.origin + 1, last + 1)}  # fmt: skip
    out = {}
    for name, side, past, margin in sides:
        ahead = [
            np.full(past.shape[1], np.nan) if totals is None else getattr(totals, side)
            for totals in found.values()
        ]
        by_margin = np.vstack([past, *ahead])
        out[name] = pd.DataFrame(by_margin[:, margin], index=years, columns=columns)
    return out


def _flow_names(flows: FlowIndex) -> pd.MultiIndex:
    names = {
        "exporter": pd.Categorical.from_codes(flows.exporter, list(flows.countries)),
        "importer": pd.Categorical.from_codes(flows.importer, list(flows.countries)),
    }
    if flows.has_sectors:
        names["sector"] = pd.Categorical.from_codes(flows.sector, list(flows.sectors))
    return pd.MultiIndex.from_arrays(list(names.values()), names=list(names))


def _probabilities() -> list[float]:
    return sorted({MEDIAN, *tail_probabilities()})


def _bounds_of(found: Vector) -> dict[int, tuple[Vector, Vector]]:
    """Lower and upper bound by level of quantiles in ascending order."""
    order = _probabilities()
    out = {}
    for low in (p for p in order if p < MEDIAN):
        level = round(100 * (1 - 2 * low))
        out[level] = (found[order.index(low)], found[len(order) - 1 - order.index(low)])
    return out


def _raked(found: Mapping[int, Vector], info: InformationSet) -> dict[int, Vector]:
    """Quantiles moved with their medians, which are raked where the year's totals are published."""
    median, flows, out = _probabilities().index(MEDIAN), info.flows, {}
    for horizon, values in found.items():
        totals = published_totals(info, years=horizon)
        if totals is None:
            out[horizon] = values
            continue
        ours = origin_totals(info)
        exporter, importer = (
            np.where(np.isnan(side), own, side)
            for side, own in (
                (totals.exporter, ours.exporter),
                (totals.importer, ours.importer),
            )
        )
        before = values[median]
        after = rake(before, flows=flows, exporter_totals=exporter, importer_totals=importer).values
        ratio = np.divide(after, before, out=np.ones_like(before), where=before > 0)
        out[horizon] = np.where(np.arange(len(values))[:, None] == median, after, values * ratio)
    return out


# By name ------------------------------------------------------------------------------------------


def is_named(text: str) -> bool:
    """Whether a text names a class of the user's own: ``module:Class`` or ``file.py:Class``."""
    return _NAMED.fullmatch(text) is not None


def name_of(text: str) -> str:
    """Name in files of a class of the user's own."""
    found = _NAMED.fullmatch(text)
    assert found is not None
    return found["name"]


def place_of(text: str) -> str:
    """Module or file of a class of the user's own."""
    found = _NAMED.fullmatch(text)
    assert found is not None
    return found["where"]


def own_comparator(text: str) -> Callable[[], Compared]:
    """What makes the model of a user's class.

    Raises
    ------
    InputError
        If its module does not import, holds no such class, or the class has no ``fit_predict`` or
        needs parameters.
    """
    name, what = name_of(text), f"comparator {cut(repr(text))}"
    module = own_module(place_of(text), what=what)
    made = getattr(module, name, None)
    if made is None:
        raise InputError(
            f"{what}: {module.__name__} holds no {name!r}",
            remedy="Name a class that it defines",
        )
    try:
        comparator = made()
    except Exception as error:
        raise InputError(
            f"{what}: it cannot be made without parameters ({first_line(error)})",
            remedy="Give its parameters defaults",
        ) from error
    if not callable(getattr(comparator, "fit_predict", None)):
        raise InputError(
            f"{what}: a {type(comparator).__name__} has no `fit_predict`",
            remedy="`python -m pydoc models.comparators` says what it takes and returns",
        )
    return partial(Compared, name, made)
