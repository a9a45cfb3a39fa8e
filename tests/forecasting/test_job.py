"""The main job end to end on the tiny world: files in, files out, nothing from the future."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features import catalogue
from features.catalogue import CHANNEL_OF, FEATURES, NAMES
from features.data.flows import FlowIndex
from features.data.indicators import Indicators, IndicatorSpec
from features.data.panel import TradePanel
from features.feature import CHANNELS
from features.information import DataBundle
from forecasting import RunConfig, RunResult, run
from forecasting.evaluation.backtest_file import by_model
from forecasting.evaluation.scores import METRICS, SKILL_METRICS
from forecasting.figures.run_figures import PLOTS
from forecasting.figures.style import NoDataError
from forecasting.run_folder.record import FORMAT
from models.raking import rake
from models.registry import backtest_models

BACKTEST = [model.name for model in backtest_models() if not model.name.startswith("report_")]
SETTINGS = ("totals_known", "ex_ante")
FEW_FOLDS = {"first_origin": 2008}
AS_OF, LATE_IN_THE_YEAR = date(2009, 7, 1), date(2008, 11, 15)
EARLY_FOLDS = {"first_origin": 2005, "rounds": 3}
FOLDS = {2007: (1, 2), 2008: (1, 2), 2009: (1,)}
BOUNDS = ["lower_50", "upper_50", "lower_90", "upper_90"]
TABLES = ("forecasts.parquet", "backtest.parquet", "attributions.parquet", "scores.csv",
          "scores_by_origin.csv", "channels.csv", "coverage.csv", "significance.csv",
          "reliability.csv", "world_errors.csv", "drivers.csv", "stability.csv", "scoreboard.md",
          "measures_history.parquet", "measures_forecasts.parquet", "measures_backtest.parquet",
          "measures_drivers.parquet", "measures_scores.csv")  # fmt: skip
MODEL = ("model/forecaster.json", "model/state.parquet", "model/shift.txt", "model/probability.txt",
         "model/past_forecasts.parquet", "model/world_errors.csv")  # fmt: skip


@dataclass(frozen=True)
class Finished:
    """A run and what it was asked for."""

    result: RunResult
    options: dict[str, Any]

    @property
    def out(self) -> Path:
        return self.result.out

    def table(self, name: str) -> pd.DataFrame:
        path = self.out / name
        return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


SOME_FIGURES = tuple(plot for plot in PLOTS if plot.name in ("scoreboard", "coverage"))


@pytest.fixture(scope="module")
def whole(world_files, quick, tmp_path_factory) -> Finished:
    """A run on all files with some figures and a report; all take ten times as long."""
    options = {**world_files.options, **quick}
    out = tmp_path_factory.mktemp("whole") / "deep" / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("forecasting.figures.run_figures.PLOTS", SOME_FIGURES)
        patch.setattr("forecasting.reports.countries.plot", no_figure)
        return Finished(run(RunConfig(**options, out=out), show_progress=False), options)


def no_figure(*_: object, **__: object) -> None:
    raise NoDataError("left out")


def same_forecasts(first: RunResult, second: RunResult) -> bool:
    return forecasts_of(first.out) == forecasts_of(second.out)


def forecasts_of(folder: Path) -> bytes:
    return (folder / "forecasts.parquet").read_bytes()


def check_forecasts(table: pd.DataFrame) -> None:
    """What holds of every forecast, whatever the data."""
    numbers = table.select_dtypes("number")
    assert np.isfinite(numbers.to_numpy()).all()
    assert (numbers.to_numpy() >= 0).all()
    lower_90, lower_50, middle, upper_50, upper_90 = (
        table[name] for name in ("lower_90", "lower_50", "forecast", "upper_50", "upper_90")
    )
    assert (lower_90 <= lower_50).all()
    assert (lower_50 <= middle).all()
    assert (middle <= upper_50).all()
    assert (upper_50 <= upper_90).all()
    assert table["probability_of_trade"].between(0, 1).all()
    assert (table["target_year"] == table["origin"] + table["horizon"]).all()
    # A flow without a base stays without a forecast, but may still come to life.
    dead = table["base"] == 0
    assert dead.any()
    assert (table.loc[dead, "forecast"] == 0).all()
    assert (table.loc[dead, "upper_90"] > 0).any()


def check_totals(finished: Finished) -> None:
    """Forecasts sum to the totals they were made for, by exporter and importer (and sector)."""
    table = finished.table("forecasts.parquet")
    meta = json.loads((finished.out / "model" / "forecaster.json").read_text())
    flows = FlowIndex(tuple(meta["countries"]), tuple(meta["sectors"]))
    for horizon in (1, 2):
        forecast = table.loc[table["horizon"] == horizon, "forecast"].to_numpy()
        exports, imports = (
            np.array(meta["totals"][str(horizon)][side]).reshape(-1, len(flows.sectors))
            for side in ("exporter", "importer")
        )
        assert (exports > 0).all()
        assert (imports > 0).all()
        # The two sides of a sector must agree: importers are scaled to exporters (models.raking).
        imports = imports * (exports.sum(axis=0) / imports.sum(axis=0))
        np.testing.assert_allclose(flows.exporter_totals(forecast), exports.ravel(), rtol=1e-8)
        np.testing.assert_allclose(flows.importer_totals(forecast), imports.ravel(), rtol=1e-8)
    # The shift moved something, so that this is more than the base's own raking.
    assert np.abs(np.log(table["forecast"] / table["base"])).max() > 0.05


# The files ----------------------------------------------------------------------------------------


def test_every_file_of_the_design_is_there_and_no_other(whole):
    files = {str(path.relative_to(whole.out)) for path in whole.out.rglob("*") if path.is_file()}
    figures = {name for name in files if name.startswith("figures/")}
    assert files - figures == {*TABLES, *MODEL, "report.html", "run.json"}
    stems = {name.rsplit(".", 1)[0] for name in figures}
    assert figures == {f"{stem}.{kind}" for stem in stems for kind in ("png", "svg")}
    assert stems == {f"figures/{plot.name}" for plot in SOME_FIGURES}
    assert all((whole.out / name).stat().st_size > 0 for name in files)
    assert list(whole.out.parent.iterdir()) == [whole.out]


def test_forecasts_have_the_columns_of_the_design_and_a_row_a_flow_and_year(whole):
    table = whole.table("forecasts.parquet")
    head = ["origin", "as_of", "horizon", "target_year", "exporter", "importer", "value_origin"]
    assert list(table) == [*head, "base", "forecast", *BOUNDS, "probability_of_trade"]
    assert len(table) == 2 * 8 * 7
    assert not table.duplicated(["exporter", "importer", "target_year"]).any()
    assert (table["exporter"].astype(str) != table["importer"].astype(str)).all()
    assert set(table["origin"]) == {2010}
    assert set(table["as_of"]) == {"2012-07-01"}
    assert set(table["target_year"]) == {2011, 2012}
    check_forecasts(table)


def test_forecasts_start_from_the_flows_of_the_origin(whole, trade):
    table = whole.table("forecasts.parquet")
    known = trade[trade["year"] == 2010].set_index(["exporter", "importer"])["value_usd"]
    found = table[table["horizon"] == 1].astype({"exporter": str, "importer": str})
    found = found.set_index(["exporter", "importer"])["value_origin"]
    np.testing.assert_array_equal(found.loc[known.index], known)
    assert len(known) < len(found)  # an unknown flow takes its last known value


def test_forecasts_sum_to_the_totals(whole):
    check_totals(whole)


def test_the_backtest_holds_every_setting_model_fold_horizon_and_flow(whole, trade):
    wide = whole.table("backtest.parquet")
    forecasts = whole.table("forecasts.parquet")
    others = [model for model in BACKTEST if model != "gravicast"]
    assert set(wide) == {*forecasts, "setting", "actual", *others}
    table = by_model(wide, BACKTEST)
    keys = ["setting", "model", "origin", "horizon"]
    expected = {
        (setting, model, origin, horizon): 56
        for setting in SETTINGS
        for model in BACKTEST
        for origin, horizons in FOLDS.items()
        for horizon in horizons
    }
    assert table.groupby(keys, observed=True).size().to_dict() == expected
    assert set(table["as_of"].astype(str)) == {f"{origin + 2}-07-01" for origin in FOLDS}
    assert np.isfinite(table[["base", "forecast"]].to_numpy()).all()
    assert (table["forecast"] >= 0).all()
    ours = table["model"] == "gravicast"
    rest = [*BOUNDS, "probability_of_trade"]
    assert table.loc[ours, rest].notna().all().all()
    assert table.loc[~ours, rest].isna().all().all()
    assert (table.loc[ours, "lower_90"] <= table.loc[ours, "forecast"]).all()
    assert (table.loc[ours, "forecast"] <= table.loc[ours, "upper_90"]).all()
    truth = trade.set_index(["exporter", "importer", "year"])["value_usd"]
    known = table.dropna(subset="actual").astype({"exporter": str, "importer": str})
    assert known["actual"].to_numpy() == pytest.approx(
        truth.loc[
            list(zip(known["exporter"], known["importer"], known["target_year"], strict=True))
        ]
    )
    last = table[(table["model"] == "last_value") & table["value_origin"].notna()]
    np.testing.assert_array_equal(last["forecast"], last["value_origin"])


def test_scores_hold_every_model_in_both_settings_with_every_metric(whole):
    scores = whole.table("scores.csv")
    assert list(scores) == [
        *("setting", "model", "horizon", "stratum", *METRICS, "n", "origins"),
        *(f"skill_{metric}" for metric in SKILL_METRICS),
    ]
    boards = scores[scores["stratum"] == "all"].set_index(["setting", "model", "horizon"])
    assert set(boards.index) == {(s, m, h) for s in SETTINGS for m in BACKTEST for h in (1, 2)}
    assert boards[list(SKILL_METRICS)].notna().all().all()
    assert {horizon: set(rows["origins"]) for horizon, rows in boards.groupby("horizon")} == {
        1: {3},
        2: {2},
    }
    # 2009 is a target year of either horizon.
    assert {"crisis", "calm", "decile_1", "decile_10", "zero_origin"} <= set(scores["stratum"])
    reference = scores[scores["model"] == "last_value"]
    for metric in SKILL_METRICS:
        skill = reference[f"skill_{metric}"]
        assert ((skill == 0) | reference[metric].isna() | (reference[metric] == 0)).all()


def test_scores_are_those_of_the_forecasts_in_the_backtest(whole):
    """The scoreboard from scratch: loops over the rows of backtest.parquet."""
    table = by_model(whole.table("backtest.parquet"), BACKTEST).dropna(subset="actual")
    rows = []
    for keys, part in table.groupby(["setting", "model", "horizon", "origin"], observed=True):
        y, p = part["actual"].astype(float), part["forecast"].astype(float)
        both = (y > 0) & (p > 0)
        growth = (2 * (y - p) / (y + p)).where(y + p > 0, 0.0)
        rows.append(
            {
                **dict(zip(("setting", "model", "horizon", "origin"), keys, strict=True)),
                "wape": (y - p).abs().sum() / y.sum(),
                "pattern_distance": (y / y.sum() - p / p.sum()).abs().sum() / 2,
                "midpoint_mae": growth.abs().mean(),
                "log_mae": (np.log(y[both]) - np.log(p[both])).abs().mean(),
                "coverage_90": y.between(part["lower_90"], part["upper_90"]).mean(),
                "n": len(part),
            }
        )
    by_origin = pd.DataFrame(rows)
    columns = [*SKILL_METRICS, "coverage_90"]
    expected = by_origin.groupby(["setting", "model", "horizon"])[columns].mean()
    scores = whole.table("scores.csv").query("stratum == 'all'")
    found = scores.set_index(["setting", "model", "horizon"]).loc[expected.index]
    np.testing.assert_allclose(found[list(SKILL_METRICS)], expected[list(SKILL_METRICS)], rtol=1e-4)
    ours = [key for key in expected.index if key[1] == "gravicast"]
    np.testing.assert_allclose(
        found.loc[ours, "coverage_90"], expected.loc[ours, "coverage_90"], atol=0.02
    )
    each = whole.table("scores_by_origin.csv").set_index(["setting", "model", "horizon", "origin"])
    assert set(each["stratum"]) == {"all"}
    by_origin = by_origin.set_index(["setting", "model", "horizon", "origin"])
    assert len(each) == len(by_origin)
    np.testing.assert_allclose(each.loc[by_origin.index, "wape"], by_origin["wape"], rtol=1e-4)
    assert (each.loc[by_origin.index, "n"] == by_origin["n"]).all()


def test_attributions_add_up_to_the_forecasts(whole):
    table = whole.table("attributions.parquet")
    keys = ["exporter", "importer", "origin", "horizon", "target_year"]
    channels = [channel for channel in CHANNELS if channel in CHANNEL_OF.values()]
    assert list(table) == [
        *keys,
        *("value_origin", "base", "forecast"),
        *(f"total:{term}" for term in ("world", "exporter", "importer", "adjustment")),
        *("base_value", "raking"),
        *NAMES,
        *(f"{kind}:{channel}" for kind in ("channel", "net") for channel in channels),
        "net:totals",
    ]
    grown = 100 * np.log(table["base"] / table["value_origin"])
    np.testing.assert_allclose(table.filter(like="total:").sum(axis=1), grown, atol=1e-9)
    moved = 100 * np.log(table["forecast"] / table["base"])
    for parts in (list(NAMES), [name for name in table if name.startswith("channel:")]):
        values = table[parts].astype(np.float64)  # single precision, whose sum would lose digits
        total = table["base_value"] + table["raking"] + values.sum(axis=1)
        np.testing.assert_allclose(total, moved, atol=1e-9)
    nets = [name for name in table if name.startswith("net:")]
    np.testing.assert_allclose(table[nets].sum(axis=1), moved, atol=1e-9)
    forecasts = whole.table("forecasts.parquet")
    explained = forecasts[forecasts["forecast"] > 0]
    assert len(table) == len(explained)
    np.testing.assert_array_equal(table["forecast"], explained["forecast"])


def test_the_record_says_what_was_run_on_which_data_and_as_of_when(whole):
    record = json.loads((whole.out / "run.json").read_text())
    options = {**record["config"], "out": whole.out}
    assert RunConfig.from_mapping(options) == RunConfig(**whole.options, out=whole.out)
    assert (record["as_of"], record["origin"], record["horizons"]) == ("2012-07-01", 2010, [1, 2])
    roles = [source["role"] for source in record["data"]]
    assert roles == ["trade", "indicators", "indicator catalogue", "pairs", "pairs"]
    for source in record["data"]:
        content = Path(source["path"]).read_bytes()
        assert source["sha256"] == hashlib.sha256(content).hexdigest()
    assert set(record["nested_choices"]) == {"2007", "2009"}
    assert record["versions"]["lightgbm"] != "not installed"
    assert sum(record["seconds"].values()) > 0
    assert (record["kind"], record["format"]) == ("run", FORMAT)
    forecasts, explained = whole.table("forecasts.parquet"), record["explained"]
    assert explained["explained"] == len(whole.table("attributions.parquet"))
    assert explained["no_trade_at_origin"] == (forecasts["base"] == 0).sum()
    left = explained["explained"] + explained["no_trade_at_origin"] + explained["forecast_to_stop"]
    assert left == explained["forecasts"] == len(forecasts)
    checked = record["audit"]
    assert checked["origins"] == [2007, 2008, 2010]
    assert checked["cells_altered"] > 1_000
    assert checked["features_changed"] == checked["totals_changed"] == []
    assert checked["additivity"] == explained["largest_gap"] < 1e-9


def test_the_result_in_memory_is_that_of_the_files(whole):
    result = whole.result
    for name, table in (
        ("forecasts.parquet", result.forecasts),
        ("attributions.parquet", result.attributions),
        ("scores.csv", result.scores),
        ("scores_by_origin.csv", result.scores_by_origin),
        ("channels.csv", result.channels),
    ):
        pd.testing.assert_frame_equal(
            whole.table(name), table.reset_index(drop=True), check_dtype=False,
            check_categorical=False, rtol=1e-12,
        )  # fmt: skip


# The same inputs, the same numbers ----------------------------------------------------------------


def test_another_run_on_more_cores_gives_the_same_files_byte_by_byte(whole, tmp_path, draw_nothing):
    assert whole.options["workers"] == 1
    config = RunConfig(**{**whole.options, "workers": 2, "out": tmp_path / "again"})
    run(config, show_progress=False)
    for name in (*TABLES, *MODEL):
        assert (tmp_path / "again" / name).read_bytes() == (whole.out / name).read_bytes(), name


@pytest.mark.slow
def test_another_seed_gives_other_forecasts(bundle, run_on, run_unaltered):
    few = {"as_of": AS_OF, "settings": SETTINGS, **EARLY_FOLDS}
    other = run_on(bundle, "other", seed=2, **few)
    tables = [other.forecasts, pd.read_parquet(run_unaltered(**few) / "forecasts.parquet")]
    assert not np.array_equal(*(table["forecast"] for table in tables))


# Less data, other data ----------------------------------------------------------------------------


def test_trade_alone_is_enough_and_the_coverage_says_what_is_lacking(
    world_files, quick, tmp_path, draw_nothing, few_measures
):
    options = {"trade": world_files.trade, **quick, **FEW_FOLDS}
    out = tmp_path / "run"
    finished = Finished(run(RunConfig(**options, out=out), show_progress=False), options)
    check_forecasts(finished.table("forecasts.parquet"))
    check_totals(finished)
    coverage = finished.table("coverage.csv").set_index("feature")
    assert list(coverage.index) == list(NAMES)
    for feature in FEATURES:
        row = coverage.loc[feature.name]
        if feature.series:
            assert row["absent_series"] == " ".join(feature.series)
            assert row["share_of_flows"] == 0
            assert np.isnan(row["countries"])
        elif feature.build is not None:
            assert np.isnan(row["absent_series"])
    filled = coverage[coverage["share_of_flows"] > 0]["channel"]
    assert "persistence" in set(filled)
    lacking = {"macro_news", "trade_policy", "ai_adoption", "automation", "data_infrastructure"}
    assert not lacking & set(filled)


def test_with_all_files_the_coverage_says_that_nothing_is_lacking(whole):
    coverage = whole.table("coverage.csv")
    by_sector = (
        coverage["series"].fillna("").str.contains("_exposure|digitally_deliverable|services")
    )
    assert coverage.loc[~by_sector, "absent_series"].isna().all()
    rest = ~by_sector & (coverage["feature"] != "years_ahead")
    assert (coverage.loc[rest, "share_of_flows"] > 0).all()


@pytest.mark.slow
def test_sectors_and_domestic_flows_take_the_same_path(make_trade, quick, tmp_path, draw_nothing):
    sectors = ("goods", "services")
    table, path = make_trade(sectors=sectors, domestic=True), tmp_path / "trade.parquet"
    assert (table["exporter"] == table["importer"]).any()
    table.to_parquet(path, index=False)
    options = {"trade": path, **quick, **FEW_FOLDS}
    out = tmp_path / "run"
    finished = Finished(run(RunConfig(**options, out=out), show_progress=False), options)
    forecasts = finished.table("forecasts.parquet")
    assert list(forecasts.columns[4:7]) == ["exporter", "importer", "sector"]
    assert len(forecasts) == 2 * 8 * 7 * 2
    assert (forecasts["exporter"].astype(str) != forecasts["importer"].astype(str)).all()
    check_forecasts(forecasts)
    check_totals(finished)
    assert "sector" in finished.table("backtest.parquet")
    assert "sector" in finished.table("attributions.parquet")
    # Domestic sales are in no international total.
    abroad = table[(table["exporter"] != table["importer"]) & (table["year"] == 2010)]
    origin = forecasts[forecasts["horizon"] == 1]["value_origin"].sum()
    filled = origin - abroad["value_usd"].sum()  # unknown flows take an earlier value
    assert 0 <= filled < 0.5 * origin


# Nothing from the future --------------------------------------------------------------------------


def backtest_until(folder: Path, origin: int, settings: tuple[str, ...]) -> pd.DataFrame:
    table = pd.read_parquet(folder / "backtest.parquet")
    rows = (table["origin"] <= origin) & table["setting"].isin(settings)
    assert rows.sum() >= 56 * len(settings)
    return table[rows].drop(columns="actual").reset_index(drop=True)


def leaking(feature: str):
    """The catalogue with one builder that looks past the information set's door."""

    def build(info):
        return np.log1p(np.nan_to_num(info._data.panel.values[-1]))

    return tuple(replace(f, build=build) if f.name == feature else f for f in FEATURES)


