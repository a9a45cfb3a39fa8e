"""Market shares of exporters in a destination, and shares of sectors in exports and imports."""

from __future__ import annotations

from features.measures.measure import Array, Measure, TradeYear, ratio


def market_share(year: TradeYear) -> Array:
    """Share of an exporter in an importer's imports, ``x_ij / sum_i x_ij``.

    Returns
    -------
    ndarray, shape ``[exporter, importer]``
        NaN where the importer buys nothing abroad; 0 on the diagonal.
    """
    flows = year.international.sum(axis=2)
    return ratio(flows, flows.sum(axis=0, keepdims=True))


def export_structure(year: TradeYear) -> Array:
    """Share of a sector in a country's exports, shape ``[exporter, sector]``; NaN without any."""
    exports = year.international.sum(axis=1)
    return ratio(exports, exports.sum(axis=1, keepdims=True))


def import_structure(year: TradeYear) -> Array:
    """Share of a sector in a country's imports, shape ``[importer, sector]``; NaN without any."""
    imports = year.international.sum(axis=0)
    return ratio(imports, imports.sum(axis=1, keepdims=True))


MEASURES = (
    Measure("export_structure", "Sector's share of exports", "sectors", "share",
            ("exporter", "sector"), frozenset({"sectors"}), "x_ik / x_i", export_structure),
    Measure("import_structure", "Sector's share of imports", "sectors", "share",
            ("importer", "sector"), frozenset({"sectors"}), "m_jk / m_j", import_structure),
    Measure("market_share", "Market share in a destination", "partners", "share",
            ("exporter", "importer"), frozenset(),
            "x_ij / m_j, share of the exporter in the importer's imports", market_share),
)  # fmt: skip
