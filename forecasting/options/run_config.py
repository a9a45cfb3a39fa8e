"""`RunConfig`: what is run, frozen and validated, from Python, YAML or the command line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from features.choices import (
    REPORTS_KNOWN,
    SETTINGS,
    TOTALS_KNOWN,
    AbsentFlows,
    Decimal,
    DomesticFlows,
    FlowDirection,
    LateReports,
    NegativeFlows,
    Setting,
    SimulatedWorld,
    Unit,
    Universe,
)
from features.errors import InputError, cut
from features.findings import CODES
from features.store.registry import is_key
from forecasting.options import kinds
from forecasting.options.kinds import choice, number, refusal, several, whole
from forecasting.options.option import Option, declares_options, option
from models.learner_text import LIGHTGBM

if TYPE_CHECKING:
    from features.information import AsOfRule

DATA = "data (CSV, Parquet or Excel, or keys of the local store)"
READING = "how files are read, where they do not say it themselves"
FORECAST = "forecast"
MODEL = "model and back-test"
OUTPUT = "output"


@declares_options()
@dataclass(frozen=True, slots=True)
class RunConfig:
    """One run of the main job.

    {options}

    Notes
    -----
    Every option takes what the command line takes: numbers as text, ``"1-3"`` or ``"1,2,3"`` for
    ``horizons``, words between commas for ``settings`` and ``explain_flow``. So does a YAML file,
    in which ``no_tracking: true`` stands for ``experiment: null``.
    """

    OPTIONS: ClassVar[Mapping[str, Option]]

    # fmt: off
    trade: Path | None = option(
        None, kinds.PATH, DATA,
        "trade by exporter, importer, [sector], year and value_usd, or the key of a data set of"
        " the store; a run without it simulates a world")
    world: SimulatedWorld = option(
        "sectors", choice(SimulatedWorld), DATA,
        "the world that a run without a trade file simulates: 16 countries by sector with sales at"
        " home and input-output tables, or goods of 60 countries")
    indicators: Path | None = option(
        None, kinds.PATH, DATA, "country-year indicators: iso3, year, indicator, value")
    indicator_catalogue: Path | None = option(
        None, kinds.PATH, DATA,
        "channel, unit and publication lag of each indicator; a data set of the store has its "
        "own")
    pairs: tuple[Path, ...] = option(
        (), kinds.PATHS, DATA,
        "attributes of country pairs, static or by year: iso3_o, iso3_d, [year], attributes; "
        "may be several")
    sectors: Path | None = option(
        None, kinds.PATH, DATA,
        "sectors of the trade file: sector, kind, digitally_deliverable, [exposures]")
    tables: Path | None = option(
        None, kinds.PATH, DATA,
        "folder of inter-country input-output tables: wiot_YYYY.parquet and "
        "gross_output.parquet")
    reports: Path | None = option(
        None, kinds.PATH, DATA,
        "what countries declare of their own trade: reporter, partner, flow, [sector], year, "
        "[month], value_usd, [valuation], [published]")
    report_delays: Path | None = option(
        None, kinds.PATH, DATA,
        "months from the end of a year to each reporter's publication, for reports without "
        "dates: reporter, months; others are late (default: a table that comes with gravicast)")
    report_revisions: float = option(
        1.0, number(0, 100), DATA,
        "how much first reports differ from today's in the back-test, where only today's are at "
        "hand, as a multiple of usual revisions; 0 takes today's for the first")
    monthly: tuple[Path, ...] = option(
        (), kinds.PATHS, DATA,
        "monthly trade of the world and its regions, and oil prices: region, flow, month, value; "
        "may be several")
    store: Path | None = option(
        None, kinds.PATH, DATA,
        "folder of the store of public data (default: GRAVICAST_STORE, else gravicast-store)")
    allow_snapshots: bool = option(
        False, kinds.SWITCH, DATA,
        "spread indicators of a single year over the past, which did not know them", trained=True)
    largest: int | None = option(
        None, whole(2, 100_000), DATA,
        "keep this many countries, the largest traders up to the first origin of the back-test;"
        " all others become ROW (default: keep all)", trained=True)
    absent: AbsentFlows = option(
        "auto", choice(AbsentFlows), DATA, "what a flow without a row means", trained=True)
    late: LateReports = option(
        "auto", choice(LateReports), DATA,
        "what a year without a trader's exports or imports means after it traded; auto reads it"
        " as missing and warns", trained=True)
    strict: bool = option(
        False, kinds.SWITCH, DATA, "a warning about the data ends the run, as an error does")
    accept: tuple[str, ...] = option(
        (), several(tuple(CODES), metavar="CODE,..."), DATA,
        "warnings that are right as they are, by code, such as trader-jump,succession: they "
        "become notes")
    negatives: NegativeFlows = option(
        "error", choice(NegativeFlows), DATA,
        "negative values: an error, or set to zero and counted", trained=True)
    domestic: DomesticFlows = option(
        "apart", choice(DomesticFlows), DATA,
        "a country's sales to itself: kept out of flows and totals, or included as flows like "
        "any other, so that totals are gross output and absorption", trained=True)
    universe: Universe = option(
        "auto", choice(Universe), DATA,
        "flows that are forecast: every one, or those that have traded by the origin; auto takes"
        " the active ones of large tables", trained=True)
    columns: Mapping[str, str] = option(
        MappingProxyType({}), kinds.COLUMNS, READING,
        "columns of the trade file by what they hold (exporter, importer, year, month, sector "
        "or value), such as exporter=reporter,importer=partner")
    unit: Unit | None = option(
        None, choice(Unit), READING, "unit of trade values (default: as the header says, else usd)")
    flow: FlowDirection | None = option(
        None, choice(FlowDirection), READING, "which declarations of reporters are read")
    decimal: Decimal | None = option(
        None, choice(Decimal), READING, "the mark before decimals in text files")
    extra_codes: tuple[str, ...] = option(
        (), kinds.CODES, READING,
        "user-assigned country codes in the files (XAA to XZZ, QMA to QZZ, AA., ZZ.), such as "
        "XEU,XAS", trained=True)
    horizons: tuple[int, ...] = option(
        (1, 2, 3), kinds.HORIZONS, FORECAST,
        f"years ahead, from 1 to {kinds.LONGEST_HORIZON}, such as 1,2,3 or 1-5")
    settings: tuple[Setting, ...] = option(
        (), several(SETTINGS, metavar="SETTING,..."), FORECAST,
        "what is known beside the flows of the origin: reports_known, totals_known, ex_ante; the "
        "back-test scores each, and the forecast uses the first (default: every one that the data "
        "allow)")
    as_of: date | None = option(
        None, kinds.DAY, FORECAST,
        "day of the forecast; every origin of the back-test keeps the same distance (default: "
        "the first 1 July on which the last trade year is published)")
    trade_lag_months: int = option(
        13, whole(0, 120), FORECAST,
        "months from the end of a year to the publication of its trade", trained=True)
    pair_lag_months: int = option(
        0, whole(0, 120), FORECAST,
        "months from the end of a year to the publication of its pair attributes", trained=True)
    explain_flow: tuple[str, ...] | None = option(
        None, kinds.FLOW, FORECAST,
        "flow of the waterfall plot, such as DEU,FRA (default: the largest)")
    learner: str = option(
        LIGHTGBM, kinds.LEARNER, MODEL,
        "what learns the shift: lightgbm, or any regressor of scikit-learn's kind, such as"
        " sklearn.ensemble:RandomForestRegressor(n_estimators=200) or my_learner.py:pipeline; in"
        " Python also the object", trained=True)
    features: tuple[str, ...] = option(
        (), kinds.MODULES, MODEL,
        "module or file with FEATURES of your own, such as my_features.py; may be several. Each is"
        " refused if it changes with what was not known at an origin")
    rounds: int = option(
        80, whole(1, 5_000), MODEL, "boosting rounds of the shift model", trained=True)
    max_rows: int = option(
        50_000, whole(1_000, 50_000_000), MODEL,
        "the most rows that a fit of trees draws in the back-test; the last fit, which forecasts"
        " and is explained, draws four times as many", trained=True)
    params: Mapping[str, Any] = option(
        MappingProxyType({}), kinds.BOOSTER_PARAMS, "",
        "LightGBM parameters, but those of `models.booster_params.SET_HERE`", trained=True)
    first_origin: int | None = option(
        None, whole(1800, 2200), MODEL,
        "first origin of the back-test (default: after eight years to learn from, or as many as"
        " the panel allows, and at most fourteen origins)")
    tune_every: int = option(
        2, whole(1, 100), MODEL,
        "years between two nested choices of weights, and two searches by --tune, from the ninth"
        " year of the panel on")
    tune: int = option(
        0, whole(0, 10_000), MODEL,
        "trials of a search over LightGBM's parameters, by Optuna, wherever weights are chosen and "
        "on years up to there alone; tells what it gained on later origins; needs gravicast[tune]")
    compare_with: tuple[str, ...] = option(
        (), kinds.COMPARATORS, MODEL,
        "other models to back-test beside: theta, ets (need gravicast[compare]), chronos2, or a"
        " class of your own as module:Class or file.py:Class")
    study: bool = option(
        False, kinds.SWITCH, MODEL,
        "back-test gravity models, LightGBM on levels, each channel left out and placebos too; "
        "takes ten times as long and needs gravicast[gravity]")
    seed: int = option(1, whole(0, 2**31 - 1), MODEL, "seed of everything random", trained=True)
    workers: int = option(
        0, whole(0, 1_024), MODEL,
        "folds at a time, which do not change results; 0 is one for each core")
    cluster: str | None = option(
        None, kinds.CLUSTER, MODEL,
        "run folds on a Dask cluster: tcp://HOST:PORT of its scheduler, or local:N for N processes"
        " (needs gravicast[cluster])")
    out: Path = option(Path("gravicast-run"), kinds.PATH, OUTPUT, "output folder")
    overwrite: bool = option(False, kinds.SWITCH, OUTPUT, "replace the run in the output folder")
    resume: bool = option(
        False, kinds.SWITCH, OUTPUT,
        "go on from the finished folds of an interrupted run into the same folder")
    experiment: str | None = option(
        "gravicast", kinds.NAME, OUTPUT,
        "MLflow experiment", off="no_tracking")
    figures: bool = option(
        True, kinds.SWITCH, OUTPUT, "draw figures; `gravicast plot` does it later")
    report: bool = option(
        True, kinds.SWITCH, OUTPUT, "write the report; `gravicast report` does it later")
    quiet: bool = option(False, kinds.SWITCH, OUTPUT, "no progress on stderr")
    # fmt: on

    def __post_init__(self) -> None:
        for name, declared in self.OPTIONS.items():
            object.__setattr__(self, name, declared.read(name, getattr(self, name)))
        if self.simulates_sectors:
            # So that a model of it reads sales at home in other files too.
            object.__setattr__(self, "domestic", "include")
        if not self.settings:
            object.__setattr__(self, "settings", self._settings())
        _check_together(self)

    @property
    def simulates_sectors(self) -> bool:
        """Whether its data are the world with sectors: sales at home, reports, every measure."""
        return self.trade is None and self.world == "sectors"

    def _settings(self) -> tuple[Setting, ...]:
        """Every setting that the data allow."""
        lacking = set[Setting]()
        if self.reports is None and not (self.simulates_sectors and 1 in self.horizons):
            lacking.add(REPORTS_KNOWN)
        if self.simulates_sectors:
            # Nobody publishes gross output and absorption early: there would be no difference.
            lacking.add(TOTALS_KNOWN)
        return tuple(setting for setting in SETTINGS if setting not in lacking)

    def as_of_rule(self, last_year: int) -> AsOfRule:
        """The as-of rule of a panel that ends in ``last_year``."""
        # Only here, since it loads pandas, which the command line's help does without.
        from features.information import AsOfRule

        if self.as_of is None:
            # The first 1 July on which trade of the origin is out: of origin + 2 at 13 months.
            return AsOfRule(years_after_origin=1 + max(-(-(self.trade_lag_months - 6) // 12), 0))
        months = self.as_of.year * 12 + self.as_of.month - 1 - self.trade_lag_months
        origin = min(months // 12 - 1, last_year)
        return AsOfRule(self.as_of.year - origin, self.as_of.month, self.as_of.day)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for YAML and JSON."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is pickled: read-only mappings are not."""
        return type(self).from_mapping, (self.to_dict(),)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, file: object | None = None) -> RunConfig:
        """From plain values; an unknown key is an error with a suggestion.

        Raises
        ------
        InputError
            For an unknown key or a value that does not fit.
        """
        values = without_switches(values, file=file)
        for key in values:
            if key not in cls.OPTIONS:
                close = difflib.get_close_matches(cut(str(key)), cls.OPTIONS, n=1)
                known = f"Known: {', '.join(cls.OPTIONS)}"
                hint = f"Did you mean {close[0]!r}?" if close else known
                raise InputError(f"unknown option {cut(repr(key))}", remedy=hint, file=file)
        with _in_file(file):
            return cls(**values)

    @classmethod
    def from_yaml(cls, path: Path | str) -> RunConfig:
        """Read a YAML file; paths in it are relative to the working directory.

        Raises
        ------
        InputError
            If the file cannot be read, is not a mapping, or holds an invalid option.
        """
        # A served model reads configurations, and never a YAML file.
        from forecasting.options.yaml_file import read_options

        return cls.from_mapping(read_options(path), file=path)


