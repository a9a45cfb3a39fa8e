"""Does anything published after an origin change a forecast made at it? Perturb it and see.

    python tests/benchmarks/perturbations.py [--number 300] [--seed 0]

A small panel with indicators, an own indicator, geography and a list of agreements is read, fitted
and forecast from tables, as files would be. Then something published after a back-test origin is
altered, added or taken away, and everything is done again: features, choices of weights, forecasts
of every model, probabilities and intervals at that origin and before must be the same to the byte.
What is decided from whole files on purpose is listed separately: the run declares it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from features.data.indicators import Indicators
from features.data.pairs import PairAttributes
from features.data.panel import TradePanel
from features.data.rest_of_world import fold_into_rest
from features.information import DataBundle, last_published_year
from forecasting.evaluation.backtest import choice_at, choose_weights, in_threads
from forecasting.evaluation.calibration import Calibration
from forecasting.evaluation.fold import run_fold
from forecasting.evaluation.folds import plan_folds
from forecasting.evaluation.prepared import prepare, tuning_origins
from forecasting.options.run_config import RunConfig
from models.registry import MAIN_MODEL

COUNTRIES = ("BRA", "CHN", "DEU", "FRA", "IND", "USA", "ZAF")
FIRST, LAST = 1999, 2012
ORIGINS = (2007, 2008, 2009)
CATALOGUE = (
    ("MACRO.GDP", "economic_mass", 6),
    ("MACRO.GDP.REAL", "economic_mass", 6),
    ("MACRO.POP", "economic_mass", 12),
    ("TX.VAL.MRCH.XD.WD", "published_totals", 4),
    ("TM.VAL.MRCH.XD.WD", "published_totals", 4),
    ("AI.ARTICLES", "ai_adoption", 12),
    ("IT.NET.USER.ZS", "data_infrastructure", 24),
    ("OWN.ROBOTS", "automation", 18),
    ("WTO.MEMBER", "trade_policy", 0),
)
CONFIG = RunConfig(
    world="goods",
    horizons=(1, 2),
    rounds=5,
    params={"min_data_in_leaf": 5, "feature_fraction": 1.0, "num_leaves": 8},
    workers=1,
    experiment=None,
)


@dataclass(frozen=True)
class Tables:
    """What a user's files hold."""

    trade: pd.DataFrame
    indicators: pd.DataFrame
    catalogue: pd.DataFrame
    geography: pd.DataFrame
    agreements: pd.DataFrame
    largest: int | None = None


Facts = dict[tuple[object, ...], bytes]
Perturb = Callable[[Tables, int, np.random.Generator], Tables]


def make_tables(*, sectors: tuple[str, ...] = (), largest: int | None = None) -> Tables:
    """A panel that states its zeros, so that a row left out is unknown."""
    rng = np.random.default_rng(3)
    pairs = [(i, j) for i in COUNTRIES for j in COUNTRIES if i != j]
    rows = []
    for i, j in pairs:
        for sector in sectors or ("",):
            level, often = rng.lognormal(15, 2), rng.choice([1.0, 0.6], p=[0.8, 0.2])
            for year in range(FIRST, LAST + 1):
                level *= rng.lognormal(0.04, 0.3)
                rows.append((i, j, sector, year, level if rng.random() < often else 0.0))
    trade = pd.DataFrame(rows, columns=["exporter", "importer", "sector", "year", "value_usd"])
    trade = trade if sectors else trade.drop(columns="sector")
    cells = []
    for name, _, _ in CATALOGUE:
        for code in COUNTRIES:
            level, since = rng.lognormal(4, 1), rng.integers(1996, 2010)
            for year in range(FIRST - 3, LAST + 2):
                level *= rng.lognormal(0.03, 0.1)
                cells.append((code, year, name, float(year > since) if "MEMB" in name else level))
    geography = pd.DataFrame(pairs, columns=["iso3_o", "iso3_d"])
    geography["dist"] = rng.uniform(300, 15_000, len(pairs))
    for name in ("contig", "comlang_off", "colony"):
        geography[name] = (rng.random(len(pairs)) < 0.3).astype(float)
    agreed = [
        (i, j, year, 1) for i, j in pairs for year in range(int(rng.integers(1995, 2020)), LAST + 2)
    ]
    return Tables(
        trade.sample(frac=0.97, random_state=1),
        pd.DataFrame(cells, columns=["iso3", "year", "indicator", "value"]),
        catalogue_of(CATALOGUE),
        geography,
        pd.DataFrame(agreed, columns=["iso3_o", "iso3_d", "year", "rta"]),
        largest,
    )


