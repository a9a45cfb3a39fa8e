"""Draws of a forecast by a saved model: its run's where the data are the run's."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecasting import country_brief, draws, joint_draws, past_outcomes, read_run
from forecasting.distribution.past_forecasts import FILE, PAST, past_forecasts
from forecasting.evaluation.backtest_file import read_backtest
from forecasting.options.forecast_config import ForecastConfig
from forecasting.serving.served_model import open_model
from forecasting.serving.serving import forecast_with


@pytest.fixture(scope="module")
def trained(review_run):
    return read_run(review_run)


@pytest.fixture(scope="module")
def ask(review_run, review_files, tmp_path_factory):
    """Forecast with the run's model: the folder as it is read."""

    def forecast(*, newer: bool, **more):
        out = tmp_path_factory.mktemp("asked") / "out"
        config = ForecastConfig(**review_files.options(newer=newer), out=out, **more)
        forecast_with(review_run, config, show_progress=False)
        return read_run(out)

    return forecast


@pytest.fixture(scope="module")
def again(ask):
    return ask(newer=False)


@pytest.fixture(scope="module")
def later(ask):
    return ask(newer=True)


def test_on_its_own_data_a_model_draws_what_its_run_draws(trained, again):
    codes = sorted(trained.forecasts["exporter"].astype(str).unique())
    of = ["world", *(f"{code}:exports" for code in codes)]
    ours, theirs = draws(trained, of), draws(again, of)
    assert ours.values.tobytes() == theirs.values.tobytes()
    pd.testing.assert_frame_equal(ours.table, theirs.table)
    pd.testing.assert_frame_equal(
        past_outcomes(trained, of), past_outcomes(again, of), check_exact=True
    )


def test_totals_of_draws_are_draws_of_totals(later):
    joint = joint_draws(later)
    codes = sorted(later.forecasts["exporter"].astype(str).unique())
    parts = draws(joint, [f"{code}:exports" for code in codes])
    assert np.allclose(parts.values.sum(axis=0), draws(joint, "world").values[0], rtol=1e-5)
    printed = later.forecasts.groupby("target_year")["forecast"].sum()
    assert np.allclose(draws(joint, "world").table["forecast"], printed, rtol=1e-6)


def test_a_later_origin_has_its_own_levels_and_the_models_errors(trained, later):
    table = draws(later, "world").table
    assert set(table["target_year"]) == {2011, 2012}
    # No total of 2011 is published in the newer data: what knew as little is its record.
    assert set(table["setting"]) == {"ex_ante"}
    assert set(draws(trained, "world").table["setting"]) == {"totals_known"}
    found = past_forecasts(later)
    known = read_backtest(trained.out, columns=list(found), where=[("setting", "==", "ex_ante")])
    pd.testing.assert_frame_equal(found, known)


def test_a_countrys_page_has_intervals_and_past_outcomes(later):
    code = str(later.forecasts["exporter"].iloc[0])
    levels = country_brief(later, code).tables["exports_levels"].frame
    total = draws(later, f"{code}:exports").table.iloc[-1]
    for shown, drawn in (("interval_90_low_usd", "lower_90"), ("interval_90_high_usd", "upper_90")):
        assert levels[shown].notna().all()
        assert levels[shown].iloc[-1] == pytest.approx(total[drawn], rel=1e-5)
    assert levels["past_median"].notna().any()


def test_countries_that_the_data_lack_are_left_out_of_past_errors(later):
    """And those that the model did not know are drawn with the errors of all."""
    gone, new = sorted(later.forecasts["exporter"].astype(str).unique())[:2]
    table = later.forecasts.astype({"exporter": "str", "importer": "str"})
    table = table[(table["exporter"] != gone) & (table["importer"] != gone)]
    table = table.replace({side: {new: "NEW"} for side in ("exporter", "importer")})
    sides = {side: table[side].astype("category") for side in ("exporter", "importer")}
    moved = replace(later, forecasts=table.assign(**sides).reset_index(drop=True))
    joint = joint_draws(moved)
    own = joint.joint.factors[1].own
    unknown = (joint.keys == "NEW").any(axis=1).to_numpy()
    assert (own[:, unknown] == 0).all()
    assert own[:, ~unknown].any(axis=0).mean() > 0.9
    values = joint.sums(joint.membership(draws(joint, "world").selections))
    assert (values > 0).all()


def test_each_forecast_by_a_model_has_its_past(review_run, again, later):
    served = open_model(review_run)
    assert set(served.past) == set(PAST)
    for folder in (again.out, later.out):
        assert {name: (folder / name).read_bytes() for name in PAST} == served.past


def test_a_model_saved_without_its_past_forecasts_without_draws(later, tmp_path, stops):
    shutil.copytree(later.out, tmp_path / "old")
    (tmp_path / "old" / FILE).unlink()
    old = read_run(tmp_path / "old")
    stops(lambda: draws(old, "world"), says="without its past errors")


def test_past_errors_that_were_altered_are_refused(later, tmp_path, stops):
    shutil.copytree(later.out, tmp_path / "altered")
    with (tmp_path / "altered" / FILE).open("ab") as file:
        file.write(b"x")
    altered = read_run(tmp_path / "altered")
    stops(lambda: draws(altered, "world"), says="past_forecasts.parquet")