@pytest.mark.parametrize(
    ("as_of", "settings"),
    [
        (AS_OF, SETTINGS),
        pytest.param(AS_OF, ("ex_ante",), marks=pytest.mark.slow),
        # An information set's own tests ask for every day of the year.
        pytest.param(LATE_IN_THE_YEAR, ("totals_known",), marks=pytest.mark.slow),
    ],
)
def test_what_is_published_after_the_as_of_date_changes_no_forecast(
    as_of, settings, bundle, perturb_future, run_on, run_unaltered
):
    options = {"as_of": as_of, "settings": settings, **EARLY_FOLDS}
    if as_of == LATE_IN_THE_YEAR:
        options["horizons"] = (1,)
    unaltered = run_unaltered(**options)
    table = pd.read_parquet(unaltered / "forecasts.parquet")
    assert set(table["origin"]) == {2007 if as_of == AS_OF else 2006}
    assert set(table["as_of"]) == {as_of.isoformat()}
    # A cell in four stays as it is.
    moved = perturb_future(bundle, as_of, settings[0], np.random.default_rng(1))
    assert not np.array_equal(moved.panel.values, bundle.panel.values, equal_nan=True)
    after = run_on(moved, "after", **options)
    assert forecasts_of(after.out) == forecasts_of(unaltered)


