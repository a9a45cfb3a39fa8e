"""Findings of a data set of the store are those of its panel."""

from __future__ import annotations

from features.plausibility.stored import noticed


def test_a_stored_table_has_the_findings_of_its_panel(make_sound, look, tmp_path):
    frame = make_sound(1, sectors=("a", "b"))
    gone = (frame["exporter"] == "DEU") & (frame["year"] == 2014)
    slip = (frame["importer"] == "JPN") & (frame["year"] == 2006)
    frame = frame.assign(value_usd=frame["value_usd"].where(~slip, frame["value_usd"] / 1000))[
        ~gone
    ]
    paths = []
    for year, part in frame.groupby("year"):
        paths.append(tmp_path / f"{year}.parquet")
        part.astype({"exporter": "category"}).to_parquet(paths[-1], index=False)
    expected = [one.line for one in look(frame)[1]]
    assert noticed(paths) == expected
    assert len(expected) == 2


def test_a_sound_data_set_has_none(make_sound, tmp_path):
    make_sound(2).to_parquet(tmp_path / "all.parquet")
    assert noticed([tmp_path / "all.parquet"]) == []
