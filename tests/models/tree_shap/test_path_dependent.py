"""SHAP values of boosters against their definition, LightGBM's own and SHAP's."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations

import lightgbm
import numpy as np
import pytest
import shap
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.errors import InputError
from models.tree_shap import path_dependent
from models.tree_shap import units as tree_units
from models.tree_shap.path_dependent import BLOCK, tree_shap, tree_shap_interactions
from models.tree_shap.paths import measure, read_forest
from models.tree_shap.units import wide_leaves

quick = hypothesis_settings(max_examples=100, deadline=None)


@dataclass(frozen=True)
class Case:
    """A booster and rows it was not trained on."""

    booster: lightgbm.Booster
    x: np.ndarray

    def raw(self) -> np.ndarray:
        return self.booster.predict(self.x, raw_score=True, num_threads=1)

    def contributions(self) -> np.ndarray:
        return self.booster.predict(self.x, pred_contrib=True, num_threads=1)

    def spread(self) -> float:
        return max(float(np.ptp(self.raw())), 1e-3)


def matrix(rng: np.random.Generator, rows: int, columns: int, missing: float) -> np.ndarray:
    """Continuous, few-valued, constant and hollow columns."""
    x = rng.normal(size=(rows, columns))
    x[:, 1::4] = np.round(x[:, 1::4])
    x[:, 2::5] *= rng.random((rows, x[:, 2::5].shape[1])) < 0.5
    if columns > 3:
        x[:, 3] = 7.0
    x[rng.random(x.shape) < missing] = np.nan
    return x


def train(
    x: np.ndarray, rng: np.random.Generator, *, rounds: int = 5, weight=None, init=None, **params
) -> lightgbm.Booster:
    known = np.nan_to_num(x)
    y = known @ rng.normal(size=x.shape[1]) + known[:, 0] * known[:, -1] + 3
    if params.get("objective") in ("poisson", "tweedie"):
        y = np.exp(y / 10)
    defaults = {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 3, "seed": 1}
    data = lightgbm.Dataset(x, y, weight=weight, init_score=init)
    return lightgbm.train({**defaults, **params}, data, rounds)


def case(*, rows: int = 300, columns: int = 6, missing: float = 0.1, seed: int = 0, **params):
    rng = np.random.default_rng(seed)
    booster = train(matrix(rng, rows, columns, missing), rng, **params)
    return Case(booster, matrix(rng, 40, columns, missing))


@st.composite
def cases(draw: st.DrawFn, *, widest: int = 30) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns = draw(st.integers(30, 400)), draw(st.integers(1, widest))
    missing = draw(st.sampled_from([0.0, 0.1, 0.6]))
    params = {
        "num_leaves": draw(st.integers(2, 40)),
        "max_depth": draw(st.sampled_from([-1, 1, 3, 6])),
        "learning_rate": 0.3,
        "use_missing": draw(st.booleans()),
        "zero_as_missing": draw(st.booleans()),
        "boost_from_average": draw(st.booleans()),
        "objective": draw(st.sampled_from(["l2", "huber", "poisson"])),
        "boosting": draw(st.sampled_from(["gbdt", "dart"])),
    }
    weight = rng.lognormal(0, 1, rows) if draw(st.booleans()) else None
    init = rng.normal(size=rows) if draw(st.booleans()) else None
    x = matrix(rng, rows, columns, missing)
    booster = train(x, rng, weight=weight, init=init, **params)
    # Few rows are integrated path by path, many through tables.
    asked = draw(st.sampled_from([1, 30, 700, 3_000]))
    fresh = matrix(rng, asked, columns, draw(st.sampled_from([0.0, 0.3])))
    return Case(booster, fresh.astype(draw(st.sampled_from([np.float32, np.float64]))))


# The definition ----------------------------------------------------------------------------------


@dataclass
class Game:
    """Value of sets of features at one row: unknown splits are averaged by training rows."""

    booster: lightgbm.Booster
    row: np.ndarray
    columns: int = field(init=False)

    def __post_init__(self) -> None:
        self.columns = self.row.size
        self.trees = [t["tree_structure"] for t in self.booster.dump_model()["tree_info"]]

    def value(self, known: frozenset[int]) -> float:
        return sum(self._below(tree, known) for tree in self.trees)

    def _below(self, node: dict, known: frozenset[int]) -> float:
        if "leaf_value" in node:
            return node["leaf_value"]
        sides = node["left_child"], node["right_child"]
        if node["split_feature"] in known:
            return self._below(sides[not self._left(node)], known)
        counts = [side.get("internal_count", side.get("leaf_count")) for side in sides]
        values = [self._below(side, known) for side in sides]
        return float(np.dot(counts, values)) / sum(counts)

    def _left(self, node: dict) -> bool:
        x = self.row[node["split_feature"]]
        if np.isnan(x) and node["missing_type"] == "NaN":
            return node["default_left"]
        x = 0.0 if np.isnan(x) else x
        if node["missing_type"] == "Zero" and abs(x) < 1e-34:
            return node["default_left"]
        return x <= node["threshold"]

    def shapley(self, i: int) -> float:
        n, total = self.columns, 0.0
        rest = [k for k in range(n) if k != i]
        for size in range(n):
            weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
            for some in map(frozenset, combinations(rest, size)):
                total += weight * (self.value(some | {i}) - self.value(some))
        return total

    def interaction(self, i: int, j: int) -> float:
        n, total = self.columns, 0.0
        rest = [k for k in range(n) if k not in (i, j)]
        for size in range(n - 1):
            weight = math.factorial(size) * math.factorial(n - size - 2) / math.factorial(n - 1)
            for some in map(frozenset, combinations(rest, size)):
                both, one, other = some | {i, j}, some | {i}, some | {j}
                total += weight / 2 * (
                    self.value(both) - self.value(one) - self.value(other) + self.value(some)
                )  # fmt: skip
        return total


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("rows", [1, 3_000])
def test_values_are_shapley_values_of_the_game_the_trees_define(rows, zeros):
    made = case(columns=5, num_leaves=12, rounds=3, zero_as_missing=zeros, missing=0.2)
    x = np.resize(made.x, (rows, 5))
    game = Game(made.booster, x[0])
    found = tree_shap(made.booster, x)
    assert found.base_value == pytest.approx(game.value(frozenset()), abs=1e-12)
    assert found.values[0] == pytest.approx([game.shapley(i) for i in range(5)], abs=1e-12)
    pairs = list(combinations(range(5), 2))
    got = tree_shap_interactions(made.booster, x, pairs=pairs).values[0]
    assert got == pytest.approx([game.interaction(i, j) for i, j in pairs], abs=1e-12)
    assert np.abs(got).max() > 0.01


# Peers -------------------------------------------------------------------------------------------


@quick
@given(made=cases())
def test_values_are_lightgbms_and_add_up_to_the_raw_prediction(made):
    found, theirs = tree_shap(made.booster, made.x), made.contributions()
    assert found.values.shape == made.x.shape
    assert np.abs(found.values - theirs[:, :-1]).max() <= 1e-9 * made.spread()
    assert found.base_value == pytest.approx(theirs[0, -1], abs=1e-9 * made.spread())
    total = found.base_value + found.values.sum(axis=1)
    assert np.abs(total - made.raw()).max() <= 1e-9 * max(made.spread(), abs(found.base_value))


@hypothesis_settings(max_examples=15, deadline=None)
@given(made=cases(widest=8))
def test_interactions_are_shaps(made):
    # SHAP sends NaN and zero the wrong way where they do not stand for missing values.
    x = np.nan_to_num(made.x[:20].astype(np.float64), nan=0.5)
    x[x == 0] = 0.5
    columns = x.shape[1]
    theirs = shap.TreeExplainer(made.booster).shap_interaction_values(x)
    pairs = [(i, j) for i in range(columns) for j in range(columns) if i != j]
    found = tree_shap_interactions(made.booster, x, pairs=pairs).values
    expected = np.array([theirs[:, i, j] for i, j in pairs]).T.reshape(found.shape)
    assert np.abs(found - expected).max(initial=0.0) <= 1e-6 * made.spread()
    # On the diagonal is what is left of a feature's value.
    own = tree_shap(made.booster, x).values
    for i in range(columns):
        mine = [k for k, pair in enumerate(pairs) if pair[0] == i]
        main = own[:, i] - found[:, mine].sum(axis=1)
        assert np.abs(main - theirs[:, i, i]).max() <= 1e-6 * made.spread()


def test_values_are_those_of_shaps_explainer():
    made = case(rows=900, columns=12, num_leaves=31, rounds=20)
    explainer = shap.TreeExplainer(made.booster)
    found = tree_shap(made.booster, made.x)
    assert found.values == pytest.approx(explainer.shap_values(made.x), abs=1e-9)
    assert found.base_value == pytest.approx(explainer.expected_value, abs=1e-9)


@pytest.fixture(params=[0, path_dependent.FEW], ids=["walk", "integrals"])
def wide(request, monkeypatch):
    """How wide paths are summed."""
    monkeypatch.setattr(path_dependent, "FEW", request.param)


# Trees of every kind -----------------------------------------------------------------------------


def agree(made: Case) -> None:
    """Few rows and many, straight against LightGBM."""
    for rows in (len(made.x), 5_000):
        many = Case(made.booster, np.resize(made.x, (rows, made.x.shape[1])))
        found, theirs = tree_shap(many.booster, many.x), many.contributions()
        assert np.abs(found.values - theirs[:, :-1]).max() <= 1e-9 * many.spread()
        total = found.base_value + found.values.sum(axis=1)
        assert np.abs(total - many.raw()).max() <= 1e-9 * many.spread()


def staircase(columns: int, *, rounds: int = 2) -> Case:
    """Each column splits off a few rows: paths as long as there are columns."""
    rng = np.random.default_rng(0)
    x = rng.random((3_000, columns))
    small = x < 2 / columns
    first = np.argmax(small, axis=1) * small.any(axis=1)
    params = {"num_leaves": 3 * columns, "verbosity": -1, "num_threads": 1, "min_data_in_leaf": 1}
    data = lightgbm.Dataset(x, first + rng.random(3_000) * 0.1, params={"max_bin": 20})
    return Case(lightgbm.train(params, data, rounds), x[:50])


def exact_value(made: Case, row: int, feature: int) -> float:
    """Shapley value in rational numbers: the polynomial of every path, integrated by its terms."""

    def below(node: dict, held: dict[int, tuple[bool, Fraction]]) -> Fraction:
        if "leaf_value" in node:
            if feature not in held:
                return Fraction(0)
            terms = [Fraction(1)]
            for column, (o, z) in held.items():
                if column != feature:
                    low = [z * term for term in terms] + [Fraction(0)]
                    rise = [Fraction(0)] + [(o - z) * term for term in terms]
                    terms = [a + b for a, b in zip(low, rise, strict=True)]
            o, z = held[feature]
            whole = sum(term / (power + 1) for power, term in enumerate(terms))
            return Fraction(node["leaf_value"]) * (o - z) * whole
        total, column = Fraction(0), node["split_feature"]
        for side in ("left", "right"):
            child = node[f"{side}_child"]
            taken = (made.x[row, column] <= node["threshold"]) == (side == "left")
            count = child.get("internal_count", child.get("leaf_count"))
            o, z = held.get(column, (True, Fraction(1)))
            step = (o and taken, z * Fraction(count, node["internal_count"]))
            total += below(child, {**held, column: step})
        return total

    trees = made.booster.dump_model()["tree_info"]
    return float(sum(below(tree["tree_structure"], {}) for tree in trees))


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("rows", [50, 5_000])
def test_paths_too_wide_for_tables(rows):
    """LightGBM itself loses up to four digits here: its own values miss its prediction."""
    made = staircase(40)
    assert measure(read_forest(made.booster).trees).leaf_above.max() > 30
    many = Case(made.booster, np.resize(made.x, (rows, 40)))
    found, theirs = tree_shap(many.booster, many.x), made.contributions()
    assert found.base_value + found.values.sum(axis=1) == pytest.approx(many.raw(), abs=1e-12)
    assert found.values[:50] == pytest.approx(theirs[:, :-1], abs=1e-3)
    assert np.abs(theirs.sum(axis=1) - made.raw()).max() > 1e-6


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("feature", [0, 17, 39])
def test_paths_too_wide_for_tables_in_rational_numbers(feature):
    made = staircase(40, rounds=1)
    found = tree_shap(made.booster, made.x).values[3, feature]
    assert found == pytest.approx(exact_value(made, 3, feature), abs=1e-13)


@pytest.mark.usefixtures("wide")
def test_interactions_on_wide_paths_are_shaps():
    made = staircase(18)
    trees = read_forest(made.booster).trees
    assert wide_leaves(trees, measure(trees), 10).size
    theirs = shap.TreeExplainer(made.booster).shap_interaction_values(made.x[:10])
    pairs = [(0, 1), (7, 3), (17, 12)]
    found = tree_shap_interactions(made.booster, made.x[:10], pairs=pairs).values
    expected = np.stack([theirs[:, i, j] for i, j in pairs], axis=1)
    assert np.abs(expected).max(axis=0).min() > 1e-4
    assert found == pytest.approx(expected, abs=1e-7)


@pytest.mark.usefixtures("wide")
def test_wide_paths_with_features_split_on_twice():
    agree(case(rows=3_000, columns=14, num_leaves=120, rounds=5))


def test_one_feature_split_on_again_and_again():
    made = case(rows=2_000, columns=1, num_leaves=60)
    assert measure(read_forest(made.booster).trees).leaf_depth.max() > 4
    agree(made)


@pytest.mark.parametrize("leaf", [400, 130], ids=["all trees", "some trees"])
def test_trees_of_one_leaf(leaf):
    made = case(columns=4, min_data_in_leaf=leaf, rounds=4)
    assert (np.diff(read_forest(made.booster).trees.start) == 0).any() == (leaf == 400)
    agree(made)


def test_random_forests_are_summed_as_in_raw_predictions():
    options = {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1, "num_leaves": 20}
    agree(case(rows=800, rounds=7, **options))


def test_the_best_iteration_counts_as_in_predictions():
    made = case(rounds=10)
    made.booster.best_iteration = 4
    agree(made)
    fewer = tree_shap(made.booster, made.x).values
    made.booster.best_iteration = -1
    assert np.abs(fewer - tree_shap(made.booster, made.x).values).max() > 1e-3


def test_refitted_and_reloaded_boosters():
    made = case(rows=500, num_leaves=20)
    rng = np.random.default_rng(3)
    refitted = made.booster.refit(matrix(rng, 400, 6, 0.1), rng.normal(size=400))
    agree(Case(refitted, made.x))
    agree(Case(lightgbm.Booster(model_str=made.booster.model_to_string()), made.x))


@pytest.mark.parametrize("zeros", [False, True], ids=["zero", "zero as missing"])
@pytest.mark.parametrize("missing", [False, True], ids=["no missing", "missing"])
def test_values_at_the_edges_of_zero_and_of_thresholds(zeros, missing):
    made = case(rows=600, missing=0.1, zero_as_missing=zeros, use_missing=missing, num_leaves=30)
    edges = np.unique(read_forest(made.booster).trees.threshold)
    about = np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)])
    odd = [0.0, -0.0, 1e-35, -1e-35, 1.00001e-35, 9e-36, 2e-35, np.inf, -np.inf, np.nan, 1e300]
    rng = np.random.default_rng(0)
    x = rng.choice(np.concatenate([about, odd, odd, odd]), size=(4_000, 6))
    agree(Case(made.booster, x))
    with np.errstate(over="ignore"):
        agree(Case(made.booster, x.astype(np.float32)))


# Sums, layouts and threads -----------------------------------------------------------------------


@quick
@given(made=cases(), data=st.data())
def test_groups_are_sums_of_their_features(made, data):
    columns = made.x.shape[1]
    groups = np.array(data.draw(st.lists(st.integers(0, 4), min_size=columns, max_size=columns)))
    own, found = tree_shap(made.booster, made.x), tree_shap(made.booster, made.x, groups=groups)
    assert found.values.shape == (made.x.shape[0], groups.max() + 1)
    for code in range(groups.max() + 1):
        expected = own.values[:, groups == code].sum(axis=1)
        assert np.abs(found.values[:, code] - expected).max() <= 1e-10 * made.spread()


def test_some_pairs_among_all_in_any_order_and_twice():
    made = case(num_leaves=20)
    everything = list(combinations(range(6), 2))
    full = tree_shap_interactions(made.booster, made.x, pairs=everything).values
    some = [(4, 1), (0, 5), (1, 4), (2, 0)]
    found = tree_shap_interactions(made.booster, made.x, pairs=some).values
    expected = full[:, [everything.index(tuple(sorted(pair))) for pair in some]]
    assert found == pytest.approx(expected, abs=1e-12)
    assert tree_shap_interactions(made.booster, made.x, pairs=[]).values.shape == (40, 0)


def test_rows_blocks_layouts_and_threads_change_nothing():
    made = case(rows=900, columns=12, num_leaves=40, rounds=10)
    x = np.resize(made.x, (2 * BLOCK + 1, 12))
    once = tree_shap(made.booster, x, threads=1)
    for other in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], np.c_[x, x][:, :12]):
        assert (tree_shap(made.booster, other, threads=3).values == once.values).all()
    assert tree_shap(made.booster, x[:5]).values == pytest.approx(once.values[:5], abs=1e-12)
    assert tree_shap(made.booster, x[:0]).values.shape == (0, 12)
    assert (made.x == case(rows=900, columns=12, num_leaves=40, rounds=10).x)[
        ~np.isnan(made.x)
    ].all()


def test_many_batches_of_tables_are_one(monkeypatch):
    made = case(rows=900, columns=12, num_leaves=40, rounds=10)
    x = np.resize(made.x, (3_000, 12))
    once = tree_shap(made.booster, x)
    monkeypatch.setattr(tree_units, "TABLE_SIZE", 3_000)
    assert tree_shap(made.booster, x).values == pytest.approx(once.values, abs=1e-12)


# Refusals ----------------------------------------------------------------------------------------


def test_linear_leaves_are_refused():
    made = case(missing=0.0, linear_tree=True)
    with pytest.raises(InputError, match="linear_tree=False"):
        tree_shap(made.booster, made.x)


def test_several_classes_are_refused():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    params = {"objective": "multiclass", "num_class": 3, "verbosity": -1, "num_threads": 1}
    booster = lightgbm.train(params, lightgbm.Dataset(x, rng.integers(0, 3, 200)), 2)
    with pytest.raises(InputError, match="several outputs"):
        tree_shap(booster, x)


def test_what_does_not_fit_the_booster_is_refused():
    made = case()
    with pytest.raises(ValueError, match=r"shape \(40, 5\).*6 columns"):
        tree_shap(made.booster, made.x[:, :5])
    for groups in ([0] * 5, [-1] + [0] * 5, [0.5] * 6):
        with pytest.raises(ValueError, match="groups must be 6 integers"):
            tree_shap(made.booster, made.x, groups=groups)
    for pair in ((0, 0), (0, 6), (-1, 2)):
        with pytest.raises(ValueError, match="two different columns from 0 to 5"):
            tree_shap_interactions(made.booster, made.x, pairs=[pair])
