"""What intervals are worth in stock decisions and supplier shares, in money, origin by origin.

    python tests/benchmarks/planning.py [--data ../shared/data] [--run RUN] [--board FILE]

RUN is the folder of a finished run on the goods panel with reports and monthly trade; without one
it is made, in some minutes. With ``--board`` the tables are a section of that scoreboard
(`scoreboard.py` writes it there too).

A flow is an item, its value the demand, one year ahead: an order for the year costs the critical
ratio for each dollar too few, one minus the ratio for each dollar too many, as a share of demand.
Shares: 60 importers choose among their 15 largest suppliers; a supplier delivers at most what it
delivered last year. The run forecasts one year ahead alone. Every policy sees only what was known
at the origin, except the oracle, which knows the best multiple of the last value in each decile of
size. Tests as under Significance.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from board_section import write_section
from real_data import goods_with_reports
from scipy.stats import norm

from forecasting import RunConfig, run
from forecasting.evaluation.backtest_file import read_backtest
from forecasting.evaluation.significance import equal_accuracy, holm
from forecasting.planning.sourcing import RISK_WEIGHTS
from forecasting.words.labels import SETTING_LABELS
from forecasting.words.markdown import table as markdown
from models.error_factors import FlowCodes, PastForecasts, fit_error_factors
from models.flow_margins import margins_of_bounds
from models.inventory import LeadTimes, StockCosts, best_policy, lead_time_demand
from models.joint_draws import JointDraws
from models.supplier_shares import SupplierProblem, choose_shares, frontier
from models.world_growth import PUBLISHED

ROOT = Path(__file__).resolve().parents[2]
SECTION = "What intervals are worth in stock decisions"
ROUNDING = 1e-9
"""Difference of two shortfalls that is none."""
RATIOS = (0.75, 0.95)
SMALLEST = 1e6
OURS = "gravicast's quantile"
VARIANT = "least CVaR alone"
ORACLE = "oracle: best multiple by decile in hindsight"
DECILES, PAST_YEARS = 10, 3
IMPORTERS, SUPPLIERS, DRAWS = 60, 15, 200
KEEP, CHOSEN = "keep shares", "least mean and CVaR on gravicast's draws"
COLUMNS = ["setting", "origin", "horizon", "exporter", "importer", "value_origin", "actual",
           "forecast", "lower_50", "upper_50", "lower_90", "upper_90",
           "probability_of_trade"]  # fmt: skip


def goods(data: Path, out: Path) -> RunConfig:
    """The run that the tables are made of: the goods panel one year ahead, all that is known."""
    return RunConfig(
        **goods_with_reports(data),
        monthly=(data / "monthly" / "world_trade_monitor.parquet",),
        horizons=(1,),
        figures=False,
        report=False,
        out=out,
        overwrite=True,
        experiment=None,
    )


def section(run: Path, trade: Path) -> str:
    """The tables of a run as Markdown."""
    rows = read_backtest(run, columns=COLUMNS, where=[("horizon", "==", 1)])
    about = " ".join(str(__doc__).strip().split("\n\n")[-1].split())
    parts = [
        f"## {SECTION}",
        f"{about} Written by `python tests/benchmarks/planning.py --board "
        "notebooks/scoreboard.md`.",
        *order_tables(order_costs(rows, history_of(trade))),
    ]
    for setting in rows["setting"].unique():
        parts += share_table(share_outcomes(rows[rows["setting"] == setting]), str(setting))
    return "\n\n".join(parts) + "\n\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--run", type=Path, help="made if it is not given")
    parser.add_argument("--board", type=Path, help="scoreboard to write the tables into")
    given = parser.parse_args()
    out = given.run or Path("runs/planning")
    if given.run is None:
        run(goods(given.data, out))
    text = section(out, given.data / "trade" / "goods_totals.parquet")
    if given.board is None:
        print(text)
    else:
        write_section(given.board, text)
    print(f"1,000 items x 200 draws: {cost_of_a_plan():.1f} CPU s", file=sys.stderr)


# Orders -------------------------------------------------------------------------------------------


def history_of(trade: Path) -> pd.DataFrame:
    table = pd.read_parquet(trade)
    value = next(c for c in table if str(table[c].dtype).startswith("float"))
    keys = ["exporter", "importer"]
    table[keys] = table[keys].astype(str)
    wide = table.pivot_table(index=keys, columns="year", values=value, aggfunc="sum")
    return wide.astype(float)


def order_costs(rows: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    found = []
    rows = rows[rows["value_origin"] > SMALLEST]
    for (setting, origin), block in rows.groupby(["setting", "origin"], observed=True):
        keys = pd.MultiIndex.from_frame(block[["exporter", "importer"]].astype(str))
        known = history.reindex(keys)[[y for y in history.columns if y <= origin]].to_numpy()
        last, actual = (block[c].to_numpy(dtype=float) for c in ("value_origin", "actual"))
        for ratio in RATIOS:
            for policy, order in orders(block, known, last, actual, ratio).items():
                wrong = np.where(actual > order, ratio * (actual - order),
                                 (1 - ratio) * (order - actual))  # fmt: skip
                largest = last >= np.quantile(last, 0.9)
                covered = actual <= order
                found.append((str(setting), ratio, int(origin), policy, wrong.sum() / actual.sum(),
                              covered.mean(), covered[largest].mean()))  # fmt: skip
    return pd.DataFrame(found, columns=["setting", "ratio", "origin", "policy", "cost", "service",
                                        "service_largest"])  # fmt: skip


def orders(block, known, last, actual, ratio):
    """Quantity that each policy orders."""
    mean, sd = own_growth(known)
    decile = pd.qcut(last, DECILES, labels=False)
    past = np.concatenate([np.divide(known[:, -k], known[:, -k - 1], out=np.full(len(last), np.nan),
                                     where=known[:, -k - 1] > SMALLEST)
                           for k in range(1, PAST_YEARS + 1)])  # fmt: skip
    repeated = np.tile(decile, PAST_YEARS)
    pooled = np.array([np.nanquantile(past[repeated == d], ratio) for d in range(DECILES)])
    best = np.array([best_multiple(last[decile == d], actual[decile == d], ratio)
                     for d in range(DECILES)])  # fmt: skip
    return {
        OURS: quantile(block, ratio),
        "last value": last,
        "last value + 20 %": 1.2 * last,
        "textbook normal, own history": last * np.exp(mean + norm.ppf(ratio) * sd),
        "pooled past growth by decile": last * pooled[decile],
        ORACLE: last * best[decile],
    }


def own_growth(known):
    growth = np.diff(np.log(np.where(known > 0, known, np.nan)), axis=1)[:, -8:]
    count = np.isfinite(growth).sum(axis=1)
    mean = np.nansum(growth, axis=1) / np.maximum(count, 1)
    square = np.nansum((growth - mean[:, None]) ** 2, axis=1)
    sd = np.sqrt(square / np.maximum(count - 1, 1))
    return mean, np.where(count > 1, sd, np.median(sd[count > 1]))


def best_multiple(last, actual, ratio):
    """The weighted quantile of growth: the least cost that one multiple can have."""
    growth = actual / last
    order = np.argsort(growth)
    share = np.cumsum(last[order]) / last.sum()
    return growth[order][np.searchsorted(share, ratio)]


def margins(block):
    bounds = {level: tuple(block[f"{side}_{level}"].to_numpy(dtype=float)
                           for side in ("lower", "upper")) for level in (50, 90)}  # fmt: skip
    return margins_of_bounds(block["forecast"].to_numpy(dtype=float), bounds)


def quantile(block, probability):
    found = margins(block)
    return found.knots[:, found.probabilities.index(probability)].astype(float)


def order_tables(costs: pd.DataFrame) -> Iterator[str]:
    for (setting, ratio), block in costs.groupby(["setting", "ratio"], sort=False):
        origins = block["origin"].nunique()
        name = SETTING_LABELS[setting].lower()
        yield f"### Orders, {name}, critical ratio {ratio:.0%}, {origins} origins"
        by = block.pivot_table(index="origin", columns="policy", values="cost")
        means = block.groupby("policy")[["cost", "service", "service_largest"]].mean()
        yield policy_table(tested(means, by, OURS), "cost", {ORACLE})
        yield rows_table(by, "origin")


def tested(means: pd.DataFrame, by: pd.DataFrame, ours: str) -> pd.DataFrame:
    """Means with the test of our policy against the usual rules, and Holm's adjustment.

    As on the scoreboard, bounds and variants of our own are no rivals.
    """
    others = [policy for policy in by if policy not in (ours, ORACLE, VARIANT)]
    tests = {p: equal_accuracy((by[ours] - by[p]).to_numpy(), horizon=1) for p in others}
    means["ours_lower_at"] = pd.Series({p: f"{t.wins} of {t.origins}" for p, t in tests.items()})
    adjusted = holm(np.array([t.p_value for t in tests.values()]))
    means["p_holm"] = pd.Series(dict(zip(tests, adjusted, strict=True)))
    return means


def policy_table(table: pd.DataFrame, by: str, last: set[str]) -> str:
    order = sorted(table.index, key=lambda name: (name in last, table.loc[name, by]))
    return rows_table(table.loc[order], "policy")


def rows_table(rows: pd.DataFrame, first: str) -> str:
    header = [first, *(str(name).replace("_", " ") for name in rows.columns)]
    values = zip(rows.index, rows.to_numpy(), strict=True)
    return markdown(header, [[str(name), *map(shown, row)] for name, row in values])


def shown(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return "" if np.isnan(value) else f"{value:.4f}"


# Shares -------------------------------------------------------------------------------------------


def share_outcomes(rows: pd.DataFrame) -> pd.DataFrame:
    found = []
    blocks = {int(o): b.reset_index(drop=True) for o, b in rows.groupby("origin")}
    buyers = rows.groupby("importer", observed=True)["value_origin"].sum().nlargest(IMPORTERS).index
    for origin, block in blocks.items():
        drawn = draws_of(block, [blocks[p] for p in blocks if p < origin])
        for importer in buyers:
            mine = block[(block["importer"] == importer) & (block["value_origin"] > 0)]
            mine = mine.nlargest(SUPPLIERS, "value_origin")
            last = mine["value_origin"].to_numpy(dtype=float)
            stops = 1 - mine["probability_of_trade"].to_numpy(dtype=float)
            problem = problem_of(drawn[mine.index], last, stops)
            real = np.minimum(1, mine["actual"].to_numpy(dtype=float) / last)
            for policy, shares in share_policies(problem).items():
                moved = np.abs(shares - problem.now).sum() / 2
                found.append((origin, importer, policy, 1 - shares @ real, moved))
    return pd.DataFrame(found, columns=["origin", "importer", "policy", "shortfall", "moved"])


def draws_of(block: pd.DataFrame, past: list[pd.DataFrame]):
    """Draws of all flows, shape ``[flow, draw]``; without past errors they are independent."""
    found, codes = margins(block), codes_of(block)
    if not past:
        rng = np.random.default_rng(0)
        return rng.permuted(found.values(DRAWS), axis=1)
    errors = [PastForecasts(b["forecast"].to_numpy(float), b["actual"].to_numpy(float), codes_of(b))
              for b in past]  # fmt: skip
    n = len(block["exporter"].cat.categories)
    factors = fit_error_factors(
        errors, world=PUBLISHED, horizon=1, flows=codes, countries=n, sectors=1
    )
    joint = JointDraws(codes, {1: factors}, {1: found}, DRAWS, 1)
    return np.concatenate([values[0] for _, values in joint.blocks()])


def codes_of(block: pd.DataFrame) -> FlowCodes:
    e, i = (block[side].cat.codes.to_numpy().astype(int) for side in ("exporter", "importer"))
    return FlowCodes(e, i, np.zeros(len(block), dtype=int))


def problem_of(drawn, last, stops) -> SupplierProblem:
    available = np.minimum(drawn / last[:, None], 1).astype(float)
    order = available.argsort(axis=1).argsort(axis=1)
    available[order < (stops * DRAWS)[:, None] - 0.5] = 0
    now = last / last.sum()
    return SupplierProblem(
        availability=available.T,
        cost=np.ones(last.size),
        now=now,
        caps=np.maximum(0.5, now),
        smallest=np.zeros(last.size),
    )


def share_policies(problem: SupplierProblem):
    capped = np.minimum(problem.now, 0.3)
    return {
        KEEP: problem.now,
        "equal": np.full(problem.now.size, 1 / problem.now.size),
        "capped at 30 %": capped / capped.sum(),
        CHOSEN: choose_shares(problem).shares,
        VARIANT: choose_shares(replace(problem, shortfall_cost=0.0)).shares,
    }


def share_table(outcomes: pd.DataFrame, setting: str) -> Iterator[str]:
    decisions = len(outcomes) // outcomes["policy"].nunique()
    yield f"### Shares, {SETTING_LABELS[setting].lower()}, {decisions} decisions"
    means = outcomes.groupby("policy")[["shortfall", "moved"]].mean()
    means["worst_tenth"] = outcomes.groupby("policy")["shortfall"].apply(
        lambda s: s[s >= s.quantile(0.9)].mean()
    )
    cells = outcomes.pivot_table(index=["origin", "importer"], columns="policy",
                                 values="shortfall", observed=True)  # fmt: skip
    # As good: mostly decisions in which nothing falls short either way, but for rounding.
    apart = cells.sub(cells[KEEP], axis=0)
    means["better_than_keeping"] = apart.lt(-ROUNDING).mean()
    means["as_good"] = apart.abs().le(ROUNDING).mean()
    means["worse"] = apart.gt(ROUNDING).mean()
    by = outcomes.pivot_table(index="origin", columns="policy", values="shortfall")
    yield policy_table(tested(means, by, CHOSEN), "shortfall", set())
    yield rows_table(by, "origin")


# Time ---------------------------------------------------------------------------------------------


def cost_of_a_plan() -> float:
    """CPU seconds of 1,000 items: lead times, lots, reorder points, shares of four suppliers."""
    rng = np.random.default_rng(0)
    annual = rng.lognormal(7, 0.3, (1_000, DRAWS))
    ones = np.ones((1_000, 1))
    before = time.process_time()
    times = LeadTimes(40 * ones, 15 * ones, ones)
    lead = lead_time_demand(annual, times, review=np.full(1_000, 7.0),
                            daily_sd=np.full(1_000, 1.0), seed=1)  # fmt: skip
    costs = StockCosts(50 * ones[:, 0], 2 * ones[:, 0], 20 * ones[:, 0])
    best_policy(annual.mean(axis=1), lead, costs)
    for _ in range(1_000):
        problem = SupplierProblem(
            availability=np.clip(rng.normal(0.95, 0.15, (DRAWS, 4)), 0, 1),
            cost=1 + rng.uniform(0, 0.2, 4),
            now=np.full(4, 0.25),
            caps=np.ones(4),
            smallest=np.zeros(4),
        )
        choose_shares(problem)
        frontier(problem, RISK_WEIGHTS)
    return time.process_time() - before


if __name__ == "__main__":
    main()
