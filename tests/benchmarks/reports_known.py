"""What reports and monthly trade are worth, row by row: who reports, how noisy, how late.

    python tests/benchmarks/reports_known.py [--data ../shared/data] [--origins 14] [--days]

Goods panel, protocol of the scoreboard: rolling origins, everything nested. Each row is the main
model in the setting `reports_known` with other reports; errors are means over origins, and the test
of equal accuracy is against the raked base of the same information. No vintages are at hand: first
reports are today's with an assumed revision (`with_assumed_revisions`), times 1 or 2.
With ``--days``, the error one year ahead by days from the end of that year to the forecast.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.channels.own_features import own_features
from features.countries.monitor_regions import CODES
from features.data.monthly import MonthlyTrade
from features.data.report_delays import usual_delays
from features.data.report_years import NEVER
from features.data.reports import Reports, with_assumed_revisions
from features.information import AsOfRule, DataBundle
from forecasting import RunConfig
from forecasting.evaluation import metrics
from forecasting.evaluation.backtest import choice_at, in_threads, tune
from forecasting.evaluation.folds import Fold, plan_folds
from forecasting.evaluation.nowcasting import Nowcasts
from forecasting.evaluation.prepared import (
    PreparedData,
    information_sets,
    prepare,
    tuning_origins,
)
from forecasting.evaluation.significance import equal_accuracy
from forecasting.inputs.load import load
from models.baselines import FromReports, LastValueRaked
from models.flow_model import Known
from models.forecaster import ShiftForecaster
from models.nowcast import usd
from models.shift import ShiftChoice

ERRORS = {"WAPE": metrics.wape, "pattern": metrics.pattern_distance, "log": metrics.log_mae}
HORIZONS = (1, 2, 3, 4, 5)
OECD = frozenset(
    "AUS AUT BEL CAN CZE DNK FIN FRA DEU GRC HUN ISL IRL ITA JPN KOR LUX MEX NLD NZL NOR POL PRT "  # noqa: SIM905
    "SVK ESP SWE CHE TUR GBR USA".split()
)
DAYS = (0, 60, 120, 180, 270, 390)


def monthly_trade(data: Path) -> MonthlyTrade:
    """Value of trade by region: volume times price."""
    table = pd.read_parquet(data / "monthly" / "world_trade_monitor.parquet")
    wide = table.pivot(index="month", columns="series", values="value")
    words = {"tgz": "trade", "mgz": "import", "xgz": "export"}
    parts = []
    for name in wide:
        flow, region, kind = str(name).split("_")[:3]
        if kind == "qnmi" and flow in words and region in CODES:
            value = wide[name] * wide[f"{flow}_{region}_pdmi_sn"]
            columns = {"region": CODES[region], "flow": words[flow], "value": value}
            parts.append(pd.DataFrame(columns).reset_index())
    return MonthlyTrade.from_frame(pd.concat(parts))


def of_reporters(reports: Reports, names: frozenset[str]) -> Reports:
    """The reports of some reporters alone, as if no other ever published."""
    absent = np.array([name not in names for name in reports.flows.countries])
    published = {side: np.where(absent, NEVER, days) for side, days in reports.published.items()}
    return replace(reports, published=published)


def variants(reports: Reports, until: int) -> dict[str, Reports]:
    """Reports by the words of a row."""
    names = np.array(reports.flows.countries)
    trade = np.nansum(reports.values["importer"], axis=0)
    size = np.bincount(reports.flows.importer, trade, len(names))
    largest = [frozenset(names[np.argsort(-size)[:n]]) for n in (10, 20)]

    def noisy(of: Reports, scale: float) -> Reports:
        return with_assumed_revisions(of, scale=scale, seed=1, until=until)

    silent = {**reports.published, "exporter": np.full_like(reports.published["exporter"], NEVER)}
    return {
        "56 early reporters, noise x1": noisy(reports, 1),
        "the same, noise x2": noisy(reports, 2),
        "30 OECD and EU reporters": noisy(of_reporters(reports, OECD), 1),
        "importers only": noisy(replace(reports, published=silent), 1),
        "the 10 largest": noisy(of_reporters(reports, largest[0]), 1),
        "the 20 largest": noisy(of_reporters(reports, largest[1]), 1),
        "none": of_reporters(reports, frozenset()),
    }


def scored(
    name: str, found: Mapping[int, np.ndarray], prepared: PreparedData, origin: int
) -> Iterator[dict[str, object]]:
    """Errors of one model at one origin."""
    for horizon, forecast in found.items():
        actual = prepared.outcome(origin, horizon)
        known = ~np.isnan(actual)
        errors = {word: of(actual[known], forecast[known]) for word, of in ERRORS.items()}
        yield {"row": name, "horizon": horizon, "origin": origin, **errors}


def fold_rows(
    prepared: PreparedData,
    fold: Fold,
    config: RunConfig,
    choice: ShiftChoice,
    of: Mapping[str, Nowcasts],
) -> Iterator[dict[str, object]]:
    """Errors of every row at one origin; the boosters are fitted once for all."""
    training = prepared.training(config, origin=fold.origin, choice=choice)
    main = ShiftForecaster().fit(training)
    plain: Known = prepared.known(
        "reports_known", origin=fold.origin, horizons=fold.horizons, training=training
    )
    found = {"totals known": main.forecast(plain), "raked base": LastValueRaked().forecast(plain)}
    for name, nowcasts in of.items():
        known = nowcasts.known(plain, main)
        found[name] = main.forecast(known)
        if name.endswith("x1"):
            found["rule: growth of reports"] = FromReports(attrgetter("growth")).forecast(known)
            found["rule: levels of reports"] = FromReports(attrgetter("anchor")).forecast(known)
    for name, forecasts in found.items():
        yield from scored(name, forecasts, prepared, fold.origin)


def shown(rows: pd.DataFrame) -> str:
    """A table of means over origins, and of tests against the raked base."""
    means = rows.groupby(["row", "horizon"], sort=False)[list(ERRORS)].mean().unstack("horizon")
    lines = [
        "| row | h | WAPE | pattern | log | WAPE against raked base |",
        "|---|---|---|---|---|---|",
    ]
    by = rows.pivot_table(index=["horizon", "origin"], columns="row", values="WAPE")
    for name in means.index:
        for horizon in sorted(rows["horizon"].unique()):
            cells = [f"{means.loc[name, (word, horizon)]:.4f}" for word in ERRORS]
            ours, base = by.loc[horizon][name], by.loc[horizon]["raked base"]
            test = equal_accuracy((ours - base).to_numpy(), horizon=int(horizon))
            wins = f"better at {(ours < base).sum()} of {len(ours)}, p {test.p_value:.3f}"
            said = "" if name == "raked base" else wins
            lines.append(f"| {name} | {horizon} | {' | '.join(cells)} | {said} |")
    return "\n".join(lines)


def by_days(bundle: DataBundle, folds: Sequence[Fold], figure: Path | None) -> str:
    """Errors one year ahead by days from the end of that year to the forecast.

    Reconciled flows of the origin are taken to be known from the first of these days on.
    """
    bundle = on(bundle, bundle.reports, trade_lag_months=11)
    panel, lines, wapes = (
        bundle.panel,
        ["| days | reporters | WAPE | log |", "|---|---|---|---|"],
        [],
    )
    for days in DAYS:
        day = date(2001, 12, 31) + timedelta(days=days)
        rule = AsOfRule(day.year - 2000, day.month, day.day)
        infos = information_sets(
            bundle, setting="reports_known", rule=rule, last=panel.last_year - 1
        )
        nowcasts = Nowcasts(bundle, rule, infos, (), 1)
        errors, reporters = [], []
        for origin in (fold.origin for fold in folds):
            implied = nowcasts.levels(origin)
            other = usd(implied.base)
            value, _ = nowcasts.flows(origin, other, (other > 0).astype(np.float64))
            actual = panel.values[panel.row(origin + 1)].astype(np.float64)
            known = ~np.isnan(actual)
            errors.append([ERRORS[word](actual[known], value[known]) for word in ("WAPE", "log")])
            filed = ~np.isnan(implied.levels["importer"])
            reporters.append(np.unique(panel.flows.importer[filed]).size)
        wape, log = np.mean(errors, axis=0)
        wapes.append(wape)
        lines.append(f"| {days} | {np.mean(reporters):.0f} | {wape:.4f} | {log:.4f} |")
    if figure is not None:
        draw(wapes, figure)
    return "\n".join(lines)


def draw(wapes: Sequence[float], figure: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plot, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.step(DAYS, 100 * np.array(wapes), where="post", marker="o")
    axes.set(
        xlabel="Days from the end of the year to the forecast",
        ylabel="Error (WAPE), percent of trade",
        title="What is known of a year after it ends",
        ylim=(0, None),
    )
    plot.savefig(figure, dpi=150)


def on(bundle: DataBundle, reports: Reports | None, **changed: Any) -> DataBundle:
    """The data with other reports."""
    same = {"indicators": bundle.indicators, "pairs": bundle.pairs, "sectors": bundle.sectors,
            "trade_lag_months": bundle.trade_lag_months, "monthly": bundle.monthly}  # fmt: skip
    return DataBundle(bundle.panel, reports=reports, **{**same, **changed})


def nowcasts_on(prepared: PreparedData, bundle: DataBundle) -> Nowcasts:
    """Nowcasts of the prepared origins from the reports of another bundle."""
    infos = information_sets(
        bundle, setting="reports_known", rule=prepared.rule, last=prepared.last_origin
    )
    return Nowcasts(bundle, prepared.rule, infos, own_features(prepared.own), seed=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--origins", type=int, default=14, help="the last so many")
    parser.add_argument("--days", action="store_true", help="errors by days after the year's end")
    parser.add_argument("--figure", type=Path, help="of --days, as PNG or SVG")
    given = parser.parse_args()
    data = given.data
    config = RunConfig(
        trade=data / "trade" / "goods_totals.parquet",
        indicators=data / "indicators" / "country_year.parquet",
        indicator_catalogue=data / "indicators" / "catalogue.csv",
        pairs=(data / "pairs" / "geography.parquet", data / "pairs" / "trade_agreements.parquet"),
        reports=data / "reports" / "reported_totals.parquet",
        horizons=HORIZONS,
        settings=("reports_known", "totals_known", "ex_ante"),
        experiment=None,
    )
    bundle = load(config).bundle
    bundle.monthly = monthly_trade(data)
    panel = bundle.panel
    raw = pd.read_parquet(config.reports)
    reports = Reports.from_frame(raw, flows=panel.flows, delays=usual_delays())
    folds = plan_folds(
        first_year=panel.first_year, last_year=panel.last_year, horizons=HORIZONS, first_origin=None
    )[-given.origins :]
    if given.days:
        print(by_days(bundle, folds, given.figure))
        return
    prepared = prepare(bundle, config)
    choices = tune(tuning_origins(prepared, folds, config), in_threads(prepared, config))
    of = {
        name: nowcasts_on(prepared, on(bundle, variant))
        for name, variant in variants(reports, panel.last_year).items()
    }
    rows: list[dict[str, object]] = []
    for fold in folds:
        rows += fold_rows(prepared, fold, config, choice_at(choices, fold.origin), of)
        print(fold.origin, flush=True)
    print(shown(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
