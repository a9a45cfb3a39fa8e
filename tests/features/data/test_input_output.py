"""Reading input-output tables: what comes back, and every way a table can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.data.input_output import (
    FINAL_USES,
    MILLION,
    check_table_years,
    read_table_year,
    table_years,
)
from features.errors import InputError
from features.reading.schemas import INPUT_OUTPUT

# Sorted as text, as the panel sorts them.
COUNTRIES, SECTORS = ("AAA", "BBB", "ROW"), ("c1", "c10", "c2")
YEAR = 2000


def long_table(seed: int = 0) -> pd.DataFrame:
    """A table in million USD: positive sales, and inventories that fall in some cells."""
    rng = np.random.default_rng(seed)
    rows = [
        (i, s, j, use, float(np.round(rng.lognormal(4 if use in SECTORS else 6, 1))))
        for i in COUNTRIES for s in SECTORS for j in COUNTRIES for use in (*SECTORS, *FINAL_USES)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(INPUT_OUTPUT.names))
    stores = (frame["use"] == "INVENTORY") & (rng.random(len(frame)) < 0.5)
    # Never by more than the rest of the row sells.
    frame.loc[stores, "value_musd"] = -np.round(rng.lognormal(5, 0.5, int(stores.sum())))
    return frame[frame["value_musd"] != 0].reset_index(drop=True)


def published(frame: pd.DataFrame, *, year: int = YEAR) -> pd.DataFrame:
    output = frame.groupby(["source_country", "source_sector"])["value_musd"].sum().reset_index()
    output.columns = ["country", "sector", "output_musd"]
    return output.assign(year=year)


def written(folder: Path, frame: pd.DataFrame, output: pd.DataFrame | None = None) -> Path:
    frame.to_parquet(folder / f"wiot_{YEAR}.parquet")
    if output is not None:
        output.to_parquet(folder / "gross_output.parquet")
    return folder


def read(folder: Path):
    return read_table_year(folder, YEAR, countries=COUNTRIES, sectors=SECTORS)


def change(frame: pd.DataFrame, row: int, **cells) -> pd.DataFrame:
    frame = frame.copy()
    for column, cell in cells.items():
        frame.loc[row, column] = cell
    return frame


def pick(frame: pd.DataFrame, **cells: str) -> pd.Series:
    return pd.concat([frame[name] == cell for name, cell in cells.items()], axis=1).all(axis=1)


# What comes back ---------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [SECTORS, ("c1", "c2", "c10")])
def test_every_cell_is_where_pandas_finds_it(tmp_path, order):
    frame = long_table()
    mixed = frame.sample(frac=1, random_state=3)
    table = read_table_year(
        written(tmp_path, mixed, published(frame)), YEAR, countries=COUNTRIES, sectors=order
    )
    assert (table.year, table.countries, table.sectors) == (YEAR, COUNTRIES, order)
    rows = pd.MultiIndex.from_product([COUNTRIES, order])
    keys = ["source_country", "source_sector"]
    wide = frame.pivot_table(
        index=keys, columns=["use_country", "use"], values="value_musd", fill_value=0
    ).loc[rows]
    np.testing.assert_allclose(table.intermediate / MILLION, wide[list(rows)].to_numpy())
    final = frame[~frame["use"].isin(SECTORS)].groupby([*keys, "use_country"])["value_musd"].sum()
    np.testing.assert_allclose(table.final / MILLION, final.unstack().loc[rows, list(COUNTRIES)])
    output = published(frame).set_index(["country", "sector"])["output_musd"].loc[rows]
    np.testing.assert_allclose(table.output / MILLION, output)
    flows = frame.groupby(["source_country", "use_country", "source_sector"])["value_musd"].sum()
    wanted = flows.loc[list(COUNTRIES)].unstack()[list(order)].to_numpy().reshape(3, 3, 3)
    np.testing.assert_allclose(table.flows() / MILLION, wanted)
    assert table.notes.largest_gap < 1.0


def test_without_an_order_codes_are_sorted_as_text(tmp_path):
    table = read_table_year(written(tmp_path, long_table()), YEAR)
    assert (table.countries, table.sectors) == (COUNTRIES, SECTORS)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999))
def test_a_table_balances_whatever_its_inventories(tmp_path_factory, seed):
    folder = written(tmp_path_factory.mktemp("table"), long_table(seed))
    table = read(folder)
    np.testing.assert_allclose(table.value_added.sum(), table.final.sum(), rtol=1e-12)
    np.testing.assert_allclose(table.flows().sum(axis=1).ravel(), table.output, rtol=1e-12)
    assert table.notes.negative_final_cells == (table.final < 0).sum()


def test_years_are_those_of_the_files(tmp_path):
    for name in ("wiot_2001.parquet", "wiot_1999.parquet", "wiot_99.parquet", "wiot_2000.csv"):
        (tmp_path / name).touch()
    assert table_years(tmp_path) == [1999, 2001]


# What is mended and counted ----------------------------------------------------------------------


def test_negative_final_use_stays_and_is_counted(tmp_path):
    frame = long_table()
    falling = pick(frame, source_country="AAA", source_sector="c1", use_country="BBB",
                   use="INVENTORY")  # fmt: skip
    one_row = pick(frame, source_country="AAA", source_sector="c1", use_country="BBB")
    only = one_row & ~frame["use"].isin(SECTORS) & ~falling
    frame.loc[frame["use"] == "INVENTORY", "value_musd"] = 1.0
    frame.loc[falling, "value_musd"] = -3.0
    table = read(written(tmp_path, frame[~only]))
    assert table.notes.negative_final_cells == 1
    assert table.final[0, 1] == -3 * MILLION


def test_a_sector_that_inventories_leave_without_output_is_cleared(tmp_path):
    frame = long_table()
    gone = pick(frame, source_country="BBB", source_sector="c2")
    stores = gone & pick(frame, use_country="BBB", use="INVENTORY")
    frame.loc[stores, "value_musd"] = -1.0
    table = read(written(tmp_path, frame[~gone | stores]))
    assert table.notes.cleared_rows == 1
    assert table.output[5] == 0
    # It still uses inputs: somebody must have them.
    assert table.notes.inputs_without_output == 1
    assert table.intermediate[:, 5].sum() == 0
    own_inputs = pick(frame, use_country="BBB", use="c2") & ~gone
    moved = frame.loc[own_inputs, "value_musd"].sum() * MILLION
    finals = frame[~gone & pick(frame, use_country="BBB") & ~frame["use"].isin(SECTORS)]
    wanted = finals["value_musd"].sum() * MILLION + moved
    assert table.final[:, 1].sum() == pytest.approx(wanted)
    rows = frame[~gone].groupby(["source_country", "source_sector"])["value_musd"].sum()
    np.testing.assert_allclose(np.delete(table.output, 5) / MILLION, rows.to_numpy())


@pytest.mark.parametrize("use", ["HOUSEHOLD", "c1"])
def test_what_decimals_leave_of_nothing_is_no_output(tmp_path, use):
    """.715 + .298 - 1.013 is not 0 in binary: no sector may take a trillion of its outputs."""
    frame = long_table()
    gone = pick(frame, source_country="BBB", source_sector="c2")
    rows = [("BBB", "c2", "BBB", use, 0.715), ("BBB", "c2", "BBB", "GFCF", 0.298),
            ("BBB", "c2", "BBB", "INVENTORY", -1.013)]  # fmt: skip
    frame = pd.concat([frame[~gone], pd.DataFrame(rows, columns=list(INPUT_OUTPUT.names))])
    table = read(written(tmp_path, frame))
    inputs = table.intermediate[:, 5].sum()
    assert inputs == 0 or inputs < 1e6 * table.output[5]
    assert table.notes.inputs_without_output == (inputs == 0)


def test_inputs_above_output_are_kept_and_counted(tmp_path):
    frame = long_table()
    frame.loc[pick(frame, source_country="AAA", source_sector="c1"), "value_musd"] = 1.0
    table = read(written(tmp_path, frame))
    assert table.value_added[0] < 0
    assert table.notes.negative_value_added == (table.value_added < 0).sum() > 0


def test_rounding_is_no_imbalance_and_the_largest_gap_is_told(tmp_path):
    frame = long_table()
    output = change(published(frame), 4, output_musd=published(frame)["output_musd"][4] + 2)
    table = read(written(tmp_path, frame, output))
    assert table.notes.largest_gap == pytest.approx(2 * MILLION)
    assert table.notes.largest_gap_at == "BBB c10"


def test_without_published_output_there_is_no_gap(tmp_path):
    notes = read(written(tmp_path, long_table())).notes
    assert np.isnan(notes.largest_gap)
    assert notes.largest_gap_at == ""


def test_a_use_that_buys_nothing_need_not_be_there(tmp_path):
    frame = long_table()
    table = read(written(tmp_path, frame[frame["use"] != "c2"]))
    assert table.intermediate[:, 2::3].sum() == 0


# What is wrong -----------------------------------------------------------------------------------


def test_a_year_without_a_table_names_the_years_there_are(tmp_path):
    folder = written(tmp_path, long_table())
    with pytest.raises(InputError, match=r"no wiot_2003\.parquet \(tables found: 2000-2000\)"):
        read_table_year(folder, 2003)
    with pytest.raises(InputError, match=r"1999-2000 and there is no wiot_1999"):
        check_table_years(folder, [1999, 2000])


def test_a_folder_that_is_none_or_has_no_table_is_said(tmp_path):
    with pytest.raises(InputError, match="there is no such folder"):
        check_table_years(tmp_path / "nowhere", [2000])
    with pytest.raises(InputError, match="tables found: none"):
        check_table_years(tmp_path, [2000])


@pytest.mark.parametrize("column", INPUT_OUTPUT.names)
def test_a_missing_column_is_named(tmp_path, column):
    with pytest.raises(InputError, match="the column is missing") as error:
        read(written(tmp_path, long_table().drop(columns=column)))
    assert error.value.column == column


@pytest.mark.parametrize(
    ("column", "cell"),
    [("source_country", "ZZZ"), ("source_sector", "c9"), ("use_country", "ZZZ"), ("use", "GIFT")],
)
def test_a_code_of_the_table_alone_is_an_error(tmp_path, column, cell):
    frame = change(long_table(), 7, **{column: cell})
    with pytest.raises(InputError, match=f"'{cell}' is in the input-output table and not in the "
                       "flows") as error:  # fmt: skip
        read(written(tmp_path, frame))
    assert (error.value.column, error.value.row) == (column, 9)


@pytest.mark.parametrize("column", INPUT_OUTPUT.names[:4])
def test_an_empty_code_is_an_error(tmp_path, column):
    with pytest.raises(InputError, match="an empty cell") as error:
        read(written(tmp_path, change(long_table(), 0, **{column: None})))
    assert (error.value.column, error.value.row) == (column, 2)


def test_a_code_of_the_flows_alone_is_an_error(tmp_path):
    folder = written(tmp_path, long_table())
    with pytest.raises(InputError, match="'DDD' is in the flows and not in the input-output"):
        read_table_year(folder, YEAR, countries=(*COUNTRIES, "DDD"), sectors=SECTORS)
    with pytest.raises(InputError, match="'c3' is in the flows and not in the input-output"):
        read_table_year(folder, YEAR, countries=COUNTRIES, sectors=(*SECTORS, "c3"))


def test_a_negative_sale_to_a_sector_is_an_error(tmp_path):
    frame = long_table()
    row = int(np.flatnonzero(frame["use"] == "c10")[3])
    with pytest.raises(InputError, match=r"is negative .*: -4 million") as error:
        read(written(tmp_path, change(frame, row, value_musd=-4.0)))
    assert error.value.row == row + 2


def test_a_cell_that_is_no_number_is_an_error(tmp_path):
    with pytest.raises(InputError, match="not a finite number"):
        read(written(tmp_path, change(long_table(), 3, value_musd=np.nan)))


def test_a_sale_that_occurs_twice_is_an_error(tmp_path):
    frame = long_table()
    with pytest.raises(InputError, match=r"occurs twice") as error:
        read(written(tmp_path, pd.concat([frame, frame.iloc[[5]]])))
    assert error.value.row == len(frame) + 2


def test_a_row_far_from_the_published_output_says_where_and_by_how_much(tmp_path):
    frame = long_table()
    output = published(frame)
    scaled = output["output_musd"].where(output.index != 7, output["output_musd"] * 1.5)
    gap = output["output_musd"][7] * 0.5
    with pytest.raises(InputError, match=f"balance at ROW c10: .* by {gap:,.0f} million USD, "
                       r"33\.3% of it \(1 sectors"):  # fmt: skip
        read(written(tmp_path, frame, output.assign(output_musd=scaled)))


def test_a_negative_output_says_where_and_by_how_much(tmp_path):
    frame = long_table()
    rows = pick(frame, source_country="BBB", source_sector="c1")
    stores = rows & pick(frame, use_country="AAA", use="INVENTORY")
    others = frame.loc[rows & ~stores, "value_musd"].sum()
    frame.loc[stores, "value_musd"] = -others - 700.0
    with pytest.raises(InputError, match="at BBB c1: its output is negative by 700 million"):
        read(written(tmp_path, frame))


def test_published_output_of_other_years_is_an_error(tmp_path):
    frame = long_table()
    with pytest.raises(InputError, match=r"table of 2000 and no published output .*\(1998-1998\)"):
        read(written(tmp_path, frame, published(frame, year=1998)))
