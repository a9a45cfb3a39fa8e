"""Catalogue of the simulated world's indicators."""

from __future__ import annotations

import numpy as np
import pandas as pd

# channel: indicator | label | unit | publication lag in months | note
_CATALOGUE = {
    "ai_adoption": """
NSF.AI.ARTICLES|Scientific articles on artificial intelligence|articles per year (whole count)|12|\
from the ninth year of trade; zero means none counted
NSF.IPF.COMPUTER.TECH|International patent families in computer technology|\
patent families per year|24|the larger economies only
EPOCH.NOTABLE.MODELS|Notable AI models released|models per year|3|\
a country-year that is absent is a true zero
IP.PAT.RESD|Patent applications by residents|applications per year|24|
GB.XPD.RSDV.GD.ZS|Research and development expenditure|percent of GDP|24|40 percent of cells missing
BM.GSR.ROYL.CD|Charges for the use of intellectual property paid|current USD|9|
BX.GSR.ROYL.CD|Charges for the use of intellectual property received|current USD|9|
""",
    "automation": """
NSF.MACHINERY.VA.USDM|Value added of machinery and equipment manufacturing|\
million current USD|24|the larger economies only
NSF.USPTO.SEMICOND.PATENTS|US patents in semiconductors by inventor country|\
patents per year|18|the larger economies only
PWT.cn|Capital stock at current PPPs|million 2017 USD|36|capital deepening: divide by PWT.emp
PWT.emp|Persons engaged|million persons|36|
PWT.hc|Human capital index|index|36|
PWT.labsh|Labour share of income|share of GDP|36|
EG.USE.ELEC.KH.PC|Electric power consumption|kWh per person|24|
""",
    "data_infrastructure": """
IT.NET.USER.ZS|Individuals using the internet|percent of population|12|
IT.NET.BBND.P2|Fixed broadband subscriptions|per 100 people|12|from the fourth year of trade
IT.NET.SECR.P6|Secure internet servers|per million people|6|from the sixteenth year of trade
TX.VAL.ICTG.ZS.UN|ICT goods exports|percent of goods exports|18|
TM.VAL.ICTG.ZS.UN|ICT goods imports|percent of goods imports|18|
""",
    "economic_mass": """
MACRO.GDP|Gross domestic product|million current USD|6|
MACRO.GDP.REAL|Gross domestic product in constant prices|million constant USD|6|
MACRO.POP|Population|million persons|6|
MACRO.EXCH|Exchange rate|local currency units per USD (annual average)|1|
NV.IND.TOTL.ZS|Industry value added|percent of GDP|9|
NE.GDI.TOTL.ZS|Gross capital formation|percent of GDP|9|
""",
    "published_totals": """
TX.VAL.MRCH.XD.WD|Merchandise export value index|index (base year = 100)|4|\
growth of a country's total exports
TM.VAL.MRCH.XD.WD|Merchandise import value index|index (base year = 100)|4|\
growth of a country's total imports
""",
    "trade_policy": """
WITS.TARIFF.FACED|Applied tariff faced by the country's exports (trade weighted)|percent|12|
WTO.MEMBER|Member of the World Trade Organization|0 or 1|0|
EU.MEMBER|Member of the European Union|0 or 1|0|a customs union of simulated countries
EURO.MEMBER|Uses the euro|0 or 1|0|a currency union of simulated countries
""",
}


def catalogue_frame() -> pd.DataFrame:
    """Describe every simulated series: channel, label, unit, publication lag (months), note."""
    rows = [
        (channel, *line.split("|"))
        for channel, block in _CATALOGUE.items()
        for line in block.strip().splitlines()
    ]
    names = ["channel", "indicator", "label", "unit", "publication_lag_months", "note"]
    frame = pd.DataFrame(rows, columns=names).astype({"publication_lag_months": np.int64})
    frame["source"] = "simulated world"
    columns = ["indicator", "channel", "label", "unit", "publication_lag_months", "source", "note"]
    return frame[columns]
