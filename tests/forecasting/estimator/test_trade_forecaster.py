"""The main job as a scikit-learn estimator: tables in, the forecasts of a run out."""

from __future__ import annotations

import inspect
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from forecasting import Feature, OriginSplit, TradeForecaster
from forecasting.evaluation.metrics import wape

KEYS = ["exporter", "importer", "year"]


@pytest.fixture(scope="session")
def frames(review_files):
    """The tables of `review_run`'s files."""
    others = review_files.others
    read = {name: pd.read_csv(others[name]) for name in ("indicators", "indicator_catalogue")}
    pairs = [pd.read_csv(path) for path in others["pairs"]]
    return {"trade": pd.read_csv(review_files.trade), **read, "pairs": pairs}


@pytest.fixture(scope="session")
def small(quick):
    """Parameters of the run in `review_run`."""
    return {
        "horizons": quick["horizons"],
        "rounds": quick["rounds"],
        "params": quick["params"],
        "options": {"workers": quick["workers"]},
    }


@pytest.fixture(scope="session")
def fitted(frames, small):
    return TradeForecaster(**small).fit(frames)


def keyed(table, **names):
    table = table.rename(columns=names)
    return table.astype({"exporter": str, "importer": str}).set_index(KEYS).sort_index()


def test_its_forecasts_are_those_of_a_run(fitted, review_run):
    theirs = keyed(pd.read_parquet(review_run / "forecasts.parquet"), target_year="year")
    ours = keyed(fitted.predict())
    assert list(ours) == ["forecast", "lower_50", "upper_50", "lower_90", "upper_90"]
    pd.testing.assert_frame_equal(ours, theirs[list(ours)], check_exact=True)


@pytest.fixture(scope="session")
def of_late(frames, small):
    """The estimator with few origins in its back-test; the run's scores of these are the same."""
    last = frames["trade"]["year"].max()
    options = {**small["options"], "first_origin": last - 2}
    return TradeForecaster(**{**small, "options": options})


def test_its_scores_are_those_of_a_run(frames, of_late, review_run):
    scores, theirs = (
        of_late.cross_validate(frames),
        pd.read_csv(review_run / "scores_by_origin.csv"),
    )
    keys, metrics = ["setting", "model", "horizon", "origin"], ["wape", "log_mae", "brier", "n"]
    ours = scores.set_index(keys)[metrics].sort_index()
    assert len(ours) == 2 * 6 * 3
    theirs = theirs.set_index(keys)[metrics].sort_index()
    pd.testing.assert_frame_equal(ours, theirs.loc[ours.index], rtol=1e-9)


def test_its_back_test_is_that_of_a_run(frames, of_late, review_run):
    keys = ["setting", "origin", "horizon", "exporter", "importer"]
    table = of_late.cross_val_predict(frames)
    assert set(table["year"] - table["origin"] - table["horizon"]) == {0}
    ours, theirs = (
        t.astype({"setting": str, "exporter": str, "importer": str}).set_index(keys).sort_index()
        for t in (table, pd.read_parquet(review_run / "backtest.parquet"))
    )
    for name in ("actual", "forecast"):
        np.testing.assert_allclose(ours[name], theirs.loc[ours.index, name], rtol=1e-6)
    assert (ours["lower_90"] <= ours["lower_50"]).all()
    assert (ours["upper_50"] <= ours["upper_90"]).all()


def test_a_horizon_is_a_number_of_years_or_a_list(fitted, stops):
    assert set(fitted.predict(1)["year"]) == {fitted.origin_ + 1}
    assert list(dict.fromkeys(fitted.predict(2)["year"])) == [
        fitted.origin_ + 1,
        fitted.origin_ + 2,
    ]
    assert set(fitted.predict([2])["year"]) == {fitted.origin_ + 2}
    stops(lambda: fitted.predict(3), says="horizon 3 was not fitted")
    stops(lambda: fitted.predict([]), says="was not fitted")


def test_the_feature_matrix_has_a_row_a_flow_and_origin(fitted):
    last = fitted.feature_matrix()
    assert last.index.names == ["exporter", "importer", "origin"]
    assert "years_ahead" not in last
    assert "log_value" in last
    flows = fitted.forecaster_.flows.size
    both = fitted.feature_matrix([fitted.origin_ - 3, fitted.origin_])
    assert len(both) == 2 * flows
    pd.testing.assert_frame_equal(both.iloc[flows:], last)
    matrix = np.delete(fitted.forecaster_.features, fitted.feature_names_.index("years_ahead"), 1)
    np.testing.assert_array_equal(last.to_numpy(), matrix)


