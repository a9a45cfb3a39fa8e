from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.data.sectors import SectorAttributes
from features.errors import InputError
from features.reading.schemas import SECTOR_KINDS

TABLE = pd.DataFrame(
    {
        "sector": ["farm", "cars", "chips", "bank", "hair"],
        "name": ["Farming", "Cars", "Chips", "Banking", "Hairdressers"],
        "kind": ["goods", "manufacturing", "manufacturing", "services", "services"],
        "digitally_deliverable": [0, 0, 0, 1, 0],
        "automation_exposure": [0.2, 0.9, 0.7, 0.1, 0.0],
        "ai_exposure": [0.1, 0.3, 0.5, 1.0, 0.2],
    }
)
SECTORS = ("bank", "cars", "farm")


def changed(column, value, *, row=1):
    table = TABLE.astype({column: object})
    table.loc[row, column] = value
    return table


def read(table, folder, *, ending="csv", sectors=SECTORS):
    file = folder / f"sectors.{ending}"
    if ending == "parquet":
        table.to_parquet(file)
    else:
        table.to_csv(file, index=False)
    return SectorAttributes.read(file, sectors=sectors)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_attributes_stand_in_the_order_of_the_flows(tmp_path, ending):
    found = read(TABLE, tmp_path, ending=ending)
    assert found.sectors == SECTORS
    assert found.names == ("Banking", "Cars", "Farming")
    assert found.services.tolist() == [True, False, False]
    assert found.manufacturing.tolist() == [False, True, False]
    assert found.goods.tolist() == [False, True, True]
    assert found.digital.tolist() == [True, False, False]
    for name, expected in (
        ("automation_exposure", [0.1, 0.9, 0.2]),
        ("ai_exposure", [1, 0.3, 0.1]),
    ):
        assert getattr(found, name).dtype == np.float64
        assert getattr(found, name).tolist() == expected
    assert found.statements == (
        "3 sectors, 1 digitally deliverable",
        "2 sectors without flows not used",
    )


@hypothesis_settings(max_examples=30, deadline=None)
@given(st.permutations(list(TABLE["sector"])), st.permutations(range(5)), st.integers(1, 5))
def test_the_order_of_the_file_does_not_matter(sectors, rows, count):
    wanted = sectors[:count]
    found = SectorAttributes.from_frame(TABLE.iloc[rows], sectors=wanted)
    for code, name, made, exposure in zip(
        found.sectors, found.names, found.manufacturing, found.ai_exposure, strict=True
    ):
        row = TABLE[TABLE["sector"] == code].iloc[0]
        assert (row["name"], row["kind"] == "manufacturing", row["ai_exposure"]) == (
            name, made, exposure,
        )  # fmt: skip


def test_without_exposures_the_coarsest_split_stands_in_and_is_said():
    table = TABLE.drop(columns=["automation_exposure", "ai_exposure", "name"])
    found = SectorAttributes.from_frame(table, sectors=tuple(TABLE["sector"]))
    assert found.automation_exposure.tolist() == [0, 1, 1, 0, 0]
    assert found.ai_exposure.tolist() == [0, 0, 0, 1, 0]
    assert found.ai_exposure.dtype == found.automation_exposure.dtype == np.float64
    assert found.names == found.sectors
    assert found.statements[1:] == (
        "no column automation_exposure: 1 for manufacturing, 0 for others",
        "no column ai_exposure: 1 for digital services, 0 for others",
    )


def test_goods_that_are_flagged_as_digital_are_counted_and_said():
    found = SectorAttributes.from_frame(changed("digitally_deliverable", 1), sectors=SECTORS)
    assert found.digital.tolist() == [True, False, False]
    assert "1 flagged digitally deliverable, not services: not counted" in found.statements


@pytest.mark.parametrize("kind", ["bool", "boolean", "Int64", "float64", "str"])
def test_flags_may_be_written_in_every_usual_way_and_codes_be_numbers(kind):
    table = TABLE.assign(sector=[1, 2, 3, 4, 5]).astype({"digitally_deliverable": kind})
    found = SectorAttributes.from_frame(table, sectors=("4", "1"))
    assert found.digital.tolist() == [True, False]
    assert found.digital.dtype == np.bool_


