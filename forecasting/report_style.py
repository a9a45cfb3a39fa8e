"""Words, number formats, figure style and HTML pieces that plots and report share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ParamSpec

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

P = ParamSpec("P")

MODEL_LABELS: Mapping[str, str] = {
    "gravicast": "gravicast",
    "without_technology": "without technology",
    "last_value_raked": "raked base",
    "last_value": "last value",
    "drift": "drift",
    "lightgbm_levels": "LightGBM, levels",
    "lightgbm_differences": "LightGBM, differences",
    "gravity_three_way": "gravity, three-way PPML",
    "gravity_dynamic": "gravity, dynamic PPML",
    "gravity_three_way_oracle": "gravity, three-way PPML with true totals (oracle)",
}
"""Models in words, in the order of reports."""

SETTING_LABELS: Mapping[str, str] = {
    "totals_known": "Totals known",
    "ex_ante": "Ex ante",
}

METRIC_LABELS: Mapping[str, str] = {
    "wape": "WAPE",
    "pattern_distance": "Pattern distance",
    "midpoint_mae": "Midpoint MAE",
    "log_mae": "Log MAE",
}

STRATUM_LABELS: Mapping[str, str] = {
    "all": "All flows",
    "zero_origin": "Zero in the origin year",
    "crisis": "Crisis target years",
    "calm": "Other target years",
}

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
"""What a table shows where there is no number, and before a negative one."""

_MAGNITUDES = ((1e12, " tn"), (1e9, " bn"), (1e6, " m"), (1e3, " k"), (0.0, ""))


def usd(value: float, *, sign: bool = False) -> str:
    """Write an amount in three digits, such as ``1.24 bn``."""
    if not math.isfinite(value):
        return DASH
    size, name = next((s, n) for s, n in _MAGNITUDES if abs(value) >= 0.9995 * s)
    scaled = abs(value) / (size or 1.0)
    before = MINUS if value < 0 else "+" * sign
    return f"{before}{scaled:{'.3g' if scaled < 999.5 else ',.0f'}}{name}"


def percent(share: float, *, digits: int = 1, sign: bool = False) -> str:
    """Write a share as a percentage, ``0.085`` as ``8.5%``."""
    if not math.isfinite(share):
        return DASH
    number = round(100.0 * share, digits) + 0.0
    return f"{number:{'+' if sign and number else ''}.{digits}f}%".replace("-", MINUS)


def decimal(value: float, digits: int = 3) -> str:
    """Write a plain number."""
    return f"{value:.{digits}f}".replace("-", MINUS) if math.isfinite(value) else DASH


def metric(name: str, value: float) -> str:
    """Write a metric as is customary: the two shares of trade in percent, the others plain."""
    return percent(value, digits=2) if name in ("wape", "pattern_distance") else decimal(value)


def stratum(name: str) -> str:
    """Name a stratum in words."""
    if name.startswith("decile_"):
        return f"Size decile {name.removeprefix('decile_')}"
    return STRATUM_LABELS.get(name, name.replace("_", " ").capitalize())


def years(horizon: int) -> str:
    """Name a horizon in words."""
    return f"{horizon} year{'' if horizon == 1 else 's'} ahead"


def plural(count: int, noun: str) -> str:
    """Write a count and its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def settings_of(table: pd.DataFrame) -> list[str]:
    """List the settings of a table of scores in the order of reports."""
    return _in_order(table["setting"], tuple(SETTING_LABELS))


def models_of(table: pd.DataFrame) -> list[str]:
    """List the models of a table of scores in the order of reports."""
    return _in_order(table["model"], tuple(MODEL_LABELS))


def _in_order(present: pd.Series[Any], known: Sequence[str]) -> list[str]:
    found = [str(name) for name in present.unique()]
    return [n for n in known if n in found] + sorted(n for n in found if n not in known)


# Figures ------------------------------------------------------------------------------------------

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#666666"
"""Okabe and Ito's colours, which colour-blind readers tell apart."""

