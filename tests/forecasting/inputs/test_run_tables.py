from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from features.data.input_output import InputOutputTable
from features.errors import InputError
from forecasting.inputs.run_tables import run_tables, table_of_origin
from forecasting.options.run_config import RunConfig


def table(year: int) -> InputOutputTable:
    return InputOutputTable(year, ("AAA", "BBB"), ("s",), np.diag([1.0, 2.0]), np.eye(2))


def result(*, sha: str = "", path: str = "the world", **options: object) -> SimpleNamespace:
    source = {"role": "trade", "path": path, "sha256": sha}
    return SimpleNamespace(config=RunConfig(**options), provenance={"data": [source]})


def test_a_simulated_world_has_its_own_tables_and_a_folder_counts_first(monkeypatch) -> None:
    tables = {2001: table(2001)}
    world = SimpleNamespace(name="the world", tables=tables)
    monkeypatch.setattr("forecasting.inputs.run_tables.simulated_data", lambda *_, **__: world)
    assert run_tables(result()) is tables
    # A file of that name, or a panel in memory, is not that world.
    assert run_tables(result(sha="0" * 64)) is None
    assert run_tables(result(path="a panel in memory")) is None
    assert run_tables(SimpleNamespace(config=RunConfig(), provenance={"data": []})) is None


def test_the_newest_table_up_to_the_origin_is_taken_in_the_order_asked_for() -> None:
    tables = {2001: table(2001), 2003: table(2003), 2009: table(2009)}
    found = table_of_origin(tables, 2005, countries=("BBB", "AAA"), sectors=("s",))
    assert found.year == 2003
    np.testing.assert_array_equal(found.output, [3.0, 2.0])
    with pytest.raises(InputError, match="no table of 2000 or before"):
        table_of_origin(tables, 2000, countries=("AAA", "BBB"), sectors=("s",))


def test_a_folder_without_tables_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        table_of_origin(tmp_path, 2005, countries=("AAA",), sectors=("s",))