def without_switches(values: Mapping[str, Any], *, file: object | None = None) -> dict[str, Any]:
    """Options with None in place of a switch that stands for it, such as ``no_tracking``.

    Raises
    ------
    InputError
        If the switch is neither true nor false.
    """
    options = dict(values)
    for name, declared in RunConfig.OPTIONS.items():
        if declared.off and declared.off in options:
            with _in_file(file):
                if kinds.SWITCH.read(declared.off, options.pop(declared.off)):
                    options[name] = None
    return options


@contextmanager
def _in_file(file: object | None) -> Iterator[None]:
    """Name the file in errors that name none."""
    try:
        yield
    except InputError as error:
        if file is None or error.file is not None:
            raise
        raise InputError(
            error.problem, remedy=error.remedy, file=file, column=error.column
        ) from error


def _plain(value: Any) -> Any:
    """A value as YAML and JSON hold it."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


def _check_together(config: RunConfig) -> None:
    """Refuse options that do not go together."""
    own_catalogue = config.indicators is not None and is_key(str(config.indicators))
    if own_catalogue and config.indicator_catalogue is not None:
        remedy = "Leave it out: a data set of the store has its own catalogue"
        raise refusal("indicator_catalogue", str(config.indicator_catalogue), remedy)
    if not own_catalogue and (config.indicators is None) != (config.indicator_catalogue is None):
        lacking = "indicators" if config.indicators is None else "indicator_catalogue"
        raise refusal(lacking, None, "Indicators and their catalogue go together: give both")
    if REPORTS_KNOWN in config.settings:
        if config.reports is None and not config.simulates_sectors:
            raise refusal("settings", REPORTS_KNOWN, "Give the reports as well (--reports)")
        if 1 not in config.horizons:
            remedy = "Reports are of the year after the origin: give horizon 1 as well"
            raise refusal("horizons", str(min(config.horizons)), remedy)
    if config.learner != LIGHTGBM:
        for name in ("rounds", "params"):
            if getattr(config, name) != config.OPTIONS[name].default:
                remedy = "It is LightGBM's: give parameters with the learner, Name(parameter=value)"
                raise refusal(name, getattr(config, name), remedy)
    if config.report_delays is not None and config.reports is None:
        raise refusal("report_delays", str(config.report_delays), "Give the reports as well")
    if config.reports is not None and config.universe == "active":
        raise refusal("universe", "active", "Reports may name any flow: leave it out")
    if config.trade is None:
        _check_simulated(config)
    elif config.world != config.OPTIONS["world"].default:
        raise refusal("world", config.world, "Leave it out: the trade file is not simulated")
    elif config.tables is not None and config.domestic != "include":
        remedy = "Input-output tables hold domestic sales: give include (--domestic include)"
        raise refusal("domestic", config.domestic, remedy)


def _check_simulated(config: RunConfig) -> None:
    """A simulated world brings its own data."""
    for given, remedy in (
        (config.indicators or config.pairs, "Indicators and pair files need a trade file"),
        (config.reports or config.monthly, "Reports and monthly trade need a trade file"),
        (config.sectors or config.tables, "Sectors and input-output tables need a trade file"),
        (config.largest, "Keeping the largest traders needs a trade file"),
        (
            config.world == "goods" and config.domestic != "apart",
            "Domestic flows need a trade file that holds them, or --world sectors",
        ),
    ):
        if given:
            raise refusal("trade", None, remedy)
