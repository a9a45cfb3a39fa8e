"""Tracking in MLflow: what is logged, the model that is logged, and what cannot be logged."""

from __future__ import annotations

import ast
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from features.catalogue import NAMES
from features.data.flows import FlowIndex
from features.errors import InputError
from features.information import AsOfRule
from forecasting import RunConfig, RunResult, save_forecaster
from forecasting.evaluation.backtest_file import BacktestWriter
from forecasting.evaluation.fold import FoldForecast
from forecasting.evaluation.scores import METRICS, SKILL_METRICS, summarise
from forecasting.evaluation.significance import UNTESTED, significance_table, why_untested
from forecasting.evaluation.study import Study
from forecasting.explanation.explain import attribution_table, channel_summary, explain
from forecasting.explanation.forecast_table import forecast_table
from forecasting.run_folder.record import run_digest
from forecasting.tracking.datasets import flat_config
from forecasting.tracking.largest_errors import WORST_FLOWS, largest_errors
from forecasting.tracking.mlflow_store import ended
from forecasting.tracking.run_note import run_note
from forecasting.tracking.run_table import run_table_page
from forecasting.tracking.track import REQUIREMENTS, _check_folder, track
from models.design import Design
from models.forecaster import FittedForecaster
from models.intervals import Sample, fit_intervals
from models.known_totals import Totals
from models.registry import backtest_models
from models.shift import ShiftModel
from models.trade_probability import TradeProbability

pytestmark = pytest.mark.usefixtures("elsewhere")

PARENT = "mlflow.parentRunId"
ROOT = Path(__file__).resolve().parents[3]
EXPERIMENT = "trade goods"
ORIGINS = (2015, 2016, 2017)
HORIZONS = (1, 2)
OTHERS = ("last_value_raked", "last_value", "drift")
KEYS = ("exporter", "importer", "sector")
_HEAVY, _LIGHT = ({"weight_power": power, "linear_share": 0.5} for power in (0.5, 0.25))
NESTED_CHOICES = {
    "2015": {"chosen": _LIGHT, "losses": [{**_HEAVY, "loss": 2.0}, {**_LIGHT, "loss": 1.0}]},
    "2016": {"chosen": _HEAVY, "losses": [{**_HEAVY, "loss": 0.5}, {**_LIGHT, "loss": 1.5}]},
}
"""What a run records of its nested choice, by origin."""


# A small run --------------------------------------------------------------------------------------


def fit(*, sectors: tuple[str, ...] = ("",), seed: int = 0) -> FittedForecaster:
    """A forecaster fitted on noise, and 0 for some flows."""
    rng = np.random.default_rng(seed)
    flows = FlowIndex(("ARG", "BRA", "NAM", "USA", "ZAF"), sectors)
    rows = 1_500
    design = Design(
        features=rng.normal(size=(rows, len(NAMES))).astype(np.float32),
        shift=rng.uniform(-1, 1, rows).astype(np.float32),
        base=rng.lognormal(10, 2, rows).astype(np.float32),
        traded=rng.random(rows) < 0.8,
        origin=np.full(rows, 2010, dtype=np.int32),
        target_year=np.full(rows, 2011, dtype=np.int32),
    )
    value = rng.lognormal(12, 1, flows.size) * (rng.random(flows.size) < 0.8)
    totals = Totals(flows.exporter_totals(value) * 1.1, flows.importer_totals(value) * 1.1)
    samples = [Sample(2010, value, value * rng.lognormal(0, 0.3, flows.size), value + 1)]
    return FittedForecaster(
        flows=flows,
        origin=2018,
        as_of="2020-07-01",
        value=value,
        features=rng.normal(size=(flows.size, len(NAMES))).astype(np.float32),
        totals=dict.fromkeys(HORIZONS, totals),
        intervals=dict.fromkeys(HORIZONS, fit_intervals(samples)),
        shift=ShiftModel(rounds=5, threads=1).fit(design),
        probability=TradeProbability(threads=1).fit(design),
    )


def score_rows() -> pd.DataFrame:
    """Scores by origin: gravicast half the error of every other model, no births in 2016."""
    rows: list[dict[str, object]] = []
    for origin in ORIGINS:
        for model in ("gravicast", *OTHERS):
            for setting in ("totals_known", "ex_ante"):
                for horizon in HORIZONS:
                    error = (0.1 if model == "gravicast" else 0.2) * horizon + origin / 1e6
                    row = dict.fromkeys(METRICS, float("nan"))
                    row |= dict.fromkeys(SKILL_METRICS, error)
                    if model == "gravicast":
                        row |= {"coverage_50": 0.5, "coverage_90": 0.9, "crps": 0.1, "brier": 0.2}
                        row["auprc_births"] = float("nan") if origin == 2016 else 0.3
                    keys = {"setting": setting, "model": model, "horizon": horizon}
                    rows.append({**keys, "origin": origin, "stratum": "all", **row, "n": 20})
    return pd.DataFrame(rows)


