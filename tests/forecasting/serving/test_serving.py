"""Forecasting new data with a trained model: the same model, the new data, and nothing fitted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.catalogue import NAMES
from features.errors import InputError
from features.files.tables import sha256
from forecasting import RunConfig, plot, read_run
from forecasting.cli.main import main
from forecasting.inputs.load import load
from forecasting.options.forecast_config import ForecastConfig
from forecasting.reports.scoreboard import write_scoreboard
from forecasting.serving.served_model import open_model
from forecasting.serving.serving import forecast_with
from forecasting.tracking.track import track
from models.raking import rake

FILES = {"forecasts.parquet", "attributions.parquet", "channels.csv", "drivers.csv",
         "coverage.csv", "run.json", "model"}  # fmt: skip


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def ask(model: Path | str, files: Any, out: Path, *, newer: bool = True, **more: Any) -> Any:
    config = ForecastConfig(**files.options(newer=newer), out=out, **more)
    return forecast_with(model, config, show_progress=False)


@pytest.fixture(scope="module")
def served(review_run, review_files, tmp_path_factory) -> Any:
    """The run's model on one more year of data."""
    return ask(review_run, review_files, tmp_path_factory.mktemp("served") / "out")


# What it forecasts --------------------------------------------------------------------------------


def test_on_its_own_data_a_model_repeats_its_run(review_run, review_files, tmp_path):
    """Bit for bit: serving has no code of its own that could drift from the job's."""
    found, before = ask(review_run, review_files, tmp_path / "o", newer=False), read_run(review_run)
    for name in ("forecasts", "attributions"):
        pd.testing.assert_frame_equal(
            getattr(found, name), getattr(before, name), check_exact=True, check_dtype=False
        )
    for name in ("coverage.csv", "drivers.csv", "model/state.parquet"):
        assert (found.out / name).read_bytes() == (review_run / name).read_bytes()
    assert found.provenance["as_of"] == before.provenance["as_of"]
    assert found.provenance["notes"] == ["the new origin 2009 is the model's own"]


def test_new_data_are_forecast_from_their_last_year(served, review_run, review_files):
    before, table = read_run(review_run), served.forecasts
    assert set(table["origin"]) == {2010}
    assert set(table["as_of"]) == {"2012-07-01"}
    assert sorted(set(table["target_year"])) == [2011, 2012]
    assert list(table) == list(before.forecasts)
    newest = pd.read_csv(review_files.newer_trade).query("year == 2010 and value_usd > 0")
    wanted = newest.set_index(["exporter", "importer"])["value_usd"]
    known = table.query("horizon == 1").astype({"exporter": "str", "importer": "str"})
    found = known.set_index(["exporter", "importer"])["value_origin"]
    pd.testing.assert_series_equal(
        found[wanted.index], wanted, check_names=False, check_dtype=False, rtol=1e-6
    )


def test_nothing_is_fitted_again(served, review_run):
    trained, moved = (open_model(review_run).forecaster, read_run(served.out))
    assert moved.out == served.out
    for name in ("shift.txt", "probability.txt"):
        assert (served.out / "model" / name).read_bytes() == (
            review_run / "model" / name
        ).read_bytes()
    new = json.loads((served.out / "model" / "forecaster.json").read_text())
    old = json.loads((review_run / "model" / "forecaster.json").read_text())
    assert {name: new[name] == old[name] for name in new} == {
        "format": True, "countries": True, "sectors": True, "diagonal": True, "origin": False,
        "as_of": False, "shift": True, "probability": True, "totals": False, "intervals": True,
        "sha256": False,
    }  # fmt: skip
    assert trained.origin == 2009


