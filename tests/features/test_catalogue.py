from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.catalogue import (
    CHANNEL_OF,
    FEATURES,
    NAMES,
    coverage,
    origin_matrix,
    positions,
    without_technology,
)
from features.choices import SETTINGS, Setting
from features.feature import CHANNELS, OWN, TECHNOLOGY, Feature
from features.information import AsOfRule, DataBundle, InformationSet
from features.reading.schemas import EXPOSURES

BY_HORIZON = {f.name for f in FEATURES if f.build is None}
dates = st.dates(date(2001, 3, 1), date(2011, 12, 31))
AS_OF = date(2010, 7, 1)


def at(data: DataBundle, as_of: date, setting: Setting = "totals_known") -> InformationSet:
    return InformationSet(data, as_of=as_of, setting=setting)


def leaking(
    features: Sequence[Feature], now: InformationSet, other: InformationSet
) -> tuple[str, ...]:
    """Names of the features that differ in any bit between two information sets."""
    return tuple(
        feature.name
        for feature in features
        if feature.build is not None
        and np.asarray(feature.build(now)).tobytes() != np.asarray(feature.build(other)).tobytes()
    )


# Declarations ----------------------------------------------------------------------------------


def test_names_are_unique():
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("feature", FEATURES, ids=NAMES)
def test_a_feature_says_what_it_is(feature):
    assert feature.channel in CHANNELS
    assert feature.unit.strip()
    assert len(feature.source) > 5
    assert feature.sign in ("+", "-", "two-sided", "none")
    assert feature.name == feature.name.lower()
    assert feature.name.isidentifier()
    assert len(set(feature.series)) == len(feature.series)


def test_only_the_horizon_and_totals_of_the_target_year_are_left_to_the_design():
    channels = {CHANNEL_OF[name] for name in BY_HORIZON}
    assert {"horizon"} <= channels <= {"horizon", "published_totals"}


def test_every_channel_has_a_feature_but_that_of_users():
    assert {feature.channel for feature in FEATURES} == set(CHANNELS) - {OWN}


def test_the_ablation_leaves_out_the_technology_channels_and_nothing_else():
    rest = without_technology()
    assert {CHANNEL_OF[name] for name in rest} == set(CHANNELS) - TECHNOLOGY - {OWN}
    assert len(rest) == sum(feature.channel not in TECHNOLOGY for feature in FEATURES)
    assert list(rest) == [name for name in NAMES if name in rest]


def test_positions_are_columns_of_the_matrix():
    assert [NAMES[column] for column in positions(NAMES[::-3])] == list(NAMES[::-3])
    with pytest.raises(KeyError):
        positions(["no_such_feature"])


# The matrix ------------------------------------------------------------------------------------


def test_the_matrix_has_a_row_a_flow_and_a_column_a_feature(bundle):
    info = at(bundle, date(2010, 7, 1))
    matrix = origin_matrix(info)
    assert matrix.shape == (56, len(FEATURES))
    assert matrix.dtype == np.float32
    assert matrix.flags["C_CONTIGUOUS"]
    for column, feature in enumerate(FEATURES):
        if feature.build is None:
            assert np.isnan(matrix[:, column]).all()
        else:
            np.testing.assert_array_equal(matrix[:, column], np.float32(feature.build(info)))


def test_given_every_series_every_feature_is_known_for_some_flow_and_varies(diagonal_bundle):
    matrix = origin_matrix(at(diagonal_bundle, date(2010, 7, 1)))
    for name, column in zip(NAMES, matrix.T, strict=True):
        if name not in BY_HORIZON:
            assert np.unique(column[~np.isnan(column)]).size > 1, name


def test_features_of_sectors_vary_where_there_are_sectors(sector_bundle, bundle):
    as_of = date(2010, 7, 1)
    both = positions(["sector_share_of_pair", "comparative_advantage"])
    assert (np.nan_to_num(origin_matrix(at(bundle, as_of))[:, both]) == 0).all()
    with_sectors = origin_matrix(at(sector_bundle, as_of))[:, both]
    assert (np.nanstd(with_sectors, axis=0) > 0).all()


def test_an_infinite_feature_stops_the_run(bundle, monkeypatch):
    size = bundle.panel.flows.size
    broken = replace(FEATURES[5], build=lambda _: np.full(size, np.inf))
    planted = (*FEATURES[:5], broken, *FEATURES[6:])
    monkeypatch.setattr("features.catalogue.FEATURES", planted)
    with pytest.raises(FloatingPointError, match=f"{broken.name} is infinite at origin 2008"):
        origin_matrix(at(bundle, date(2010, 7, 1)))


