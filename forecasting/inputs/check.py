"""What a run would read from a file, without running."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from features.data.flows import FlowIndex
from features.data.monthly import MonthlyTrade
from features.data.pairs import PairAttributes
from features.data.report_delays import usual_delays
from features.data.reports import Reports
from features.data.sectors import SectorAttributes
from features.files.tables import read_table
from features.reading.indicator_table import read_indicators
from features.reading.kinds import TableKind, table_kind
from features.reading.monthly_table import read_monthly_trade
from features.reading.pair_table import read_pairs
from features.reading.report_table import read_reports
from features.reading.schemas import CATALOGUE, INDICATORS, SECTORS
from features.store.registry import is_key
from forecasting.inputs.load import load
from forecasting.inputs.reports import delays_of_file
from forecasting.options.reading import reading_options
from forecasting.options.run_config import RunConfig


def check_file(path: Path, config: RunConfig) -> tuple[TableKind, tuple[str, ...]]:
    """Read a file as a run would.

    ``path`` is the file, or the key of a data set of trade; the files that ``config`` names are not
    read.

    Returns
    -------
    tuple
        What the file holds, judged by its columns, and statements about reading it.

    Raises
    ------
    InputError
        For anything wrong with the file.
    """
    kind: TableKind = "trade" if is_key(str(path)) else table_kind(path)
    if kind == "trade":
        # Loaded as by `run` and `forecast`, so that the statements are the same.
        return kind, load(replace(config, trade=path)).sources[0].statements
    return kind, _READERS[kind](path, config)


def _check_indicators(path: Path, config: RunConfig) -> tuple[str, ...]:
    table = read_indicators(path, reading_options(config))
    with table.placed():
        checked = INDICATORS.check(table.frame, file=path)
    series, countries = checked.codes["indicator"].used(), checked.codes["iso3"].used()
    year = checked.years["year"]
    return (
        *table.statements,
        f"{year.size:,} rows: {len(series)} series of {len(countries)} countries, "
        f"{year.min()}-{year.max()}",
    )


def _check_pairs(path: Path, config: RunConfig) -> tuple[str, ...]:
    table = read_pairs(path, reading_options(config))
    codes = {*table.frame["iso3_o"].unique(), *table.frame["iso3_d"].unique()}
    countries = tuple(sorted(map(str, codes)))
    with table.placed():
        pairs = PairAttributes.from_frames([(path, table.frame)], countries=countries)
    of_pairs = (statement.removeprefix(f"{path}: ") for statement in pairs.statements)
    return (*table.statements, f"{len(table.frame):,} rows: {len(countries)} countries", *of_pairs)


def _check_catalogue(path: Path, config: RunConfig) -> tuple[str, ...]:
    table = read_table(path, text=CATALOGUE.text, decimal=config.decimal)
    checked = CATALOGUE.check(table, file=path)
    return (f"{len(checked.frame)} series",)


def _check_sectors(path: Path, config: RunConfig) -> tuple[str, ...]:
    table = read_table(path, text=SECTORS.text, decimal=config.decimal)
    sectors = tuple(sorted(SECTORS.check(table, file=path).codes["sector"].used()))
    statements = SectorAttributes.read(path, sectors=sectors).statements
    return (f"{len(sectors)} sectors", *statements)


def _check_reports(path: Path, config: RunConfig) -> tuple[str, ...]:
    table = read_reports(path, reading_options(config))
    codes = {*table.frame["reporter"].unique(), *table.frame["partner"].unique()}
    flows = FlowIndex(tuple(sorted(map(str, codes))))
    with table.placed():
        reports = Reports.from_frame(table.frame, flows=flows, delays=usual_delays(), file=path)
    return (*table.statements, *reports.statements)


def _check_delays(path: Path, config: RunConfig) -> tuple[str, ...]:
    months = delays_of_file(path, reading_options(config)).values()
    return (f"{len(months)} reporters, {min(months)} to {max(months)} months",)


def _check_monthly(path: Path, config: RunConfig) -> tuple[str, ...]:
    table = read_monthly_trade(path, reading_options(config))
    with table.placed():
        statements = MonthlyTrade.from_frame(table.frame, file=path).statements
    return (*table.statements, *statements)


_READERS = {
    "indicators": _check_indicators,
    "indicator catalogue": _check_catalogue,
    "pairs": _check_pairs,
    "sectors": _check_sectors,
    "reports": _check_reports,
    "report delays": _check_delays,
    "monthly trade": _check_monthly,
}