def test_it_adds_up_and_its_reasons_too(served):
    table = served.forecasts
    for side in ("exporter", "importer"):
        sums = table.groupby(["horizon", side], observed=True)[["base", "forecast"]].sum()
        np.testing.assert_allclose(sums["forecast"], sums["base"], rtol=1e-5)
    assert (table["forecast"] >= 0).all()
    assert (table["lower_90"] <= table["forecast"]).all()
    assert (table["forecast"] <= table["upper_90"]).all()
    parts = served.attributions
    channels = parts[[name for name in parts if name.startswith("channel:")]].sum(axis=1)
    np.testing.assert_allclose(
        parts["base_value"] + parts["raking"] + channels,
        100 * np.log(parts["forecast"] / parts["base"]),
        atol=1e-4,
    )
    assert served.provenance["adds_up"] < 1e-5


def test_a_year_after_the_last_changes_nothing_before_it(review_run, review_files, tmp_path):
    """With an as-of date of a year ago, the newest year of trade is not seen."""
    early = ask(review_run, review_files, tmp_path / "e", as_of="2011-07-01")
    before = read_run(review_run)
    pd.testing.assert_frame_equal(early.forecasts, before.forecasts, check_dtype=False)


def test_horizons_can_be_chosen(review_run, review_files, served, tmp_path):
    one = ask(review_run, review_files, tmp_path / "one", horizons=(2,)).forecasts
    both = served.forecasts.query("horizon == 2").reset_index(drop=True)
    pd.testing.assert_frame_equal(one, both)


# What it writes -----------------------------------------------------------------------------------


def test_the_folder_can_be_read_back(served):
    assert listing(served.out) == FILES
    back = read_run(served.out)
    for name in ("forecasts", "attributions", "channels", "drivers"):
        found, written = getattr(back, name), getattr(served, name).replace({"": np.nan})
        pd.testing.assert_frame_equal(found, written, check_dtype=False, check_categorical=False)
    assert back.scores.empty
    assert back.config == served.config


def test_it_says_what_was_forecast_with_what(served, review_run, review_files):
    about = json.loads((served.out / "run.json").read_text())
    assert (about["kind"], about["origin"], about["as_of"]) == ("forecast", 2010, "2012-07-01")
    model = about["model"]
    assert (model["address"], model["origin"]) == (str(review_run), 2009)
    assert model["as_of"] == "2011-07-01"
    assert model["data"][0]["sha256"] == sha256(review_files.trade)
    digests = {source["path"]: source["sha256"] for source in about["data"]}
    others = review_files.others
    paths = [review_files.newer_trade, others["indicators"], others["indicator_catalogue"],
             *others["pairs"]]  # fmt: skip
    assert digests == {str(path): sha256(path) for path in paths}
    assert about["versions"]["gravicast"] == model["versions"]["gravicast"]
    counts = about["explained"]
    left_out = counts["no_trade_at_origin"] + counts["forecast_to_stop"]
    assert counts["forecasts"] == len(served.forecasts) == counts["explained"] + left_out


def test_features_the_new_data_lack_are_named(review_run, review_files, tmp_path):
    config = ForecastConfig(trade=review_files.newer_trade, out=tmp_path / "bare")
    notes = forecast_with(review_run, config, show_progress=False).provenance["notes"]
    (note_on_missing,) = [note for note in notes if "missing from the new data" in note]
    number = int(note_on_missing.split()[0])
    then = open_model(review_run).forecaster.features
    needs_data = np.isfinite(then).any(axis=0).sum()
    assert 20 < number < needs_data
    assert "and" in note_on_missing


def test_an_origin_before_the_models_is_noted(review_run, review_files, tmp_path):
    early = ask(review_run, review_files, tmp_path / "early", as_of="2010-07-01")
    assert early.provenance["origin"] == 2008
    assert "is not later than the model's (2009)" in early.provenance["notes"][0]


