"""Pieces of HTML that a report is made of: no script, nothing fetched, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from forecasting.reports.render import render_page

SHORT = 30
"""Rows of a table that a printed page need not break."""


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter of a report.

    Attributes
    ----------
    name
        Its anchor.
    title
        Its heading.
    parts
        HTML; empty ones are left out.
    headings
        Anchor and words of the headings inside that the table of contents names.
    """

    name: str
    title: str
    parts: Sequence[str]
    headings: Sequence[tuple[str, str]] = ()


def table(
    caption: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    heads: int = 1,
    words: Sequence[int] = (),
    strong: str | None = None,
    breaks: bool = False,
) -> str:
    """Write an escaped table with a caption.

    Parameters
    ----------
    caption, header, rows
        Of the table.
    heads
        How many leading columns name the row; they are text, the others numbers.
    words
        Numbers of columns that are text too.
    strong
        Rows of which a cell holds this word exactly are set in bold.
    breaks
        Whether the names of rows are long and may break anywhere.
    """
    text, rows = {*range(heads), *words}, list(rows)
    top = "".join(
        f'<th scope="col"{"" if column in text else _NUMBER}>{escape(name)}</th>'
        for column, name in enumerate(header)
    )
    labels = [f' data-label="{escape(name)}"' for name in header]
    labels[0] = ""
    body = "\n".join(
        f"<tr{_STRONG if strong in row else ''}>{_cells(row, labels, heads, text)}</tr>"
        for row in rows
    )
    return (
        # A keyboard must be able to scroll what is wider than the screen.
        f'<div class="wide{" short" * (len(rows) <= SHORT)}" role="region" tabindex="0" '
        f'aria-label="{escape(caption)}">'
        f'<table class="cards{" breaks" * breaks}">\n'
        f"<caption><span>{escape(caption)}</span></caption>\n"
        f"<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


_NUMBER, _STRONG = ' class="n"', ' class="strong"'


def _cells(row: Sequence[str], labels: Sequence[str], heads: int, text: set[int]) -> str:
    """Cells with their headings, which a narrow screen shows beside each."""
    return "".join(
        f'<th scope="row"{labels[column]}>{escape(cell)}</th>'
        if column < heads
        else f"<td{'' if column in text else _NUMBER}{labels[column]}>{escape(cell)}</td>"
        for column, cell in enumerate(row)
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


def statements(pairs: Iterable[tuple[str, str]]) -> str:
    """Write an escaped list whose lines open with what they are about."""
    lines = (f"<li><strong>{escape(k)}.</strong> {escape(v)}</li>" for k, v in pairs)
    return f'<ul class="statements">{"".join(lines)}</ul>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Write an escaped list of names and what they are."""
    return (
        "<dl>"
        + "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in pairs)
        + "</dl>"
    )


def heading(title: str, *, level: int = 3, name: str = "") -> str:
    """Write a heading inside a section, which ``name`` makes a target of links."""
    anchor = f' id="{escape(name)}"' if name else ""
    return f"<h{level}{anchor}>{escape(title)}</h{level}>"


def page(
    title: str,
    opening: Sequence[Section],
    chapters: Sequence[Section] = (),
    *,
    others: Sequence[tuple[str, str]] = (),
) -> str:
    """Write the whole document, self-contained and without scripts.

    Parameters
    ----------
    title
        Of the document.
    opening
        Pages that come first, with their headings in their parts; each is a sheet when printed.
    chapters
        Of the appendix. Where there is one, contents come before everything.
    others
        Address and words of other pages that the contents name.
    """
    return render_page(
        "page.html.j2", title=title, opening=opening, chapters=chapters, others=others
    )