def catalogue_of(lines: tuple[tuple[str, str, int], ...]) -> pd.DataFrame:
    names = ["indicator", "channel", "publication_lag_months"]
    return pd.DataFrame(lines, columns=names).assign(label="l", unit="u")


def read(tables: Tables, config: RunConfig) -> DataBundle:
    trade = tables.trade
    if tables.largest is not None:
        trade, _ = fold_into_rest(trade, largest=tables.largest, until=ORIGINS[0], file="trade")
    panel = TradePanel.from_frame(trade)
    countries = panel.flows.countries
    return DataBundle(
        panel,
        indicators=Indicators.from_frames(tables.indicators, tables.catalogue, countries=countries),
        pairs=PairAttributes.from_frames(
            [("geography", tables.geography), ("agreements", tables.agreements)],
            countries=countries,
        ),
        trade_lag_months=config.trade_lag_months,
    )


def facts(tables: Tables, *, until: int, config: RunConfig = CONFIG) -> Facts:
    """Everything a run knows, chooses and forecasts at origins up to ``until``, as bytes."""
    data = read(tables, config)
    prepared = prepare(data, config)
    panel = prepared.panel
    folds = plan_folds(
        first_year=panel.first_year, last_year=panel.last_year, horizons=config.horizons
    )
    choices = choose_weights(tuning_origins(prepared, folds, config), in_threads(prepared, config))
    calibration = Calibration(prepared, first_origin=folds[0].origin, horizons=config.horizons)
    out: Facts = {}
    for setting in config.settings:
        for origin in prepared.infos[setting]:
            if origin <= until:
                matrix = prepared.matrices[setting, origin]
                for name, column in zip(prepared.names, matrix.T, strict=True):
                    out["feature", setting, origin, name] = column.tobytes()
    design = prepared.design.until(until)
    out["rows", until] = b"".join(
        np.ascontiguousarray(getattr(design, name)).tobytes() for name in ("shift", "base")
    )
    for fold in folds:
        if fold.origin > until:
            break
        choice = choice_at(choices, fold.origin)
        out["choice", fold.origin] = repr(choice).encode()
        made = run_fold(prepared, fold, config, choice)
        for f in made.forecasts:
            key = (f.setting, f.model, f.origin, f.horizon)
            out["forecast", *key] = f.forecast.tobytes()
            if f.model == MAIN_MODEL:
                out["base", *key] = f.base.tobytes() + f.expected.tobytes()
                out["chance", *key] = b"" if f.probability is None else f.probability.tobytes()
                bounds = calibration.intervals(
                    setting=f.setting, horizon=f.horizon, origin=f.origin
                ).bounds(f.forecast, f.expected)
                out["interval", *key] = b"".join(v.tobytes() for v in _arrays(bounds))
        for f in made.forecasts:
            if f.model == MAIN_MODEL:
                calibration.add(f)
    return out


def _arrays(bounds: object) -> list[np.ndarray]:
    values = bounds.values() if isinstance(bounds, dict) else bounds
    return [np.asarray(part) for value in values for part in np.atleast_2d(value)]


# What is published later -------------------------------------------------------------------------


def _later(tables: Tables, origin: int) -> np.ndarray:
    return (tables.trade["year"] > origin).to_numpy()


def _unpublished(tables: Tables, origin: int) -> np.ndarray:
    """Rows of the indicator table that were not out by 1 July of origin + 2."""
    as_of = CONFIG.as_of_rule(LAST).date(origin)
    last = {
        name: last_published_year(as_of, lag_months=lag)
        for name, lag in zip(
            tables.catalogue["indicator"], tables.catalogue["publication_lag_months"], strict=True
        )
    }
    return (tables.indicators["year"] > tables.indicators["indicator"].map(last)).to_numpy()


