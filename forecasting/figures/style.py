"""The style that figures share: colours, markers, titles and legends."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")


# Figures ------------------------------------------------------------------------------------------

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#666666"
"""Okabe and Ito's colours, which colour-blind readers tell apart."""

COLOURS = {"black": BLACK, "orange": ORANGE, "sky": SKY, "green": GREEN, "blue": BLUE,
           "vermillion": VERMILLION, "purple": PURPLE, "grey": GREY}  # fmt: skip
"""By the names that `models.registry` uses."""
HORIZON_STYLES = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"), (VERMILLION, "D"), (PURPLE, "v"))
"""Colour and marker of each horizon, shortest first."""
PERCENT_UNIT = "percent (100 x log points)"
FIGURE_STYLE: Mapping[str, object] = MappingProxyType(
    {
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10,
        "figure.constrained_layout.h_pad": 0.07,
        "figure.constrained_layout.w_pad": 0.1,
        "figure.facecolor": "white",
        "font.size": 9.5,
        "grid.color": "#dddddd",
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "gravicast",
        "text.parse_math": False,
    }
)


class NoDataError(InputError):
    """The run, or the installation, lacks what a figure needs.

    Parameters
    ----------
    reason
        What is missing.
    remedy
        What to ask for instead.
    """

    def __init__(
        self, reason: str, *, remedy: str = "See what each kind shows: gravicast plot --list"
    ) -> None:
        super().__init__(reason, remedy=remedy)


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save in the style of reports, whatever the user's own settings are."""
    import matplotlib.style

    with matplotlib.style.context(["default", dict(FIGURE_STYLE)]):
        yield


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Make a function draw in the style of reports."""

    @functools.wraps(draw)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with figure_style():
            return draw(*args, **kwargs)

    return wrapped


def entitle(figure: Figure, title: str) -> Figure:
    """Put the title above everything, flush left, wrapped to the figure's width."""
    width = int(72 * figure.get_figwidth() / (_TITLE_SIZE * _BOLD_LETTER))
    lines = textwrap.fill(title, width, break_long_words=False)
    figure.suptitle(lines, x=0.01, ha="left", fontsize=_TITLE_SIZE, fontweight="bold")
    return figure


_TITLE_SIZE, _BOLD_LETTER = 12, 0.64
"""Points, and the mean width of a bold letter as a share of that."""


def diverging() -> Colormap:
    """Colours from loss over white to gain that colour-blind readers tell apart."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "gravicast", ["#9c4400", VERMILLION, "#f0b48c", "#ffffff", "#a9cfe8", BLUE, "#004b78"]
    )


def symmetric_limit(values: NDArray[np.float64]) -> float:
    """Round number that holds `MOST` of the absolute values: extremes would whiten the rest."""
    known = np.abs(values[np.isfinite(values)])
    largest = float(known.max(initial=0.0))
    wanted = min(float(np.quantile(known, MOST)) if known.size else 0.0, largest)
    if wanted <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(power * next(step for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
                              if step * power >= wanted * (1 - 1e-12)))  # fmt: skip


MOST = 0.9


def grid(
    rows: int, columns: int, *, width: float, height: float, **share: Any
) -> tuple[Figure, Any]:
    """Make a figure outside pyplot and its axes, shape ``[row, column]``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **share)


def legend(figure: Figure, *, reverse: bool = False, columns: int = 4) -> None:
    """One legend below all panels."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    step = -1 if reverse else 1
    figure.legend(handles[::step], labels[::step], loc="outside lower center", ncols=columns)


def right_column(axes: Axes, heading: str, texts: Sequence[str]) -> None:
    """Write a number beside each row of a chart, where nothing drawn can cover it."""
    right = axes.twinx()
    right.set_ylim(axes.get_ylim())
    right.set_yticks(range(len(texts)), texts)
    right.tick_params(axis="y", length=0)
    right.grid(visible=False)
    right.spines[["left", "right", "top"]].set_visible(False)
    right.annotate(heading, (1, 1), (8, 4), xycoords="axes fraction", textcoords="offset points",
                   fontsize=9, fontweight="bold")  # fmt: skip


def apart(values: NDArray[np.float64], room: float) -> NDArray[np.float64]:
    """Places for labels as near to their values as they can stand ``room`` apart.

    Labels that would collide form a block around the mean of their values.
    """
    order = np.argsort(values, kind="stable")
    blocks: list[tuple[float, int]] = []  # centre and size
    for value in values[order]:
        centre, size = float(value), 1
        while blocks and centre - (size - 1) * room / 2 < (
            blocks[-1][0] + (blocks[-1][1] - 1) * room / 2 + room
        ):
            before, count = blocks.pop()
            centre = (before * count + centre * size) / (count + size)
            size += count
        blocks.append((centre, size))
    ordered = [c + (k - (n - 1) / 2) * room for c, n in blocks for k in range(n)]
    places = np.empty(len(values))
    places[order] = ordered
    return places


def take(
    table: pd.DataFrame, columns: list[str], *, needs: Sequence[str] = (), **equal: str
) -> pd.DataFrame:
    """Rows with a number in one of ``columns`` and the given values, at least one."""
    if table.columns.empty:
        raise NoDataError(
            "nothing was back-tested: this is a forecast by a trained model",
            remedy="Give the output folder of `gravicast run`",
        )
    lacking = [c for c in (*columns, *needs, *equal) if c not in table]
    if lacking or not columns:
        raise NoDataError(f"no column {', '.join(lacking)}")
    for name, value in equal.items():
        table = table[table[name] == value]
    table = table.dropna(subset=columns, how="all")
    if table.empty:
        raise NoDataError(f"no {' or '.join(columns)}")
    return table
