"""A page for every country of a run and an index of them: plain files, linked, for offline use."""

from __future__ import annotations

from pathlib import Path

from features.errors import InputError
from forecasting.briefs.reasons import reasons
from forecasting.distribution.partners import (
    GROUPS,
    TradeSide,
    group_gaps,
    share_moves,
    trade_sides,
)
from forecasting.distribution.sums import Sum, sum_reader
from forecasting.reports.addresses import INDEX, pages_folder, report_address
from forecasting.reports.html import Section, page
from forecasting.reports.opening import country_figures
from forecasting.reports.pages import exporters, past_rows
from forecasting.reports.render import render_page
from forecasting.results.decompose import parts_by_flow
from forecasting.results.subjects import origin_of, shown_years
from forecasting.run_folder.whole_file import write_whole

PARTNERS = 10
_AT_ONCE = 20
"""Countries whose sums are read together; more would take a GB of memory."""


def make_country_pages(run: Path | str, *, out: Path | str | None = None) -> Path:
    """Write the pages of all countries of a finished run.

    Parameters
    ----------
    run
        Output folder of ``gravicast run`` or ``gravicast forecast``.
    out
        Folder to write, new or empty; by default that of the run with ``-countries`` after it.

    Returns
    -------
    Path
        The index.

    Raises
    ------
    InputError
        If the folder holds no run of this version, or ``out`` cannot be written or holds files.
    """
    from forecasting.results.read import read_run

    run = Path(run)
    folder = pages_folder(run) if out is None else Path(out)
    result = read_run(run)
    _check_folder(folder)
    reader, years, origin = sum_reader(result), shown_years(result), origin_of(result)
    codes = exporters(result)
    countries: list[tuple[TradeSide, TradeSide]] = []
    for start in range(0, len(codes), _AT_ONCE):
        block = codes[start : start + _AT_ONCE]
        countries += trade_sides(reader, block, years, largest=PARTNERS)
    # One reading of all past outcomes, which `past_rows` finds again: each goes over the whole
    # back-test.
    reader.past([s for sides in countries for side in sides for s in _rows(side)])
    made_of = {year: parts_by_flow(result, year) for year in (years[0], years[-1])}
    shared = {
        "years": years,
        "origin": origin,
        "as_of": result.forecasts["as_of"].iloc[0],
        "gaps": group_gaps(result, GROUPS),
        "report": report_address(run, folder / INDEX),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for sides in countries:
        code = sides[0].code
        reader.read_shares([s.total.selection for s in sides if s.total.last > 0], years[-1])
        body = render_page(
            "country.html.j2",
            sides=sides,
            over=[reader.over(side.total) for side in sides],
            past=[past_rows(reader, _rows(side), years) for side in sides],
            moves=[share_moves(reader, side, years[-1]) for side in sides],
            why=[
                [reasons(result, side, parts, year) for year, parts in made_of.items()]
                for side in sides
            ],
            figures=country_figures(reader, code),
            index=INDEX,
            **shared,
        )
        _write(folder / _file_of(sides), sides[0].name, body)
    body = render_page(
        "index.html.j2",
        countries=[(_file_of(one), one) for one in countries],
        **shared,
    )
    _write(folder / INDEX, "Countries", body)
    return folder / INDEX


def _rows(side: TradeSide) -> tuple[Sum, ...]:
    return side.total, *side.partners


def _check_folder(folder: Path) -> None:
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise InputError(
            "the folder of country pages is not empty",
            remedy="Choose another --out, or delete it",
            file=folder,
        )


def _file_of(sides: tuple[TradeSide, TradeSide]) -> str:
    return f"{sides[0].code}.html"


def _write(path: Path, title: str, body: str) -> None:
    try:
        write_whole(path, page(title, [Section("levels", title, [body])]).encode())
    except OSError as error:
        raise InputError(
            f"the page cannot be written ({error.strerror})",
            remedy="Choose another --out",
            file=path,
        ) from error