def write_backtest(folder: Path, flows: FlowIndex) -> None:
    """Forecasts of two models from noise, some flows unknown."""
    rng = np.random.default_rng(3)
    level = rng.lognormal(12, 2, flows.size)

    def noise(*names: str) -> dict[str, np.ndarray]:
        return {name: level * rng.lognormal(0, 0.5, flows.size) for name in names}

    with BacktestWriter(
        folder / "backtest.parquet", rule=AsOfRule(), models=backtest_models()
    ) as writer:
        for origin in ORIGINS:
            for setting in ("totals_known", "ex_ante"):
                for horizon in HORIZONS:
                    shared = noise("base", "expected", "value_origin", "actual")
                    for name in ("value_origin", "actual"):
                        shared[name][rng.random(flows.size) < 0.2] = np.nan
                    shared["actual"][0] = np.nan
                    cell = {"setting": setting, "origin": origin, "horizon": horizon}
                    forecasts = [
                        FoldForecast(
                            **cell, model=model, probability=None, **shared, **noise("forecast")
                        )
                        for model in ("gravicast", "drift")
                    ]
                    middle = forecasts[0].forecast
                    bounds = {n: (middle / k, middle * k) for n, k in ((50, 1.2), (90, 2.0))}
                    writer.write(forecasts, bounds, flows=flows)


def data_files(folder: Path) -> list[dict[str, Any]]:
    trade, pairs = folder / "trade.csv", [folder / f"{name}.parquet" for name in "ab"]
    trade.write_text("exporter,importer,year,value_usd\nARG,BRA,2018,1.5\n", encoding="utf-8")
    for number, path in enumerate(pairs):
        table = {"iso3_o": ["ARG"], "iso3_d": ["BRA"], "rta": [number], "dist": [1.5]}
        pd.DataFrame(table).astype({"iso3_o": "category"}).to_parquet(path)
    roles = {"trade": [trade], "pairs": pairs}
    return [
        {
            "role": role,
            "path": str(path),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "statements": [],
        }
        for role, paths in roles.items()
        for path in paths
    ]


def verdicts_of(by_origin: pd.DataFrame) -> pd.DataFrame:
    return significance_table(by_origin, model="gravicast", others=OTHERS, metrics=SKILL_METRICS)


def small_run(folder: Path, *, sectors: tuple[str, ...] = ("",)) -> RunResult:
    """A result and its output folder, without the run."""
    forecaster, out = fit(sectors=sectors), folder / "out"
    (out / "model").mkdir(parents=True)
    (out / "figures").mkdir()
    save_forecaster(forecaster, out / "model")
    parts = {h: forecast_table(forecaster, h) for h in HORIZONS}
    explanation = explain(forecaster, {h: f for h, (_, f) in parts.items()})
    by_origin = score_rows()
    features = {"feature": ["distance", "gdp_exporter"], "share_of_flows": [1.0, 0.5]}
    coverage = pd.DataFrame({**features, "countries": [pd.NA, 5]})
    result = RunResult(
        config=RunConfig(
            world="goods", out=out, experiment=EXPERIMENT, horizons=HORIZONS, rounds=5
        ),
        out=out,
        forecasts=pd.concat([table for table, _ in parts.values()], ignore_index=True),
        scores=summarise(by_origin),
        scores_by_origin=by_origin,
        significance=verdicts_of(by_origin),
        reliability=pd.DataFrame(),
        study=None,
        attributions=attribution_table(explanation),
        explanation=explanation,
        channels=channel_summary(explanation),
        drivers=pd.DataFrame(),
        stability=pd.DataFrame(),
        coverage=coverage,
        measures=None,
        provenance={
            "kind": "run",
            "data": data_files(folder),
            "setting": "totals_known",
            "origin": 2018,
            "as_of": "2020-07-01",
            "versions": {"gravicast": "0.1.0"},
            "git": {"commit": "c0ffee", "of": "package", "changed": "no"},
            "nested_choices": NESTED_CHOICES,
        },
        timings={"read the data": 1.5, "choose weights (nested)": 2.5},
    )
    for name, table in (("forecasts", result.forecasts), ("attributions", result.attributions)):
        table.to_parquet(out / f"{name}.parquet")
    for name, table in (("scores", result.scores), ("scores_by_origin", by_origin)):
        table.to_csv(out / f"{name}.csv", index=False)
    write_backtest(out, forecaster.flows)
    (out / "stability.csv").write_text("kind,of\n", encoding="utf-8")
    (out / "run.json").write_text(json.dumps({"of": str(folder)}), encoding="utf-8")
    (out / "report.html").write_text("<p>report</p>", encoding="utf-8")
    for suffix in ("png", "svg"):
        (out / "figures" / f"scoreboard.{suffix}").write_bytes(b"figure")
    return result


@pytest.fixture(scope="module")
def tracked(
    migrated_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunResult, Path, str]:
    """The small run, its store and the id of its MLflow run."""
    folder = tmp_path_factory.mktemp("tracked")
    result = small_run(folder)
    with pytest.MonkeyPatch.context() as patch:
        file = own_store(migrated_store, folder, patch)
        run_id = track(result)
    return result, file, run_id


