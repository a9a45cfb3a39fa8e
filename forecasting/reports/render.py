"""Templates of the report, filled from facts: text is escaped, numbers have their formats."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment

from forecasting.results.subjects import the
from forecasting.words.labels import SETTING_WORDS
from forecasting.words.numbers import (
    chance_words,
    lead,
    listed,
    money,
    percent,
    plural,
    points,
    usd,
    years,
)
from forecasting.words.templates import template_environment


def render_page(template: str, **facts: Any) -> str:
    """Fill a template of the folder ``templates``."""
    return _environment().get_template(template).render(**facts)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    filters = {
        "usd": usd,
        "money": money,
        "lead": lead,
        "percent": percent,
        "points": points,
        "chance": chance_words,
        "listed": lambda items: listed(map(str, items)),
        "plural": plural,
        "years": years,
        "setting": lambda name: SETTING_WORDS[name],
        "the": the,
    }
    return template_environment("forecasting.reports", escape=True, filters=filters)
