"""Every kind of plot.

A kind takes a finished run and some options and returns a matplotlib figure. Markers and hatches
differ as well as colours, so that the figures also work in black and white. Importing this module
is cheap: matplotlib and SHAP are imported by the functions.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.errors import InputError
from forecasting.figures.channel_plots import channels
from forecasting.figures.country_plots import Side, movers
from forecasting.figures.dependence_plots import dependence, technology_features
from forecasting.figures.fan_plots import fan
from forecasting.figures.files import save_plot
from forecasting.figures.flow_plots import check_explained, forecast_row, waterfall
from forecasting.figures.map_plots import world_map
from forecasting.figures.matrix_plots import heatmap
from forecasting.figures.pattern_plots import first_measure, measure_paths, measure_skill
from forecasting.figures.plot_options import PlotOptions, check_options
from forecasting.figures.score_plots import (
    coverage_by_decile,
    error_by_origin,
    reliability,
    scoreboard,
)
from forecasting.figures.shap_plots import (
    beeswarm,
    explained_row,
    importance,
    strongest_feature,
    waterfall_features,
)
from forecasting.figures.style import NoDataError
from forecasting.figures.sum_plots import (
    growth_chances,
    largest_partners,
    share_slopes,
    sum_fans,
)
from forecasting.results.measures import ALL
from forecasting.results.subjects import country_name
from forecasting.words.measures import sector_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from forecasting.results.result import RunResult

__all__ = [
    "KINDS",
    "Kind",
    "NoDataError",
    "find_kind",
    "plot",
    "save_plot",
]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of plot.

    Attributes
    ----------
    name
        What ``gravicast plot`` calls it.
    shows
        What it shows, in a line.
    options
        Names of the options of `plot` that it takes.
    build
        Draws it for checked options.
    """

    name: str
    shows: str
    options: tuple[str, ...]
    build: Callable[[RunResult, PlotOptions], Figure]


def _waterfall_features(run: RunResult, asked: PlotOptions) -> Figure:
    check_explained(forecast_row(run, asked.flow, year=asked.year))
    row = explained_row(run.explanation, asked.flow, year=asked.year)
    return waterfall_features(run.explanation, row, sectors=sector_names(run))


def _dependence(run: RunResult, asked: PlotOptions) -> Figure:
    if asked.feature:
        return dependence(run, [asked.feature])
    if asked.channel:
        return dependence(run, [strongest_feature(run.explanation, asked.channel)])
    return dependence(run, technology_features(run))


def _total(asked: PlotOptions) -> str:
    return f"{asked.country}:{'exports' if asked.side == 'exporter' else 'imports'}"


def _fan(run: RunResult, asked: PlotOptions) -> Figure:
    """A sum where one is named, else a country's total, else one flow."""
    if asked.of:
        return sum_fans(run, [(asked.of, asked.of)])
    if asked.country:
        side = "Exports" if asked.side == "exporter" else "Imports"
        return sum_fans(run, [(f"{side} of {country_name(asked.country)}", _total(asked))])
    return fan(run, asked.flow)


def _chances(run: RunResult, asked: PlotOptions) -> Figure:
    side = "Exports" if asked.side == "exporter" else "Imports"
    title = f"{side} of {country_name(asked.country)} by partner"
    partners = largest_partners(run, asked.country, side=asked.side)
    return growth_chances(run, partners, title=title, year=asked.year)


def _measure(run: RunResult, asked: PlotOptions) -> Figure:
    return measure_paths(run, asked.measure or first_measure(run), country=asked.country)


