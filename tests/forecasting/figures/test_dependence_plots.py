"""Dependence plots: every point is a row, the line joins medians, the sign is the table's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.catalogue import CHANNEL_OF
from features.feature import TECHNOLOGY
from forecasting import RunResult, read_run
from forecasting.explanation.gathered_rows import GatheredRows
from forecasting.figures.dependence_plots import BINS, dependence, middles, technology_features
from forecasting.figures.shap_plots import strongest_feature
from forecasting.figures.style import NoDataError
from forecasting.words.features import feature_words


@pytest.fixture(scope="module")
def result(finished_run: Path) -> RunResult:
    return read_run(finished_run)


def test_medians_of_few_values_are_taken_at_each_value() -> None:
    x = np.array([1.0, 2.0, 1.0, 2.0, 1.0, 5.0])
    y = np.array([0.0, 7.0, 4.0, 9.0, 1.0, -3.0])
    found = middles(x, y)
    assert found["value"].tolist() == [1, 2, 5]
    assert found["contribution"].tolist() == [1, 8, -3]


def test_medians_of_many_values_are_of_groups_alike_in_size() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=1_200)
    found = middles(x, 2 * x)
    assert len(found) == BINS
    assert np.allclose(found["contribution"], 2 * found["value"])
    edges = np.quantile(x, np.arange(1, BINS) / BINS)
    assert (np.searchsorted(edges, found["value"]) == np.arange(BINS)).all()


def test_points_are_the_rows_whose_value_is_known(result: RunResult) -> None:
    feature = strongest_feature(result.explanation)
    column = result.explanation.feature_names.index(feature)
    x, y = result.explanation.data.column(column), result.explanation.values[:, column]
    axes = dependence(result, [feature]).axes[0]
    drawn = np.asarray(axes.collections[0].get_offsets())
    known = np.isfinite(x)
    assert np.allclose(drawn, np.column_stack([x[known], y[known]]))
    assert axes.collections[0].get_rasterized()
    about = result.drivers.set_index("feature").loc[feature]
    said = axes.get_xlabel().replace("\n", " ")
    assert said.startswith(f"{feature_words(feature)}, {about['unit']}")
    assert ("not known for" in axes.get_xlabel()) == (not known.all())
    found = "\N{MINUS SIGN}" if about["found_sign"] == "-" else about["found_sign"]
    assert axes.get_title(loc="left").endswith(f"found: {found}")


def test_rows_without_a_value_are_a_bar_at_the_left(result: RunResult) -> None:
    feature = strongest_feature(result.explanation)
    column = result.explanation.feature_names.index(feature)
    data = result.explanation.data[:]
    data[:10, column] = np.nan
    rows = GatheredRows(data, np.arange(len(data)), result.explanation.data.ahead)
    changed = replace(result, explanation=replace(result.explanation, data=rows))
    axes = dependence(changed, [feature]).axes[0]
    unknown = np.isnan(data[:, column])
    bar = next(line for line in axes.lines if line.get_linewidth() == 4)
    y = result.explanation.values[unknown, column]
    assert np.allclose(bar.get_ydata(), np.quantile(y, (0.25, 0.75)))
    assert (np.asarray(bar.get_xdata()) < np.nanmin(data[:, column])).all()
    assert f"not known for {unknown.sum()} rows" in axes.get_xlabel()


def test_the_default_is_the_strongest_and_those_of_technology(result: RunResult) -> None:
    features = technology_features(result)
    assert features[0] == strongest_feature(result.explanation)
    assert {CHANNEL_OF[name] for name in features[1:]} <= TECHNOLOGY
    figure = dependence(result, features)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    for axes, feature in zip(shown, features, strict=True):
        assert " ".join(axes.get_xlabel().split()).startswith(feature_words(feature))


def test_a_feature_known_nowhere_is_refused(result: RunResult) -> None:
    data = result.explanation.data
    unknown = replace(data, matrix=np.full_like(data.matrix, np.nan))
    empty = replace(result.explanation, data=unknown)
    with pytest.raises(NoDataError, match="not known for any"):
        dependence(replace(result, explanation=empty), ["log_value"])
