"""What a finished run says about a measure of the trade pattern, or a family of measures."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

import pandas as pd

from features.errors import InputError
from features.measures.catalogue import MEASURES
from features.measures.measure import Family, Measure
from forecasting.measurement.tables import MeasureTables
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_country

ALL = "all"
FAMILIES: tuple[Family, ...] = get_args(Family)
FAMILY_LABELS: dict[Family, str] = {
    "sectors": "Sectors and comparative advantage",
    "partners": "Partners: shares, concentration, regions",
    "links": "Births and deaths of links",
    "reshoring": "Reshoring",
    "value_chains": "Value chains",
    "digital": "Digital slices",
    "platforms": "Platforms",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures(MeasureTables):
    """Tables of the measures of one kind, as a run observed and forecast them.

    Attributes
    ----------
    kind
        A measure, a family, or ``all``, as requested.
    measures
        Their declarations: source of the formula, unit, dimensions.
    """

    kind: str
    measures: tuple[Measure, ...]


def measures(run: RunResult, kind: str = ALL, *, country: str | None = None) -> Measures:
    """Measures of the trade pattern that a finished run observed and forecast.

    Parameters
    ----------
    run
        Finished; for a folder, pass ``read_run(folder)``.
    kind
        A measure (``domestic_sourcing``), a family (``reshoring``) or ``all``.
    country
        ISO 3166 code or English name: keeps units of this country only. Scores cover all units.

    Raises
    ------
    InputError
        If there is no such kind or country, or the run's data do not allow any measure of it.
    """
    tables = tables_of(run)
    names = kind_names(kind)
    present = set(tables.scores["measure"]) | set(tables.forecasts["measure"])
    found = tuple(m for m in MEASURES if m.name in names and m.name in present)
    lacking = {name: why for name, why in tables.missing.items() if name in names}
    if not found:
        # Measures lack much the same data: give each reason once.
        why = "; ".join(dict.fromkeys("; ".join(lacking.values()).split("; ")))
        raise InputError(
            f"the run could not measure {kind!r}",
            remedy=why or "Run it again on data that allow it",
            file=run.out,
        )
    kept = {m.name for m in found}
    code = None if country is None else check_country(run.forecasts, country)
    return Measures(
        kind=kind,
        measures=found,
        history=_chosen(tables.history, kept, code),
        forecasts=_chosen(tables.forecasts, kept, code),
        backtest=_chosen(tables.backtest, kept, code),
        scores=_chosen(tables.scores, kept, None),
        drivers=_chosen(tables.drivers, kept, code),
        missing=lacking,
    )


def tables_of(run: RunResult) -> MeasureTables:
    """All tables of measures of a run.

    Raises
    ------
    InputError
        If it is a forecast by a trained model, which computes no measures.
    """
    if run.measures is None:
        raise InputError(
            "this is a forecast by a trained model: measures of the trade pattern need a back-test",
            remedy="Give the output folder of `gravicast run`",
            file=run.out,
        )
    return run.measures


def kind_names(kind: str) -> set[str]:
    """Names of the measures of a kind.

    Raises
    ------
    InputError
        If it is not a measure, a family or ``all``; the message suggests similar names.
    """
    if kind == ALL:
        return {m.name for m in MEASURES}
    if kind in FAMILIES:
        return {m.name for m in MEASURES if m.family == kind}
    known = [m.name for m in MEASURES]
    if kind not in known:
        near = difflib.get_close_matches(kind, [*FAMILIES, *known], n=3, cutoff=0.4)
        raise InputError(
            f"unknown measure or family {kind!r}",
            remedy=f"Choose from {', '.join(near or [ALL, *FAMILIES])}, or see --list",
        )
    return {kind}


def _chosen(table: pd.DataFrame, names: Iterable[str], code: str | None) -> pd.DataFrame:
    kept = table["measure"].isin(list(names))
    if code is not None and "country" in table:
        kept &= table["country"].astype(str) == code
    return table[kept].reset_index(drop=True)
