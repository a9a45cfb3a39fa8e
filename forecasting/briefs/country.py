"""The brief of a country: levels, shifts against the base, how sure, why, on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from features.choices import REPORTS_KNOWN
from features.feature import CHANNELS
from forecasting.briefs.brief import Brief, BriefFigure, BriefTable
from forecasting.briefs.fill import fill
from forecasting.briefs.home import home_sales
from forecasting.briefs.levels import levels_table, side_levels
from forecasting.briefs.movers import (
    Movers,
    by_year,
    flows_in,
    flows_table,
    moved_between,
    movers,
    net,
)
from forecasting.briefs.parts import (
    NET,
    Part,
    channel_shifts,
    largest_parts,
    parts,
    technology_of,
    technology_terms,
    terms_of,
)
from forecasting.briefs.reasons import reasons, reasons_table
from forecasting.briefs.totals import OTHER_SIDE, Basis, Spread, basis_of_total, partner_spread
from forecasting.briefs.track_record import PastErrors, past_errors, read_outcomes, record_of
from forecasting.distribution.sums import sum_reader
from forecasting.explanation.terms import MONTHLY_TERM
from forecasting.results.decompose import parts_by_flow
from forecasting.results.result import RunResult
from forecasting.results.subjects import (
    abroad,
    check_country,
    check_year,
    named,
    origin_of,
    the,
)
from forecasting.words.flows import flow_words
from forecasting.words.measures import sector_names
from forecasting.words.numbers import change, share

SIDES = {"exporter": "exports", "importer": "imports"}


@dataclass(frozen=True, slots=True)
class _Side:
    """A country as exporter or importer.

    Attributes
    ----------
    chosen
        Which rows of the run's forecasts are its flows, in any year, without its sales at home.
    flows
        Those of the target year, see `flows_in`; the other country is called partner.
    shifts
        See `channel_shifts`.
    """

    run: RunResult
    code: str
    side: str
    year: int
    chosen: pd.Series[bool]
    flows: pd.DataFrame
    shifts: pd.DataFrame

    @property
    def word(self) -> str:
        """What its flows are called: exports or imports."""
        return SIDES[self.side]

    @property
    def of(self) -> str:
        """Its flows, with the country."""
        return f"the {self.word} of {the(named(self.code))}"

    @property
    def names(self) -> list[str]:
        """Columns of ``flows`` that name a flow."""
        return [name for name in ("partner", "sector") if name in self.flows]

    @property
    def base(self) -> float:
        """Its total in the base, USD."""
        return float(self.flows["base_usd"].sum())


def country_brief(
    run: RunResult, country: str, *, year: int | None = None, partners: Sequence[str] = ()
) -> Brief:
    """Brief of a country's exports and imports.

    Parameters
    ----------
    run
        Finished.
    country
        ISO 3166 alpha-3 code or English name.
    year
        Target year; by default the first that was not over on the as-of date.
    partners
        Countries and groups by name that the tables of levels show besides the largest partners.

    Returns
    -------
    Brief
        Tables ``totals`` and ``technology``, ``home`` where sales at home are flows, and for
        exports and imports ``_levels``, ``_reasons``, ``_partners``, ``_channels``,
        ``_partner_channels`` and, where there was a back-test, ``_record``.

    Raises
    ------
    InputError
        If the run does not know the country or does not forecast the year.
    """
    code = check_country(run.forecasts, country)
    target = check_year(run.forecasts, year)
    sides = [_side(run, code, side, target) for side in SIDES]
    outcomes, technology = read_outcomes(run), _technology(sides)
    outcomes = outcomes[abroad(outcomes)]
    tables, figures, facts = {"totals": _totals(sides)}, dict[str, BriefFigure](), []
    home = home_sales(run, code, target)
    if home is not None:
        tables["home"] = home.table
    levels = side_levels(sum_reader(run), code, partners=partners)
    by_flow = parts_by_flow(run, target)
    for side, found in zip(sides, levels, strict=True):
        record = record_of(run, outcomes[outcomes[side.side] == code], of=side.of)
        if side.base > 0:
            tables[f"{side.word}_levels"] = levels_table(found)
            why = reasons(run, found.side, by_flow, target)
            tables[f"{side.word}_reasons"] = reasons_table(why, origin=origin_of(run))
        tables |= _tables(side) | ({} if record is None else {f"{side.word}_record": record})
        figures |= _figures(side)
        facts.append(_facts(side, record))
    return fill(
        "country",
        exact=run.explanation.exact,
        tables={**tables, "technology": technology},
        figures=figures,
        country=named(code),
        home=home,
        year=target,
        origin=origin_of(run),
        as_of=run.forecasts["as_of"].iloc[0],
        pattern=origin_of(run) + (run.provenance["setting"] == REPORTS_KNOWN),
        sides=facts,
        levels=[found for side, found in zip(sides, levels, strict=True) if side.base > 0],
        technology=technology_of(run),
    )


def _side(run: RunResult, code: str, side: str, year: int) -> _Side:
    chosen = (run.forecasts[side] == code) & abroad(run.forecasts)
    return _Side(
        run,
        code,
        side,
        year,
        chosen,
        _by_partner(flows_in(run, chosen, year), side),
        _by_partner(channel_shifts(run, chosen, year), side),
    )


def _by_partner(table: pd.DataFrame, side: str) -> pd.DataFrame:
    table = table.drop(columns=[side, f"{side}_name"], errors="ignore")
    other = OTHER_SIDE[side]
    return table.rename(columns={other: "partner", f"{other}_name": "partner_name"})


@dataclass(frozen=True, slots=True)
class SideFacts:
    """What a brief says of exports or imports: USD, percent.

    Attributes
    ----------
    word, of
        What its flows are called, and with the country.
    total, growth
        Forecast of the target year, and against the origin.
    world_growth
        The part of it that is the growth of world trade.
    monthly
        The part that monthly trade adds; None where none is known.
    basis
        What the total rests on.
    moves, moves_percent
        What moves from some partners to others.
    from_home
        What the partners together gain from sales at home, in percent of the value at the origin.
    technology, technology_percent, technology_net
        What the technology channels move from some partners to others, and what they add to all.
    movers, spread, past
        Of its flows.
    above, above_parts, below
        By how much the partners above their base exceed it, the largest parts of that, and by how
        much the others fall short of theirs.
    ends
        The flows furthest above and below the base with their largest parts, where they have any.
    """

    word: str
    of: str
    total: float
    growth: float
    world_growth: float
    monthly: float | None
    basis: Basis
    moves: float
    moves_percent: float
    from_home: float
    technology: float
    technology_percent: float
    technology_net: float
    movers: Movers
    spread: Spread
    past: PastErrors
    above: float
    above_parts: tuple[Part, ...]
    below: float
    ends: tuple[tuple[str, float, tuple[Part, ...]], ...]


def side_facts(run: RunResult, code: str, year: int) -> tuple[SideFacts, ...]:
    """Facts of a country's exports and imports in a target year, without past errors."""
    return tuple(_facts(_side(run, code, side, year), None) for side in SIDES)


