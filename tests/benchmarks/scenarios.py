"""Scenarios: seconds of CPU, and three changes of the past predicted from data before them.

    python tests/benchmarks/scenarios.py [--data ../shared/data] [--run RUN]
    python tests/benchmarks/scenarios.py --notebook notebooks/scenarios.md

DATA is a folder with ``trade/goods_totals.parquet`` and ``icio/``, RUN a finished run of which a
scenario with 200 draws of three years is timed. A replay takes the flows of the year before the
change, rakes them to the totals realised years later (what would have happened if only sizes had
changed) and adds one effect, the textbook's of an agreement (0.5572), chosen before looking at a
result. It is set against what pairs did over that base.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.countries.groups import find_group
from features.data.flows import FlowIndex
from features.data.input_output import read_table_year
from forecasting.figures.files import render
from forecasting.figures.style import BLUE, GREY, VERMILLION, figure_style
from forecasting.results.read import read_run
from forecasting.results.result import RunResult
from forecasting.scenarios.estimate import AGREEMENT_EFFECT, TRADE_ELASTICITY
from forecasting.scenarios.scenario import answer_scenario
from forecasting.scenarios.scenario_file import read_scenario
from forecasting.words.markdown import table as markdown
from models.counterfactual import conditional, full
from models.counterfactual_sectors import full_sectors
from models.raking import rake
from models.table_update import update_table

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
EFFECT = AGREEMENT_EFFECT.value
SAME = 5e-4
"""Difference of errors that the table's digits do not show."""
NOTEBOOK = """
# Scenarios: three changes of the past, replayed

Flows of the year before the change are raked to the totals realised years later: what would have
happened if only sizes had changed. A conditional scenario then adds one effect on the pairs it
touches, the textbook's of an agreement ({effect} log points, or as much off for the sanctions),
chosen before looking at any result. Predicted and realised growth over that base are in log points,
weighted by the base, of flows above 1 million USD; in the median every pair counts alike. WAPE is
the error of all flows, with the scenario and without. Written by `python
tests/benchmarks/scenarios.py --notebook notebooks/scenarios.md`.

{table}

![Realised growth over the base of pairs that the change touches and of others, and what the
scenario predicted](scenario_replays.png)

With the scenario the error is {verdict}. China: joining the WTO touches nearly all of its trade,
which the totals already hold, so the scenario predicts next to nothing for single pairs.
Enlargement: the pairs grew less than the totals of their countries, and an average agreement's
effect is far too large for countries that had association agreements since the 1990s. Russia: the
fall has the predicted size, but the effect was assumed, and the oil price fell as well. An average
effect from the literature says how large such changes are on average, not what one of them did:
state the effect of your own case, with its standard error.
"""
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
    wto = find_group("WTO")
    members = set(wto.members(2001)) if wto else set(countries) - {"CHN", "RUS"}
    others = tuple(code for code in countries if code in members and code != "CHN")
    return [
        Replay("China joins the WTO, 2001", 2000, 2006, ("CHN",), others, EFFECT),
        Replay("EU enlargement, 2004", 2003, 2009, tuple(EU15), tuple(JOINED), EFFECT),
        Replay("Russia sanctioned, 2014", 2013, 2017, ("RUS",), tuple(SANCTIONS), -EFFECT),
    ]


