"""`gravicast nowcast`: a run's forecasts with the reports of a later day, and what changed them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.errors import InputError
from features.world.reports import monthly_frame, reports_frame
from forecasting import (
    RunConfig,
    RunResult,
    country_brief,
    flow_brief,
    read_run,
    run,
    simulate_world,
)
from forecasting.cli.main import main
from forecasting.results.subjects import nearest_year
from forecasting.serving.nowcast import OTHER, nowcast
from models.forecaster import FittedForecaster
from models.nowcast import NOBODY
from models.saved import load_forecaster

LEARNS = {"min_data_in_leaf": 5, "num_leaves": 8}
QUICK = {"horizons": (1, 2), "rounds": 5, "params": LEARNS, "experiment": None,
         "figures": False, "report": False, "quiet": True, "first_origin": 2010}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A run of 1 March, when no reporter has filed the year after the origin yet."""
    folder: Path = tmp_path_factory.mktemp("nowcast")
    trade = simulate_world(seed=3, n_countries=12, n_years=19).trade
    reports = reports_frame(trade, seed=3)
    last = int(trade["year"].max())
    trade[trade["year"] < last].to_parquet(folder / "trade.parquet")
    reports.to_parquet(folder / "reports.parquet")
    monthly_frame(trade, seed=3).to_csv(folder / "monthly.csv", index=False)
    return run(
        RunConfig(
            trade=folder / "trade.parquet",
            reports=folder / "reports.parquet",
            monthly=(folder / "monthly.csv",),
            extra_codes=tuple(sorted(set(trade["exporter"]))),
            as_of=f"{last + 1}-02-10",
            out=folder / "run",
            **QUICK,
        )
    )


def read_forecaster(made: RunResult) -> FittedForecaster:
    return load_forecaster(made.out / "model")


def test_a_run_with_reports_is_read_back_and_adds_up(made):
    again = read_run(made.out)
    assert again.provenance["setting"] == "reports_known"
    rows = again.attributions
    totals = rows[[name for name in rows if str(name).startswith("total:")]].sum(axis=1)
    np.testing.assert_allclose(
        totals, 100 * np.log(rows["base"] / rows["value_origin"]), atol=1e-6, rtol=1e-9
    )
    assert (
        rows.loc[rows["horizon"] == 1, "base"] == rows.loc[rows["horizon"] == 1, "forecast"]
    ).all()


def test_the_news_adds_up_to_the_change_of_every_year(made, tmp_path):
    update = nowcast(
        made.out, as_of=f"{made.provenance['origin'] + 2}-07-01", out=tmp_path / "now", quiet=True
    )
    sums = [
        r.forecasts.groupby("target_year")["forecast"].sum() for r in (update.before, update.after)
    ]
    change = sums[1] - sums[0]
    for year in change.index:
        assert update.news[year].sum() == pytest.approx(change[year], rel=1e-9)
    assert len(update.news) > 1
    assert OTHER in set(update.news["reporter"])


def test_the_same_day_brings_no_news(made, tmp_path):
    update = nowcast(made.out, out=tmp_path / "now", quiet=True)
    np.testing.assert_allclose(
        update.after.forecasts["forecast"], update.before.forecasts["forecast"], rtol=1e-9
    )
    assert list(update.news["reporter"]) == [OTHER]


def test_the_command_names_the_reporters(made, tmp_path, capsys):
    day = f"{made.provenance['origin'] + 2}-07-01"
    code = main(["nowcast", str(made.out), "--as-of", day, "--out", str(tmp_path / "n"), "--quiet"])
    assert code == 0
    words = capsys.readouterr().out
    assert "by the news" in words
    assert "XA" in words


def test_a_day_before_the_flows_of_the_origin_is_refused_and_leaves_nothing(made, tmp_path):
    day = f"{made.provenance['origin'] + 1}-07-01"
    with pytest.raises(InputError, match="starts from"):
        nowcast(made.out, as_of=day, out=tmp_path / "now", quiet=True)
    assert not (tmp_path / "now").exists()


def test_briefs_of_a_nowcast_say_what_was_reported(made):
    year = made.provenance["origin"] + 1
    rows = made.forecasts[made.forecasts["horizon"] == 1]
    kept = rows.loc[rows[["value_origin", "forecast"]].min(axis=1).idxmax()]
    words = str(flow_brief(made, (kept["exporter"], kept["importer"])))
    assert f"nowcast of {year}" in words
    starts = rows[(rows["value_origin"] <= 0) & (rows["forecast"] > 0)]
    for row in starts.head(1).itertuples():
        assert "this one starts" in str(flow_brief(made, (row.exporter, row.importer)))
    assert "the nowcast of" in str(country_brief(made, str(kept["exporter"])))


def test_before_anybody_has_filed_intervals_are_those_of_totals_known(made):
    nowcast = read_forecaster(made).nowcast
    assert nowcast is not None
    assert not nowcast.reported.any()
    rows = made.forecasts[made.forecasts["horizon"] == 1]
    low, high = nowcast.intervals[NOBODY].bounds(rows["forecast"].to_numpy(), np.zeros(len(rows)))[
        90
    ]
    traded = (rows["forecast"] > 0).to_numpy()
    np.testing.assert_allclose(rows["lower_90"].to_numpy()[traded], low[traded])
    np.testing.assert_allclose(rows["upper_90"].to_numpy()[traded], high[traded])
    assert any("no flow of" in note for note in made.provenance["notes"])


def test_shifts_are_shown_of_the_first_year_that_is_not_a_nowcast(made):
    assert nearest_year(made.forecasts) == made.provenance["origin"] + 2
    nowcast = made.forecasts[made.forecasts["horizon"] == 1]
    assert nearest_year(nowcast) == made.provenance["origin"] + 1
