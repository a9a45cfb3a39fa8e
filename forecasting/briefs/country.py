"""The brief of a country: what gains, what loses, how sure, why, as exporter and as importer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from features.choices import REPORTS_KNOWN
from features.feature import CHANNELS
from forecasting.briefs.brief import Brief, BriefFigure, BriefSection, BriefTable, closing
from forecasting.briefs.fill import paragraphs
from forecasting.briefs.levels import levels_table, side_levels
from forecasting.briefs.movers import by_year, certainty, flows_in, flows_table, moved, movers
from forecasting.briefs.parts import (
    NET,
    ascribed,
    channel_shifts,
    parts,
    technology_names,
    technology_terms,
    technology_worth,
    terms_of,
)
from forecasting.briefs.totals import OTHER_SIDE, basis_of_total, partner_spread
from forecasting.briefs.track_record import read_outcomes, record_of, record_words
from forecasting.distribution.joint import joint_draws
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_country, check_year, named, origin_of, who
from forecasting.words.numbers import change, money, points, share

SIDES = {"exporter": "exports", "importer": "imports"}
HOME_TOO = {"exporter": "sales at home and abroad", "importer": "purchases at home and abroad"}


@dataclass(frozen=True, slots=True)
class _Side:
    """A country as exporter or importer.

    Attributes
    ----------
    chosen
        Which rows of the run's forecasts are its flows, in any year.
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
    def words(self) -> str:
        """The same in sentences: where sales at home are flows, they are among them."""
        at_home = (self.flows["partner"].astype(str) == self.code).any()
        return HOME_TOO[self.side] if at_home else self.word

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
        Tables ``totals`` and ``technology``, and for exports and imports ``_levels``,
        ``_partners``, ``_channels``, ``_partner_channels`` and, where there was a back-test,
        ``_record``.

    Raises
    ------
    InputError
        If the run does not know the country or does not forecast the year.
    """
    code = check_country(run.forecasts, country)
    target = check_year(run.forecasts, year)
    sides = [_side(run, code, side, target) for side in SIDES]
    outcomes = read_outcomes(run)
    opening: list[BriefSection] = []
    sections, tables = [], {"totals": _totals(sides)}
    figures: dict[str, BriefFigure] = {}
    joint = None if run.scores.empty else joint_draws(run)
    for side in sides:
        if side.base <= 0:
            continue
        found = side_levels(run, joint, code, side=side.side, partners=partners)
        tables[f"{side.word}_levels"] = levels_table(found)
        heading = f"{side.word.capitalize()}: how large, how fast, how sure"
        words = paragraphs("levels", side=found)
        opening.append(BriefSection(heading, words, (f"{side.word}_levels",)))
    for side in sides:
        section, its_tables = _section(side, outcomes[outcomes[side.side] == code])
        sections.append(section)
        tables |= its_tables
        figures |= _figures(side)
    return Brief(
        title=f"{named(code)}: forecast shifts of trade, {target}",
        summary=(
            *(section.paragraphs[0] for section in opening),
            *map(_headline, sides),
            _how_sure(sides),
        ),
        sections=(
            *opening,
            BriefSection("Totals", tuple(map(_total_words, sides)), ("totals",)),
            *sections,
            BriefSection("Technology", _technology_words(sides), ("technology",)),
            closing(exact=run.explanation.exact),
        ),
        tables={**tables, "technology": _technology(sides)},
        figures=figures,
    )


def _side(run: RunResult, code: str, side: str, year: int) -> _Side:
    chosen = run.forecasts[side] == code
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


def _no_trade(side: _Side) -> str:
    return (
        f"{side.words.capitalize()} of {named(side.code)}: there was no trade in "
        f"{origin_of(side.run)}, and so there is nothing to shift."
    )


def _headline(side: _Side) -> str:
    if side.base <= 0:
        return _no_trade(side)
    flows, shift = side.flows, moved(side.flows["shift_usd"])
    growth = change(flows["value_at_origin_usd"].sum(), side.base)
    opening = (
        f"{side.words.capitalize()} of {named(side.code)} in {side.year}: {money(side.base)}, "
        f"{points(growth, sign=True)} against {origin_of(side.run)}. "
        f"{money(shift)} of it ({points(share(shift, side.base))}) is forecast to move from some "
        "partners to others"
    )
    if shift == 0:
        return f"{opening}."
    most, least = flows.iloc[0], flows.iloc[-1]
    return (
        f"{opening}: most to {who(most, side.names)}, {money(most['shift_usd'], sign=True)}; most "
        f"away from {who(least, side.names)}, {money(least['shift_usd'], sign=True)}."
    )


def _how_sure(sides: list[_Side]) -> str:
    counts = " and ".join(
        f"{int(side.flows['excludes_no_shift'].sum()):,} of "
        f"{int((side.flows['base_usd'] > 0).sum()):,} flows of its {side.words}"
        for side in sides
    )
    run = sides[0].run
    known = origin_of(run) + (run.provenance["setting"] == REPORTS_KNOWN)
    return (
        f"How sure: for {counts} the 90% interval lies wholly above or below the base (the pattern "
        f"of {known} at the country totals of {sides[0].year}); only there is "
        "the direction of the shift fairly sure."
    )


# Totals -------------------------------------------------------------------------------------------


def _totals(sides: list[_Side]) -> BriefTable:
    columns = ("target_year", "value_at_origin_usd", "total_usd", "growth_percent", "moves_usd",
               "moves_percent", "gaining_flows", "losing_flows", "excludes_no_shift",
               "forecast_to_stop")  # fmt: skip
    tables = {side.words: by_year(side.run, side.chosen, columns) for side in sides}
    return BriefTable(
        "Totals by target year. Moves: what moves from some partners to others, half the sum of "
        "absolute shifts. Then numbers of flows: that gain, that lose, whose 90% interval excludes "
        "no shift, that are forecast to stop",
        pd.concat(tables, names=["flows"]).reset_index("flows").reset_index(drop=True),
    )


def _total_words(side: _Side) -> str:
    if side.base <= 0:
        return _no_trade(side)
    table = parts(side.run, side.chosen, side.year, stage="base").set_index("term")["percent"]
    world = float(table["total:world"])
    growth = change(side.flows["value_at_origin_usd"].sum(), side.base)
    return (
        f"{side.words.capitalize()}: {points(growth, sign=True)} against {origin_of(side.run)}, of "
        f"which {points(world, sign=True)} is the growth of world trade and "
        f"{points(growth - world, sign=True)} the country's own distance from it. "
        + basis_of_total(side.run, side.code, side=side.side, year=side.year)
    )


# One side -----------------------------------------------------------------------------------------


def _section(side: _Side, outcomes: pd.DataFrame) -> tuple[BriefSection, dict[str, BriefTable]]:
    """Sentences and tables of exports or imports."""
    of = f"the {side.words} of {named(side.code)}"
    record = record_of(side.run, outcomes, of=of)
    horizon = side.year - origin_of(side.run)
    paragraphs: tuple[str, ...] = (_no_trade(side),)
    if side.base > 0:
        paragraphs = (
            *movers(side.flows, side.names),
            *_channel_words(side),
            certainty(side.flows),
            partner_spread(side.run, side.code, side=side.side, year=side.year),
            *record_words(record, horizon, of=of),
        )
    tables = {
        f"{side.word}_partners": flows_table(
            f"{side.words.capitalize()} by partner, {side.year}", side.flows
        ),
        f"{side.word}_channels": _channels(side),
        f"{side.word}_partner_channels": _partner_channels(side),
    }
    tables |= {} if record is None else {f"{side.word}_record": record}
    shown = tuple(name for name in tables if not name.endswith("partner_channels"))
    heading = f"{side.words.capitalize()}: who gains and who loses"
    return BriefSection(heading, paragraphs, shown, tuple(_figures(side))), tables


def _figures(side: _Side) -> dict[str, BriefFigure]:
    options = {"country": side.code, "side": side.side, "year": side.year}
    names = {kind: f"{side.word}_{kind}" for kind in ("movers", "map")}
    return {name: BriefFigure(name, kind, options) for kind, name in names.items()}


def _channel_words(side: _Side) -> list[str]:
    """What the model ascribes the gains to: all of them, and the largest gain and loss."""
    gains = parts(side.run, _shifted(side, 1), side.year, stage="shift").set_index("term")["usd"]
    whole = float(side.flows["shift_usd"].clip(lower=0).sum())
    if whole == 0:
        return []
    words = [
        f"Of the {money(whole)} that the gaining partners gain in all, the model ascribes "
        f"{ascribed(gains)}. The total is given, so that what the others lose is split alike."
    ]
    terms = terms_of(side.shifts)
    for row in (side.flows.iloc[0], side.flows.iloc[-1]):
        same = (side.shifts[side.names] == row[side.names].to_numpy()).all(axis=1)
        if same.any():
            words.append(
                f"Of the {money(row['shift_usd'], sign=True)} of {who(row, side.names)} the model "
                f"ascribes {ascribed(side.shifts.loc[same, terms].iloc[0])}."
            )
    return words


def _shifted(side: _Side, sign: int) -> pd.Series[bool]:
    """Which rows are its flows that are forecast above (1) or below (-1) their base."""
    rows = side.run.forecasts
    return side.chosen & (sign * (rows["forecast"] - rows["base"]) > 0)


def _channels(side: _Side) -> BriefTable:
    """What gainers gain and losers lose by channel; the columns sum to their shifts."""
    groups = {
        who: parts(side.run, _shifted(side, sign), side.year, stage="shift").set_index("term")
        for sign, who in ((1, "gainers"), (-1, "losers"))
    }
    table = pd.concat([group["part"] for group in groups.values()])
    table = table[~table.index.duplicated()].to_frame()
    for name, group in groups.items():
        for unit in ("usd", "percent"):
            table[f"{name}_{unit}"] = group[unit].reindex(table.index).fillna(0.0)
    return BriefTable(
        f"Gains of the partners that gain and losses of those that lose by channel, {side.year}, "
        "and in percent of their base. Each column sums to the shift",
        table.reset_index(drop=True),
    )


def _partner_channels(side: _Side) -> BriefTable:
    renamed = {name: f"{name.removeprefix(NET)}_usd" for name in terms_of(side.shifts)}
    return BriefTable(
        f"What the model ascribes to each channel, partner by partner, {side.year}; a row sums to "
        "the partner's shift. Flows that are forecast to stop have no contributions",
        side.shifts.rename(columns=renamed),
    )


# Technology ---------------------------------------------------------------------------------------


def _technology_words(sides: list[_Side]) -> tuple[str, ...]:
    words = []
    for side in sides:
        together = moved(side.shifts[technology_terms(side.shifts)])
        words.append(
            f"{side.words.capitalize()}: taken together these channels move {money(together)} from "
            f"some partners to others, {points(share(together, side.base))} of the {side.word}; "
            f"all that moves is {money(moved(side.flows['shift_usd']))}."
        )
    about = f"The technology channels are {technology_names()}."
    return (about, *words, technology_worth(sides[0].run))


def _technology(sides: list[_Side]) -> BriefTable:
    rows = []
    for side in sides:
        terms = technology_terms(side.shifts)
        groups = {CHANNELS[name]: [f"{NET}{name}"] for name in CHANNELS if f"{NET}{name}" in terms}
        for label, columns in {**groups, "All technology channels": terms}.items():
            usd = moved(side.shifts[columns])
            rows.append(
                {
                    "flows": side.words,
                    "channel": label,
                    "moves_usd": usd,
                    "moves_percent": share(usd, side.base),
                }
            )
    return BriefTable(
        "What the technology channels move from some partners to others (half the sum of absolute "
        "contributions), and in percent of the base",
        pd.DataFrame(rows),
    )
