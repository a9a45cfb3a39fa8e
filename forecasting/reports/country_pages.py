"""A page for every country of a run and an index of them: plain files, linked, for offline use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from features.errors import InputError
from forecasting.briefs.country import side_facts
from forecasting.distribution.partners import TradeSide, share_moves, trade_sides
from forecasting.distribution.sums import PastOutcome, Sum, sum_reader
from forecasting.reports.html import page
from forecasting.reports.opening import country_figures
from forecasting.reports.pages import exporters, shown_years
from forecasting.reports.render import render_page
from forecasting.results.subjects import origin_of
from forecasting.run_folder.whole_file import write_whole

INDEX = "index.html"
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
    folder = run.with_name(f"{run.absolute().name}-countries") if out is None else Path(out)
    result = read_run(run)
    _check_folder(folder)
    reader, years, origin = sum_reader(result), shown_years(result), origin_of(result)
    codes = exporters(result)
    countries: list[tuple[TradeSide, TradeSide]] = []
    for start in range(0, len(codes), _AT_ONCE):
        block = codes[start : start + _AT_ONCE]
        countries += trade_sides(reader, block, years, largest=PARTNERS)
    rows = {s.selection: s for sides in countries for side in sides for s in _rows(side)}
    past = [one for one in reader.past(list(rows.values())) if one.horizon in _ends(years, origin)]
    folder.mkdir(parents=True, exist_ok=True)
    for sides in countries:
        code = sides[0].code
        body = render_page(
            "country.html.j2",
            sides=sides,
            years=years,
            origin=origin,
            as_of=result.forecasts["as_of"].iloc[0],
            past=[_past(side, past) for side in sides],
            moves=[share_moves(reader, side, years[-1]) for side in sides],
            reasons=side_facts(result, code, years[0]),
            figures=country_figures(reader, code),
            index=INDEX,
        )
        _write(folder / _file_of(sides), sides[0].name, body)
    body = render_page(
        "index.html.j2",
        countries=[(_file_of(one), one) for one in countries],
        years=years,
        origin=origin,
    )
    _write(folder / INDEX, "Countries", body)
    return folder / INDEX


def _rows(side: TradeSide) -> tuple[Sum, ...]:
    return side.total, *side.partners


def _ends(years: Sequence[int], origin: int) -> tuple[int, int]:
    """The shortest and longest horizon shown."""
    return years[0] - origin, years[-1] - origin


def _past(side: TradeSide, past: Sequence[PastOutcome]) -> list[PastOutcome]:
    """Past outcomes of a side's sums, in the order of its rows."""
    # A flow is named by its importer on the exporter's page, and by its exporter on the other's.
    names = {one.selection: one.name for one in _rows(side)}
    order = {selection: place for place, selection in enumerate(names)}
    mine = [replace(one, name=names[one.selection]) for one in past if one.selection in names]
    return sorted(mine, key=lambda one: (order[one.selection], one.horizon))


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
        write_whole(path, page(title, [body], []).encode())
    except OSError as error:
        raise InputError(
            f"the page cannot be written ({error.strerror})",
            remedy="Choose another --out",
            file=path,
        ) from error