def trade_cells(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    chosen = _later(tables, origin) & (rng.random(len(tables.trade)) < rng.uniform(0.01, 1))
    value = tables.trade["value_usd"].to_numpy().copy()
    value[chosen] = np.where(
        rng.random(chosen.sum()) < 0.3, 0.0, rng.lognormal(15, 3, chosen.sum())
    )
    return replace(tables, trade=tables.trade.assign(value_usd=value))


def trade_rows_removed(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    gone = _later(tables, origin) & (rng.random(len(tables.trade)) < rng.uniform(0.01, 0.7))
    return replace(tables, trade=tables.trade[~gone])


def trade_rows_added(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    keys = [name for name in tables.trade if name not in ("year", "value_usd")]
    flows = tables.trade[keys].drop_duplicates()
    every = flows.merge(pd.DataFrame({"year": range(origin + 1, LAST + 1)}), how="cross")
    every = every.merge(tables.trade, on=[*keys, "year"], how="left", indicator=True)
    new = every[every["_merge"] == "left_only"].drop(columns="_merge")
    new = new.assign(value_usd=rng.lognormal(15, 2, len(new)) * (rng.random(len(new)) < 0.7))
    return replace(tables, trade=pd.concat([tables.trade, new]))


def years_appended(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    trade, end = [tables.trade], tables.trade[tables.trade["year"] == LAST]
    for further in range(1, int(rng.integers(1, 4)) + 1):
        noise = rng.lognormal(0, 0.5, len(end))
        trade.append(end.assign(year=LAST + further, value_usd=end["value_usd"] * noise))
    return replace(tables, trade=pd.concat(trade))


def years_removed(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    last = int(rng.integers(origin + 2, LAST))
    return replace(tables, trade=tables.trade[tables.trade["year"] <= last])


def rows_shuffled(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    """The rows in another order, on which nothing may depend."""
    seed = int(rng.integers(1_000))
    return replace(
        tables,
        trade=tables.trade.sample(frac=1, random_state=seed),
        indicators=tables.indicators.sample(frac=1, random_state=seed),
        catalogue=tables.catalogue.sample(frac=1, random_state=seed),
    )


def indicator_cells(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    late = _unpublished(tables, origin) & (rng.random(len(tables.indicators)) < 0.7)
    value = tables.indicators["value"].to_numpy().copy()
    value[late] *= rng.lognormal(0, 2, late.sum())
    return replace(tables, indicators=tables.indicators.assign(value=value))


def indicator_rows_removed(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    gone = _unpublished(tables, origin) & (rng.random(len(tables.indicators)) < rng.uniform(0.2, 1))
    return replace(tables, indicators=tables.indicators[~gone])


def indicator_years_added(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    """Far later years of one series, with a gap before them."""
    name = str(rng.choice(tables.catalogue["indicator"]))
    year = LAST + int(rng.integers(2, 9))
    new = pd.DataFrame({"iso3": COUNTRIES, "year": year, "indicator": name, "value": 7.0})
    return replace(tables, indicators=pd.concat([tables.indicators, new]))


def series_added(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    """A line of the catalogue whose first figures come later; it may replace a stand-in."""
    name, channel = [
        ("OWN.CHIPS", "automation"),
        ("OWN.CLOUD", "data_infrastructure"),
        ("OWN.WINE", "economic_mass"),
        ("EPOCH.NOTABLE.MODELS", "ai_adoption"),
    ][int(rng.integers(4))]
    cells = [
        (code, year, name, rng.lognormal())
        for code in COUNTRIES
        for year in range(origin + 3, LAST + 3)
    ]
    new = pd.DataFrame(cells, columns=["iso3", "year", "indicator", "value"])
    return replace(
        tables,
        indicators=pd.concat([tables.indicators, new]),
        catalogue=pd.concat([tables.catalogue, catalogue_of(((name, channel, 12),))]),
    )


def pair_years(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    """Agreements of later years end, begin, and go on for years beyond the table."""
    old = tables.agreements
    kept = old[(old["year"] <= origin + 1) | (rng.random(len(old)) < 0.5)]
    new = [
        (i, j, year, 1)
        for i in COUNTRIES
        for j in COUNTRIES
        for year in range(LAST + 2, LAST + 5)
        if i != j and rng.random() < 0.5
    ]
    added = pd.DataFrame(new, columns=list(old))
    return replace(tables, agreements=pd.concat([kept, added]))


def pair_years_cut(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    kept = tables.agreements["year"] <= origin + 1
    return replace(tables, agreements=tables.agreements[kept])


def country_added(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    new = [
        {"exporter": i, "importer": j, "year": year, "value_usd": rng.lognormal(15, 2)}
        for year in range(origin + 1, LAST + 1)
        for other in COUNTRIES
        for i, j in ((other, "VNM"), ("VNM", other))
    ]
    rows = pd.DataFrame(new)
    if "sector" in tables.trade:
        rows = rows.assign(sector=tables.trade["sector"].iloc[0])
    return replace(tables, trade=pd.concat([tables.trade, rows]))


def sector_added(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    rows = tables.trade[_later(tables, origin)].drop_duplicates(["exporter", "importer", "year"])
    rows = rows.assign(sector="z", value_usd=rng.lognormal(14, 2, len(rows)))
    return replace(tables, trade=pd.concat([tables.trade, rows]))


def stand_in_replaced(tables: Tables, origin: int, rng: np.random.Generator) -> Tables:
    """The series that another stands in for joins the file, with later figures only."""
    cells = [(code, origin + 4, "NSF.AI.ARTICLES", rng.lognormal()) for code in COUNTRIES]
    new = pd.DataFrame(cells, columns=["iso3", "year", "indicator", "value"])
    return replace(
        tables,
        indicators=pd.concat([tables.indicators, new]),
        catalogue=pd.concat(
            [tables.catalogue, catalogue_of((("NSF.AI.ARTICLES", "ai_adoption", 12),))]
        ),
    )


NOTHING_MOVES: tuple[Perturb, ...] = (
    trade_cells,
    trade_rows_removed,
    trade_rows_added,
    years_appended,
    years_removed,
    rows_shuffled,
    indicator_cells,
    indicator_rows_removed,
    indicator_years_added,
    series_added,
    pair_years,
    pair_years_cut,
)
DECLARED: tuple[Perturb, ...] = (country_added, sector_added, stand_in_replaced)
"""Choices of universe, which ``run.json`` declares: what moves with them is counted, not judged."""
WORLDS: tuple[Tables, ...] = (
    make_tables(),
    make_tables(sectors=("a", "b")),
    make_tables(largest=5),
)


def moved(before: Facts, after: Facts) -> list[tuple[object, ...]]:
    """What differs by a byte among what both hold: a shorter panel has fewer outcomes."""
    return [key for key in before if key in after and before[key] != after[key]]


def perturbed(number: int, *, seed: int) -> tuple[str, list[tuple[object, ...]]]:
    """One perturbation by its number: its kind and what it changed."""
    rng = np.random.default_rng((seed, number))
    kinds = (*NOTHING_MOVES, *DECLARED)
    kind = kinds[number % len(kinds)]
    world = 1 if kind is sector_added else int(rng.integers(len(WORLDS)))
    origin = int(rng.choice(ORIGINS))
    before = known(world, origin)
    assert before
    after = facts(kind(WORLDS[world], origin, rng), until=origin)
    return kind.__name__, moved(before, after)


_KNOWN: dict[tuple[int, int], Facts] = {}


def known(world: int, origin: int) -> Facts:
    """Facts of an unperturbed world, computed once."""
    if (world, origin) not in _KNOWN:
        _KNOWN[world, origin] = facts(WORLDS[world], until=origin)
    return _KNOWN[world, origin]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    made, differ = Counter[str](), Counter[str]()
    for number in range(asked.number):
        name, found = perturbed(number, seed=asked.seed)
        made[name] += 1
        differ[name] += bool(found)
        if found and name not in {kind.__name__ for kind in DECLARED}:
            print(f"number {number}, {name}: {len(found)} moved, first {found[:3]}")
    print(f"{'perturbation':<26}{'made':>6}{'moved':>7}")
    for kind in (*NOTHING_MOVES, *DECLARED):
        mark = "  (declared choice of universe)" if kind in DECLARED else ""
        print(f"{kind.__name__:<26}{made[kind.__name__]:>6}{differ[kind.__name__]:>7}{mark}")
    wrong = sum(differ[kind.__name__] for kind in NOTHING_MOVES)
    print(f"{sum(made.values())} perturbations, {wrong} that moved what they must not")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
