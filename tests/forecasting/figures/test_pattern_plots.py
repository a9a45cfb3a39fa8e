"""Figures of measures: what is drawn are the run's numbers, and every text can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color, to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from features.measures.catalogue import MEASURES
from forecasting import RunResult, read_run
from forecasting.figures.pattern_plots import (
    MOST_UNITS,
    WORST_SKILL,
    first_measure,
    measure_paths,
    measure_skill,
)
from forecasting.figures.style import NoDataError

KEYS = ["country", "partner", "sector"]


@pytest.fixture(scope="module")
def result(measured_run: Path) -> RunResult:
    return read_run(measured_run)


def table(measured_run: Path, name: str, measure: str) -> pd.DataFrame:
    frame = pd.read_parquet(measured_run / f"measures_{name}.parquet")
    frame = frame.astype(dict.fromkeys(KEYS, str))
    return frame[frame["measure"] == measure]


def of_unit(frame: pd.DataFrame, unit: list[str]) -> pd.DataFrame:
    return frame[(frame[KEYS] == unit).all(axis=1)]


def title(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def texts_of(figure: Figure) -> Iterator[Text]:
    """Everything that is written, but tick labels beyond the ends of an axis."""
    yield from figure.texts
    for box in figure.legends:
        yield from box.get_texts()
    for axes in figure.axes:
        if not axes.get_visible():
            continue
        yield from axes.texts
        for text in axes.findobj(Text, include_self=False):
            if text in (axes.xaxis.label, axes.yaxis.label) or text.get_text() == axes.get_title(
                "left"
            ):
                yield text
        for labels, (low, high), at in (
            (axes.get_xticklabels(), axes.get_xlim(), 0),
            (axes.get_yticklabels(), axes.get_ylim(), 1),
        ):
            yield from (label for label in labels if low <= label.get_position()[at] <= high)


def texts_apart(figure: Figure) -> None:
    """No text lies on another one or leaves the figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = {
        text: text.get_window_extent(canvas.get_renderer())
        for text in texts_of(figure)
        if text.get_text().strip()
    }
    assert len(boxes) > 5
    for text, box in boxes.items():
        inside = figure.bbox.padded(2)
        assert inside.containsx(box.x0), text
        assert inside.containsx(box.x1), text
    for (one, a), (other, b) in combinations(boxes.items(), 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert wide < 1 or high < 1, (one, other)


# Paths --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "scale", "unit"),
    [("domestic_sourcing", 100, "percent"), ("effective_suppliers", 1, "partners"),
     ("link_births", 100, "percent"), ("market_share", 100, "percent")],
)  # fmt: skip
def test_paths_are_those_of_the_units_that_change_most(
    result: RunResult, measured_run: Path, name: str, scale: float, unit: str
) -> None:
    figure = measure_paths(result, name)
    history, ahead = (table(measured_run, kind, name) for kind in ("history", "forecasts"))
    last = ahead[ahead["target_year"] == 2012]
    order = (last["forecast"] - last["value_origin"]).abs().sort_values(ascending=False)
    keys = last.loc[order.index[:MOST_UNITS], KEYS].to_numpy().tolist()
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == len(keys) == MOST_UNITS
    for axes, key in zip(panels, keys, strict=True):
        past, future = of_unit(history, key), of_unit(ahead, key)
        lines = {str(line.get_label()): line for line in axes.get_lines()}
        np.testing.assert_array_equal(lines["Past"].get_xdata(), past["year"])
        np.testing.assert_allclose(lines["Past"].get_ydata(), scale * past["value"])
        start = future["value_origin"].iloc[0]
        for label, column in (("Forecast", "forecast"), ("Base", "base")):
            np.testing.assert_array_equal(lines[label].get_xdata(), [2010, 2011, 2012])
            np.testing.assert_allclose(
                lines[label].get_ydata(), scale * np.r_[start, future[column]]
            )
        for band, level in zip(axes.collections, (90, 50), strict=True):
            corners = {(float(x), float(y)) for x, y in band.get_paths()[0].vertices}
            for side in ("lower", "upper"):
                for year, value in zip((2011, 2012), future[f"{side}_{level}"], strict=True):
                    near = [y for x, y in corners if x == year]
                    assert np.isclose(near, scale * value).any()
    assert {axes.get_ylabel() for axes in panels} == {unit, ""}
    texts_apart(figure)


def test_panels_name_sectors_and_markets(result: RunResult) -> None:
    everywhere = measure_paths(result, "domestic_sourcing")
    titles = [axes.get_title("left").replace("\n", " ") for axes in everywhere.axes]
    assert all(", c" in words for words in titles)
    assert any(words.endswith("c1 Textiles") for words in titles)
    germany = measure_paths(result, "domestic_sourcing", country="DEU")
    titles = [axes.get_title("left").replace("\n", " ") for axes in germany.axes]
    assert sorted(titles) == ["c1 Textiles", "c2 Electrical and optical equipment & ...",
                              "c3 Software"]  # fmt: skip
    assert title(germany) == "Germany: Domestic sourcing"
    world = measure_paths(result, "exporter_concentration")
    titles = [axes.get_title("left").replace("\n", " ") for axes in world.axes]
    assert {words.split()[0] for words in titles} == {"c1", "c2", "c3"}
    market = measure_paths(result, "market_share", country="DEU")
    assert all(axes.get_title("left").startswith("Germany in ") for axes in market.axes)


def test_births_say_that_past_and_forecast_count_from_other_years(result: RunResult) -> None:
    for name in ("link_births", "link_deaths"):
        words = title(measure_paths(result, name))
        assert "(past: within a year; forecast: since 2010)" in words
    assert "since" not in title(measure_paths(result, "active_links"))


