"""The final model of a simulated world, explained as in the main job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from features.choices import Setting
from forecasting.evaluation.prepared import PreparedData
from forecasting.explanation.explain import Explanation, explain
from forecasting.final_forecast import LAST_ROWS
from forecasting.options.run_config import RunConfig
from models.design import origin_value
from models.forecaster import FittedForecaster, FlowForecast
from models.shift import ShiftModel
from models.totals import forecast_totals
from models.trade_probability import TradeProbability

ROWS = LAST_ROWS * RunConfig().max_rows
"""What the last fit of the main job draws by default."""


@dataclass(frozen=True)
class Explained:
    """A fitted model with its forecasts by horizon and what they are made of."""

    forecaster: FittedForecaster
    forecasts: dict[int, FlowForecast]
    explanation: Explanation


@pytest.fixture(scope="session")
def explain_at() -> Callable[..., Explained]:
    """Fit at an origin of prepared data, forecast the horizons and explain them."""
    return _explain_at


def _explain_at(
    prepared: PreparedData,
    origin: int,
    *,
    setting: Setting,
    horizons: tuple[int, ...],
) -> Explained:
    infos = {o: info for o, info in prepared.infos[setting].items() if o <= origin}
    design = prepared.design.until(origin).thinned(max_rows=ROWS, seed=1)
    forecaster = FittedForecaster(
        flows=prepared.panel.flows,
        origin=origin,
        as_of="",
        value=origin_value(infos[origin]),
        features=prepared.matrices[setting, origin],
        totals=forecast_totals(infos, origin=origin, horizons=horizons),
        intervals={},
        shift=ShiftModel(seed=1, threads=1).fit(design),
        probability=TradeProbability(seed=1, threads=1).fit(design),
    )
    forecasts = {horizon: forecaster.flow_forecast(horizon) for horizon in horizons}
    return Explained(forecaster, forecasts, explain(forecaster, forecasts))