@pytest.mark.parametrize(("factor", "code"), [(1e-3, None), (2.0, "unit-model")])
def test_a_year_the_model_saw_in_another_unit_is_noticed(
    review_run, review_files, tmp_path, factor, code
):
    trade = pd.read_csv(review_files.newer_trade, keep_default_na=False)
    trade.assign(value_usd=trade["value_usd"] * factor).to_csv(tmp_path / "t.csv", index=False)
    config = ForecastConfig(trade=tmp_path / "t.csv", out=tmp_path / "out")
    if code is None:
        with pytest.raises(InputError, match="1/1,000 times those the model was trained on"):
            forecast_with(review_run, config, show_progress=False)
        assert not (tmp_path / "out").exists()
        return
    found = forecast_with(review_run, config, show_progress=False)
    assert [one["code"] for one in found.provenance["findings"]] == [code]


def test_countries_the_model_never_saw_are_forecast_and_noted(review_run, review_files, tmp_path):
    trade = pd.read_csv(review_files.newer_trade)
    gone = sorted(trade["exporter"].unique())[0]
    trade = trade.replace({"exporter": {gone: "ZZZ"}, "importer": {gone: "ZZZ"}})
    trade.to_csv(tmp_path / "trade.csv", index=False)
    config = ForecastConfig(trade=tmp_path / "trade.csv", out=tmp_path / "out")
    found = forecast_with(review_run, config, show_progress=False)
    assert "1 countries the model was not trained on: ZZZ" in found.provenance["notes"]
    of_new = found.forecasts.query("exporter == 'ZZZ'")
    assert len(of_new) == 9 * 2
    assert (of_new["forecast"] > 0).any()


# Where a model comes from -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def logged(review_run, migrated_store, tmp_path_factory) -> tuple[str, str, str]:
    """A SQLite store with the run, whose model is the champion of ``trade``: address and ids."""
    import mlflow

    folder = tmp_path_factory.mktemp("logged")
    shutil.copy(migrated_store, folder / "some.db")
    address = f"sqlite:///{(folder / 'some.db').as_posix()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", address)
        run_id = track(read_run(review_run))
        client = mlflow.MlflowClient()
        model_id = client.get_run(run_id).outputs.model_outputs[0].model_id
        client.create_registered_model("trade")
        client.create_model_version("trade", f"models:/{model_id}", run_id)
        client.set_registered_model_alias("trade", "champion", "1")
    return address, run_id, model_id


