"""`RunConfig`: what is run, frozen and validated, from Python or YAML."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from features.choices import (
    SETTINGS,
    AbsentFlows,
    Decimal,
    DomesticFlows,
    FlowDirection,
    LateReports,
    NegativeFlows,
    Setting,
    Unit,
)
from features.errors import InputError, cut
from features.findings import CODES
from features.information import AsOfRule
from features.store.registry import is_key
from forecasting.options.reading import check_words, plain_codes, plain_columns
from models.booster_params import check_params


@dataclass(frozen=True, slots=True)
class RunConfig:
    """One run of the main job.

    Parameters
    ----------
    trade
        Trade file (CSV, Parquet or Excel), or the key of a data set of the store, such as
        ``baci:HS92:202601:hs2``; None runs on the simulated world.
    indicators, indicator_catalogue
        Country-year indicators and their catalogue; both or neither. A data set has its own.
    pairs
        Pair attribute files, static or by year.
    sectors
        Table of the sectors of the trade file: kinds, and exposure to automation and AI.
    tables
        Folder of inter-country input-output tables, ``wiot_YYYY.parquet`` and
        ``gross_output.parquet``.
    store
        Folder of the store of public data; by default ``GRAVICAST_STORE``, else
        ``gravicast-store``. Indicators, pairs and tables may be keys of its data sets too.
    allow_snapshots
        Whether indicators of one year only are spread over the past, which did not know them;
        otherwise they are refused.
    out
        Output folder. It must not hold a run unless ``overwrite``.
    overwrite
        Replace the run that ``out`` holds.
    horizons
        Years ahead, each from 1 to 10.
    settings
        ``"totals_known"``, ``"ex_ante"`` or both; the back-test scores each, and the forecast uses
        the first.
    first_origin
        First origin of the back-test; by default the one that leaves eight years to learn from,
        or as many as the panel allows, and at most fourteen origins.
    as_of
        The day of the final forecast; by default the first 1 July on which the last trade year is
        published (two years after it, at 13 months). Every back-test origin keeps the distance.
    trade_lag_months
        Months from the end of a year to the publication of its bilateral trade.
    pair_lag_months
        The same for pair attributes by year.
    largest
        Countries to keep, the largest traders up to the first origin of the back-test; all others
        become ``ROW``. None keeps all.
    columns
        Column of the trade file that holds ``exporter``, ``importer``, ``year``, ``month``,
        ``sector`` or ``value``, where its name does not say: ``{"exporter": "reporter"}``.
    unit
        Unit of trade values: ``"usd"``, ``"thousand"``, ``"million"`` or ``"billion"``; None where
        the header says it, else USD.
    flow
        ``"exports"`` or ``"imports"``: which declarations of reporters are read; None where the
        table has one kind.
    decimal
        The mark before decimals in text files, ``"."`` or ``","``; None where the cells tell.
    extra_codes
        User-assigned country codes (XAA to XZZ, QMA to QZZ, AA., ZZ.) that the files hold.
    absent
        What a flow without a row means: ``"auto"``, ``"zero"`` or ``"missing"``.
    late
        What a year without a trader's exports (imports) means after it traded: ``"missing"``,
        ``"zero"``, or ``"auto"``, which reads it as missing and warns.
    strict
        Whether a warning about the data ends the run, as an error does.
    accept
        Codes of warnings (`features.findings.CODES`) that are right as they are: they become notes.
    negatives
        ``"error"`` or ``"zero"`` (set to zero and counted).
    domestic
        ``"apart"`` keeps a country's sales to itself out of flows and totals; ``"include"`` makes
        them flows like any other, and totals gross output and absorption.
    rounds, max_rows, params
        Boosting rounds of the shift model, the most rows a fit draws, LightGBM parameters (any
        but those of `models.booster_params.SET_HERE`, under any of their names).
    study
        Whether gravity models, each channel left out and placebos are back-tested too, for the
        scoreboard; needs the extra ``gravity`` and some ten times the back-test's time.
    tune_every
        Years between two nested choices of weights, counted from the ninth year of the panel.
    seed, workers
        Seed of everything random; parallel folds (0: one a core). Results do not depend on it.
    experiment
        MLflow experiment name; None does not track.
    explain_flow
        Exporter, importer and, where there are sectors, sector of the waterfall plot; by default
        the largest flow.
    figures, report
        Whether the folder gets ``figures`` and ``report.html``; `make_report` and `plot` make them
        later too.
    quiet
        Whether stages and bars stay off stderr.

    Notes
    -----
    Every option takes what the command line takes: numbers as text, ``"1-3"`` or ``"1,2,3"`` for
    ``horizons``, words between commas for ``settings`` and ``explain_flow``. So does a YAML file,
    in which ``no_tracking: true`` stands for ``experiment: null``.
    """

    trade: Path | None = None
    indicators: Path | None = None
    indicator_catalogue: Path | None = None
    pairs: tuple[Path, ...] = ()
    sectors: Path | None = None
    tables: Path | None = None
    store: Path | None = None
    allow_snapshots: bool = False
    out: Path = Path("gravicast-run")
    overwrite: bool = False
    horizons: tuple[int, ...] = (1, 2, 3)
    settings: tuple[Setting, ...] = SETTINGS
    first_origin: int | None = None
    as_of: date | None = None
    trade_lag_months: int = 13
    pair_lag_months: int = 0
    largest: int | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    unit: Unit | None = None
    flow: FlowDirection | None = None
    decimal: Decimal | None = None
    extra_codes: tuple[str, ...] = ()
    absent: AbsentFlows = "auto"
    late: LateReports = "auto"
    strict: bool = False
    accept: tuple[str, ...] = ()
    negatives: NegativeFlows = "error"
    domestic: DomesticFlows = "apart"
    rounds: int = 80
    max_rows: int = 100_000
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    study: bool = False
    tune_every: int = 2
    seed: int = 1
    workers: int = 0
    experiment: str | None = "gravicast"
    explain_flow: tuple[str, ...] | None = None
    figures: bool = True
    report: bool = True
    quiet: bool = False

    def __post_init__(self) -> None:
        _coerce(self)
        _check(self)

    def as_of_rule(self, last_year: int) -> AsOfRule:
        """The as-of rule of a panel that ends in ``last_year``."""
        if self.as_of is None:
            # The first 1 July on which trade of the origin is out: of origin + 2 at 13 months.
            return AsOfRule(years_after_origin=1 + max(-(-(self.trade_lag_months - 6) // 12), 0))
        months = self.as_of.year * 12 + self.as_of.month - 1 - self.trade_lag_months
        origin = min(months // 12 - 1, last_year)
        return AsOfRule(self.as_of.year - origin, self.as_of.month, self.as_of.day)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for YAML and JSON."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values |= {"params": dict(self.params), "columns": dict(self.columns)}
        for name, value in values.items():
            if isinstance(value, Path):
                values[name] = str(value)
            elif isinstance(value, date):
                values[name] = value.isoformat()
            elif isinstance(value, tuple):
                values[name] = [str(v) if isinstance(v, Path) else v for v in value]
        return values

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, file: object | None = None) -> RunConfig:
        """From plain values; an unknown key is an error with a suggestion.

        Raises
        ------
        InputError
            For an unknown key or a value that does not fit.
        """
        known = [f.name for f in fields(cls)]
        values = without_switches(values, file=file)
        for key in values:
            if key not in known:
                close = difflib.get_close_matches(cut(str(key)), known, n=1)
                hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}"
                raise InputError(f"unknown option {cut(repr(key))}", remedy=hint, file=file)
        try:
            return cls(**values)
        except InputError as error:
            if file is None or error.file is not None:
                raise
            raise InputError(
                error.problem, remedy=error.remedy, file=file, column=error.column
            ) from error

    @classmethod
    def from_yaml(cls, path: Path | str) -> RunConfig:
        """Read a YAML file; paths in it are relative to the working directory.

        Raises
        ------
        InputError
            If the file cannot be read, is no mapping, or holds an invalid option.
        """
        # A served model reads configurations, and never a YAML file.
        from forecasting.options.yaml_file import read_options

        return cls.from_mapping(read_options(path), file=path)


def without_switches(values: Mapping[str, Any], *, file: object | None = None) -> dict[str, Any]:
    """Options with ``no_tracking``, the command line's word, told as ``experiment: None``.

    Raises
    ------
    InputError
        If it is neither true nor false.
    """
    options = dict(values)
    untracked = options.pop("no_tracking", False)
    if not isinstance(untracked, bool):
        error = _refuse("no_tracking", untracked, "Give true or false")
        raise InputError(error.problem, remedy=error.remedy, file=file)
    return {**options, "experiment": None} if untracked else options


_PATHS = ("trade", "indicators", "indicator_catalogue", "sectors", "tables", "store",
          "out")  # fmt: skip
_WHOLE: dict[str, tuple[int, int]] = {
    "trade_lag_months": (0, 120),
    "pair_lag_months": (0, 120),
    "rounds": (1, 5_000),
    "max_rows": (1_000, 50_000_000),
    "tune_every": (1, 100),
    "seed": (0, 2**31 - 1),
    "workers": (0, 1_024),
}
_OPTIONAL_WHOLE: dict[str, tuple[int, int, str]] = {
    "largest": (2, 100_000, "Keep at least two countries"),
    "first_origin": (1800, 2200, "Give a calendar year"),
}
_SWITCHES = ("overwrite", "study", "allow_snapshots", "figures", "report", "strict",
             "quiet")  # fmt: skip
_WORDS: dict[str, tuple[str, ...]] = {
    "absent": get_args(AbsentFlows),
    "late": get_args(LateReports),
    "negatives": get_args(NegativeFlows),
    "domestic": get_args(DomesticFlows),
}


_LISTS = ("pairs", "horizons", "settings", "explain_flow", "accept")


def _refuse(option: str, value: object, remedy: str) -> InputError:
    return InputError(f"option {option!r} cannot be {cut(repr(value))}", remedy=remedy)


def _words(text: str) -> tuple[str, ...]:
    """Words between commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _number(value: object) -> object:
    """A whole number out of text such as ``"2017"``; anything else as it is."""
    whole = isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]{1,15}", value.strip())
    return int(value) if whole else value  # type: ignore[call-overload]


