"""A run with indicators of the user's own: from files to the run folder and a served model."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.catalogue import NAMES, channel_of
from forecasting import ForecastConfig, RunConfig, RunResult, forecast_with, read_run, run
from forecasting.evaluation.fold import run_fold
from forecasting.evaluation.folds import plan_folds
from forecasting.evaluation.placebos import technology_series
from forecasting.evaluation.prepared import prepare
from forecasting.evaluation.study import leave_out
from forecasting.inputs.load import load
from models.registry import ABLATION, MAIN_MODEL
from models.shift import CHOICES
from models.trials import trials

YEARS = range(1999, 2011)
COUNTRIES = ("BRA", "CHN", "DEU", "FRA", "USA")
OWN, UNUSED = "Robots, new", "Wine"


def write(folder: Path) -> dict[str, Path]:
    """Trade that follows the gap between two countries' robots, and indicators."""
    rng = np.random.default_rng(0)
    robots = rng.lognormal(0, 0.5, (len(YEARS), len(COUNTRIES))).cumsum(axis=0)
    pairs = [(i, j) for i in range(5) for j in range(5) if i != j]
    trade = pd.DataFrame(
        [
            (COUNTRIES[i], COUNTRIES[j], year, 1e8 * (1 + robots[t, i]) * rng.lognormal(0, 0.2))
            for i, j in pairs
            for t, year in enumerate(YEARS)
        ],
        columns=["exporter", "importer", "year", "value_usd"],
    )
    cells = pd.DataFrame(
        [
            (code, year, name, float(robots[t, c]))
            for t, year in enumerate(YEARS)
            for c, code in enumerate(COUNTRIES)
            for name in (OWN, UNUSED)
        ],
        columns=["iso3", "year", "indicator", "value"],
    )
    catalogue = pd.DataFrame(
        {
            "indicator": [OWN, UNUSED],
            "channel": ["automation", "economic_mass"],
            "label": ["Robots of ours", "Wine of ours"],
            "unit": "per head",
            "publication_lag_months": 6,
        }
    )
    files = {"trade": trade, "indicators": cells, "indicator_catalogue": catalogue}
    for name, table in files.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return {name: folder / f"{name}.csv" for name in files}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def config(files: dict[str, Path]) -> RunConfig:
    return RunConfig(
        **files,
        out=files["trade"].parent / "run",
        horizons=(1,),
        rounds=10,
        first_origin=2007,
        settings=("totals_known",),
        params={"min_data_in_leaf": 5, "feature_fraction": 1.0, "num_leaves": 8},
        workers=1,
        experiment=None,
    )


@pytest.fixture(scope="module")
def finished(config: RunConfig) -> RunResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecasting.figures.run_figures.save_figures", lambda *_: {})
        patch.setattr("forecasting.reports.report.write_report", lambda *a: a[-1].write_text(""))
        return run(config, show_progress=False)


def own_names(result: RunResult) -> list[str]:
    return [name for name in result.explanation.feature_names if name not in NAMES]


def test_columns_are_known_by_name_channel_and_label(finished: RunResult) -> None:
    names = own_names(finished)
    assert len(names) == 4
    assert {channel_of(name) for name in names} == {"automation"}
    for table in (finished.coverage, finished.drivers):
        rows = table.set_index("feature").loc[names]
        assert set(rows["channel"]) == {"automation"}
        assert rows["source"].str.contains("Robots of ours").all()
    assert finished.coverage.set_index("feature").loc[names, "share_of_flows"].min() > 0
    assert set(names) <= set(finished.attributions)
    used = finished.drivers.set_index("feature").loc[names, "mean_abs_percent"]
    assert used.max() > 0
    sums = finished.attributions[names].astype(float).sum(axis=1)
    np.testing.assert_allclose(sums, finished.attributions["channel:automation"], atol=1e-4)


def test_the_record_names_what_became_a_feature_and_what_is_not_used(finished: RunResult) -> None:
    about = json.loads((finished.out / "run.json").read_text())
    (said,) = [d["statements"] for d in about["data"] if d["role"] == "indicators"]
    assert [OWN in text for text in said if UNUSED in text] == [False]
    assert any(OWN in text for text in about["universe_choices"])


def test_the_folder_reads_back_as_it_was(finished: RunResult) -> None:
    back = read_run(finished.out)
    assert back.explanation.feature_names == finished.explanation.feature_names
    np.testing.assert_array_equal(back.explanation.data, finished.explanation.data)


def test_a_served_model_builds_them_from_new_data_and_says_where_they_are_missing(
    finished: RunResult, files: dict[str, Path], tmp_path: Path
) -> None:
    same = forecast_with(
        finished.out,
        ForecastConfig(**files, out=tmp_path / "same"),
        show_progress=False,
    )
    wanted, found = (table["forecast"].to_numpy() for table in (finished.forecasts, same.forecasts))
    np.testing.assert_array_equal(found, wanted)
    bare = forecast_with(
        finished.out, ForecastConfig(files["trade"], out=tmp_path / "bare"), show_progress=False
    )
    assert (bare.forecasts["forecast"].to_numpy() != wanted).any()
    (note,) = [text for text in bare.provenance["notes"] if "missing" in text]
    assert own_names(finished)[0] in note


def test_the_ablation_and_every_variant_treat_them_as_technology(config: RunConfig) -> None:
    data = load(config).bundle
    prepared = prepare(data, config)
    bare = prepare(load(dataclasses.replace(config, indicators=None, indicator_catalogue=None))
                   .bundle, config)  # fmt: skip
    fold = plan_folds(first_year=1999, last_year=2010, horizons=(1,), first_origin=2007)[0]
    ours, theirs = (
        {f.model: f.forecast for f in run_fold(b, fold, config, CHOICES[0]).forecasts}
        for b in (prepared, bare)
    )
    np.testing.assert_array_equal(ours[ABLATION], theirs[ABLATION])
    assert (ours[MAIN_MODEL] != theirs[MAIN_MODEL]).any()
    kept = leave_out(prepared.names)
    assert not set(prepared.own_names) & set(kept["without_automation"])
    assert set(prepared.own_names) <= set(kept["without_persistence"])
    assert OWN in technology_series(data.indicators.specs)
    assert all(trial.names[-4:] == prepared.own_names for trial in trials(prepared.own_names))
