"""A trained model's last year, compared with the same year in new data."""

from __future__ import annotations

import numpy as np

from features.data.flows import FlowIndex
from features.data.panel import TradePanel
from features.findings import Finding
from features.plausibility.levels import model_findings
from models.forecaster import FittedForecaster


def shared_year_findings(forecaster: FittedForecaster, panel: TradePanel) -> list[Finding]:
    """Whether the new table agrees with the model's trade in the year that both hold.

    The model keeps the flows of its origin.
    """
    year = forecaster.origin
    if not panel.first_year <= year <= panel.last_year:
        return []
    theirs, ours = _shared(forecaster.flows, panel.flows)
    now = np.nan_to_num(panel.values[panel.row(year)][ours].astype(np.float64))
    return model_findings(now, forecaster.value[theirs], year=year)


def _shared(left: FlowIndex, right: FlowIndex) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the flows that two universes share, in each."""
    country = np.array([_place(right.countries, code) for code in left.countries], dtype=np.int32)
    sector = np.array([_place(right.sectors, name) for name in left.sectors], dtype=np.int32)
    exporter, importer = country[left.exporter], country[left.importer]
    kind = sector[left.sector]
    both = (exporter >= 0) & (importer >= 0) & (kind >= 0)
    both &= (exporter != importer) | right.diagonal
    here = np.flatnonzero(both)
    there = right.position(exporter[here], importer[here], kind[here])
    return here[there >= 0], there[there >= 0]


def _place(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1
