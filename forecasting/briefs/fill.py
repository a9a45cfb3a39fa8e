"""Templates of briefs: Jinja2 fills them from facts, which are plain dataclasses.

A template reads as the finished brief: its title, its summary, then sections that open with a line
``## Heading``. A line ``[tables a b]`` or ``[figures a b]`` in a section places those that exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from jinja2 import Environment

from forecasting.briefs.brief import Brief, BriefFigure, BriefSection, BriefTable
from forecasting.results.subjects import the
from forecasting.words import measures, numbers
from forecasting.words.templates import template_environment

_HEADING, _TABLES, _FIGURES = "## ", "[tables ", "[figures "
_FILTERS = ("count", "decimal", "chance_words", "lead", "listed", "lower_first", "money", "percent",
            "plain", "plural", "points", "times", "years")  # fmt: skip
_OF_MEASURES = ("basis_points", "change_words", "range_words", "size_words", "value_words")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # Not HTML: pages and Markdown escape the finished sentences.
    filters = {name: getattr(numbers, name) for name in _FILTERS}
    filters["the"] = the
    filters |= {name: getattr(measures, name) for name in _OF_MEASURES}
    return template_environment("forecasting.briefs", escape=False, filters=filters)


def sentence(template: str, macro: str, *facts: Any) -> str:
    """The sentences of one macro of a template, in one line."""
    made = getattr(_environment().get_template(f"{template}.j2").module, macro)
    return " ".join(str(made(*facts)).split())


def paragraphs(template: str, **facts: Any) -> tuple[str, ...]:
    """Paragraphs of a template: its blocks between empty lines, each in one line."""
    text = _environment().get_template(f"{template}.j2").render(facts)
    blocks = (" ".join(block.split()) for block in text.split("\n\n"))
    return tuple(block for block in blocks if block)


def fill(
    template: str,
    *,
    tables: Mapping[str, BriefTable],
    figures: Mapping[str, BriefFigure],
    **facts: Any,
) -> Brief:
    """The brief of a template.

    Parameters
    ----------
    template
        Its name in the folder ``templates``.
    tables, figures
        Of the brief, by name.
    facts
        What the template says, by the name it has there.
    """
    title, *blocks = paragraphs(template, **facts)
    summary: list[str] = []
    sections: list[BriefSection] = []
    for block in blocks:
        if block.startswith(_HEADING):
            sections.append(BriefSection(block.removeprefix(_HEADING), ()))
        elif not sections:
            summary.append(block)
        else:
            sections[-1] = _added(sections[-1], block, tables=tables, figures=figures)
    return Brief(title, tuple(summary), tuple(sections), tables, figures)


def _added(
    section: BriefSection,
    block: str,
    *,
    tables: Mapping[str, BriefTable],
    figures: Mapping[str, BriefFigure],
) -> BriefSection:
    names = block.rstrip("]").split()[1:]
    if block.startswith(_TABLES):
        return replace(section, tables=tuple(name for name in names if name in tables))
    if block.startswith(_FIGURES):
        return replace(section, figures=tuple(name for name in names if name in figures))
    return replace(section, paragraphs=(*section.paragraphs, block))
