"""How figures become files: PNG, SVG or PDF, the same bytes every time, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecasting.figures.style import figure_style
from forecasting.run_folder.record import note_drawn
from forecasting.run_folder.whole_file import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
DPI = 150
_WITHOUT_DATE: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def render(figure: Figure, suffix: str) -> bytes:
    """Content of a file of a figure; the same run gives the same bytes.

    Parameters
    ----------
    figure
        Drawn by `plot`. Its layout is computed once, for all files: most of the time goes there.
    suffix
        One of `FORMATS`.
    """
    file = io.BytesIO()
    with figure_style():
        layout = figure.get_layout_engine()
        if layout is not None:
            # Letters are not as wide at another resolution: labels would reach over the edge.
            figure.set_dpi(DPI)
            layout.execute(figure)
            figure.set_layout_engine(None)
        figure.savefig(file, format=suffix, dpi=DPI, metadata=_WITHOUT_DATE.get(suffix))
    return file.getvalue()


def save_plot(figure: Figure, path: Path) -> None:
    """Write a figure in the format of its file's suffix, whole or not at all."""
    write_whole(path, render(figure, path.suffix.removeprefix(".")))
    note_drawn(path)