def test_a_sector_without_a_name_goes_by_its_code(tmp_path):
    assert read(changed("name", None), tmp_path).names == ("Banking", "cars", "Farming")


def test_a_sector_may_be_called_na(tmp_path):
    found = read(changed("sector", "NA"), tmp_path, sectors=("NA", "bank"))
    assert found.names == ("Cars", "Banking")


BROKEN = {
    "unknown kind": (changed("kind", "factory"), "kind", 3, "'factory' is not one of goods"),
    "empty kind": (changed("kind", None), "kind", 3, "an empty cell"),
    "flag": (changed("digitally_deliverable", 2), "digitally_deliverable", 3, "neither 0 nor 1"),
    "no flag": (changed("digitally_deliverable", None), "digitally_deliverable", 3, ""),
    "text flag": (changed("digitally_deliverable", "yes"), "digitally_deliverable", 3, "'yes' is"),
    "duplicate": (changed("sector", "farm"), "sector", 3, "farm occurs twice"),
    "empty sector": (changed("sector", None), "sector", 3, "an empty cell"),
    "per cent": (
        changed("automation_exposure", 50),
        "automation_exposure",
        3,
        "50.0 is not a number",
    ),
    "above one": (changed("ai_exposure", 1.01), "ai_exposure", 3, "1.01 is not a number"),
    "negative": (
        changed("automation_exposure", -0.1),
        "automation_exposure",
        3,
        "-0.1 is not a number",
    ),
    "no number": (changed("ai_exposure", "high"), "ai_exposure", 3, "'high' is not"),
    "absent": (TABLE[TABLE["sector"] != "cars"], "sector", None, "'cars' of the flows has no row"),
    "two absent": (TABLE.iloc[3:], "sector", None, "no row (2 sectors have none)"),
    "no column": (TABLE.drop(columns="kind"), "kind", None, "missing"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_table_is_refused_where_it_is_broken(tmp_path, refused, name):
    table, column, row, says = BROKEN[name]
    file = tmp_path / "sectors.csv"
    refused(lambda: read(table, tmp_path), file=file, column=column, row=row, says=says)


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_an_exposure_is_finite(refused, value):
    table = TABLE.assign(ai_exposure=[0.1, value, 0.1, 0.1, 0.1])
    refused(
        lambda: SectorAttributes.from_frame(table, sectors=SECTORS),
        file="sector table", column="ai_exposure", row=3,
    )  # fmt: skip


IN_MEMORY = {
    "an empty cell among booleans": (
        TABLE.assign(digitally_deliverable=pd.array([False, None, False, True, False], "boolean")),
        "digitally_deliverable", 3, "an empty cell",
    ),
    "a number as code of two": (
        TABLE.assign(sector=[1, 2, 2, 4, 5]), "sector", 4, "2 occurs twice"
    ),
    "two rows without a sector": (
        TABLE.assign(sector=["farm", None, None, "bank", "cars"]), "sector", 3, "an empty cell"
    ),
    "a column twice": (
        pd.concat([TABLE, TABLE[["kind"]]], axis=1), "kind", None, "the column occurs twice"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_MEMORY)
def test_what_no_file_holds_is_refused_in_the_same_words(refused, name):
    table, column, row, says = IN_MEMORY[name]
    refused(
        lambda: SectorAttributes.from_frame(table, sectors=SECTORS),
        file="sector table", column=column, row=row, says=says,
    )  # fmt: skip


def test_flows_without_sectors_need_no_table(refused):
    refused(
        lambda: SectorAttributes.from_frame(TABLE, sectors=("",)),
        file="sector table", column="sector", says="the flows have no sectors",
    )  # fmt: skip


def test_kinds_are_told_apart():
    assert set(TABLE["kind"]) == set(SECTOR_KINDS)


def test_data_intensity_is_read_or_unknown_and_never_assumed():
    assert SectorAttributes.from_frame(TABLE, sectors=SECTORS).data_intensity is None
    given = TABLE.assign(data_intensity=[0.0, 0.1, 0.2, 1.0, 0.5])
    found = SectorAttributes.from_frame(given, sectors=SECTORS)
    assert found.data_intensity.tolist() == [1.0, 0.1, 0.0]
    with pytest.raises(InputError, match="data_intensity"):
        SectorAttributes.from_frame(TABLE.assign(data_intensity=2.0), sectors=SECTORS)
