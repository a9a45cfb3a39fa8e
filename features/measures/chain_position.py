"""Participation and position in value chains, as shares of exports and stages of production."""

from __future__ import annotations

import numpy as np

from features.measures.measure import Array, Measure, Need, TradeYear, ratio
from features.measures.value_chains import ValueChains

_KWW = "Koopman, Powers, Wang and Wei (2010), NBER w16426"
_BM = "Borin and Mancini (2019), World Bank WPS 8804"
_UP = "Antras, Chor, Fally and Hillberry (2012), doi:10.1257/aer.102.3.412"
_DOWN = "Antras and Chor (2018), doi:10.3386/w24185"


def _chains(year: TradeYear) -> ValueChains:
    assert year.chains is not None
    return year.chains


def domestic_value_added(year: TradeYear) -> Array:
    """``v_r (I - A_rr)^-1 E_r / E_r``, domestic value added in exports, shape ``[exporter]``.

    NaN without exports, like the other shares of exports.
    """
    chains = _chains(year)
    return ratio(chains.domestic_value_added, chains.exports)


def foreign_value_added(year: TradeYear) -> Array:
    """FV / E, foreign content of exports (vertical specialisation), shape ``[exporter]``."""
    chains = _chains(year)
    return ratio(chains.foreign_content, chains.exports)


def indirect_value_added(year: TradeYear) -> Array:
    """IV / E, value added in other countries' exports over own exports, shape ``[exporter]``.

    It may exceed 1: value added that crosses several borders counts in the exports of each.
    """
    chains = _chains(year)
    return ratio(chains.indirect_value_added, chains.exports)


def participation(year: TradeYear) -> Array:
    """``(IV + FV) / E``, shape ``[exporter]``."""
    return indirect_value_added(year) + foreign_value_added(year)


def position(year: TradeYear) -> Array:
    """``ln(1 + IV / E) - ln(1 + FV / E)``: positive upstream, shape ``[exporter]``."""
    return np.log1p(indirect_value_added(year)) - np.log1p(foreign_value_added(year))


def upstreamness(year: TradeYear) -> Array:
    """Mean stages from a sector's output to final use, shape ``[country, sector]``."""
    return _chains(year).upstreamness


def downstreamness(year: TradeYear) -> Array:
    """Mean stages from primary factors to a sector's output, shape ``[country, sector]``."""
    return _chains(year).downstreamness


def country_upstreamness(year: TradeYear) -> Array:
    """Upstreamness of a country's sectors weighted by output, shape ``[country]``."""
    return _by_output(_chains(year), _chains(year).upstreamness)


def country_downstreamness(year: TradeYear) -> Array:
    """Downstreamness of a country's sectors weighted by output, shape ``[country]``."""
    return _by_output(_chains(year), _chains(year).downstreamness)


def _by_output(chains: ValueChains, stages: Array) -> Array:
    # Sectors without output have no stages and no weight.
    total = (np.nan_to_num(stages) * chains.output).sum(axis=1)
    return ratio(total, chains.output.sum(axis=1))


_TABLES: frozenset[Need] = frozenset({"tables"})
MEASURES = (
    Measure("domestic_value_added", "Domestic value added in exports", "value_chains", "share",
            ("exporter",), _TABLES, _BM, domestic_value_added),
    Measure("foreign_value_added", "Foreign value added in exports", "value_chains", "share",
            ("exporter",), _TABLES, _KWW, foreign_value_added),
    Measure("indirect_value_added", "Indirect value added", "value_chains",
            "share of exports",
            ("exporter",), _TABLES, _KWW, indirect_value_added),
    Measure("participation", "Participation in value chains", "value_chains", "share of exports",
            ("exporter",), _TABLES, _KWW, participation),
    Measure("position", "Position in value chains", "value_chains", "log ratio",
            ("exporter",), _TABLES, _KWW, position),
    Measure("upstreamness", "Upstreamness of sectors", "value_chains", "stages",
            ("country", "sector"), _TABLES, _UP, upstreamness),
    Measure("downstreamness", "Downstreamness of sectors", "value_chains", "stages",
            ("country", "sector"), _TABLES, _DOWN, downstreamness),
    Measure("country_upstreamness", "Upstreamness of countries", "value_chains", "stages",
            ("country",), _TABLES, _UP, country_upstreamness),
    Measure("country_downstreamness", "Downstreamness of countries", "value_chains", "stages",
            ("country",), _TABLES, _DOWN, country_downstreamness),
)  # fmt: skip