def cpu(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def speed(data: Path, run: Path | None) -> None:
    rng = np.random.default_rng(0)
    flows = np.exp(rng.normal(0, 2, (100, 100)))
    flows[np.diag_indices(100)] += 5 * flows.sum(axis=1)
    effect = np.exp(rng.normal(0, 0.3, (100, 100)))
    solve = [cpu(lambda: full(flows, effect, theta=TRADE_ELASTICITY.value)) for _ in range(9)]
    print(f"full equilibrium of 100 countries: {1e3 * np.median(solve):.1f} ms")
    if run is not None:
        speed_of_draws(read_run(run))
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


def speed_of_draws(run: RunResult) -> None:
    """A tariff between the two largest exporters; domestic sales are four times exports."""
    first = run.forecasts[run.forecasts["horizon"] == run.forecasts["horizon"].min()]
    exports = first.groupby("exporter", observed=True)["value_origin"].sum()
    years = sorted(int(year) for year in run.forecasts["target_year"].unique())[:3]
    largest = [str(code) for code in exports.nlargest(2).index]
    with tempfile.TemporaryDirectory() as folder:
        home = {"country": exports.index.astype(str), "value_usd": 4 * exports.to_numpy()}
        pd.DataFrame(home).to_csv(Path(folder) / "sales.csv", index=False)
        file = Path(folder) / "tariff.yaml"
        file.write_text(
            f"years: {years}\ndomestic_sales: sales.csv\n"
            "elasticity: {value: 5.03, standard_error: 0.5, source: illustrative}\n"
            f"changes:\n  - {{tariff: 25%, exporters: {largest[0]}, importers: {largest[1]}}}\n"
        )
        seconds = cpu(lambda: answer_scenario(run, read_scenario(file)))
    print(f"200 draws x {len(years)} years of {len(exports)} countries: {seconds:.1f} s")


def replay(
    one: Replay, panel: pd.DataFrame, countries: list[str]
) -> tuple[dict[str, object], np.ndarray, np.ndarray]:
    """A row of figures, and realised growth of the pairs touched and of the others."""
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
    row = {
        "replay": one.name,
        "years": f"{one.before}-{one.after}",
        "pairs touched": int(hit.sum()),
        "predicted": np.average(predicted[hit], weights=weight[hit]),
        "realised": np.average(growth[hit], weights=weight[hit]),
        "median pair": np.median(growth[hit]),
        "median pair, not touched": np.median(growth[~hit]),
        "correlation": np.corrcoef(predicted, growth)[0, 1],
        "WAPE without": error[0],
        "WAPE with": error[1],
    }
    return row, growth[hit], growth[~hit]


def notebook(rows: list[dict[str, object]]) -> str:
    """The replays as Markdown."""
    header = list(rows[0])
    cells = [[f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()] for row in rows]
    gains = np.array([row["WAPE with"] - row["WAPE without"] for row in rows])
    lower, higher = int((gains < -SAME).sum()), int((gains > SAME).sum())
    verdict = f"lower in {lower}, the same in {len(gains) - lower - higher} and higher in {higher}"
    facts = {"effect": f"{EFFECT:.4f}", "verdict": verdict, "table": markdown(header, cells)}
    paragraphs = (" ".join(part.split()) for part in NOTEBOOK.strip().split("\n\n"))
    return "\n\n".join(part.format_map(facts) for part in paragraphs) + "\n"


def draw(found: list[tuple[dict[str, object], np.ndarray, np.ndarray]], file: Path) -> None:
    """Distributions of realised growth, and the prediction as a line."""
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(9.5, 3.2), layout="constrained")
        for axes, (row, hit, others) in zip(figure.subplots(1, 3), found, strict=True):
            bins = np.linspace(-2, 2, 33)
            for values, colour, label in ((others, GREY, "other pairs"), (hit, BLUE, "touched")):
                axes.hist(np.clip(values, -2, 2), bins, density=True, alpha=0.6, color=colour,
                          label=label)  # fmt: skip
            axes.axvline(row["predicted"], color=VERMILLION, label="predicted")
            axes.axvline(row["realised"], color="black", linestyle="--", label="realised, weighted")
            axes.set_title(row["replay"])
            axes.set_xlabel("growth over the base, log points")
            axes.set_yticks([])
        axes.legend(fontsize=8)
        file.write_bytes(render(figure, "png"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--notebook", type=Path)
    given = parser.parse_args()
    speed(given.data, given.run)
    file = given.data / "trade" / "goods_totals.parquet"
    if not file.is_file():
        print(f"no replays: {file} is not there")
        return
    panel = pd.read_parquet(file)
    countries = sorted(set(panel["exporter"].astype(str)))
    found = [replay(one, panel, countries) for one in replays(countries)]
    rows = [row for row, _, _ in found]
    print("growth over the base, log points; flows above 1 million USD")
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3f}".format))
    if given.notebook is not None:
        given.notebook.write_text(notebook(rows), encoding="utf-8")
        draw(found, given.notebook.with_name("scenario_replays.png"))


if __name__ == "__main__":
    main()
