"""A brief as text and as a folder: both hold the same, whole or not at all."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from forecasting import read_run
from forecasting.briefs.blocs import blocs_brief
from forecasting.briefs.brief import Brief, BriefSection, BriefTable
from forecasting.briefs.country import country_brief
from forecasting.briefs.flow import flow_brief
from forecasting.briefs.world import world_brief
from forecasting.briefs.write import brief_text, check_brief_folder, write_brief
from forecasting.figures.style import NoDataError
from forecasting.words.numbers import MINUS


@pytest.fixture(scope="module")
def run_read(finished_run):
    return read_run(finished_run)


@pytest.fixture(scope="module")
def briefs(run_read):
    return {
        "flow": flow_brief(run_read, ("DEU", "CHN"), year=2012),
        "country": country_brief(run_read, "DEU"),
        "blocs": blocs_brief(run_read, ["DEU", "FRA"], ["ALL"]),
        "world": world_brief(run_read, 2012),
    }


def sentences(brief) -> list[str]:
    return [brief.title, *brief.summary, *(p for s in brief.sections for p in s.paragraphs)]


@pytest.mark.parametrize("kind", ["flow", "country", "blocs", "world"])
def test_the_text_holds_every_sentence_and_every_row_that_is_shown(briefs, kind):
    brief = briefs[kind]
    text = brief_text(brief)
    flat = " ".join(text.split())
    for sentence in sentences(brief):
        assert sentence in flat
    for section in brief.sections:
        for name in section.tables:
            table = brief.tables[name]
            if table.words is None:
                assert (table.left_out == 0) == (len(table.rows()) == len(table.frame))
            for row in table.rows():
                assert " ".join(" ".join(row).split()) in flat


def test_columns_of_the_text_stand_below_each_other():
    frame = pd.DataFrame({"partner": ["DEU", "A|B"], "shift_usd": [1.0, -2.5e9]})
    text = brief_text_of(BriefTable("Shifts", frame))
    head, first, second = text.splitlines()[-3:]
    assert len(first) == len(second)
    assert first.startswith("DEU ")
    assert first.endswith(" 1")
    assert second.endswith(f"{MINUS}2.5 bn")
    assert head.index("Shift, USD") + len("Shift, USD") == len(first)


def brief_text_of(table: BriefTable) -> str:
    section = BriefSection("Heading", (), ("table",))
    return brief_text(Brief("Title", (), (section,), {"table": table}, {}))


@pytest.fixture
def no_figures(monkeypatch):
    """Every figure lacks data."""

    def refuse(_, kind, **options):
        assert options
        raise NoDataError(f"no data for {kind}")

    monkeypatch.setattr("forecasting.figures.plots.plot", refuse)


@pytest.mark.parametrize("kind", ["flow", "country", "blocs", "world"])
def test_files_hold_the_tables_whole_and_the_text_names_every_file(
    briefs, run_read, kind, tmp_path, no_figures
):
    brief = briefs[kind]
    file = write_brief(brief, run_read, tmp_path / "out")
    assert file == tmp_path / "out" / "brief.md"
    text = file.read_text(encoding="utf-8")
    assert {p.name for p in file.parent.iterdir()} == {
        "brief.md",
        *(f"{n}.csv" for n in brief.tables),
    }
    for name, table in brief.tables.items():
        assert f"`{name}.csv`" in text
        again = pd.read_csv(file.with_name(f"{name}.csv"), keep_default_na=False, na_values=[""])
        # Where nothing is known both become the same missing value.
        again, frame = again.convert_dtypes(), table.frame.convert_dtypes()
        pd.testing.assert_frame_equal(again, frame, check_dtype=False, rtol=1e-12)
        assert not [column for column in table.frame if re.search(r"[^a-z0-9_]", str(column))]
    for sentence in sentences(brief):
        assert sentence in text
    for figure in brief.figures.values():
        assert f"no data for {figure.kind}" in text


def test_a_brief_replaces_only_an_earlier_brief_and_only_when_told(
    briefs, run_read, tmp_path, no_figures, stops
):
    out = tmp_path / "out"
    write_brief(briefs["country"], run_read, out)
    before = sorted(out.iterdir())
    stops(lambda: write_brief(briefs["flow"], run_read, out), says="already holds a brief")
    assert sorted(out.iterdir()) == before
    write_brief(briefs["flow"], run_read, out, overwrite=True)
    assert {p.stem for p in out.iterdir()} == {"brief", *briefs["flow"].tables}
    (out / "notes.txt").write_text("mine")
    stops(lambda: write_brief(briefs["flow"], run_read, out, overwrite=True), says="notes.txt")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.csv").write_text("mine")
    stops(lambda: check_brief_folder(tmp_path / "other", overwrite=True), says="not from a brief")
    stops(lambda: check_brief_folder(out / "notes.txt", overwrite=True), says="is a file")
    assert (out / "notes.txt").read_text() == "mine"


def test_a_brief_that_cannot_be_written_leaves_nothing_behind(
    briefs, run_read, tmp_path, monkeypatch
):
    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("forecasting.figures.plots.plot", fail)
    with pytest.raises(OSError, match="disk full"):
        write_brief(briefs["flow"], run_read, tmp_path / "new" / "out")
    assert list(tmp_path.iterdir()) == []
