"""One check of a table against its declaration: types in, or one error with its place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import InputError
from features.files.table_schema import Column, TableSchema

SCHEMA = TableSchema(
    (
        Column("iso3", "country"),
        Column("year", "year"),
        Column("kind", "code", "Say which", choices=("goods", "services")),
        Column("share", "number", bounds=(0, 1)),
        Column("months", "whole number", "Count months", bounds=(0, 240)),
        Column("digital", "flag", "Write 0 or 1"),
        Column("label", "text", required=False),
    ),
    key=("iso3", "year"),
    others="number or empty",
)


def table(**changes: list) -> pd.DataFrame:
    columns = {
        "iso3": ["DEU", "FRA", "DEU"], "year": [2000, 2000, 2001],
        "kind": ["goods", "services", "goods"], "share": [0.0, 0.5, 1.0], "months": [0, 6, 240],
        "digital": [0, 1, 0], "label": ["a", None, "NA"], "distance": [1.0, None, 3.0],
    }  # fmt: skip
    return pd.DataFrame({**columns, **changes})


def test_every_column_comes_back_in_its_type():
    found = SCHEMA.check(table(), file="f")
    assert found.codes["iso3"].texts().tolist() == ["DEU", "FRA", "DEU"]
    assert found.codes["iso3"].places(("FRA", "USA")).tolist() == [-1, 0, -1]
    assert found.codes["kind"].used() == ("goods", "services")
    assert found.years["year"].tolist() == [2000, 2000, 2001]
    assert found.numbers["share"].dtype == np.float64
    assert found.flags["digital"].tolist() == [False, True, False]
    assert found.texts["label"].tolist() == ["a", "", "NA"]
    np.testing.assert_array_equal(found.numbers["distance"], [1.0, np.nan, 3.0])


@pytest.mark.parametrize(
    ("column", "cell"),
    [("iso3", "Atlantis"), ("iso3", None), ("year", 15), ("year", 2000.5), ("kind", "money"),
     ("kind", None), ("kind", " "), ("share", 1.01), ("share", -0.01), ("share", None),
     ("share", np.inf), ("months", 6.5), ("months", 241), ("digital", 2), ("digital", None),
     ("distance", "far"), ("distance", np.inf), ("distance", 1e300)],
)  # fmt: skip
@pytest.mark.parametrize("row", [0, 2])
def test_a_wrong_cell_is_refused_at_its_column_and_row(column, cell, row):
    cells = table()[column].tolist()
    cells[row] = cell
    declared = {one.name: one.remedy for one in SCHEMA.columns}.get(column)
    with pytest.raises(InputError) as error:
        SCHEMA.check(table(**{column: cells}), file="f")
    assert (error.value.file, error.value.column, error.value.row) == ("f", column, row + 2)
    assert not declared or error.value.remedy == declared


@pytest.mark.parametrize("column", [one.name for one in SCHEMA.columns if one.required])
def test_a_missing_column_is_named(column):
    with pytest.raises(InputError, match="missing") as error:
        SCHEMA.check(table().drop(columns=column), file="f")
    assert error.value.column == column


def test_a_table_without_rows_is_refused():
    with pytest.raises(InputError, match="no rows"):
        SCHEMA.check(table().iloc[:0], file="f")


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1999, 2002), st.sampled_from("xy")),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_the_first_row_that_repeats_a_key_is_named(rows):
    schema = TableSchema(
        (Column("one", "code"), Column("year", "year"), Column("two", "code", required=False)),
        key=("one", "year", "two"),
    )
    frame = pd.DataFrame(rows, columns=["one", "year", "two"])
    repeated = [row in rows[:place] for place, row in enumerate(rows)]
    if not any(repeated):
        schema.check(frame, file="f")
        return
    with pytest.raises(InputError, match="occurs twice") as error:
        schema.check(frame, file="f")
    assert error.value.row == repeated.index(True) + 2
