"""All but the largest traders as one."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.data.panel import TradePanel
from features.data.rest_of_world import fold_into_rest
from features.errors import InputError

CODES = ("BRA", "CHN", "DEU", "NAM", "ROW", "USA")
flows = st.dictionaries(
    st.tuples(st.sampled_from(CODES), st.sampled_from(CODES), st.sampled_from("ab"),
              st.sampled_from([2001, 2002])),
    st.integers(0, 1_000), min_size=1, max_size=40,
)  # fmt: skip


def frame_of(rows: dict) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["exporter", "importer", "sector", "year"])
    return frame.assign(value_usd=[float(value) for value in rows.values()])


def oracle(rows: dict, kept: set[str]) -> dict:
    out: dict = {}
    for (exporter, importer, sector, year), value in rows.items():
        sides = [code if code in kept else "ROW" for code in (exporter, importer)]
        key = (*sides, sector, year)
        out[key] = out.get(key, 0.0) + value
    return out


@given(flows, st.integers(2, 6), st.integers(2000, 2002))
@settings(max_examples=60, deadline=None)
def test_flows_of_the_kept_stay_and_those_of_others_are_added_up(rows, largest, until):
    folded, others = fold_into_rest(frame_of(rows), largest=largest, until=until, file="t")
    size = dict.fromkeys({code for key in rows for code in key[:2]} - {"ROW"}, 0)
    for (exporter, importer, _, year), value in rows.items():
        for code in (exporter, importer):
            if year <= until and exporter != importer and code in size:
                size[code] += value
    kept = set(sorted(size, key=lambda code: (-size[code], code))[:largest])
    assert set(others) == set(size) - kept
    found = folded.set_index(["exporter", "importer", "sector", "year"])["value_usd"].to_dict()
    assert found == oracle(rows, kept)


def test_nothing_to_fold_leaves_the_table_as_it_is():
    frame = frame_of({("DEU", "USA", "a", 2001): 1, ("USA", "DEU", "a", 2001): 2})
    folded, others = fold_into_rest(frame, largest=2, until=2002, file="t")
    assert folded is frame
    assert others == ()


def test_a_panel_reads_what_is_left(trade):
    whole = TradePanel.from_frame(trade)
    folded, others = fold_into_rest(trade, largest=4, until=2010, file="t")
    panel = TradePanel.from_frame(folded)
    assert len(others) == 4
    assert panel.flows.countries == tuple(sorted({*whole.flows.countries, "ROW"} - set(others)))
    assert folded["value_usd"].sum() == pytest.approx(trade["value_usd"].sum())


def test_a_code_that_is_none_is_named(refused):
    frame = frame_of({("DEU", "USA", "a", 2001): 1, ("USA", "XQZ1", "a", 2001): 2})
    error = refused(
        lambda: fold_into_rest(frame, largest=2, until=2002, file="t.csv"),
        file="t.csv", column="importer", row=3, says="'XQZ1' is not a country code",
    )  # fmt: skip
    assert isinstance(error, InputError)
