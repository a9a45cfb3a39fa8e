"""A brief as plain text, and as a folder: Markdown, one CSV a table, figures as PNG and SVG."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from features.errors import InputError
from forecasting.briefs.brief import Brief, BriefSection, BriefTable
from forecasting.figures.style import NoDataError
from forecasting.results.result import RunResult
from forecasting.run_folder.csv_files import write_csv
from forecasting.run_folder.staging import locked, staged
from forecasting.words.markdown import escaped
from forecasting.words.markdown import table as markdown_table
from forecasting.words.numbers import plural

MARKER = "brief.md"
WIDTH = 96
HEADER_WIDTH = 12
"""Letters after which the name of a column goes to the next line, unless its cells are wider."""
FIGURE_FORMATS = ("png", "svg")


# Text ---------------------------------------------------------------------------------------------


def brief_text(brief: Brief) -> str:
    """The brief as plain text for a terminal, without figures.

    Tables show the rows and columns that the brief chose; the files of `write_brief` hold all.
    """
    parts = [f"{brief.title}\n{'=' * len(brief.title)}", *map(_wrapped, brief.summary)]
    for section in brief.sections:
        parts.append(f"{section.heading}\n{'-' * len(section.heading)}")
        parts += map(_wrapped, section.paragraphs)
        parts += (_text_table(brief.tables[name]) for name in section.tables)
    return "\n\n".join(parts) + "\n"


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)


def _text_table(table: BriefTable) -> str:
    """Columns side by side: words to the left, numbers to the right."""
    rows, numeric = table.rows(), table.numeric()
    columns = [
        _column(name, [row[place] for row in rows], right=numeric[place])
        for place, name in enumerate(table.header())
    ]
    tallest = max(len(head) for head, _ in columns)
    lines = [
        "  ".join(cells)
        for part in (
            zip(*([" " * len(h[0])] * (tallest - len(h)) + h for h, _ in columns), strict=True),
            zip(*(cells for _, cells in columns), strict=True),
        )
        for cells in part
    ]
    more = f"\n{plural(table.left_out, 'row')} more." if table.left_out else ""
    return "\n".join([_wrapped(table.caption), "", *(line.rstrip() for line in lines)]) + more


def _column(name: str, cells: Sequence[str], *, right: bool) -> tuple[list[str], list[str]]:
    """Lines of the header and cells of a column, padded to the same width."""
    widest = max((len(cell) for cell in cells), default=0)
    head = textwrap.wrap(name, max(widest, HEADER_WIDTH), break_long_words=False)
    width = max([widest, *map(len, head)])

    def padded(words: Iterable[str]) -> list[str]:
        return [word.rjust(width) if right else word.ljust(width) for word in words]

    return padded(head), padded(cells)


# Folder -------------------------------------------------------------------------------------------


def check_brief_folder(out: Path, *, overwrite: bool) -> None:
    """Refuse an output folder before any work.

    Raises
    ------
    InputError
        If it is a file, holds anything but an earlier brief, or holds one and ``overwrite`` is off.
    """
    other = "Choose another --out folder"
    if out.exists() and not out.is_dir():
        raise InputError("the output is a file", remedy=other, file=out)
    present = sorted(path.name for path in out.iterdir()) if out.exists() else []
    if not present:
        return
    if MARKER not in present:
        raise InputError(
            "the output folder holds files that are not from a brief", remedy=other, file=out
        )
    listing = (out / MARKER).read_text(encoding="utf-8", errors="replace")
    foreign = [name for name in present if name != MARKER and f"`{name}`" not in listing]
    if foreign:
        raise InputError(
            f"the output folder holds {foreign[0]!r}, which no brief wrote",
            remedy="Move it away or choose another --out folder",
            file=out,
        )
    if not overwrite:
        raise InputError(
            "the output folder already holds a brief", remedy=f"{other} or give --overwrite",
            file=out,
        )  # fmt: skip


def write_brief(brief: Brief, run: RunResult, out: Path | str, *, overwrite: bool = False) -> Path:
    """Write a brief's folder, whole or not at all.

    Parameters
    ----------
    brief
        What to write.
    run
        The run it is of: figures are drawn from it. One that the run has no data for is left out
        and named in the text.
    out
        Folder for ``brief.md``, a CSV file a table, and a PNG and an SVG file a figure.
    overwrite
        Replace an earlier brief.

    Returns
    -------
    Path
        ``brief.md`` in the folder.

    Raises
    ------
    InputError
        If the folder holds anything else, see `check_brief_folder`, or cannot be written.
    """
    out = Path(out)
    check_brief_folder(out, overwrite=overwrite)
    may_be = partial(check_brief_folder, out, overwrite=overwrite)
    with locked(out), staged(out, check=may_be) as stage:
        for name, table in brief.tables.items():
            write_csv(table.frame, stage / f"{name}.csv")
        left_out = _draw(brief, run, stage)
        (stage / MARKER).write_text(_markdown(brief, left_out), encoding="utf-8")
    return out / MARKER


def _draw(brief: Brief, run: RunResult, folder: Path) -> dict[str, str]:
    """Draw the figures; name to reason of those that the run has no data for."""
    from forecasting.figures.files import save_plot
    from forecasting.figures.plots import plot

    left_out = {}
    for name, wanted in brief.figures.items():
        try:
            figure = plot(run, wanted.kind, **wanted.options)
        except NoDataError as reason:
            left_out[name] = reason.problem
            continue
        for suffix in FIGURE_FORMATS:
            save_plot(figure, folder / f"{name}.{suffix}")
    return left_out


# Markdown -----------------------------------------------------------------------------------------


def _markdown(brief: Brief, left_out: Mapping[str, str]) -> str:
    parts = [f"# {escaped(brief.title)}", "\n".join(f"- {escaped(s)}" for s in brief.summary)]
    for section in brief.sections:
        parts += _markdown_section(brief, section, left_out)
    parts += ["## Files", "\n".join(_files(brief, left_out))]
    return "\n\n".join(parts) + "\n"


def _markdown_section(
    brief: Brief, section: BriefSection, left_out: Mapping[str, str]
) -> Iterator[str]:
    heading = escaped(section.heading)
    yield f"## {heading}"
    yield from map(escaped, section.paragraphs)
    for name in section.figures:
        if name in left_out:
            yield f"The figure {name.replace('_', ' ')} is left out: {escaped(left_out[name])}."
        else:
            yield f"![{heading}: {name.replace('_', ' ')}]({name}.png)"
    for name in section.tables:
        table = brief.tables[name]
        rows = [list(map(escaped, row)) for row in table.rows()]
        yield f"*{escaped(table.caption)}.*"
        yield markdown_table(list(map(escaped, table.header())), rows)
        if table.left_out:
            yield f"{plural(table.left_out, 'row')} more in `{name}.csv`."


def _files(brief: Brief, left_out: Mapping[str, str]) -> Iterator[str]:
    for name, table in brief.tables.items():
        yield f"- `{name}.csv`: {escaped(table.caption)}."
    for name in brief.figures:
        if name not in left_out:
            yield "- " + ", ".join(f"`{name}.{suffix}`" for suffix in FIGURE_FORMATS)