def own_store(migrated_store: Path, folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """A store of its own that runs are tracked in as long as the patch holds."""
    file = folder / "tracking" / "some.db"
    file.parent.mkdir()
    shutil.copy(migrated_store, file)
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file.as_posix()}")
    return file


def client(file: Path) -> Any:
    import mlflow

    return mlflow.MlflowClient(f"sqlite:///{file.as_posix()}")


def artifacts(file: Path, run_id: str) -> Path:
    return file.parent / "mlruns" / "trade-goods" / run_id / "artifacts"


def model_folder(file: Path) -> Path:
    (folder,) = (file.parent / "mlruns" / "trade-goods" / "models").iterdir()
    return folder / "artifacts"


# What is logged -----------------------------------------------------------------------------------


def test_every_origin_is_a_step(tracked):
    _, file, run_id = tracked
    history = client(file).get_metric_history(
        run_id, "scores_by_origin/wape/totals_known/h2/last_value"
    )
    assert [m.step for m in history] == list(ORIGINS)
    assert [m.value for m in history] == [pytest.approx(0.4 + o / 1e6) for o in ORIGINS]
    logged = client(file).get_run(run_id).data.metrics
    for model in ("gravicast", *OTHERS):
        for metric in SKILL_METRICS:
            assert f"scores_by_origin/{metric}/ex_ante/h1/{model}" in logged
    assert logged["scores_by_origin/coverage_90/totals_known/h1"] == 0.9


def test_what_is_not_a_number_is_left_out(tracked):
    _, file, run_id = tracked
    history = client(file).get_metric_history(
        run_id, "scores_by_origin/auprc_births/totals_known/h1"
    )
    assert [m.step for m in history] == [2015, 2017]
    logged = client(file).get_run(run_id).data.metrics
    assert not [name for name in logged if "auprc_deaths" in name]
    assert np.isfinite(list(logged.values())).all()


def test_summary_metrics_belong_to_the_model(tracked):
    result, file, run_id = tracked
    run = client(file).get_run(run_id)
    last = result.scores.query("model == 'gravicast' and setting == 'ex_ante' and horizon == 1")
    skill = run.data.metrics["scores/skill_wape/ex_ante/h1"]
    assert skill == pytest.approx(last.query("stratum == 'all'")["skill_wape"].item())
    assert run.data.metrics["scores/skill_on_raked_wape/ex_ante/h1"] == pytest.approx(skill)
    (model,) = client(file).search_logged_models([run.info.experiment_id])
    of_model = {m.key: m for m in model.metrics}
    assert of_model["scores/skill_wape/ex_ante/h1"].value == skill
    assert of_model["scores/skill_wape/ex_ante/h1"].dataset_name == "trade.csv"
    assert of_model["scores/mean_wape/ex_ante/h1"].value == pytest.approx(0.102016)
    assert not [key for key in of_model if key.endswith("last_value")]


def test_the_first_numbers_are_means_over_origins_under_plain_names(tracked):
    result, file, run_id = tracked
    logged = client(file).get_run(run_id).data.metrics
    plain = [name for name in logged if "/" not in name]
    assert list(logged)[: len(plain)] == plain
    scores = result.scores.query("model == 'gravicast' and stratum == 'all'")
    scores = scores[scores["setting"] == result.provenance["setting"]].set_index("horizon")
    for name, column in (("wape", "wape"), ("skill", "skill_wape"), ("coverage90", "coverage_90")):
        for horizon in (scores.index.min(), scores.index.max()):
            assert logged[f"{name}_h{horizon}"] == pytest.approx(scores.loc[horizon, column])


def test_the_ui_opens_the_run_table_with_columns_of_errors(tracked):
    _, file, run_id = tracked
    found = client(file).get_run(run_id)
    page = run_table_page(client(file))
    experiment = client(file).get_experiment(found.info.experiment_id)
    assert page.startswith(f"#/experiments/{experiment.experiment_id}/runs?workflowType=machine_le")
    key = page.rpartition("viewStateShareKey=")[2]
    columns = json.loads(experiment.tags[f"mlflow.sharedViewState.{key}"])["selectedColumns"]
    names = [re.fullmatch(r"metrics\.`(.+)`", column)[1] for column in columns]
    assert "wape_h1" in names
    assert set(names) <= set(found.data.metrics)


def test_data_carry_our_digest(tracked):
    result, file, run_id = tracked
    inputs = client(file).get_run(run_id).inputs.dataset_inputs
    found = {i.tags[0].value: i.dataset for i in inputs}
    assert set(found) == {"trade", "pairs a.parquet", "pairs b.parquet"}
    for source in result.provenance["data"]:
        named = [d for d in found.values() if d.name == Path(source["path"]).name]
        assert [d.digest for d in named] == [source["sha256"][:36]]
        assert source["path"] in named[0].source
    columns = json.loads(found["trade"].schema)["mlflow_colspec"]
    kinds = {c["name"]: c["type"] for c in columns}
    assert kinds == {"exporter": "string", "importer": "string", "year": "long",
                     "value_usd": "double"}  # fmt: skip
    pairs = json.loads(found["pairs a.parquet"].schema)["mlflow_colspec"]
    assert [c["type"] for c in pairs] == ["string", "string", "long", "double"]


