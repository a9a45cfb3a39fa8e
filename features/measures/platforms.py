"""Platforms: how concentrated exporters are, and on whose data and hosts exports depend.

Computer services and charges for intellectual property are two rows of the measures by sector where
the trade file has such sectors (BaTIS: ``SI`` and ``SH``). Trade between countries shows where
platforms are, and nothing of single firms.
"""

from __future__ import annotations

import numpy as np

from features.countries.panel_codes import AGGREGATES
from features.measures.measure import Array, Measure, Need, TradeYear, ratio

LARGEST = 3
"""Exporters in the share of the largest."""
_HOSTS = "Akiwate et al. (2024), arXiv:2406.19569, hosts weighted by trade in digital services"


def _world_shares(year: TradeYear) -> Array:
    """Share of each country in the world's exports of a sector, ``[exporter, sector]``.

    An aggregate such as ROW is many countries, each small: it counts in the world's exports only.
    """
    exports = year.international.sum(axis=1)
    shares = ratio(exports, exports.sum(axis=0, keepdims=True))
    one = np.array([code not in AGGREGATES for code in year.context.countries])
    # Unknown shares stay unknown.
    shares[~one] *= 0.0
    return shares


def exporter_concentration(year: TradeYear) -> Array:
    """Herfindahl and Hirschman's index of exporters, ``sum_i (x_ik / x_k)^2``, shape ``[sector]``.

    Not normalised: the number of countries behind an aggregate is unknown. NaN where nobody exports
    the sector.
    """
    index: Array = (_world_shares(year) ** 2).sum(axis=0)
    return index


def three_largest_exporters(year: TradeYear) -> Array:
    """Share of the three largest exporters in the world's exports of a sector, ``[sector]``.

    NaN where nobody exports the sector.
    """
    share: Array = np.sort(_world_shares(year), axis=0)[-LARGEST:].sum(axis=0)
    return share


def digital_balance(year: TradeYear) -> Array:
    """``(x_i - m_i) / (x_i + m_i)`` of digitally deliverable services, shape ``[country]``.

    From -1, only imports, to 1, only exports; NaN without either.
    """
    digital = year.context.digital
    assert digital is not None
    flows = year.international[:, :, digital].sum(axis=2)
    sold, bought = flows.sum(axis=1), flows.sum(axis=0)
    return ratio(sold - bought, sold + bought)


def data_intensive_value_added(year: TradeYear) -> Array:
    """Own value added in exports weighted by the data intensity of its sector, ``[exporter]``.

    ``sum over k of d_k (v_r B_rr E_r)_k / E_r`` with d the intensity; NaN without exports.
    """
    intensity, chains = year.context.data_intensity, year.chains
    assert intensity is not None
    assert chains is not None
    return ratio(chains.domestic_origin_of_exports @ intensity, chains.exports)


def foreign_data_value_added(year: TradeYear) -> Array:
    """Share of the data-intensive value added in exports made abroad, ``[exporter]``.

    1 less ``sum_k d_k (v_r B_rr E_r)_k`` over ``sum_s,k d_k (v_s B_sr E_r)_k``; NaN where exports
    hold none.
    """
    intensity, chains = year.context.data_intensity, year.chains
    assert intensity is not None
    assert chains is not None
    whole, own = (
        origin @ intensity
        for origin in (chains.origin_of_exports, chains.domestic_origin_of_exports)
    )
    return ratio(whole - own, whole)


def hosts_of_digital_imports(year: TradeYear) -> Array:
    """Mean hosting share of those a country buys digital services from, shape ``[importer]``.

    ``sum_i h_ij m_ij / m_j`` over suppliers i of digitally deliverable services with a known
    hosting share h_ij, of j's content in i; NaN without such imports.
    """
    digital, hosting = year.context.digital, year.context.hosting
    assert digital is not None
    assert hosting is not None
    flows = year.international[:, :, digital].sum(axis=2)
    flows = np.where(np.isnan(hosting), 0.0, flows)
    return ratio((flows * np.nan_to_num(hosting)).sum(axis=0), flows.sum(axis=0))


_SECTORS: frozenset[Need] = frozenset({"sectors"})
_DATA: frozenset[Need] = frozenset({"data", "tables"})
_VALUE = "value added by sector of origin (Koopman, Wang and Wei 2014) x data intensity of sectors"
MEASURES = (
    Measure("exporter_concentration", "Concentration of exporters, by sector", "platforms",
            "index from 0 to 1", ("sector",), _SECTORS,
            "sum of squared shares in the world's exports", exporter_concentration),
    Measure("three_largest_exporters", "Share of the three largest exporters, by sector",
            "platforms", "share", ("sector",), _SECTORS,
            "sum of the three largest shares in the world's exports", three_largest_exporters),
    Measure("digital_balance", "Balance of digitally deliverable services", "platforms", "index",
            ("country",), frozenset({"kinds"}), "(exports - imports) / (exports + imports)",
            digital_balance),
    Measure("data_intensive_value_added", "Data-intensive own value added in exports", "platforms",
            "share", ("exporter",), _DATA, _VALUE, data_intensive_value_added),
    Measure("foreign_data_value_added", "Foreign share of data-intensive value added in exports",
            "platforms", "share", ("exporter",), _DATA, _VALUE, foreign_data_value_added),
    Measure("hosts_of_digital_imports", "Hosting by suppliers of digital services", "platforms",
            "share", ("importer",), frozenset({"kinds", "hosting"}), _HOSTS,
            hosts_of_digital_imports),
)  # fmt: skip
