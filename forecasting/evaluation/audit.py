"""A run's checks of itself for ``run.json``: no leak; contributions and flows add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalogue import origin_matrix
from features.choices import Setting
from features.information import DataBundle
from forecasting.evaluation.altered_future import alter_future
from forecasting.evaluation.prepared import PreparedData, information_sets
from models.forecaster import FlowForecast
from models.known_totals import Totals
from models.totals import forecast_totals


@dataclass(frozen=True, slots=True)
class Audit:
    """What a run found when it checked itself.

    Attributes
    ----------
    origins
        Where the check for leaks was made.
    cells_altered
        Cells published after an origin's as-of date whose values were altered.
    features_changed, totals_changed
        Names of features and horizons of totals that changed with them; there must be none.
    additivity
        Largest distance of a flow's SHAP values from its predicted shift, as midpoint growth.
    adds_up
        Largest relative distance of forecasts from their base's exporter and importer totals.
    """

    origins: tuple[int, ...]
    cells_altered: int
    features_changed: tuple[str, ...]
    totals_changed: tuple[int, ...]
    additivity: float
    adds_up: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return asdict(self)


def audit(
    data: DataBundle,
    prepared: PreparedData,
    *,
    setting: Setting,
    origins: Sequence[int],
    horizons: Sequence[int],
    seed: int,
    forecasts: Sequence[FlowForecast],
    additivity: float,
) -> Audit:
    """Alter the future at some origins and check that nothing known then changes.

    Parameters
    ----------
    data, prepared
        As read, and the features and information sets built from it.
    setting
        Whose features are compared.
    origins, horizons
        Where; of the totals that are compared.
    seed
        Of the alterations.
    forecasts
        The final forecasts, whose totals are compared with their bases'.
    additivity
        `Explanation.largest_gap`.
    """
    rng = np.random.default_rng(seed)
    changed: set[int] = set()
    moved: set[int] = set()
    cells = 0
    for origin in origins:
        as_of = prepared.rule.date(origin)
        other, count = alter_future(data, as_of=as_of, origin=origin, setting=setting, rng=rng)
        cells += count
        infos = information_sets(other, setting=setting, rule=prepared.rule, last=origin)
        changed |= _columns_apart(
            origin_matrix(infos[origin], own=prepared.added),
            prepared.matrices[setting, origin],
        )
        found = forecast_totals(infos, origin=origin, horizons=horizons)
        known = {o: info for o, info in prepared.infos[setting].items() if o <= origin}
        expected = forecast_totals(known, origin=origin, horizons=horizons)
        moved |= {h for h in horizons if not _same(found[h], expected[h])}
    return Audit(
        origins=tuple(origins),
        cells_altered=cells,
        features_changed=tuple(prepared.names[column] for column in sorted(changed)),
        totals_changed=tuple(sorted(moved)),
        additivity=additivity,
        adds_up=max((f.largest_gap for f in forecasts), default=0.0),
    )


def _columns_apart(found: NDArray[np.float32], expected: NDArray[np.float32]) -> set[int]:
    apart = (found != expected) & ~(np.isnan(found) & np.isnan(expected))
    return set(np.flatnonzero(apart.any(axis=0)).tolist())


def _same(found: Totals, expected: Totals) -> bool:
    return np.array_equal(found.exporter, expected.exporter) and np.array_equal(
        found.importer, expected.importer
    )


def explained_counts(
    forecasts: pd.DataFrame, *, explained: int, largest_gap: float, exact: bool
) -> dict[str, Any]:
    """How many flow x target years were explained, how well, and why the others were not."""
    based = forecasts[["value_origin", "base"]].min(axis=1) > 0
    no_base, stops = int((~based).sum()), int((based & (forecasts["forecast"] <= 0)).sum())
    return {
        "forecasts": len(forecasts),
        "explained": explained,
        "no_trade_at_origin": no_base,
        "forecast_to_stop": stops,
        "largest_gap": largest_gap,
        "exact": exact,
    }