def test_simulated_data_carry_their_seed(studied):
    run = client(studied[0]).get_run(studied[1])
    (entry,) = run.inputs.dataset_inputs
    assert (entry.dataset.name, entry.dataset.digest) == ("simulated world", "simulated-seed-7")
    assert run.data.tags["data_sha256"] == "simulated-seed-7"


def test_parameters_and_tags(tracked):
    result, file, run_id = tracked
    run = client(file).get_run(run_id)
    assert run.data.params["horizons"] == "1, 2"
    assert run.data.params["trade"] == "none"
    assert run.data.params["rounds"] == "5"
    tags = run.data.tags
    assert tags["setting"] == "totals_known"
    assert tags["origin"] == "2018"
    assert tags["as_of"] == "2020-07-01"
    assert tags["gravicast.version"] == "0.1.0"
    assert (tags["settings"], tags["horizons"]) == ("totals_known, ex_ante", "1, 2")
    trade = result.provenance["data"][0]["sha256"]
    assert tags["data_sha256"] == trade
    assert tags["data_vintage"] == f"trade to 2018, {trade[:20]}"
    assert tags["mlflow.source.git.commit"] == "c0ffee"
    assert (tags["git.commit_of"], tags["git.changed_since"]) == ("package", "no")
    assert tags["run_sha256"] == run_digest(result.out)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["seconds/total"] == 4.0
    assert run.data.metrics["seconds/choose weights nested"] == 2.5


def test_long_parameters_are_cut_and_say_so():
    flat = flat_config({"pairs": ["x" * 7_000], "params": {"max_bin": 63, "a=b": None}})
    assert len(flat["pairs"]) == 6_000
    assert flat["pairs"].endswith("(cut; whole in run.json)")
    assert (flat["params.max_bin"], flat["params.a_b"]) == ("63", "none")


def test_card_gives_the_verdict_first(tracked):
    _, file, run_id = tracked
    note = client(file).get_run(run_id).data.tags["mlflow.note.content"]
    lines = note.splitlines()
    untested = f"{UNTESTED}: {why_untested(origins=2)}"
    assert lines[0].startswith(f"**Against the last value**: h1 {untested} (49.5% lower)")
    assert lines[2].startswith(f"**Against the raked base**: h1 {untested} (49.5% lower)")
    (model,) = client(file).search_logged_models(["1"])
    assert f'load_model("models:/{model.model_id}")' in note
    assert len(lines) <= 16
    assert any(
        line.split() == ["ex_ante", "1", "10.20%", "20.20%", "20.20%", "90.00%"] for line in lines
    )


def test_card_says_what_is_worse_what_is_a_tie_and_what_was_not_tested(tmp_path):
    result = small_run(tmp_path)
    board = result.scores_by_origin
    selected = (board["model"] == "gravicast") & (board["horizon"] == 2)
    board.loc[selected, "wape"] = 0.5
    near = (board["model"] == "gravicast") & (board["horizon"] == 1)
    board.loc[near, "wape"] = 0.3
    board = board[board["model"] != "last_value_raked"]
    tests = verdicts_of(board)
    tests["verdict"] = np.where(tests["horizon"] == 2, "worse", "tie")
    tested = replace(result, scores=summarise(board), significance=tests)
    first, _, second, *_ = run_note(tested, "m-1").splitlines()
    assert "h1 tie (" in first
    assert "h2 **worse** (24.4% higher)" in first
    assert second.endswith("h1 not known, h2 not known")
    untested = run_note(replace(tested, significance=tested.significance.iloc[:0]), "m-1")
    assert "h2 not tested (24.4% higher)" in untested.splitlines()[0]


def test_the_note_shows_the_name_of_a_file_as_it_is(tmp_path):
    result = small_run(tmp_path)
    name = "a`b <img src=x onerror=alert(1)>|**.csv"
    data = [{**result.provenance["data"][0], "path": f"/data/{name}"}]
    note = run_note(replace(result, provenance={**result.provenance, "data": data}), "m-1")
    assert "<img" not in note
    page = MarkdownIt("commonmark", {"html": True}).render(note)
    assert f"flows of {html.escape(name, quote=False)}, from origin" in page