def test_an_origin_without_features_is_named(fitted, stops):
    stops(lambda: fitted.feature_matrix([fitted.origin_ + 1]), says=str(fitted.origin_ + 1))
    stops(lambda: fitted.feature_matrix([]), says="no origin")


def test_the_score_is_the_skill_against_the_last_value(fitted, frames, review_files):
    newer = pd.read_csv(review_files.newer_trade)
    year = fitted.origin_ + 1
    table = newer[newer["year"] == year].astype({"exporter": str, "importer": str})
    last = frames["trade"][frames["trade"]["year"] == fitted.origin_]
    joined = (
        fitted.predict(1)
        .astype({"exporter": str, "importer": str})
        .merge(table, on=KEYS, how="left")
        .merge(last, on=["exporter", "importer"], how="left", suffixes=("", "_last"))
        .fillna({"value_usd": 0.0, "value_usd_last": 0.0})
    )
    actual = joined["value_usd"].to_numpy()
    ours = wape(actual, joined["forecast"].to_numpy())
    theirs = wape(actual, joined["value_usd_last"].to_numpy())
    assert fitted.score(newer) == pytest.approx(1 - ours / theirs, rel=1e-6)
    # Rows of earlier years are not scored.
    assert fitted.score({"trade": newer[newer["year"] > fitted.origin_]}) == fitted.score(newer)


def test_a_flow_that_the_forecast_does_not_have_counts_as_forecast_at_zero(fitted, review_files):
    newer = pd.read_csv(review_files.newer_trade)
    year = fitted.origin_ + 1
    stranger = {"exporter": "DEU", "importer": "FRA", "year": year, "value_usd": 1e13}
    worse = pd.concat([newer, pd.DataFrame([stranger])], ignore_index=True)
    assert fitted.score(worse[worse["year"] == year]) < fitted.score(newer) - 0.1


def test_trade_without_a_year_that_is_forecast_is_not_scored(fitted, frames, stops):
    stops(lambda: fitted.score(frames["trade"]), says="no trade of a year that is forecast")


def test_it_obeys_scikit_learn(small, frames):
    model = TradeForecaster(**small)
    assert model.get_params()["rounds"] == small["rounds"]
    copy = clone(model).set_params(rounds=3)
    assert (model.rounds, copy.rounds) == (small["rounds"], 3)
    assert clone(model).get_params() == model.get_params()
    for use in (model.predict, model.feature_matrix, lambda: model.score(frames)):
        with pytest.raises(NotFittedError):
            use()


def test_a_fitted_one_can_be_pickled(fitted):
    back = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(back.predict(1), fitted.predict(1))


def test_a_grid_is_searched_over_origins(frames, small):
    beside = {"pairs": frames["pairs"]}
    model = TradeForecaster(**{**small, "levels": (), "horizons": (1,)})
    split = OriginSplit(n_splits=2)
    search = GridSearchCV(model, {"rounds": [1, 8]}, cv=split, error_score="raise")
    search.fit(frames["trade"], beside=beside)
    best = search.best_estimator_
    assert best.origin_ == frames["trade"]["year"].max()
    assert list(best.predict(1)) == [*KEYS, "forecast"]
    # By hand: the first of the two splits.
    trade = frames["trade"]
    last = trade["year"].max() - 2
    by_hand = clone(model).set_params(rounds=1).fit(trade[trade["year"] <= last], beside=beside)
    assert search.cv_results_["split0_test_score"][0] == pytest.approx(
        by_hand.score(trade[trade["year"] == last + 1])
    )


def test_another_learner_is_an_object_whose_parameters_are_searched(frames):
    trade = frames["trade"]
    model = TradeForecaster(Ridge(), levels=(), horizons=(1,))
    split = OriginSplit(n_splits=1)
    search = GridSearchCV(model, {"learner__alpha": [0.1, 1e9]}, cv=split, error_score="raise")
    search.fit(trade)
    shift = search.best_estimator_.forecaster_.shift
    assert shift.learner.startswith("sklearn.linear_model:Ridge(")
    assert len(set(search.cv_results_["mean_test_score"])) == 2


def test_tables_of_polars_are_read_as_those_of_pandas(frames, small):
    trade = frames["trade"]
    model = TradeForecaster(**{**small, "levels": (), "horizons": (1,)})
    ours = clone(model).fit(pl.from_pandas(trade)).predict()
    pd.testing.assert_frame_equal(ours, clone(model).fit(trade).predict())


