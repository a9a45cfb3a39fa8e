"""Features that users write: columns of their own, or one clear line."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from features.catalogue import channel_of, origin_matrix
from features.errors import InputError
from features.extra_features import GROUP, extra_features
from features.feature import OWN, Feature
from features.information import InformationSet

HEAD = """
import numpy as np
from forecasting import Feature

def grown(info):
    now = np.log1p(info.history[-1].astype(float))
    return now - now.mean()

"""
ONE = 'Feature("grown", "trade_costs", "log", (), "+", "ours", grown)'


@pytest.fixture
def module(tmp_path):
    def write(features=ONE, head=HEAD, name="mine.py"):
        file = tmp_path / name
        file.write_text(f"{head}FEATURES = ({features},)\n", encoding="utf-8")
        return str(file)

    return write


def test_a_column_is_named_by_channel_and_name(module):
    own = 'Feature("plain", "own", "log", (), "none", "ours", grown)'
    found = extra_features([module(f"{ONE}, {own}")])
    assert [feature.name for feature in found] == ["own_trade_costs_grown", "own_plain"]
    assert [channel_of(feature.name) for feature in found] == ["trade_costs", OWN]


def test_the_columns_stand_after_the_built_in_ones(module, bundle):
    info = InformationSet(bundle, as_of=date(2008, 7, 1))
    matrix = origin_matrix(info, own=extra_features([module()]))
    np.testing.assert_array_equal(matrix[:, :-1], origin_matrix(info))
    traded = np.log1p(info.history[-1].astype(np.float64))
    np.testing.assert_allclose(matrix[:, -1], traded - traded.mean(), rtol=1e-5)


def test_installed_packages_declare_features_by_entry_point(module, monkeypatch, tmp_path):
    module(name="installed_features.py")
    package = tmp_path / "shop-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(f"[{GROUP}]\nshop = installed_features\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [feature.name for feature in extra_features()] == ["own_trade_costs_grown"]


@pytest.mark.parametrize(
    ("features", "says"),
    [
        (f"{ONE}, {ONE}", "clashes"),
        (ONE.replace('"grown"', '"log_value"'), "clashes"),
        (ONE.replace("trade_costs", "climate"), "there is no channel 'climate'"),
        (ONE.replace('"grown"', '"Grown up"'), "cannot have that name"),
        (ONE.replace('"grown", "trade_costs"', '"trade_costs_x", "own"'), "another channel"),
        (ONE.replace('"+"', '"up"'), "its sign cannot be 'up'"),
        (ONE.replace("()", '"MACRO.GDP"'), "series are not text"),
        (ONE.replace(", grown)", ", None)"), "has no builder"),
        ("3", "hold a int"),
    ],
)
def test_what_is_no_whole_feature_is_refused(features, says, module):
    with pytest.raises(InputError, match=says):
        extra_features([module(features)])


def test_a_module_without_features_is_refused(tmp_path):
    file = tmp_path / "none.py"
    file.write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(InputError, match="holds no FEATURES"):
        extra_features([str(file)])


def test_a_module_that_does_not_import_is_refused_at_its_line(module):
    with pytest.raises(InputError) as caught:
        extra_features([module(head="import nosuchpackage\n")])
    assert caught.value.row == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return info.nothing", "fails"),
        ("return np.zeros(3)", "shape"),
        ("return np.zeros((info.flows.size, 1))", "shape"),
        ("return np.full(info.flows.size, np.inf)", "infinite"),
        ("return ['a'] * info.flows.size", "fails"),
    ],
)
def test_a_builder_that_gives_anything_else_is_named(body, says, module, bundle):
    head = f"import numpy as np\nfrom forecasting import Feature\ndef grown(info):\n    {body}\n"
    (feature,) = extra_features([module(head=head)])
    assert feature.build is not None
    with pytest.raises(InputError, match=says) as caught:
        feature.build(InformationSet(bundle, as_of=date(2008, 7, 1)))
    assert "'grown'" in str(caught.value)


def test_a_feature_is_frozen(module):
    (feature,) = extra_features([module()])
    assert isinstance(replace(feature, unit="x"), Feature)
