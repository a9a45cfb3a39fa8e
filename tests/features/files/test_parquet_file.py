"""A Parquet file is a table of single values, whichever types they have, or is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.data.panel import TradePanel
from features.files.tables import read_table

YEARS = list(range(2000, 2004))


def flows(**changed: pa.Array) -> pa.Table:
    """Two flows of four years; columns changed by name."""
    columns = {
        "exporter": pa.array(["DEU", "FRA"] * 4),
        "importer": pa.array(["FRA", "DEU"] * 4),
        "sector": pa.array(["01"] * 8),
        "year": pa.array(sorted(YEARS * 2)),
        "value_usd": pa.array([1.0, 2.0] * 4),
    }
    return pa.table({**columns, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"sector": pa.array([b"01"] * 8)},
        {"sector": pa.array([b"01"] * 8, pa.binary(2))},
        {"sector": pa.array([b"01"] * 8).dictionary_encode()},
        {"sector": pa.array(["01"] * 8, pa.large_string())},
        {"exporter": pa.array(["DEU", "FRA"] * 4).dictionary_encode()},
        {"value_usd": pa.array([Decimal("1.00"), Decimal("2.00")] * 4)},
        {"value_usd": pa.array([1, 2] * 4, pa.uint64())},
        {"value_usd": pa.array([1, 2] * 4, pa.float16())},
        {"value_usd": pa.array(["1", "2.0"] * 4)},
        {"year": pa.array(sorted(YEARS * 2), pa.uint16())},
        {"year": pa.array(sorted(YEARS * 2), pa.int32()).dictionary_encode()},
    ],
    ids=lambda changed: str(next(iter(changed.values())).type),
)
def test_other_types_of_the_same_values_are_the_same_panel(changed, tmp_path):
    path = tmp_path / "flows.parquet"
    pq.write_table(flows(**changed), path)
    found = TradePanel.read(path)
    assert found.flows.sectors == ("01",)
    assert found.values.tolist() == [[1.0, 2.0]] * 4


@pytest.mark.parametrize(
    ("changed", "row", "says"),
    [
        ({"sector": pa.array([["01"]] * 8)}, None, "list<"),
        ({"value_usd": pa.array([[1.0]] * 8)}, None, "list<"),
        ({"exporter": pa.array([{"a": 1}] * 8)}, None, "struct<"),
        ({"value_usd": pa.array([date(2000, 1, 1)] * 8)}, None, "not numbers"),
        ({"value_usd": pa.array([pd.Timedelta("1D")] * 8)}, None, "not numbers"),
        ({"value_usd": pa.array([True] * 8)}, None, "not numbers"),
        ({"value_usd": pa.array([1.0] * 7 + [None])}, 9, "an empty cell"),
        ({"value_usd": pa.array([1.0] * 7 + [1e308])}, 9, "too large"),
        ({"value_usd": pa.array([1.0] * 7 + [-1e308])}, 9, "too large"),
    ],
)
def test_what_is_no_value_is_refused_by_its_column(changed, row, says, refused, tmp_path):
    path = tmp_path / "flows.parquet"
    pq.write_table(flows(**changed), path)
    (column,) = changed
    refused(lambda: TradePanel.read(path), file=path, column=column, row=row, says=says)


def test_text_that_is_no_text_is_refused(refused, tmp_path):
    path = tmp_path / "flows.parquet"
    pq.write_table(flows(sector=pa.array([b"\xff\x00"] * 8)), path)
    refused(lambda: TradePanel.read(path), file=path, says="cannot be read")


def test_two_columns_of_one_name_are_refused(refused, tmp_path):
    path = tmp_path / "flows.parquet"
    pq.write_table(flows().append_column("value_usd", pa.array([3.0] * 8)), path)
    refused(lambda: TradePanel.read(path), file=path, column="value_usd", says="occurs twice")


def test_what_pandas_noted_makes_no_index_and_no_column(tmp_path):
    folder = tmp_path / "year=1999"
    folder.mkdir()
    table = flows().to_pandas()
    table.set_index(["exporter", "year"]).to_parquet(folder / "index.parquet")
    table[::-1].to_parquet(folder / "rows.parquet")
    assert set(read_table(folder / "index.parquet", text=())) == set(table)
    assert list(read_table(folder / "rows.parquet", text=())) == list(table)


def test_one_value_ten_billion_times_is_refused(refused, tmp_path, monkeypatch):
    monkeypatch.setattr("features.files.parquet_file.memory_limit", lambda: 1 << 20)
    path = tmp_path / "flows.parquet"
    pq.write_table(pa.table({"year": pa.array([2000] * 500_000)}), path)
    assert path.stat().st_size < 5_000
    refused(lambda: read_table(path, text=()), file=path, says="500,000 rows")
