"""Who shifts towards whom: an exporter x importer heat map of the forecast shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forecasting.figures.style import (
    BLACK,
    GREY,
    PERCENT_UNIT,
    NoDataError,
    diverging,
    entitle,
    grid,
    styled,
    symmetric_limit,
)
from forecasting.results.result import RunResult
from forecasting.words.numbers import percent, points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LARGEST_TRADERS = 30


@dataclass(frozen=True, slots=True)
class ShiftMatrix:
    """Shifts between the largest traders.

    Attributes
    ----------
    countries
        Neighbours trade alike, shape ``[country]``.
    percent
        ``100 ln(forecast / base)`` over sectors, exporter by importer; NaN on the diagonal and
        where a base or a forecast is zero.
    no_trade, stops
        Where the base is zero, and where only the forecast is, same shape.
    share
        Part of all forecast trade between these countries.
    """

    countries: tuple[str, ...]
    percent: NDArray[np.float64]
    no_trade: NDArray[np.bool_]
    stops: NDArray[np.bool_]
    share: float


def shift_matrix(run: RunResult, *, year: int, largest: int = LARGEST_TRADERS) -> ShiftMatrix:
    """Shifts of a target year between the countries that trade most, similar ones side by side.

    Parameters
    ----------
    run
        Finished.
    year
        Target year.
    largest
        How many countries at most, by exports and imports of the base together.
    """
    flows = run.forecasts[run.forecasts["target_year"] == year]
    pairs = flows.groupby(["exporter", "importer"], observed=True)[["base", "forecast"]].sum()
    size = pairs["base"].groupby("exporter", observed=True).sum()
    size = size.add(pairs["base"].groupby("importer", observed=True).sum(), fill_value=0.0)
    countries = sorted(size.astype(float).nlargest(largest).index.astype(str))
    if len(countries) < 2 or not (size > 0).any():
        raise NoDataError("no two countries trade")
    base, forecast = (
        pairs[name].unstack("importer").reindex(index=countries, columns=countries).to_numpy(float)
        for name in ("base", "forecast")
    )
    order = _similar_side_by_side(base)
    base, forecast = base[np.ix_(order, order)], forecast[np.ix_(order, order)]
    traded = (base > 0) & (forecast > 0)
    shift = np.full(base.shape, np.nan)
    shift[traded] = 100.0 * np.log(forecast[traded] / base[traded])
    apart = ~np.eye(len(countries), dtype=bool)
    return ShiftMatrix(
        countries=tuple(countries[k] for k in order),
        percent=shift,
        no_trade=apart & ~(base > 0),
        stops=apart & (base > 0) & ~(forecast > 0),
        share=float(np.nansum(forecast) / pairs["forecast"].sum()),
    )


def _similar_side_by_side(base: NDArray[np.float64]) -> NDArray[np.intp]:
    """Order in which countries that trade much with each other stand together.

    Average linkage of ``-ln`` of trade between two countries relative to their sizes, with the
    leaves in the optimal order (Bar-Joseph, Gifford and Jaakkola 2001,
    doi:10.1093/bioinformatics/17.suppl_1.S22).
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    trade = np.nan_to_num(base + base.T)
    np.fill_diagonal(trade, 0.0)
    size = trade.sum(axis=0)
    closeness = trade * trade.sum() / np.maximum(np.outer(size, size), 1e-300)
    some = closeness[closeness > 0].min(initial=1.0)
    distance = -np.log(np.maximum(closeness, some))
    distance -= distance.min()
    np.fill_diagonal(distance, 0.0)
    joined = linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    return leaves_list(joined).astype(np.intp)


@styled
def heatmap(run: RunResult, *, year: int) -> Figure:
    """Shifts between the largest traders, exporter by importer, around white for their mean."""
    matrix = shift_matrix(run, year=year)
    known = matrix.percent[np.isfinite(matrix.percent)]
    # Flows among large traders rise or fall together: what differs between them is the pattern.
    count, middle = len(matrix.countries), float(known.mean()) if known.size else 0.0
    limit = symmetric_limit(known - middle)
    figure, panels = grid(1, 1, width=max(7.5, 3.2 + 0.24 * count), height=2.6 + 0.22 * count)
    axes: Axes = panels[0, 0]
    image = axes.pcolormesh(matrix.percent, cmap=diverging(), vmin=middle - limit,
                            vmax=middle + limit, edgecolors="#eeeeee", linewidth=0.4)  # fmt: skip
    axes.invert_yaxis()
    axes.set_facecolor("#e4e4e4")  # cells without a number
    _mark(axes, matrix)
    for which in (axes.set_xticks, axes.set_yticks):
        which(np.arange(count) + 0.5, list(matrix.countries))
    axes.tick_params(labelsize=7.5, length=2)
    axes.tick_params(axis="x", labelrotation=90)
    axes.grid(visible=False)
    axes.set_xlabel("Importer (countries that trade much with each other stand together)")
    axes.set_ylabel("Exporter")
    beyond = float((np.abs(known - middle) > limit).mean()) if known.size else 0.0
    bar = figure.colorbar(image, ax=axes, extend="both" if beyond else "neither", shrink=0.8)
    note = f"\nwhite: the mean of all, {points(middle, sign=True)}, and not 0"
    note += f"; {percent(beyond)} of the flows lie beyond the ends" if beyond else ""
    bar.set_label(f"Forecast against base, {PERCENT_UNIT}{note}")
    _keys(figure, matrix)
    return entitle(
        figure,
        f"Forecast shifts between the {count} largest traders, {year} "
        f"({percent(matrix.share, digits=0)} of all trade)",
    )


def _mark(axes: Axes, matrix: ShiftMatrix) -> None:
    """Marks that survive black and white: losses, missing trade, domestic trade."""
    from matplotlib.patches import Rectangle

    for k in range(len(matrix.countries)):
        axes.add_patch(Rectangle((k, k), 1, 1, facecolor="#cccccc", edgecolor=GREY, hatch="////",
                                 linewidth=0))  # fmt: skip
    for chosen, marker, size, width in (
        (matrix.percent < 0, "_", 16, 0.9),
        (matrix.no_trade, ".", 9, 0.0),
        (matrix.stops, "x", 22, 1.2),
    ):
        row, column = np.nonzero(chosen)
        axes.scatter(column + 0.5, row + 0.5, s=size, color=BLACK, marker=marker, linewidth=width)


def _keys(figure: Figure, matrix: ShiftMatrix) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks = [("_", "Below base", True), (".", "No trade at the origin", matrix.no_trade.any()),
             ("x", "Forecast to stop", matrix.stops.any())]  # fmt: skip
    handles: list[Line2D | Patch] = [
        Line2D([], [], marker=marker, color=BLACK, linestyle="", label=label)
        for marker, label, seen in marks
        if seen
    ]
    handles.append(Patch(facecolor="#cccccc", edgecolor=GREY, hatch="////", label="Domestic trade, "
                         "not forecast"))  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
