"""Reports and monthly trade of real countries: what they are of, and what was out when."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from features.information import AsOfRule, InformationSet
from forecasting import RunConfig
from forecasting.inputs.load import LoadedData, load

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
REPORTS = DATA / "reports" / "reported_totals.parquet"
pytestmark = pytest.mark.skipif(
    not REPORTS.is_file(), reason=f"needs the real data, and {REPORTS} is not there"
)
ORIGIN = 2014


@pytest.fixture(scope="module")
def data() -> LoadedData:
    return load(
        RunConfig(
            trade=DATA / "trade" / "goods_totals.parquet",
            reports=REPORTS,
            monthly=DATA / "monthly" / "world_trade_monitor.parquet",
        )
    )


@pytest.fixture(scope="module")
def info(data) -> InformationSet:
    return InformationSet(data.bundle, as_of=AsOfRule().date(ORIGIN))


def test_both_sides_declare_what_the_reconciled_matrix_has(data):
    """Exports near it, imports above by the usual cost of freight and insurance."""
    panel, reports = data.bundle.panel, data.bundle.reports
    seen = reports.seen(date(2030, 1, 1), origin=ORIGIN)
    actual = panel.values[panel.row(2015)].astype(np.float64)
    for side, low, high in (("exporter", -0.1, 0.1), ("importer", 0.05, 0.25)):
        declared = seen.at(side, 2015)
        both = (declared > 0) & (actual > 1e6)
        ratio = np.log(declared[both] / actual[both])
        assert both.sum() > 3000
        assert low < np.median(ratio) < high
        assert np.quantile(np.abs(ratio), 0.75) < 0.5


def test_most_trade_of_the_next_year_has_a_report_in_july(info):
    """Two thirds of it by both sides, and hardly any by neither (clocks of the study)."""
    seen = info.reports
    weight = info.history[-1].astype(np.float64)
    filed = sum(
        (~np.isnan(seen.at(side, ORIGIN + 1))).astype(int) for side in ("importer", "exporter")
    )
    shares = [weight[filed == number].sum() / weight.sum() for number in range(3)]
    assert shares[2] > 0.55
    assert shares[0] < 0.1
    # Nobody has filed the year after.
    assert np.isnan(seen.at("importer", ORIGIN + 2)).all()
    assert (seen.months["importer"][-1] == 0).all()


def test_monthly_trade_ends_with_april(info):
    monthly = info.monthly
    assert monthly.months(ORIGIN + 2).size == 4
    growth = np.log(monthly.months(2009).mean() / monthly.months(2008).mean())
    # World trade fell by 23 % in 2009 (WTO).
    assert growth == pytest.approx(np.log(0.77), abs=0.03)
