"""Whether intervals of sums cover what they say, with joint draws of past origins.

    python tests/benchmarks/joint_draws.py [--data ../shared/data] [--run RUN] [--board FILE]

RUN is a finished run of the goods panel with reports and monthly trade, one, three and five years
ahead; without it, it is made, in some minutes. With ``--board`` the table is a section of that
scoreboard (`scoreboard.py` writes it there too).

At every origin with at least four earlier ones whose outcome was known, joint draws are made from
errors known at that origin, within the intervals that the run printed there. Share of outcomes
inside 90 % intervals, mean over origins. In brackets, how likely a share at least as far from what
the draws expect is if they are right: each draw in turn is taken for the outcome, the same one
where target years overlap. World trade moves all sums at once, so one slump can leave most of them
outside. Widths are relative to the forecast; scores of exporters' totals are relative to those of
the same draws taken independently, with the p value of a Diebold-Mariano test. Bold misses the
range to reach. Five years ahead there are two origins, 2011 and 2012, both before the slump of
2015: all totals that miss lie below. An interval whose lower bound is 0, as in the smallest decile,
holds 95 %. The model of the draws was changed after such figures had been seen, so they are not
those of a clean hold-out.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import planning
from board_section import write_section
from scipy.sparse import csr_array

from features.countries.groups import find_group
from forecasting import RunConfig, run
from forecasting.distribution.joint import world_error_of
from forecasting.evaluation.backtest_file import read_backtest
from forecasting.evaluation.significance import equal_accuracy
from forecasting.run_folder.files import file_of
from forecasting.words.markdown import table as markdown
from models.error_factors import FlowCodes, PastForecasts, fit_error_factors
from models.flow_margins import FlowMargins, margins_of_bounds
from models.joint_draws import JointDraws
from models.world_growth import PUBLISHED

ROOT = Path(__file__).resolve().parents[2]
SECTION = "Intervals of sums"
GROUPS = ("EU27", "ASEAN", "MERCOSUR", "USMCA", "GCC", "RCEP", "CPTPP", "AfCFTA", "BRICS", "EFTA")
HORIZONS = (1, 3, 5)
SETTINGS = ("totals_known", "ex_ante")
FEWEST_ORIGINS = 4
PARTNERS = 10
RANKS = {"1-100": (0, 100), "101-300": (100, 300), "301-1000": (300, 1000)}


REACH = {
    "coverage exporters": {1: (0.86, 0.94), 3: (0.86, 0.94), 5: (0.82, 0.96)},
    "coverage importers": {1: (0.86, 0.94), 3: (0.86, 0.94), 5: (0.82, 0.96)},
    "coverage groups to each other": dict.fromkeys(HORIZONS, (0.85, 0.95)),
    "coverage shares of partners": dict.fromkeys(HORIZONS, (0.85, 0.95)),
    **{f"coverage rank {rank}": dict.fromkeys((1, 3), (0.87, 0.93)) for rank in RANKS},
    **{f"coverage decile {n}": dict.fromkeys((1, 3), (0.87, 0.93)) for n in range(10, 0, -1)},
    "width rank 1-100": {1: (0.0, 0.35)},
    "energy score / independent": dict.fromkeys(HORIZONS, (0.0, 1.0)),
    "variogram score / independent": dict.fromkeys(HORIZONS, (0.0, 1.0)),
}
"""Range to reach by years ahead."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--run", type=Path, help="made if it is not given")
    parser.add_argument("--board", type=Path, help="scoreboard to write the table into")
    given = parser.parse_args()
    out = given.run or Path("runs/joint-draws")
    if given.run is None:
        run(goods(given.data, out))
    found = measurements(out)
    if given.board is None:
        means = found.groupby(["what", "setting", "horizon"], sort=False)["value"].mean()
        print(means.unstack(["setting", "horizon"]).round(3).to_string())
    else:
        write_section(given.board, section(found))
    print(f"draws of 200 x 29,106 x 5: {cost()}", file=sys.stderr)


def goods(data: Path, out: Path) -> RunConfig:
    """The run that the table is made of."""
    return replace(planning.goods(data, out), horizons=HORIZONS)


def measurements(folder: Path) -> pd.DataFrame:
    """Every measurement by setting, horizon and origin."""
    errors = pd.read_csv(folder / file_of("world_errors").name)
    cells = []
    for setting in SETTINGS:
        rows = read_rows(folder, setting)
        for horizon in HORIZONS:
            blocks = dict(iter(rows[rows["horizon"] == horizon].groupby("origin")))
            for origin in blocks:
                past = [p for p in blocks if p + horizon <= origin]
                if len(past) >= FEWEST_ORIGINS:
                    world = world_error_of(errors[errors["origin"] <= origin], setting, horizon)
                    cells += score(blocks, past, origin, setting, horizon, world)
    names = ["setting", "horizon", "origin", "what", "value", "if_right"]
    return pd.DataFrame(cells, columns=names)