def test_a_matrix_built_on_every_origin_never_holds_an_infinity(bundle):
    for origin in bundle.panel.years:
        origin_matrix(at(bundle, AsOfRule().date(int(origin))))


# Nothing from the future -----------------------------------------------------------------------


@hypothesis_settings(max_examples=40, deadline=None)
@given(dates, st.sampled_from(SETTINGS), st.integers(0, 2**32 - 1))
def test_no_feature_moves_with_anything_published_later(
    bundle, perturb_future, as_of, setting, seed
):
    other = perturb_future(bundle, as_of, setting, np.random.default_rng(seed))
    now, then = at(bundle, as_of, setting), at(other, as_of, setting)
    if origin_matrix(now).tobytes() != origin_matrix(then).tobytes():
        pytest.fail(f"published later than {as_of}: {leaking(FEATURES, now, then)}")


@pytest.mark.parametrize("domestic", ["apart", "include"])
@hypothesis_settings(max_examples=15, deadline=None)
@given(dates, st.sampled_from(SETTINGS), st.integers(0, 2**32 - 1))
def test_no_feature_moves_with_anything_published_later_with_sectors(
    sector_bundle, diagonal_bundle, perturb_future, domestic, as_of, setting, seed
):
    data = sector_bundle if domestic == "apart" else diagonal_bundle
    other = perturb_future(data, as_of, setting, np.random.default_rng(seed))
    now, then = at(data, as_of, setting), at(other, as_of, setting)
    if origin_matrix(now).tobytes() != origin_matrix(then).tobytes():
        pytest.fail(f"published later than {as_of}: {leaking(FEATURES, now, then)}")


@pytest.mark.parametrize("origin", [1999, 2001, 2004, 2007])
def test_no_feature_moves_when_later_years_are_not_there_at_all(bundle, origin):
    panel, as_of = bundle.panel, AsOfRule().date(origin)
    keep = panel.row(origin) + 1
    cut = replace(panel, years=panel.years[:keep], values=panel.values[:keep])
    short = DataBundle(cut, indicators=bundle.indicators, pairs=bundle.pairs)
    now, then = at(bundle, as_of), at(short, as_of)
    assert origin_matrix(now).tobytes() == origin_matrix(then).tobytes()


def last_plane(info: InformationSet) -> np.ndarray:
    return info._data.panel.values[-1]


def last_gdp(info: InformationSet) -> np.ndarray:
    return info._data.indicators.values["MACRO.GDP"][-1][info.flows.exporter]


def last_agreement(info: InformationSet) -> np.ndarray:
    years = info._data.pairs.yearly["rta"].values
    return years[-1][info.flows.exporter, info.flows.importer]


def hidden_total(info: InformationSet) -> np.ndarray:
    series = info._data.indicators
    year = info.origin + 1 - int(series.years[0])
    return series.values["TX.VAL.MRCH.XD.WD"][year][info.flows.exporter]


PLANTED = {"trade": last_plane, "indicator": last_gdp, "pairs": last_agreement}


@pytest.mark.parametrize("leak", PLANTED)
def test_a_planted_leak_is_detected(bundle, perturb_future, leak):
    as_of = date(2008, 7, 1)
    planted = Feature("leak", "persistence", "USD", (), "none", "planted", PLANTED[leak])
    other = perturb_future(bundle, as_of, "totals_known", np.random.default_rng(0))
    now, then = at(bundle, as_of), at(other, as_of)
    assert leaking((*FEATURES, planted), now, then) == ("leak",)


@pytest.mark.parametrize(("setting", "found"), [("totals_known", ()), ("ex_ante", ("leak",))])
def test_totals_after_the_origin_are_a_leak_ex_ante_only(bundle, perturb_future, setting, found):
    as_of = date(2008, 7, 1)
    planted = Feature("leak", "published_totals", "index", (), "none", "planted", hidden_total)
    other = perturb_future(bundle, as_of, setting, np.random.default_rng(0))
    now, then = at(bundle, as_of, setting), at(other, as_of, setting)
    assert leaking((*FEATURES, planted), now, then) == found


def test_a_planted_leak_fails_the_check_of_the_whole_matrix(bundle, perturb_future, monkeypatch):
    as_of = date(2008, 7, 1)
    planted = replace(FEATURES[0], build=last_plane)
    monkeypatch.setattr("features.catalogue.FEATURES", (planted, *FEATURES[1:]))
    other = perturb_future(bundle, as_of, "totals_known", np.random.default_rng(0))
    assert origin_matrix(at(bundle, as_of)).tobytes() != origin_matrix(at(other, as_of)).tobytes()