KINDS: tuple[Kind, ...] = (
    Kind(
        "waterfall",
        "one flow step by step: last value, totals, base, channels, forecast and its interval",
        ("flow", "year"),
        lambda run, asked: waterfall(run, asked.flow, year=asked.year),
    ),
    Kind(
        "waterfall_features",
        "the shift of one flow by feature, from the average flow to the forecast",
        ("flow", "year"),
        _waterfall_features,
    ),
    Kind(
        "fan",
        "a flow or any sum over time: history, earlier forecasts, the forecast with its fans",
        ("flow", "of", "country", "side"),
        _fan,
    ),
    Kind(
        "shares",
        "shares of a country's largest partners, last known beside a target year",
        ("country", "side", "year"),
        lambda run, asked: share_slopes(run, _total(asked), year=asked.year),
    ),
    Kind(
        "chances",
        "probability that trade with each of a country's largest partners grows",
        ("country", "side", "year"),
        _chances,
    ),
    Kind(
        "movers",
        "a country's partners furthest above and below the base, with intervals",
        ("country", "side", "year"),
        lambda run, asked: movers(run, asked.country, side=asked.side, year=asked.year),
    ),
    Kind(
        "map",
        "world map of a country's partners, shaded by shift (needs gravicast[maps])",
        ("country", "side", "year"),
        lambda run, asked: world_map(run, asked.country, side=asked.side, year=asked.year),
    ),
    Kind(
        "heatmap",
        "shifts between the largest traders, exporter by importer",
        ("year",),
        lambda run, asked: heatmap(run, year=asked.year),
    ),
    Kind(
        "channels",
        "share of every channel in the contributions, and what leaving it out costs",
        (),
        lambda run, _: channels(run),
    ),
    Kind(
        "importance",
        "size of the contributions of the strongest features",
        (),
        lambda run, _: importance(run.explanation),
    ),
    Kind(
        "beeswarm",
        "contributions of the strongest features, one point per flow",
        (),
        lambda run, _: beeswarm(run.explanation),
    ),
    Kind(
        "dependence",
        "contribution of a feature, or of the strongest of a channel, by its value",
        ("feature", "channel"),
        _dependence,
    ),
    Kind(
        "scoreboard",
        "skill of every model against the last value, by horizon",
        (),
        lambda run, _: scoreboard(run.scores),
    ),
    Kind(
        "errors",
        "error of every model at every back-test origin",
        ("metric",),
        lambda run, asked: error_by_origin(run.scores_by_origin, metric=asked.metric),
    ),
    Kind(
        "coverage",
        "how often the intervals held the actual flow, by size of flow",
        (),
        lambda run, _: coverage_by_decile(run.scores),
    ),
    Kind(
        "reliability",
        "how often flows started and stopped, by forecast probability",
        (),
        lambda run, _: reliability(run.reliability),
    ),
    Kind(
        "measure",
        "a measure of the trade pattern: past, forecast, intervals of the units that change most",
        ("measure", "country"),
        _measure,
    ),
    Kind(
        "measures",
        "skill of the forecasts of every measure of the trade pattern against no change",
        ("measure",),
        lambda run, asked: measure_skill(run, asked.measure or ALL),
    ),
)
"""Every kind of plot, in the order of help texts."""


def plot(
    run: RunResult,
    kind: str,
    *,
    flow: Sequence[str] | None = None,
    of: str | None = None,
    country: str | None = None,
    side: Side | None = None,
    year: int | None = None,
    feature: str | None = None,
    channel: str | None = None,
    metric: str | None = None,
    measure: str | None = None,
) -> Figure:
    """Draw a plot of a finished run.

    Parameters
    ----------
    run
        Finished; of a folder, give ``read_run(folder)``.
    kind
        One of `KINDS`, which say which of the options each takes.
    flow
        Exporter, importer and, where there are sectors, sector; by default the flow that the run
        was asked to explain, else the largest.
    of
        A sum such as ``EU27:CHN``, ``DEU:exports`` or ``world``, see
        `forecasting.distribution.selections`.
    country, side
        Whose partners, as ``exporter`` (default) or ``importer``; by default those of the country
        that trades most. Countries are given by ISO 3166 code or English name.
    year
        Target year; by default the nearest.
    feature, channel
        Whose contributions; of a channel its strongest feature.
    metric
        Of the errors: ``wape`` (default), ``pattern_distance``, ``midpoint_mae``, ``log_mae``.
    measure
        Of the trade pattern, see `forecasting.results.measures.shifts`; by default all of them, or
        the first where a plot is of one.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot. `files.render` turns it into the content of a file.

    Raises
    ------
    InputError
        If the kind is unknown or does not take an option, if the run does not know what is asked
        for, or (its subclass `NoDataError`) if the run has nothing to draw.
    """
    options = {
        "flow": flow,
        "of": of,
        "country": country,
        "side": side,
        "year": year,
        "feature": feature,
        "channel": channel,
        "metric": metric,
        "measure": measure,
    }
    given = {name: value for name, value in options.items() if value is not None}
    chosen = find_kind(kind, given)
    return chosen.build(run, check_options(run, given, takes=chosen.options))


def find_kind(name: str, options: Collection[str]) -> Kind:
    """Kind of a name that takes all of these options.

    Raises
    ------
    InputError
        If the name is unknown, or that kind does not take an option.
    """
    known = {kind.name: kind for kind in KINDS}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        raise InputError(
            f"there is no plot {name!r}", remedy=f"Choose from {', '.join(near or known)}"
        )
    takes = known[name].options
    if other := [option for option in options if option not in takes]:
        taken = ", ".join(f"--{option}" for option in takes)
        raise InputError(
            f"plot {name!r} does not take --{other[0]}",
            remedy=f"It takes {taken}" if taken else "It takes no options",
        )
    return known[name]
