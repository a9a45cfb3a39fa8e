"""A tuned back-test: nested, beside the same model untuned, and said to gain only if it does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecasting import read_run
from forecasting.cli.run_summary import _tuned
from forecasting.evaluation.finished_tasks import FinishedTasks
from forecasting.evaluation.tasks import TuningStudy
from forecasting.evaluation.tuning import Tuning
from forecasting.tracking.children import children
from models.registry import UNTUNED
from models.shift import CHOICES
from models.tuning import TuningTrial

TRIALS = 2
SMALL = {"horizons": (1,), "rounds": 4, "settings": ("ex_ante",), "first_origin": 2006}


@pytest.fixture(scope="module")
def tuned(made_once, run_unaltered):
    return run_unaltered(**SMALL, tune=TRIALS)


def test_beside_it_stands_the_same_model_untuned(tuned, run_unaltered):
    ours = pd.read_parquet(tuned / "backtest.parquet")
    plain = pd.read_parquet(run_unaltered(**SMALL) / "backtest.parquet")
    np.testing.assert_array_equal(ours[UNTUNED], plain["forecast"])
    assert not np.allclose(ours["forecast"], plain["forecast"], rtol=1e-3, equal_nan=True)
    assert UNTUNED not in plain


def test_every_study_is_written_with_what_it_chose(tuned):
    run = read_run(tuned)
    trials = run.tuning.trials
    assert set(trials["origin"]) == {2006, 2008, 2010}
    for _, block in trials.groupby("origin"):
        assert list(block["trial"]) == list(range(TRIALS))
        assert list(block["chosen"]) == list((block["loss"] == block["loss"].min()).astype(int))
    chosen = trials[(trials["origin"] == 2010) & (trials["chosen"] == 1)].iloc[0]
    model = (tuned / "model" / "shift.txt").read_text(encoding="utf-8")
    assert f"[num_leaves: {chosen['num_leaves']:.0f}]" in model
    assert f"[num_iterations: {chosen['rounds']:.0f}]" in model


def test_the_gain_is_tested_on_all_later_origins(tuned):
    run = read_run(tuned)
    scores = run.scores_by_origin
    wape = scores.pivot_table(index="origin", columns="model", values="wape")
    (row,) = run.tuning.gain.query("metric == 'wape'").to_dict("records")
    assert row["origins"] == len(wape) == 4
    assert row["difference"] == pytest.approx((wape["gravicast"] - wape[UNTUNED]).mean())
    assert UNTUNED not in set(run.significance["against"])
    board = (tuned / "scoreboard.md").read_text(encoding="utf-8")
    assert "## What tuning gained" in board
    assert f"--tune {TRIALS}" in board


def test_a_trial_is_a_child_run(tuned):
    found = [child for child in children(read_run(tuned)) if child.kind == "tuning"]
    assert len(found) == 3 * TRIALS
    assert len({child.name for child in found}) == len(found)
    assert {"rounds", "num_leaves", "origin"} <= set(found[0].params)
    assert {name for name, _, _ in found[0].scores} == {"nested_loss", "chosen"}


def test_a_study_is_read_back_to_the_last_bit(tmp_path):
    task = TuningStudy(2009, CHOICES[0])
    trials = (TuningTrial(7, {"learning_rate": 1 / 3, "num_leaves": 8}, 2 / 3),)
    kept = [
        FinishedTasks(tmp_path / "folds", {}, resumed=resumed, say=print)
        for resumed in (False, True)
    ]
    kept[0].write(task, trials)
    assert kept[1].read(task) == trials
    other = TuningStudy(2009, CHOICES[1])
    assert kept[1].read(other) is None


def gain(*verdicts: str) -> Tuning:
    trials = pd.DataFrame({"origin": [2006, 2006, 2008, 2008]})
    rows = [
        {"setting": "ex_ante", "horizon": 1 + k, "metric": "wape", "ours": 0.1, "theirs": 0.2,
         "p_value": 0.5, "origins": 9, "verdict": verdict}
        for k, verdict in enumerate(verdicts)
    ]  # fmt: skip
    return Tuning(trials, pd.DataFrame(rows))


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (("better", "tie"), "1 find a gain and 0 a loss."),
        (("tie", "tie"), "0 find a gain and 0 a loss: the default parameters do as well."),
        (("tie", "worse"), "0 find a gain and 1 a loss: the default parameters do better."),
        (("not tested",), "0 find a gain and 0 a loss: the default parameters do as well."),
    ],
)
def test_what_is_said_follows_from_the_tests(verdicts, said):
    lines = list(_tuned(gain(*verdicts)))
    assert lines[0].startswith("Tuning: 2 trials at each of 2 origins.")
    assert lines[-1].endswith(said)
    assert len(lines) == 2 + len(verdicts)
