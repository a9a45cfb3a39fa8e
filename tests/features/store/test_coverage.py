"""What a store holds: coverage by country and year, and what is broken, stale or left over."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
from fake_sources.baci import ROWS, FakeBaci

from features.countries.source_codes import numeric_to_iso3
from features.sources.baci import Baci
from features.sources.technology import Technology
from features.store.coverage import check, coverage, is_stale

TODAY = date(2026, 11, 25)


@pytest.fixture
def flows(serve, get):
    return get(Baci(revision="HS96", level="hs6"), serve(FakeBaci()))


def test_coverage_counts_flows_by_exporter_and_year(flows):
    expected = {
        year: pd.Series([numeric_to_iso3(str(row[0])) for row in rows]).value_counts()
        for year, rows in ROWS.items()
    }
    expected = pd.DataFrame(expected).fillna(0).astype("int64").sort_index()
    pd.testing.assert_frame_equal(coverage(flows), expected, check_names=False)


def test_coverage_of_indicators_counts_series(serve, get):
    table = coverage(get(Technology(), serve(FakeBaci())))
    assert table.loc["USA", 1996] == 8  # four stocks, four flags
    assert list(table.columns) == [1996, 1997]


def test_a_whole_store_has_nothing_to_find(flows, store):
    assert check(store, today=TODAY) == []


def test_every_kind_of_damage_is_found(flows, store):
    (flows.folder / flows.parts[0].file).write_bytes(b"?")
    raw = next((store.folder / "raw").rglob("*.zip"))
    raw.write_bytes(b"?")
    (raw.parent / "other.zip.part").touch()
    (flows.folder.parent / ".HS92--202601--hs2.partial").mkdir()
    broken = store.folder / "data" / "weo" / "x"
    broken.mkdir(parents=True)
    (broken / "dataset.json").write_text("{")
    found = check(store, today=TODAY)
    assert sorted((f.broken, f.where.rpartition("/")[2]) for f in found) == [
        (False, ".HS92--202601--hs2.partial"),
        (False, "other.zip.part"),
        (True, "BACI_HS96_V202601.zip"),
        (True, "baci:HS96:202601:hs6"),
        (True, "x"),
    ]


def test_a_release_is_stale_when_the_next_one_is_due(flows, store):
    assert not is_stale(flows, today=date(2027, 1, 31))
    assert is_stale(flows, today=date(2027, 2, 1))
    (finding,) = check(store, today=date(2027, 6, 1))
    assert not finding.broken
    assert "newer one is likely out" in finding.problem
