"""Options of a plot (a flow, a country, a year, ...), checked against the run."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from features.errors import InputError
from features.feature import CHANNELS
from forecasting.distribution.selections import selections
from forecasting.figures.country_plots import Side
from forecasting.figures.style import NoDataError
from forecasting.results.measures import kind_names
from forecasting.results.result import RunResult
from forecasting.results.subjects import abroad, check_country, check_flow, check_year
from forecasting.words.labels import METRIC_LABELS

Word = TypeVar("Word", bound=str)
SIDES: tuple[Side, ...] = ("exporter", "importer")


@dataclass(frozen=True, slots=True)
class PlotOptions:
    """Options of a plot as the run knows them; empty where its kind does not take them.

    Attributes
    ----------
    flow
        Exporter, importer and, where there are sectors, sector.
    of
        A sum, as `forecasting.distribution.selections` reads it; empty where none was asked for.
    country, side
        Whose trade, and whether as exporter or as importer.
    year
        Target year.
    feature, channel
        Of the shift model; empty where they were not asked for.
    metric
        Of the scores.
    measure
        Of the trade pattern, a family of measures, or ``all``; empty where none was asked for.
    """

    flow: tuple[str, ...] = ()
    of: str = ""
    country: str = ""
    side: Side = "exporter"
    year: int = 0
    feature: str = ""
    channel: str = ""
    metric: str = "wape"
    measure: str = ""


def check_options(
    run: RunResult, given: Mapping[str, Any], *, takes: Collection[str]
) -> PlotOptions:
    """Options in the run's own words, with a default for each that a kind takes.

    Parameters
    ----------
    run
        Finished.
    given
        Options by name, countries by code or name; only those that the kind takes.
    takes
        Options of the kind.

    Returns
    -------
    PlotOptions
        By default the flow that the run was asked to explain, else the largest; the country that
        trades most on its side; the nearest year.

    Raises
    ------
    InputError
        If the run does not know what is asked for; the nearest names are offered.
    NoDataError
        If no default can be chosen.
    """
    side = _one_of("side", given.get("side", "exporter"), SIDES)
    sums = "of" in takes
    if sums and len(named := [name for name in ("flow", "of", "country") if name in given]) > 1:
        raise InputError(
            "a plot is of one flow or sum", remedy=f"Give --{named[0]} or --{named[1]}"
        )
    if {"feature", "channel"} <= set(given):
        raise InputError(
            "a plot is of a feature or of the strongest feature of a channel, not of both",
            remedy="Give --feature or --channel",
        )
    checks: dict[str, Callable[[], Any]] = {
        "flow": lambda: _flow(run, given, named=not (sums and {"of", "country"} & set(given))),
        "of": lambda: _sum(run, given.get("of", "")),
        "country": lambda: _country(
            run, given.get("country"), side, needed="side" in takes and not sums
        ),
        "side": lambda: side,
        "year": lambda: check_year(run.forecasts, given.get("year")),
        "feature": lambda: _optional("feature", given, run.explanation.feature_names),
        "channel": lambda: _optional("channel", given, tuple(map(str, CHANNELS))),
        "measure": lambda: _measure(given.get("measure", "")),
        "metric": lambda: _one_of("metric", given.get("metric", "wape"), tuple(METRIC_LABELS)),
    }
    return PlotOptions(**{name: check() for name, check in checks.items() if name in takes})


def _flow(run: RunResult, given: Mapping[str, Any], *, named: bool) -> tuple[str, ...]:
    """The flow asked for, else the run's own or the largest; none where a sum is drawn."""
    if not named:
        return ()
    wanted = given.get("flow") or run.config.explain_flow
    return check_flow(run.forecasts, wanted) if wanted else largest_flow(run)


def _sum(run: RunResult, wanted: str) -> str:
    if wanted:
        selections(run.forecasts, wanted)
    return wanted


def _country(run: RunResult, wanted: str | None, side: Side, *, needed: bool) -> str:
    """The country asked for, else the largest trader where a plot is of one country."""
    if wanted:
        return check_country(run.forecasts, wanted)
    return largest_trader(run, side=side) if needed else ""


def _measure(wanted: str) -> str:
    if wanted:
        kind_names(wanted)
    return wanted


def _optional(what: str, given: Mapping[str, Any], known: tuple[str, ...]) -> str:
    return _one_of(what, given[what], known) if what in given else ""


def largest_flow(run: RunResult) -> tuple[str, ...]:
    """The flow between two countries with the largest base among those that were explained.

    Raises
    ------
    NoDataError
        If none was.
    """
    rows = run.explanation.rows
    if rows.empty:
        raise NoDataError("no flow was explained")
    rows = rows[abroad(rows)] if abroad(rows).any() else rows
    row = rows.loc[rows["base"].idxmax()]
    names = [name for name in ("exporter", "importer", "sector") if name in rows]
    return tuple(str(row[name]) for name in names)


def largest_trader(run: RunResult, *, side: Side) -> str:
    """The country that exported (imported) most in the origin year."""
    flows = run.forecasts[run.forecasts["horizon"] == run.forecasts["horizon"].min()]
    sums = flows["value_origin"].groupby(flows[side].astype(str)).sum()
    if sums.empty:
        raise NoDataError("the run holds no forecasts")
    return str(sums.idxmax())


def _one_of(what: str, wanted: str, known: tuple[Word, ...]) -> Word:
    """The word if it is known; otherwise an error that offers the nearest ones."""
    for word in known:
        if word == wanted:
            return word
    near: list[str] = difflib.get_close_matches(wanted, known, n=3, cutoff=0.4)
    remedy = f"Nearest: {', '.join(near)}" if near else f"Known are {', '.join(known[:12])}"
    raise InputError(f"there is no {what} {wanted!r}", remedy=remedy)
