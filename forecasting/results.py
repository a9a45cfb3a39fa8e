"""What a run returns, in memory; the same tables as the files in its output folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from forecasting.config import RunConfig
    from forecasting.study import Study


TOTAL_TERMS: tuple[str, ...] = ("world", "exporter", "importer", "adjustment")
"""What turns a flow of the origin into its base, in the order of `Explanation.totals`."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a forecast is made of, flow by flow, in percent (100 times log points).

    Attributes
    ----------
    rows
        Explained flow x target year: ``exporter, importer, [sector], origin, horizon,
        target_year, value_origin, base, forecast``; one row a row of ``values``.
    totals
        Growth of world trade (of the sector); of the exporter's and of the importer's total beyond
        the world's; and the adjustment, what raking to all the other totals adds to their sum.
        Percent, shape ``[row, 4]``, columns `TOTAL_TERMS`.
    feature_names
        Columns of ``values`` and ``data``.
    values
        Exact SHAP values of the shift by feature, percent, shape ``[row, feature]``.
    base_values
        Shift of the average training row, percent, shape ``[row]``.
    raking
        What the final raking to the totals added, percent, shape ``[row]``.
    data
        Feature values, shape ``[row, feature]``.
    largest_gap
        Largest distance between a row's SHAP values and the shift the model predicted, as midpoint
        growth.

    Notes
    -----
    **Invariants.** ``totals.sum(axis=1) == 100 * ln(base / value_origin)``, and
    ``base_values + values.sum(axis=1) + raking == 100 * ln(forecast / base)``.
    """

    rows: pd.DataFrame
    totals: NDArray[np.float64]
    feature_names: tuple[str, ...]
    values: NDArray[np.float32]
    base_values: NDArray[np.float64]
    raking: NDArray[np.float64]
    data: NDArray[np.float32]
    largest_gap: float


@dataclass(frozen=True, slots=True)
class PatternShifts:
    """Measures of the trade pattern (`features.targets.catalogue`): past, forecast, scored.

    Every table has the columns ``measure`` and, of its unit, ``country, partner, sector``, empty
    where the measure has no such dimension.

    Attributes
    ----------
    history
        ``year, value``.
    forecasts
        ``origin, horizon, target_year, value_origin, base, forecast, lower_*, upper_*,
        chance_above`` (of exceeding the measure's threshold, where it has one).
    backtest
        The same at every origin, with ``actual``.
    scores
        One row a measure and horizon, `forecasting.targets.scores.score_measures`.
    drivers
        Contributions by term, `forecasting.targets.contributions.contributions`.
    missing
        Why other measures could not be computed, by name.
    """

    history: pd.DataFrame
    forecasts: pd.DataFrame
    backtest: pd.DataFrame
    scores: pd.DataFrame
    drivers: pd.DataFrame
    missing: dict[str, str]


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything a run produced.

    Attributes
    ----------
    config
        What was asked for.
    out
        Output folder.
    forecasts
        One row a flow and target year: ``origin, as_of, horizon, target_year, exporter, importer,
        [sector], value_origin, base, forecast, lower_50, upper_50, lower_90, upper_90,
        probability_of_trade``, USD.
    scores
        One row a setting, model, horizon and stratum, means over origins; ``skill_*`` against the
        last value.
    scores_by_origin
        The same by origin, stratum ``all``.
    significance
        The main model tested against every baseline, see `significance.significance_table`.
    reliability
        How often flows start and stop by forecast probability, see
        `reliability.summarise_reliability`.
    study
        Gravity models, channels left out and placebos; None unless the configuration asks.
    attributions
        One row an explained flow and target year, percent: totals (prefix ``total:``), base value,
        raking, one column a feature and one a channel (``channel:``); see
        `explain.attribution_table`.
    explanation
        The same as arrays, for SHAP plots.
    channels
        ``channel, label, mean_abs_percent, mean_abs_net_percent, share`` over the explained rows,
        largest first (`explain.channel_summary`), with rank, sign and stability
        (`drivers.channel_drivers`).
    drivers
        The same for every feature, beside the sign expected of it, see `drivers.feature_drivers`.
    stability
        Drivers of the models of every back-test origin and of other seeds, see
        `drivers.stability_table`.
    coverage
        What the data fill, one row a feature.
    pattern
        Measures of the trade pattern; None of a folder of ``gravicast forecast``.
    provenance
        Content of ``run.json``.
    timings
        Seconds by stage.
    """

    config: RunConfig
    out: Path
    forecasts: pd.DataFrame
    scores: pd.DataFrame
    scores_by_origin: pd.DataFrame
    significance: pd.DataFrame
    reliability: pd.DataFrame
    study: Study | None
    attributions: pd.DataFrame
    explanation: Explanation
    channels: pd.DataFrame
    drivers: pd.DataFrame
    stability: pd.DataFrame
    coverage: pd.DataFrame
    pattern: PatternShifts | None
    provenance: dict[str, Any]
    timings: dict[str, float]