@pytest.fixture
def tracked(logged, elsewhere, monkeypatch) -> tuple[str, str]:
    """Ids of the run and its model, in the store that is asked now."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", logged[0])
    return logged[1:]


@pytest.mark.parametrize(
    "address",
    [
        "models:/trade@champion",
        "runs:/{run_id}",
        pytest.param("models:/trade/1", marks=pytest.mark.slow),
        pytest.param("models:/{model_id}", marks=pytest.mark.slow),
        pytest.param("runs:/{run_id}/forecaster", marks=pytest.mark.slow),
    ],
)
def test_every_address_of_a_model_is_the_same_model(tracked, review_run, address):
    run_id, model_id = tracked
    before = open_model(review_run)
    found = open_model(address.format(run_id=run_id, model_id=model_id))
    assert found.registered["model_id"] == model_id
    assert found.registered["run_id"] == run_id
    assert found.registered.get("version", "1") == "1"
    assert found.about == before.about
    np.testing.assert_array_equal(found.forecaster.features, before.forecaster.features)
    pd.testing.assert_frame_equal(found.stability, before.stability)


def test_a_model_by_its_alias_forecasts_the_same(tracked, served, review_files, tmp_path):
    again = ask("models:/trade@champion", review_files, tmp_path / "by-alias")
    pd.testing.assert_frame_equal(again.forecasts, served.forecasts, check_exact=True)
    assert again.provenance["model"]["version"] == "1"


def test_a_downloaded_model_is_a_model(tracked, tmp_path):
    import mlflow

    folder = mlflow.artifacts.download_artifacts(f"models:/{tracked[1]}", dst_path=str(tmp_path))
    assert open_model(folder).forecaster.origin == 2009


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("models:/trade@best", "best"),
        ("models:/nothing/1", "nothing"),
        ("models:/trade/7", "7"),
        ("models:/m-0", "m-0"),
        ("runs:/0123", "0123"),
        ("somewhere/else", "there is no such model"),
    ],
)
def test_an_address_of_nothing_is_refused(tracked, stops, address, says):
    error = stops(lambda: open_model(address), says=says)
    assert "\n" not in str(error)


def test_without_a_store_there_is_no_registered_model(elsewhere, monkeypatch, stops):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    stops(lambda: open_model("models:/trade@champion"), says="there is no MLflow store yet")
    assert list(Path.cwd().iterdir()) == []


def test_a_model_of_another_kind_is_refused(tracked, tmp_path, stops):
    import mlflow

    class Other(mlflow.pyfunc.PythonModel):
        def predict(self, model_input: list[str]) -> list[str]:
            return model_input

    with mlflow.start_run() as run:
        model = mlflow.pyfunc.log_model(
            name="forecaster", python_model=Other(), pip_requirements=["mlflow"]
        )
    for address in (f"models:/{model.model_id}", f"runs:/{run.info.run_id}"):
        stops(lambda at=address: open_model(at), says="this is not a gravicast model")


# What is refused ----------------------------------------------------------------------------------


@pytest.fixture
def copied(review_run, tmp_path) -> Path:
    return shutil.copytree(review_run, tmp_path / "copied")


def forget_sums(folder: Path) -> None:
    """As if what was altered had been written so."""
    for file, key in ((folder / "run.json", "files"), (folder / "model/forecaster.json", "sha256")):
        about = json.loads(file.read_text())
        file.write_text(json.dumps({**about, key: {}}))


def test_another_catalogue_is_named(copied, stops):
    forget_sums(copied)
    state = pd.read_parquet(copied / "model" / "state.parquet")
    state.rename(columns={NAMES[3]: "moon_phase"}).to_parquet(copied / "model" / "state.parquet")
    error = stops(lambda: open_model(copied), says="its catalogue has moon_phase")
    assert f"lacks {NAMES[3]}" in str(error)
    assert str(copied) in str(error)
    assert "Train it again" in error.remedy


@pytest.mark.parametrize("part", ["run.json", "model/forecaster.json"])
def test_another_format_is_named(copied, stops, part):
    forget_sums(copied)
    about = json.loads((copied / part).read_text())
    about["format"] += 1
    (copied / part).write_text(json.dumps(about))
    error = stops(lambda: open_model(copied), says=f"format {about['format']}"[:6])
    assert str(about["format"]) in error.problem
    assert "Train it again" in error.remedy


@pytest.mark.parametrize("lost", ["model/shift.txt", "model/state.parquet", "stability.csv"])
def test_a_model_that_is_not_whole_is_refused(copied, stops, lost):
    (copied / lost).unlink()
    error = stops(lambda: open_model(copied))
    assert str(copied) in str(error)


def test_a_forecast_is_no_model(served, stops):
    error = stops(lambda: open_model(served.out), says="this folder holds a forecast")
    assert "made with" in error.remedy


@pytest.mark.parametrize(
    "wrong",
    [
        lambda run: plot(run, "scoreboard"),
        lambda run: plot(run, "errors"),
        lambda run: plot(run, "coverage"),
        lambda run: write_scoreboard(run.out),
        track,
    ],
    ids=["plot scoreboard", "plot errors", "plot coverage", "scoreboard", "track"],
)
def test_what_needs_a_back_test_says_that_a_forecast_has_none(served, stops, wrong):
    error = stops(lambda: wrong(read_run(served.out)), says="nothing was back-tested")
    assert "`gravicast run`" in error.remedy


def test_unknown_horizons_are_refused_before_the_data_are_read(review_run, stops, tmp_path):
    config = ForecastConfig(trade=tmp_path / "none.csv", horizons=(1, 4), out=tmp_path / "out")
    error = stops(
        lambda: forecast_with(review_run, config, show_progress=False), says="4 years ahead"
    )
    assert "1, 2" in error.remedy
    assert listing(tmp_path) == set()


def test_sectors_must_be_as_in_training(review_run, review_files, stops, tmp_path):
    trade = pd.read_csv(review_files.newer_trade).assign(sector="goods")
    trade.to_csv(tmp_path / "trade.csv", index=False)
    config = ForecastConfig(trade=tmp_path / "trade.csv", out=tmp_path / "out")
    error = stops(
        lambda: forecast_with(review_run, config, show_progress=False), says="without sectors"
    )
    assert (error.column, error.file) == ("sector", tmp_path / "trade.csv")
    assert listing(tmp_path) == {"trade.csv"}


def test_a_run_is_never_replaced_by_a_forecast(copied, review_run, review_files, stops):
    before = sorted(path.name for path in copied.iterdir())
    for overwrite in (False, True):
        stops(lambda o=overwrite: ask(review_run, review_files, copied, overwrite=o))
    assert sorted(path.name for path in copied.iterdir()) == before


def test_a_forecast_is_replaced_when_asked(review_run, review_files, tmp_path, stops):
    ask(review_run, review_files, tmp_path / "out", newer=False)
    stops(lambda: ask(review_run, review_files, tmp_path / "out"), says="--overwrite")
    ask(review_run, review_files, tmp_path / "out", overwrite=True)
    assert set(pd.read_parquet(tmp_path / "out" / "forecasts.parquet")["origin"]) == {2010}


def test_the_configuration_fills_up_with_the_models(review_run):
    about = open_model(review_run).about
    found = ForecastConfig(trade="t.csv", negatives="zero").run_config(about)
    assert isinstance(found, RunConfig)
    assert (found.negatives, found.absent) == ("zero", about["config"]["absent"])
    assert (found.horizons, found.settings) == ((1, 2), ("totals_known",))
    assert found.params["min_data_in_leaf"] == 5
    assert found.experiment is None


# The command --------------------------------------------------------------------------------------


def test_the_command_forecasts_and_says_so(review_run, review_files, served, tmp_path, capsys):
    arguments = ["forecast", "--model", str(review_run), *review_files.arguments(newer=True)]
    out = tmp_path / "out"
    assert main([*arguments, "--out", str(out), "--quiet"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "Forecasts from 2010 as of 2012-07-01" in printed.out
    total = served.forecasts.query("horizon == 1")["forecast"].sum() / 1e9
    assert f"2011: {total:,.0f} billion USD" in printed.out
    assert str(out / "forecasts.parquet") in printed.out
    pd.testing.assert_frame_equal(
        pd.read_parquet(out / "forecasts.parquet"), served.forecasts, check_exact=True
    )


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["--trade", "nowhere.csv"],
        ["--trade", "TRADE", "--horizons", "9"],
        ["--trade", "TRADE", "--as-of", "soon"],
        ["--trade", "TRADE", "--indicators", "alone.csv"],
    ],
)
def test_a_mistake_is_one_line(review_run, review_files, tmp_path, capsys, more, elsewhere):
    words = [str(review_files.trade) if word == "TRADE" else word for word in more]
    arguments = ["forecast", "--model", str(review_run), "--quiet", *words]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("gravicast: ")
    assert printed.err.count("\n") == 1
    assert listing(tmp_path) == set()


# Totals -------------------------------------------------------------------------------------------


def test_the_base_is_the_new_matrix_at_the_new_totals(served, review_files):
    """An oracle in pandas: the newest year's flows raked to the sums of the forecast's base."""
    bundle = load(RunConfig(**review_files.options(newer=True))).bundle
    flows = bundle.panel.flows
    value = np.nan_to_num(bundle.panel.values[-1].astype(np.float64))
    base = served.forecasts.query("horizon == 2")["base"].to_numpy()
    again = rake(
        value,
        flows=flows,
        exporter_totals=flows.exporter_totals(base),
        importer_totals=flows.importer_totals(base),
    )
    np.testing.assert_allclose(again.values, base, rtol=1e-5)
