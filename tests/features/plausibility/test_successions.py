"""Countries that split, merge or change their code."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.countries.panel_codes import is_country
from features.plausibility.successions import successors


def renamed(frame: pd.DataFrame, old: str, new: dict[str, float], *, last: int) -> pd.DataFrame:
    """The table in which ``old`` (FRA so far) gives way to ``new`` after ``last``, by shares."""
    frame = frame.replace({"FRA": old})
    before, after = frame[frame["year"] <= last], frame[frame["year"] > last]
    mine = (after["exporter"] == old) | (after["importer"] == old)
    parts = [
        after[mine].replace({old: name}).assign(value_usd=after.loc[mine, "value_usd"] * share)
        for name, share in new.items()
    ]
    return pd.concat([before, after[~mine], *parts], ignore_index=True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SCG", {"MNE": 0.2, "SRB": 0.8}),
        ("CSK", {"CZE": 0.7, "SVK": 0.3}),
        ("SUN", {"RUS": 0.6, "UKR": 0.3, "LTU": 0.1}),
        ("ZAR", {"COD": 1.0}),
        ("BUR", {"MMR": 1.0}),
        ("XAA", {"XAB": 1.0}),
    ],
)
def test_a_country_that_ends_where_others_begin_is_named_and_stays_without_trade(
    make_sound, look, old, new
):
    panel, findings = look(renamed(make_sound(1), old, new, last=2009))
    (finding,) = findings
    assert (finding.code, finding.severity) == ("succession", "warning")
    assert finding.names == (old, *sorted(new))
    assert finding.years == (2009, 2010)
    assert not np.isnan(panel.values).any()


def test_a_country_merged_into_one_that_was_there_is_named(make_sound, look):
    frame = make_sound(2).replace({"FRA": "DDR"})
    ended = frame[["exporter", "importer"]].eq("DDR").any(axis=1) & (frame["year"] > 2009)
    _, findings = look(frame[~ended])
    assert [one.names for one in findings if one.code == "succession"] == [("DDR", "DEU")]


def test_silence_without_an_heir_is_no_succession(make_sound, look):
    frame = make_sound(3)
    gone = frame[["exporter", "importer"]].eq("IND").any(axis=1) & (frame["year"] == 2014)
    assert {one.code for one in look(frame[~gone])[1]} == {"late-reporter"}


def test_successors_are_countries():
    assert all(is_country(name) for after in successors().values() for name in after)
    assert all(old not in after for old, after in successors().items())