def _facts(side: _Side, record: BriefTable | None) -> SideFacts:
    run, code, year, flows = side.run, side.code, side.year, side.flows
    moves = moved_between(flows["shift_usd"])
    by_technology = side.shifts[technology_terms(side.shifts)]
    technology = moved_between(by_technology)
    start, total = (float(flows[n].sum()) for n in ("value_at_origin_usd", "forecast_usd"))
    to_base = parts(run, side.chosen, year, stage="base").set_index("term")["percent"]
    above = parts(run, _shifted(side, 1), year, stage="shift").set_index("term")["usd"]
    return SideFacts(
        word=side.word,
        of=side.of,
        total=total,
        growth=change(start, total),
        world_growth=float(to_base["total:world"]),
        monthly=to_base.get(f"total:{MONTHLY_TERM}"),
        basis=basis_of_total(run, code, side=side.side, year=year),
        moves=moves,
        moves_percent=share(moves, side.base),
        from_home=share(total - side.base, start),
        technology=technology,
        technology_percent=share(technology, side.base),
        technology_net=net(by_technology),
        movers=movers(flows, side.names, sector_names(run)),
        spread=partner_spread(run, code, side=side.side, year=year),
        past=past_errors(record, year - origin_of(run), of=side.of),
        above=float(flows["shift_usd"].clip(lower=0).sum()),
        above_parts=largest_parts(above),
        below=-float(flows["shift_usd"].clip(upper=0).sum()),
        ends=_ends(side),
    )


