"""Features of the user's own technology indicators: which series, which columns, which values."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.catalogue import (
    FEATURES,
    NAMES,
    channel_of,
    coverage,
    origin_matrix,
    own_of,
    positions,
    unused_of,
    without_technology,
)
from features.channels.own_features import GROWTH_YEARS, own_features
from features.choices import SETTINGS
from features.data.indicators import IndicatorSpec
from features.feature import TECHNOLOGY
from features.information import DataBundle, InformationSet

AS_OF = date(2010, 7, 1)
SPECS = [
    IndicatorSpec("ROBOTS/10k", "automation", "Robots in use", "per 10,000", 18),
    IndicatorSpec("GPU", "ai_adoption", "Chips", "", 0),
    IndicatorSpec("Wein", "economic_mass", "Wine", "hl", 12),
]


def with_series(bundle: DataBundle, specs: list[IndicatorSpec]) -> DataBundle:
    """The bundle with further series, some cells and one zero of which are missing."""
    old, rng = bundle.indicators, np.random.default_rng(5)
    shape = next(iter(old.values.values())).shape
    new = {}
    for spec in specs:
        values = np.where(rng.random(shape) < 0.1, np.nan, rng.normal(2, 3, shape))
        values[-8, 0] = 0.0
        new[spec.name] = values
    table = replace(
        old,
        specs={**old.specs, **{spec.name: spec for spec in specs}},
        values={**old.values, **new},
    )
    lag = bundle.trade_lag_months
    return DataBundle(bundle.panel, indicators=table, pairs=bundle.pairs, trade_lag_months=lag)


@pytest.fixture(scope="module")
def owned(bundle: DataBundle) -> DataBundle:
    return with_series(bundle, SPECS)


def own(data: DataBundle):
    return own_features(own_of(data.indicators.specs))


def test_series_of_technology_channels_become_features_and_others_are_named(bundle, owned):
    specs = owned.indicators.specs
    assert [spec.name for spec in own_of(specs)] == ["GPU", "ROBOTS/10k"]
    assert [spec.name for spec in unused_of(specs)] == ["Wein"]
    assert own(bundle) == ()
    backwards = dict(reversed(list(specs.items())))
    assert own_of(backwards) == own_of(specs)


def test_what_stands_in_for_a_series_is_no_news_beside_it(bundle):
    spec = IndicatorSpec("AI.ARTICLES", "ai_adoption", "l", "u", 12)
    both = with_series(bundle, [spec])
    assert own(both) == ()
    assert unused_of(both.indicators.specs) == ()


words = st.text(min_size=1, max_size=50)


@given(st.lists(words, min_size=1, max_size=3, unique=True), st.sampled_from(sorted(TECHNOLOGY)))
@hypothesis_settings(max_examples=30, deadline=None)
def test_any_name_of_a_series_makes_names_of_its_own_that_tell_the_channel(series, channel):
    specs = {name: IndicatorSpec(name, channel, "l", "u", 0) for name in series}
    names = [feature.name for feature in own_features(own_of(specs))]
    assert len(set(names)) == len(names)
    assert not set(names) & set(NAMES)
    for name in names:
        assert name.isidentifier()
        assert name.isascii()
        assert channel_of(name) == channel
    assert without_technology((*NAMES, *names)) == without_technology()


def test_columns_stand_after_the_built_in_ones_which_stay_what_they_were(bundle, owned):
    plain, info = (InformationSet(d, as_of=AS_OF) for d in (bundle, owned))
    features = own(owned)
    matrix = origin_matrix(info, own=features)
    assert matrix[:, : len(NAMES)].tobytes() == origin_matrix(plain).tobytes()
    assert matrix.shape[1] == len(NAMES) + len(features)
    names = [feature.name for feature in features]
    assert list(positions(names, own=names)) == list(range(len(NAMES), matrix.shape[1]))
    assert list(positions(["years_ahead"], own=names)) == list(positions(["years_ahead"]))


def test_level_growth_and_gap_are_those_of_the_latest_values(owned):
    info = InformationSet(owned, as_of=AS_OF)
    columns = dict(
        zip((f.name for f in own(owned)), (f.build(info) for f in own(owned)), strict=True)
    )
    now, then = info.latest("GPU"), info.latest("GPU", back=GROWTH_YEARS)
    exporter, importer = info.flows.exporter, info.flows.importer
    stem = "own_ai_adoption_gpu"
    np.testing.assert_array_equal(columns[f"{stem}_exporter"], now[exporter])
    np.testing.assert_array_equal(columns[f"{stem}_importer"], now[importer])
    np.testing.assert_array_equal(columns[f"{stem}_gap"], now[exporter] - now[importer])
    growth = (2 * (now - then) / (np.abs(now) + np.abs(then)))[exporter]
    np.testing.assert_allclose(columns[f"{stem}_growth_5_exporter"], growth)
    assert np.isfinite(growth).any()


def test_a_series_of_zeros_does_not_grow_and_a_huge_one_stays_finite(bundle):
    data = with_series(bundle, SPECS[:1])
    values = data.indicators.values["ROBOTS/10k"]
    values[:] = 0.0
    values[:, 1] = 3e38
    values[:, 2] = -3e38
    matrix = origin_matrix(InformationSet(data, as_of=AS_OF), own=own(data))[:, len(NAMES) :]
    assert np.isfinite(matrix).all()
    assert (matrix[:, 2] == 0).all()


@hypothesis_settings(max_examples=8, deadline=None)
@given(
    st.dates(date(2003, 3, 1), date(2011, 12, 31)),
    st.sampled_from(SETTINGS),
    st.integers(0, 2**32 - 1),
)
def test_no_own_feature_moves_with_anything_published_later(
    owned, perturb_future, as_of, setting, seed
):
    other = perturb_future(owned, as_of, setting, np.random.default_rng(seed))
    now, then = (
        origin_matrix(InformationSet(d, as_of=as_of, setting=setting), own=own(owned))
        for d in (owned, other)
    )
    assert now.tobytes() == then.tobytes()


def test_coverage_lists_them_by_channel_with_the_user_s_label_and_unit(owned):
    info = InformationSet(owned, as_of=AS_OF)
    features = own(owned)
    table = coverage(info, origin_matrix(info, own=features), own=features)
    assert len(table) == len(FEATURES) + len(features)
    rows = table[table["feature"].str.startswith("own_automation_robots_10k")]
    assert set(rows["channel"]) == {"automation"}
    assert set(rows["series"]) == {"ROBOTS/10k"}
    assert rows["source"].str.contains("Robots in use").all()
    assert "per 10,000" in set(rows["unit"])
    assert (rows["share_of_flows"] > 0.5).all()
