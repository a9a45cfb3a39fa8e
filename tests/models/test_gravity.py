from __future__ import annotations

import builtins
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.data.flows import FlowIndex
from features.data.pairs import PairAttributes
from features.data.panel import PanelNotes, TradePanel
from features.errors import InputError
from features.information import DataBundle, InformationSet
from models.gravity import dynamic, ppml, three_way
from models.known_totals import Totals

pytest.importorskip("pyfixest", reason="needs the extra `gravity`")

FLOWS = FlowIndex(tuple(f"X{letter}A" for letter in "ABCDEFGH"))
FIRST, YEARS, ORIGIN = 2000, 14, 2010
EFFECT = 0.4


def world(*, noise: float = 0.0, seed: int = 0) -> tuple[TradePanel, PairAttributes, np.ndarray]:
    """Multiplicative trade: exporter-year, importer-year and pair terms, and an agreement."""
    rng = np.random.default_rng(seed)
    n = len(FLOWS.countries)
    outward, inward = rng.normal(0, 0.3, (2, YEARS, n)).cumsum(axis=1)
    pair = rng.normal(0, 1, FLOWS.size)
    signed = rng.integers(0, 2 * YEARS, FLOWS.size)
    agreed = np.arange(YEARS)[:, None] >= signed
    log = 16 + outward[:, FLOWS.exporter] + inward[:, FLOWS.importer] + pair + EFFECT * agreed
    values = np.exp(log + rng.normal(0, noise, log.shape))
    values[:, 5] = 0
    years = np.arange(FIRST, FIRST + YEARS, dtype=np.int32)
    panel = TradePanel(FLOWS, years, np.float32(values), None, PanelNotes(0, 0, 0, "missing"))
    names = np.array(FLOWS.countries)
    table = pd.DataFrame(
        {
            "iso3_o": np.tile(names[FLOWS.exporter], YEARS),
            "iso3_d": np.tile(names[FLOWS.importer], YEARS),
            "year": np.repeat(years, FLOWS.size),
            "rta": agreed.ravel().astype(float),
        }
    )
    pairs = PairAttributes.from_frames([("agreements", table)], countries=FLOWS.countries)
    return panel, pairs, values


def information(panel: TradePanel, pairs: PairAttributes) -> InformationSet:
    return InformationSet(
        DataBundle(panel, pairs=pairs), as_of=date(ORIGIN + 2, 7, 1), origin=ORIGIN
    )


def true_totals(values: np.ndarray, horizon: int) -> Totals:
    target = values[ORIGIN - FIRST + horizon]
    return Totals(FLOWS.exporter_totals(target), FLOWS.importer_totals(target))


def test_a_multiplicative_world_is_forecast_exactly_from_its_totals():
    panel, pairs, values = world()
    totals = {h: true_totals(values, h) for h in (1, 2)}
    forecast = three_way(information(panel, pairs), totals=totals)
    # Agreements of the target year itself are known at the as-of date, later ones are not.
    np.testing.assert_allclose(forecast[1], values[ORIGIN - FIRST + 1], rtol=2e-4)
    assert forecast[1][5] == 0


def test_totals_are_met_and_the_effect_of_agreements_is_found():
    panel, pairs, values = world(noise=0.05)
    info = information(panel, pairs)
    totals = {h: true_totals(values, h) for h in (1, 3)}
    for forecasts in (three_way(info, totals=totals), dynamic(info, totals=totals)):
        for horizon, forecast in forecasts.items():
            assert (forecast >= 0).all()
            np.testing.assert_allclose(
                FLOWS.exporter_totals(forecast), totals[horizon].exporter, rtol=1e-6
            )
    table = pd.concat(
        pd.DataFrame(
            {
                "value": panel.values[row],
                "agreement": info.pair_at("rta", FIRST + row)[FLOWS.exporter, FLOWS.importer],
                "ey": FLOWS.exporter + 100 * row,
                "iy": FLOWS.importer + 100 * row,
                "pair": np.arange(FLOWS.size),
            }
        )
        for row in range(YEARS)
    )
    table = table[table["value"] > 0].reset_index(drop=True)
    estimate = ppml(table, "value ~ agreement | ey + iy + pair")
    assert estimate.coefficients["agreement"] == pytest.approx(EFFECT, abs=0.05)


@pytest.mark.parametrize("forecaster", [three_way, dynamic])
def test_the_future_changes_nothing(forecaster):
    panel, pairs, values = world(noise=0.1)
    totals = {2: true_totals(values, 2)}
    before = forecaster(information(panel, pairs), totals=totals)
    later = panel.values.copy()
    later[ORIGIN - FIRST + 1 :] *= 7
    changed = TradePanel(FLOWS, panel.years, later, None, panel.notes)
    after = forecaster(information(changed, pairs), totals=totals)
    np.testing.assert_array_equal(before[2], after[2])


@pytest.mark.parametrize("forecaster", [three_way, dynamic])
def test_unknown_flows_and_no_pair_files_are_survived(forecaster):
    panel, _, values = world(noise=0.1)
    holes = panel.values.copy()
    holes[3, 7] = holes[ORIGIN - FIRST, 11] = np.nan
    changed = TradePanel(FLOWS, panel.years, holes, None, panel.notes)
    forecast = forecaster(
        information(changed, PairAttributes()), totals={1: true_totals(values, 1)}
    )[1]
    assert np.isfinite(forecast).all()
    assert forecast.sum() == pytest.approx(values[ORIGIN - FIRST + 1].sum(), rel=1e-6)


def test_without_pyfixest_the_remedy_is_named(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "pyfixest":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    panel, pairs, values = world()
    with pytest.raises(InputError, match="gravicast\\[gravity\\]"):
        three_way(information(panel, pairs), totals={1: true_totals(values, 1)})


# The same in every process -----------------------------------------------------------------------

FIT = """
import hashlib, numpy as np, pandas as pd
from models.gravity import ppml
rng = np.random.default_rng(0)
rows = pd.DataFrame(
    [(i, j, t) for i in range(9) for j in range(9) for t in range(5) if i != j],
    columns=["exporter", "importer", "year"],
)
rows["pair"] = 9 * rows.exporter + rows.importer
rows["exporter_year"] = 9 * rows.year + rows.exporter
rows["importer_year"] = 9 * rows.year + rows.importer
rows["agreement"] = (rng.random(len(rows)) < 0.4).astype(float)
rows["value"] = rng.lognormal(0, 1, len(rows)) * np.exp(0.3 * rows.agreement)
formula = "value ~ agreement | exporter_year + importer_year + pair"
print(ppml(rows, formula, tolerance=1e-6).coefficients["agreement"].hex())
"""


@pytest.mark.slow
def test_two_processes_estimate_the_same_to_the_last_digit():
    """Strings hash differently in each, and pyfixest orders effects by it."""
    root = Path(__file__).resolve().parents[2]
    found = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FIT],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": str(seed), "OPENBLAS_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(found) == 1
