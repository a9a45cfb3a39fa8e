"""A small world whose flows are those of its input-output tables, its measures, and runs on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.data.input_output import MILLION
from features.data.panel import TradePanel
from features.information import DataBundle
from forecasting import RunConfig, RunResult, run
from forecasting.inputs.load import load
from forecasting.measurement.measure_set import MeasureSet, make_measure_set

COUNTRIES = ("CHN", "DEU", "FRA", "IND", "ROW", "USA")
SECTORS = ("crops", "machines", "retail", "software")
FIRST_YEAR, LAST_YEAR = 1999, 2010
HORIZONS = (1, 2)


@dataclass(frozen=True)
class ChainWorld:
    """Files of the world, and the options of `RunConfig` that read them quickly."""

    folder: Path

    @property
    def options(self) -> dict[str, Any]:
        return {
            "trade": self.folder / "trade.parquet",
            "pairs": (self.folder / "distances.csv",),
            "sectors": self.folder / "sectors.csv",
            "tables": self.folder / "tables",
            "domestic": "include",
            "horizons": HORIZONS,
            "settings": ("totals_known",),
            "first_origin": 2007,
            "rounds": 3,
            "params": {"min_data_in_leaf": 5, "feature_fraction": 1.0, "num_leaves": 8},
            "workers": 1,
            "experiment": None,
        }


def draw_tables(seed: int) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Sales to sectors and to final use by year, million USD; some flows come and go.

    Countries buy mostly at home. Some final use is negative, as inventories fall.
    """
    rng = np.random.default_rng(seed)
    n, k = len(COUNTRIES), len(SECTORS)
    size = rng.lognormal(6, 0.8, n)
    home = np.where(np.eye(n, dtype=bool), 8.0, 1.0)
    level = size[:, None, None] * size[None, :, None] / size.sum() * home[:, :, None]
    level = level * rng.lognormal(0, 0.5, (n, n, k))
    # A third goes to sectors, so that none uses more than it makes.
    spread = rng.dirichlet([3.0] * k + [6.0 * k], (n, n, k)) + 0.005
    often = rng.choice([1.0, 0.6], p=[0.7, 0.3], size=(n, n, k))
    often[np.eye(n, dtype=bool)] = 1.0
    tables = {}
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        level = level * rng.lognormal(0.04, 0.15, level.shape)
        present = rng.random(level.shape) < often
        uses = (level * present)[..., None] * spread * rng.lognormal(0, 0.05, spread.shape)
        # [exporter, importer, sector, use] to rows of exporter x sector.
        rows = uses.transpose(0, 2, 1, 3)
        final = rows[..., k].reshape(n * k, n)
        final[rng.random(final.shape) < 0.05] *= -0.2
        tables[year] = rows[..., :k].reshape(n * k, n * k), final
    return tables


def table_frame(intermediate: np.ndarray, final: np.ndarray) -> pd.DataFrame:
    rows = [(country, sector) for country in COUNTRIES for sector in SECTORS]
    cells = [
        (*rows[at], *rows[to], intermediate[at, to]) for at, to in np.ndindex(*intermediate.shape)
    ]
    cells += [
        (*rows[at], COUNTRIES[to], "HOUSEHOLD" if final[at, to] > 0 else "INVENTORY", final[at, to])
        for at, to in np.ndindex(*final.shape)
    ]
    names = ["source_country", "source_sector", "use_country", "use", "value_musd"]
    frame = pd.DataFrame(cells, columns=names)
    return frame[frame["value_musd"] != 0].reset_index(drop=True)


