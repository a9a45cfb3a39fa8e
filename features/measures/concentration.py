"""Concentration of suppliers and of markets, and dependence on the largest supplier."""

from __future__ import annotations

from features.measures.measure import Array, Measure, TradeYear, ratio

_HHI = "Herfindahl and Hirschman's index of shares, normalised: (HHI - 1/n) / (1 - 1/n)"


def herfindahl(shares: Array, *, partners: int) -> Array:
    """``(sum s^2 - 1/n) / (1 - 1/n)`` over the first axis: 0 for even shares, 1 for one partner.

    Parameters
    ----------
    shares
        Sum to 1 over the first axis; NaN without trade, as is the index then.
    partners
        Possible partners, n: all other countries of the panel, including the rest of the world. A
        single possible partner has an index of 1.
    """
    index = (shares**2).sum(axis=0)
    if partners < 2:
        return index
    return (index - 1.0 / partners) / (1.0 - 1.0 / partners)


def _shares(flows: Array) -> Array:
    return ratio(flows, flows.sum(axis=0, keepdims=True))


def supplier_concentration(year: TradeYear) -> Array:
    """Normalised HHI of an importer's foreign suppliers, all sectors, shape ``[importer]``."""
    shares = _shares(year.international.sum(axis=2))
    return herfindahl(shares, partners=len(shares) - 1)


def supplier_concentration_by_sector(year: TradeYear) -> Array:
    """The same by sector, shape ``[importer, sector]``."""
    shares = _shares(year.international)
    return herfindahl(shares, partners=len(shares) - 1)


def market_concentration(year: TradeYear) -> Array:
    """Normalised HHI of an exporter's destinations, all sectors, shape ``[exporter]``."""
    shares = _shares(year.international.sum(axis=2).T)
    return herfindahl(shares, partners=len(shares) - 1)


def effective_suppliers(year: TradeYear) -> Array:
    """``1 / sum s^2``: suppliers of equal size with the same concentration, ``[importer]``.

    NaN where the country imports nothing.
    """
    index = (_shares(year.international.sum(axis=2)) ** 2).sum(axis=0)
    return 1.0 / index


def largest_supplier(year: TradeYear) -> Array:
    """Share of the largest supplier in a country's imports, all sectors, shape ``[importer]``.

    NaN where the country imports nothing.
    """
    return _shares(year.international.sum(axis=2)).max(axis=0)


def largest_supplier_by_sector(year: TradeYear) -> Array:
    """The same by sector, shape ``[importer, sector]``."""
    return _shares(year.international).max(axis=0)


MEASURES = (
    Measure("supplier_concentration", "Concentration of suppliers", "partners", "index from 0 to 1",
            ("importer",), frozenset(), _HHI, supplier_concentration),
    Measure("supplier_concentration_by_sector", "Concentration of suppliers, by sector",
            "partners", "index from 0 to 1", ("importer", "sector"), frozenset({"sectors"}), _HHI,
            supplier_concentration_by_sector),
    Measure("market_concentration", "Concentration of markets", "partners", "index from 0 to 1",
            ("exporter",), frozenset(), _HHI, market_concentration),
    Measure("effective_suppliers", "Effective number of suppliers", "partners", "partners",
            ("importer",), frozenset(), "1 / sum of squared shares (Laakso and Taagepera 1979, "
            "doi:10.1177/001041407901200101)", effective_suppliers),
    Measure("largest_supplier", "Dependence on the largest supplier", "partners", "share",
            ("importer",), frozenset(), "largest share in imports", largest_supplier),
    Measure("largest_supplier_by_sector", "Dependence on the largest supplier, by sector",
            "partners", "share", ("importer", "sector"), frozenset({"sectors"}),
            "largest share in a sector's imports", largest_supplier_by_sector),
)  # fmt: skip
