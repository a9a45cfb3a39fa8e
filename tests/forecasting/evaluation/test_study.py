"""Gravity models, channels left out, placebos, and the scoreboard they end in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.catalogue import CHANNEL_OF, FEATURES, NAMES, origin_matrix
from features.feature import TECHNOLOGY
from features.information import AsOfRule, DataBundle, InformationSet
from forecasting import RunConfig, RunResult, run
from forecasting.evaluation.placebos import (
    PERMUTATIONS,
    lead,
    permute_countries,
    placebos,
    shuffle_years,
    technology_series,
)
from forecasting.evaluation.study import leave_out
from forecasting.reports.scoreboard import write_scoreboard
from forecasting.run_folder import files
from models.registry import MODELS, baselines, study_models
from models.trials import trials

ORIGIN = 2007
ORACLE = "gravity_three_way_oracle"


def matrix(data: DataBundle, setting: str = "totals_known") -> np.ndarray:
    return origin_matrix(
        InformationSet(data, as_of=AsOfRule().date(ORIGIN), origin=ORIGIN, setting=setting)
    )


def moved(data: DataBundle, other: DataBundle) -> set[str]:
    """Names of the features that differ."""
    left, right = matrix(data), matrix(other)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    return {NAMES[number] for number in np.flatnonzero(~same.all(axis=0))}


# Channels left out -------------------------------------------------------------------------------


def test_every_channel_is_left_out_once_and_nothing_but_it():
    for name, kept in leave_out().items():
        channel = name.removeprefix("without_")
        gone = set(NAMES) - set(kept)
        assert gone
        assert {CHANNEL_OF[feature] for feature in gone} == {channel}
        assert all(CHANNEL_OF[feature] != channel for feature in kept if feature != "years_ahead")
    assert set(TECHNOLOGY) <= {name.removeprefix("without_") for name in leave_out()}


# Placebos ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("alter", [permute_countries, shuffle_years])
def test_technology_moves_and_nothing_else_does(bundle, alter):
    changed = moved(bundle, alter(bundle, seed=3))
    assert changed
    assert {CHANNEL_OF[name] for name in changed} <= TECHNOLOGY
    assert {CHANNEL_OF[name] for name in changed} == TECHNOLOGY


def test_a_permutation_keeps_every_country_s_row_whole(bundle):
    """The joint values of all series are some country's: only the names are wrong."""
    other = permute_countries(bundle, seed=1)
    series = sorted(technology_series() & set(bundle.indicators.values))
    before, after = (
        np.stack([data.indicators.values[name] for name in series]) for data in (bundle, other)
    )

    def rows(values: np.ndarray) -> list[bytes]:
        return sorted(values[:, :, country].tobytes() for country in range(values.shape[2]))

    assert rows(before) == rows(after)
    assert before.tobytes() != after.tobytes()


def test_indicators_a_year_early_are_a_leak(bundle):
    """What the leak detector must see: more is known than was published."""
    changed = {CHANNEL_OF[name] for name in moved(bundle, lead(bundle))}
    assert changed >= TECHNOLOGY
    assert "persistence" not in changed


def test_every_placebo_has_its_own_name_and_leaves_the_data_as_they_were(bundle):
    before = {name: value.tobytes() for name, value in bundle.indicators.values.items()}
    altered = placebos(seed=1)
    assert len(altered) == PERMUTATIONS + 2
    for alter in altered.values():
        assert alter(bundle) is not bundle
    assert before == {name: value.tobytes() for name, value in bundle.indicators.values.items()}


def test_series_that_other_channels_read_stay_where_they_are():
    others = {s for f in FEATURES if f.channel not in TECHNOLOGY for s in f.series}
    assert technology_series()
    assert not technology_series() & others


# The whole ---------------------------------------------------------------------------------------


FEW_FOLDS = {"first_origin": 2008}


@pytest.fixture
def options(quick) -> dict[str, Any]:
    return quick | FEW_FOLDS


@pytest.fixture(scope="module")
def kept() -> dict[str, RunResult]:
    return {}


@pytest.fixture
def studied(kept, world_files, options, draw_nothing, few_measures, tmp_path_factory) -> RunResult:
    if not kept:
        kept["run"] = study(world_files.options | options, tmp_path_factory.mktemp("study") / "run")
    return kept["run"]


def study(options: dict[str, Any], out: Path) -> RunResult:
    return run(RunConfig(**options, out=out, study=True), show_progress=False)


@pytest.mark.slow
def test_a_study_scores_every_model_at_every_fold(studied):
    table = pd.read_csv(studied.out / "study_by_origin.csv")
    expected = {
        "model": {model.name for model in study_models()},
        "ablation": set(leave_out()),
        "placebo": set(placebos(seed=1)),
    }
    assert {group: set(block["model"]) for group, block in table.groupby("group")} == expected
    folds = studied.scores_by_origin[["setting", "origin", "horizon"]].drop_duplicates()
    for model, block in table.groupby("model"):
        assert len(block) == len(folds), model
    assert np.isfinite(table[["wape", "pattern_distance", "midpoint_mae"]].to_numpy()).all()
    tried = pd.read_csv(studied.out / "trials.csv")
    names = {(trial.question, trial.answer) for trial in trials()}
    assert set(tried.groupby(["question", "answer"]).groups) == names
    chosen_at = {int(origin) for origin in studied.provenance["nested_choices"]}
    assert all(set(block["origin"]) == chosen_at for _, block in tried.groupby("answer"))
    assert {path.name for path in studied.out.iterdir()} <= files.NAMES