PERCENT_UNIT = "percent (100 x log points)"
FIGURE_STYLE: Mapping[str, object] = MappingProxyType(
    {
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10,
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


class NoDataError(ValueError):
    """The run holds nothing to draw in this figure."""


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save in the style of reports, whatever the user's own settings are."""
    import matplotlib.style

    with matplotlib.style.context(["default", dict(FIGURE_STYLE)]):
        yield


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make a function draw in the style of reports."""

    @functools.wraps(draw)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with figure_style():
            return draw(*args, **kwargs)

    return wrapped


def entitle(figure: Figure, title: str) -> Figure:
    """Put the title above everything, flush left."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    return figure


def grid(
    rows: int, columns: int, *, width: float, height: float, **share: Any
) -> tuple[Figure, Any]:
    """Make a figure outside pyplot and its axes, shape ``[row, column]``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **share)


def take(
    table: pd.DataFrame, columns: list[str], *, needs: Sequence[str] = (), **equal: str
) -> pd.DataFrame:
    """Rows with a number in one of ``columns`` and the given values; there must be one."""
    lacking = [c for c in (*columns, *needs, *equal) if c not in table]
    if lacking or not columns:
        raise NoDataError(f"no column {', '.join(lacking)}")
    for name, value in equal.items():
        table = table[table[name] == value]
    table = table.dropna(subset=columns, how="all")
    if table.empty:
        raise NoDataError(f"no {' or '.join(columns)}")
    return table


# HTML ---------------------------------------------------------------------------------------------


def table(
    caption: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    heads: int = 1,
    strong: str | None = None,
    breaks: bool = False,
) -> str:
    """Write an escaped table with a caption.

    Parameters
    ----------
    heads
        How many leading columns name the row; they are text, the others numbers.
    strong
        Rows of which a cell holds this word exactly are set in bold.
    breaks
        Whether the names of rows are long and may break anywhere.
    """
    top = "".join(
        f'<th scope="col"{"" if column < heads else _NUMBER}>{escape(text)}</th>'
        for column, text in enumerate(header)
    )
    body = "\n".join(
        f"<tr{_STRONG if strong in row else ''}>{_cells(row, heads)}</tr>" for row in rows
    )
    return (
        # A keyboard must be able to scroll what is wider than the screen.
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f"<table{_BREAKS if breaks else ''}>\n"
        f"<caption>{escape(caption)}</caption>\n"
        f"<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


_NUMBER, _STRONG, _BREAKS = ' class="n"', ' class="strong"', ' class="breaks"'


def _cells(row: Sequence[str], heads: int) -> str:
    return "".join(
        f'<th scope="row">{escape(text)}</th>'
        if column < heads
        else f"<td{_NUMBER}>{escape(text)}</td>"
        for column, text in enumerate(row)
    )


def figure(source: str, alt: str, caption: str) -> str:
    """Write an image with its alternative text and caption."""
    return (
        f'<figure><img src="{escape(source)}" alt="{escape(alt)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def paragraph(text: str, *, kind: str = "") -> str:
    """Write an escaped paragraph."""
    return f'<p class="{escape(kind)}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def bullets(lines: Iterable[str]) -> str:
    """Write an escaped list."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Write an escaped list of names and what they are."""
    return (
        "<dl>"
        + "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in pairs)
        + "</dl>"
    )


def section(name: str, title: str, parts: Iterable[str]) -> str:
    """Write a section under a second-level heading."""
    body = "\n".join(part for part in parts if part)
    return (
        f'<section aria-labelledby="{escape(name)}">\n'
        f'<h2 id="{escape(name)}">{escape(title)}</h2>\n{body}\n</section>'
    )


def page(title: str, sections: Iterable[str]) -> str:
    """Write the whole document, self-contained and without scripts."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n" + "\n".join(sections) + "\n</main>\n</body>\n</html>\n"
    )


_CSS = """
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #1a1a1a;
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 1rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .6rem; padding-top: .6rem; border-top: 2px solid #0072b2; }
p { margin: .5rem 0; max-width: 46rem; }
ul { margin: .5rem 0; padding-left: 1.2rem; max-width: 46rem; }
.lead { font-size: 1.08rem; font-weight: 600; }
.note { color: #444; font-size: .92rem; }
dl { margin: .5rem 0; }
dl div { display: flex; gap: 1rem; padding: .15rem 0; }
dt { flex: 0 0 9rem; font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { padding: .22rem .6rem; border-bottom: 1px solid #ccc; text-align: left;
  vertical-align: top; }
tbody th { font-weight: 400; white-space: nowrap; }
table.breaks tbody th { white-space: normal; overflow-wrap: anywhere; }
thead th { border-bottom: 2px solid #555; vertical-align: bottom; }
td.n, th.n { text-align: right; }
td.n { white-space: nowrap; }
tr.strong th, tr.strong td { font-weight: 700; background: #eef5fa; }
figure { margin: 1.4rem 0; break-inside: avoid; }
figure img { max-width: 100%; height: auto; display: block; }
figcaption { color: #444; font-size: .9rem; margin-top: .3rem; max-width: 46rem; }
@media print {
  @page { margin: 16mm; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  tr { break-inside: avoid; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  tr.strong th, tr.strong td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