def test_perturbing_the_future_changes_the_whole_future_and_none_of_the_past(
    sector_bundle, perturb_future, published_on
):
    as_of = date(2008, 7, 1)
    other = perturb_future(sector_bundle, as_of, "ex_ante", np.random.default_rng(0))

    def same(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Whether every cell of a year is unchanged, by year."""
        alike = (left == right) | (np.isnan(left) & np.isnan(right))
        return alike.reshape(len(left), -1).all(axis=1)

    def check(before: np.ndarray, after: np.ndarray, first: int, lag: int, last: int = 9999):
        out = [
            published_on(first + row, lag_months=lag) <= as_of and first + row <= last
            for row in range(len(before))
        ]
        np.testing.assert_array_equal(same(before, after), out)

    panel = sector_bundle.panel
    check(panel.values, other.panel.values, panel.first_year, 13)
    check(panel.domestic, other.panel.domestic, panel.first_year, 13)
    indicators = sector_bundle.indicators
    for name, values in indicators.values.items():
        spec = indicators.specs[name]
        last = 2006 if spec.channel == "published_totals" else 9999
        lag = spec.publication_lag_months
        check(values, other.indicators.values[name], int(indicators.years[0]), lag, last)
    for name, pairs in sector_bundle.pairs.yearly.items():
        check(pairs.values, other.pairs.yearly[name].values, pairs.first_year, 0)


# Trade only, and what the data cover -----------------------------------------------------------


def test_trade_alone_is_enough_and_coverage_names_the_absent_series(make_bundle):
    info = at(make_bundle(indicators=False, pairs=False), date(2010, 7, 1))
    matrix = origin_matrix(info)
    table = coverage(info, matrix).set_index("feature")
    for name, column in zip(NAMES, matrix.T, strict=True):
        feature = FEATURES[NAMES.index(name)]
        assert table.loc[name, "absent_series"] == " ".join(feature.series)
        if feature.build is not None:
            known = bool(np.isfinite(column).any())
            assert known == (feature.series == ()), name
    assert table["countries"].isna().all()
    assert table["carried"].isna().all()


def test_coverage_counts_flows_countries_and_carried_values(sector_bundle):
    info = at(sector_bundle, date(2010, 7, 1))
    matrix = origin_matrix(info)
    table = coverage(info, matrix)
    assert list(table["feature"]) == list(NAMES)
    assert (table["absent_series"] == "").all()
    expected = [np.isfinite(column).mean() for column in matrix.T]
    np.testing.assert_allclose(table["share_of_flows"], expected)
    gdp = table.set_index("feature").loc["gdp_exporter"]
    current = np.isfinite(info.at("MACRO.GDP", info.last_year("MACRO.GDP"))).sum()
    there = np.isfinite(info.latest("MACRO.GDP")).sum()
    assert (gdp["countries"], gdp["carried"]) == (there, there - current)
    assert table["carried"].max() > 0


def test_without_a_table_of_sectors_exposure_is_unknown_and_named_as_absent(sector_bundle):
    info = at(DataBundle(sector_bundle.panel, indicators=sector_bundle.indicators), AS_OF)
    table = coverage(info, origin_matrix(info)).set_index("feature")
    exposed = [
        f for f in FEATURES if set(f.series) & {*EXPOSURES, "digitally_deliverable", "services"}
    ]
    assert len(exposed) == 10
    for feature in exposed:
        assert table.loc[feature.name, "share_of_flows"] == 0
        assert table.loc[feature.name, "absent_series"] == feature.series[0]


def test_coverage_of_several_series_is_that_of_the_sparsest(bundle):
    values = bundle.indicators.values["MACRO.POP"].copy()
    values[:, 2:] = np.nan
    indicators = replace(
        bundle.indicators, values={**bundle.indicators.values, "MACRO.POP": values}
    )
    info = at(DataBundle(bundle.panel, indicators=indicators), date(2010, 7, 1))
    table = coverage(info, origin_matrix(info)).set_index("feature")
    assert table.loc["income_exporter", "countries"] <= 2
    assert table.loc["gdp_exporter", "countries"] > 2
    assert table.loc["distance", "absent_series"] == "dist"
    assert pd.isna(table.loc["distance", "countries"])
