"""A brief of shifts of the trade pattern: one measure, or a family of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.errors import InputError
from features.measures.measure import Measure
from forecasting.briefs.brief import Brief, BriefFigure, BriefTable, first_and_last
from forecasting.briefs.fill import fill
from forecasting.briefs.measure_facts import (
    INDICES,
    KEYS,
    drivers_of,
    measure_facts,
    movers,
    verdicts,
)
from forecasting.measurement.contribution_terms import TO_BASE, term_summary, terms_in
from forecasting.measurement.scores import RIVALS
from forecasting.results.measures import FAMILIES, FAMILY_LABELS, Measures, measures
from forecasting.results.result import RunResult
from forecasting.results.subjects import check_country, check_year, named, origin_of
from forecasting.words.measures import change_name, is_share, sector_names, unit_name
from forecasting.words.numbers import plural

SHOWN = 5
LEAST_SHARE = 0.1
"""Percent of all contributions below which a text does not show one; the file does."""


def pattern_brief(
    run: RunResult, kind: str, *, country: str | None = None, year: int | None = None
) -> Brief:
    """Explain the shifts of one kind.

    Parameters
    ----------
    run
        Finished; of a folder, give ``read_run(folder)``.
    kind
        A measure, a family or ``all``, see `forecasting.results.measures.shifts`.
    country
        ISO 3166 code or English name; by default every country.
    year
        Target year; by default the nearest.

    Raises
    ------
    InputError
        If the run did not measure the kind, or does not know the country or the year, or if no
        measure of the kind has a value for the country.
    """
    found, target = measures(run, kind, country=country), check_year(run.forecasts, year)
    code = None if country is None else check_country(run.forecasts, country)
    if found.forecasts.empty:
        raise InputError(
            f"no measure of {kind!r} has a value for {named(str(code))}",
            remedy="Ask for another country, or for all of them",
            file=run.out,
        )
    names, horizon = sector_names(run), target - origin_of(run)
    tables: dict[str, BriefTable] = {}
    figures: dict[str, BriefFigure] = {}
    facts = []
    for measure in found.measures:
        rows = movers(found, measure, target, names)
        facts.append(measure_facts(found, measure, rows, year=target, horizon=horizon))
        if len(rows):
            tables |= _tables(found, measure, rows, target)
            options = {"measure": measure.name, **({} if code is None else {"country": code})}
            figures[measure.name] = BriefFigure(measure.name, "measure", options)
    if len(found.scores):
        tables["skill"] = _skill(found)
        figures["skill"] = BriefFigure("skill", "measures", {"measure": kind})
    return fill(
        "measures",
        tables=tables,
        figures=figures,
        subject=_subject(found) + ("" if code is None else f", {named(code)}"),
        origin=origin_of(run),
        year=target,
        horizon=horizon,
        measures=facts,
        missing=found.missing,
        tests=verdicts(found) if len(found.scores) else (),
    )


def _subject(found: Measures) -> str:
    for family in FAMILIES:
        if found.kind == family:
            return FAMILY_LABELS[family]
    return found.measures[0].label if len(found.measures) == 1 else "Shifts of the trade pattern"


# Tables -------------------------------------------------------------------------------------------


def _tables(
    found: Measures, measure: Measure, rows: pd.DataFrame, year: int
) -> dict[str, BriefTable]:
    units = _unit_table(measure, rows)
    out = {
        f"{measure.name}_forecasts": BriefTable(
            f"{measure.label}, {unit_name(measure)}: units by forecast change, largest rise first "
            f"(changes in {change_name(measure)}; sure: the 90% interval leaves out the origin's "
            "value)",
            units,
            first_and_last(len(units), SHOWN),
            tuple(name for name in units if name not in KEYS),
        )
    }
    drivers = drivers_of(found, measure, year)
    # A measure that cannot change, such as the share of an only sector, has no contributions.
    if drivers[terms_in(drivers)].to_numpy().any():
        out[f"{measure.name}_contributions"] = _contribution_table(measure, drivers)
    return out


def _unit_table(measure: Measure, rows: pd.DataFrame) -> pd.DataFrame:
    """What `movers` holds in the units of the brief: names of columns say them."""
    suffix = "_percent" if is_share(measure) else ""
    scale = 100.0 if is_share(measure) else 1.0
    out = rows[[*KEYS, "unit"]].copy()
    for column, name in (("value_origin", "origin"), ("base", "base"), ("forecast", "forecast")):
        out[f"{name}{suffix}"] = scale * rows[column]
    out["change_in_points" if is_share(measure) else "change"] = scale * rows["change"]
    for column in ("lower_90", "upper_90"):
        out[f"{column}{suffix}"] = scale * rows[column]
    if measure.threshold is not None:
        below = rows["value_origin"] <= measure.threshold
        out["chance_of_entry_percent"] = (100.0 * rows["chance_above"]).where(below)
    if measure.name in INDICES:
        name, index = INDICES[measure.name]
        out[name] = index(rows["value_origin"].to_numpy(), rows["forecast"].to_numpy())
    return out.assign(sure=rows["sure"])


def _contribution_table(measure: Measure, drivers: pd.DataFrame) -> BriefTable:
    summary = term_summary(drivers)
    suffix, scale = ("_in_points", 100.0) if is_share(measure) else ("", 1.0)
    frame = pd.DataFrame(
        {
            "step": ["to the base" if term in TO_BASE else "from the base to the forecast"
                     for term in summary["term"]],
            "contribution": summary["label"],
            f"mean_size{suffix}": scale * summary["mean_abs"],
            "of_all_percent": 100.0 * summary["share"],
            f"mean{suffix}": scale * summary["mean"],
        }
    )  # fmt: skip
    size = frame["of_all_percent"].to_numpy()
    return BriefTable(
        f"{measure.label}: contributions to the change, mean over {plural(len(drivers), 'unit')}, "
        f"{change_name(measure)}",
        frame,
        tuple(int(k) for k in np.flatnonzero(size >= LEAST_SHARE)),
    )


def _skill(found: Measures) -> BriefTable:
    scores = found.scores
    labels = {measure.name: measure.label for measure in found.measures}
    frame = scores[["measure", "family", "horizon", "origins", "n"]].copy()
    frame.insert(1, "label", scores["measure"].map(labels))
    for name in ("mae", *(f"mae_{rival}" for rival in RIVALS)):
        frame[name.replace("mae", "error")] = scores[name]
    for name in ("skill", "direction", "coverage_50", "coverage_90"):
        frame[f"{name}_percent"] = 100.0 * scores[name]
    for rival in RIVALS:
        frame[f"against_{rival}"] = scores[f"verdict_{rival}"]
        frame[f"p_{rival}"] = scores[f"p_holm_{rival}"]
    entered = scores["entries"].notna().any()
    for name in ("entries", "entry_rate", "brier", "brier_of_rate"):
        frame[name] = scores[name]
    columns = ("label", "horizon", "origins", "error", "error_no_change", "error_base",
               "error_without_technology", "skill_percent", "direction_percent",
               "coverage_90_percent", "against_no_change", "against_base",
               "against_without_technology")  # fmt: skip
    more = ("brier", "brier_of_rate") if entered else ()
    return BriefTable(
        "Mean absolute error of each measure by years ahead (shares as fractions), of no change, "
        "of the raked base and of the model without technology; skill: how much smaller than that "
        "of no change; direction: units that moved to the side forecast; coverage of the 90% "
        "interval; tests of equal accuracy, adjusted for their number"
        + ("; Brier scores of the chance of entry and of the past rate of entries" if more else ""),
        frame,
        columns=(*columns, *more),
    )
