"""Figures of sums on pages: panels of a fan one by one, and axes that can be read."""

from __future__ import annotations

import warnings
from pathlib import Path

from forecasting import read_run
from forecasting.distribution.sums import sum_reader
from forecasting.figures.files import render
from forecasting.figures.sum_plots import fan_panels, fans_of, slopes_of


def test_panels_hold_what_the_figure_of_all_holds(finished_run: Path) -> None:
    reader = sum_reader(read_run(finished_run))
    of = [("World", "world"), ("Exports", "DEU:exports")]
    selected = [selection for _, selection in of]
    tables = reader.table(selected), reader.outcomes(selected)
    whole = fans_of(of, *tables)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        legend, *panels = fan_panels(of, *tables)
        render(legend, "svg")
    assert len(panels) == len(of)
    for one, axes in zip(panels, whole.axes, strict=False):
        assert [line.get_xydata().tolist() for line in one.axes[0].lines] == [
            line.get_xydata().tolist() for line in axes.lines
        ]
    names = [[text.get_text() for text in figure.legends[0].texts] for figure in (legend, whole)]
    assert names[0] == names[1]


def test_shares_stand_on_an_axis_with_ticks(finished_run: Path) -> None:
    table = sum_reader(read_run(finished_run)).shares("DEU:exports", 2012)
    axes = slopes_of("DEU:exports", table).axes[0]
    assert len(axes.get_yticks()) >= 3
    assert "percent" in axes.get_ylabel()