def section(found: pd.DataFrame) -> str:
    """The table as Markdown."""
    about = " ".join(str(__doc__).strip().split("\n\n")[-1].split())
    cells = {(s, h): found[(found["setting"] == s) & (found["horizon"] == h)]
             for s in SETTINGS for h in HORIZONS}  # fmt: skip
    names = {"totals_known": "totals known", "ex_ante": "ex ante"}
    header = ["", *(f"{names[s]}, {h}" for s, h in cells)]
    rows = [[what, *(cell(one, what, h) for (_, h), one in cells.items())] for what in REACH]
    command = "python tests/benchmarks/joint_draws.py --board notebooks/scoreboard.md"
    return f"## {SECTION}\n\n{about} Written by `{command}`.\n\n{markdown(header, rows)}\n\n"


def cell(found: pd.DataFrame, what: str, horizon: int) -> str:
    """Mean over origins, a p value, and bold where it misses its range."""
    values = found.loc[found["what"] == what, "value"].to_numpy()
    text, reach = f"{values.mean():.3f}", REACH[what].get(horizon)
    if reach and not reach[0] <= values.mean() <= reach[1]:
        text = f"**{text}**"
    if what.startswith("coverage"):
        rows = found[found["what"] == what].sort_values("origin")
        return f"{text} (p {chance_if_right(rows, horizon):.2f})"
    if values.size > 2 and what.endswith("independent"):
        return f"{text} (p {equal_accuracy(np.log(values), horizon=horizon).p_value:.2f})"
    return text


def chance_if_right(rows: pd.DataFrame, horizon: int) -> float:
    """Chance of a mean coverage at least as far from the expected one, were the draws right."""
    rng, means = np.random.default_rng(0), np.stack(rows["if_right"].to_list())
    # Windows that overlap share most of their years: the same draw stands for all of them.
    window = (len(rows) - 1 - np.arange(len(rows))) // horizon
    draw = rng.integers(means.shape[1], size=(10_000, window.max() + 1))
    simulated = means[np.arange(len(rows)), draw[:, window]].mean(axis=1)
    centre = means.mean()
    return float(np.mean(np.abs(simulated - centre) >= abs(rows["value"].mean() - centre) - 1e-12))


def read_rows(run: Path, setting: str) -> pd.DataFrame:
    columns = ["origin", "horizon", "exporter", "importer", "forecast", "actual", "base",
               "lower_50", "upper_50", "lower_90", "upper_90", "probability_of_trade"]  # fmt: skip
    return read_backtest(run, columns=columns, where=[("setting", "==", setting)])


def score(blocks, past, origin, setting, horizon, world):
    """Coverage and scores of one origin, in rows of the table."""
    now = blocks[origin].reset_index(drop=True)
    countries = list(now["exporter"].cat.categories)
    codes, margins = codes_of(now), printed_margins(now)
    factors = fit_error_factors(
        [past_forecasts(blocks[p]) for p in past],
        world=world,
        horizon=horizon,
        flows=codes,
        countries=len(countries),
        sectors=1,
    )
    joint = JointDraws(codes, {horizon: factors}, {horizon: margins}, 200, 1)
    return [
        (setting, horizon, origin, what, value, *(if_right or [None]))
        for what, value, *if_right in measured(now, codes, countries, joint, margins)
    ]


def past_forecasts(block: pd.DataFrame) -> PastForecasts:
    return PastForecasts(
        block["forecast"].to_numpy(dtype=float),
        block["actual"].to_numpy(dtype=float),
        codes_of(block),
    )


def codes_of(block: pd.DataFrame) -> FlowCodes:
    e, i = (block[side].cat.codes.to_numpy().astype(int) for side in ("exporter", "importer"))
    return FlowCodes(e, i, np.zeros(len(block), dtype=int))


def printed_margins(now: pd.DataFrame) -> FlowMargins:
    bounds = {level: tuple(now[f"{side}_{level}"].to_numpy(dtype=float)
                           for side in ("lower", "upper")) for level in (50, 90)}  # fmt: skip
    forecast, chance = (now[name].to_numpy(dtype=float)
                        for name in ("forecast", "probability_of_trade"))  # fmt: skip
    return margins_of_bounds(forecast, bounds, chance=chance)


