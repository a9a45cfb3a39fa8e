"""Flows set apart by year: however they are cut in blocks, their sums are those of a table."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.countries.source_codes import alpha2_to_iso3
from features.errors import SourceError
from features.tidy.flow_spool import FlowSpool
from features.tidy.parts import Notes

CODES = ("NA", "DE", "US", "GB", "UK")
SECTORS = ("a", "b")

cells = st.tuples(
    st.sampled_from(CODES[:4]),
    st.sampled_from(CODES[:4]),
    st.integers(2000, 2003),
    st.integers(0, 3),
    st.integers(-5, 100),
    st.booleans(),
)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(cells, min_size=1, max_size=60, unique_by=lambda row: row[:4]),
    size=st.integers(1, 20),
)
def test_tables_are_the_sums_of_the_rows(rows, size):
    frame = pd.DataFrame(rows, columns=["exporter", "importer", "year", "fine", "value", "kept"])
    with tempfile.TemporaryDirectory() as folder:
        spool = FlowSpool(Path(folder) / "spool", file="toy")
        for start in range(0, len(frame), size):
            block = frame.iloc[start : start + size]
            spool.add(
                block["kept"].to_numpy(),
                exporter=pa.array(block["exporter"].tolist()).dictionary_encode(),
                importer=pa.array(block["importer"].tolist()).dictionary_encode(),
                year=block["year"].to_numpy(),
                sector=block["fine"].to_numpy(),
                value=block["value"].to_numpy(dtype=float),
            )
        kept = frame[frame["kept"]]
        if kept.empty:
            return
        assert spool.chosen() == tuple(sorted(set(kept["year"])))
        flows = spool.translated(alpha2_to_iso3, column="exporter")
        group = np.array([0, 0, 1, 1])
        made = pd.concat(
            flows.table(year, Notes(), sectors=SECTORS, group=group).to_pandas()
            for year in spool.chosen()
        )
    iso3 = {"NA": "NAM", "DE": "DEU", "US": "USA", "GB": "GBR"}
    expected = (
        kept.assign(exporter=kept["exporter"].map(iso3), importer=kept["importer"].map(iso3),
                    sector=kept["fine"].map(lambda one: SECTORS[one // 2]))
        .groupby(["exporter", "importer", "sector", "year"])["value"].sum()
    )  # fmt: skip
    keys = ["exporter", "importer", "sector", "year"]
    made = made.astype(dict.fromkeys(keys[:3], "str"))
    assert made.set_index(keys)["value_usd"].to_dict() == expected.astype(float).to_dict()


def test_two_codes_of_one_country_are_no_silent_sum(tmp_path):
    spool = FlowSpool(tmp_path / "spool", file="toy")
    spool.add(
        np.array([True, True]),
        exporter=pa.array(["GB", "UK"]).dictionary_encode(),
        importer=pa.array(["US", "US"]).dictionary_encode(),
        year=np.array([2000, 2000]),
        sector=np.array([0, 0]),
        value=np.array([1.0, 2.0]),
    )
    flows = spool.translated(alpha2_to_iso3, column="exporter")
    with pytest.raises(SourceError, match="1 flows of 2000 occur twice"):
        flows.table(2000, Notes(), sectors=None, group=np.zeros(1, dtype=int))


def test_a_folder_left_by_a_killed_process_is_emptied(tmp_path):
    old = tmp_path / "spool" / "1990.bin"
    old.parent.mkdir()
    old.write_bytes(b"x")
    spool = FlowSpool(tmp_path / "spool", file="toy")
    assert not old.exists()
    del spool
    assert not old.parent.exists()
