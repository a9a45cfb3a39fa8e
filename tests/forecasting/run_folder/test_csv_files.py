"""CSV of a run or a brief: text comes back as it was, and none of it is a formula."""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecasting.run_folder.csv_files import read_csv, write_csv

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
# Text that only looks like a number is one to any reader of CSV.
word = st.text(
    st.sampled_from("=+-@'\t\r\n\",;x é＝"),  # noqa: RUF001
    min_size=1,
    max_size=6,
).filter(lambda text: text != "'")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(names=st.lists(word, min_size=1, max_size=5), header=word)
def test_text_comes_back_and_is_no_formula(tmp_path, names, header):
    table = pd.DataFrame({header: ["x", *names], "value": -np.arange(1.0, len(names) + 2)})
    table["kind"] = table[header].astype("category")
    if header in ("value", "kind"):
        return
    write_csv(table, tmp_path / "t.csv")
    back = read_csv(tmp_path / "t.csv")
    assert back.columns.tolist() == [header, "value", "kind"]
    assert back[header].tolist() == table[header].tolist() == back["kind"].tolist()
    assert back["value"].tolist() == table["value"].tolist()
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            for cell in (row[0], row[2]):
                assert len(cell) == 1 or not cell.startswith(DANGEROUS)


def test_numbers_signs_and_gaps_are_left_alone(tmp_path):
    table = pd.DataFrame(
        {"change": [-5.2, np.nan, 1e-300], "n": [-1, 2, 3], "sign": ["+", "-", None],
         "name": ["-5.2", "NA", "it's"], "ok": [True, False, True]}
    )  # fmt: skip
    write_csv(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == (
        "change,n,sign,name,ok\n-5.2,-1,+,'-5.2,True\n,2,-,NA,False\n1e-300,3,,it's,True\n"
    )
    pd.testing.assert_frame_equal(read_csv(tmp_path / "t.csv"), table)


def test_an_index_is_a_first_column(tmp_path):
    write_csv(pd.DataFrame({1999: [3]}, index=["=A1"]), tmp_path / "t.csv", index="country")
    assert (tmp_path / "t.csv").read_text() == "country,1999\n'=A1,3\n"


def test_what_is_no_csv_is_an_error(tmp_path):
    (tmp_path / "t.csv").write_text("")
    with pytest.raises(ValueError, match="No columns"):
        read_csv(tmp_path / "t.csv")
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "none.csv")
