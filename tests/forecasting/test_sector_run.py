"""The main job on the simulated world with sectors, as small as it goes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.measures.catalogue import MEASURES
from forecasting import RunConfig, RunResult, read_run, run
from forecasting.briefs.country import country_brief

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result(tmp_path_factory) -> RunResult:
    config = RunConfig(
        world="sectors",
        horizons=(1,),
        rounds=5,
        first_origin=2017,
        workers=1,
        experiment=None,
        figures=False,
        report=False,
        out=tmp_path_factory.mktemp("sectors") / "run",
    )
    return run(config, show_progress=False)


def test_every_measure_is_forecast_scored_and_has_a_history(result):
    every = {measure.name for measure in MEASURES}
    for table in (result.measures.forecasts, result.measures.history, result.measures.scores):
        assert set(table["measure"].astype(str)) == every
    assert result.provenance["measures_missing"] == {}


def test_its_configuration_is_read_back(result):
    again = read_run(result.out).config
    assert again == result.config
    assert again.world == "sectors"
    assert again.settings == ("reports_known", "ex_ante")


def test_briefs_speak_of_its_countries_by_name(result):
    assert "Arvenia (XRV)" in str(country_brief(result, "Arvenia"))


def test_flows_that_nobody_declares_have_intervals_of_forecasts_without_reports(result):
    table = pd.read_parquet(result.out / "backtest.parquet")
    table = table[table["sector"].isin(["TRAV", "DIGI"]) & (table["forecast"] > 1e8)]
    width = np.log(table["upper_90"] / table["lower_90"])
    by_setting = width.groupby(table["setting"].astype(str)).median()
    assert by_setting["reports_known"] == pytest.approx(by_setting["ex_ante"], rel=0.3)


def test_reports_bring_the_nowcast_of_goods_nearer(result):
    """Services are not declared; their forecast is that of the other setting."""
    table = pd.read_parquet(result.out / "backtest.parquet")
    table = table[table["exporter"].astype(str) != table["importer"].astype(str)]
    services = table["sector"].isin(["TRAV", "DIGI"])
    missed = (table["forecast"] - table["actual"]).abs().groupby(
        [services.rename("services"), table["setting"].astype(str)]
    ).sum()  # fmt: skip
    assert missed[False, "reports_known"] < 0.8 * missed[False, "ex_ante"]