def test_published_totals_move_the_forecast_where_they_are_known(
    bundle, perturb_future, run_on, run_unaltered
):
    moved = perturb_future(bundle, AS_OF, "ex_ante", np.random.default_rng(1))
    after = run_on(moved, "after", as_of=AS_OF, settings=SETTINGS, **EARLY_FOLDS)
    unaltered = run_unaltered(as_of=AS_OF, settings=SETTINGS, **EARLY_FOLDS)
    assert forecasts_of(after.out) != forecasts_of(unaltered)


@pytest.mark.parametrize(
    ("origin", "setting"),
    [(2007, "totals_known"), pytest.param(2008, "ex_ante", marks=pytest.mark.slow)],
)
def test_what_is_published_later_changes_no_forecast_of_an_earlier_origin(
    origin, setting, bundle, perturb_future, run_on, finished_run
):
    as_of = date(origin + 2, 7, 1)
    moved = perturb_future(bundle, as_of, setting, np.random.default_rng(origin))
    params = json.loads((finished_run / "run.json").read_text())["config"]["params"]
    folders = finished_run, run_on(moved, "after", params=params).out
    # The totals that "known" may see are news to "ex ante" alone.
    settings = SETTINGS if setting == "totals_known" else ("ex_ante",)
    pd.testing.assert_frame_equal(
        *(backtest_until(folder, origin, settings) for folder in folders), check_exact=True
    )
    # The check is alive: the next origin does see it.
    later = [backtest_until(folder, origin + 1, settings)["forecast"] for folder in folders]
    assert not np.array_equal(*later)


