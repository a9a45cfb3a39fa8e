"""The world among the traders, ``TOTAL`` among the sectors."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

quick = hypothesis_settings(max_examples=8, deadline=None)
KEYS = ["exporter", "importer", "year"]


def world_rows(frame: pd.DataFrame, side: str, *, name: str = "ROW") -> pd.DataFrame:
    other = {"exporter": "importer", "importer": "exporter"}[side]
    return frame.groupby([other, "year"], as_index=False)["value_usd"].sum().assign(**{side: name})


@quick
@given(st.integers(0, 10**6), st.sampled_from([("exporter",), ("importer",),
                                               ("exporter", "importer")]))  # fmt: skip
def test_a_trader_that_is_the_sum_of_all_others_is_an_error(make_sound, look, seed, sides):
    frame = make_sound(seed)
    _, findings = look(pd.concat([frame, *(world_rows(frame, side) for side in sides)]))
    finding = findings[0] if findings[0].severity == "error" else findings[-1]
    assert (finding.code, finding.severity, finding.names) == ("aggregate-trader", "error",
                                                               ("ROW",))  # fmt: skip
    assert "Leave the rows of ROW out" in finding.remedy


def test_a_world_that_holds_more_than_the_table_is_a_warning(make_sound, look):
    frame = make_sound(1)
    row = world_rows(frame, "exporter").assign(value_usd=lambda f: f["value_usd"] * 1.08)
    codes = [(one.code, one.severity) for one in look(pd.concat([frame, row]))[1]]
    assert ("aggregate-trader", "warning") in codes


@quick
@given(st.integers(0, 10**6))
def test_a_true_rest_of_the_world_is_no_aggregate(make_sound, look, seed):
    frame = make_sound(seed).replace({"USA": "ROW"})
    assert look(frame)[1] == []


@quick
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_a_sector_that_is_the_sum_of_the_others_is_an_error(make_sound, look, seed, sectors):
    frame = make_sound(seed, sectors=tuple("abcd"[:sectors]))
    total = frame.groupby(KEYS, as_index=False)["value_usd"].sum().assign(sector="TOTAL")
    _, findings = look(pd.concat([frame, total]))
    assert [(one.code, one.severity, one.names) for one in findings] == [
        ("aggregate-sector", "error", ("TOTAL",))
    ]


@pytest.mark.parametrize("countries", [("DEU", "FRA"), ("DEU", "FRA", "USA"), None])
@pytest.mark.parametrize("sectors", [(), ("a", "b"), ("a", "b", "c")])
def test_a_constant_panel_holds_no_aggregate(make_sound, look, sectors, countries):
    frame = make_sound(1, sectors=sectors).assign(value_usd=1e6)
    if countries is not None:
        frame = frame[frame["exporter"].isin(countries) & frame["importer"].isin(countries)]
    assert look(frame)[1] == []
