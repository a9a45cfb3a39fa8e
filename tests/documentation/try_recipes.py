"""What the recipes of CONTRIBUTING.md brought, as JSON; run in a copy they were applied to."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from features.catalogue import NAMES, coverage, origin_matrix
from features.data.pairs import PairAttributes
from features.data.panel import TradePanel
from features.information import AsOfRule, DataBundle, InformationSet
from features.measures.catalogue import MEASURES
from features.measures.measure import PanelContext, TradeYear
from features.store.fetching import fetch
from features.store.registry import connector_class
from forecasting import RunConfig, plan_folds
from forecasting.evaluation.fold import fold_forecasts
from forecasting.evaluation.prepared import prepare
from forecasting.figures.plots import KINDS, plot
from models.registry import backtest_models, baselines
from models.shift import CHOICES

COUNTRIES = ("BRA", "CHN", "DEU", "FRA")
PAIRS = [(o, d) for o in COUNTRIES for d in COUNTRIES if o != d]


def feature() -> dict[str, object]:
    rows = [
        (*pair, year, 1e6 * (n + 1)) for n, pair in enumerate(PAIRS) for year in range(2000, 2006)
    ]
    panel = TradePanel.from_frame(
        pd.DataFrame(rows, columns=["exporter", "importer", "year", "value_usd"])
    )
    hours = pd.DataFrame(PAIRS, columns=["iso3_o", "iso3_d"])
    hours["tdiff"] = np.arange(len(PAIRS)) / 2.0
    bundle = DataBundle(
        panel,
        pairs=PairAttributes.from_frames([("hours", hours)], countries=panel.flows.countries),
    )
    info = InformationSet(bundle, as_of=AsOfRule().date(2004), origin=2004, setting="ex_ante")
    matrix = origin_matrix(info)
    table = coverage(info, matrix).set_index("feature")
    return {
        "column": matrix[:, NAMES.index("time_difference")].tolist(),
        "channel": table.loc["time_difference", "channel"],
    }


def model() -> dict[str, object]:
    """A fold of the back-test on a world in which every flow grows by a tenth a year."""
    rows = [
        (*pair, year, 1e6 * (n + 1) * 1.1 ** (year - 2000))
        for n, pair in enumerate(PAIRS)
        for year in range(2000, 2010)
    ]
    columns = ["exporter", "importer", "year", "value_usd"]
    config = RunConfig(horizons=(1,), settings=("ex_ante",))
    bundle = DataBundle(TradePanel.from_frame(pd.DataFrame(rows, columns=columns)))
    data = prepare(bundle, config)
    folds = plan_folds(first_year=2000, last_year=2009, horizons=(1,))
    (added,) = (m for m in backtest_models() if m.name == "recent_mean")
    (made,) = fold_forecasts(data, folds[-1], config, CHOICES[0], models=[added])
    return {"ratio": (made.forecast / made.actual).tolist(), "baseline": added.name in baselines()}


def measure() -> dict[str, object]:
    (declared,) = (m for m in MEASURES if m.name == "three_largest_suppliers")
    values = np.zeros((5, 5, 1))
    values[1:, 0, 0] = [50, 30, 15, 5]
    year = TradeYear(
        PanelContext(("AUS", *COUNTRIES), ("",), domestic=False), values, values > 0, values > 0
    )
    return {"value": declared.compute(year)[0], "family": declared.family}


def drawn() -> dict[str, object]:
    run = SimpleNamespace(
        forecasts=pd.DataFrame({"target_year": [2025, 2025, 2026], "forecast": [1e12, 2e12, 4e12]})
    )
    (axes,) = plot(run, "growth").axes
    return {"names": [kind.name for kind in KINDS], "points": axes.lines[0].get_ydata().tolist()}


def source(scratch: Path) -> dict[str, object]:
    by_hand = scratch / "whatever.csv"
    by_hand.write_text("sender,host,year,embassy\nDEU,FRA,2023,1\nFRA,DEU,2024,1\n")
    made = fetch(connector_class("embassies")(), store=scratch / "store", given=by_hand)
    return {"key": made.key, "rows": made.read().astype(str).to_numpy().tolist()}


if __name__ == "__main__":
    brought = {"feature": feature(), "model": model(), "measure": measure(), "plot": drawn()}
    print(json.dumps({**brought, "source": source(Path(sys.argv[1]))}))
