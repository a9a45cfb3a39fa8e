"""Models that a user compares with: scored, tested, tracked and written beside ours."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting import RunConfig, read_run, run
from forecasting.cli.run_summary import _errors
from forecasting.evaluation.run_models import comparators, run_models
from forecasting.fingerprint import fingerprint
from forecasting.tracking.metrics import origin_metrics

MINE = """
import pandas as pd

class Halved:
    def fit_predict(self, history, horizons, known_future):
        half = 0.5 * history.ffill().iloc[-1].fillna(0.0).to_numpy()
        quantiles = {p: 2 * p * half for p in (0.05, 0.25, 0.5, 0.75, 0.95)}
        return {h: pd.DataFrame(quantiles) for h in horizons}
"""


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    file = tmp_path_factory.mktemp("own") / "halved.py"
    file.write_text(MINE)
    return f"{file}:Halved"


@pytest.fixture(scope="module")
def compared(run_unaltered, mine):
    options = {"horizons": (1,), "rounds": 3, "settings": ("ex_ante",), "first_origin": 2008}
    return run_unaltered(**options, compare_with=(mine,))


def test_a_comparator_is_everywhere_that_models_are(compared):
    table = pd.read_parquet(compared / "backtest.parquet")
    np.testing.assert_allclose(table["Halved"], 0.5 * table["last_value"], rtol=1e-6)
    result = read_run(compared)
    assert "Halved" in set(result.significance["against"])
    board = (compared / "scoreboard.md").read_text(encoding="utf-8")
    assert "| Halved |" in board
    assert "--compare-with" in board
    assert any(line.startswith("Halved") for line in _errors(result))
    keys = {metric.key for metric in origin_metrics(result.scores_by_origin)}
    assert "scores_by_origin/wape/ex_ante/h1/Halved" in keys


def test_its_intervals_are_scored_as_ours_are(compared):
    scores = read_run(compared).scores_by_origin
    table = pd.read_parquet(compared / "backtest.parquet").dropna(subset="actual")
    halved = scores[scores["model"] == "Halved"].set_index("origin")
    for origin, rows in table.groupby("origin"):
        # Within 5 and 95 % of twice the forecast, which is the last value.
        low, high = (2 * p * rows["Halved"] for p in (0.05, 0.95))
        inside = ((rows["actual"] >= low) & (rows["actual"] <= high)).mean()
        assert halved.loc[origin, "coverage_90"] == pytest.approx(inside, abs=0.02)
        assert np.isfinite(halved.loc[origin, "pinball"])
    board = (compared / "scoreboard.md").read_text(encoding="utf-8")
    assert "## Intervals beside those of other models" in board


def test_what_it_is_called_decides_its_place():
    names = [model.name for model in run_models(RunConfig(compare_with="ets,theta", tune=2))]
    assert names[-3:] == ["default_parameters", "ets", "theta"]


@pytest.mark.parametrize(
    ("named", "says"),
    [
        (("thetta",), "Did you mean 'theta'?"),
        (("drift",), "knows no model 'drift'"),
        (("nothing_of_the_kind:Mine",), "no module 'nothing_of_the_kind'"),
        (("chronos2",), "pip install 'chronos-forecasting>=2'"),
    ],
)
def test_what_cannot_be_compared_with_is_refused(stops, named, says):
    stops(lambda: comparators(named), says=says)


def test_two_of_one_name_are_refused(stops, tmp_path, mine):
    other = tmp_path / "other.py"
    other.write_text(MINE)
    stops(lambda: comparators((mine, f"{other}:Halved")), says="two models 'Halved'")
    named = tmp_path / "named.py"
    named.write_text(MINE.replace("Halved", "drift"))
    stops(lambda: comparators((f"{named}:drift",)), says="a model 'drift' of its own")


def test_a_run_refuses_it_before_it_reads_any_data(stops, tmp_path):
    config = RunConfig(trade=tmp_path / "none.csv", compare_with="thetta", out=tmp_path / "run")
    stops(lambda: run(config, show_progress=False), says="thetta")


def test_another_comparator_of_the_same_name_is_another_run(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    config = RunConfig(compare_with=(f"{file}:Halved",))
    before = fingerprint(config, ())
    assert fingerprint(config, ()) == before
    file.write_text(MINE.replace("0.5 *", "0.6 *"))
    assert fingerprint(config, ()) != before
