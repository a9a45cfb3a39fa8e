"""Scores of measures against slow recomputations, family by family."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.measures.catalogue import MEASURES
from forecasting.evaluation.significance import LEVEL, equal_accuracy
from forecasting.measurement.scores import RIVALS, score_measures

NAMES = ("export_structure", "import_structure", "revealed_advantage", "market_share")
CHOSEN = tuple(m for m in MEASURES if m.name in NAMES)
UNITS = 25


def draw_backtest(seed: int = 0, *, origins: int = 7) -> pd.DataFrame:
    """Units that come and go, no intervals at first; some measures far better than no change."""
    rng = np.random.default_rng(seed)
    parts = []
    for measure in CHOSEN:
        skill = rng.uniform(0.3, 1.2)
        for horizon in (1, 3):
            for origin in range(2000, 2000 + origins):
                before = rng.normal(0, 1, UNITS)
                actual = before + rng.normal(0.2, 1, UNITS) * (rng.random(UNITS) < 0.9)
                known = origin >= 2000 + horizon
                table = pd.DataFrame(
                    {
                        "measure": measure.name,
                        "country": [f"X{n}" for n in range(UNITS)],
                        "origin": np.int16(origin),
                        "horizon": np.int8(horizon),
                        "value_origin": before,
                        "base": actual + rng.normal(0, 1, UNITS),
                        "forecast": actual + rng.normal(0, skill, UNITS),
                        "without_technology": actual + rng.normal(0, 0.7, UNITS),
                        "chance_above": rng.random(UNITS) if known else np.nan,
                        "actual": actual,
                    }
                )
                for level, width in ((50, 0.5), (90, 1.5)):
                    width = width if known else np.nan
                    table[f"lower_{level}"] = table["forecast"] - width
                    table[f"upper_{level}"] = table["forecast"] + width
                parts.append(table[rng.random(UNITS) < 0.8])
    return pd.concat(parts).sample(frac=1, random_state=1).reset_index(drop=True)


@pytest.fixture(scope="module")
def backtest() -> pd.DataFrame:
    return draw_backtest()


@pytest.fixture(scope="module")
def scores(backtest) -> pd.DataFrame:
    return score_measures(backtest, CHOSEN)


def blocks(backtest, scores):
    for _, score in scores.iterrows():
        chosen = backtest["measure"].eq(score["measure"]) & backtest["horizon"].eq(score["horizon"])
        yield score, backtest[chosen]


def test_one_row_a_measure_and_horizon_in_the_catalogues_order(scores):
    pairs = [(m.name, m.family, h) for m in CHOSEN for h in (1, 3)]
    rows = scores[["measure", "family", "horizon"]].itertuples(index=False, name=None)
    assert list(rows) == pairs


def test_errors_are_means_over_origins_of_means_over_units(backtest, scores):
    for score, block in blocks(backtest, scores):
        ours, theirs = {}, {rival: {} for rival in RIVALS}
        same = []
        for origin, rows in block.groupby("origin"):
            ours[origin] = np.mean([abs(r.forecast - r.actual) for r in rows.itertuples()])
            for rival, column in RIVALS.items():
                theirs[rival][origin] = (rows[column] - rows["actual"]).abs().mean()
        for row in block.itertuples():
            moved, forecast_change = row.actual - row.value_origin, row.forecast - row.value_origin
            if moved != 0 and forecast_change != 0:
                same.append((moved > 0) == (forecast_change > 0))
        assert score["origins"] == len(ours)
        assert score["n"] == len(block)
        assert score["mae"] == pytest.approx(np.mean(list(ours.values())), rel=1e-12)
        assert score["direction"] == pytest.approx(np.mean(same), rel=1e-12)
        for rival, losses in theirs.items():
            gaps = np.array([ours[o] - losses[o] for o in sorted(ours)])
            assert score[f"mae_{rival}"] == pytest.approx(np.mean(list(losses.values())))
            assert score[f"difference_{rival}"] == pytest.approx(gaps.mean())
            assert score[f"wins_{rival}"] == (gaps < 0).sum()
            p_value = equal_accuracy(gaps, horizon=score["horizon"]).p_value
            assert score[f"p_{rival}"] == pytest.approx(p_value)
        assert score["skill"] == pytest.approx(1 - score["mae"] / score["mae_no_change"])


def test_coverage_is_over_origins_that_have_intervals(backtest, scores):
    for score, block in blocks(backtest, scores):
        for level in (50, 90):
            shares = []
            for origin, rows in block.groupby("origin"):
                if origin < 2000 + score["horizon"]:
                    continue
                hits = [
                    getattr(r, f"lower_{level}") <= r.actual <= getattr(r, f"upper_{level}")
                    for r in rows.itertuples()
                ]
                shares.append(np.mean(hits))
            assert score[f"coverage_{level}"] == pytest.approx(np.mean(shares), rel=1e-12)
    blank = backtest.assign(**{c: np.nan for c in backtest if c.startswith(("lower", "upper"))})
    assert score_measures(blank, CHOSEN)[["coverage_50", "coverage_90"]].isna().all(axis=None)


def test_entries_and_their_brier_score_by_hand():
    rca = next(m for m in CHOSEN if m.name == "revealed_advantage")
    assert rca.threshold == 0.0
    rows = [
        # origin, value_origin, actual, chance_above
        (2000, -0.5, 0.1, np.nan),  # an entry
        (2000, -0.5, -0.1, np.nan),
        (2000, 0.5, 0.6, np.nan),  # above already
        (2001, 0.0, 0.2, 0.8),  # an entry from the threshold itself
        (2001, -0.2, 0.0, 0.3),  # to the threshold is no entry
        (2001, -0.2, -0.3, 0.1),
        (2001, 0.1, -0.3, 0.9),
        (2002, -0.1, 0.3, 0.6),  # an entry
    ]
    table = pd.DataFrame(rows, columns=["origin", "value_origin", "actual", "chance_above"])
    table = table.assign(
        measure=rca.name, horizon=1, base=0.0, forecast=0.0, without_technology=0.0
    )
    table[["lower_50", "upper_50", "lower_90", "upper_90"]] = np.nan
    score = score_measures(table, (rca,)).iloc[0]
    assert score["entries"] == 3
    assert score["entry_rate"] == pytest.approx(3 / 6)
    assert score["brier"] == pytest.approx((0.2**2 + 0.3**2 + 0.1**2 + 0.4**2) / 4)
    # Known rates: 1/2 of 2000 at 2001; the mean of 1/2 and 1/3 at 2002; none at 2000.
    before = np.mean([1 / 2, 1 / 3])
    wanted = ((1 - 0.5) ** 2 + 0.5**2 + 0.5**2 + (1 - before) ** 2) / 4
    assert score["brier_of_rate"] == pytest.approx(wanted)


def test_a_measure_without_a_threshold_has_no_entries(scores):
    names = ["entries", "entry_rate", "brier", "brier_of_rate"]
    has = scores["measure"] == "revealed_advantage"
    assert scores.loc[~has, names].isna().all(axis=None)
    assert scores.loc[has, names].notna().all(axis=None)


def test_p_values_are_adjusted_for_the_measures_of_their_family_and_horizon(scores):
    assert scores["family"].nunique() == 2
    found = set()
    for rival in RIVALS:
        for _, block in scores.groupby(["family", "horizon"]):
            p = block[f"p_{rival}"].tolist()
            # Holm (1979): the smallest p times their number, the next times one less, and so on.
            wanted, worst = {}, 0.0
            for rank, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
                worst = max(worst, min(1.0, p[place] * (len(p) - rank)))
                wanted[place] = worst
            for place, (_, row) in enumerate(block.iterrows()):
                assert row[f"p_holm_{rival}"] == pytest.approx(wanted[place])
                sure, below = wanted[place] < LEVEL, row[f"difference_{rival}"] < 0
                verdict = "tie" if not sure else "better" if below else "worse"
                assert row[f"verdict_{rival}"] == verdict
                found.add(verdict)
    assert {"better", "tie"} <= found


def test_a_worse_forecast_is_called_worse(backtest):
    far = backtest.assign(forecast=backtest["actual"] + 9.0)
    scores = score_measures(far, CHOSEN)
    # Two degrees of freedom where horizons overlap: there is too little to be sure of anything.
    assert (scores.loc[scores["horizon"] == 1, "verdict_no_change"] == "worse").all()
    assert (scores["skill"] < 0).all()


def test_with_too_few_origins_nothing_is_tested():
    scores = score_measures(draw_backtest(origins=3), CHOSEN)
    assert (scores["origins"] == 3).all()
    for rival in RIVALS:
        assert (scores[f"verdict_{rival}"] == "untested").all()
        assert scores[f"p_holm_{rival}"].isna().all()
    assert scores["mae"].notna().all()


def test_a_measure_that_never_moves_has_neither_skill_nor_direction(backtest):
    still = backtest.assign(forecast=1.0, actual=1.0, **dict.fromkeys(RIVALS.values(), 1.0))
    scores = score_measures(still, CHOSEN)
    assert (scores["mae"] == 0).all()
    assert scores[["skill", "direction"]].isna().all(axis=None)
    assert (scores[[f"verdict_{rival}" for rival in RIVALS]] == "untested").all(axis=None)


def test_a_measure_without_rows_is_left_out(backtest):
    unknown = replace(CHOSEN[0], name="unknown")
    scores = score_measures(backtest, (*CHOSEN, unknown))
    assert "unknown" not in set(scores["measure"])
