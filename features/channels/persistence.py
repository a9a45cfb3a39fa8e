"""Persistence and momentum: the past of a flow and of similar flows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.channels.history import HISTORY_COLUMNS, history_columns
from features.channels.structure import STRUCTURE_COLUMNS, structure_columns
from features.feature import Feature, FlowValues, Sign
from features.information import InformationSet

_UNITS = {
    "log_value": "ln USD",
    "share_of_exporter": "ln share",
    "share_of_importer": "ln share",
    "intensity": "ln ratio",
    "zeros_5": "years",
    "years_since_trade": "years",
    "link_age": "years",
    "reverse_value": "ln USD",
}
_SIGNS: dict[str, Sign] = {
    "intensity_gap_3": "-",
    "intensity_gap_5": "-",
    "intensity_gap_10": "-",
    "value_gap_5": "-",
    "reverse_value": "+",
}


def _history(name: str) -> FlowValues:
    column = HISTORY_COLUMNS.index(name)
    return lambda info: history_columns(info)[column]


def _declare(name: str) -> Feature:
    return Feature(
        name=name,
        channel="persistence",
        unit=_UNITS.get(name, "midpoint growth or ln ratio"),
        series=(),
        sign=_SIGNS.get(name, "none"),
        source="Besedes and Prusa (2003), doi:10.3386/w9936"
        if name in ("link_age", "zeros_5", "years_since_trade")
        else "mean reversion of trade intensities",
        build=_history(name),
    )


def _structure(name: str) -> FlowValues:
    column = STRUCTURE_COLUMNS.index(name)
    return lambda info: structure_columns(info)[column]


def _declare_structure(name: str) -> Feature:
    gap = name == "structure_gap"
    return Feature(
        name=name,
        channel="persistence",
        unit="share" if "silent" in name else "ln ratio",
        series=(),
        sign="+" if gap else "none",
        source="Mazumder, Hastie and Tibshirani (2010), JMLR 11"
        if gap
        else "growth of flows of like countries",
        build=_structure(name),
    )


def _sector_share(info: InformationSet) -> NDArray[np.float32]:
    """Log share of the sector in the pair's trade; 0 in a panel without sectors."""
    now = info.history[-1]
    return np.log(np.maximum(now, 1)) - np.log(np.maximum(info.flows.pair_totals(now), 1))


def _comparative_advantage(info: InformationSet) -> NDArray[np.floating]:
    """Log revealed comparative advantage of the exporter in the sector (Balassa 1965)."""
    by_sector = info.exports[-1].reshape(-1, len(info.flows.sectors))
    share = by_sector / np.maximum(by_sector.sum(axis=1, keepdims=True), 1)
    world = by_sector.sum(axis=0) / max(by_sector.sum(), 1)
    known = (share > 0) & (world > 0)
    advantage = np.divide(share, world, out=np.ones_like(share), where=known)
    return np.log(advantage).ravel()[info.flows.exporter_margin]


FEATURES: tuple[Feature, ...] = (
    *(_declare(name) for name in HISTORY_COLUMNS),
    *(_declare_structure(name) for name in STRUCTURE_COLUMNS),
    Feature(
        "sector_share_of_pair", "persistence", "ln share", (), "none", "basket of the pair",
        _sector_share,
    ),
    Feature(
        "comparative_advantage", "persistence", "ln ratio", (), "two-sided",
        "Balassa (1965), doi:10.1111/j.1467-9957.1965.tb00050.x", _comparative_advantage,
    ),
)  # fmt: skip
