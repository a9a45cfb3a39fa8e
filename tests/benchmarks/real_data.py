"""Where the real data stand in their folder, as options of `RunConfig`."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def indicators(data: Path) -> dict[str, Any]:
    """Indicators of countries and attributes of pairs."""
    return {
        "indicators": data / "indicators" / "country_year.parquet",
        "indicator_catalogue": data / "indicators" / "catalogue.csv",
        "pairs": (
            data / "pairs" / "geography.parquet",
            data / "pairs" / "trade_agreements.parquet",
        ),
    }


def goods(data: Path) -> dict[str, Any]:
    """Goods trade in total beside them."""
    return {"trade": data / "trade" / "goods_totals.parquet", **indicators(data)}


def goods_with_reports(data: Path) -> dict[str, Any]:
    """The same with what countries declare."""
    return {**goods(data), "reports": data / "reports" / "reported_totals.parquet"}


def sectors(data: Path) -> dict[str, Any]:
    """Trade and sales at home by sector with input-output tables, 1995-2009."""
    return {
        "trade": data / "trade" / "sector_flows.parquet",
        "domestic": "include",
        "negatives": "zero",
        "sectors": data / "trade" / "sectors.csv",
        "tables": data / "icio",
        **indicators(data),
    }
