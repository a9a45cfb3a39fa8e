"""The whole job with domestic sales as flows: it runs, and everything adds up to its totals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecasting import RunResult, load_forecaster
from models.raking import rake


def test_a_run_with_domestic_sales_adds_up_and_sees_no_total_ahead_of_its_flows(
    run_on, diagonal_bundle
):
    # One run for all three: it is most of the time.
    result = run_on(diagonal_bundle, "run")
    partners_and_sectors_add_up(result)
    both_settings_start_from_one_base(result)
    assert not result.provenance["audit"]["features_changed"]
    assert not result.provenance["audit"]["totals_changed"]


def partners_and_sectors_add_up(result: RunResult) -> None:
    forecaster = load_forecaster(result.out / "model")
    flows, sectors = forecaster.flows, len(forecaster.flows.sectors)
    assert flows.diagonal
    for horizon, totals in forecaster.totals.items():
        table = result.forecasts[result.forecasts["horizon"] == horizon]
        assert len(table) == flows.size
        base = rake(forecaster.value, flows=flows, exporter_totals=totals.exporter,
                    importer_totals=totals.importer)  # fmt: skip
        sides = {"exporter": base.exporter_totals, "importer": base.importer_totals}
        for side, wanted in sides.items():
            sums = table.groupby([side, "sector"], observed=True)["forecast"].sum().sort_index()
            np.testing.assert_allclose(sums, wanted, rtol=1e-6, err_msg=f"{side} {horizon}")
            country = table.groupby(side, observed=True)["forecast"].sum().sort_index()
            by_country = wanted.reshape(-1, sectors).sum(axis=1)
            np.testing.assert_allclose(country, by_country, rtol=1e-6)


def both_settings_start_from_one_base(result: RunResult) -> None:
    """The published indices are of trade abroad: no total of this matrix is known ahead."""
    table = pd.read_parquet(result.out / "backtest.parquet")
    ours = table[table["model"] == "gravicast"]
    keys = ["origin", "horizon", "exporter", "importer", "sector"]
    known, ex_ante = (
        ours[ours["setting"] == setting].sort_values(keys)["base"].to_numpy()
        for setting in ("totals_known", "ex_ante")
    )
    assert known.size > 0
    np.testing.assert_array_equal(known, ex_ante)
