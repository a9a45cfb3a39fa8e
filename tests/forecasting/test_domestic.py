"""The whole job with domestic sales as flows: it runs, and everything adds up to its totals."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from forecasting import RunResult, country_brief, flow_brief, load_forecaster
from forecasting.briefs.country import side_facts
from forecasting.briefs.home import home_sales
from forecasting.briefs.totals import effective_partners, partner_spread
from forecasting.figures.plot_options import largest_flow
from forecasting.results.subjects import check_flow, check_year
from forecasting.tracking.pyfunc_model import GravicastModel
from models.raking import rake


def test_a_run_with_domestic_sales_adds_up_and_sees_no_total_ahead_of_its_flows(
    run_on, diagonal_bundle
):
    # One run for all three: it is most of the time.
    home = ("DEU", "DEU", diagonal_bundle.panel.flows.sectors[0])
    result = run_on(diagonal_bundle, "run", explain_flow=home, first_origin=2008)
    assert check_flow(result.forecasts, home) == home
    assert flow_brief(result, home).title.startswith("Sales at home in Germany (DEU)")
    partners_and_sectors_add_up(result)
    both_settings_start_from_one_base(result)
    a_country_is_not_its_own_market(result)
    the_logged_model_answers_for_sales_at_home(result)
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
    keys = ["origin", "horizon", "exporter", "importer", "sector"]
    known, ex_ante = (
        table[table["setting"] == setting].sort_values(keys)["base"].to_numpy()
        for setting in ("totals_known", "ex_ante")
    )
    assert known.size > 0
    np.testing.assert_array_equal(known, ex_ante)


def a_country_is_not_its_own_market(result: RunResult) -> None:
    """Its sales at home stand apart in a brief, and in no sum that is called exports."""
    brief = country_brief(result, "DEU")
    said = " ".join(brief.summary)
    assert "Of the exports of " in said
    assert "Sales at home are apart from exports and imports" in said
    assert "Germany" not in set(brief.tables["exports_partners"].frame["partner_name"])
    exports, imports = side_facts(result, "DEU", check_year(result.forecasts, None))
    exporter, importer, _ = largest_flow(result)
    assert exporter != importer
    home = home_sales(result, "DEU", check_year(result.forecasts, None))
    for side in (exports, imports):
        # What is left at home and what goes abroad are parts of one total.
        assert side.above - side.below + home.shift == pytest.approx(0, abs=1e-6 * side.total)
    rows = result.forecasts
    # Levels are of trade with others, and called exports.
    levels = brief.tables["exports_levels"].frame.iloc[-1]
    sold = rows[(rows["exporter"] == "DEU") & (rows["target_year"] == levels["target_year"])]
    assert levels["forecast_usd"] == pytest.approx(
        sold[sold["importer"] != "DEU"]["forecast"].sum()
    )
    year = int(rows["target_year"].min())
    rows = rows[(rows["exporter"] == "DEU") & (rows["importer"] != "DEU")]
    rows = rows[rows["target_year"] == year]
    abroad = rows.groupby("importer", observed=True)["forecast"].sum()
    spread = partner_spread(result, "DEU", side="exporter", year=year)
    assert spread.then == pytest.approx(effective_partners(abroad))


def the_logged_model_answers_for_sales_at_home(result: RunResult) -> None:
    class Context:
        artifacts: ClassVar = {"forecaster": str(result.out / "model")}

    model = GravicastModel()
    model.load_context(Context())
    rows = result.forecasts[result.forecasts["horizon"] == 1]
    home = rows[(rows["exporter"] == "DEU") & (rows["importer"] == "DEU")]
    asked = home[["exporter", "importer", "sector"]].astype(str).assign(horizon=1)
    np.testing.assert_allclose(model.predict(None, asked)["forecast"], home["forecast"])