def test_what_is_not_one_measure_with_a_value_is_not_drawn(result: RunResult) -> None:
    with pytest.raises(NoDataError, match="more than one measure") as caught:
        measure_paths(result, "links")
    assert "link_births" in caught.value.remedy
    with pytest.raises(NoDataError, match="no unit has a value"):
        measure_paths(result, "low_cost_import_ratio", country="CHN")
    nothing = replace(result, measures=None)
    for draw in (
        lambda: measure_paths(nothing, "market_share"),
        lambda: measure_skill(nothing, "all"),
        lambda: first_measure(nothing),
    ):
        with pytest.raises(NoDataError, match="measures no pattern"):
            draw()


# Skill --------------------------------------------------------------------------------------------


def markers(figure: Figure) -> Iterator[tuple[float, float, bool]]:
    """Skill, height and whether it is filled, of every marker."""
    for axes in figure.axes:
        for line in axes.get_lines():
            if line.get_marker() in ("None", ""):
                continue
            filled = same_color(line.get_markerfacecolor(), line.get_color())
            for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):
                yield float(x), float(y), filled


def with_scores(result: RunResult, **columns: object) -> RunResult:
    assert result.measures is not None
    scores = result.measures.scores.assign(**columns)
    return replace(result, measures=replace(result.measures, scores=scores))


def test_markers_are_the_skills_and_filled_where_a_test_decides(
    result: RunResult, measured_run: Path
) -> None:
    scores = pd.read_csv(measured_run / "measures_scores.csv")
    cycle = np.resize(["better", "tie", "worse", "untested"], len(scores))
    figure = measure_skill(with_scores(result, verdict_no_change=cycle), "all")
    scores = scores.assign(decided=np.isin(cycle, ["better", "worse"])).dropna(subset=["skill"])
    wanted = sorted(
        (max(100 * skill, WORST_SKILL), decided)
        for skill, decided in zip(scores["skill"], scores["decided"], strict=True)
    )
    found = sorted((x, filled) for x, _, filled in markers(figure))
    np.testing.assert_allclose([x for x, _ in found], [x for x, _ in wanted])
    assert [f for _, f in found] == [f for _, f in wanted]
    texts_apart(figure)


def test_a_marker_stands_in_the_row_of_its_measure(result: RunResult) -> None:
    assert result.measures is not None
    skills = np.arange(len(result.measures.scores)) / 1000.0
    figure = measure_skill(with_scores(result, skill=skills), "all")
    scores = with_scores(result, skill=skills).measures.scores  # type: ignore[union-attr]
    labels = {m.name: m.label for m in MEASURES}
    for axes in figure.axes:
        names = dict(
            zip(axes.get_yticks(), (t.get_text() for t in axes.get_yticklabels()), strict=True)
        )
        for line in axes.get_lines():
            if line.get_marker() in ("None", ""):
                continue
            for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True):
                row = scores.iloc[int(np.argmin(np.abs(100 * skills - x)))]
                assert names[round(float(y))] == labels[row["measure"]]


def test_families_are_headed_and_share_the_axis(result: RunResult) -> None:
    figure = measure_skill(result, "all")
    assert len(figure.axes) == 2
    bold = [
        label.get_text()
        for axes in figure.axes
        for label in axes.get_yticklabels()
        if label.get_fontweight() == "bold"
    ]
    assert bold == ["Sectors and comparative advantage", "Partners: shares, concentration, regions",
                    "Births and deaths of links", "Reshoring", "Digital slices",
                    "Platforms"]  # fmt: skip
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    one = measure_skill(result, "links")
    assert len(one.axes) == 1
    assert title(one) == "Births and deaths of links: skill against no change"
    assert title(measure_skill(result, "link_births")) == "Births of links: skill against no change"


def test_a_skill_beyond_the_edge_is_written_beside_it(result: RunResult) -> None:
    assert result.measures is not None
    skills = result.measures.scores["skill"].to_numpy().copy()
    skills[0] = -3.21
    figure = measure_skill(with_scores(result, skill=skills), "all")
    assert min(x for x, _, _ in markers(figure)) == WORST_SKILL
    assert "-321" in [t.get_text().replace("\N{MINUS SIGN}", "-") for t in figure.findobj(Text)]


def test_horizons_differ_by_marker_and_by_colour(result: RunResult) -> None:
    (box,) = measure_skill(result, "links").legends
    labels = [text.get_text() for text in box.get_texts()]
    assert labels == ["1 year ahead", "2 years ahead", "filled: a test decides"]
    handles = [handle for handle in box.legend_handles if handle is not None]
    looks = {(h.get_marker(), to_rgba(h.get_color())) for h in handles[:2]}  # type: ignore[attr-defined]
    assert len(looks) == len({marker for marker, _ in looks}) == 2


def test_nothing_scored_is_nothing_to_draw(result: RunResult) -> None:
    with pytest.raises(NoDataError, match="no measure was scored"):
        measure_skill(with_scores(result, skill=np.nan), "all")


def test_the_legend_of_five_horizons_stays_inside(result: RunResult) -> None:
    found = result.measures
    assert found is not None
    scores = found.scores[found.scores["horizon"] == 1]
    many = pd.concat([scores.assign(horizon=h) for h in range(1, 6)], ignore_index=True)
    figure = measure_skill(replace(result, measures=replace(found, scores=many)), "links")
    FigureCanvasAgg(figure).draw()
    box = figure.legends[0].get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
