"""Pieces of HTML that a report is made of: no script, nothing fetched, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

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
    body = "\n".join(
        f"<tr{_STRONG if strong in row else ''}>{_cells(row, heads, text)}</tr>" for row in rows
    )
    return (
        # A keyboard must be able to scroll what is wider than the screen.
        f'<div class="wide{" short" * (len(rows) <= SHORT)}" role="region" tabindex="0" '
        f'aria-label="{escape(caption)}">'
        f"<table{_BREAKS if breaks else ''}>\n"
        f"<caption>{escape(caption)}</caption>\n"
        f"<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


_NUMBER, _STRONG, _BREAKS = ' class="n"', ' class="strong"', ' class="breaks"'


def _cells(row: Sequence[str], heads: int, text: set[int]) -> str:
    return "".join(
        f'<th scope="row">{escape(cell)}</th>'
        if column < heads
        else f"<td{'' if column in text else _NUMBER}>{escape(cell)}</td>"
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


def page(title: str, opening: Section, chapters: Sequence[Section]) -> str:
    """Write the whole document, self-contained and without scripts.

    The opening has a page of its own when printed; a table of contents follows, then the chapters.
    """
    contents = (
        '<nav aria-labelledby="contents"><h2 id="contents">Contents</h2>'
        f"<ol>{''.join(map(_entry, (opening, *chapters)))}</ol></nav>"
    )
    sections = "\n".join([_section(opening), contents, *map(_section, chapters)])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n{sections}\n</main>\n</body>\n</html>\n"
    )


def _entry(chapter: Section) -> str:
    """A chapter in the table of contents, with its headings."""
    inside = "".join(f"<li>{_link(name, title)}</li>" for name, title in chapter.headings)
    below = f"<ul>{inside}</ul>" if inside else ""
    return f"<li>{_link(chapter.name, chapter.title)}{below}</li>"


def _link(name: str, title: str) -> str:
    return f'<a href="#{escape(name)}">{escape(title)}</a>'


def _section(chapter: Section) -> str:
    name, body = escape(chapter.name), "\n".join(part for part in chapter.parts if part)
    return (
        f'<section class="{name}" aria-labelledby="{name}">\n'
        f'<h2 id="{name}">{escape(chapter.title)}</h2>\n{body}\n</section>'
    )


_CSS = """
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #1a1a1a;
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .6rem; padding-top: .6rem; border-top: 2px solid #0072b2; }
h3 { font-size: 1.1rem; margin: 1.8rem 0 .4rem; }
h4 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
h1 + section h2 { margin-top: .8rem; }
p, li, dd, caption, figcaption { overflow-wrap: anywhere; }
p { margin: .5rem 0; max-width: 46rem; }
ul, ol { margin: .5rem 0; padding-left: 1.2rem; max-width: 46rem; }
a { color: #005a8c; }
.statements { list-style: none; padding: 0; max-width: none; }
.statements li { margin: .35rem 0; }
.lead { font-size: 1.08rem; font-weight: 600; }
.note { color: #444; font-size: .92rem; }
dl { margin: .5rem 0; }
dl div { display: flex; gap: 1rem; padding: .1rem 0; }
dt { flex: 0 0 7rem; font-weight: 600; }
dd { margin: 0; }
.wide { overflow-x: auto; margin: 1rem 0; }
.wide:focus-visible, a:focus-visible { outline: 3px solid #005a8c; outline-offset: 2px; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3rem 0; }
th, td { padding: .22rem .6rem; border-bottom: 1px solid #ccc; text-align: left;
  vertical-align: top; }
tbody th { font-weight: 400; white-space: nowrap; }
table.breaks tbody th { white-space: normal; overflow-wrap: anywhere; }
td { overflow-wrap: break-word; }
thead th { border-bottom: 2px solid #555; vertical-align: bottom; }
td.n, th.n { text-align: right; }
td.n { white-space: nowrap; }
tr.strong th, tr.strong td { font-weight: 700; background: #eef5fa; }
figure { margin: 1.4rem 0; break-inside: avoid; }
figure img { max-width: 100%; height: auto; display: block; }
figcaption { color: #444; font-size: .9rem; margin-top: .3rem; max-width: 46rem; }
@media print {
  @page { size: A4; margin: 14mm; }
  html { font-size: 9.5pt; }
  body { font-size: 1rem; line-height: 1.4; }
  main { max-width: none; padding: 0; }
  h1 { font-size: 17pt; }
  h2, h3, h4, caption { break-after: avoid; }
  h2 { font-size: 13pt; margin-top: 1.6rem; }
  a { color: inherit; text-decoration: none; }
  .summary { break-after: page; }
  tr, li { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide { overflow: visible; }
  .short { break-inside: avoid; }
  table { font-size: 7.5pt; }
  th, td { padding: .12rem .35rem; }
  tbody th { white-space: normal; }
  .summary figure { margin: .4rem 0 0; }
  figure img { max-height: 115mm; margin: 0 auto; }
  .summary figure img { max-height: 155mm; }
  .countries h3 ~ h3 { break-before: page; }
  tr.strong th, tr.strong td { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
