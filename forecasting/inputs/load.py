"""From a configuration to data: files or the simulated world, with statements on reading them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from features.data.active_flows import active_panel
from features.data.flows import FlowIndex
from features.data.indicators import Indicators, Snapshots
from features.data.input_output import InputOutputTable
from features.data.monthly import MonthlyTrade
from features.data.pairs import PairAttributes
from features.data.panel import EARLY_YEARS, PanelNotes, TradePanel
from features.data.reports import Reports, with_assumed_revisions
from features.data.sectors import SectorAttributes
from features.errors import InputError
from features.extra_features import extra_features
from features.files.tables import sha256
from features.findings import Finding, refuse, settled
from features.information import DataBundle
from features.plausibility.checks import check_against_gdp, check_panel
from features.reading.pair_table import read_pairs
from features.reading.table import READ
from forecasting.inputs.open import Input, open_input, refuse_mixed_releases
from forecasting.inputs.reports import monthly_of, open_reports, reports_of
from forecasting.inputs.simulated import SimulatedData, simulated_data
from forecasting.inputs.trade import read_trade_panel
from forecasting.inputs.universe import unused_statements
from forecasting.options.reading import reading_options
from forecasting.options.run_config import RunConfig

DENSE_FLOWS = 200_000
"""Flows (all pairs, all sectors) up to which every one is forecast, unless the user chooses."""


@dataclass(frozen=True, slots=True)
class Source:
    """One input and what reading it decided.

    Attributes
    ----------
    role
        ``trade``, ``indicators``, ``indicator catalogue``, ``pairs``, ``sectors``, ``reports``,
        ``report delays``, ``monthly trade`` or ``tables`` (one source for each file).
    path
        File, folder of a data set of the store, or the name of the simulated world.
    sha256
        Of the file, or of the sums of the data set's files; empty for the simulated world, which
        the seed identifies.
    statements
        What was counted, ignored, set to zero or read as missing.
    """

    role: str
    path: str
    sha256: str
    statements: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return {**asdict(self), "statements": list(self.statements)}


@dataclass(frozen=True, slots=True)
class LoadedData:
    """Data of a run and where they came from.

    Attributes
    ----------
    bundle
        Everything that was read.
    sources
        Where they came from.
    tables
        Folder of input-output tables, or those of a simulated world by year, where there are any.
    findings
        What looks wrong in them, the most serious first; none is an error.
    """

    bundle: DataBundle
    sources: tuple[Source, ...]
    tables: Path | Mapping[int, InputOutputTable] | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def reading(self) -> tuple[str, ...]:
        """What reading the files used and changed, one line each."""
        return tuple(
            f"{source.path}: {statement.removeprefix(READ)}"
            for source in self.sources
            for statement in source.statements
            if statement.startswith(READ)
        )


def load(config: RunConfig) -> LoadedData:
    """Read the configuration's files, or simulate a world where there is no trade file.

    Raises
    ------
    InputError
        For anything wrong with an input, a certain finding, or with ``strict`` a likely one.
    """
    return _simulated(config) if config.trade is None else _from_files(config)


def settle(
    config: RunConfig, found: Sequence[Finding], *, file: object | None = None
) -> tuple[Finding, ...]:
    """Findings as the user accepts them; raises `InputError` for one that is an error."""
    findings = settled(found, accept=config.accept)
    refuse(findings, strict=config.strict, file=file)
    return findings


def _simulated(config: RunConfig) -> LoadedData:
    world = simulated_data(config.world, seed=config.seed)
    bundle, found = bundle_of(world, config)
    simulated = f"simulated with seed {config.seed}: no real country"
    source = Source("trade", world.name, "", (simulated, *panel_statements(bundle.panel)))
    return LoadedData(bundle, (source,), world.tables, settle(config, found))


def bundle_of(world: SimulatedData, config: RunConfig) -> tuple[DataBundle, list[Finding]]:
    """A simulated world as a run reads it, and what looks wrong in it."""
    panel = TradePanel.from_frame(world.trade, domestic=world.domestic)
    panel, _, found = check_panel(panel, late=config.late)
    panel = in_universe(panel, config)
    countries = panel.flows.countries
    bundle = DataBundle(
        panel,
        indicators=Indicators.from_frames(world.indicators, world.catalogue, countries=countries),
        pairs=PairAttributes.from_frames(
            world.pairs, countries=countries, publication_lag_months=config.pair_lag_months
        ),
        sectors=None
        if world.sectors is None
        else SectorAttributes.from_frame(world.sectors, sectors=panel.flows.sectors),
        trade_lag_months=config.trade_lag_months,
        reports=world.reports_of(panel, config),
        monthly=None if world.monthly is None else MonthlyTrade.from_frame(world.monthly),
    )
    return bundle, list(found)


def _from_files(config: RunConfig) -> LoadedData:
    assert config.trade is not None
    trade = open_input(config.trade, kind="trade", store=config.store)
    _refuse_early(config, trade)
    panel, reading, folded = read_trade_panel(config, trade)
    panel, totals, found = check_panel(panel, late=config.late)
    statements = (*reading, *panel_statements(panel), *_folded_statements(folded))
    panel = in_universe(panel, config)
    sources = [_source("trade", trade, statements)]
    countries = panel.flows.countries
    indicators = _read_indicators(config, trade, countries, sources)
    pairs = _read_pairs(config, panel, sources)
    found += [*check_against_gdp(totals, indicators), *pairs.findings]
    findings = settle(config, found, file=trade.name)
    bundle = DataBundle(
        panel,
        indicators=indicators,
        pairs=pairs,
        sectors=_read_sectors(config, trade, panel.flows, sources),
        trade_lag_months=config.trade_lag_months,
        reports=_read_reports(config, panel, folded, sources),
        monthly=_read_monthly(config, sources),
    )
    tables = _read_tables(config, panel.flows, sources)
    return LoadedData(bundle, tuple(sources), tables, findings)


def in_universe(panel: TradePanel, config: RunConfig) -> TradePanel:
    """The panel as it is, or with the flows that have traded by each origin alone."""
    # Reports may name any flow.
    large = panel.flows.size > DENSE_FLOWS and config.reports is None
    active = large if config.universe == "auto" else config.universe == "active"
    return active_panel(panel) if active else panel


def _refuse_early(config: RunConfig, trade: Input) -> None:
    """Refuse trade that is published later than the run assumes: it would leak the future."""
    lag = 0 if trade.dataset is None else trade.dataset.publication_lag_months
    if lag > config.trade_lag_months:
        raise InputError(
            f"a year of {trade.name} is published {lag} months after its end, but the run "
            f"assumes {config.trade_lag_months}",
            remedy=f"Give `trade_lag_months: {lag}` (--trade-lag-months {lag})",
        )


def _read_tables(config: RunConfig, flows: FlowIndex, sources: list[Source]) -> Path | None:
    """Folder of the input-output tables; their files are added to the sources."""
    if config.tables is None:
        return None
    _require_sectors(config, flows)
    given = open_input(config.tables, kind="tables", store=config.store)
    files = [_file("tables", path) for path in table_files(given.path)]
    sources += [replace(files[0], statements=given.statements), *files[1:]]
    return given.path


def _require_sectors(config: RunConfig, flows: FlowIndex) -> None:
    if not flows.has_sectors:
        raise InputError(
            "sectors or input-output tables are given, but the trade file has no sectors",
            remedy="Give flows by sector, or leave out `sectors` and `tables`",
            file=config.trade,
            column="sector",
        )


def _read_pairs(config: RunConfig, panel: TradePanel, sources: list[Source]) -> PairAttributes:
    """Attributes of pairs; their files are added to the sources."""
    given = [open_input(path, kind="pairs", store=config.store) for path in config.pairs]
    tables = [one.table(read_pairs, reading_options(config)) for one in given]
    pairs = PairAttributes.from_frames(
        [(one.name, table.frame) for one, table in zip(given, tables, strict=True)],
        countries=panel.flows.countries,
        publication_lag_months=config.pair_lag_months,
        until=panel.first_year + EARLY_YEARS - 1,
    )
    for one, table, statement in zip(given, tables, pairs.statements, strict=True):
        sources.append(_source("pairs", one, (*table.statements, statement)))
    return pairs


def _read_indicators(
    config: RunConfig, trade: Input, countries: tuple[str, ...], sources: list[Source]
) -> Indicators | None:
    """Indicators, if any; their two files are added to the sources."""
    if config.indicators is None:
        return None
    given = open_input(config.indicators, kind="indicators", store=config.store)
    refuse_mixed_releases(trade, given)
    snapshots: Snapshots = "spread" if config.allow_snapshots else "refuse"
    if given.dataset is None:
        assert config.indicator_catalogue is not None
        indicators = Indicators.read(
            given.path,
            config.indicator_catalogue,
            countries=countries,
            snapshots=snapshots,
            options=reading_options(config),
        )
    else:
        indicators = Indicators.from_frames(
            given.dataset.read(),
            given.dataset.catalogue,
            countries=countries,
            snapshots=snapshots,
            file=given.name,
            catalogue_file=f"catalogue of {given.name}",
        )
    _require_overlap(indicators, config.indicators)
    statements = (
        f"{len(indicators.values)} series, {indicators.years[0]}-{indicators.years[-1]}",
        f"{len(indicators.other_countries)} countries outside the trade panel not used",
        *indicators.statements,
        *unused_statements(indicators.specs, extra=extra_features(config.features)),
    )
    sources.append(_source("indicators", given, statements))
    if config.indicator_catalogue is not None:
        sources.append(_file("indicator catalogue", config.indicator_catalogue))
    return indicators


def _read_sectors(
    config: RunConfig, trade: Input, flows: FlowIndex, sources: list[Source]
) -> SectorAttributes | None:
    """Attributes of sectors, if any; their file is added to the sources."""
    if config.sectors is not None:
        _require_sectors(config, flows)
    # A data set by sector brings the attributes of its sectors.
    brought = trade.dataset.sectors if trade.dataset is not None and flows.has_sectors else None
    table = config.sectors or brought
    if table is None:
        return None
    attributes = SectorAttributes.read(table, sectors=flows.sectors)
    sources.append(_file("sectors", table, attributes.statements))
    return attributes


def _read_reports(
    config: RunConfig, panel: TradePanel, folded: tuple[str, ...], sources: list[Source]
) -> Reports | None:
    """Reports, if any; their file and that of the delays are added to the sources."""
    if config.reports is None:
        return None
    given = open_reports(config)
    reports, statements = reports_of(config, given, panel.flows, rest=folded)
    sources.append(_source("reports", given, statements))
    if config.report_delays is not None:
        sources.append(_file("report delays", config.report_delays))
    return with_assumed_revisions(
        reports, scale=config.report_revisions, seed=config.seed, until=panel.last_year
    )


def _read_monthly(config: RunConfig, sources: list[Source]) -> MonthlyTrade | None:
    """Monthly trade, if any; its files are added to the sources."""
    if not config.monthly:
        return None
    given = [open_input(path, kind="monthly", store=config.store) for path in config.monthly]
    monthly, statements = monthly_of(config, given)
    sources += [
        _source("monthly trade", one, said) for one, said in zip(given, statements, strict=True)
    ]
    return monthly


def table_files(folder: Path) -> list[Path]:
    """Files of a folder of input-output tables, by name; they are not opened.

    Raises
    ------
    InputError
        If there is no such folder, or it lacks the yearly tables or gross output.
    """
    yearly, output = "wiot_*.parquet", "gross_output.parquet"
    if not folder.is_dir():
        remedy = f"Name a folder that holds wiot_YYYY.parquet and {output}"
        raise InputError("there is no such folder", remedy=remedy, file=folder)
    found = sorted(folder.glob(yearly))
    for path in found:
        if not path.is_file():
            raise InputError("this is not a file", remedy="Put the year's table there", file=path)
    lacking = yearly if not found else output if not (folder / output).is_file() else None
    if lacking is not None:
        raise InputError(
            f"the folder has no {lacking}",
            remedy=f"It must hold wiot_YYYY.parquet of every year and {output}",
            file=folder,
        )
    return [folder / output, *found]


def _source(role: str, given: Input, statements: tuple[str, ...]) -> Source:
    if given.dataset is None:
        return _file(role, given.path, statements)
    statements = (*given.statements, *statements)
    return Source(role, str(given.path), given.dataset.digest, statements)


def _file(role: str, path: Path, statements: tuple[str, ...] = ()) -> Source:
    return Source(role, str(path), sha256(path), statements)


def _require_overlap(indicators: Indicators, path: Path) -> None:
    import numpy as np

    if all(bool(np.isnan(values).all()) for values in indicators.values.values()):
        raise InputError(
            "no country of the trade panel has an indicator",
            remedy="Check that both tables use ISO 3166 alpha-3 codes",
            file=path,
            column="iso3",
        )


def _folded_statements(folded: tuple[str, ...]) -> tuple[str, ...]:
    if not folded:
        return ()
    named = ", ".join(folded)
    return (
        f"{len(folded)} smaller traders are one, ROW, by the trade up to the first origin: {named}",
    )


def _decided(notes: PanelNotes) -> str:
    """Why the cells were read so, where the table decided."""
    if not notes.absent_decided or not notes.absent_cells:
        return ""
    lists = "lists its zeros" if notes.absent_means == "missing" else "lists trade only"
    share = 100 * notes.stated_zeros / notes.rows
    return (
        f": the table {lists}, {share:.2g} % of its rows being zero and its first {EARLY_YEARS} "
        "years deciding; --absent decides otherwise"
    )


def panel_statements(panel: TradePanel) -> tuple[str, ...]:
    """What reading the trade table counted and decided."""
    notes, flows = panel.notes, panel.flows
    sectors = f", {len(flows.sectors)} sectors" if flows.has_sectors else ""
    statements = [
        f"{notes.rows:,} rows: {len(flows.countries)} countries{sectors}, "
        f"{panel.first_year}-{panel.last_year}, {flows.size:,} flows",
        f"{notes.absent_cells:,} cells without a row read as {notes.absent_means}{_decided(notes)}",
    ]
    if notes.negatives_set_to_zero:
        statements.append(f"{notes.negatives_set_to_zero:,} negative values set to zero")
    if panel.domestic is not None:
        statements.append("domestic flows kept apart; no international total contains them")
    if flows.diagonal:
        statements.append("domestic flows included: totals are gross output and absorption")
    if notes.ignored_columns:
        statements.append(f"columns not used: {', '.join(notes.ignored_columns)}")
    return tuple(statements)