def write_world(folder: Path, seed: int) -> ChainWorld:
    (folder / "tables").mkdir(parents=True)
    flows, output = [], []
    for year, table in draw_tables(seed).items():
        frame = table_frame(*table)
        frame.to_parquet(folder / "tables" / f"wiot_{year}.parquet", index=False)
        keys = ["source_country", "use_country", "source_sector"]
        sold = frame.groupby(keys)["value_musd"].sum().mul(MILLION).reset_index(name="value_usd")
        flows.append(sold.set_axis(["exporter", "importer", "sector", "value_usd"], axis=1)
                     .assign(year=year))  # fmt: skip
        made = frame.groupby(keys[::2])["value_musd"].sum().reset_index()
        output.append(made.set_axis(["country", "sector", "output_musd"], axis=1)
                      .assign(year=year))  # fmt: skip
    pd.concat(flows).to_parquet(folder / "trade.parquet", index=False)
    pd.concat(output).to_parquet(folder / "tables" / "gross_output.parquet", index=False)
    pd.DataFrame(
        {
            "sector": SECTORS,
            "kind": ["goods", "manufacturing", "services", "services"],
            "digitally_deliverable": [0, 0, 0, 1],
            "data_intensity": [0.0, 0.25, 0.5, 1.0],
        }
    ).to_csv(folder / "sectors.csv", index=False)
    rng = np.random.default_rng(seed + 1)
    pairs = [(o, d) for o in COUNTRIES for d in COUNTRIES if "ROW" not in (o, d)]
    distances = pd.DataFrame(pairs, columns=["iso3_o", "iso3_d"])
    distances["distw"] = rng.uniform(300, 12_000, len(pairs)).round(1)
    distances["hosting"] = rng.uniform(0, 0.2, len(pairs)).round(3)
    distances.to_csv(folder / "distances.csv", index=False)
    return ChainWorld(folder)


@pytest.fixture(scope="session")
def chain_world(tmp_path_factory: pytest.TempPathFactory) -> ChainWorld:
    """Read only."""
    return write_world(tmp_path_factory.mktemp("chains"), seed=4)


@pytest.fixture(scope="session")
def chain_bundle(chain_world: ChainWorld) -> DataBundle:
    return load(RunConfig(**chain_world.options)).bundle


@pytest.fixture(scope="session")
def measure_set(chain_world: ChainWorld, chain_bundle: DataBundle) -> MeasureSet:
    """Every measure of the catalogue."""
    return make_measure_set(chain_bundle, tables=chain_world.options["tables"])


@pytest.fixture(scope="session")
def write_backtest() -> Callable[..., None]:
    """Write a ``backtest.parquet`` of stand-in forecasts: flows of the origin, moved at random."""

    def write(folder: Path, panel: TradePanel, pairs: Sequence[tuple[int, int]]) -> None:
        tables = []
        for origin, horizon in pairs:
            rng = np.random.default_rng(origin * 10 + horizon)
            value = np.nan_to_num(panel.values[panel.row(origin)])
            base = value * rng.lognormal(0.05, 0.05, value.size)
            moved = base * rng.lognormal(0, 0.2, value.size) * (rng.random(value.size) < 0.9)
            chance = np.where(value > 0, rng.uniform(0.6, 1, value.size), rng.random(value.size))
            table = pd.DataFrame({"value_origin": value, "base": base, "forecast": moved})
            table = table.assign(
                probability_of_trade=chance, origin=np.int16(origin), horizon=np.int8(horizon)
            )
            without = moved * rng.lognormal(0, 0.05, value.size)
            table = table.assign(last_value=7.0 * moved, without_technology=without)
            # Forecasts of the other setting, which are not to be read.
            tables += [
                table.assign(setting="ex_ante", forecast=5.0 * moved),
                table.assign(setting="totals_known"),
            ]
        pd.concat(tables).to_parquet(folder / "backtest.parquet", index=False)

    return write


@pytest.fixture(scope="session")
def run_chains(
    tmp_path_factory: pytest.TempPathFactory, chain_world: ChainWorld
) -> Callable[..., RunResult]:
    """Run the whole job on the world's files, figures and report aside."""

    def go(**options: Any) -> RunResult:
        out = tmp_path_factory.mktemp("measured") / "run"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("forecasting.figures.run_figures.save_figures", lambda *_: {})
            patch.setattr(
                "forecasting.reports.report.write_report", lambda *given: given[-1].write_text("")
            )
            config = RunConfig(out=out, **{**chain_world.options, **options})
            return run(config, show_progress=False)

    return go