@pytest.mark.slow
def test_what_was_left_out_or_altered_changed_the_forecast(studied):
    ours = studied.scores_by_origin.query("model == 'gravicast'").set_index(
        ["setting", "origin", "horizon"]
    )["midpoint_mae"]
    table = studied.study.by_origin.set_index(["setting", "origin", "horizon"])
    for model in ("without_persistence", "technology_years_shuffled", "indicators_led"):
        theirs = table.loc[table["model"] == model, "midpoint_mae"]
        assert (theirs - ours).abs().max() > 0, model


@pytest.mark.slow
def test_the_oracle_meets_the_totals_that_came(studied):
    """Told the margins, gravity's world total is right; its feasible twin's is not."""
    table = studied.study.by_origin
    wape = table.groupby("model")["wape"].mean()
    assert wape[ORACLE] < wape["gravity_three_way"]


@pytest.mark.slow
def test_gravity_is_among_the_baselines_the_model_is_tested_against(studied):
    table = pd.read_csv(studied.out / "significance.csv")
    others = {model.name for model in MODELS if model.setting is not None or model.of == "compare"}
    assert set(table["against"]) == set(baselines()) - others
    assert ORACLE not in set(table["against"])


@pytest.mark.slow
def test_a_scoreboard_is_made_of_the_run_s_files_alone(studied, tmp_path):
    again = write_scoreboard(studied.out, out=tmp_path / "again.md")
    text = again.read_text("utf-8")
    assert text == (studied.out / "scoreboard.md").read_text("utf-8")
    titles = (
        "In short",
        "Significance",
        "What each channel adds",
        "Placebos",
        "Trials",
        "To reproduce",
    )
    for words in (*titles, "Automation (technology)", "three-way PPML with true totals"):
        assert words in text
    assert str(studied.out.parent) not in text
    ours = studied.scores.query(
        "setting == 'ex_ante' and horizon == 2 and model == 'gravicast' and stratum == 'all'"
    )
    assert f"| Ex ante | 2 | WAPE | {last_value(studied):.4f} |" in text
    assert f"{ours['log_mae'].iloc[0]:.4f}" in text


def last_value(result: RunResult) -> float:
    rows = result.scores.query(
        "setting == 'ex_ante' and horizon == 2 and model == 'last_value' and stratum == 'all'"
    )
    return float(rows["wape"].iloc[0])


@pytest.mark.slow
def test_two_studies_give_identical_files(studied, world_files, options, draw_nothing, tmp_path):
    other = study(world_files.options | options | {"workers": 2}, tmp_path / "run")
    for name in ("study_by_origin.csv", "ablation.csv", "placebos.csv", "trials.csv",
                 "significance.csv", "reliability.csv", "scoreboard.md"):  # fmt: skip
        assert (other.out / name).read_bytes() == (studied.out / name).read_bytes(), name


@pytest.mark.slow
def test_a_study_without_indicators_has_no_placebos(
    world_files, options, draw_nothing, few_measures, tmp_path
):
    less = {"settings": ("ex_ante",), "horizons": (1,), "first_origin": 2009, "rounds": 2}
    result = study({"trade": world_files.trade, **options, **less}, tmp_path / "run")
    assert set(result.study.by_origin["group"]) == {"model", "ablation"}
    assert "Placebos" not in (result.out / "scoreboard.md").read_text("utf-8")


def test_a_study_without_the_gravity_extra_is_refused_before_any_work(
    world_files, quick, stops, monkeypatch, tmp_path
):
    monkeypatch.setattr("forecasting.evaluation.study.find_spec", lambda _: None)
    out = tmp_path / "run"
    error = stops(lambda: study(world_files.options | quick, out), says="pyfixest")
    assert "gravicast[gravity]" in error.remedy
    assert not out.exists()


# Targets and mistakes ----------------------------------------------------------------------------


def test_targets_say_what_was_reached(finished_run, tmp_path):
    rows = [("ex_ante", 1, "wape", 10.0), ("ex_ante", 1, "log_mae", 1e-6)]
    targets = tmp_path / "targets.csv"
    pd.DataFrame(rows, columns=["setting", "horizon", "metric", "reach"]).to_csv(
        targets, index=False
    )
    text = write_scoreboard(finished_run, targets=targets, out=tmp_path / "s.md").read_text("utf-8")
    assert text.count(": reached |") == 1
    assert text.count(": missed |") == 1


def test_a_folder_without_a_run_is_refused(tmp_path, refused):
    refused(lambda: write_scoreboard(tmp_path), file=tmp_path, says="no run in this folder")


def test_targets_without_a_column_are_refused(finished_run, tmp_path, refused):
    targets = tmp_path / "targets.csv"
    targets.write_text("setting,horizon,metric\nex_ante,1,wape\n")
    refused(
        lambda: write_scoreboard(finished_run, targets=targets, out=tmp_path / "s.md"),
        file=targets,
        column="reach",
    )
    assert not (tmp_path / "s.md").exists()


def test_a_scoreboard_that_cannot_be_written_leaves_nothing(finished_run, tmp_path, refused):
    out = tmp_path / "nowhere" / "s.md"
    refused(lambda: write_scoreboard(finished_run, out=out), file=out)


@pytest.mark.slow
def test_the_run_says_that_it_was_a_study(studied):
    assert json.loads((studied.out / "run.json").read_text())["config"]["study"] is True
