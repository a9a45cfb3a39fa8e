"""Workers of a cluster get the data of the run, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

from features.data.active_flows import ActiveFlows, active_panel
from features.data.monthly import MonthlyTrade
from features.data.report_years import NEVER
from features.data.reports import Reports
from features.information import DataBundle
from forecasting.cluster.bundle_files import read_bundle, write_bundle


def same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert found.tobytes() == expected.tobytes()
        assert found.flags.writeable
    elif is_dataclass(expected):
        for field in fields(expected):
            same(getattr(found, field.name), getattr(expected, field.name))
    elif isinstance(expected, Mapping):
        assert list(found) == list(expected)
        for key, value in expected.items():
            same(found[key], value)
    elif isinstance(expected, tuple):
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    else:
        assert found == expected


@pytest.mark.parametrize(
    "options",
    [{}, {"sectors": ("food", "machines"), "domestic": True}, {"domestic": True, "include": True}],
    ids=["plain", "sectors", "domestic"],
)
def test_a_bundle_is_read_back_to_the_last_bit(make_bundle, tmp_path, options):
    bundle: DataBundle = make_bundle(**options)
    digest = write_bundle(bundle, tmp_path)
    found = read_bundle(tmp_path, digest=digest)
    for name in ("panel", "indicators", "pairs", "sectors", "trade_lag_months"):
        same(getattr(found, name), getattr(bundle, name))


def test_a_panel_of_active_flows_is_read_back_to_the_last_bit(make_bundle, tmp_path):
    panel = active_panel(make_bundle().panel)
    assert isinstance(panel.flows, ActiveFlows)
    digest = write_bundle(DataBundle(panel), tmp_path)
    same(read_bundle(tmp_path, digest=digest).panel, panel)


def test_reports_and_months_are_read_back_to_the_last_bit(make_bundle, tmp_path):
    panel = make_bundle().panel
    days = np.full((panel.years.size, len(panel.flows.countries)), NEVER)
    days[0, 0] = np.datetime64("2009-03-31")
    reports = Reports(panel.flows, panel.years, {"exporter": panel.values}, {"exporter": days})
    monthly = MonthlyTrade(24_000, {("world", "trade"): np.array([1.0, np.nan])}, ("one gap",))
    digest = write_bundle(DataBundle(panel, reports=reports, monthly=monthly), tmp_path)
    found = read_bundle(tmp_path, digest=digest)
    same(found.reports, reports)
    same(found.monthly, monthly)


@pytest.mark.parametrize("damage", ["gone", "in part", "altered"])
def test_a_folder_that_is_not_what_was_written_is_refused(make_bundle, tmp_path, damage):
    digest = write_bundle(make_bundle(), tmp_path)
    if damage == "altered":
        content = (tmp_path / "bundle.json").read_text(encoding="utf-8")
        (tmp_path / "bundle.json").write_text(content + " ", encoding="utf-8")
    else:
        (tmp_path / ("bundle.json" if damage == "gone" else "panel.values.parquet")).unlink()
    with pytest.raises(OSError, match="does not hold"):
        read_bundle(tmp_path, digest=digest)