def test_a_planted_leak_is_found(bundle, perturb_future, run_on, monkeypatch):
    moved = perturb_future(bundle, AS_OF, "totals_known", np.random.default_rng(1))
    monkeypatch.setattr(catalogue, "FEATURES", leaking("log_value"))
    few = {"as_of": AS_OF, "settings": ("totals_known",), "horizons": (1,), **EARLY_FOLDS}
    before, after = (
        run_on(data, name, **few) for data, name in ((bundle, "before"), (moved, "after"))
    )
    assert not same_forecasts(before, after)
    rows = [backtest_until(result.out, 2006, few["settings"]) for result in (before, after)]
    assert not rows[0].equals(rows[1])


# Totals that zeros make infeasible ----------------------------------------------------------------


@pytest.mark.parametrize(
    "growth",
    [
        pytest.param(9, marks=pytest.mark.slow),
        50,
    ],
)
def test_forecasts_are_finite_where_no_scaling_can_meet_the_totals(run_on, growth):
    """DEU and FRA sell to the USA alone, and published totals have only their trade grow."""
    names, rng = ("DEU", "FRA", "USA"), np.random.default_rng(0)
    rows = [
        (a, b, year, 0.0 if year == 2010 and {a, b} == {"DEU", "FRA"} else 100 * rng.lognormal())
        for a in names
        for b in names
        for year in range(1999, 2011)
        if a != b
    ]
    frame = pd.DataFrame(rows, columns=["exporter", "importer", "year", "value_usd"])
    panel = TradePanel.from_frame(frame)
    years, index = np.arange(1999, 2012, dtype=np.int32), np.full((13, 3), 100.0)
    index[-1, :2] *= growth
    series = ("TX.VAL.MRCH.XD.WD", "TM.VAL.MRCH.XD.WD")
    indicators = Indicators(
        {name: IndicatorSpec(name, "published_totals", name, "index", 4) for name in series},
        years,
        dict.fromkeys(series, index),
        panel.flows.countries,
        (),
    )
    bundle = DataBundle(panel, indicators=indicators)
    result = run_on(bundle, "run", settings=("totals_known",), **FEW_FOLDS)
    numbers = result.forecasts.select_dtypes("number").to_numpy()
    assert np.isfinite(numbers).all()
    assert (numbers >= 0).all()


def test_raking_tells_the_gap_it_leaves_and_stays_finite():
    flows = FlowIndex(("DEU", "FRA", "USA"))
    raked = rake(
        np.array([0.0, 1.0, 0.0, 1.0, 1.0, 1.0]),  # DEU and FRA sell to the USA alone
        flows=flows,
        exporter_totals=np.array([1.0, 4.0, 1.0]),
        importer_totals=np.array([4.0, 4.0, 1.0]),
    )
    assert np.isfinite(raked.values).all()
    assert not raked.converged
    np.testing.assert_allclose(flows.exporter_totals(raked.values), [1, 4, 1], rtol=1e-8)
