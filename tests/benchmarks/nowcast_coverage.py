"""Coverage of the nowcast's 90 % intervals, by size and by how many countries have reported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from features.choices import REPORTS_KNOWN, TOTALS_KNOWN
from forecasting.evaluation.calibration import Calibration
from forecasting.evaluation.fold import FoldForecast, bare_forecast
from forecasting.evaluation.nowcasting import Nowcasts
from forecasting.evaluation.prepared import PreparedData
from forecasting.evaluation.scores import BY_REPORTS, reported_strata, score_forecast, strata
from forecasting.words.labels import stratum
from forecasting.words.markdown import table
from models.flow_model import Known
from models.forecaster import ShiftForecaster
from models.registry import MAIN_MODEL


class NowcastCoverage:
    """Coverage of the nowcast's 90 % intervals, each calibrated on the years before it.

    Parameters
    ----------
    prepared
        The data.
    nowcasts
        From the reports whose intervals are scored.
    first_origin
        Of the folds, which are added in their order.
    """

    def __init__(self, prepared: PreparedData, nowcasts: Nowcasts, *, first_origin: int) -> None:
        infos = {**prepared.infos, REPORTS_KNOWN: dict(nowcasts.infos)}
        self._prepared = replace(prepared, nowcasts=nowcasts, infos=infos)
        self._calibration = Calibration(self._prepared, first_origin=first_origin, horizons=(1,))
        self.rows: list[dict[str, object]] = []

    def add(self, main: ShiftForecaster, plain: Known, known: Known) -> None:
        """Score an origin's intervals, then learn from its errors."""
        assert known.start is not None
        by_reports = self._forecast(main, known)
        reported = known.start.implied.reported.astype(np.float64)
        by_reports = replace(by_reports, reported=reported)
        masks = strata(known.info, by_reports.value_origin) | reported_strata(reported)
        bounds = self._calibration.bounds(by_reports)
        self.rows += score_forecast(by_reports, masks, bounds)
        without = replace(self._forecast(main, plain), setting=TOTALS_KNOWN)
        for forecast in (by_reports, without):
            self._calibration.add(forecast)

    def _forecast(self, main: ShiftForecaster, known: Known) -> FoldForecast:
        found = main.flow_forecasts(replace(known, horizons=(1,)))[1]
        bare = bare_forecast(self._prepared, known, 1, MAIN_MODEL, found.forecast)
        return replace(bare, base=found.base, expected=found.expected)


def coverage_shown(rows: pd.DataFrame) -> str:
    """Coverage and width of 90 % intervals by group of flows, and what they should be."""
    means = rows.groupby("stratum")[["coverage_90", "width_90"]].mean()
    deciles = means.loc[means.index.str.startswith("decile_"), "coverage_90"]
    by_name = {"all": "88 to 92 %, width at most 0.200"}
    by_name |= {name: "85 to 95 %" for name in BY_REPORTS if name in means.index}
    lines = [
        [stratum(str(name)), f"{row['coverage_90']:.1%}", f"{row['width_90']:.3f}", by_name[name]]
        for name, row in means.loc[list(by_name)].iterrows()
    ]
    spread = f"{deciles.min():.1%} to {deciles.max():.1%}"
    lines.append(["Size deciles, least and most", spread, "", "85 to 95 %"])
    return table(["Flows", "Coverage", "Width, share of trade", "To reach"], lines)