def test_tables_are_readable(tracked):
    result, file, run_id = tracked
    tables = {}
    logged = json.loads(client(file).get_run(run_id).data.tags["mlflow.loggedArtifacts"])
    for entry in logged:
        path = artifacts(file, run_id) / entry["path"]
        tables[entry["path"]] = pd.DataFrame(**json.loads(path.read_text("utf-8")))
    names = ("scoreboard", "channels", "feature_coverage", "largest_shifts", "largest_flows",
             "largest_errors")  # fmt: skip
    assert set(tables) == {f"{name}.json" for name in names}
    board = tables["scoreboard.json"]
    assert list(board.columns[:5]) == ["setting", "horizon", "model", "wape", "skill_wape"]
    assert len(board) == 2 * 2 * 4
    assert tables["feature_coverage.json"]["countries"].tolist()[1] == 5
    shifts = tables["largest_shifts.json"]
    change = shifts["change_usd_m"].abs()
    assert (change.diff().dropna() <= 0).all()
    moved = 100 * (shifts["forecast_usd_m"] / shifts["base_usd_m"] - 1)
    assert np.allclose(moved, shifts["change_percent"], atol=0.3)
    assert shifts["strongest_channel"].str.len().min() > 3
    flows = tables["largest_flows.json"]
    assert flows["rank"].tolist()[:3] == [1, 1, 2]
    assert flows["target_year"].tolist()[:3] == [2019, 2020, 2019]
    largest = result.forecasts.query("horizon == 1")["forecast"].max() / 1e6
    assert flows["forecast_usd_m"][0] == pytest.approx(largest, rel=1e-3)
    errors = tables["largest_errors.json"]
    assert errors["rank"].tolist()[:3] == [1, 2, 3]
    assert errors.groupby(["setting", "horizon"])["error_usd_m"].is_monotonic_decreasing.all()


def slow_errors(folder: Path, keys: list[str]) -> pd.DataFrame:
    """`largest_errors` from the whole table at once."""
    rows = pd.read_parquet(folder / "backtest.parquet").query("actual.notna()")
    rows = rows.astype(dict.fromkeys(("setting", *keys), "str")).astype({"horizon": "int64"})
    numbers = ["actual", "forecast", "value_origin", "lower_90", "upper_90"]
    rows = rows.astype(dict.fromkeys(numbers, "float64"))
    rows["error"] = (rows["forecast"] - rows["actual"]).abs()
    out = []
    for (setting, horizon), block in rows.groupby(["setting", "horizon"]):
        for flow, part in block.groupby(keys):
            total = part["actual"].sum()
            inside = (part["lower_90"] <= part["actual"]) & (part["actual"] <= part["upper_90"])
            out.append(
                {
                    "setting": setting,
                    "horizon": horizon,
                    **dict(zip(keys, flow, strict=True)),
                    "origins": len(part),
                    "actual_usd_m": part["actual"].mean() / 1e6,
                    "error_usd_m": part["error"].mean() / 1e6,
                    "error_percent": 100 * part["error"].sum() / total,
                    "share_of_errors_percent": 100 * part["error"].sum() / block["error"].sum(),
                    "bias_percent": 100 * (part["forecast"].sum() - total) / total,
                    "last_value_error_usd_m": (part["value_origin"] - part["actual"]).abs().mean()
                    / 1e6,
                    "in_90_interval_percent": 100 * inside.mean(),
                }
            )
    table = pd.DataFrame(out).sort_values("error_usd_m", ascending=False)
    table["rank"] = table.groupby(["setting", "horizon"]).cumcount() + 1
    return table[table["rank"] <= WORST_FLOWS]


@pytest.mark.parametrize("sectors", [("",), ("food", "fuel", "machines", "services")])
def test_the_worst_flows_are_those_of_the_whole_table(sectors, tmp_path):
    flows = FlowIndex(("ARG", "BRA", "NAM", "USA", "ZAF"), sectors)
    write_backtest(tmp_path, flows)
    keys = ["exporter", "importer", *(["sector"] if flows.has_sectors else [])]
    found = largest_errors(tmp_path, keys=keys)
    wanted = slow_errors(tmp_path, keys)
    order = ["setting", "horizon", "rank"]
    assert list(found)[: len(order) + len(keys)] == [*order, *keys]
    pd.testing.assert_frame_equal(
        found.sort_values(order, ignore_index=True),
        wanted.sort_values(order, ignore_index=True)[list(found)],
        check_dtype=False,
    )


def test_metrics_have_the_same_names_in_every_run(tracked, store, tmp_path):
    """Names hold setting, horizon and model: none is of one run alone but the seconds."""
    _, file, run_id = tracked
    names = set(client(file).get_run(run_id).data.metrics)
    other = small_run(tmp_path, sectors=("food", "machines"))
    again = set(client(store).get_run(track(other)).data.metrics)
    assert names == again
    form = re.compile(
        r"(seconds/.+"
        r"|(wape|skill|coverage90)_h\d+"
        r"|scores/(mean_|skill_|skill_on_raked_)\w+/(totals_known|ex_ante)/h\d+"
        r"|scores_by_origin/\w+/(totals_known|ex_ante)/h\d+(/\w+)?)$"
    )
    assert [name for name in names if not form.match(name)] == []


