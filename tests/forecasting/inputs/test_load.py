"""Files of a run: what is read, what is stated about it, and what is refused before any work."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.data.sectors import SectorAttributes
from forecasting import RunConfig
from forecasting.inputs.load import load

SECTORS = ("goods", "services")
CATALOGUE = (
    "sector,kind,digitally_deliverable,automation_exposure\n"
    "services,services,1,0.2\n"
    "goods,manufacturing,0,0.75\n"
)


@pytest.fixture
def files(make_trade, tmp_path) -> dict[str, Path]:
    """Flows by sector with domestic sales, a table of sectors and a folder of tables."""
    made = {"trade": tmp_path / "flows.csv", "sectors": tmp_path / "sectors.csv"}
    make_trade(sectors=SECTORS, domestic=True).to_csv(made["trade"], index=False)
    made["sectors"].write_text(CATALOGUE)
    made["tables"] = tmp_path / "tables"
    made["tables"].mkdir()
    for name in ("wiot_2001.parquet", "wiot_2000.parquet", "gross_output.parquet", "notes.txt"):
        (made["tables"] / name).write_text(name)
    return made


def loaded(files: dict[str, Path], *names: str, **options: Any):
    # Tables hold domestic sales, and are refused where these are kept apart.
    if "tables" in names:
        options = {"domestic": "include", **options}
    return load(RunConfig(**{name: files[name] for name in names}, **options))


def test_domestic_flows_are_apart_or_included_as_asked(files):
    for domestic, cells in (("apart", 8 * 7 * 2), ("include", 8 * 8 * 2)):
        data = loaded(files, "trade", domestic=domestic)
        assert data.bundle.panel.flows.size == cells
        (trade,) = data.sources
        statements = [line for line in trade.statements if line.startswith("domestic flows")]
        assert len(statements) == 1
        assert ("totals are gross output" in statements[0]) == (domestic == "include")


def test_attributes_of_sectors_are_read_in_the_order_of_the_flows(files):
    data = loaded(files, "trade", "sectors")
    expected = SectorAttributes.read(files["sectors"], sectors=SECTORS)
    np.testing.assert_array_equal(data.bundle.sectors.automation_exposure, [0.75, 0.2])
    source = data.sources[-1]
    assert (source.role, source.path) == ("sectors", str(files["sectors"]))
    assert source.sha256 == hashlib.sha256(CATALOGUE.encode()).hexdigest()
    assert source.statements == expected.statements
    assert loaded(files, "trade").bundle.sectors is None


def test_every_table_is_a_source_with_its_digest(files):
    sources = [s for s in loaded(files, "trade", "tables").sources if s.role == "tables"]
    names = ["gross_output.parquet", "wiot_2000.parquet", "wiot_2001.parquet"]
    assert [Path(source.path).name for source in sources] == names
    assert [source.sha256 for source in sources] == [
        hashlib.sha256(name.encode()).hexdigest() for name in names
    ]


@pytest.mark.parametrize(
    ("gone", "says"),
    [
        (("gross_output.parquet",), "the folder has no gross_output.parquet"),
        (("wiot_2000.parquet", "wiot_2001.parquet"), "the folder has no wiot_*.parquet"),
    ],
)
def test_a_folder_that_lacks_a_table_is_refused(files, refused, gone, says):
    for name in gone:
        (files["tables"] / name).unlink()
    refused(lambda: loaded(files, "trade", "tables"), file=files["tables"], says=says)


def test_a_folder_named_like_a_table_is_refused(files, refused):
    (files["tables"] / "wiot_1995.parquet").mkdir()
    refused(lambda: loaded(files, "trade", "tables"), file=files["tables"] / "wiot_1995.parquet",
            says="this is not a file")  # fmt: skip


@pytest.mark.parametrize("value", ["1e308", "-1e308"])
def test_a_pair_attribute_that_no_feature_could_hold_is_refused(files, refused, tmp_path, value):
    path = tmp_path / "pairs.csv"
    path.write_text(f"iso3_o,iso3_d,dist\nDEU,FRA,1\nFRA,DEU,{value}\n")
    refused(lambda: loaded(files, "trade", pairs=path), file=path, column="dist", row=3,
            says="is too large")  # fmt: skip


def test_a_folder_that_is_not_there_is_refused(files, refused):
    files["tables"] = files["tables"] / "elsewhere"
    refused(lambda: loaded(files, "trade", "tables"), file=files["tables"], says="no such folder")


@pytest.mark.parametrize("name", ["sectors", "tables"])
def test_sectors_of_flows_without_sectors_are_refused(files, make_trade, refused, name):
    make_trade(domestic=True).to_csv(files["trade"], index=False)
    refused(lambda: loaded(files, "trade", name), file=files["trade"], column="sector",
            says="the trade file has no sectors")  # fmt: skip
