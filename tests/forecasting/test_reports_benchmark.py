"""What reports add to the scoreboard, on a tiny world: its rows, its tests and its section."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import reports_known as benchmark
from board_section import board_with

from features.data.monthly import MonthlyTrade
from features.data.panel import TradePanel
from features.data.reports import Reports
from features.information import DataBundle
from features.world.reports import monthly_frame, reports_frame
from forecasting import RunConfig, simulate_world

BOARD = "# Scoreboard\n\n## Every model\n\n| a |\n\n## To reproduce\n\n```\ngravicast run\n```\n"


@pytest.fixture(scope="module")
def study():
    """Of the study itself, on 10 countries and 14 years, one origin."""
    trade = simulate_world(seed=3, n_countries=10, n_years=14).trade
    panel = TradePanel.from_frame(trade)
    reports = Reports.from_frame(reports_frame(trade, seed=3), flows=panel.flows, delays={})
    monthly = MonthlyTrade.from_frame(monthly_frame(trade, seed=3))
    config = RunConfig(
        trade="flows.csv", reports="reports.csv", horizons=(1,), rounds=5,
        params={"min_data_in_leaf": 5, "num_leaves": 8}, experiment=None,
    )  # fmt: skip
    bundle = DataBundle(panel, reports=reports, monthly=monthly)
    return benchmark.study(bundle, reports, config, origins=1)


@pytest.fixture(scope="module")
def rows(study) -> pd.DataFrame:
    return study.errors


@pytest.mark.slow
def test_every_standing_row_is_scored_at_every_origin(rows):
    wapes = rows.pivot_table(index="origin", columns="row", values="WAPE")
    assert wapes.shape == (1, 12)
    assert not wapes.isna().any(axis=None)
    means = wapes.mean()
    assert means["56 early reporters, noise x1"] < 0.5 * means["totals known"]
    assert means["56 early reporters, noise x1"] < means["56 early reporters, noise x2"]
    assert means["56 early reporters, noise x1"] < means["importers only"] < means["none"]
    # Without any report there is nothing but what totals known has.
    assert means["none"] == means["totals known"]


@pytest.mark.slow
def test_the_section_stands_once_before_the_last(study, monkeypatch, tmp_path):
    targets = pd.DataFrame(
        [("none", 1, "WAPE", 9.0), ("none", 1, "Log MAE", 0.0)],
        columns=["row", "horizon", "error", "reach"],
    )
    targets.to_csv(tmp_path / "targets.csv", index=False)
    monkeypatch.setattr(benchmark, "TARGETS", tmp_path / "targets.csv")
    board = board_with(BOARD, study.section())
    assert board_with(board, study.section()) == board
    titles = [line for line in board.splitlines() if line.startswith("## ")]
    assert titles == ["## Every model", f"## {benchmark.SECTION}", "## To reproduce"]
    assert board.endswith(BOARD[BOARD.index("## To") :])
    assert "WAPE 9.0000: reached; Log MAE 0.0000: missed" in board


@pytest.mark.slow
def test_intervals_of_the_first_row_are_scored_by_who_has_reported(study):
    table = study.coverage[study.coverage["stratum"].str.startswith("reported_by")]
    assert set(table["horizon"]) == {1}
    assert table["coverage_90"].between(0, 1).all()
    everything = study.coverage.loc[study.coverage["stratum"] == "all", "n"].item()
    assert table["n"].sum() == everything


def test_a_row_is_tested_against_the_base_of_the_same_origins():
    better = np.array([0.1, 0.2, 0.15, 0.12, 0.18, 0.11])
    origins = [
        {"row": name, "horizon": 1, "origin": k, "WAPE": 0.5 - times * better[k],
         "Pattern distance": 0.1, "Log MAE": 0.1}
        for name, times in (("ours", 1.0), ("raked base", 0.0), ("totals known", 1.5))
        for k in range(len(better))
    ]  # fmt: skip
    text = benchmark.shown(pd.DataFrame(origins), pd.read_csv(benchmark.TARGETS))
    ours = next(line for line in text.splitlines() if line.startswith("| ours"))
    assert "better at 6 of 6" in ours
    assert "better at 0 of 6" in ours


@pytest.mark.slow
def test_every_error_to_reach_is_of_a_row_that_there_is(rows):
    targets = pd.read_csv(benchmark.TARGETS)
    assert set(targets["row"]) <= set(rows["row"])
    assert set(targets["error"]) <= set(benchmark.ERRORS)
    assert set(targets["horizon"]) <= set(benchmark.HORIZONS)
