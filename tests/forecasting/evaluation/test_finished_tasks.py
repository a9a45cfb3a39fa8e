"""An interrupted run goes on from its finished folds, to the same bytes, and never from others."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting.evaluation.finished_tasks import FinishedTasks, finished_tasks
from forecasting.evaluation.fold import FoldForecast, FoldResult
from forecasting.evaluation.folds import Fold
from forecasting.evaluation.tasks import FoldTask, WeightLosses
from forecasting.run_folder.interrupts import Interrupted
from models.shift import CHOICES

RUN = {"option 'rounds'": "80", "lightgbm": "4.6.0"}
TASK = FoldTask(Fold(2007, (1, 2), (2001, 2002)), CHOICES[0])
SHORT = {"horizons": (1,), "rounds": 4, "settings": ("ex_ante",), "first_origin": 2006}
"""As in tests of tuning, which share the run."""


def result_of(task: FoldTask, *, size: int = 6) -> FoldResult:
    """A fold of two models in two settings, which share arrays as real ones do."""
    rng = np.random.default_rng(task.fold.origin)
    actual = rng.lognormal(10, 1, size)
    actual[1] = np.nan
    forecasts = []
    for horizon in task.fold.horizons:
        main = FoldForecast(
            "totals_known", "gravicast", task.fold.origin, horizon, rng.random(size) / 3,
            np.array([0.0, -0.0, np.inf, 1e-310, *rng.random(size - 4)]), rng.random(size),
            rng.random(size), rng.random(size), actual,
        )  # fmt: skip
        other = replace(main, model="drift", forecast=rng.random(size), probability=None)
        forecasts += [main, other]
        forecasts += [replace(one, setting="ex_ante") for one in (main, other)]
    drivers = pd.DataFrame(
        {"level": ["channel"], "name": ["mass"], "share": [1 / 3], "rank": [1], "direction": [0.1]}
    )
    return FoldResult(task.fold, tuple(forecasts), drivers, 3, 0.1 + 0.2)


def same(found: FoldResult, expected: FoldResult) -> bool:
    pd.testing.assert_frame_equal(found.drivers, expected.drivers, check_exact=True)
    assert (found.fold, found.unreachable_totals, found.largest_gap) == (
        expected.fold, expected.unreachable_totals, expected.largest_gap
    )  # fmt: skip
    for one, other in zip(found.forecasts, expected.forecasts, strict=True):
        for field in fields(FoldForecast):
            a, b = (getattr(forecast, field.name) for forecast in (one, other))
            assert a.tobytes() == b.tobytes() if isinstance(a, np.ndarray) else a == b
    return True


def kept(folder: Path, *, resumed: bool = False, said: list[str] | None = None) -> FinishedTasks:
    say = (said if said is not None else []).append
    return FinishedTasks(folder, RUN, resumed=resumed, say=say)


def test_a_finished_fold_is_read_back_to_the_last_bit(tmp_path):
    folder, expected = tmp_path / "folds", result_of(TASK)
    kept(folder).write(TASK, expected)
    assert kept(folder).read(TASK) is None  # only a resumed run reads
    found = kept(folder, resumed=True).read(TASK)
    assert found is not None
    assert same(found, expected)
    # Both settings still share what they shared: a fold takes no more memory than before.
    assert len({id(one.base) for one in found.forecasts}) == len(TASK.fold.horizons)


def test_losses_are_read_back_to_the_last_bit(tmp_path):
    task, losses = WeightLosses(2009), {choice: 1 / (3 + k) for k, choice in enumerate(CHOICES)}
    kept(tmp_path / "folds").write(task, losses)
    found = kept(tmp_path / "folds", resumed=True).read(task)
    assert list(found.items()) == list(losses.items())


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [flip, lambda f: f.write_bytes(f.read_bytes()[:-40]), lambda f: f.write_bytes(b"")],
    ids=["a bit", "cut", "empty"],
)
def test_a_damaged_fold_is_computed_again_and_said(tmp_path, damage):
    folder, said = tmp_path / "folds", []
    kept(folder).write(TASK, result_of(TASK))
    damage(folder / "fold-2007.zip")
    tasks = kept(folder, resumed=True, said=said)
    assert same(tasks.result(TASK, lambda: result_of(TASK)), result_of(TASK))
    assert len(said) == 1
    assert "fold-2007.zip" in said[0]
    assert tasks.read(TASK) is not None


def test_a_fold_with_other_weights_is_not_taken_for_it(tmp_path):
    other = FoldTask(TASK.fold, CHOICES[1])
    kept(tmp_path / "folds").write(other, result_of(other))
    assert kept(tmp_path / "folds", resumed=True).read(TASK) is None


def interrupt(out: Path, run: dict[str, str], said: list[str]) -> None:
    """Leave one finished fold."""

    def start() -> None:
        with finished_tasks(out, run, resume=False, folds=4, say=said.append) as tasks:
            tasks.write(TASK, result_of(TASK))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start()


def test_folds_of_a_run_that_would_forecast_otherwise_are_refused(tmp_path, stops):
    out, said = tmp_path / "run", []
    interrupt(out, RUN, said)
    assert "1 of 4 folds" in said[0]

    def resume(run: dict[str, str]) -> None:
        with finished_tasks(out, run, resume=True, folds=4, say=said.append):
            pass

    stops(
        lambda: resume({**RUN, "option 'rounds'": "40"}), says="option 'rounds' was 80, and is 40"
    )
    stops(lambda: resume({**RUN, "sha256 of trade 1": "ab"}), says="trade 1 was nothing")
    (tmp_path / ".run.gravicast-folds" / "run.json").write_text("{")
    stops(lambda: resume(RUN), says="damaged")
    assert (tmp_path / ".run.gravicast-folds" / "fold-2007.zip").is_file()


def test_a_run_that_starts_anew_says_what_it_gives_up_and_replaces_it(tmp_path):
    out, said, folder = tmp_path / "run", [], tmp_path / ".run.gravicast-folds"
    interrupt(out, RUN, [])
    (folder / "fold-2009.zip").write_bytes(b"of the earlier run")
    later = replace(TASK, fold=replace(TASK.fold, origin=2008))
    with finished_tasks(out, RUN, resume=False, folds=4, say=said.append) as tasks:
        assert "2 of 4 folds" in said[0]
        assert "--resume" in said[0]
        assert tasks.read(TASK) is None
        assert folder.is_dir()  # until this run has something of its own
        tasks.write(later, result_of(later))
        assert [file.name for file in folder.glob("*.zip")] == ["fold-2008.zip"]
    assert not folder.exists()


def files_of(out: Path) -> dict[str, str]:
    return json.loads((out / "run.json").read_text())["files"]


def test_a_run_stopped_after_half_its_folds_goes_on_to_the_same_bytes(
    bundle, run_on, run_unaltered, monkeypatch, tmp_path
):
    whole = run_unaltered(**SHORT)
    assert [path.name for path in whole.parent.iterdir()] == [whole.name]
    computed: list[int] = []
    run_fold: Callable[..., FoldResult] = FoldTask.run

    def counted(stop_at: int | None) -> None:
        def run(task: FoldTask, *given: object) -> FoldResult:
            if task.fold.origin == stop_at:
                raise KeyboardInterrupt
            computed.append(task.fold.origin)
            return run_fold(task, *given)

        monkeypatch.setattr(FoldTask, "run", run)

    counted(2009)
    with pytest.raises(Interrupted):
        run_on(bundle, "run", **SHORT)
    assert [path.name for path in tmp_path.iterdir()] == [".run.gravicast-folds"]
    first, computed[:] = list(computed), []
    assert first == [2006, 2007, 2008]
    # The weights were all chosen: they are not chosen again.
    monkeypatch.setattr(WeightLosses, "run", lambda *_: pytest.fail("weights are there"))
    counted(None)
    resumed = run_on(bundle, "run", **SHORT, resume=True)
    assert computed == [2009]
    assert files_of(resumed.out) == files_of(whole)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
