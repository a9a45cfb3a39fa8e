"""What each channel holds, in words for readers who do not know the features."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from features.feature import Channel

CHANNEL_WORDS: Mapping[Channel, str] = MappingProxyType(
    {
        "persistence": "the flow's own past: its level, its growth of late, how far it is from its "
        "usual place, and the flows like it",
        "published_totals": "published and forecast exports and imports of both countries",
        "macro_news": "GDP, prices and exchange rates published for the time after the last known "
        "year",
        "economic_mass": "GDP, population and income of both countries",
        "trade_costs": "distance, border, language, history and like ties of the two countries",
        "trade_policy": "trade agreements and memberships of both countries",
        "ai_adoption": "stand-ins for it, as nobody counts use: AI research, patents, software, "
        "R&D and investment",
        "automation": "capital, machines, robots and semiconductors per worker, and wages beside "
        "them",
        "data_infrastructure": "internet, servers, trade in ICT goods and digital services, and "
        "limits on data",
        "own": "features that the user of this run added",
        "horizon": "the change usual so many years ahead, whatever the flow; part of the average "
        "and not a reason for anything",
    }
)
"""By channel, in the order of reports."""
