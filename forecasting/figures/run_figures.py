"""The figures of a run: what its folder and its report hold, with their words."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from forecasting.figures.files import save_plot
from forecasting.figures.plots import plot
from forecasting.figures.style import NoDataError
from forecasting.words.labels import METRIC_LABELS

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from forecasting.results.result import RunResult

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure of a run's report.

    Attributes
    ----------
    name, title, alt
        File name, title, and what it shows for who cannot see it.
    see
        A sentence that says what to see in it; empty for figures of no report.
    kind, options
        How `plot` draws it.
    """

    name: str
    title: str
    alt: str
    see: str = ""
    kind: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def caption(self) -> str:
        """Title, and what to see."""
        return f"{self.title}. {self.see}".strip()

    def draw(self, result: RunResult) -> Figure:
        """The figure; its kind is its name unless another is given."""
        return plot(result, self.kind or self.name, **self.options)


PLOTS: tuple[Plot, ...] = (
    Plot(
        "scoreboard",
        "Skill against the last value",
        "Dot plot of the skill of every model against repeating the last value, by horizon, one "
        "panel a setting and metric. The scoreboard table holds the numbers.",
        see="Right of the line a model beats repeating the last value.",
    ),
    *(
        Plot(
            f"errors_{metric}",
            f"{METRIC_LABELS[metric]} by origin",
            f"Line chart of the {METRIC_LABELS[metric]} of every model by back-test origin, one "
            "panel a setting and horizon.",
            see="A line below the last value's is better; peaks are crises that nobody forecast.",
            kind="errors",
            options={"metric": metric},
        )
        for metric in ("wape", "log_mae")
    ),
    Plot(
        "coverage",
        "Interval coverage by flow size",
        "Line chart of the share of actual flows inside the 50 and 90 percent intervals by size "
        "decile, against the nominal shares. The coverage table holds the numbers.",
        see="Points on the dashed lines: intervals hold what they promise.",
    ),
    Plot(
        "reliability",
        "Calibration of the probability of trade",
        "Line chart of how often flows started or stopped against the forecast probability, one "
        "panel a setting and horizon. reliability.csv holds the numbers.",
        see="Points on the diagonal: flows start and stop as often as forecast.",
    ),
    Plot(
        "measures",
        "Skill of measures of the trade pattern",
        "Dot plot of the skill of the forecasts of every measure of the trade pattern against no "
        "change, by horizon. measures_scores.csv holds the numbers.",
        see="Right of the line forecasts beat no change; a test decided filled markers.",
    ),
    Plot(
        "heatmap",
        "Forecast shifts between the largest traders",
        "Heat map of the forecast shift of every flow between the largest traders, exporter by "
        "importer, percent against base; a dash marks those below it. forecasts.parquet holds the "
        "numbers.",
        see="White is the mean of all flows, which need not be zero: blue flows shift by more than "
        "it, orange ones by less. A dash marks those below their base.",
    ),
    Plot(
        "movers",
        "Partners of the largest exporter above and below the base",
        "Ranked dot plot of the largest forecast changes of pattern of the largest exporter by "
        "partner, percent against base, with 50 and 90 percent intervals.",
    ),
    Plot(
        "waterfall",
        "How one forecast adds up",
        "Waterfall of one flow in USD, from its last known value over the growth of totals to the "
        "base and over the channels to the forecast, with the 90 percent interval.",
    ),
    Plot(
        "fan",
        "One flow through origins and horizons",
        "Line chart of one flow by year with earlier forecasts and their intervals, and the "
        "current forecast with 50 and 90 percent intervals beside the base.",
    ),
    Plot(
        "channels",
        "Channels: contributions and worth",
        "Bar chart of the share of every channel in the contributions, technology channels "
        "hatched, beside the change of the error when a channel is left out. channels.csv and "
        "ablation.csv hold the numbers.",
        see="Left: what the model used. Right: what forecasts lose without it.",
    ),
    Plot(
        "importance",
        "Strongest features",
        "Bar chart of the mean absolute contribution of the strongest features. drivers.csv holds "
        "the numbers.",
    ),
    Plot(
        "beeswarm",
        "Contributions to the forecast shift, flow by flow",
        "Beeswarm of the contributions of the strongest features, one point an explained flow, "
        "coloured by the feature's value.",
        see="Features whose high values lie right raise forecasts; wide rows matter most.",
    ),
    Plot(
        "dependence",
        "Contributions by value: the strongest feature, and that of each technology channel",
        "Scatter plots of the contribution of a feature against its value, one point an explained "
        "flow: the strongest of all features, and the strongest of each technology channel.",
        see="A rising cloud means that larger values of the feature go with larger forecasts.",
    ),
)
"""Every figure of a run's report, in its order."""


def save_figures(
    result: RunResult, folder: Path, plots: Iterable[Plot] | None = None
) -> dict[str, list[Path]]:
    """Draw and write every figure for which the run has data, as PNG and SVG.

    Parameters
    ----------
    result, folder
        What to draw, and where to.
    plots
        Those of `PLOTS` to draw; by default all.

    Returns
    -------
    dict
        Name to paths; a figure without data is left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for shown in PLOTS if plots is None else plots:
        try:
            figure = shown.draw(result)
        except NoDataError as reason:
            log.info("figure %s is left out: %s", shown.name, reason)
            continue
        for path in _files(shown, folder):
            save_plot(figure, path)
    return saved_figures(folder)


def saved_figures(folder: Path) -> dict[str, list[Path]]:
    """What `save_figures` wrote into a folder, as it returns it."""
    files = {shown.name: _files(shown, folder) for shown in PLOTS}
    return {name: paths for name, paths in files.items() if all(p.is_file() for p in paths)}


def _files(shown: Plot, folder: Path) -> list[Path]:
    return [folder / f"{shown.name}.{suffix}" for suffix in ("png", "svg")]
