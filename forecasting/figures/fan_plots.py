"""One flow through origins and horizons: history, past forecasts, the fan of the current one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasting.figures.style import BLACK, BLUE, GREY, SKY, VERMILLION, entitle, grid, styled
from forecasting.results.result import RunResult
from forecasting.results.subjects import rows_of_flow
from forecasting.run_folder.files import BACKTEST
from forecasting.words.flows import flow_label
from forecasting.words.measures import sector_names
from forecasting.words.numbers import percent, scale_of, usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAST_FORECASTS = 4
"""Earlier origins whose forecasts are drawn, as far apart as the longest horizon."""
HIGHEST = 3.0
"""Multiple of every value and forecast at which the axis is cut where an interval reaches it."""
_EARLIER = "90% interval of an earlier forecast"
_COLUMNS = ("origin", "target_year", "value_origin", "actual", "forecast", "lower_90", "upper_90")


def flow_history(run: RunResult, flow: Sequence[str]) -> tuple[pd.Series, pd.DataFrame]:
    """What a flow was, and what was forecast of it at the origins of the back-test.

    Parameters
    ----------
    run
        Finished.
    flow
        Exporter, importer and any sector.

    Returns
    -------
    tuple
        Values by year, USD, up to the origin; and the back-test of the main model: ``origin,
        target_year, value_origin, actual, forecast, lower_90, upper_90``. Where the run has no
        back-test only the origin's value is known.
    """
    from forecasting.evaluation.backtest_file import read_backtest

    now = run.forecasts[rows_of_flow(run.forecasts, flow)]
    known = {int(now["origin"].iloc[0]): float(now["value_origin"].iloc[0])}
    past = pd.DataFrame(columns=list(_COLUMNS), dtype=np.float64)
    if (run.out / BACKTEST).is_file():
        names = ("exporter", "importer", "sector")
        where = [("setting", "==", run.provenance["setting"])]
        where += [(name, "==", word) for name, word in zip(names, flow, strict=False)]
        past = read_backtest(run.out, columns=_COLUMNS, where=where)
    for year, value in (("target_year", "actual"), ("origin", "value_origin")):
        known = {**dict(zip(past[year].astype(int), past[value], strict=True)), **known}
    return pd.Series(known, dtype=np.float64).sort_index(), past


@styled
def fan(run: RunResult, flow: Sequence[str]) -> Figure:
    """A flow's history, what was forecast of it before, and its forecast with 50 and 90% fans."""
    now = run.forecasts[rows_of_flow(run.forecasts, flow)].sort_values("target_year")
    history, past = flow_history(run, flow)
    drawn = past[past["origin"].isin(_origins(past, now))]
    middle = max(float(v.max()) for v in (history, now["forecast"], now["base"], now["upper_50"]))
    widest = float(pd.concat([now["upper_90"], drawn["upper_90"]]).max())
    # Where the forecast is zero, scale the axis to the fan.
    top = HIGHEST * middle if (now["forecast"] > 0).any() else float(now["upper_90"].max())
    scale, unit = scale_of(min(top, widest))
    figure, panels = grid(1, 1, width=9.5, height=5.2)
    axes: Axes = panels[0, 0]
    for _, forecast in drawn.groupby("origin"):
        _past(axes, forecast.sort_values("target_year"), scale)
    _current(axes, now, scale)
    axes.plot(history.index, history / scale, "o-", color=BLACK, markersize=4, linewidth=1.8,
              zorder=4, label="Value")  # fmt: skip
    axes.set_ylim(0, 1.05 * top / scale if widest > top > 0 else None)
    axes.set_ylabel(unit + (f" (intervals reach {usd(widest)})" if widest > top > 0 else ""))
    axes.locator_params(axis="x", integer=True)
    axes.set_xlabel("Year")
    _legend(figure, axes)
    return entitle(
        figure, _title(flow_label(flow, sector_names(run)), now, len(drawn["origin"].unique()))
    )


def _origins(past: pd.DataFrame, now: pd.DataFrame) -> list[int]:
    """Origins whose forecasts do not overlap, the latest first."""
    if past.empty:
        return []
    last, step = int(now["origin"].iloc[0]), int(now["horizon"].max())
    have = set(past["origin"].astype(int))
    wanted = range(last - step, min(have) - 1, -step)
    return [origin for origin in wanted if origin in have][:PAST_FORECASTS]


def _past(axes: Axes, rows: pd.DataFrame, scale: float) -> None:
    start = [rows["origin"].iloc[0]], [rows["value_origin"].iloc[0]]
    when = np.concatenate([start[0], rows["target_year"]])
    middle, low, high = (
        np.concatenate([start[1], rows[name]]) / scale
        for name in ("forecast", "lower_90", "upper_90")
    )
    axes.fill_between(when, low, high, color=GREY, alpha=0.13, linewidth=0, label=_EARLIER)
    axes.plot(when, middle, "s--", color=VERMILLION, markersize=3.5, linewidth=1.2, zorder=3,
              label="Earlier forecast")  # fmt: skip


def _current(axes: Axes, rows: pd.DataFrame, scale: float) -> None:
    when = np.concatenate([rows["origin"].head(1), rows["target_year"]])

    def line(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.concatenate([rows["value_origin"].head(1), rows[name]]) / scale

    for level, colour in ((90, SKY), (50, BLUE)):
        axes.fill_between(when, line(f"lower_{level}"), line(f"upper_{level}"), color=colour,
                          alpha=0.35, linewidth=0, label=f"{level}% interval")  # fmt: skip
    for name in ("lower_90", "upper_90"):
        axes.plot(when, line(name), color=BLUE, linewidth=0.7)
    axes.plot(when, line("base"), "--", color=BLACK, linewidth=1.2, zorder=4, label="Base")
    axes.plot(when, line("forecast"), "D-", color=BLUE, markersize=5, linewidth=1.8, zorder=5,
              label="Forecast")  # fmt: skip


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    first = dict(zip(reversed(labels), reversed(handles), strict=True))
    order = ["Value", "Forecast", "50% interval", "90% interval", "Base", "Earlier forecast",
             _EARLIER]  # fmt: skip
    shown = [label for label in order if label in first]
    figure.legend([first[label] for label in shown], shown, loc="outside lower center", ncols=4)


def _title(flow: str, now: pd.DataFrame, earlier: int) -> str:
    first, last = now.iloc[0], now.iloc[-1]
    title = f"{flow}: forecast from {first['origin']}"
    if earlier:
        title += f" and {earlier} earlier ones" if earlier > 1 else " and an earlier one"
    if (now["forecast"] <= 0).any():
        chance = percent(float(last["probability_of_trade"]))
        title += f" (probability of trade in {last['target_year']}: {chance})"
    return title
