"""A scenario bound to a run: its countries, sectors and years, and its effects as matrices."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.countries.groups import find_group
from features.errors import InputError, listed
from features.files.tables import read_table
from forecasting.results.subjects import check_country
from forecasting.scenarios.baseline import Baseline
from forecasting.scenarios.estimate import Estimate
from forecasting.scenarios.product_elasticities import sector_elasticities
from forecasting.scenarios.written import EVERYONE, Change, ScenarioFile

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BoundChange:
    """A change and the flows it touches.

    Attributes
    ----------
    change
        As written.
    touches
        Shape ``[exporter, importer, sector]``.
    countries
        Codes of its first two axes.
    support
        What its effect rests on.
    """

    change: Change
    touches: Mask
    countries: tuple[str, ...]
    support: str = "stated by the user, not estimated here"

    def in_force(self, year: int) -> float:
        """Share of the change in force: 0 before the first year of its phase, then the last."""
        share = 0.0 if self.change.phase else 1.0
        for first, value in sorted(self.change.phase.items()):
            share = value if year >= first else share
        return share

    def log_effect(self, year: int, *, theta: Array, coefficient: float) -> Array:
        """Partial effect on the log of a touched flow, shape ``[sector]``; -inf for an embargo."""
        kind, share = self.change.kind, self.in_force(year)
        if share == 0.0:
            return np.zeros_like(theta)
        if kind == "embargo":
            return np.full_like(theta, -np.inf)
        if kind == "agreement":
            return np.full_like(theta, coefficient * share)
        if kind == "indicator":
            moved = [v for y, v in sorted(self.change.path.items()) if y <= year]
            return np.full_like(theta, coefficient * share * (moved[-1] if moved else 0.0))
        sign = 1.0 if kind == "productivity" else -1.0
        return sign * theta * np.log1p(self.change.size * share)


@dataclass(frozen=True, slots=True)
class BoundScenario:
    """A scenario whose every name is one of the run.

    Attributes
    ----------
    written
        As the user wrote it.
    changes
        With the flows they touch.
    theta
        Trade elasticity by sector.
    groups
        Members of every group that is reported, by name.
    absent
        Members of named groups that the run lacks, by group.
    """

    written: ScenarioFile
    changes: tuple[BoundChange, ...]
    theta: tuple[Estimate, ...]
    groups: Mapping[str, tuple[str, ...]]
    absent: Mapping[str, tuple[str, ...]]

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """Everything uncertain: a scenario's different elasticities, then effects of changes."""
        effects = [one.change.effect for one in self.changes]
        return (*dict.fromkeys(self.theta), *(e for e in effects if e is not None))

    def effect(self, year: int, scores: Mapping[Estimate, float] | None = None) -> Array:
        """Partial effect of all changes, a ratio, shape ``[exporter, importer, sector]``.

        ``scores`` are standard normal scores of the estimates, 0 by default.
        """
        scores = scores or {}
        theta = self.thetas(scores)
        log = np.zeros(self.changes[0].touches.shape)
        for one in self.changes:
            effect = one.change.effect
            score = np.array(scores.get(effect, 0.0)) if effect is not None else np.array(0.0)
            coefficient = float(effect.drawn(score)) if effect is not None else 0.0
            log += np.where(
                one.touches, one.log_effect(year, theta=theta, coefficient=coefficient), 0.0
            )
        return np.exp(log)

    def thetas(self, scores: Mapping[Estimate, float] | None = None) -> Array:
        """Trade elasticities at scores, shape ``[sector]``."""
        scores = scores or {}
        return np.array(
            [float(one.drawn_positive(np.array(scores.get(one, 0.0)))) for one in self.theta]
        )


def bind(
    written: ScenarioFile,
    forecasts: pd.DataFrame,
    baseline: Baseline,
    *,
    store: Path | None = None,
) -> BoundScenario:
    """Check a scenario against a run and find what it touches.

    ``store`` is where the elasticities are, if they are not in a file.

    Raises
    ------
    InputError
        If a country, group, sector or year is not of the run, a country is in two parties of an
        agreement, a sector has no elasticity, or a country loses every supplier or customer.
    """
    names = _Names(written, forecasts, baseline.origin)
    changes = []
    for change in written.changes:
        _check_years(change, baseline, file=written.file)
        touches = _touched(change, baseline, names)
        changes.append(BoundChange(change, touches, baseline.flows.countries))
    bound = BoundScenario(
        written=written,
        changes=tuple(changes),
        theta=_thetas(written, baseline.flows.sectors, store),
        groups={**{name: names.members(name) for name in written.groups}, **names.groups},
        absent=names.absent,
    )
    for year, values in zip(baseline.years, baseline.values, strict=True):
        _check_partners(values, bound.effect(year), baseline, year, file=written.file)
    return bound


