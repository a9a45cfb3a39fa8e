"""Features in words: every column of the catalogue reads as text, and none as another."""

from __future__ import annotations

import re

import pytest

from features.catalogue import NAMES
from forecasting.words.features import feature_words


def test_every_feature_has_words_of_its_own():
    words = [feature_words(name) for name in NAMES]
    assert len(set(words)) == len(NAMES)
    assert not [one for one in words if re.search(r"_|^[^A-Z]|\bx\b|\d$", one)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("log_value", "Last known value"),
        ("intensity_gap_10", "Intensity against its own past over 10 years"),
        ("growth_vs_world_1", "Growth against world trade over 1 year"),
        ("gdp_news_exporter", "News of GDP, exporter"),
        ("ai_articles_min", "AI articles, the lower of both countries"),
        ("own_automation_robots_growth_5_importer",
         "Own automation robots growth over 5 years, importer"),
    ],
)  # fmt: skip
def test_names_follow_a_grammar(name, words):
    assert feature_words(name) == words


def test_indicators_of_ones_own_are_named_by_their_label():
    source = "own indicator: Patent applications"
    assert feature_words("own_ai_patents_exporter", source) == "Patent applications, exporter"
    words = feature_words("own_ai_patents_growth_5_exporter", source)
    assert words == "Patent applications, growth over 5 years, exporter"
    gap = feature_words("own_ai_patents_gap", source)
    assert gap == "Patent applications, exporter against importer"
    assert feature_words("gdp_news_exporter", "a source") == feature_words("gdp_news_exporter")