def _ends(side: _Side) -> tuple[tuple[str, float, tuple[Part, ...]], ...]:
    """Flows furthest above and below the base: who, USD, and the model's largest contributions."""
    found = []
    for row in (side.flows.iloc[0], side.flows.iloc[-1]):
        same = (side.shifts[side.names] == row[side.names].to_numpy()).all(axis=1)
        terms = side.shifts.loc[same, terms_of(side.shifts)]
        what = largest_parts(terms.iloc[0]) if len(terms) else ()
        words = flow_words(row, side.names, sector_names(side.run))
        found.append((words, float(row["shift_usd"]), what))
    return tuple(found)


# Totals -------------------------------------------------------------------------------------------


def _totals(sides: list[_Side]) -> BriefTable:
    columns = ("target_year", "value_at_origin_usd", "total_usd", "growth_percent", "moves_usd",
               "moves_percent", "flows_above_base", "flows_below_base", "excludes_no_shift",
               "forecast_to_stop")  # fmt: skip
    tables = {side.word: by_year(side.run, side.chosen, columns) for side in sides}
    return BriefTable(
        "Totals by target year. Moves: what moves from some partners to others. Then numbers of "
        "flows: above the base, below it, whose 90% interval excludes no shift, that are forecast "
        "to stop",
        pd.concat(tables, names=["flows"]).reset_index("flows").reset_index(drop=True),
    )


# One side -----------------------------------------------------------------------------------------


def _tables(side: _Side) -> dict[str, BriefTable]:
    caption = f"{side.word.capitalize()} by partner, {side.year}"
    return {
        f"{side.word}_partners": flows_table(caption, side.flows),
        f"{side.word}_channels": _channels(side),
        f"{side.word}_partner_channels": _partner_channels(side),
    }


def _figures(side: _Side) -> dict[str, BriefFigure]:
    options = {"country": side.code, "side": side.side, "year": side.year}
    names = {kind: f"{side.word}_{kind}" for kind in ("movers", "map")}
    return {name: BriefFigure(name, kind, options) for kind, name in names.items()}


def _shifted(side: _Side, sign: int) -> pd.Series[bool]:
    """Which rows are its flows that are forecast above (1) or below (-1) their base."""
    rows = side.run.forecasts
    return side.chosen & (sign * (rows["forecast"] - rows["base"]) > 0)


def _channels(side: _Side) -> BriefTable:
    """Shifts of the flows above and below the base by channel; the columns sum to them."""
    groups = {
        group: parts(side.run, _shifted(side, sign), side.year, stage="shift").set_index("term")
        for sign, group in ((1, "above_base"), (-1, "below_base"))
    }
    table = pd.concat([group["part"] for group in groups.values()])
    table = table[~table.index.duplicated()].to_frame()
    for name, group in groups.items():
        for unit in ("usd", "percent"):
            table[f"{name}_{unit}"] = group[unit].reindex(table.index).fillna(0.0)
    return BriefTable(
        f"Shift of the partners above their base and of those below it by channel, {side.year}, "
        "and in percent of their base. Each column sums to the shift",
        table.reset_index(drop=True),
    )


def _partner_channels(side: _Side) -> BriefTable:
    renamed = {name: f"{name.removeprefix(NET)}_usd" for name in terms_of(side.shifts)}
    return BriefTable(
        f"Contribution of each channel, partner by partner, {side.year}; a row sums to "
        "the partner's shift. Flows that are forecast to stop have no contributions",
        side.shifts.rename(columns=renamed),
    )


# Technology ---------------------------------------------------------------------------------------


def _technology(sides: list[_Side]) -> BriefTable:
    rows = []
    for side in sides:
        terms = technology_terms(side.shifts)
        groups = {CHANNELS[name]: [f"{NET}{name}"] for name in CHANNELS if f"{NET}{name}" in terms}
        for label, columns in {**groups, "All technology channels": terms}.items():
            usd = moved_between(side.shifts[columns])
            rows.append(
                {
                    "flows": side.word,
                    "channel": label,
                    "moves_usd": usd,
                    "moves_percent": share(usd, side.base),
                }
            )
    return BriefTable(
        "What the technology channels move from some partners to others, and in percent of the "
        "base",
        pd.DataFrame(rows),
    )