def test_the_configuration_can_be_run_again(tracked):
    result, file, run_id = tracked
    assert RunConfig.from_yaml(artifacts(file, run_id) / "config.yaml") == result.config


@pytest.mark.slow
def test_logging_again_makes_a_new_run_which_inside_another_is_a_child(store, tmp_path):
    import mlflow

    result = small_run(tmp_path)
    first = track(result)
    assert list(Path.cwd().iterdir()) == []  # nothing is left in the working directory
    with mlflow.start_run() as outer:
        second = track(result)
        assert mlflow.active_run().info.run_id == outer.info.run_id
    assert first != second
    one, other = (client(store).get_run(run_id) for run_id in (first, second))
    assert one.data.tags["run_sha256"] == other.data.tags["run_sha256"]
    assert one.data.metrics == other.data.metrics
    assert PARENT not in one.data.tags
    assert other.data.tags[PARENT] == outer.info.run_id


def test_files_are_there_and_nothing_is_pickled(tracked):
    result, file, run_id = tracked
    for name in ("report.html", "run.json", "forecasts.parquet", "attributions.parquet",
                 "scores.csv", "figures/scoreboard.png", "figures/scoreboard.svg"):  # fmt: skip
        present = artifacts(file, run_id) / name
        assert present.read_bytes() == (result.out / name).read_bytes()
    everything = [p for p in file.parent.rglob("*") if p.is_file()]
    assert len(everything) > 50
    unwanted = (".pkl", ".pickle", ".joblib", ".cloudpickle", ".skops", ".pyc")
    assert [p for p in everything if p.suffix in unwanted] == []
    assert [p for p in everything if p.read_bytes()[:1] == b"\x80"] == []


def test_one_run_one_model_no_autologging(tracked):
    _, file, run_id = tracked
    experiment = client(file).get_experiment_by_name(EXPERIMENT)
    runs = client(file).search_runs([experiment.experiment_id])
    assert [r.info.run_id for r in runs if PARENT not in r.data.tags] == [run_id]
    assert len(client(file).search_logged_models([experiment.experiment_id])) == 1


def kids(file: Path, parent: str) -> dict[str, Any]:
    """Child runs by name."""
    experiment = client(file).get_experiment_by_name(EXPERIMENT)
    runs = client(file).search_runs([experiment.experiment_id], f"tags.`{PARENT}` = '{parent}'")
    return {run.info.run_name: run for run in runs}


def history(file: Path, run: Any, metric: str) -> dict[int, float]:
    return {m.step: m.value for m in client(file).get_metric_history(run.info.run_id, metric)}


def test_every_nested_candidate_is_a_child_run(tracked):
    _, file, run_id = tracked
    found = kids(file, run_id)
    assert len(found) == 2
    heavy = found["0.5 / 0.5 (weight_power / linear_share)"]
    assert heavy.info.status == "FINISHED"
    assert heavy.data.params == {"weight_power": "0.5", "linear_share": "0.5"}
    assert heavy.data.tags["kind"] == "candidate"
    assert history(file, heavy, "nested_loss") == {2015: 2.0, 2016: 0.5}
    assert history(file, heavy, "chosen") == {2015: 0.0, 2016: 1.0}


