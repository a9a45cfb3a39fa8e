"""The reference table of evaluation.md, computed with project code only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.data.indicators import Indicators
from features.data.panel import TradePanel
from features.information import AsOfRule, DataBundle, InformationSet
from forecasting.evaluation.metrics import log_mae, midpoint_mae, pattern_distance, wape
from models.baselines import drift, last_value, last_value_raked
from models.raking import rake

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data, and {DATA} is not there"),
]

METRICS = (wape, pattern_distance, midpoint_mae, log_mae)
FIRST_ORIGIN, LAST_YEAR = 2003, 2017
ORIGINS = {1: 14, 2: 13, 3: 12, 5: 10}
REFERENCE = {
    "last value": {
        1: (0.1569, 0.0544, 0.4272, 0.4354),
        2: (0.2239, 0.0818, 0.5359, 0.5690),
        3: (0.2636, 0.1045, 0.6063, 0.6627),
        5: (0.3289, 0.1401, 0.7213, 0.8244),
    },
    "drift": {
        1: (0.1589, 0.0544, 0.4211, 0.4276),
        2: (0.2533, 0.0818, 0.5264, 0.5549),
        3: (0.3326, 0.1045, 0.5923, 0.6393),
        5: (0.5050, 0.1401, 0.6973, 0.7780),
    },
    "raked": {
        1: (0.0850, 0.0424, 0.3964, 0.3972),
        2: (0.1752, 0.0689, 0.5040, 0.5258),
        3: (0.2333, 0.0917, 0.5777, 0.6207),
        5: (0.2941, 0.1283, 0.6828, 0.7630),
    },
    "oracle": {
        1: (0.0773, 0.0386, 0.3937, 0.3935),
        2: (0.1070, 0.0535, 0.4777, 0.4914),
        3: (0.1294, 0.0647, 0.5281, 0.5527),
        5: (0.1628, 0.0814, 0.6014, 0.6407),
    },
}


@pytest.fixture(scope="module")
def infos() -> dict[int, InformationSet]:
    panel = TradePanel.read(DATA / "trade" / "goods_totals.parquet")
    folder = DATA / "indicators"
    indicators = Indicators.read(
        folder / "country_year.parquet", folder / "catalogue.csv", countries=panel.flows.countries
    )
    data = DataBundle(panel, indicators=indicators)
    rule = AsOfRule()
    return {
        origin: InformationSet(data, as_of=rule.date(origin))
        for origin in range(FIRST_ORIGIN, LAST_YEAR + 1)
    }


@pytest.fixture(scope="module")
def panel(infos) -> TradePanel:
    return infos[LAST_YEAR]._data.panel


def forecast(name: str, info: InformationSet, horizon: int, actual: np.ndarray) -> np.ndarray:
    if name == "last value":
        return last_value(info)
    if name == "drift":
        return drift(info, horizon=horizon)
    if name == "raked":
        return last_value_raked(info, horizon=horizon)
    flows = info.flows
    return rake(
        last_value(info), flows=flows, exporter_totals=flows.exporter_totals(actual),
        importer_totals=flows.importer_totals(actual),
    ).values  # fmt: skip


def test_the_panel_is_the_one_the_table_was_made_on(panel):
    assert (len(panel.flows.countries), panel.first_year, panel.last_year) == (99, 1995, 2017)
    assert panel.notes.rows == 223_146
    assert panel.notes.absent_cells == 0


# evaluation.md prints .7780 here; this code and twenty lines of pandas both give .7800, while the
# other three figures of the same forecasts agree.
MISPRINT = ("drift", 5, "log_mae")
CASES = [
    pytest.param(
        name, horizon, metric, figure,
        id=f"{name}-{horizon}-{metric.__name__}",
        marks=pytest.mark.xfail(strict=True, reason="evaluation.md prints .7780, measured .7800")
        if (name, horizon, metric.__name__) == MISPRINT
        else (),
    )
    for name, by_horizon in REFERENCE.items()
    for horizon, figures in by_horizon.items()
    for metric, figure in zip(METRICS, figures, strict=True)
]  # fmt: skip


@pytest.fixture(scope="module")
def forecasts(infos, panel) -> dict[tuple[str, int], list[tuple[np.ndarray, np.ndarray]]]:
    """Actual and forecast flows of every origin, by model and horizon."""
    out = {}
    for name in REFERENCE:
        for horizon, count in ORIGINS.items():
            origins = range(FIRST_ORIGIN, LAST_YEAR - horizon + 1)
            assert len(origins) == count
            pairs = []
            for origin in origins:
                info = infos[origin]
                assert info.origin == origin
                actual = panel.values[panel.row(origin + horizon)].astype(np.float64)
                pairs.append((actual, forecast(name, info, horizon, actual)))
            out[name, horizon] = pairs
    return out


@pytest.mark.parametrize(("name", "horizon", "metric", "figure"), CASES)
def test_a_reference_figure_is_met_to_four_decimals(forecasts, name, horizon, metric, figure):
    found = np.mean([metric(actual, predicted) for actual, predicted in forecasts[name, horizon]])
    assert round(float(found), 4) == figure


def test_the_figure_that_evaluation_misprints_is_what_pandas_measures(forecasts):
    found = np.mean([log_mae(actual, predicted) for actual, predicted in forecasts["drift", 5]])
    assert round(float(found), 4) == 0.7800
