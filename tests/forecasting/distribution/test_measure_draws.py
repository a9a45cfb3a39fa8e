"""Measures of draws: they are those of the drawn flows, and their points are the run's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.measures.catalogue import MEASURES
from features.measures.concentration import herfindahl
from forecasting import draws, joint_draws, measure_draws, read_run
from forecasting.distribution import measure_draws as module
from forecasting.distribution.measure_selections import apart
from forecasting.inputs.load import LoadedData, Source
from forecasting.results.subjects import countries_of

BY_NAME = {measure.name: measure for measure in MEASURES}


@pytest.fixture(scope="module")
def joint(finished_run):
    return joint_draws(read_run(finished_run))


@pytest.fixture(autouse=True)
def read_again(make_bundle, monkeypatch):
    """The run was made on this bundle, not on files."""
    monkeypatch.setattr("forecasting.run_data.load", lambda _: LoadedData(make_bundle(), ()))


def test_concentration_is_that_of_the_drawn_suppliers(joint):
    code, *others = countries_of(joint.run.forecasts)
    flows = draws(joint, [f"{other},{code}" for other in others])
    amounts = flows.values.astype(np.float64)
    shares = amounts / amounts.sum(axis=0)
    found = measure_draws(joint, f"{code}:supplier_concentration;{code}:largest_supplier")
    wanted = herfindahl(shares, partners=len(others)), shares.max(axis=0)
    np.testing.assert_allclose(found.values, wanted, rtol=1e-5)
    last = flows.table.groupby("selection")["last_known"].first()
    concentration = herfindahl((last / last.sum()).to_numpy(), partners=len(others))
    assert found.table["last_known"].iloc[0] == pytest.approx(concentration)


def test_shares_in_a_market_add_up_in_every_draw(joint):
    code, *others = countries_of(joint.run.forecasts)
    found = measure_draws(joint, [f"{other}:market_share:{code}" for other in others])
    np.testing.assert_allclose(found.values.sum(axis=0), 1.0, rtol=1e-5)
    assert set(found.table["horizon"]) == set(joint.joint.horizons)
    table = measure_draws(joint, f"{code}:supplier_concentration", levels=(50, 80, 95)).table
    order = ["lower_95", "lower_80", "lower_50", "upper_50", "upper_80", "upper_95"]
    assert (np.diff(table[order], axis=1) >= 0).all()


def test_every_measure_of_a_run_that_can_be_drawn_has_its_point_forecast(
    measured_run, make_bundle, monkeypatch
):
    bundle = make_bundle(sectors=("c1", "c2", "c3"), domestic=True, include=True)
    monkeypatch.setattr("forecasting.run_data.load", lambda _: LoadedData(bundle, ()))
    run = read_run(measured_run)
    forecasts = run.measures.forecasts.astype(
        dict.fromkeys(("country", "partner", "sector"), "str")
    )
    joint, texts, rows = joint_draws(run, n_draws=40), [], []
    for name, block in forecasts.groupby("measure", sort=False):
        measure = BY_NAME[str(name)]
        if measure.family == "links" or "tables" in measure.needs:
            continue
        unit = block.iloc[0]
        words = [unit["country"] or "world", name, unit["partner"], unit["sector"]]
        texts.append(":".join(word for word in words if word))
        keys = (block[key] == unit[key] for key in ("country", "partner", "sector"))
        rows.append(block[np.logical_and.reduce(list(keys))].sort_values("horizon"))
    assert len(texts) > 20
    found = measure_draws(joint, texts).table
    expected = pd.concat(rows)
    np.testing.assert_allclose(found["forecast"], expected["forecast"], rtol=1e-4, atol=1e-7)
    assert (found["lower_90"] <= found["upper_90"]).all()
    assert found["probability_of_rise"].between(0, 1).all()


def test_draws_in_several_passes_are_the_same(joint, monkeypatch):
    of = f"{countries_of(joint.run.forecasts)[0]}:market_concentration"
    whole = measure_draws(joint, of)
    monkeypatch.setattr(module, "MOST_NUMBERS", 7 * len(joint.keys) * len(joint.joint.horizons))
    assert measure_draws(joint, of).values.tobytes() == whole.values.tobytes()


def test_files_that_a_measure_needs_must_be_those_of_the_run(
    joint, make_bundle, monkeypatch, stops
):
    altered = LoadedData(make_bundle(), (Source("pairs", "distances.csv", "0", ()),))
    monkeypatch.setattr("forecasting.run_data.load", lambda _: altered)
    stops(lambda: measure_draws(joint, "DEU:distance_of_exports"), says="the pairs of the run has")
    assert len(measure_draws(joint, "DEU:market_share:FRA").table)


def test_sums_and_measures_are_told_apart():
    of = ["DEU,FRA", "EU27:CHN,DEU:market_share:USA; world", "CHN:supplier_concentration"]
    sums, measures = apart(of)
    assert sums == ["DEU,FRA", "EU27:CHN", "world"]
    assert measures == ["DEU:market_share:USA", "CHN:supplier_concentration"]


@pytest.mark.parametrize(
    ("of", "says"),
    [
        ("DEU:exports", "not a measure"),
        ("DEU:supplier_concentration:USA", "DEU:supplier_concentration".replace("DEU", "COUNTRY")),
        ("DEU:market_share", "COUNTRY:market_share:COUNTRY"),
        ("DEU:market_share:DEU", "own partner"),
        ("EU27:supplier_concentration", "EU27 is a group"),
        ("GERMONY:supplier_concentration", "Germany"),
        ("DEU:link_births", "own past errors"),
        ("DEU:export_structure:food", "no column `sector`"),
        ("DEU:domestic_inputs:food", "input-output table"),
        ("DEU:import_penetration", "domestic sales are not"),
        ("", "no measure"),
    ],
)
def test_a_measure_that_cannot_be_drawn_is_one_clear_line(joint, stops, of, says):
    stops(lambda: measure_draws(joint, of), says=says)


def test_a_misspelled_measure_is_offered_its_name(joint, stops):
    stops(lambda: draws(joint, "DEU:suplier_concentration"), says="supplier_concentration")