@pytest.fixture(scope="module")
def studied(migrated_store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Store and id of a run with a study, on simulated data."""
    rows = [
        ("loss", "absolute", 2003, 2.9),
        ("loss", "absolute", 2005, 2.8),
        ("rounds", "9", 2003, 3.0),
    ]
    trials = pd.DataFrame(rows, columns=["question", "answer", "origin", "loss"])
    trials[["midpoint", "money", "ratio"]] = 0.9
    scores = score_rows().query("model == 'drift'").assign(group="model", model="dynamic")
    scores.loc[scores["origin"] == 2016, "wape"] = float("nan")
    nothing = pd.DataFrame()
    study = Study(by_origin=scores, ablation=nothing, placebos=nothing, trials=trials)
    folder = tmp_path_factory.mktemp("studied")
    result = replace(small_run(folder), study=study)
    statements = ["simulated with seed 7: no real country"]
    source = {"role": "trade", "path": "simulated world", "sha256": "", "statements": statements}
    result.provenance["data"] = [source]
    with pytest.MonkeyPatch.context() as patch:
        file = own_store(migrated_store, folder, patch)
        return file, track(result)


def test_every_trial_and_variant_of_a_study_is_a_child_run(studied):
    store, run_id = studied
    found = kids(store, run_id)
    assert len(found) == 2 + 2 + 1
    absolute = found["trial: loss: absolute"]
    assert absolute.data.params == {"question": "loss", "answer": "absolute"}
    assert history(store, absolute, "nested_loss") == {2003: 2.9, 2005: 2.8}
    assert history(store, absolute, "nested_money") == {2003: 0.9, 2005: 0.9}
    variant = history(store, found["model: dynamic"], "scores_by_origin/wape/ex_ante/h2")
    assert variant.keys() == {2015, 2017}
    # One name for one quantity: the run itself logs it under the same, with the model behind it.
    assert "scores_by_origin/wape/ex_ante/h2/drift" in client(store).get_run(run_id).data.metrics


def test_files_of_another_run_are_not_logged(store, tmp_path):
    result = small_run(tmp_path)
    result.provenance["files"] = {"scores.csv": "mine", "report.html": "drawn again since"}
    for digest, refused in (("theirs", True), ("mine", False)):
        record = {"files": {"scores.csv": digest}}
        (result.out / "run.json").write_text(json.dumps(record), encoding="utf-8")
        with pytest.raises(InputError, match="another run") if refused else nullcontext():
            _check_folder(result)


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), "KILLED"), (OSError("full"), "FAILED")]
)
def test_a_run_that_does_not_end_well_says_so(error, status):
    ended_as: list[str] = []
    with pytest.raises(type(error)), ended(ended_as.append):
        raise error
    assert ended_as == [status]


def test_artifacts_lie_beside_the_database(tracked):
    _, file, run_id = tracked
    location = Path(client(file).get_run(run_id).info.artifact_uri)
    assert location == artifacts(file, run_id)


def test_mlflow_is_left_as_it_was(migrated_store, tmp_path, monkeypatch):
    import mlflow

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copy(migrated_store, tmp_path / "mlflow.db")
    result = small_run(tmp_path)
    assert not mlflow.is_tracking_uri_set()
    path = list(sys.path)
    track(result)
    assert sys.path == path
    assert not mlflow.is_tracking_uri_set()
    assert mlflow.active_run() is None
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ
    assert client(tmp_path / "mlflow.db").get_experiment_by_name(EXPERIMENT) is not None
    assert (tmp_path / "mlruns" / "trade-goods").is_dir()


# The logged model ---------------------------------------------------------------------------------

FRESH = """
import sys
import mlflow, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
asked = pandas.read_json(sys.argv[2], orient="table")
model.predict(asked).to_parquet(sys.argv[3])
import forecasting, features, models
print(forecasting.__file__, features.__file__, models.__file__, *(
    module.__file__ for name, module in sys.modules.items()
    if name.startswith(("forecasting.", "features.", "models."))
))
"""


def ask_elsewhere(model: str, asked: pd.DataFrame, folder: Path, store: Path) -> pd.DataFrame:
    """What the model answers in a new process, elsewhere, that finds gravicast nowhere else."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    asked.to_json(elsewhere / "asked.json", orient="table", index=False)
    keep = ("PATH", "HOME", "SYSTEMROOT", "TMPDIR", "LD_LIBRARY_PATH")
    env = {name: os.environ[name] for name in keep if name in os.environ}
    env |= {"PYTHONPATH": "", "MLFLOW_DISABLE_TELEMETRY": "true", "PYTHONDONTWRITEBYTECODE": "1"}
    env["MLFLOW_TRACKING_URI"] = f"sqlite:///{store.as_posix()}"
    command = [sys.executable, "-c", FRESH, model, "asked.json", "answer.parquet"]
    done = subprocess.run(
        command, cwd=elsewhere, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    modules = done.stdout.splitlines()[-1].split()
    assert set.union(*(imports(Path(module)) for module in modules)) <= set(REQUIREMENTS)
    for module in modules:
        assert not Path(module).is_relative_to(ROOT)
        assert Path(module).is_relative_to(store.parent)
    return pd.read_parquet(elsewhere / "answer.parquet")


def imports(file: Path) -> set[str]:
    """Packages a module imports as it is loaded, those for type checkers left out."""
    names: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
    names -= {*sys.stdlib_module_names, "features", "models", "forecasting"}
    return {"scikit-learn" if name == "sklearn" else name for name in names}


def expected_rows(result: RunResult, asked: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in (*KEYS, "horizon") if name in asked]
    table = result.forecasts.drop(columns="as_of")
    table = table.astype({name: "str" for name in keys if name != "horizon"})
    return asked.merge(table, on=keys, how="left")


def everything(result: RunResult) -> pd.DataFrame:
    """All flows and horizons in a random order, two of them twice."""
    keys = [name for name in KEYS if name in result.forecasts]
    asked = result.forecasts[[*keys, "horizon"]].astype(dict.fromkeys(keys, "str"))
    asked = asked.astype({"horizon": "int64"}).sample(frac=1.0, random_state=0)
    return pd.concat([asked, asked.head(2)], ignore_index=True)


def check_answer(answer: pd.DataFrame, result: RunResult, asked: pd.DataFrame) -> None:
    wanted = expected_rows(result, asked)
    keys = [name for name in KEYS if name in asked]
    order = [*keys, "origin", "horizon", "target_year"]
    assert list(answer.columns[: len(order)]) == order
    assert answer[order].astype("str").equals(wanted[order].astype("str"))
    numbers = [name for name in answer if name not in order]
    assert len(numbers) == 8
    np.testing.assert_allclose(answer[numbers], wanted[numbers], rtol=1e-9, atol=0)
    assert answer[numbers].dtypes.eq(np.float64).all()


@pytest.mark.slow
def test_a_fresh_process_forecasts_the_same(store, tmp_path):
    result = small_run(tmp_path, sectors=("food", "machines"))
    track(result)
    (model,) = client(store).search_logged_models(["1"])
    asked = everything(result)
    answer = ask_elsewhere(f"models:/{model.model_id}", asked, tmp_path, store)
    check_answer(answer, result, asked)


@pytest.fixture(scope="module")
def loaded(tracked: tuple[RunResult, Path, str]) -> Any:
    import mlflow

    return mlflow.pyfunc.load_model(str(model_folder(tracked[1])))


def test_flows_without_sectors_come_back_the_same(loaded, tracked):
    asked = everything(tracked[0])
    check_answer(loaded.predict(asked), tracked[0], asked)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"exporter": "XXX"}, r"unknown exporter 'XXX'"),
        ({"importer": "arg"}, r"unknown importer 'arg'"),
        ({"horizon": 9}, r"unknown horizon 9: the forecaster was fitted for 1, 2"),
        ({"exporter": "BRA"}, r"BRA -> BRA is domestic"),
    ],
)
def test_unknown_requests_are_named(loaded, row, message):
    asked = pd.DataFrame([{"exporter": "ARG", "importer": "BRA", "horizon": 1} | row])
    with pytest.raises(ValueError, match=message):
        loaded.predict(asked)


