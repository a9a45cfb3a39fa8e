"""What reports and monthly trade are worth, row by row: who reports, how noisy, how late.

    python tests/benchmarks/reports_known.py [--data ../shared/data] [--origins 14] [--days]
        [--board FILE]

Goods panel, protocol of the scoreboard: rolling origins, everything nested. Each row is the main
model in the setting `reports_known` with other reports; errors are means over origins, and tests of
equal accuracy are against the raked base and against the main model without reports. No vintages
are at hand: first reports are today's with an assumed revision (`with_assumed_revisions`), times 1
or 2. With ``--board``, the table is a section of that scoreboard (`scoreboard.py` writes it there
too). With ``--days``, the error one year ahead by days from the end of that year to the forecast.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from board_section import write_section
from nowcast_coverage import NowcastCoverage, coverage_shown
from real_data import goods_with_reports

from features.channels.own_features import own_features
from features.countries.monitor_regions import CODES
from features.data.monthly import MonthlyTrade
from features.data.report_delays import usual_delays
from features.data.report_years import NEVER
from features.data.reports import Reports, with_assumed_revisions
from features.information import AsOfRule, DataBundle
from forecasting import RunConfig
from forecasting.evaluation import metrics
from forecasting.evaluation.backtest import choice_at, choose_weights, in_threads
from forecasting.evaluation.folds import Fold, plan_folds
from forecasting.evaluation.nowcasting import Nowcasts
from forecasting.evaluation.prepared import (
    PreparedData,
    information_sets,
    prepare,
    tuning_origins,
)
from forecasting.evaluation.significance import equal_accuracy, holm
from forecasting.inputs.load import load
from forecasting.words.markdown import table
from forecasting.words.numbers import decimal
from models.baselines import FromReports, LastValueRaked
from models.flow_model import Known
from models.forecaster import ShiftForecaster
from models.nowcast import usd
from models.shift import ShiftChoice

ERRORS = {
    "WAPE": metrics.wape,
    "Pattern distance": metrics.pattern_distance,
    "Log MAE": metrics.log_mae,
}
TARGETS = Path(__file__).with_name("reports_targets.csv")
"""Errors to reach: ``row, horizon, error, reach``."""
SECTION = "What reports and monthly trade add"
BASE, PLAIN = "raked base", "totals known"
FIRST = "56 early reporters, noise x1"
"""The row whose rules and intervals are scored."""
NOTE = (
    "The main model one to five years ahead with monthly trade of the world and its regions, "
    "and with reports of the year after the origin by those named (*none*, *totals known*, "
    "*ex ante*: monthly trade alone). One year ahead is a nowcast of a year that is over. "
    "First reports are today's with an assumed revision, since no vintages were at hand. "
    "Rules: importers' reported growth, exporters' where importers are silent; the mean of "
    "the levels that reports imply. Better at: origins with a lower WAPE, and the p value of "
    "a test of equal WAPE (as under Significance; Holm's adjustment over the rows of a horizon). "
    "Written by `python tests/benchmarks/reports_known.py --board notebooks/scoreboard.md`."
)
HORIZONS = (1, 2, 3, 4, 5)
OECD = frozenset(
    "AUS AUT BEL CAN CZE DNK FIN FRA DEU GRC HUN ISL IRL ITA JPN KOR LUX MEX NLD NZL NOR POL PRT "  # noqa: SIM905
    "SVK ESP SWE CHE TUR GBR USA".split()
)
BY_DAYS = (metrics.wape, metrics.log_mae)
DAYS = (0, 60, 120, 180, 270, 390)


def monthly_trade(data: Path) -> MonthlyTrade:
    """Value of trade by region: volume times price."""
    monitor = pd.read_parquet(data / "monthly" / "world_trade_monitor.parquet")
    wide = monitor.pivot(index="month", columns="series", values="value")
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
        FIRST: noisy(reports, 1),
        "56 early reporters, noise x2": noisy(reports, 2),
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
    coverage: NowcastCoverage,
) -> Iterator[dict[str, object]]:
    """Errors of every row at one origin; the boosters are fitted once for all."""
    training = prepared.training(config, origin=fold.origin, choice=choice)
    main = ShiftForecaster().fit(training)
    plain: Known = prepared.known(
        "reports_known", origin=fold.origin, horizons=fold.horizons, training=training
    )
    ex_ante = prepared.known(
        "ex_ante", origin=fold.origin, horizons=fold.horizons, training=training
    )
    found = {
        PLAIN: main.forecast(plain),
        "ex ante": main.forecast(ex_ante),
        BASE: LastValueRaked().forecast(plain),
    }
    for name, nowcasts in of.items():
        known = nowcasts.known(plain, main)
        found[name] = main.forecast(known)
        if name == FIRST:
            found["rule: growth of reports"] = FromReports(attrgetter("growth")).forecast(known)
            found["rule: levels of reports"] = FromReports(attrgetter("anchor")).forecast(known)
            coverage.add(main, plain, known)
    for name, forecasts in found.items():
        yield from scored(name, forecasts, prepared, fold.origin)


def shown(rows: pd.DataFrame, targets: pd.DataFrame) -> str:
    """A table of means over origins, of errors to reach, and of tests."""
    means = rows.groupby(["row", "horizon"], sort=False)[list(ERRORS)].mean()
    tests = [against(rows, other) for other in (BASE, PLAIN)]
    lines = []
    for name in rows["row"].unique():
        for horizon in sorted(rows["horizon"].unique()):
            found = means.loc[(name, horizon)]
            cells = [decimal(found[error], 4) for error in ERRORS]
            reach = reached(targets, name, int(horizon), found)
            verdicts = [test.get((name, horizon), "") for test in tests]
            lines.append([name, str(horizon), *cells, reach, *verdicts])
    header = ["Row", "Years", *ERRORS, "To reach", f"Against {BASE}", f"Against {PLAIN}"]
    return table(header, lines)


def against(rows: pd.DataFrame, other: str) -> dict[tuple[str, int], str]:
    """At how many origins each row beats another one, and how surely, by row and horizon."""
    wapes = rows.pivot_table(index=["horizon", "origin"], columns="row", values="WAPE")
    names = [name for name in rows["row"].unique() if name not in (BASE, other)]
    out = {}
    for horizon in rows["horizon"].unique():
        at = wapes.loc[horizon]
        tests = [
            equal_accuracy((at[name] - at[other]).to_numpy(), horizon=int(horizon))
            for name in names
        ]
        adjusted = holm(np.array([test.p_value for test in tests]))
        for name, test, p_value in zip(names, tests, adjusted, strict=True):
            surely = f", p {p_value:.3f}" if p_value >= 0.001 else ", p < 0.001"
            surely = "" if np.isnan(p_value) else surely
            out[name, horizon] = f"better at {test.wins} of {test.origins}{surely}"
    return out


def reached(targets: pd.DataFrame, name: str, horizon: int, found: pd.Series) -> str:
    """Errors to reach of one row and horizon, and whether they are."""
    chosen = targets[(targets["row"] == name) & (targets["horizon"] == horizon)]
    return "; ".join(
        f"{error} {decimal(reach, 4)}: {'reached' if found[error] <= reach else 'missed'}"
        for error, reach in zip(chosen["error"], chosen["reach"], strict=True)
    )


@dataclass(frozen=True, slots=True)
class Study:
    """What the section of the scoreboard shows.

    Attributes
    ----------
    errors
        ``row, horizon, origin`` and `ERRORS`.
    coverage
        Rows of `scores.score_forecast` of the nowcast of `FIRST`.
    """

    errors: pd.DataFrame
    coverage: pd.DataFrame

    def section(self) -> str:
        """The section as Markdown."""
        errors = shown(self.errors, pd.read_csv(TARGETS))
        return (
            f"## {SECTION}\n\n{NOTE}\n\n{errors}\n\n90 % intervals of the nowcast of *{FIRST}*:\n\n"
            f"{coverage_shown(self.coverage)}\n"
        )


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
            errors.append([error(actual[known], value[known]) for error in BY_DAYS])
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


def goods(data: Path) -> RunConfig:
    """The goods panel with reports."""
    return RunConfig(
        **goods_with_reports(data),
        horizons=HORIZONS,
        settings=("reports_known", "totals_known", "ex_ante"),
        experiment=None,
    )


def goods_bundle(data: Path, config: RunConfig) -> tuple[DataBundle, Reports]:
    """The data with monthly trade, and reports without the assumed revisions."""
    bundle = load(config).bundle
    bundle.monthly = monthly_trade(data)
    raw = pd.read_parquet(data / "reports" / "reported_totals.parquet")
    return bundle, Reports.from_frame(raw, flows=bundle.panel.flows, delays=usual_delays())


def last_folds(bundle: DataBundle, config: RunConfig, *, origins: int) -> list[Fold]:
    panel = bundle.panel
    folds = plan_folds(
        first_year=panel.first_year,
        last_year=panel.last_year,
        horizons=config.horizons,
        first_origin=None,
    )
    return list(folds)[-origins:]


def study(bundle: DataBundle, reports: Reports, config: RunConfig, *, origins: int = 14) -> Study:
    """Errors of every row by horizon and origin, and the coverage of the nowcast's intervals."""
    folds = last_folds(bundle, config, origins=origins)
    prepared = prepare(bundle, config)
    choices = choose_weights(tuning_origins(prepared, folds, config), in_threads(prepared, config))
    of = {
        name: nowcasts_on(prepared, on(bundle, variant))
        for name, variant in variants(reports, bundle.panel.last_year).items()
    }
    coverage = NowcastCoverage(prepared, of[FIRST], first_origin=folds[0].origin)
    rows: list[dict[str, object]] = []
    for fold in folds:
        rows += fold_rows(prepared, fold, config, choice_at(choices, fold.origin), of, coverage)
    return Study(pd.DataFrame(rows), pd.DataFrame(coverage.rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--origins", type=int, default=14, help="the last so many")
    parser.add_argument("--board", type=Path, help="scoreboard to write the table into")
    parser.add_argument("--days", action="store_true", help="errors by days after the year's end")
    parser.add_argument("--figure", type=Path, help="of --days, as PNG or SVG")
    given = parser.parse_args()
    config = goods(given.data)
    bundle, reports = goods_bundle(given.data, config)
    if given.days:
        print(by_days(bundle, last_folds(bundle, config, origins=given.origins), given.figure))
        return
    found = study(bundle, reports, config, origins=given.origins)
    print(found.section())
    if given.board is not None:
        write_section(given.board, found.section())


if __name__ == "__main__":
    main()
