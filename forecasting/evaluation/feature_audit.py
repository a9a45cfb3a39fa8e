"""Features that users wrote, refused before the first fit if they see what was not known yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.choices import Setting
from features.data.flows import FlowIndex
from features.errors import InputError
from features.feature import Feature
from features.information import AsOfRule, DataBundle, InformationSet
from forecasting.evaluation.altered_future import (
    alter_future,
    late_pair_years,
    late_series_years,
    late_trade_years,
)

Array = NDArray[Any]


def require_known(
    data: DataBundle,
    features: Sequence[Feature],
    *,
    rule: AsOfRule,
    setting: Setting,
    origins: Sequence[int],
    seed: int,
) -> None:
    """Build features at some origins, then again with every later cell altered.

    Parameters
    ----------
    data
        As read. Reports and monthly trade are not altered.
    features
        To audit.
    rule, setting
        When origins are forecast from, and what is known then.
    origins
        Where.
    seed
        Of the alterations.

    Raises
    ------
    InputError
        If a feature differs between two builds, or changes with a cell that was not published at
        an origin: names the feature and the cell.
    """
    rng = np.random.default_rng(seed)
    for origin in origins:
        at = _Origin(rule.date(origin), origin, setting)
        other, _ = alter_future(data, as_of=at.as_of, origin=origin, setting=setting, rng=rng)
        for feature in features:
            found = at.built(feature, data)
            if not _same(found, at.built(feature, data)):
                raise InputError(
                    f"feature {feature.name!r} differs between two builds at origin {origin}",
                    remedy="Give what it draws at random a seed of its own",
                )
            if not _same(found, at.built(feature, other)):
                cell = _leaking_cell(data, other, at, feature, found)
                raise InputError(
                    f"feature {feature.name!r} at origin {origin} changes with {cell}, which was "
                    f"not published by {at.as_of}",
                    remedy="Read the InformationSet's arrays alone: they end at what was published",
                )


@dataclass(frozen=True, slots=True)
class _Origin:
    as_of: date
    origin: int
    setting: Setting

    def built(self, feature: Feature, data: DataBundle) -> Array:
        """The feature as it is with these data."""
        info = InformationSet(data, as_of=self.as_of, origin=self.origin, setting=self.setting)
        assert feature.build is not None
        return np.asarray(feature.build(info))


def _same(one: Array, other: Array) -> bool:
    return np.array_equal(one, other, equal_nan=True)


# The cell that leaks ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the data, which of its years are late, and how to put another in its place."""

    values: Array
    late: NDArray[np.bool_]
    put: Callable[[DataBundle, Array], DataBundle]
    name: Callable[[tuple[int, ...]], str]
    of: Callable[[DataBundle], Array]


def _leaking_cell(
    data: DataBundle, other: DataBundle, at: _Origin, feature: Feature, found: Array
) -> str:
    """A late cell that moves the feature alone, by halving; else the table it is in."""

    def moves(table: _Table, cells: Array) -> bool:
        values, changed = table.values.copy(), table.of(other)
        values.flat[cells] = changed.flat[cells]
        return not _same(found, at.built(feature, table.put(data, values)))

    for table in _tables(data, at):
        width = table.values[0].size
        cells = np.flatnonzero(np.repeat(table.late, width))
        if not cells.size or not moves(table, cells):
            continue
        while cells.size > 1:
            first, second = np.array_split(cells, 2)
            if moves(table, first):
                cells = first
            elif moves(table, second):
                cells = second
            else:
                break
        place = np.unravel_index(cells[0], table.values.shape)
        named = table.name(tuple(map(int, place)))
        return named if cells.size == 1 else f"{named} and other cells together"
    return "later cells of several tables together"


def _tables(data: DataBundle, at: _Origin) -> Iterator[_Table]:
    panel = data.panel
    yield _Table(
        panel.values,
        late_trade_years(panel, at.origin),
        lambda old, new: _with(old, panel=replace(panel, values=new)),
        lambda place: f"trade of {_flow(panel.flows, place[1])} in {panel.first_year + place[0]}",
        lambda bundle: bundle.panel.values,
    )
    if data.indicators is not None:
        for name in data.indicators.values:
            yield _series(data, name, at)
    for name in data.pairs.yearly:
        yield _pairs(data, name, at)


def _series(data: DataBundle, name: str, at: _Origin) -> _Table:
    indicators = data.indicators
    assert indicators is not None
    years, countries = indicators.years, data.panel.flows.countries

    def values(bundle: DataBundle) -> Array:
        assert bundle.indicators is not None
        return bundle.indicators.values[name]

    return _Table(
        indicators.values[name],
        late_series_years(indicators, name, as_of=at.as_of, origin=at.origin, setting=at.setting),
        lambda old, new: _with(
            old, indicators=replace(indicators, values={**indicators.values, name: new})
        ),
        lambda place: f"{name} of {countries[place[1]]} in {int(years[place[0]])}",
        values,
    )


def _pairs(data: DataBundle, name: str, at: _Origin) -> _Table:
    pairs, table = data.pairs, data.pairs.yearly[name]
    countries = data.panel.flows.countries
    return _Table(
        table.values,
        late_pair_years(table, as_of=at.as_of),
        lambda old, new: _with(
            old,
            pairs=replace(pairs, yearly={**pairs.yearly, name: replace(table, values=new)}),
        ),
        lambda place: (
            f"{name} of {countries[place[1]]} and {countries[place[2]]} in "
            f"{table.first_year + place[0]}"
        ),
        lambda bundle: bundle.pairs.yearly[name].values,
    )


def _with(data: DataBundle, **changed: Any) -> DataBundle:
    """The data with some parts changed."""
    parts: Mapping[str, Any] = {
        name: getattr(data, name)
        for name in ("panel", "indicators", "pairs", "sectors", "trade_lag_months", "reports",
                     "monthly")
    }  # fmt: skip
    return DataBundle(**{**parts, **changed})


def _flow(flows: FlowIndex, place: int) -> str:
    sector = f" ({flows.sectors[flows.sector[place]]})" if flows.has_sectors else ""
    exporter, importer = (flows.countries[side[place]] for side in (flows.exporter, flows.importer))
    return f"{exporter} -> {importer}{sector}"