def test_an_unknown_sector_is_named(tmp_path):
    import mlflow

    from forecasting.tracking.pyfunc_model import GravicastModel

    save_forecaster(fit(sectors=("food", "machines")), tmp_path)
    model = GravicastModel()
    model.load_context(mlflow.pyfunc.PythonModelContext({"forecaster": str(tmp_path)}, None))
    asked = pd.DataFrame({"exporter": ["ARG"], "importer": ["BRA"], "horizon": [1]})
    with pytest.raises(ValueError, match="unknown sector 'cars': known are food, machines"):
        model.predict(None, asked.assign(sector="cars"))
    with pytest.raises(ValueError, match="column 'sector' is missing"):
        model.predict(None, asked)


def test_nothing_asked_nothing_answered(loaded):
    asked = pd.DataFrame({"exporter": ["ARG"], "importer": ["BRA"], "horizon": [1]})
    answer = loaded.predict(asked.iloc[:0])
    assert len(answer) == 0
    assert list(answer) == list(loaded.predict(asked))


def test_signature_is_plain_and_fits_the_answer(loaded):
    signature = loaded.metadata.signature
    kinds = {c.name: c.type.name for c in signature.inputs}
    assert kinds == {"exporter": "string", "importer": "string", "horizon": "long"}
    asked = pd.DataFrame({"exporter": ["ARG"], "importer": ["BRA"], "horizon": [1]})
    assert [c.name for c in signature.outputs] == list(loaded.predict(asked))
    example = loaded.input_example
    assert len(loaded.predict(example)) == 2


def test_requirements_are_pinned(tracked):
    _, file, _ = tracked
    lines = (model_folder(file) / "requirements.txt").read_text("utf-8").split()
    assert {line.split("==")[0] for line in lines} >= {"mlflow", "lightgbm", "pandas", "pyarrow"}
    assert all("==" in line for line in lines)


# What cannot be logged ----------------------------------------------------------------------------


def test_a_dead_server_is_refused_quickly(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    result = small_run(tmp_path)
    started = time.perf_counter()
    with pytest.raises(InputError, match="MLflow did not accept the run") as caught:
        track(result)
    assert time.perf_counter() - started < 20
    assert caught.value.problem.endswith("(the server does not answer)")
    assert f"`gravicast track {result.out}`" in caught.value.remedy
    assert "secret" not in str(caught.value)


def test_a_dead_database_is_refused_quickly(tmp_path, monkeypatch):
    pytest.importorskip("psycopg2", reason="the driver psycopg2-binary is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql+psycopg2://me:secret@127.0.0.1:9/runs")
    started = time.perf_counter()
    with pytest.raises(InputError, match="Connection refused") as caught:
        track(small_run(tmp_path))
    assert time.perf_counter() - started < 20
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_database_without_its_driver_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysql", None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mysql+pymysql://127.0.0.1/runs")
    with pytest.raises(InputError, match=r"driver is not installed: .*pymysql"):
        track(small_run(tmp_path))


def test_another_kind_of_file_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "notes.db"
    file.write_text("this is a note and no database", encoding="utf-8")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{file.as_posix()}")
    with pytest.raises(InputError, match="not a SQLite database"):
        track(small_run(tmp_path))
    assert file.read_text("utf-8").startswith("this is a note")


def test_a_deleted_experiment_is_said(store, tmp_path):
    number = client(store).create_experiment(EXPERIMENT)
    client(store).delete_experiment(number)
    with pytest.raises(InputError, match=r"experiment.*run is complete in"):
        track(small_run(tmp_path))