def _power(value: object) -> object:
    """A number out of text such as ``"1e-2"``, which YAML takes for a word."""
    number = r"[-+]?[0-9]+\.?[0-9]*[eE][-+]?[0-9]{1,3}"
    return float(value) if isinstance(value, str) and re.fullmatch(number, value) else value


def _span(value: object) -> list[object]:
    """The numbers of a span such as ``"1-5"``, or a value alone."""
    ends = isinstance(value, str) and re.fullmatch(r"\s*(\d{1,2})\s*-\s*(\d{1,2})\s*", value)
    return [*range(int(ends[1]), int(ends[2]) + 1)] if ends else [_number(value)]


def _is_name(path: str | Path) -> bool:
    """Whether a file system can hold the path at all."""
    parts = Path(path).parts
    return bool(parts) and "\0" not in str(path) and all(len(part) <= 255 for part in parts)


def _coerce(config: RunConfig) -> None:
    """Turn what YAML and the command line hand over (text, lists) into the declared types."""

    def put(name: str, value: object) -> None:
        object.__setattr__(config, name, value)

    for name in _PATHS:
        value = getattr(config, name)
        if isinstance(value, (str, Path)) and not _is_name(value):
            raise _refuse(name, str(value), "Give a path")
        if isinstance(value, str):
            put(name, Path(value))
        elif not (isinstance(value, Path) or (value is None and name != "out")):
            raise _refuse(name, value, "Give a path")
    for name in (*_WHOLE, *_OPTIONAL_WHOLE):
        put(name, _number(getattr(config, name)))
    for name in _LISTS:
        value = getattr(config, name)
        if isinstance(value, str) and name != "pairs":
            value = _words(value)
        if isinstance(value, (str, int, Path)):
            value = (value,)
        elif not (isinstance(value, (list, tuple)) or (value is None and name == "explain_flow")):
            raise _refuse(name, value, "Give a list")
        put(name, None if value is None else tuple(value))
    put("horizons", tuple(h for given in config.horizons for h in _span(given)))
    if not all(isinstance(path, (str, Path)) and _is_name(path) for path in config.pairs):
        raise _refuse("pairs", list(config.pairs), "Give paths")
    put("pairs", tuple(Path(path) for path in config.pairs))
    if not all(isinstance(word, str) for word in config.explain_flow or ()):
        raise _refuse("explain_flow", list(config.explain_flow or ()), "Give codes such as DEU,FRA")
    if not (config.experiment is None or isinstance(config.experiment, str)):
        raise _refuse("experiment", config.experiment, "Give a name")
    if isinstance(config.as_of, datetime):
        put("as_of", config.as_of.date())
    if isinstance(config.as_of, str):
        try:
            put("as_of", date.fromisoformat(config.as_of))
        except ValueError:
            raise _refuse("as_of", config.as_of, "Give a date as YYYY-MM-DD") from None
    if not isinstance(config.params, Mapping):
        raise _refuse("params", config.params, "Give LightGBM parameters as `name: value`")
    params = {name: _power(v) for name, v in config.params.items()}
    if params:
        check_params(params)
    put("params", MappingProxyType(params))
    put("columns", plain_columns(config.columns))
    put("extra_codes", plain_codes(config.extra_codes))


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _check(config: RunConfig) -> None:
    for name, (low, high) in _WHOLE.items():
        value = getattr(config, name)
        if not _is_whole(value, low, high):
            raise _refuse(name, value, f"Give a whole number from {low} to {high}")
    for name, (low, high, remedy) in _OPTIONAL_WHOLE.items():
        value = getattr(config, name)
        if value is not None and not _is_whole(value, low, high):
            raise _refuse(name, value, remedy)
    for name, words in _WORDS.items():
        value = getattr(config, name)
        if not isinstance(value, str) or value not in words:
            raise _refuse(name, getattr(config, name), f"Choose one of {', '.join(words)}")
    for name in ("unit", "flow", "decimal"):
        check_words(name, getattr(config, name))
    horizons = config.horizons
    whole = all(_is_whole(h, 1, 10) for h in horizons)
    if not horizons or not whole or len(set(horizons)) != len(horizons):
        raise _refuse("horizons", list(horizons), "Give different whole years from 1 to 10")
    object.__setattr__(config, "horizons", tuple(sorted(horizons)))
    named = all(isinstance(s, str) and s in SETTINGS for s in config.settings)
    if not config.settings or not named or len(set(config.settings)) != len(config.settings):
        raise _refuse("settings", list(config.settings), f"Choose from {', '.join(SETTINGS)}")
    own_catalogue = config.indicators is not None and is_key(str(config.indicators))
    if own_catalogue and config.indicator_catalogue is not None:
        remedy = "Leave it out: a data set of the store has its own catalogue"
        raise _refuse("indicator_catalogue", str(config.indicator_catalogue), remedy)
    if not own_catalogue and (config.indicators is None) != (config.indicator_catalogue is None):
        lacking = "indicators" if config.indicators is None else "indicator_catalogue"
        raise _refuse(lacking, None, "Indicators and their catalogue go together: give both")
    if config.trade is None:
        _check_simulated(config)
    elif config.tables is not None and config.domestic != "include":
        remedy = "Input-output tables hold domestic sales: give include (--domestic include)"
        raise _refuse("domestic", config.domestic, remedy)
    strange = [code for code in config.accept if code not in CODES]
    if strange:
        raise _refuse("accept", strange[0], f"Choose from {', '.join(CODES)}")
    for name in _SWITCHES:
        if not isinstance(getattr(config, name), bool):
            raise _refuse(name, getattr(config, name), "Give true or false")
    if config.as_of is not None and not isinstance(config.as_of, date):
        raise _refuse("as_of", config.as_of, "Give a date as YYYY-MM-DD")


def _check_simulated(config: RunConfig) -> None:
    """The simulated world brings its own data: one sector, no domestic sales."""
    if config.indicators is not None or config.pairs:
        raise _refuse("trade", None, "Indicators and pair files need a trade file")
    if config.sectors is not None or config.tables is not None:
        raise _refuse("trade", None, "Sectors and input-output tables need a trade file")
    if config.largest is not None:
        raise _refuse("trade", None, "Keeping the largest traders needs a trade file")
    if config.domestic != "apart":
        raise _refuse("trade", None, "Domestic flows need a trade file that holds them")
