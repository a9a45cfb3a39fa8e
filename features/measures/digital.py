"""Digitally deliverable services: traded themselves, and as inputs to other exports.

The user names the sectors (column ``digitally_deliverable`` of the sector table). What an industry
could deliver over a network is an upper bound of what it does deliver that way.
"""

from __future__ import annotations

import numpy as np

from features.measures.measure import Array, Measure, Need, TradeYear, ratio

_UNCTAD = "UNCTAD (2015), digitally deliverable services, by industry instead of by service"


def digital_share_of_exports(year: TradeYear) -> Array:
    """Their share in all exports, ``x_i,digital / x_i``, shape ``[exporter]``.

    NaN without exports.
    """
    digital = year.context.digital
    assert digital is not None
    exports = year.international.sum(axis=1)
    return ratio(exports[:, digital].sum(axis=1), exports.sum(axis=1))


def digital_share_of_services(year: TradeYear) -> Array:
    """Their share in exports of services, ``x_i,digital / x_i,services``, ``[exporter]``.

    NaN without exports of services.
    """
    digital, services = year.context.digital, year.context.services
    assert digital is not None
    assert services is not None
    exports = year.international.sum(axis=1)
    return ratio(exports[:, digital].sum(axis=1), exports[:, services].sum(axis=1))


def digital_market_share(year: TradeYear) -> Array:
    """Share of a country in the world's exports of them, shape ``[exporter]``.

    ``x_i,digital / x_world,digital``; NaN where nobody exports any.
    """
    digital = year.context.digital
    assert digital is not None
    exports = year.international.sum(axis=1)[:, digital].sum(axis=1)
    return ratio(exports, exports.sum(keepdims=True))


def digital_export_intensity(year: TradeYear) -> Array:
    """Exported share of their output, ``x_i,digital / y_i,digital``, shape ``[exporter]``.

    Services that become tradable raise it. NaN without output.
    """
    digital = year.context.digital
    assert digital is not None
    flows = year.values[:, :, digital].sum(axis=2)
    made = flows.sum(axis=1)
    return ratio(made - np.diagonal(flows), made)


def digital_import_penetration(year: TradeYear) -> Array:
    """Imported share of purchases of them, shape ``[importer]``; NaN without purchases."""
    digital = year.context.digital
    assert digital is not None
    flows = year.values[:, :, digital].sum(axis=2)
    bought = flows.sum(axis=0)
    return ratio(bought - np.diagonal(flows), bought)


def digital_value_added(year: TradeYear) -> Array:
    """Value added of digital sectors of all countries in exports, shape ``[exporter]``.

    ``sum over s, digital k of (v B E_r)_sk / E_r``; NaN without exports.
    """
    digital, chains = year.context.digital, year.chains
    assert digital is not None
    assert chains is not None
    return ratio(chains.origin_of_exports[:, digital].sum(axis=1), chains.exports)


def services_in_goods(year: TradeYear) -> Array:
    """Value added of service sectors of all countries in exports of goods, ``[exporter]``.

    ``sum over s, service k of (v B G_r)_sk / G_r`` with G the exports of goods; NaN without any.
    """
    services, chains = year.context.services, year.chains
    assert services is not None
    assert chains is not None
    assert chains.origin_of_goods_exports is not None
    origin = chains.origin_of_goods_exports
    return ratio(origin[:, services].sum(axis=1), origin.sum(axis=1))


_KINDS: frozenset[Need] = frozenset({"kinds"})
_AT_HOME: frozenset[Need] = frozenset({"kinds", "domestic"})
_BOTH: frozenset[Need] = frozenset({"kinds", "tables"})
_VALUE = (
    "value added by sector of origin, v B E; Koopman, Wang and Wei (2014), "
    "doi:10.1257/aer.104.2.459"
)
MEASURES = (
    Measure("digital_share_of_exports", "Digitally deliverable share of all exports", "digital",
            "share", ("exporter",), _KINDS, _UNCTAD, digital_share_of_exports),
    Measure("digital_share_of_services", "Digitally deliverable share of services exports",
            "digital", "share", ("exporter",), _KINDS, _UNCTAD, digital_share_of_services),
    Measure("digital_market_share", "Share of the world's digitally deliverable exports",
            "digital", "share", ("exporter",), _KINDS, _UNCTAD, digital_market_share),
    Measure("digital_export_intensity", "Exported share of digitally deliverable output", "digital",
            "share", ("exporter",), _AT_HOME, "exports / output", digital_export_intensity),
    Measure("digital_import_penetration", "Imported share of digitally deliverable purchases",
            "digital", "share", ("importer",), _AT_HOME, "imports / (domestic sales + imports)",
            digital_import_penetration),
    Measure("digital_value_added", "Digital value added in exports", "digital", "share",
            ("exporter",), _BOTH, _VALUE, digital_value_added),
    Measure("services_in_goods", "Services content of goods exports", "digital", "share",
            ("exporter",), _BOTH, _VALUE, services_in_goods),
)  # fmt: skip
