from __future__ import annotations

import numpy as np
import pytest

from features.catalogue import NAMES
from features.errors import InputError
from forecasting import RunConfig
from models.booster_params import SET_HERE, by_name, parameter_names
from models.shift import DEFAULT_PARAMS, ShiftModel

OURS = [alias for alias, name in parameter_names().items() if name in SET_HERE]


def test_what_is_set_here_are_parameters_and_defaults_have_their_own_names():
    assert set(SET_HERE) <= set(parameter_names().values())
    assert all(parameter_names()[name] == name for name in DEFAULT_PARAMS)
    assert {"app", "random_state", "n_jobs", "verbose", "n_estimators"} <= set(OURS)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("num_leafs", "num_leaves"), ("learning_rat", "learning_rate"), ("reg_lamda", "reg_lambda")],
)
def test_an_unknown_parameter_is_refused_with_the_nearest_name(wrong, meant):
    with pytest.raises(InputError, match="knows no parameter") as caught:
        RunConfig(params={wrong: 31})
    assert repr(meant) in caught.value.remedy


@pytest.mark.parametrize("name", OURS)
def test_what_the_run_sets_itself_is_refused_under_every_name(name):
    with pytest.raises(InputError, match="cannot hold"):
        RunConfig(params={name: 1})


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        by_name({"lambda_l2": 1.0, "reg_lambda": 2.0})


@pytest.mark.parametrize("given", ["lambda_l2", "reg_lambda", "l2_regularization"])
def test_an_alias_takes_the_place_of_a_default(given):
    model = ShiftModel(NAMES, params={given: 0.5})
    names = [name for name in model._params() if parameter_names()[name] == "lambda_l2"]
    assert [model._params()[name] for name in names] == [0.5]


@pytest.mark.parametrize("given", [np.int64(3), ("a",), None, ""])
def test_names_that_are_no_text_are_refused_too(given):
    with pytest.raises(InputError, match="knows no parameter"):
        RunConfig(params={given: 1})
