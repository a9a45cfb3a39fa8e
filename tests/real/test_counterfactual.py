"""Counterfactuals against printed results of a textbook and those of an independent solver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.data.flows import FlowIndex
from models.counterfactual import conditional, full
from models.gravity import ppml
from models.raking import rake

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "reference"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"needs the published results, and {DATA} is not there"
)


@pytest.mark.parametrize(
    ("deficits", "welfare", "flows"),
    [("additive", 6e-8, 1e-7), ("multiplicative", 2e-6, 2e-6)],
)
def test_enlargement_of_the_european_union_as_an_independent_solver_has_it(
    deficits: str, welfare: float, flows: float
) -> None:
    table = pd.read_parquet(DATA / "counterfactual_eu_enlargement.parquet")
    square = {
        name: table.pivot(index="exporter", columns="importer", values=name).to_numpy()
        for name in ("flow", "ln_partial_effect", f"welfare_{deficits}", f"flow_{deficits}")
    }
    effect = np.exp(square["ln_partial_effect"])
    found = full(square["flow"], effect, theta=4.0, deficits=deficits)
    assert found.converged
    np.testing.assert_allclose(found.welfare, square[f"welfare_{deficits}"][:, 0], rtol=welfare)
    printed = square[f"flow_{deficits}"]
    # The solver's results are stored in single precision: each is rounded by up to half a step.
    rounding = np.spacing(printed.astype(np.float32)).astype(float) / 2
    assert (printed == printed.astype(np.float32)).all()
    assert (np.abs(found.flows - printed) <= flows * printed + rounding).all()


def test_what_is_left_of_the_difference_is_where_that_solver_stopped() -> None:
    """Flows at its own prices leave a gap between sales and output; ours leave none."""
    table = pd.read_parquet(DATA / "counterfactual_eu_enlargement.parquet")
    flow, effect, printed = (
        table.pivot(index="exporter", columns="importer", values=name).to_numpy()
        for name in ("flow", "ln_partial_effect", "flow_additive")
    )
    found = full(flow, np.exp(effect), theta=4.0, deficits="additive")
    # A flow's own rounding averages out over an exporter's 44 importers; its price does not.
    price = -(np.log(printed) - np.log(flow) - effect).mean(axis=1) / 4.0
    apart = price - price.mean() - (np.log(found.price) - np.log(found.price).mean())
    assert np.abs(found.residual).max() < 1e-14
    assert 1e-8 < np.abs(apart).max() < 2e-8


def test_a_world_without_borders_as_the_textbook_prints_it() -> None:
    pytest.importorskip("pyfixest", reason="needs the extra `gravity`")
    table = pd.read_parquet(DATA / "agtpa.parquet")
    table = table[table["year"] == 2006].sort_values(["exporter", "importer"])
    countries = tuple(sorted(table["exporter"].unique()))
    table["ln_dist"] = np.log(table["dist"])
    table["border"] = (table["exporter"] != table["importer"]).astype(float)
    names = ["ln_dist", "cntg", "border"]
    estimate = ppml(table, f"trade ~ {' + '.join(names)} | exporter + importer").coefficients
    index = FlowIndex(countries, diagonal=True)
    trade = table["trade"].to_numpy().reshape(len(countries), -1)
    # Exporter and importer effects of the estimate make the totals of the fit those of the data.
    base = rake(
        np.exp(sum(estimate[name] * table[name].to_numpy() for name in names)),
        flows=index,
        exporter_totals=trade.sum(axis=1),
        importer_totals=trade.sum(axis=0),
        tolerance=1e-12,
    ).values
    effect = np.exp(-estimate["border"] * table["border"].to_numpy())
    after = conditional(base, effect, flows=index)
    assert after.converged
    abroad = table["border"].to_numpy() > 0

    def exports(values: np.ndarray) -> np.ndarray:
        return np.bincount(index.exporter[abroad], weights=values[abroad])

    change = 100 * (exports(after.values) / exports(base) - 1)
    printed = pd.read_csv(DATA / "counterfactual_no_borders.csv").set_index("country")
    # The printed table carries the rounding of the estimate it was computed from.
    np.testing.assert_allclose(change, printed.loc[list(countries), "change_Xi_CDL"], rtol=1e-6)
