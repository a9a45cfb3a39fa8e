"""A forecaster comes back from disk as it was, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from forecasting import load_forecaster, save_forecaster
from forecasting.explanation.forecast_table import forecast_table
from models.design import at_horizon


@pytest.fixture(scope="module")
def plain(make_forecaster):
    return make_forecaster()


@pytest.fixture(scope="module")
def with_sectors(make_forecaster):
    return make_forecaster(sectors=("goods", "services"))


@pytest.fixture(scope="module")
def with_domestic_sales(make_forecaster):
    return make_forecaster(sectors=("goods", "services"), domestic=True)


@pytest.fixture(scope="module")
def always_trading(make_forecaster):
    """Where every flow trades, the probability is a constant and there is no second booster."""
    forecaster = make_forecaster(all_trade=True)
    assert forecaster.probability.booster_ is None
    return forecaster


@pytest.fixture
def saved(plain, tmp_path) -> Path:
    save_forecaster(plain, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["plain", "with_sectors", "with_domestic_sales", "always_trading"])
def test_a_loaded_forecaster_gives_bit_identical_forecasts(name, request, tmp_path):
    before = request.getfixturevalue(name)
    save_forecaster(before, tmp_path)
    after = load_forecaster(tmp_path)
    assert after.flows == before.flows
    assert after.flows.diagonal == (name == "with_domestic_sales")
    assert sorted(after.totals) == [1, 2]
    for horizon in (1, 2):
        tables = [forecast_table(forecaster, horizon)[0] for forecaster in (before, after)]
        pd.testing.assert_frame_equal(*tables, check_exact=True)
        rows = at_horizon(before.features, horizon)
        np.testing.assert_array_equal(
            before.shift.contributions(rows), after.shift.contributions(rows)
        )
    assert (after.origin, after.as_of) == (before.origin, before.as_of)
    assert after.shift.choice == before.shift.choice


def test_only_text_json_and_parquet_are_written(saved):
    assert {path.suffix for path in saved.iterdir()} == {".json", ".parquet", ".txt"}
    assert not any(path.read_bytes().startswith(b"\x80") for path in saved.iterdir())


def test_another_version_of_the_format_is_refused(saved):
    meta = json.loads((saved / "forecaster.json").read_text())
    meta["format"] += 1
    (saved / "forecaster.json").write_text(json.dumps(meta))
    with pytest.raises(InputError, match="another version of gravicast: its format is"):
        load_forecaster(saved)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("renamed", "its catalogue has something_else and its catalogue lacks NAME"),
        ("reordered", "the same features in another order"),
        ("absent", "its catalogue lacks NAME"),
        ("four", "its catalogue lacks NAME, .* and 1 more"),
    ],
)
def test_another_feature_catalogue_is_refused_by_what_differs(saved, change, says):
    state = pd.read_parquet(saved / "state.parquet")
    columns = list(state)
    if change == "renamed":
        state = state.rename(columns={columns[3]: "something_else"})
    elif change == "reordered":
        state = state[[columns[1], columns[0], *columns[2:]]]
    else:
        state = state.drop(columns=columns[3 : 7 if change == "four" else 4])
    state.to_parquet(saved / "state.parquet", index=False)
    # As a version with that catalogue would have written it.
    meta = json.loads((saved / "forecaster.json").read_text())
    (saved / "forecaster.json").write_text(json.dumps({**meta, "sha256": {}}))
    with pytest.raises(InputError, match=says.replace("NAME", columns[3])) as caught:
        load_forecaster(saved)
    assert "Train it again" in caught.value.remedy


@pytest.mark.parametrize("lost", ["shift.txt", "probability.txt", "state.parquet"])
def test_a_missing_file_is_an_error_of_the_system(saved, lost, capfd):
    (saved / lost).unlink()
    with pytest.raises(OSError, match=lost):
        load_forecaster(saved)
    assert capfd.readouterr().err == ""


def test_a_horizon_that_was_not_fitted_is_refused_by_name(saved):
    with pytest.raises(KeyError, match="horizon 3 was not fitted; fitted: 1, 2"):
        load_forecaster(saved).flow_forecast(3)
