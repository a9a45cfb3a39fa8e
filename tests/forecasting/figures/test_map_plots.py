"""The map: every partner is shaded, dotted or named as missing; simulated worlds are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import RunResult, read_run
from forecasting.figures.country_shapes import country_outlines
from forecasting.figures.map_plots import partner_shifts, world_map
from forecasting.figures.style import NoDataError


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    """A run with a partner that is a dot and one that is on no map; a flow stops."""
    found = read_run(finished_run)
    flows = found.forecasts
    for side in ("exporter", "importer"):
        flows = flows.assign(**{side: renamed(flows[side])})
    to_china = (flows["exporter"] == "DEU") & (flows["importer"] == "CHN")
    forecast = flows["forecast"].where(~to_china, 0.0)
    base = flows["base"].where(~to_china, 5.0)
    return replace(found, forecasts=flows.assign(forecast=forecast, base=base))


def renamed(codes: pd.Series) -> pd.Series:
    return codes.astype(str).replace({"NAM": "SGP", "ZAF": "ROW"}).astype("category")


def test_partners_are_the_forecasts_of_the_country(result: RunResult) -> None:
    partners = partner_shifts(result, "DEU", side="exporter", year=2011)
    flows = result.forecasts
    flows = flows[(flows["exporter"] == "DEU") & (flows["target_year"] == 2011)]
    assert sorted(partners.index) == sorted(flows["importer"].astype(str))
    for row in flows.itertuples():
        found = partners.loc[str(row.importer)]
        traded = row.base > 0 and row.forecast > 0
        expected = 100 * np.log(row.forecast / row.base) if traded else np.nan
        assert found["percent"] == pytest.approx(expected, nan_ok=True)
    assert (
        partners["place"].to_dict() | {"SGP": "dot", "ROW": "none"} == partners["place"].to_dict()
    )
    assert (partners.drop(["SGP", "ROW"])["place"] == "shape").all()


def test_each_partner_is_drawn_once(result: RunResult) -> None:
    partners = partner_shifts(result, "DEU", side="exporter", year=2011)
    figure = world_map(result, "DEU", side="exporter", year=2011)
    land, own, above, below, stops, nothing, *dots = figure.axes[0].collections
    shaped = partners[partners["place"] == "shape"]
    assert len(own.get_paths()) == 1
    assert len(land.get_paths()) == len(country_outlines()) - 1  # without Antarctica
    assert len(above.get_paths()) == (shaped["percent"] >= 0).sum()
    assert len(below.get_paths()) == (shaped["percent"] < 0).sum()
    assert len(stops.get_paths()) == 1
    assert len(nothing.get_paths()) == (shaped["base"] <= 0).sum()
    assert below.get_hatch()
    assert stops.get_hatch() not in ("", below.get_hatch())
    assert sum(len(dot.get_offsets()) for dot in dots) == 1


def test_what_is_missing_is_said(result: RunResult) -> None:
    figure = world_map(result, "DEU", side="exporter", year=2011)
    said = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "1 partner too small for an outline" in said
    assert "Not on the map: ROW" in said
    assert "Natural Earth" in said
    keys = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "Forecast to stop" in keys
    assert keys[0] == "Germany"


def test_colours_are_those_of_the_bar(result: RunResult) -> None:
    from forecasting.figures.style import diverging, symmetric_limit

    partners = partner_shifts(result, "DEU", side="importer", year=2012)
    figure = world_map(result, "DEU", side="importer", year=2012)
    limit = symmetric_limit(partners["percent"].to_numpy())
    shaped = partners[(partners["place"] == "shape") & (partners["percent"] >= 0)]
    expected = diverging()(np.clip(0.5 + shaped["percent"] / (2 * limit), 0, 1))
    drawn = figure.axes[0].collections[2].get_facecolors()
    assert np.allclose(drawn, expected)
    assert figure.axes[1].get_xlim() == pytest.approx((-limit, limit))
    assert "imports by partner, 2012" in figure.get_suptitle()


def test_a_simulated_world_has_no_map(result: RunResult) -> None:
    flows = result.forecasts
    unreal = {
        side: flows[side].astype(str).map(lambda code: f"Q{code[:2]}").astype("category")
        for side in ("exporter", "importer")
    }
    with pytest.raises(NoDataError, match="not ISO 3166 codes"):
        world_map(replace(result, forecasts=flows.assign(**unreal)), "QDE", year=2011)
