"""What a brief is made of: short texts, the tables behind them, and the figures they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from forecasting.words.tables import cell, column_label

HOW_TO_READ = "How to read this"
"""Heading of the last section of every brief."""


@dataclass(frozen=True, slots=True)
class BriefTable:
    """A table behind a brief.

    Attributes
    ----------
    caption
        What it holds, in words.
    frame
        Unrounded; units are the endings of column names: ``_usd``, ``_percent``.
    shown, columns
        Positions of the rows, and names of the columns, that texts and pages show; None for all.
        The file holds everything.
    words
        What texts and pages show instead where the frame is too long to read: words alone, under
        headings in words.
    """

    caption: str
    frame: pd.DataFrame
    shown: tuple[int, ...] | None = None
    columns: tuple[str, ...] | None = None
    words: pd.DataFrame | None = None

    @property
    def view(self) -> pd.DataFrame:
        """What is shown of the frame, or instead of it."""
        if self.words is not None:
            return self.words
        rows = self.frame if self.shown is None else self.frame.iloc[list(self.shown)]
        return rows if self.columns is None else rows[[c for c in self.columns if c in rows]]

    def header(self) -> list[str]:
        """Names of the columns that are shown, in words, with units."""
        return [column_label(str(name)) for name in self.view]

    def rows(self) -> list[list[str]]:
        """Cells that are shown, in words."""
        view = self.view
        columns = [[cell(str(name), value) for value in view[name]] for name in view]
        return [list(row) for row in zip(*columns, strict=True)]

    def numeric(self) -> list[bool]:
        """Whether each column that is shown holds numbers."""
        view = self.view
        if self.words is not None:
            return [place > 0 for place in range(view.shape[1])]
        return [
            pd.api.types.is_numeric_dtype(view[name]) and not pd.api.types.is_bool_dtype(view[name])
            for name in view
        ]

    @property
    def left_out(self) -> int:
        """Rows that are not shown."""
        return 0 if self.shown is None else len(self.frame) - len(self.shown)


@dataclass(frozen=True, slots=True)
class BriefFigure:
    """A figure that a brief asks for: ``plot(run, kind, **options)``.

    Attributes
    ----------
    name
        Of its files, without a suffix.
    kind, options
        Of `forecasting.figures.plots.plot`.
    """

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BriefSection:
    """A heading and plain text; ``tables`` and ``figures`` are names in those of the `Brief`."""

    heading: str
    paragraphs: tuple[str, ...]
    tables: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Brief:
    """A short brief in plain language, as data: texts and pages are made from it.

    Attributes
    ----------
    title
        The subject and the target year.
    summary
        The few sentences to read first.
    sections
        In the order of reading; the last says how to read the rest.
    tables, figures
        By the names that sections use, which are also those of their files.
    """

    title: str
    summary: tuple[str, ...]
    sections: tuple[BriefSection, ...]
    tables: Mapping[str, BriefTable]
    figures: Mapping[str, BriefFigure]


def first_and_last(rows: int, most: int) -> tuple[int, ...]:
    """Positions of the first and last ``most`` of ``rows`` rows."""
    return tuple(k for k in range(rows) if k < most or k >= rows - most)