def measured(now, codes, countries, joint, margins):
    """Name and value of every measurement of one origin."""
    actual, forecast = now["actual"].to_numpy(dtype=float), now["forecast"].to_numpy(dtype=float)
    n, flows = len(countries), np.arange(len(now))
    ones = np.ones(len(now))
    exports = csr_array((ones, (codes.exporter, flows)), shape=(n, len(now)))
    imports = csr_array((ones, (codes.importer, flows)), shape=(n, len(now)))
    members = [np.isin(countries, find_group(name).members(2017)) for name in GROUPS]
    pairs = csr_array(np.array([(a[codes.exporter] & b[codes.importer]).astype(float)
                                for a in members for b in members if a is not b]))  # fmt: skip
    world = csr_array(ones[None, :])
    drawn = {}
    sums = {"exporters": exports, "importers": imports, "groups to each other": pairs}
    for name, groups in (sums | {"world": world}).items():
        drawn[name] = joint.sums(groups)[:, 0]
        known = groups @ actual
        traded = known > 0
        yield f"coverage {name}", *coverage(drawn[name][traded], known[traded])
        yield f"bias {name}", np.mean((drawn[name].mean(axis=1) / (groups @ forecast))[traded]) - 1
    values = np.concatenate([block[0] for _, block in joint.blocks()])
    yield from flow_rows(forecast, actual, values)
    yield (
        "coverage shares of partners",
        *shares(values, drawn["exporters"], codes, forecast, actual, exports),
    )
    scale = np.maximum(exports @ forecast, 1.0)
    rng = np.random.default_rng(0)
    alone = exports @ rng.permuted(values, axis=1).astype(float)
    yield "coverage exporters, independent", *coverage(alone, exports @ actual)
    truth = (exports @ actual) / scale
    for name, function in (("energy", energy_score), ("variogram", variogram_score)):
        ours = function(drawn["exporters"] / scale[:, None], truth)
        yield f"{name} score / independent", ours / function(alone / scale[:, None], truth)


def flow_rows(forecast, actual, values):
    order = np.argsort(-forecast, kind="stable")
    for name, (first, last) in RANKS.items():
        chosen = order[first:last]
        yield f"coverage rank {name}", *coverage(values[chosen], actual[chosen])
        yield f"width rank {name}", widths(values[chosen], forecast[chosen]).mean()
    positive = order[forecast[order] > 0]
    for decile, chosen in enumerate(np.array_split(positive, 10)):
        yield f"coverage decile {10 - decile}", *coverage(values[chosen], actual[chosen])


def shares(values, totals, codes, forecast, actual, exports):
    """Coverage of the shares of each exporter's largest partners, see `coverage`."""
    total = exports @ actual
    found = []
    for country in np.flatnonzero(total > 0):
        mine = np.flatnonzero(codes.exporter == country)
        mine = mine[np.argsort(-forecast[mine])[:PARTNERS]]
        drawn = values[mine] / totals[country]
        found.append(coverage(drawn, actual[mine] / total[country]))
    outcome, if_right = zip(*found, strict=True)
    return np.mean(outcome), np.mean(if_right, axis=0)


def coverage(values, actual):
    """Share of outcomes, and of each draw [unit, draw] were it the outcome, inside 90 %."""
    low, high = np.quantile(values.astype(float), (0.05, 0.95), axis=-1, method="hazen")
    low, high = low - 1e-6 * np.abs(low), high + 1e-6 * np.abs(high)
    inside = (values >= low[:, None]) & (values <= high[:, None])
    return np.mean((actual >= low) & (actual <= high)), inside.mean(axis=0)


def widths(values, forecast):
    low, high = np.quantile(values.astype(float), (0.05, 0.95), axis=-1, method="hazen")
    return (high - low) / np.maximum(forecast, 1.0)


def energy_score(values, truth):
    """Of draws [unit, draw]; Gneiting and Raftery 2007, doi:10.1198/016214506000001437."""
    distance = np.linalg.norm(values - truth[:, None], axis=0).mean()
    between = np.linalg.norm(values[:, :, None] - values[:, None, :], axis=0).mean()
    return distance - between / 2


def variogram_score(values, truth):
    """Order 0.5; Scheuerer and Hamill 2015, doi:10.1175/MWR-D-14-00269.1."""
    seen = np.sqrt(np.abs(truth[:, None] - truth[None, :]))
    expected = np.mean([np.sqrt(np.abs(v[:, None] - v[None, :])) for v in values.T], axis=0)
    return np.mean((seen - expected) ** 2)


def cost() -> str:
    """CPU seconds and peak memory of as many draws as a large panel needs."""
    rng = np.random.default_rng(0)
    countries, flows = 171, 171 * 170
    exporter = np.repeat(np.arange(countries), countries - 1)
    importer = np.concatenate([np.delete(np.arange(countries), k) for k in range(countries)])
    forecast = np.exp(rng.normal(15, 3, flows))
    codes = FlowCodes(exporter, importer, np.zeros(flows, dtype=int))
    past = [PastForecasts(forecast, forecast * np.exp(rng.normal(0, 0.3, flows)), codes)
            for _ in range(14)]  # fmt: skip
    factors = fit_error_factors(
        past, world=PUBLISHED, horizon=1, flows=codes, countries=countries, sectors=1
    )
    bounds = {50: (forecast * 0.8, forecast * 1.2), 90: (forecast * 0.5, forecast * 2)}
    margins = margins_of_bounds(forecast, bounds)
    horizons = range(1, 6)
    joint = JointDraws(codes, dict.fromkeys(horizons, factors), dict.fromkeys(horizons, margins),
                       200, 1)  # fmt: skip
    before = time.process_time()
    joint.sums(csr_array((np.ones(flows), (exporter, np.arange(flows))), shape=(171, flows)))
    seconds = time.process_time() - before
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return f"{seconds:.1f} CPU s, peak memory of this process {memory:.0f} MB"


if __name__ == "__main__":
    main()
