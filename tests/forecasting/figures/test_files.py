"""Files of figures: three formats, the same bytes every time, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from forecasting.figures.files import FORMATS, render, save_plot
from forecasting.figures.style import entitle, grid, styled

STARTS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@styled
def drawn() -> Figure:
    figure, panels = grid(1, 1, width=4.0, height=2.0)
    panels[0, 0].barh(["a long name of a bar", "b"], [1, 2])
    return entitle(figure, "Title")


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_figure_gives_the_same_bytes(suffix: str) -> None:
    content = render(drawn(), suffix)
    assert content.startswith(STARTS[suffix])
    assert content == render(drawn(), suffix)


def test_the_layout_does_not_depend_on_the_order_of_formats() -> None:
    one, two = drawn(), drawn()
    first = render(one, "png")
    render(two, "svg")
    assert render(two, "png") == first


def test_the_layout_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    figure, layouts = drawn(), []
    layout = figure.get_layout_engine()
    compute = layout.execute
    monkeypatch.setattr(layout, "execute", lambda of: layouts.append(compute(of)))
    for suffix in FORMATS:
        render(figure, suffix)
    assert len(layouts) == 1


def test_labels_stay_inside() -> None:
    figure = drawn()
    render(figure, "png")
    label = figure.axes[0].get_yticklabels()[0].get_window_extent()
    assert 0 < label.x0 < label.x1 < figure.axes[0].get_window_extent().x0


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "figure.svg"
    save_plot(drawn(), file)
    before = file.read_bytes()
    assert b"Title" in before

    def fails(self: Path, target: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="no space left"):
        save_plot(drawn(), file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["figure.svg"]
