"""World map of a country's partners, shaded by what the forecast adds to their base."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecasting.figures.country_plots import Side
from forecasting.figures.country_shapes import PLACES, check_shapes, country_outlines, equal_earth
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
from forecasting.results.subjects import abroad, countries_of, country_name
from forecasting.words.numbers import percent, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path as Outline

SOUTH_END = -58.0
"""Degrees: Antarctica does not trade."""
LAND, NOTHING = "#f0f0f0", "#c4c4c4"


def partner_shifts(run: RunResult, country: str, *, side: Side, year: int) -> pd.DataFrame:
    """A country's partners with what the forecast adds to their base.

    Parameters
    ----------
    run
        Finished.
    country, side
        Whose partners, as exporter or as importer.
    year
        Target year.

    Returns
    -------
    DataFrame
        ``base, forecast``, USD over sectors, ``percent`` (100 times the log of their ratio, NaN
        where either is zero) and ``place`` (shape, dot, none: how a map shows it), by partner.
    """
    flows = run.forecasts
    flows = flows[(flows[side] == country) & (flows["target_year"] == year) & abroad(flows)]
    other = "importer" if side == "exporter" else "exporter"
    table = flows.groupby(other, observed=True)[["base", "forecast"]].sum()
    table.index = table.index.astype(str)
    traded = (table["base"] > 0) & (table["forecast"] > 0)
    ratio = table["forecast"].where(traded) / table["base"].where(traded)
    table["percent"] = 100.0 * np.log(ratio)
    return placed(table)


def placed(partners: pd.DataFrame) -> pd.DataFrame:
    """Partners by code with ``place``: how a map shows each."""
    shapes = country_outlines()
    places = [
        "shape" if code in shapes else "dot" if code in PLACES else "none"
        for code in partners.index
    ]
    return partners.assign(place=places)


@styled
def world_map(run: RunResult, country: str, *, side: Side = "exporter", year: int) -> Figure:
    """Partners of a country shaded by the shift of their trade with it.

    Raises
    ------
    NoDataError
        If the package that ships the outlines is not installed, or no partner is on the map, as in
        a simulated world.
    """
    check_shapes()
    partners = partner_shifts(run, country, side=side, year=year)
    if not (partners["place"] != "none").any():
        raise NoDataError(
            "none of the partners is on a map of the world: "
            f"{', '.join(countries_of(run.forecasts)[:3])}, ... are not ISO 3166 codes",
            remedy="Draw movers or heatmap instead",
        )
    flows = "exports" if side == "exporter" else "imports"
    title = f"{country_name(country)}: forecast shift of {flows} by partner, {year}"
    return shaded_map(partners, country, title=title)


@styled
def shaded_map(
    partners: pd.DataFrame,
    country: str,
    *,
    title: str,
    before: str = "base",
    after: str = "forecast",
    none: str = "No trade at the origin",
) -> Figure:
    """Partners of a country shaded by a change of their trade with it.

    Parameters
    ----------
    partners
        As of `partner_shifts`.
    country
        Drawn in black.
    title
        Of the figure.
    before, after, none
        Words for what changes, for what it becomes, and for partners without trade.
    """
    figure, panels = grid(1, 1, width=9.5, height=5.9)
    axes: Axes = panels[0, 0]
    limit = symmetric_limit(partners["percent"].to_numpy(dtype=np.float64))
    _land(axes, country)
    _shade(axes, partners, limit)
    _dots(axes, partners, limit)
    _bar(figure, axes, partners, limit, words=f"{after.capitalize()} against {before}")
    _frame(axes)
    axes.text(0.0, -0.01, _note(partners), transform=axes.transAxes, fontsize=8, va="top",
              color="#333333")  # fmt: skip
    _keys(figure, partners, country, words=(before, after, none))
    return entitle(figure, title)


def _outlines(codes: Iterable[str]) -> list[Outline]:
    """One closed path a country, holes included."""
    from matplotlib.path import Path as Outline

    shapes = country_outlines()
    return [
        Outline.make_compound_path(
            *(Outline(equal_earth(ring), closed=True) for ring in shapes[code])
        )
        for code in codes
    ]


def _add(
    axes: Axes,
    codes: Iterable[str],
    colours: str | list[tuple[float, ...]],
    *,
    edge: str = "white",
    hatch: str = "",
) -> None:
    """Fill countries, each with its colour or all with one."""
    from matplotlib.collections import PathCollection

    axes.add_collection(
        PathCollection(
            _outlines(codes), facecolors=colours, edgecolors=edge, hatch=hatch, linewidths=0.4
        )
    )


def _land(axes: Axes, country: str) -> None:
    others = [code for code in country_outlines() if code != "ATA"]
    _add(axes, others, LAND, edge="#bbbbbb")
    if country in country_outlines():
        _add(axes, [country], BLACK)
    elif country in PLACES:
        axes.plot(*equal_earth(np.array([PLACES[country]]))[0], "*", color=BLACK, markersize=11,
                  zorder=5)  # fmt: skip


def _shade(axes: Axes, partners: pd.DataFrame, limit: float) -> None:
    """Colour every partner with a shape; losses are hatched as well."""
    shaped = partners[partners["place"] == "shape"]
    for chosen, hatch in ((shaped["percent"] >= 0, ""), (shaped["percent"] < 0, "///")):
        rows = shaped[chosen]
        colours = _colours(rows["percent"], limit)
        _add(axes, rows.index, colours, edge=BLACK if hatch else GREY, hatch=hatch)
    stops = (shaped["base"] > 0) & ~(shaped["forecast"] > 0)
    _add(axes, shaped.index[stops], NOTHING, edge=GREY, hatch="xxxxx")
    _add(axes, shaped.index[~(shaped["base"] > 0)], NOTHING)


def _colours(values: pd.Series[float], limit: float) -> list[tuple[float, ...]]:
    scaled = 0.5 + values.to_numpy(dtype=np.float64) / (2.0 * limit)
    return [tuple(colour) for colour in diverging()(np.clip(scaled, 0.0, 1.0))]


def _dots(axes: Axes, partners: pd.DataFrame, limit: float) -> None:
    dots = partners[partners["place"] == "dot"]
    for chosen, marker in (
        (dots["percent"] >= 0, "o"),
        (dots["percent"] < 0, "s"),
        (dots["percent"].isna(), "o"),
    ):
        rows = dots[chosen]
        x, y = equal_earth(np.array([PLACES[code] for code in rows.index]).reshape(-1, 2)).T
        traded = rows["percent"].notna().all()
        axes.scatter(x, y, c=_colours(rows["percent"], limit) if traded else NOTHING, s=34,
                     marker=marker, edgecolors=BLACK, linewidths=0.8, zorder=4)  # fmt: skip


def _frame(axes: Axes) -> None:
    """The outline of the globe, without axes."""
    latitude = np.linspace(SOUTH_END, 90.0, 90)
    west, east = (
        equal_earth(np.column_stack([np.full(90, edge), latitude])) for edge in (-180.0, 180.0)
    )
    border = np.concatenate([west, east[::-1], west[:1]])
    axes.plot(*border.T, color="#999999", linewidth=0.7)
    axes.set_aspect("equal")
    axes.margins(0.005)
    axes.set_axis_off()


def _bar(figure: Figure, axes: Axes, partners: pd.DataFrame, limit: float, *, words: str) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    known = partners["percent"].dropna()
    beyond = float((known.abs() > limit).mean()) if len(known) else 0.0
    bar = figure.colorbar(
        ScalarMappable(Normalize(-limit, limit), diverging()),
        ax=axes,
        location="bottom",
        extend="both" if beyond else "neither",
        shrink=0.6,
        aspect=38,
        pad=0.06,
    )
    note = f"; {percent(beyond)} of the partners lie beyond the ends" if beyond else ""
    bar.set_label(f"{words}, {PERCENT_UNIT}{note}")


def _note(partners: pd.DataFrame) -> str:
    """What the map does not show, and where its outlines come from."""
    dots = int((partners["place"] == "dot").sum())
    lost = partners.index[partners["place"] == "none"]
    remarks = (
        [f"{plural(dots, 'partner')} too small for an outline: drawn as dots."] if dots else []
    )
    if len(lost):
        share = partners.loc[lost, "base"].sum() / max(partners["base"].sum(), 1e-300)
        named = ", ".join(lost[:5]) + (", ..." if len(lost) > 5 else "")
        remarks.append(f"Not on the map: {named} ({percent(float(share))} of the base).")
    return " ".join([*remarks, "Outlines: Natural Earth, 1:110 million; Equal Earth projection."])


def _keys(
    figure: Figure, partners: pd.DataFrame, country: str, *, words: tuple[str, str, str]
) -> None:
    from matplotlib.patches import Patch

    before, after, none = words
    stopped = f"{after.capitalize()} to stop"
    stops = ((partners["base"] > 0) & ~(partners["forecast"] > 0)).any()
    handles = [
        Patch(facecolor=BLACK, label=country_name(country)),
        Patch(facecolor="#a9cfe8", edgecolor=GREY, label=f"Above {before} (dot: round)"),
        Patch(
            facecolor="#f0b48c", edgecolor=BLACK, hatch="///", label=f"Below {before} (dot: square)"
        ),
    ]
    if stops:
        handles.append(
            Patch(
                facecolor=NOTHING,
                edgecolor=GREY,
                hatch="xxxxx",
                label=stopped,
            )
        )
    if (~(partners["base"] > 0)).any():
        handles.append(Patch(facecolor=NOTHING, label=none))
    handles.append(Patch(facecolor=LAND, edgecolor="#bbbbbb", label="Not in the data"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8.5,
                  columnspacing=1.2, handlelength=1.6)  # fmt: skip