def test_a_split_trains_on_years_up_to_an_origin_and_scores_those_after_it():
    table = pd.DataFrame({"year": [2003, 2001, 2002, 2004, 2001]})
    (train, test), (_, last) = OriginSplit(n_splits=2, horizon=1).split(table)
    assert (train.tolist(), test.tolist(), last.tolist()) == ([1, 2, 4], [0], [3])
    ((train, test),) = OriginSplit([2001], horizon=2).split(pl.from_pandas(table))
    assert (train.tolist(), test.tolist()) == ([1, 4], [0, 2])
    assert OriginSplit([2001, 2002]).get_n_splits() == 2


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (pd.DataFrame({"jahr": [2001, 2002]}), "no column 'year'"),
        (pd.DataFrame({"year": [2001, 2002]}), "origins 1999, 2000"),
    ],
)
def test_a_table_that_cannot_be_split_is_refused(stops, table, says):
    stops(lambda: list(OriginSplit(n_splits=3).split(table)), says=says)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"levels": (80,)}, "no intervals of 80 %"),
        ({"options": {"out": "somewhere"}}, "cannot hold out"),
        ({"options": {"rounds": 3}}, "cannot hold rounds"),
        ({"options": {"absnt": "zero"}}, "Did you mean 'absent'?"),
        ({"horizons": (0,)}, "option 'horizons' cannot be [0]"),
        ({"params": {"num_threads": 2}}, "num_threads"),
        ({"learner": "sklearn.linear_model:Rigde()"}, "holds no 'Rigde'"),
        ({"learner": object()}, "learner"),
    ],
)
def test_a_wrong_parameter_is_refused_before_any_work(stops, frames, parameters, says):
    stops(lambda: TradeForecaster(**parameters).fit(frames), says=says)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: {**t, "tariffs": t["trade"]}, "no table 'tariffs'"),
        (lambda t: {"pairs": t["pairs"]}, "no table of trade"),
        (lambda t: {"trade": t["trade"], "indicators": t["indicators"]}, "indicator_catalogue"),
        (lambda _: {"trade": "flows.csv"}, "trade: str is not a table"),
        (lambda t: {"trade": t["trade"].drop(columns="year")}, "year"),
        (lambda t: {"trade": t["trade"].assign(value_usd=-1.0)}, "column 'value_usd', row 2"),
        (lambda t: {**t, "pairs": [t["pairs"][0], t["pairs"][1].drop(columns="iso3_d")]},
         "pairs[1]"),
        (lambda t: {"trade": t["trade"][t["trade"]["year"] > 2006]}, "too few"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_named(stops, frames, change, says):
    stops(lambda: TradeForecaster().fit(change(frames)), says=says)


def test_a_table_given_twice_is_refused(stops, frames):
    beside = {"pairs": frames["pairs"]}
    stops(lambda: TradeForecaster().fit(frames, beside=beside), says="pairs is given twice")


def last_step(info):
    """Growth of the last year."""
    now, before = (np.log1p(info.history[-back].astype(float)) for back in (1, 2))
    return now - before


def test_a_feature_of_ones_own_is_an_object_or_a_file(frames, tmp_path):
    own = Feature("last_step", "persistence", "log change", (), "-", "ours", last_step)
    model = TradeForecaster(features=[own], levels=(), horizons=(1,), rounds=4)
    fitted = clone(model).fit(frames["trade"])
    column = fitted.feature_matrix()["own_persistence_last_step"]
    trade = frames["trade"].set_index(["exporter", "importer", "year"])["value_usd"]
    pair = column.index[0][:2]
    now, before = (trade.get((*pair, fitted.origin_ - back), 0.0) for back in (0, 1))
    assert column.iloc[0] == pytest.approx(np.log1p(now) - np.log1p(before), rel=1e-4)
    assert "own_persistence_last_step" in fitted.forecaster_.shift.names
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\nfrom forecasting import Feature\n"
        + inspect.getsource(last_step)
        + 'FEATURES = (Feature("last_step", "persistence", "log change", (), "-", "", last_step),)'
    )
    other = clone(model).set_params(features=file).fit(frames["trade"])
    pd.testing.assert_frame_equal(other.predict(), fitted.predict())


def seer(info):
    """What is not known yet."""
    panel = info._data.panel
    return panel.values[min(panel.row(info.origin) + 1, len(panel.values) - 1)]


def test_a_feature_that_leaks_is_refused(frames, stops):
    leak = Feature("seer", "own", "USD", (), "none", "ours", seer)
    stops(lambda: TradeForecaster(features=leak).fit(frames["trade"]), says="seer")
