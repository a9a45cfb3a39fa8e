"""Features that users write go through the job, are kept with the model, and asked for again."""

from __future__ import annotations

import pandas as pd
import pytest

from forecasting import ForecastConfig, RunConfig, forecast_with, read_run, run

MODULE = """
import numpy as np
from forecasting import Feature
from features.feature import exporter, latest

def share(info):
    return np.log1p(info.history[-1].astype(float)) - np.log1p(info.history[-2].astype(float))

FEATURES = (
    Feature("last_step", "persistence", "log change", (), "-", "ours", share),
    Feature("gdp", "own", "USD", ("MACRO.GDP",), "none", "ours", exporter(latest("MACRO.GDP"))),
)
"""
LEAK = """
from forecasting import Feature

def seer(info):
    panel = info._data.panel
    return panel.values[min(panel.row(info.origin) + 1, len(panel.values) - 1)]

FEATURES = (Feature("seer", "own", "USD", (), "none", "ours", seer),)
"""
NAMES = ["own_persistence_last_step", "own_gdp"]


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    file = tmp_path_factory.mktemp("features") / "mine.py"
    file.write_text(MODULE, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def trained(module, review_files, made_once, quick, few_measures_in):
    def make(folder):
        config = RunConfig(
            out=folder / "run", features=module, figures=False, report=False,
            **{**review_files.options(), **quick, "horizons": (1,)},
        )  # fmt: skip
        with pytest.MonkeyPatch.context() as patch:
            few_measures_in(patch)
            run(config, show_progress=False)

    return made_once("extra-features", make) / "run"


def test_the_features_are_explained_under_their_channels_and_recorded(trained, module):
    found = read_run(trained)
    drivers = found.drivers.set_index("feature")
    assert list(drivers.loc[NAMES, "channel"]) == ["persistence", "own"]
    assert {*NAMES, "channel:own"} <= set(found.attributions)
    assert "Features of your own" in set(found.channels["label"])
    assert found.config.features == (str(module),)
    (source,) = (s for s in found.provenance["data"] if s["role"] == "features")
    assert source["path"].endswith("mine.py")
    assert "2 features of your own" in source["statements"][0]
    assert found.provenance["audit"]["features_changed"] == []


def test_a_forecast_needs_the_module_again(trained, module, review_files, tmp_path, stops):
    options = {**review_files.options(newer=True), "out": tmp_path / "out"}
    stops(
        lambda: forecast_with(trained, ForecastConfig(**options), show_progress=False),
        says="the features own_persistence_last_step, own_gdp of your own",
    )
    given = ForecastConfig(**options, features=[module])
    result = forecast_with(trained, given, show_progress=False)
    assert set(NAMES) <= set(result.attributions)
    again = read_run(tmp_path / "out")
    pd.testing.assert_frame_equal(again.forecasts, result.forecasts)


def test_a_leak_ends_the_run_before_the_first_fit(make_bundle, run_on, tmp_path, stops):
    file = tmp_path / "leaks.py"
    file.write_text(LEAK, encoding="utf-8")
    says = "feature 'own_seer' at origin 2000 changes with trade of"
    stops(lambda: run_on(make_bundle(), "run", features=(str(file),), horizons=(1,)), says=says)
    assert not (tmp_path / "run").exists()


def test_the_command_line_takes_several_modules():
    from forecasting.cli.options import repeatable

    assert "--features" in repeatable()
    assert RunConfig(features="a.py").features == ("a.py",)
    assert RunConfig(features=["a.py", "b.c"]).features == ("a.py", "b.c")


@pytest.mark.parametrize("given", [3, [3], ["a.py", "a.py"], [""]])
def test_what_names_no_module_is_refused(given, stops):
    stops(lambda: RunConfig(features=given), says="option 'features'")
