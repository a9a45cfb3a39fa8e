"""The report's chapter on measures: nothing is left out, nothing is made better than it is."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecasting import RunResult, read_run
from forecasting.measurement.scores import RIVALS
from forecasting.reports.measures import ENTRIES, pattern_chapter
from forecasting.results.measures import FAMILY_LABELS, measures

DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


class Chapter(HTMLParser):
    """Headings, other texts, and the cells of each table by caption."""

    def __init__(self, parts: list[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.headings: list[str] = []
        self.texts: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._words, self._rows, self._caption = "", [[""]], ""
        self.feed("".join(parts))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "table":
            self._rows = []
        if tag == "tr":
            self._rows.append([])
        if tag not in ("strong",):
            self._words = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "h3":
            self.headings.append(self._words)
        elif tag in ("p", "li"):
            self.texts.append(self._words)
        elif tag == "caption":
            self._caption = self._words
        elif tag in ("th", "td"):
            self._rows[-1].append(self._words)
        elif tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        self._words += data

    def table(self, words: str) -> list[list[str]]:
        (found,) = [rows for caption, rows in self.tables.items() if words in caption]
        return found


@pytest.fixture(scope="module")
def result(measured_run: Path) -> RunResult:
    return read_run(measured_run)


@pytest.fixture(scope="module")
def chapter(result: RunResult) -> Chapter:
    return Chapter(pattern_chapter(result, ["<p>the figure</p>"]))


def scored(result: RunResult, **columns: object) -> Chapter:
    """The chapter of a run whose scores read like this."""
    assert result.measures is not None
    scores = result.measures.scores.assign(**columns)
    return Chapter(
        pattern_chapter(replace(result, measures=replace(result.measures, scores=scores)), [])
    )


def test_every_family_and_every_measure_is_there(result: RunResult, chapter: Chapter) -> None:
    found = measures(result)
    families = [label for family, label in FAMILY_LABELS.items() if family != "value_chains"]
    assert chapter.headings == ["How accurate forecasts of measures are", *families, "Not measured"]
    record = [row[0] for row in chapter.table("Skill: how much smaller")[1:]]
    assert record == [measure.label for measure in found.measures]
    for family, label in FAMILY_LABELS.items():
        labels = [measure.label for measure in found.measures if measure.family == family]
        if not labels:
            continue
        parts = chapter.table(f"{label}: size of the change")
        assert [row[0] for row in parts[1:]] == labels
        ends = chapter.table(f"{label}: largest forecast rise and fall")
        assert [row[0] for row in ends[1:]] == [name for name in labels for _ in range(2)]
    assert "the figure" in chapter.texts


def test_what_could_not_be_measured_is_told_with_its_reason(
    result: RunResult, chapter: Chapter
) -> None:
    assert result.measures is not None
    ways = ("--tables", "--sectors", "--pairs")
    told = " ".join(text for text in chapter.texts if any(way in text for way in ways))
    for name in result.measures.missing:
        assert name.replace("_", " ") in told
    assert len(result.measures.missing) > 5


def test_ties_are_a_null_result_and_wins_and_losses_are_both_named(result: RunResult) -> None:
    assert result.measures is not None
    ties = scored(result, **{f"verdict_{rival}": "tie" for rival in RIVALS})
    assert sum(text.startswith("A null result. Against ") for text in ties.texts) == 3
    verdicts = pd.Series("tie", result.measures.scores.index)
    names = result.measures.scores["measure"]
    verdicts[names == "market_share"] = "better"
    verdicts[(names == "link_deaths") & (result.measures.scores["horizon"] == 2)] = "worse"
    mixed = scored(result, verdict_no_change=verdicts, verdict_base="untested", origins=3)
    (said,) = [text for text in mixed.texts if text.startswith("Against no change")]
    assert "better 2: Market share in a destination (1 and 2 y)" in said
    assert "worse 1: Deaths of links (2 y)" in said
    (untested,) = [text for text in mixed.texts if text.startswith("Against the raked base")]
    assert f"{len(names)} untested for want of origins" in untested
    rows = {row[0]: row for row in mixed.table("Skill: how much smaller")}
    assert rows["Market share in a destination"][2:4] == ["better", "untested"]
    assert rows["Deaths of links"][7:9] == ["worse", "untested"]


def test_skill_that_is_lost_is_shown_as_lost(result: RunResult) -> None:
    rows = scored(result, skill=-0.123).table("Skill: how much smaller")
    assert {row[1] for row in rows[1:]} == {f"{MINUS}12.3%"}
    nothing = scored(result, skill=np.nan, coverage_90=np.nan).table("Skill: how much smaller")
    assert {row[1] for row in nothing[1:]} == {row[5] for row in nothing[1:]} == {DASH}


def test_nothing_is_claimed_for_technology(chapter: Chapter) -> None:
    (said,) = [text for text in chapter.texts if text.startswith("Contributions of technology")]
    assert "What they are worth is what forecasts without them lose" in said
    assert any("Against the model without its technology channels" in t for t in chapter.texts)
    words = " ".join([*chapter.texts, *chapter.headings, *chapter.tables])
    assert not re.search(r"\b(caus\w*|effects?|impacts?|drives?|because)\b", words, re.I)


def test_likeliest_entries_come_first_with_the_record_of_their_chances(
    result: RunResult, measured_run: Path, chapter: Chapter
) -> None:
    table = pd.read_parquet(measured_run / "measures_forecasts.parquet")
    table = table.query("measure == 'revealed_advantage' and target_year == 2012")
    below = table[table["value_origin"] <= 0]["chance_above"].dropna().sort_values(ascending=False)
    rows = chapter.table("likeliest entries")[1:]
    assert len(rows) == min(ENTRIES, len(below))
    assert [row[-1] for row in rows] == [f"{100 * c:.0f}%" for c in below.head(ENTRIES)]
    (said,) = [text for text in chapter.texts if "Brier scores" in text]
    assert said.startswith(f"Of {len(below)} units at or below 0 at the origin")
    scores = pd.read_csv(measured_run / "measures_scores.csv").query(
        "measure=='revealed_advantage'"
    )
    for row in scores.to_dict("records"):
        both = [f"{row[name]:.3f}".replace("nan", DASH) for name in ("brier", "brier_of_rate")]
        assert f"{row['horizon']} y: {both[0]} against {both[1]}" in said


def test_sectors_are_named_and_escaped(result: RunResult, chapter: Chapter) -> None:
    cells = {cell for rows in chapter.tables.values() for row in rows for cell in row}
    assert any(cell.endswith(", c1 Textiles") for cell in cells)
    html = "".join(pattern_chapter(result, []))
    assert "<instruments>" not in html
    assert "c2 Electrical and optical equipment &amp; ..." in html


def test_a_run_that_measured_nothing_has_no_chapter(result: RunResult) -> None:
    assert pattern_chapter(replace(result, measures=None), []) == []
    assert result.measures is not None
    bare = replace(result.measures, scores=result.measures.scores.head(0))
    texts = Chapter(pattern_chapter(replace(result, measures=bare), [])).texts
    assert "No measure has a back-test: nothing is known of how good they are." in texts
