"""Facts of the report's first five pages: the world, what grows, chosen countries, track record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.countries.groups import country_groups
from forecasting.briefs.country import SideFacts, side_facts
from forecasting.distribution.partners import (
    GROUPS,
    GroupGap,
    ShareMoves,
    TradeSide,
    group_gaps,
    share_moves,
    trade_sides,
)
from forecasting.distribution.sums import Level, PastOutcome, Sum, SumReader
from forecasting.reports.score_cells import rows_where
from forecasting.results.record_setting import record_setting
from forecasting.results.result import RunResult
from forecasting.results.subjects import (
    abroad,
    countries_of,
    country_name,
    flow_columns,
    nearest_year,
    origin_of,
    over_years,
    shown_years,
    the,
)
from forecasting.words.flows import flow_label
from forecasting.words.measures import sector_names
from models.registry import LAST_VALUE, MAIN_MODEL

REGIONS = ("EU27", "USMCA", "ASEAN", "MERCOSUR", "AfCFTA")
"""Groups of the first page, where the run has two of their members or more."""
LARGEST_EXPORTERS, MOVERS, PARTNERS, RECENT = 5, 5, 4, 5


@dataclass(frozen=True, slots=True)
class Move:
    """A sum that grows or shrinks, in the year shown."""

    sum: Sum
    level: Level

    @property
    def usd(self) -> float:
        """Forecast less the last known value, USD."""
        return self.sum.gain(self.level)

    @property
    def share(self) -> float:
        """The same as a share of the last known value."""
        return self.usd / self.sum.last if self.sum.last > 0 else float("nan")

    @property
    def chance(self) -> float:
        """Probability of the direction forecast."""
        return self.level.chance if self.usd >= 0 else 1 - self.level.chance


@dataclass(frozen=True, slots=True)
class Movers:
    """What grows and falls most of a kind of sum, in USD, the largest change first."""

    grow: tuple[Move, ...]
    fall: tuple[Move, ...]

    @property
    def all(self) -> tuple[Move, ...]:
        """Both."""
        return (*self.grow, *self.fall)


@dataclass(frozen=True, slots=True)
class YearMovers:
    """What grows and falls most by a target year, by kind of sum."""

    year: int
    kinds: Mapping[str, Movers]


@dataclass(frozen=True, slots=True)
class OriginRecord:
    """Errors (WAPE) at one past origin."""

    origin: int
    ours: float
    last: float


@dataclass(frozen=True, slots=True)
class HorizonRecord:
    """Errors (WAPE) at a horizon: the last origins, the mean over all, coverage of flows."""

    horizon: int
    recent: tuple[OriginRecord, ...]
    ours: float
    last: float
    origins: int
    coverage: float
    lost: tuple[int, ...]
    """Origins at which repeating the last value was better."""


@dataclass(frozen=True, slots=True)
class PastRow:
    """Past outcomes of a sum at the horizon of each year shown; None where there are none."""

    name: str
    outcomes: tuple[PastOutcome | None, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the first five pages say."""

    origin: int
    as_of: str
    countries_in_all: int
    years: tuple[int, ...]
    over: tuple[int, ...]
    """Target years that were over on the as-of date."""
    setting: str
    world: tuple[Sum, ...]
    movers: tuple[YearMovers, ...]
    """Of the first and of the last year shown."""
    countries: tuple[tuple[TradeSide, TradeSide], ...]
    """Exports and imports of the chosen countries."""
    why: Mapping[str, tuple[SideFacts, ...]]
    """What the change to `year` is made of, by code of a chosen country."""
    shares: Mapping[str, ShareMoves]
    """Partners that gain and lose share by the last year, by selection of a total."""
    records: tuple[HorizonRecord, ...]
    past: tuple[PastRow, ...]
    gaps: tuple[GroupGap, ...]
    """Members of groups that the run lacks."""

    @property
    def year(self) -> int:
        """The first year shown."""
        return self.years[0]

    @property
    def one_sided(self) -> tuple[str, ...]:
        """Sums that came out on one side of all past forecasts, as far ahead as a year shown."""
        return tuple(row.name for row in self.past if any(one and one.flag for one in row.outcomes))

    @property
    def ends(self) -> tuple[HorizonRecord, ...]:
        """Records of the horizons of the first and the last year shown."""
        ahead = {self.years[0] - self.origin, self.years[-1] - self.origin}
        return tuple(record for record in self.records if record.horizon in ahead)


