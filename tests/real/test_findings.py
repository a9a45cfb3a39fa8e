"""What is noticed in real tables: what is really there, and no more."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from features.data.pairs import PairAttributes
from features.data.panel import TradePanel
from features.plausibility.checks import check_panel

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the real data, and {DATA} is not there"),
]


def test_of_goods_luxembourg_serbia_and_iraqs_embargo_are_noticed():
    panel = TradePanel.read(DATA / "trade" / "goods_totals.parquet")
    started = time.process_time()
    read, _, findings = check_panel(panel)
    seconds = time.process_time() - started
    print(f"{len(findings)} findings in {1000 * seconds:.0f} ms")
    assert [(one.code, one.names, one.years) for one in findings] == [
        ("late-start", ("LUX", "SRB"), (1999, 2005)),
        ("trader-jump", ("IRQ exports",), (1997,)),
    ]
    np.testing.assert_array_equal(read.values, panel.values)
    assert seconds < 0.3


def test_of_sectors_two_flows_that_jump_are_noticed():
    panel = TradePanel.read(DATA / "trade" / "sector_flows.parquet", negatives="zero")
    read, _, findings = check_panel(panel)
    assert [(one.code, one.names) for one in findings] == [
        ("flow-jump", ("ESP -> CHN, c30", "ROW -> TUR, c4"))
    ]
    np.testing.assert_array_equal(read.values, panel.values)


def test_real_pair_files_list_both_directions():
    files = [DATA / "pairs" / f"{name}.parquet" for name in ("geography", "trade_agreements")]
    assert PairAttributes.read(files, countries=("DEU", "FRA", "USA", "VNM")).findings == ()
