"""The report of a run: one self-contained HTML file for an analyst and her minister."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from features.errors import InputError
from features.feature import CHANNELS
from forecasting.distribution.sums import sum_reader
from forecasting.planning.page import plans_section
from forecasting.reports.addresses import INDEX, country_addresses
from forecasting.reports.channels import evidence
from forecasting.reports.countries import DEFAULT_COUNTRIES, choose, country_briefs
from forecasting.reports.data import checks, limits, provenance
from forecasting.reports.embedded import Images, draw_figures, embed
from forecasting.reports.html import Section, page, paragraph
from forecasting.reports.largest_shifts import shifts
from forecasting.reports.measures import pattern_chapter
from forecasting.reports.opening import opening_pages
from forecasting.reports.pages import exporters, report_facts
from forecasting.reports.render import render_page
from forecasting.reports.scores import by_group, intervals, record
from forecasting.reports.summary import technology_words
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_year, named, origin_of, years_of
from forecasting.run_folder.files import REPORT
from forecasting.run_folder.record import note_drawn
from forecasting.run_folder.whole_file import write_whole
from forecasting.scenarios.page import scenarios_section
from forecasting.words.channels import CHANNEL_WORDS

_PATTERN = ("measures",)
_ASKED = ("scenarios", "plans")
"""Chapters of what was asked of the finished run, left out where nothing was."""
_SHIFTS = ("heatmap",)
_CHANNELS = ("channels", "beeswarm", "dependence")
_RECORD = ("scoreboard", "errors_wape")
_INTERVALS = ("coverage", "reliability")
FIGURES = (*_SHIFTS, *_PATTERN, *_CHANNELS, *_RECORD, *_INTERVALS)
"""Figures of `run_figures.PLOTS` that a report holds; sums of flows are drawn for it."""
Figures = Callable[[], Mapping[str, list[Path]]]
"""Gives the files of figures by name."""


def make_report(
    run: Path | str,
    *,
    countries: Sequence[str] = (),
    year: int | None = None,
    out: Path | str | None = None,
) -> Path:
    """Write the report of a finished run from its folder.

    Parameters
    ----------
    run
        Output folder of ``gravicast run`` or ``gravicast forecast``.
    countries
        ISO 3166 codes or English names of countries whose briefs it holds, the first two on its
        third page too; by default the largest exporters, without briefs.
    year
        Target year of those briefs; by default the first that was not over.
    out
        HTML file to write; by default ``report.html`` in the folder.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        If the folder holds no run of this version, does not know a country or forecast that year,
        or the file cannot be written.
    """
    from forecasting.results.read import read_about, read_run

    path = Path(run) / REPORT if out is None else Path(out)
    read_about(Path(run))
    _check_out(path)
    result = read_run(run)
    codes, target = choose(result.forecasts, countries), check_year(result.forecasts, year)
    with tempfile.TemporaryDirectory() as folder:
        figures = partial(draw_figures, result, FIGURES, Path(folder))
        try:
            _write(result, figures, path, countries=codes, briefs=len(countries) > 0, year=target)
        except OSError as error:
            raise _unwritable(path, error.strerror) from error
    return path


def _check_out(path: Path) -> None:
    """Refuse a file that cannot be written before any work."""
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if not path.absolute().parent.is_dir():
        raise _unwritable(path, "there is no such folder")
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        raise _unwritable(path, "its folder is read only")


def _unwritable(path: Path, why: str | None) -> InputError:
    return InputError(
        f"the report cannot be written ({why})", remedy="Choose another --out file", file=path
    )


def write_report(result: RunResult, figures: Figures | None, path: Path) -> None:
    """Write the report of a run that is just being written.

    Parameters
    ----------
    result
        What to report. Where nothing was back-tested, the report says so and leaves those chapters
        out.
    figures
        Asked last, so that they can be drawn beside the text: name to paths, as of
        `run_figures.save_figures`; those of `FIGURES` are embedded. None draws them for the report
        alone.
    path
        HTML file to write, whole or not at all, in the folder that holds the run's files.
    """
    # The files still lie in a temporary folder; ``result.out`` may hold an older run.
    result = replace(result, out=path.parent)
    nearest = check_year(result.forecasts, None)
    with tempfile.TemporaryDirectory() as folder:
        alone = partial(draw_figures, result, FIGURES, Path(folder))
        chosen = choose(result.forecasts, ())
        _write(result, figures or alone, path, countries=chosen, briefs=False, year=nearest)


def _write(
    result: RunResult,
    figures: Figures,
    path: Path,
    *,
    countries: Sequence[str],
    briefs: bool,
    year: int,
) -> None:
    reader, pages = sum_reader(result), country_addresses(result.out, path)
    facts = report_facts(reader, countries[:DEFAULT_COUNTRIES])
    opening = opening_pages(reader, facts, pages=pages)
    briefed = [country_briefs(result, countries, year=year)] if briefs else []
    written, files = _written_chapters(result), figures()
    illustrated = [Section(name, title, embed(parts, files)) for name, title, parts in written]
    chapters = [_words(result), *briefed, *illustrated, _remake(result)]
    others = [
        (file, "All countries" if code == INDEX else named(code)) for code, file in pages.items()
    ]
    html = page("Trade forecast report", opening, chapters, others=others)
    write_whole(path, html.encode())
    note_drawn(path)


def _words(result: RunResult) -> Section:
    used = dict.fromkeys(result.channels["channel"])
    html = render_page(
        "words.html.j2",
        origin=origin_of(result),
        as_of=result.provenance["as_of"],
        years=years_of(result),
        channels=[(CHANNELS[c], words) for c, words in CHANNEL_WORDS.items() if c in used],
    )
    return Section("words", "Words used here", [html])


def _remake(result: RunResult) -> Section:
    html = render_page("remake.html.j2", countries=exporters(result))
    return Section("remake", "How to make this again", [html])


def _written_chapters(result: RunResult) -> list[tuple[str, str, list[str | Images]]]:
    """Name, title and parts of the chapters; their figures are still to be put in."""
    chapters: list[tuple[str, str, list[str | Images]]] = [
        ("shifts", "Largest shifts", [*shifts(result), Images(_SHIFTS)]),
        (
            "pattern",
            "Measures of the trade pattern",
            pattern_chapter(result, [Images(_PATTERN)]),
        ),
        (
            "channels",
            "What the model used",
            [paragraph(technology_words(result)), *evidence(result), Images(_CHANNELS)],
        ),
        ("scenarios", "What if", [scenarios_section(result.out)]),
        ("plans", "Stock and suppliers", [plans_section(result.out)]),
        ("record", "Accuracy in detail", _accuracy(result)),
        ("data", "Data provenance", [*provenance(result)]),
        ("checks", "Self-checks of the run", [*checks(result)]),
        ("limits", "Limits", [*limits(result)]),
    ]
    scored = len(result.scores) > 0
    chapters = [one for one in chapters if one[0] not in _ASKED or any(one[2])]
    return [one for one in chapters if scored or one[0] not in ("record", "pattern")]


def _accuracy(result: RunResult) -> list[str | Images]:
    if result.scores.empty:
        return []
    return [
        *record(result),
        Images(_RECORD),
        *by_group(result),
        *intervals(result),
        Images(_INTERVALS),
    ]