class _Names:
    """Finds the countries behind names, and remembers which groups were named."""

    def __init__(self, written: ScenarioFile, forecasts: pd.DataFrame, origin: int) -> None:
        self.written, self.forecasts, self.origin = written, forecasts, origin
        self.groups: dict[str, tuple[str, ...]] = {}
        self.absent: dict[str, tuple[str, ...]] = {}
        sides = (forecasts[side].astype(str).unique() for side in ("exporter", "importer"))
        self.known = frozenset(code for side in sides for code in side)

    def members(self, name: str) -> tuple[str, ...]:
        """Codes of a country, of an own group or of a group known by name."""
        if name.casefold() in (*EVERYONE, "*", "all"):
            return tuple(sorted(self.known))
        if name in self.written.groups:
            own = [code for word in self.written.groups[name] for code in self._one(word)]
            twice = [code for code in own if own.count(code) > 1]
            if twice:
                raise InputError(f"{twice[0]} is in the group {name!r} twice",
                                 remedy="Name it once", file=self.written.file)  # fmt: skip
            return tuple(sorted(own))
        return self._one(name)

    def all_of(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted({code for name in names for code in self.members(name)}))

    def _one(self, name: str) -> tuple[str, ...]:
        group = find_group(name)
        if group is None:
            return (check_country(self.forecasts, name),)
        members = group.members(self.origin)
        found = tuple(code for code in members if code in self.known)
        if not found:
            raise InputError(
                f"none of the {len(members)} members of {group.name} is in the run",
                remedy="Choose another group or a country",
                file=self.written.file,
            )
        self.groups[group.name] = found
        if len(found) < len(members):
            self.absent[group.name] = tuple(code for code in members if code not in self.known)
        return found


def _check_years(change: Change, baseline: Baseline, *, file: Path) -> None:
    first = {year for year in (*change.phase, *change.path) if year}
    outside = sorted(first - set(range(baseline.origin + 1, max(baseline.years) + 1)))
    if outside:
        raise InputError(
            f"the {change.kind} begins or changes in {outside[0]}, outside the years of the "
            f"scenario ({listed([str(year) for year in baseline.years])})",
            remedy="Give a year of the run, or run it with longer --horizons",
            file=file,
        )


def _touched(change: Change, baseline: Baseline, names: _Names) -> Mask:
    """Flows a change touches; domestic sales only where productivity changes."""
    countries = baseline.flows.countries
    place = {code: number for number, code in enumerate(countries)}
    n = len(countries)
    pairs = np.zeros((n, n), dtype=np.bool_)
    if change.kind == "agreement":
        for one, other in _parties(change, names):
            pairs[place[one], place[other]] = True
    else:
        sides = [
            [place[code] for code in names.all_of(side)]
            for side in (change.exporters, change.importers)
        ]
        pairs[np.ix_(*sides)] = True
        if change.both_ways:
            pairs |= pairs.T
    if change.kind != "productivity":
        np.fill_diagonal(pairs, False)
    return pairs[:, :, None] & _sectors(change, baseline.flows.sectors, names.written.file)


def _parties(change: Change, names: _Names) -> Iterable[tuple[str, str]]:
    """Pairs of members of different parties; of a single party, pairs within it."""
    parties = [names.members(name) for name in change.members]
    everyone = [code for party in parties for code in party]
    twice = [code for code in everyone if everyone.count(code) > 1]
    if twice:
        raise InputError(
            f"{twice[0]} is in the agreement twice",
            remedy="Name it once, alone or in a group",
            file=names.written.file,
        )
    if len(everyone) < 2:
        raise InputError(
            f"the agreement has only one member ({everyone[0]})",
            remedy="Name at least two",
            file=names.written.file,
        )
    party = {code: number for number, codes in enumerate(parties) for code in codes}
    single = len(parties) == 1
    return (
        (one, other)
        for one in everyone
        for other in everyone
        if one != other and (single or party[one] != party[other])
    )


