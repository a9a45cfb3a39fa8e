"""Tables in memory in place of a run's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from features.data.indicators import Indicators
from features.data.monthly import MonthlyTrade
from features.data.pairs import PairAttributes
from features.data.panel import EARLY_YEARS, TradePanel
from features.data.report_delays import delays_of, usual_delays
from features.data.reports import Reports, with_assumed_revisions
from features.data.sectors import SectorAttributes
from features.errors import InputError, listed
from features.files.frames import as_frame
from features.information import DataBundle
from features.plausibility.checks import check_against_gdp, check_panel
from features.reading.schemas import MONTHLY
from forecasting.inputs.load import LoadedData, Source, in_universe, panel_statements, settle
from forecasting.options.run_config import RunConfig

SEVERAL = ("pairs", "monthly")
"""Tables of which there may be several."""
TABLES = ("trade", "indicators", "indicator_catalogue", "sectors", "reports", "report_delays",
          *SEVERAL)  # fmt: skip
"""Names of the tables, as `RunConfig` names the files."""


def named_tables(given: Any) -> dict[str, Any]:
    """Tables by name: a mapping as it is, anything else is the table of trade.

    Raises
    ------
    InputError
        If a name is unknown, or there is no trade.
    """
    tables = dict(given) if isinstance(given, Mapping) else {"trade": given}
    tables = {name: table for name, table in tables.items() if table is not None}
    unknown = [str(name) for name in tables if name not in TABLES]
    if unknown:
        raise InputError(
            f"there is no table {listed(unknown)!r}", remedy=f"Name them {', '.join(TABLES)}"
        )
    if "trade" not in tables:
        raise InputError("there is no table of trade", remedy='Give it as {"trade": frame, ...}')
    return tables


def options_of(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a run on the tables: ``<trade>`` stands in place of a file of trade."""
    # The brackets tell it from a key of the store.
    return {
        name: [f"<{one}>" for one in _names(name, table)] if name in SEVERAL else f"<{name}>"
        for name, table in tables.items()
    }


def load_frames(tables: Mapping[str, Any], config: RunConfig) -> LoadedData:
    """Data of tables in memory, checked as files are.

    Parameters
    ----------
    tables
        By name, tidy: the columns are those that the README lists, countries alpha-3 codes. pandas,
        polars, Arrow, or anything with the Arrow PyCapsule interface.
    config
        Options that say what a missing row or a negative value means, and the like.

    Raises
    ------
    InputError
        For anything wrong with a table, a certain finding, or with ``strict`` a likely one.
    """
    panel = TradePanel.from_frame(
        tables["trade"],
        absent=config.absent,
        negatives=config.negatives,
        domestic=config.domestic,
        file="trade",
    )
    panel, totals, found = check_panel(panel, late=config.late)
    statements = panel_statements(panel)
    panel = in_universe(panel, config)
    countries = panel.flows.countries
    indicators = _indicators(tables, countries, config)
    pairs = PairAttributes.from_frames(
        _several("pairs", tables),
        countries=countries,
        publication_lag_months=config.pair_lag_months,
        until=panel.first_year + EARLY_YEARS - 1,
    )
    found += [*check_against_gdp(totals, indicators), *pairs.findings]
    bundle = DataBundle(
        panel,
        indicators=indicators,
        pairs=pairs,
        sectors=_sectors(tables, panel),
        trade_lag_months=config.trade_lag_months,
        reports=_reports(tables, panel, config),
        monthly=_monthly(tables),
    )
    source = Source("trade", "trade", "", statements)
    return LoadedData(bundle, (source,), None, settle(config, found, file="trade"))


def _indicators(
    tables: Mapping[str, Any], countries: tuple[str, ...], config: RunConfig
) -> Indicators | None:
    if "indicators" not in tables:
        return None
    return Indicators.from_frames(
        tables["indicators"],
        tables["indicator_catalogue"],
        countries=countries,
        snapshots="spread" if config.allow_snapshots else "refuse",
        file="indicators",
        catalogue_file="indicator_catalogue",
    )


def _sectors(tables: Mapping[str, Any], panel: TradePanel) -> SectorAttributes | None:
    if "sectors" not in tables:
        return None
    return SectorAttributes.from_frame(
        tables["sectors"], sectors=panel.flows.sectors, file="sectors"
    )


def _reports(tables: Mapping[str, Any], panel: TradePanel, config: RunConfig) -> Reports | None:
    if "reports" not in tables:
        return None
    delays = usual_delays()
    if "report_delays" in tables:
        delays = delays_of(tables["report_delays"], file="report_delays")
    reports = Reports.from_frame(
        tables["reports"], flows=panel.flows, delays=delays, file="reports"
    )
    return with_assumed_revisions(
        reports, scale=config.report_revisions, seed=config.seed, until=panel.last_year
    )


def _monthly(tables: Mapping[str, Any]) -> MonthlyTrade | None:
    parts = [
        as_frame(table, text=MONTHLY.text, file=name) for name, table in _several("monthly", tables)
    ]
    if not parts:
        return None
    return MonthlyTrade.from_frame(pd.concat(parts, ignore_index=True), file="monthly")


def _several(name: str, tables: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The tables of a kind, each with the name that errors call it."""
    given = tables.get(name, ())
    return list(zip(_names(name, given), _listed(given), strict=True))


def _names(name: str, given: Any) -> tuple[str, ...]:
    count = len(_listed(given))
    return (name,) if count == 1 else tuple(f"{name}[{number}]" for number in range(count))


def _listed(given: Any) -> Sequence[Any]:
    return given if isinstance(given, (list, tuple)) else [given]
