"""Which models a back-test forecasts with."""

from __future__ import annotations

from forecasting.options.run_config import RunConfig
from models.registry import UNTUNED, Model, backtest_models, registered


def run_models(config: RunConfig) -> tuple[Model, ...]:
    """Models of a configuration's back-test, the main one among them, in the order of reports."""
    models = backtest_models(config.settings)
    return (*models, registered(UNTUNED)) if config.tune else models
