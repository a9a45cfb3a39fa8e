"""Whether joint draws of flows give better intervals of measures than a measure's own past errors.

    python tests/benchmarks/measure_draws.py RUN [--draws 200]

RUN is the folder of a finished run with all origins, whose data are where it read them. At every
origin with at least four earlier ones, error factors are estimated on errors known then, flows are
drawn within the intervals that the run printed then, and each measure is computed of every draw.
The bounds are compared with those that the run printed of the measure (``own``), on the same units:
coverage, and the interval score of Gneiting and Raftery (2007, doi:10.1198/016214506000001437) of
draws relative to own, lower being better. Measures of input-output tables are left out.

Rule, stated before the figures were seen: draws give a measure's interval at a horizon where their
mean 90 % score was not worse at earlier origins whose outcome was known; ``nested 90`` scores that
choice, made anew at every origin (own past errors where no outcome is known).

Real goods trade, 99 countries, origins to 2016, with reports (means over the ten measures that are
not of links, the range in brackets):

    years ahead  origins  own 90         draws 90       score 90         nested 90
    1            10       .92 (.89-.96)  .88 (.84-.91)  .88 (.76-.93)    .89 (.79-.95)
    2            8        .91 (.90-.94)  .87 (.81-.91)  .95 (.89-1.02)   .97 (.91-1.00)
    3            6        .90 (.86-.95)  .85 (.78-.91)  .96 (.86-1.01)   .98 (.92-1.02)
    4            4        .89 (.83-.95)  .83 (.78-.91)  .97 (.83-1.16)   1 (nothing known)
    5            2        .91 (.84-.97)  .85 (.79-.91)  .93 (.82-1.14)   1 (nothing known)

Links in use, births and deaths score 1.11, 1.00 and .98 one year ahead. The simulated world with
sectors, 27 measures of amounts: .86, .97 and 1.02 one to three years ahead, nested .88, 1.00 and
1.05, covering .87, .85 and .83 where own covers .91, .89 and .89. Before own errors were in units
of each unit's typical change, draws scored .75, .83 and .88 of them on goods.

Decision: a run prints own errors. Draws are better one year ahead, hardly so after that, and their
bounds are too narrow; and draws of the whole back-test take .5 CPU s an origin and horizon on
goods, .3 s in the default world: 29 s of a run's 153, 10 s of 98. `gravicast draws RUN --of
COUNTRY:MEASURE` and `measure_draws` answer on request, in 2 CPU s: any level, and in one
distribution with the flows.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from joint_draws import FEWEST_ORIGINS
from threadpoolctl import threadpool_limits

from features.measures.catalogue import MEASURES
from features.measures.measure import TradeYear
from forecasting import RunResult, read_run
from forecasting.distribution.draws import interval
from forecasting.distribution.joint import world_error_of
from forecasting.evaluation.backtest_file import read_backtest
from forecasting.measurement.measure_set import UNIT_KEYS, MeasureSet, make_measure_set, unit_table
from forecasting.run_data import run_data
from models.error_factors import FlowCodes, PastForecasts, fit_error_factors
from models.flow_margins import margins_of_bounds
from models.intervals import LEVELS
from models.joint_draws import JointDraws
from models.world_growth import WorldError

KEYS = ["measure", *UNIT_KEYS]
KINDS = {"own": "", "draws": "drawn_"}
FAMILIES = {measure.name: measure.family for measure in MEASURES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--draws", type=int, default=200)
    given = parser.parse_args()
    run = read_run(given.run)
    with threadpool_limits(limits=1):
        bundle = run_data(run).bundle
        measure_set = make_measure_set(bundle, tables=None)
        before = time.process_time()
        parts = list(compared(run, measure_set, given.draws))
        seconds = (time.process_time() - before) / len(parts)
    by_measure = table(pd.concat(parts, ignore_index=True))
    print(by_measure.to_string())
    family = by_measure["measure"].map(FAMILIES).rename("family")
    shown = by_measure.drop(columns="measure")
    print(shown.groupby([family, "years ahead"], sort=False).mean().round(2).to_string())
    amounts = shown[family != "links"]
    print(amounts.groupby("years ahead").agg(["mean", "min", "max"]).round(2).T.to_string())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{len(parts)} origins and horizons, {seconds:.2f} CPU s each; {memory:.0f} MB")


def compared(run: RunResult, measure_set: MeasureSet, n_draws: int) -> Iterator[pd.DataFrame]:
    """Units of every measure with both kinds of bounds and the actual, by horizon and origin."""
    setting, printed = run.provenance["setting"], run.measures.backtest
    columns = ["origin", "forecast", "actual", "value_origin", "probability_of_trade",
               *(f"{side}_{level}" for level in LEVELS for side in ("lower", "upper"))]  # fmt: skip
    for horizon in run.config.horizons:
        where = [("setting", "==", setting), ("horizon", "==", horizon)]
        rows = read_backtest(run.out, columns=columns, where=where)
        blocks = {int(o): block.reset_index(drop=True) for o, block in rows.groupby("origin")}
        for origin, block in blocks.items():
            past = [blocks[p] for p in blocks if p + horizon <= origin]
            if len(past) < FEWEST_ORIGINS:
                continue
            known = run.world_errors[run.world_errors["origin"] <= origin]
            world = world_error_of(known, setting, horizon)
            joint = joint_of(measure_set, block, past, world, horizon, n_draws)
            chosen = (printed["origin"] == origin) & (printed["horizon"] == horizon)
            mine = printed[chosen].astype(dict.fromkeys(KEYS, str))
            yield mine.merge(drawn_bounds(measure_set, joint, block), on=KEYS, validate="1:1")


def joint_of(
    measure_set: MeasureSet,
    block: pd.DataFrame,
    past: Sequence[pd.DataFrame],
    world: WorldError,
    horizon: int,
    n_draws: int,
) -> JointDraws:
    """Draws of one origin and horizon from what was known then."""
    flows = measure_set.flows

    def codes(rows: pd.DataFrame) -> FlowCodes:
        of = slice(len(rows))  # flows of an origin are the first of the panel's
        return FlowCodes(flows.exporter[of], flows.importer[of], flows.sector[of])

    factors = fit_error_factors(
        [PastForecasts(*numbers(one, "forecast", "actual"), codes(one)) for one in past],
        world=world,
        horizon=horizon,
        flows=codes(block),
        countries=len(flows.countries),
        sectors=len(flows.sectors),
    )
    bounds = {level: tuple(numbers(block, f"lower_{level}", f"upper_{level}")) for level in LEVELS}
    forecast, chance = numbers(block, "forecast", "probability_of_trade")
    margins = margins_of_bounds(forecast, bounds, chance=chance)
    return JointDraws(codes(block), {horizon: factors}, {horizon: margins}, n_draws, 1)


def numbers(rows: pd.DataFrame, *names: str) -> list[np.ndarray]:
    return [rows[name].to_numpy(dtype=float) for name in names]


def drawn_bounds(measure_set: MeasureSet, joint: JointDraws, block: pd.DataFrame) -> pd.DataFrame:
    """Quantiles of every measure over draws, one row a unit."""
    flows = np.concatenate([values[0] for _, values in joint.blocks()])
    traded = measure_set.cube(*numbers(block, "value_origin")) > 0
    found: Mapping[str, list[np.ndarray]] = {m.name: [] for m in measure_set.measures}
    for draw in flows.T:
        values = measure_set.cube(draw)
        year = TradeYear(measure_set.context, values, (values > 0).astype(float), traded)
        for name, measured in measure_set.compute(year).items():
            found[name].append(measured.ravel().astype(np.float32))
    tables = []
    for measure in measure_set.measures:
        keys, kept = unit_table(measure, measure_set.context)
        drawn = np.stack(found[measure.name], axis=-1)[kept]
        bounds = keys[kept].astype(str).assign(measure=measure.name)
        for level in LEVELS:
            low, high = interval(drawn, level)
            bounds = bounds.assign(**{f"drawn_lower_{level}": low, f"drawn_upper_{level}": high})
        tables.append(bounds)
    return pd.concat(tables, ignore_index=True)


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per measure and horizon: coverage, and scores of draws relative to own."""
    scored = rows.dropna(subset=["lower_90", "drawn_lower_90"])
    groups = ["measure", "horizon", "origin"]
    names = [f"{what} {kind} {level}" for level in LEVELS for kind in KINDS
             for what in ("cover", "score")]  # fmt: skip
    for kind, prefix in KINDS.items():
        for level in LEVELS:
            # An interval as it is printed holds the forecast.
            low = np.minimum(scored[f"{prefix}lower_{level}"], scored["forecast"])
            high = np.maximum(scored[f"{prefix}upper_{level}"], scored["forecast"])
            below, above = low - scored["actual"], scored["actual"] - high
            miss = np.maximum(below, 0) + np.maximum(above, 0)
            scored = scored.assign(**{
                f"cover {kind} {level}": miss <= 1e-6 * scored["actual"].abs(),
                f"score {kind} {level}": high - low + 2 / (1 - level / 100) * miss,
            })  # fmt: skip
    by_origin = scored.groupby(groups, sort=False)[names].mean().reset_index()
    out = []
    for (measure, horizon), block in by_origin.groupby(groups[:2], sort=False):
        mean, own, drawn = block[names].mean(), "score own 90", "score draws 90"
        nested = []
        for _, now in block.iterrows():
            known = block[block["origin"] + horizon <= now["origin"]]
            better = len(known) and known[drawn].mean() <= known[own].mean()
            nested.append(now[drawn if better else own])
        out.append(
            {
                "measure": measure,
                "years ahead": horizon,
                "origins": len(block),
                "wins": (block[drawn] <= block[own]).sum(),
                **{f"{kind} {lev}": mean[f"cover {kind} {lev}"]
                   for lev in LEVELS for kind in KINDS},
                **{f"score {lev}": mean[f"score draws {lev}"] / mean[f"score own {lev}"]
                   for lev in LEVELS},
                "nested 90": np.mean(nested) / mean[own],
            }
        )  # fmt: skip
    return pd.DataFrame(out).round(3)


if __name__ == "__main__":
    main()