def _sectors(change: Change, known: Sequence[str], file: Path) -> Mask:
    if not change.sectors:
        return np.ones(len(known), dtype=np.bool_)
    for sector in change.sectors:
        _check_sector(sector, known, file)
    return np.array([sector in change.sectors for sector in known])


def _check_sector(sector: str, known: Sequence[str], file: Path) -> None:
    if sector in known and sector:
        return
    if tuple(known) == ("",):
        raise InputError(f"the run has no sectors, and so no {sector!r}",
                         remedy="Leave out sectors", file=file)  # fmt: skip
    near = difflib.get_close_matches(sector, known, n=3, cutoff=0.4) or list(known[:8])
    remedy = f"Nearest: {', '.join(near)}"
    raise InputError(f"the run has no sector {sector!r}", remedy=remedy, file=file)


def _thetas(
    written: ScenarioFile, sectors: Sequence[str], store: Path | None
) -> tuple[Estimate, ...]:
    """Trade elasticity of every sector."""
    given = written.elasticity
    if isinstance(given, Estimate):
        return (given,) * len(sectors)
    by_sector = dict(given)
    if written.elasticity_file is not None:
        file, products = written.elasticity_file, written.product_sectors
        table = (
            sector_elasticities(file, products, store=store) if products else elasticity_table(file)
        )
        by_sector = {**table, **by_sector}
    for sector in given:
        _check_sector(sector, sectors, written.file)
    lacking = [sector for sector in sectors if sector not in by_sector]
    others = written.elasticity_of_others
    if lacking and others is None:
        raise InputError(
            f"{listed(lacking)} {'has' if len(lacking) == 1 else 'have'} no elasticity",
            remedy="Add it, or give `others`",
            file=written.file,
        )
    chosen = (by_sector.get(sector, others) for sector in sectors)
    return tuple(one for one in chosen if one is not None)


def elasticity_table(file: Path) -> dict[str, Estimate]:
    """Trade elasticities by sector from a table ``sector, value, standard_error, source``.

    Raises
    ------
    InputError
        If there is no such table, or an elasticity is not a positive number.
    """
    if not file.is_file():
        raise InputError("there is no such file", remedy="Check the elasticity", file=file)
    table = read_table(file, text=["sector", "source"])
    for column in ("sector", "value", "standard_error", "source"):
        if column not in table:
            raise InputError("a column is missing",
                             remedy="Give sector, value, standard_error and source", file=file,
                             column=column)  # fmt: skip
    numbers = table[["value", "standard_error"]].apply(pd.to_numeric, errors="coerce")
    wrong = ~((numbers["value"] > 0) & (numbers["standard_error"] >= 0)).to_numpy()
    wrong |= table.duplicated("sector").to_numpy()
    if wrong.any():
        raise InputError(
            "the elasticity is not positive, lacks a standard error, or its sector occurs twice",
            remedy="Give theta above 0 once a sector",
            file=file,
            column="value",
            row=int(np.argmax(wrong)) + 2,
        )
    return {
        str(sector): Estimate(float(value), float(error), str(source))
        for sector, value, error, source in zip(
            table["sector"], numbers["value"], numbers["standard_error"], table["source"],
            strict=True,
        )
    }  # fmt: skip


def _check_partners(
    values: Array, effect: Array, baseline: Baseline, year: int, *, file: Path
) -> None:
    """Refuse a change that leaves a country no foreign supplier or customer it had."""
    abroad = ~np.eye(values.shape[0], dtype=np.bool_)[:, :, None] & (values > 0)
    left = abroad & (effect > 0)
    sides = (
        (0, "every supplier of {} is embargoed"),
        (1, "{} is isolated: every country it sells to is embargoed"),
    )
    for axis, words in sides:
        of: tuple[int, ...] = (axis, 2) if baseline.domestic else (axis,)
        # What is made at home can replace a sector, not all trade.
        had, has = (np.asarray(trades.any(axis=of)) for trades in (abroad, left))
        cut_off = (had & ~has).reshape(len(values), -1)
        if cut_off.any():
            country, sector = np.argwhere(cut_off)[0]
            name = baseline.flows.countries[country]
            what = baseline.flows.sectors[sector]
            named = f"{name} in {what}" if cut_off.shape[1] > 1 and what else name
            raise InputError(
                f"{words.format(named)} in {year}",
                remedy="Leave it at least one partner",
                file=file,
            )