def report_facts(reader: SumReader, countries: Sequence[str]) -> Facts:
    """Facts of the first five pages.

    Parameters
    ----------
    reader
        Of the run.
    countries
        Codes of those on the third page.
    """
    run = reader.run
    years, as_of = shown_years(run), str(run.provenance["as_of"])
    shown = exporters(run)
    named = regions(run)
    if len(named) == 1:
        named += [_exports(code) for code in shown[:LARGEST_EXPORTERS]]
    # One reading of the sums of all pages but the third: each draws all flows of the run.
    ends = list(dict.fromkeys((years[0], years[-1])))
    moving = [*map(_exports, shown), *(one for year in ends for one in _moving_flows(run, year))]
    reader.table([selection for _, selection in (*named, *moving)])
    world = reader.read(named, years)
    chosen = trade_sides(reader, countries, years, largest=PARTNERS, groups=GROUPS[:1])
    totals = [side.total for sides in chosen for side in sides]
    reader.read_shares([total.selection for total in totals if total.last > 0], years[-1])
    return Facts(
        origin=origin_of(run),
        as_of=as_of,
        countries_in_all=len(shown),
        years=tuple(years),
        over=tuple(over_years(run)),
        setting=record_setting(run),
        world=world,
        movers=tuple(_movers(reader, shown, year) for year in ends),
        countries=chosen,
        why={code: side_facts(run, code, years[0]) for code in countries},
        shares={
            side.total.selection: share_moves(reader, side, years[-1])
            for sides in chosen
            for side in sides
        },
        records=_records(run),
        past=past_rows(reader, list(dict.fromkeys((*world, *totals))), years),
        gaps=group_gaps(run, [*REGIONS, *GROUPS[:1]] if len(world) > 1 else []),
    )


def past_rows(reader: SumReader, sums: Sequence[Sum], years: Sequence[int]) -> tuple[PastRow, ...]:
    """How past forecasts of sums came out, as far ahead as the years shown; none without any."""
    found = {(one.selection, one.horizon): one for one in reader.past(sums)}
    ahead = [year - origin_of(reader.run) for year in years]
    rows = [PastRow(s.name, tuple(found.get((s.selection, h)) for h in ahead)) for s in sums]
    return tuple(row for row in rows if any(row.outcomes))


def regions(run: RunResult) -> list[tuple[str, str]]:
    """Name and selection of the world and its regions; of large countries where none is known."""
    known, origin = set(countries_of(run.forecasts)), origin_of(run)
    groups = {group.name: group for group in country_groups().values()}
    named = [("World", "world")]
    for name in REGIONS:
        present = set(groups[name].members(origin)) & known
        if len(present) > 1:
            named.append((f"Exports of {name}", f"{name}:exports"))
    return named


def exporters(run: RunResult) -> list[str]:
    """Every exporter, the largest of the origin year first."""
    rows = run.forecasts[run.forecasts["target_year"] == nearest_year(run.forecasts)]
    sums = rows.groupby(rows["exporter"].astype(str))["value_origin"].sum()
    return list(sums.sort_values(ascending=False, kind="stable").index)


def _exports(code: str) -> tuple[str, str]:
    return f"Exports of {the(country_name(code))}", f"{code}:exports"


# What grows and falls -----------------------------------------------------------------------------


def _movers(reader: SumReader, exporters: Sequence[str], year: int) -> YearMovers:
    by_country = reader.read([_exports(code) for code in exporters], [year])
    flows = reader.read(_moving_flows(reader.run, year), [year])
    kinds = {"Exports of countries": by_country, "Single flows": flows}
    return YearMovers(year, {kind: _largest_moves(sums) for kind, sums in kinds.items()})


def _moving_flows(run: RunResult, year: int) -> list[tuple[str, str]]:
    """Flows between countries that grow or fall most on the last known value, in USD."""
    rows, keys = run.forecasts, flow_columns(run)
    rows = rows[(rows["target_year"] == year) & (rows["value_origin"] > 0)]
    rows = rows[abroad(rows)]
    change = (rows["forecast"] - rows["value_origin"]).sort_values(kind="stable")
    ends = [*change.index[:MOVERS], *change.index[-MOVERS:]]
    flows = rows.loc[list(dict.fromkeys(ends)), keys].astype(str).itertuples(index=False)
    return [(flow_label(flow, sector_names(run)), ",".join(flow)) for flow in flows]


def _largest_moves(sums: Sequence[Sum]) -> Movers:
    moves = sorted((Move(one, one.levels[0]) for one in sums), key=lambda m: m.usd)
    return Movers(
        grow=tuple(m for m in reversed(moves[-MOVERS:]) if m.usd > 0),
        fall=tuple(m for m in moves[:MOVERS] if m.usd < 0),
    )


# Track record -------------------------------------------------------------------------------------


def _records(run: RunResult) -> tuple[HorizonRecord, ...]:
    if run.scores.empty:
        return ()
    setting = record_setting(run)
    means = rows_where(run.scores, stratum="all", setting=setting)
    means = means.set_index(["model", "horizon"])
    origins = rows_where(run.scores_by_origin, stratum="all", setting=setting)
    found = []
    for horizon in sorted(int(h) for h in origins["horizon"].unique()):
        table = origins[origins["horizon"] == horizon]
        by = table.pivot_table(index="origin", columns="model", values="wape").sort_index()
        found.append(
            HorizonRecord(
                horizon=horizon,
                recent=tuple(
                    OriginRecord(int(origin), float(row[MAIN_MODEL]), float(row[LAST_VALUE]))
                    for origin, row in by.tail(RECENT).iterrows()
                ),
                ours=float(means.loc[(MAIN_MODEL, horizon), "wape"]),
                last=float(means.loc[(LAST_VALUE, horizon), "wape"]),
                origins=len(by),
                coverage=float(means.loc[(MAIN_MODEL, horizon), "coverage_90"]),
                lost=tuple(int(o) for o in by.index[by[LAST_VALUE] < by[MAIN_MODEL]]),
            )
        )
    return tuple(found)
