"""Figures inside a report: drawn where need be, and embedded so that nothing is fetched."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forecasting.figures.files import render
from forecasting.figures.run_figures import PLOTS
from forecasting.figures.style import NoDataError
from forecasting.reports.html import figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from forecasting.results.result import RunResult

LARGEST_IMAGE = 150_000
"""Bytes; a larger SVG gives way to its PNG."""

_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


def draw_figures(result: RunResult, names: Iterable[str], folder: Path) -> dict[str, list[Path]]:
    """Draw the named figures of `run_figures.PLOTS` that the run has data for, to be embedded.

    Returns
    -------
    dict
        Name to paths, as of `run_figures.save_figures`.
    """
    paths = {}
    for plot in PLOTS:
        if plot.name not in names:
            continue
        try:
            suffix, content = _image(plot.draw(result))
        except NoDataError:
            continue
        paths[plot.name] = [folder / f"{plot.name}{suffix}"]
        paths[plot.name][0].write_bytes(content)
    return paths


@dataclass(frozen=True, slots=True)
class Images:
    """The place of figures in a chapter: its text is written while they are still being drawn.

    Attributes
    ----------
    names
        Of `run_figures.PLOTS`; those that the run has no data for are left out.
    """

    names: tuple[str, ...]


def embed(parts: Iterable[str | Images], figures: Mapping[str, list[Path]]) -> list[str]:
    """Put figures with their alternative texts in their places, given their files by name."""
    return [
        html
        for part in parts
        for html in ([part] if isinstance(part, str) else _images(part.names, figures))
    ]


def _images(names: Sequence[str], figures: Mapping[str, list[Path]]) -> list[str]:
    chosen = [plot for name in names for plot in PLOTS if plot.name == name and figures.get(name)]
    return [figure(_smallest(figures[p.name]), p.alt, p.caption) for p in chosen]


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure of a template.

    Attributes
    ----------
    images
        Address that holds the image itself, and alternative text, of each of its images; on a wide
        screen they stand side by side, below the first where there are several, a legend.
    caption
        Of all.
    """

    images: tuple[tuple[str, str], ...]
    caption: str


def drawn(*made: tuple[Figure, str], caption: str) -> Shown:
    """A figure of drawings just made, each with its alternative text."""
    return Shown(tuple((_address(*_image(one)), alt) for one, alt in made), caption)


def _image(made: Figure) -> tuple[str, bytes]:
    """Suffix and content of a figure: SVG, or PNG where that is too large."""
    content = render(made, "svg")
    if len(content) <= LARGEST_IMAGE:
        return ".svg", content
    return ".png", render(made, "png")


def _smallest(paths: Sequence[Path]) -> str:
    order = sorted(paths, key=lambda p: (p.suffix != ".svg", p.suffix))
    small = [p for p in order if p.stat().st_size <= LARGEST_IMAGE]
    chosen = (small or order[-1:])[0]
    return _address(chosen.suffix, chosen.read_bytes())


def _address(suffix: str, content: bytes) -> str:
    """Address that holds the image itself."""
    if suffix == ".png":
        content = _few_colours(content)
    return f"data:{_TYPES[suffix]};base64,{base64.b64encode(content).decode('ascii')}"


def _few_colours(content: bytes) -> bytes:
    """A PNG with a palette, which is a third of the size: drawings have few colours."""
    from PIL import Image

    file = io.BytesIO()
    with Image.open(io.BytesIO(content)) as drawing:
        # By coverage: by frequency the rare end of a colour scale would turn grey.
        small = drawing.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE)
    small.save(file, "png", optimize=True)
    return file.getvalue()
