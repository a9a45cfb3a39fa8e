"""The trade panel of a file or data set, with statements on reading it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from features.data.panel import TradePanel
from features.data.rest_of_world import fold_into_rest
from features.errors import RepeatedRowsError
from features.files.tables import require_columns, whole_years
from features.information import last_published_year
from features.reading.table import ReadTable
from features.reading.trade_table import read_trade, star
from forecasting.evaluation.folds import first_origin_of
from forecasting.inputs.open import Input
from forecasting.options.reading import reading_options
from forecasting.options.run_config import RunConfig


def read_trade_panel(
    config: RunConfig, trade: Input
) -> tuple[TradePanel, tuple[str, ...], tuple[str, ...]]:
    """The panel of a run's trade.

    Returns
    -------
    tuple
        The panel; statements on reading it; the codes that ``ROW`` stands for if only the
        largest traders are kept.

    Raises
    ------
    InputError
        For anything wrong with the file.
    """
    table = trade.table(read_trade, reading_options(config))
    alone, folded = star(table.frame), tuple[str, ...]()
    if config.largest is not None:
        if trade.dataset is None:
            table = _once(table, file=trade.name)
        with table.placed():
            until = _ranked_until(table.frame, config, file=trade.name)
            frame, folded = fold_into_rest(
                table.frame, largest=config.largest, until=until, file=trade.name
            )
        table = table if frame is table.frame else ReadTable(frame, table.notes)
    absent = trade.absent if config.absent == "auto" else config.absent
    if alone is not None and absent == "auto":
        # Trade among the other countries is not in the table: it is unknown, not zero.
        absent = "missing"
    panel, table = TradePanel.from_table(
        table,
        absent=absent,
        negatives=config.negatives,
        domestic=config.domestic,
        file=trade.name,
    )
    if alone is not None:
        table = replace(table, notes=(*table.notes, alone))
    return panel, table.statements, folded


def _ranked_until(frame: pd.DataFrame, config: RunConfig, *, file: object) -> int:
    """First origin of the back-test: the years up to it decide who trades most."""
    require_columns(frame, ("year",), file=file)
    year = whole_years(frame["year"], file=file)
    if not year.size:
        return 0
    last = int(year.max())
    if config.as_of is not None:
        last = min(last, last_published_year(config.as_of, lag_months=config.trade_lag_months))
    return first_origin_of(
        first_year=int(year.min()),
        last_year=last,
        horizons=config.horizons,
        given=config.first_origin,
    )


def _once(table: ReadTable, *, file: object) -> ReadTable:
    """The table without repeated rows, which folding would add up.

    Raises
    ------
    RepeatedRowsError
        If a flow has two values in one year.
    """
    keys = [k for k in ("exporter", "importer", "sector", "year") if k in table.frame.columns]
    if not table.frame.duplicated(keys).any():
        return table
    table = table.without_repeats()
    twice = table.frame.duplicated(keys).to_numpy()
    if twice.any():
        row = int(twice.argmax())
        at = table.frame.iloc[row]
        with table.placed():
            raise RepeatedRowsError(
                f"{at['exporter']} -> {at['importer']} occurs twice in one year "
                f"({int(twice.sum())} rows too many)",
                remedy="Keep one row for each exporter, importer, sector and year",
                file=file,
                row=row + 2,
            )
    return table
