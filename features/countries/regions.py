"""M49 regions of the United Nations: Africa, Americas, Asia, Europe, Oceania."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.countries import simulated

REGIONS: dict[str, str] = {
    "Africa": "DZA EGY LBY MAR SDN TUN ESH IOT BDI COM DJI ERI ETH ATF KEN MDG MWI MUS MYT MOZ REU "
    "RWA SYC SOM SSD UGA TZA ZMB ZWE AGO CMR CAF TCD COG COD GNQ GAB STP BWA SWZ LSO NAM ZAF BEN "
    "BFA CPV CIV GMB GHA GIN GNB LBR MLI MRT NER NGA SHN SEN SLE TGO",
    "Americas": "AIA ATG ABW BHS BRB BES VGB CYM CUB CUW DMA DOM GRD GLP HTI JAM MTQ MSR PRI BLM "
    "KNA LCA MAF VCT SXM TTO TCA VIR BLZ CRI SLV GTM HND MEX NIC PAN ARG BOL BVT BRA CHL COL ECU "
    "FLK GUF GUY PRY PER SGS SUR URY VEN BMU CAN GRL SPM USA",
    "Asia": "KAZ KGZ TJK TKM UZB CHN HKG MAC PRK JPN MNG KOR TWN BRN KHM IDN LAO MYS MMR PHL SGP "
    "THA TLS VNM AFG BGD BTN IND IRN MDV NPL PAK LKA ARM AZE BHR CYP GEO IRQ ISR JOR KWT LBN OMN "
    "QAT SAU PSE SYR TUR ARE YEM",
    "Europe": "BLR BGR CZE HUN POL MDA ROU RUS SVK UKR ALA GGY JEY DNK EST FRO FIN ISL IRL IMN LVA "
    "LTU NOR SJM SWE GBR ALB AND BIH HRV GIB GRC VAT ITA MLT MNE MKD PRT SMR SRB SVN ESP AUT BEL "
    "FRA DEU LIE LUX MCO NLD CHE XKX",
    "Oceania": "AUS CXR CCK HMD NZL NFK FJI NCL PNG SLB VUT GUM KIR MHL FSM NRU MNP PLW UMI ASM "
    "COK PYF NIU PCN WSM TKL TON TUV WLF",
}
"""ISO 3166 alpha-3 codes by region. Cyprus and Turkey are in Asia, as M49 has them; Taiwan, which
M49 does not list, stands with its neighbours, and Kosovo (XKX) with its. Antarctica, aggregates
such as ROW and former states have none."""


def region_codes(countries: Sequence[str]) -> NDArray[np.int64]:
    """Number of each country's region, -1 where it has none.

    Regions of `REGIONS` come first, then those of the simulated world with sectors.
    """
    regions = (*REGIONS.values(), *simulated.REGIONS.values())
    place = {code: k for k, codes in enumerate(regions) for code in codes.split()}
    return np.array([place.get(code, -1) for code in countries], dtype=np.int64)
