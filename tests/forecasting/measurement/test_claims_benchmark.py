"""The standing table of the claims: errors of a tiny world, and what the table makes of errors."""

from __future__ import annotations

from pathlib import Path

import claims as benchmark
import numpy as np
import pandas as pd
import pytest
from board_section import board_with

BOARD = "# Scoreboard\n\n## Every model\n\n| a |\n\n## To reproduce\n\n```\ngravicast run\n```\n"


def made_up(ours, without, placebos, *, horizon=1):
    """Errors of one row by origin: the main model, without technology, placebos."""
    models = {"gravicast": ours, "without_technology": without, "no change": [2.0] * len(ours)}
    models |= {f"placebo_{k}": errors for k, errors in enumerate(placebos, start=1)}
    return pd.DataFrame(
        {"place": "goods", "claim": 1, "measure": "flows", "sectors": "", "origin": 2000 + k,
         "horizon": horizon, "model": name, "error": error}
        for name, errors in models.items() for k, error in enumerate(errors)
    )  # fmt: skip


def test_what_technology_adds_is_the_error_it_takes_away_and_placebos_are_counted():
    ours, without = np.array([0.9, 1.0, 0.8, 1.1, 0.7]), np.array([1.0, 1.1, 0.9, 1.3, 0.7])
    placebos = [without, ours - 0.1, ours]
    (row,) = benchmark.summary(made_up(ours, without, placebos)).to_dict("records")
    assert row["adds"] == pytest.approx(1 - 0.9 / 1.0)
    assert row["placebo_adds"] == pytest.approx(0.1)
    assert (row["as_good"], row["draws"]) == (2, 3)
    assert row["skill"] == pytest.approx(0.55)
    assert 0 < row["p"] < 0.2


def test_what_technology_cannot_move_is_no_tie():
    same = np.array([0.9, 1.0, 0.8, 1.1])
    found = benchmark.summary(made_up(same, same + 1e-12, [same]))
    assert not found["moves"].any()
    text = benchmark.section(found)
    assert "cannot move it" in text
    assert "1 cannot be moved by technology" in text


def test_few_origins_are_not_tested():
    ours = np.array([0.9, 1.0, 0.8])
    (row,) = benchmark.summary(made_up(ours, ours + 0.1, [ours])).to_dict("records")
    assert np.isnan(row["p"])


def test_a_board_has_the_section_once_whatever_it_had():
    rows = benchmark.summary(made_up([0.9] * 4, [1.0] * 4, [[0.95] * 4]))
    text = benchmark.section(rows)
    once = board_with(BOARD, text)
    assert once == board_with(once, text)
    assert once.count(f"## {benchmark.SECTION}") == 1
    assert once.index(benchmark.SECTION) < once.index("## To reproduce")
    assert once.replace(text, "") == BOARD


def test_a_world_without_indicators_has_placebos_that_are_the_model_itself(chain_world):
    place = benchmark.Place("sectors", lambda _: chain_world.options, benchmark.SECTOR_ROWS)
    errors = benchmark.study(place, Path(), draws=1, horizons=(1,), first_origin=2008)
    assert set(errors["origin"]) == {2008, 2009}
    assert not errors["error"].isna().any()
    wide = errors.pivot(
        index=["measure", "sectors", "claim", "origin"], columns="model", values="error"
    )
    assert set(wide) == {"gravicast", "without_technology", "no change", "placebo_1"}
    pd.testing.assert_series_equal(wide["placebo_1"], wide["gravicast"], check_names=False)
    found = benchmark.summary(errors)
    assert len(found) == len(benchmark.SECTOR_ROWS)
    assert set(found["claim"]) == {1, 2, 3}
    assert len(benchmark.section(found).splitlines()) > len(found)
