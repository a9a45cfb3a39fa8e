"""A learner as text and back: the same class and parameters, or one clear line."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from features.errors import InputError
from models.learner_text import check_text, learner_of, text_of

LEARNERS = [
    Ridge(),
    RandomForestRegressor(n_estimators=3, max_depth=None, max_features=0.5, random_state=4),
    HistGradientBoostingRegressor(loss="absolute_error", max_iter=7),
    make_pipeline(SimpleImputer(missing_values=np.nan), StandardScaler(), Ridge(alpha=-1e-3)),
    TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
    make_pipeline(FunctionTransformer(np.nan_to_num, kw_args={"nan": 1.5}), Ridge()),
]


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda one: type(one).__name__)
def test_text_makes_an_equal_learner(learner):
    text = text_of(learner)
    check_text(text)
    made = learner_of(text)
    assert type(made) is type(learner)
    assert repr(made) == repr(learner)
    assert text_of(made) == text


def test_numbers_of_numpy_become_plain_ones():
    assert text_of(Ridge(alpha=np.float64(0.1))) == "sklearn.linear_model:Ridge(alpha=0.1)"


@pytest.mark.parametrize(
    "text",
    [
        "sklearn.linear_model:Ridge",
        "sklearn.linear_model.Ridge",
        "sklearn.linear_model:Ridge()",
        "sklearn.linear_model:Ridge(alpha=1.0)",
        "sklearn.linear_model:Ridge(1.0)",
    ],
)
def test_a_class_is_named_in_several_ways(text):
    assert repr(learner_of(text)) == "Ridge()"


def test_a_function_and_a_file_name_learners_too(tmp_path):
    made = learner_of(
        "sklearn.pipeline:make_pipeline(sklearn.preprocessing.StandardScaler(), "
        "sklearn.linear_model.Ridge(alpha=2))"
    )
    assert repr(made) == repr(make_pipeline(StandardScaler(), Ridge(alpha=2)))
    file = tmp_path / "mine.py"
    file.write_text(
        "from sklearn.linear_model import Ridge\nlearner = Ridge(alpha=3)\n"
        "def make(alpha):\n    return Ridge(alpha=alpha)\n",
        encoding="utf-8",
    )
    assert repr(learner_of(f"{file}:learner")) == "Ridge(alpha=3)"
    assert repr(learner_of(f"{file}:make(alpha=4)")) == "Ridge(alpha=4)"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ridge", "cannot be 'ridge'"),
        ("", "cannot be ''"),
        ("sklearn.linear_model:Ridge(", "cannot be"),
        ("sklearn.linear_model:Ridge)(", "cannot be"),
        ("sklearn.linear_model:Ridge()()", "cannot be"),
        ("sklearn.linear_model:Rigde", "holds no 'Rigde'"),
        ("nosuchpackage:Ridge", "no module 'nosuchpackage'"),
        ("sklearn.linear_model:Ridge(aplha=1)", "refuses its parameters"),
        ("sklearn.linear_model:Ridge(alpha=undefined)", "neither a value nor a dotted name"),
        ("sklearn.linear_model:Ridge(alpha=[x for x in y])", "neither a value nor a dotted name"),
        ("collections:OrderedDict", "has no `fit`"),
        ("sklearn.preprocessing:StandardScaler", "has no `predict`"),
        ("math:pi", "has no `fit`"),
    ],
)
def test_what_names_no_learner_is_refused_in_one_line(text, says):
    with pytest.raises(InputError) as caught:
        learner_of(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("learner", "says"),
    [
        (Ridge, "cannot be a"),
        (3, "cannot be a int"),
        (Ridge(alpha=np.ones(3)), "parameter Ridge.alpha is a ndarray"),
        (RandomForestRegressor(random_state=np.random.RandomState(0)), "random_state"),
        (make_pipeline(FunctionTransformer(lambda x: x), Ridge()), "imported by name"),
    ],
)
def test_an_object_that_text_cannot_hold_is_refused(learner, says):
    with pytest.raises(InputError, match=says):
        text_of(learner)


def test_a_class_of_a_function_is_refused():
    class Local(Ridge):
        pass

    with pytest.raises(InputError, match="top of a module"):
        text_of(Local())
