"""Effect of an indicator or a pair attribute on flows, estimated on a panel by structural gravity.

PPML with exporter-year, importer-year and pair effects (Yotov, Piermartini, Monteiro and Larch
2016). Exporter-year effects take up whatever moves all of a country's trade, so a country's own
indicator shows only in its trade abroad against its sales at home (Heid, Larch and Yotov 2021,
doi:10.1111/caje.12513), and there as one number for exports and imports together. Border-year
effects then take up what moves all trade abroad (Bergstrand, Larch and Yotov 2015,
doi:10.1016/j.euroecorev.2015.05.001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import InputError
from features.information import InformationSet
from models.gravity import UNIT, ppml, without_warnings

Vector = NDArray[np.float64]
MOST_ROWS = 4_000_000
"""Flow-years that an estimate may take: ten times a panel of 100 countries."""
_UNCERTAIN = 1e6
"""Standard error, in deviations of the variable, beyond which the effects leave nothing of it."""


@dataclass(frozen=True, slots=True)
class PanelEffect:
    """An estimated effect on the log of a flow.

    Attributes
    ----------
    value, standard_error
        Of one unit of the variable; errors are clustered by pair, for a country's indicator by
        exporter, whose flows share its values. With few exporters such errors are too small.
    observations
        Flow-years of the estimate.
    years
        First and last.
    sample
        Values of the variable by country-year or pair-year, those of the estimate.
    latest
        Last known value, shape ``[country]`` or ``[exporter, importer]``; NaN where unknown.
    """

    value: float
    standard_error: float
    observations: int
    years: tuple[int, int]
    sample: Vector
    latest: Vector


def country_effect(info: InformationSet, name: str) -> PanelEffect:
    """Effect of a country's indicator on its trade abroad, against its sales at home.

    Raises
    ------
    InputError
        If the panel has no domestic sales, or the effects leave nothing of the indicator.
    """
    flows = info.flows
    if not flows.diagonal:
        raise InputError(
            f"the effect of {name} cannot be estimated without domestic sales: it moves all of a "
            "country's exports alike, as everything else of that country and year does",
            remedy="State a semi_elasticity with its standard_error and source, or use a run with "
            "--domestic include",
        )
    values = np.stack([info.at(name, year) for year in _years(info)])
    abroad = flows.exporter != flows.importer
    found, table = _estimate(info, values[:, flows.exporter] * abroad, name, by="exporter")
    used = np.zeros(values.shape, dtype=np.bool_)
    used[table["row"], flows.exporter[table["flow"]]] = True
    return _effect(found, table, sample=values[used], latest=info.latest(name))


def pair_effect(info: InformationSet, name: str) -> PanelEffect:
    """Effect of a pair attribute by year, such as an agreement, on the flows of the pair.

    Raises
    ------
    InputError
        If the attribute does not change over time, or the effects leave nothing of it.
    """
    if not info.pair_years(name).shape[0]:
        raise InputError(
            f"{name} does not change over time, and so is part of what every pair has of its own",
            remedy="State a semi_elasticity with its standard_error and source",
        )
    flows, years = info.flows, _years(info)
    values = np.stack(
        [info.pair_at(name, year)[flows.exporter, flows.importer] for year in years]
    ).astype(np.float64)
    values[:, flows.exporter == flows.importer] = 0.0
    found, table = _estimate(info, values, name, by="pair")
    latest = info.pair_at(name, info.origin).astype(np.float64)
    return _effect(found, table, sample=table["x"].to_numpy(), latest=latest)


def _years(info: InformationSet) -> range:
    return range(info.first_year, info.origin + 1)


def _estimate(
    info: InformationSet, values: Vector, name: str, *, by: str
) -> tuple[tuple[float, float], pd.DataFrame]:
    """Coefficient and standard error of ``values [year, flow]``, and the rows behind them."""
    table = _table(info, values)
    spread = float(table["x"].std()) if len(table) else 0.0
    effects = ["exporter_year", "importer_year", "flow"]
    if info.flows.diagonal:
        effects.append("border_year")
    if spread > 0:
        with without_warnings():
            try:
                # In deviations: an indicator in thousands must not decide on convergence.
                found = ppml(
                    table.assign(x=table["x"] / spread),
                    f"value ~ x | {' + '.join(effects)}",
                    cluster=by,
                )
            except (ValueError, np.linalg.LinAlgError):
                found = None
        slope = found.coefficients.get("x", np.nan) if found is not None else np.nan
        error = found.standard_errors.get("x", np.nan) if found is not None else np.nan
        if np.isfinite(slope) and 0 < error < _UNCERTAIN:
            return (slope / spread, error / spread), table
    raise InputError(
        f"the run's data do not say what {name} does: exporter-year, importer-year and pair "
        "effects leave nothing of it",
        remedy="State a semi_elasticity with its standard_error and source",
    )


def _table(info: InformationSet, values: Vector) -> pd.DataFrame:
    """Known flow-years of flows that trade in some year, with the codes of their effects."""
    flows, years = info.flows, _years(info)
    trade = info.history.astype(np.float64) / UNIT
    known = np.isfinite(trade) & np.isfinite(values)
    known &= np.where(known, trade, 0.0).sum(axis=0) > 0
    row, flow = np.nonzero(known)
    if row.size > MOST_ROWS:
        raise InputError(
            f"{row.size:,} flow-years are too many for an estimate ({MOST_ROWS:,} at most)",
            remedy="State a semi_elasticity with its standard_error and source",
        )
    n, k = np.int64(len(flows.countries)), np.int64(len(flows.sectors))
    abroad = (flows.exporter != flows.importer).astype(np.int64)
    return pd.DataFrame(
        {
            "value": trade[row, flow],
            "x": values[row, flow],
            "exporter_year": flows.exporter_margin[flow] + n * k * row,
            "importer_year": flows.importer_margin[flow] + n * k * row,
            "border_year": abroad[flow] + 2 * (flows.sector[flow] + k * row),
            "flow": flow,
            "exporter": flows.exporter[flow],
            "pair": flows.exporter[flow] * n + flows.importer[flow],
            "row": row,
            "year": years.start + row,
        }
    )


def _effect(
    found: tuple[float, float],
    table: pd.DataFrame,
    *,
    sample: Vector,
    latest: Vector,
) -> PanelEffect:
    return PanelEffect(
        value=found[0],
        standard_error=found[1],
        observations=len(table),
        years=(int(table["year"].min()), int(table["year"].max())),
        sample=sample,
        latest=latest,
    )
