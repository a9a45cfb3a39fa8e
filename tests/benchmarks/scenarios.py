"""Scenarios: seconds of CPU, and three changes of the past predicted from data before them.

    python tests/benchmarks/scenarios.py [DATA]

DATA is a folder with ``trade/goods_totals.parquet`` and ``icio/``. A replay takes the flows of the
year before the change, rakes them to the totals realised years later (what would have happened if
only sizes had changed) and adds one effect, the textbook's of an agreement (0.5572), chosen before
looking at a result. It is set against what pairs did over that base.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.countries.groups import find_group
from features.data.flows import FlowIndex
from features.data.input_output import read_table_year
from forecasting.scenarios.estimate import AGREEMENT_EFFECT, TRADE_ELASTICITY
from models.counterfactual import conditional, full
from models.counterfactual_sectors import full_sectors
from models.raking import rake
from models.table_update import update_table

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
EU15 = ["AUT", "BEL", "DEU", "DNK", "ESP", "FIN", "FRA", "GBR", "GRC", "IRL", "ITA", "LUX", "NLD",
        "PRT", "SWE"]  # fmt: skip
JOINED = ["CYP", "CZE", "EST", "HUN", "LTU", "LVA", "MLT", "POL", "SVK", "SVN"]
SANCTIONS = [*EU15, *JOINED, "BGR", "HRV", "ROU", "USA", "CAN", "AUS", "NOR", "JPN"]


@dataclass(frozen=True)
class Replay:
    name: str
    before: int
    after: int
    first: tuple[str, ...]
    second: tuple[str, ...]
    effect: float


def replays(countries: list[str]) -> list[Replay]:
    beta = AGREEMENT_EFFECT.value
    wto = find_group("WTO")
    members = set(wto.members(2001)) if wto else set(countries) - {"CHN", "RUS"}
    others = tuple(code for code in countries if code in members and code != "CHN")
    return [
        Replay("China joins the WTO, 2001", 2000, 2006, ("CHN",), others, beta),
        Replay("EU enlargement, 2004", 2003, 2009, tuple(EU15), tuple(JOINED), beta),
        Replay("Russia sanctioned, 2014", 2013, 2017, ("RUS",), tuple(SANCTIONS), -beta),
    ]


def cpu(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def speed(data: Path) -> None:
    rng = np.random.default_rng(0)
    flows = np.exp(rng.normal(0, 2, (100, 100)))
    flows[np.diag_indices(100)] += 5 * flows.sum(axis=1)
    effect = np.exp(rng.normal(0, 0.3, (100, 100)))
    solve = [cpu(lambda: full(flows, effect, theta=TRADE_ELASTICITY.value)) for _ in range(9)]
    print(f"full equilibrium of 100 countries: {1e3 * np.median(solve):.1f} ms")
    if not (data / "icio").is_dir():
        return
    table = read_table_year(data / "icio", 2005)
    table = update_table(table, np.maximum(table.flows(), 0.0))
    n, k = len(table.countries), len(table.sectors)
    tariff, theta = np.ones((n, n, k)), np.full(k, TRADE_ELASTICITY.value)
    pair = table.countries.index("CHN"), table.countries.index("USA")
    tariff[pair] = 1.25**-theta
    seconds = cpu(lambda: full_sectors(table, tariff, theta=theta))
    print(f"full equilibrium of {n} x {k} sectors: {seconds:.2f} s")


def replay(one: Replay, panel: pd.DataFrame, countries: list[str]) -> dict[str, object]:
    index = FlowIndex(tuple(countries))

    def flows(year: int) -> np.ndarray:
        table = panel[panel["year"] == year].pivot(
            index="exporter", columns="importer", values="value_usd"
        )
        square = table.reindex(index=countries, columns=countries).fillna(0.0).to_numpy()
        return square[index.exporter, index.importer]

    actual = flows(one.after)
    totals = [np.bincount(side, weights=actual) for side in (index.exporter, index.importer)]
    base = rake(
        flows(one.before), flows=index, exporter_totals=totals[0], importer_totals=totals[1]
    ).values
    sides = [np.isin(countries, side) for side in (one.first, one.second)]
    pairs = np.outer(*sides) | np.outer(*sides[::-1])
    touched = pairs[index.exporter, index.importer]
    after = conditional(base, np.where(touched, np.exp(one.effect), 1.0), flows=index).values
    kept = (base > 1e6) & (actual > 1e6)
    growth, predicted = np.log(actual[kept] / base[kept]), np.log(after[kept] / base[kept])
    hit, weight = touched[kept], base[kept]
    error = [np.abs(actual - guess).sum() / actual.sum() for guess in (base, after)]
    return {
        "replay": one.name,
        "years": f"{one.before}-{one.after}",
        "pairs touched": int(hit.sum()),
        "predicted": np.average(predicted[hit], weights=weight[hit]),
        "realised": np.average(growth[hit], weights=weight[hit]),
        "realised, median pair": np.median(growth[hit]),
        "correlation": np.corrcoef(predicted, growth)[0, 1],
        "WAPE without": error[0],
        "WAPE with": error[1],
    }


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    speed(data)
    file = data / "trade" / "goods_totals.parquet"
    if not file.is_file():
        print(f"no replays: {file} is not there")
        return
    panel = pd.read_parquet(file)
    countries = sorted(set(panel["exporter"].astype(str)))
    rows = [replay(one, panel, countries) for one in replays(countries)]
    print("growth over the base, log points; flows above 1 million USD")
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
