"""Reads what reporters declare, and monthly trade, for a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from features.data.flows import FlowIndex
from features.data.monthly import MonthlyTrade
from features.data.report_delays import delays_of, usual_delays
from features.data.reports import Reports
from features.errors import InputError
from features.reading.monthly_table import read_monthly_trade
from features.reading.options import ReadingOptions
from features.reading.report_table import read_delays, read_reports
from features.reading.schemas import MONTHLY
from features.store.registry import SOURCES, connector_class, is_key
from forecasting.inputs.open import Input, open_input
from forecasting.options.reading import reading_options
from forecasting.options.run_config import RunConfig


def open_reports(config: RunConfig) -> Input:
    """The input of reports; a data set must hold what reporters declare.

    Raises
    ------
    InputError
        For a data set of another kind, reconciled trade among them.
    """
    assert config.reports is not None
    source = str(config.reports).partition(":")[0]
    if is_key(str(config.reports)) and not (
        source in SOURCES and connector_class(source).INFO.declared
    ):
        declared = [name for name in SOURCES if connector_class(name).INFO.declared]
        raise InputError(
            f"{source} does not hold what each country declares itself",
            remedy=f"Give a file of reports, or a data set of {' or '.join(declared)} that was "
            "fetched with --flow both",
            file=config.reports,
        )
    return open_input(config.reports, kind="reports", store=config.store)


def reports_of(
    config: RunConfig, given: Input, flows: FlowIndex, *, rest: Sequence[str]
) -> tuple[Reports, tuple[str, ...]]:
    """Reports aligned to a panel, which holds the ``rest`` as ROW; statements on reading them.

    Raises
    ------
    InputError
        For anything wrong with them, or with the table of delays.
    """
    options = reading_options(config)
    delays, said = _delays(config, options)
    table = given.table(read_reports, options)
    with table.placed():
        reports = Reports.from_frame(
            table.frame, flows=flows, delays=delays, rest=rest, file=given.name
        )
    return reports, (*table.statements, *reports.statements, said)


def _delays(config: RunConfig, options: ReadingOptions) -> tuple[Mapping[str, int], str]:
    """Usual delays by reporter, and where they are from."""
    if config.report_delays is None:
        delays = usual_delays()
        return delays, f"usual delays of {len(delays)} early reporters: gravicast's table"
    delays = delays_of_file(config.report_delays, options)
    return delays, f"usual delays of {len(delays)} reporters: {config.report_delays}"


def delays_of_file(path: Path, options: ReadingOptions) -> Mapping[str, int]:
    """Months by reporter, of a user's table.

    Raises
    ------
    InputError
        For anything wrong with the file.
    """
    table = read_delays(path, options)
    with table.placed():
        return delays_of(table.frame, file=path)


def monthly_of(
    config: RunConfig, given: Sequence[Input]
) -> tuple[MonthlyTrade, tuple[tuple[str, ...], ...]]:
    """Monthly trade, and statements on reading each input.

    Raises
    ------
    InputError
        For anything wrong with an input, or if none has the trade of the world.
    """
    tables = [one.table(read_monthly_trade, reading_options(config)) for one in given]
    for one, table in zip(given, tables, strict=True):
        # Each alone, so that an error names its file and row.
        with table.placed():
            MONTHLY.check(table.frame, file=one.name)
    together = pd.concat([table.frame for table in tables], ignore_index=True)
    monthly = MonthlyTrade.from_frame(together, file=", ".join(one.name for one in given))
    read = [table.statements for table in tables]
    return monthly, ((*read[0], *monthly.statements), *read[1:])
