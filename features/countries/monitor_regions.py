"""Regions of the CPB World Trade Monitor, with the countries that a study of 2024 gave them.

The publisher's own list could not be reached to check them.
"""

from __future__ import annotations

_MEMBERS = {
    "euro area": ("AUT BEL CYP DEU ESP EST FIN FRA GRC HRV IRL ITA LTU LUX LVA MLT NLD PRT "
                       "SVK SVN"),
    "united states": "USA",
    "united kingdom": "GBR",
    "japan": "JPN",
    "other advanced economies": "AUS CAN CHE CZE DNK ISL ISR NOR NZL SWE",
    "advanced asia": "HKG KOR SGP TWN",
    "china": "CHN",
    "emerging asia": "BGD BRN IDN IND KHM LAO LKA MMR MNG MYS NPL PAK PHL THA VNM",
    "eastern europe and cis": ("ALB ARM AZE BGR BIH BLR GEO HUN KAZ KGZ MDA MKD MNE POL ROU "
                                    "RUS SRB TJK TKM TUR UKR UZB"),
    "latin america": ("ARG BOL BRA CHL COL CRI CUB DOM ECU GTM HND HTI JAM MEX NIC PAN PER "
                           "PRY SLV TTO URY VEN"),
    "africa and middle east": ("AGO ARE BHR BWA CIV CMR COD COG DZA EGY ETH GAB GHA GIN IRN "
                                    "IRQ JOR KEN KWT LBN LBR LBY MAR MDG MLI MOZ MRT MUS MWI "
                                    "NAM NER NGA OMN QAT RWA SAU SDN SEN SLE SYR TCD TGO TUN TZA "
                                    "UGA YEM ZAF ZMB ZWE"),
}  # fmt: skip

REGIONS = {region: tuple(members.split()) for region, members in _MEMBERS.items()}
"""Countries by region; one that is in none has no regional news."""

CODES = {
    "w1": "world",
    "e6": "euro area",
    "us": "united states",
    "gb": "united kingdom",
    "jp": "japan",
    "r2": "other advanced economies",
    "a3": "advanced asia",
    "cn": "china",
    "a5": "emerging asia",
    "t1": "eastern europe and cis",
    "l1": "latin america",
    "f3": "africa and middle east",
}
"""Regions by their code in the monitor's series. Its groups of regions (i1, d1) are not here."""
