"""What a run returns, in memory; the same tables as the files in its output folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecasting.explanation.explain import Explanation
from forecasting.measurement.tables import MeasureTables
from forecasting.run_folder.files import RunFile, tables_of

if TYPE_CHECKING:
    from forecasting.evaluation.study import Study
    from forecasting.evaluation.tuning import Tuning
    from forecasting.options.run_config import RunConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Everything a run produced; what a forecast by a trained model lacks is empty.

    Attributes
    ----------
    config
        As requested.
    out
        Output folder.
    forecasts
        One row per flow and target year: ``origin, as_of, horizon, target_year, exporter, importer,
        [sector], value_origin, base, forecast, lower_50, upper_50, lower_90, upper_90,
        probability_of_trade``, USD.
    scores
        One row per setting, model, horizon and stratum, means over origins; ``skill_*`` against
        the last value.
    scores_by_origin
        The same by origin, for stratum ``all``.
    significance
        Tests of the main model against every baseline, see `significance.significance_table`.
    reliability
        How often flows start and stop, by forecast probability, see
        `reliability.summarise_reliability`.
    world_errors
        How far each forecast of world trade may be off, see `Calibration.world_errors`.
    study
        Gravity models, channels left out and placebos; None without ``--study``.
    tuning
        Trials of the booster's parameters, and what they gained; None without ``--tune``.
    attributions
        One row per explained flow and target year, percent: totals (prefix ``total:``), base
        value, raking, and a column per feature and per channel (``channel:``); see
        `explain.attribution_table`.
    explanation
        The same as arrays, for SHAP plots.
    channels
        ``channel, label, mean_abs_percent, mean_abs_net_percent, share`` over the explained rows,
        largest first (`explain.channel_summary`), with rank, sign and stability
        (`drivers.channel_drivers`).
    drivers
        The same per feature, with its expected sign, see `drivers.feature_drivers`.
    stability
        Drivers of the models of every back-test origin and of other seeds, see
        `drivers.stability_table`.
    coverage
        What the data fill, one row per feature.
    measures
        Measures of the trade pattern; None for ``gravicast forecast``.
    provenance
        Content of ``run.json``.
    timings
        Seconds by stage.
    """

    config: RunConfig
    out: Path
    forecasts: pd.DataFrame
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    scores_by_origin: pd.DataFrame = field(default_factory=pd.DataFrame)
    significance: pd.DataFrame = field(default_factory=pd.DataFrame)
    reliability: pd.DataFrame = field(default_factory=pd.DataFrame)
    world_errors: pd.DataFrame = field(default_factory=pd.DataFrame)
    study: Study | None = None
    tuning: Tuning | None = None
    attributions: pd.DataFrame
    explanation: Explanation
    channels: pd.DataFrame
    drivers: pd.DataFrame
    stability: pd.DataFrame = field(default_factory=pd.DataFrame)
    coverage: pd.DataFrame
    measures: MeasureTables | None = None
    provenance: dict[str, Any]
    timings: dict[str, float]

    def tables(self) -> Iterator[tuple[RunFile, pd.DataFrame]]:
        """Every table that work of this kind made, with the file that holds it."""
        done = {"study": self.study is not None, "tune": self.tuning is not None}
        for file in tables_of(self.provenance["kind"], **done):
            *group, name = file.result.split(".")
            holder = getattr(self, group[0]) if group else self
            if holder is not None:
                yield file, getattr(holder, name)
