"""Templates of briefs: Jinja2 fills them from facts, which are plain dataclasses."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment

from forecasting.words import numbers
from forecasting.words.templates import template_environment

_FILTERS = ("in_ten", "listed", "money", "points", "times", "years")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # Not HTML: pages and Markdown escape the finished sentences.
    filters = {name: getattr(numbers, name) for name in _FILTERS}
    return template_environment("forecasting.briefs", escape=False, filters=filters)


def paragraphs(template: str, **facts: Any) -> tuple[str, ...]:
    """Paragraphs of a template: its blocks between empty lines, each in one line."""
    text = _environment().get_template(f"{template}.j2").render(facts)
    blocks = (" ".join(block.split()) for block in text.split("\n\n"))
    return tuple(block for block in blocks if block)
