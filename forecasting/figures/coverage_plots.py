"""A picture of what a data set covers: countries by years."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.errors import InputError
from features.store.coverage import COUNTED
from features.store.dataset import Dataset
from forecasting.figures.style import GREY, entitle, styled
from forecasting.run_folder.csv_files import write_csv

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_LABELS = 90
"""Countries named in the picture; of more, every second, third, ... is."""


@styled
def coverage_plot(dataset: Dataset, table: pd.DataFrame) -> Figure:
    """Heat map of `features.store.coverage.coverage`: darker is more, white is nothing."""
    from matplotlib.figure import Figure

    countries, years = len(table), len(table.columns)
    height = min(3.0 + 0.13 * min(countries, _MOST_LABELS), 15.0)
    figure = Figure(figsize=(8.0, height), layout="constrained")
    axes = figure.add_subplot()
    cells = table.to_numpy(dtype=np.float64)
    shown = np.where(cells > 0, cells, np.nan)
    image = axes.imshow(shown, aspect="auto", interpolation="nearest", cmap="viridis_r", vmin=0)
    step = -(-countries // _MOST_LABELS)
    axes.set_yticks(range(0, countries, step), table.index[::step], fontsize=6)
    every = max(-(-years // 16), 1)
    axes.set_xticks(range(0, years, every), [str(year) for year in table.columns[::every]])
    axes.grid(visible=False)
    bar = figure.colorbar(image, ax=axes, shrink=0.5)
    bar.set_label(COUNTED[dataset.kind], color=GREY)
    empty = int((cells == 0).sum())
    axes.set_xlabel(f"{empty:,} of {cells.size:,} country-years have none (white)")
    entitle(figure, f"{dataset.key} covers {countries} countries")
    return figure


def write_coverage(dataset: Dataset, table: pd.DataFrame, out: Path) -> tuple[Path, Path]:
    """Write ``coverage.csv`` and ``coverage.png`` into a folder.

    Returns
    -------
    tuple of Path
        The two files.

    Raises
    ------
    InputError
        If they cannot be written.
    """
    from forecasting.figures.files import save_plot

    numbers, picture = out / "coverage.csv", out / "coverage.png"
    figure = coverage_plot(dataset, table)
    try:
        out.mkdir(parents=True, exist_ok=True)
        fresh = out / ".coverage.csv.part"
        write_csv(table, fresh, index="country")
        fresh.replace(numbers)
        save_plot(figure, picture)
    except OSError as error:
        raise InputError(
            f"the folder cannot be written ({error.strerror or error})",
            remedy="Choose another folder with --out",
            file=out,
        ) from error
    return numbers, picture
