"""Ready indicator series by channel: what each is called, where it is, its unit, lag and licence.

Series that features read keep the name under which features know them. Publication lags are those
from which a back-test may use a year: the series that are compiled from national accounts are
public before the World Bank passes them on, the ones that are revised upwards for years (counts of
articles and patents) are used late.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from features.errors import InputError
from features.feature import TECHNOLOGY, Channel
from features.store.source import IndicatorLine

SeriesSource = Literal["wdi", "owid", "stri", "eurostat", "aidiffusion"]


@dataclass(frozen=True, slots=True)
class ReadySeries:
    """One series that a connector can give.

    Attributes
    ----------
    name, channel, label, unit
        As the project knows it; ``unit`` is that of the stored values.
    lag_months
        Months from the end of a year to its publication.
    source, at_source
        Connector, and the series' id there: of a WDI series, or the slug of an OWID chart.
    provider
        Who compiled it, and the licence.
    scale
        Factor from the source's unit to ``unit``.
    note
        Caveats for the user.
    columns
        Short name and titles under which the source's file may hold it, where it has several.
    """

    name: str
    channel: Channel
    label: str
    unit: str
    lag_months: int
    source: SeriesSource
    at_source: str
    provider: str
    scale: float = 1.0
    note: str = ""
    columns: tuple[str, ...] = ()

    def line(self) -> IndicatorLine:
        """Its line in the catalogue of a data set."""
        return IndicatorLine(
            indicator=self.name,
            channel=self.channel,
            label=self.label,
            unit=self.unit,
            publication_lag_months=self.lag_months,
            source=self.provider,
            note=self.note,
        )


_WDI = "World Bank WDI (CC BY 4.0)"
_ITU, _UNCTAD = f"ITU via {_WDI}", f"UNCTAD via {_WDI}"
_NO_TAIWAN = "Taiwan is absent"
_ACCOUNTS = (
    "the lag is that of national accounts, which are public by then; WDI itself adds the year in "
    "July"
)


def _wdi(
    series: str,
    channel: Channel,
    label: str,
    unit: str,
    lag_months: int,
    *,
    provider: str = _WDI,
    name: str | None = None,
    scale: float = 1.0,
    note: str = "",
) -> ReadySeries:
    renamed = f"WDI series {series}" if name else ""
    remarks = "; ".join(part for part in (renamed, note, _NO_TAIWAN) if part)
    return ReadySeries(
        name or series, channel, label, unit, lag_months, "wdi", series, provider, scale, remarks
    )


_GDP_SHARE, _HUNDRED = "percent of GDP", "per 100 people"
_INDEX_NOTE = "growth of a country's total trade; published long before the bilateral detail"

_BALANCE = f"IMF balance of payments via {_WDI}"
_SERVICE_KINDS = {
    "TRAN": "Transport services",
    "TRVL": "Travel services",
    "INSF": "Insurance and financial services",
    "CMCP": "Communications, computer and other services",
}
"""Kinds by the World Bank's word for them."""


def _services(side: str, word: str) -> tuple[ReadySeries, ...]:
    """Total of services a country trades, and the share of each kind; no index of goods tells it.

    ``side`` is BX for exports, BM for imports.
    """
    note = "no feature reads it yet: published totals of services, never those of goods"
    total = _wdi(f"{side}.GSR.NFSV.CD", "published_totals", f"Service {word}", "current USD", 9,
                 provider=_BALANCE, note=note)  # fmt: skip
    kinds = (
        _wdi(f"{side}.GSR.{kind}.ZS", "published_totals", f"{label}, {word}",
             f"percent of service {word}", 9, provider=_BALANCE, note=note)
        for kind, label in _SERVICE_KINDS.items()
    )  # fmt: skip
    return (total, *kinds)


_FROM_WDI: tuple[ReadySeries, ...] = (
    _wdi("NY.GDP.MKTP.CD", "economic_mass", "Gross domestic product", "million current USD", 6,
         name="MACRO.GDP", scale=1e-6, note=_ACCOUNTS),
    _wdi("NY.GDP.MKTP.KD", "economic_mass", "Gross domestic product in constant prices",
         "million constant USD", 6, name="MACRO.GDP.REAL", scale=1e-6, note=_ACCOUNTS),
    _wdi("SP.POP.TOTL", "economic_mass", "Population", "million persons", 6, name="MACRO.POP",
         scale=1e-6, note="from projections; WDI itself adds the year in July"),
    _wdi("PA.NUS.FCRF", "economic_mass", "Exchange rate",
         "local currency units per USD (annual average)", 1, name="MACRO.EXCH",
         note="a market price, known at the end of the year although WDI adds it months later; "
         "redenominations jump: use log changes and mask jumps above 100 percent"),
    _wdi("NV.IND.TOTL.ZS", "economic_mass", "Industry value added", _GDP_SHARE, 9),
    _wdi("NV.AGR.TOTL.ZS", "economic_mass", "Agriculture value added", _GDP_SHARE, 9),
    _wdi("NV.SRV.TOTL.ZS", "economic_mass", "Services value added", _GDP_SHARE, 9),
    _wdi("NE.GDI.TOTL.ZS", "economic_mass", "Gross capital formation", _GDP_SHARE, 9),
    _wdi("NE.EXP.GNFS.ZS", "economic_mass", "Exports of goods and services", _GDP_SHARE, 9),
    _wdi("NE.IMP.GNFS.ZS", "economic_mass", "Imports of goods and services", _GDP_SHARE, 9),
    _wdi("SP.URB.TOTL.IN.ZS", "economic_mass", "Urban population", "percent of population", 12),
    _wdi("BX.KLT.DINV.WD.GD.ZS", "economic_mass", "Foreign direct investment net inflows",
         _GDP_SHARE, 9),
    _wdi("TX.VAL.MRCH.XD.WD", "published_totals", "Merchandise export value index",
         "index (base year = 100)", 4, provider=_UNCTAD, note=_INDEX_NOTE),
    _wdi("TM.VAL.MRCH.XD.WD", "published_totals", "Merchandise import value index",
         "index (base year = 100)", 4, provider=_UNCTAD, note=_INDEX_NOTE),
    *_services("BX", "exports"),
    *_services("BM", "imports"),
    _wdi("TM.TAX.MRCH.WM.AR.ZS", "trade_policy",
         "Applied tariff on the country's imports (trade weighted)", "percent", 12,
         provider=f"WITS via {_WDI}",
         note="what a country asks, not what its exports face (WITS.TARIFF.FACED)"),
    _wdi("GB.XPD.RSDV.GD.ZS", "ai_adoption", "Research and development expenditure", _GDP_SHARE,
         24, provider=f"UNESCO via {_WDI}"),
    _wdi("IP.PAT.RESD", "ai_adoption", "Patent applications by residents",
         "applications per year", 24, provider=f"WIPO via {_WDI}"),
    _wdi("IP.JRN.ARTC.SC", "ai_adoption", "Scientific and technical journal articles",
         "articles per year", 24),
    _wdi("BX.GSR.ROYL.CD", "ai_adoption",
         "Charges for the use of intellectual property received", "current USD", 9),
    _wdi("BM.GSR.ROYL.CD", "ai_adoption", "Charges for the use of intellectual property paid",
         "current USD", 9),
    _wdi("EG.USE.ELEC.KH.PC", "automation", "Electric power consumption", "kWh per person", 24),
    _wdi("SL.TLF.TOTL.IN", "automation", "Labour force", "million persons", 12,
         provider=f"ILO via {_WDI}", name="WDI.WORKERS", scale=1e-6,
         note="modelled by the ILO and revised backwards; stands in for PWT.emp"),
    _wdi("NE.GDI.FTOT.KD", "automation", "Gross fixed capital formation in constant prices",
         "million constant USD", 9, name="WDI.GFCF", scale=1e-6,
         note="the flow of which a capital stock is made by perpetual inventory"),
    _wdi("IT.NET.USER.ZS", "data_infrastructure", "Individuals using the internet",
         "percent of population", 12, provider=_ITU),
    _wdi("IT.NET.BBND.P2", "data_infrastructure", "Fixed broadband subscriptions", _HUNDRED, 12,
         provider=_ITU),
    _wdi("IT.CEL.SETS.P2", "data_infrastructure", "Mobile cellular subscriptions", _HUNDRED, 12,
         provider=_ITU),
    _wdi("IT.NET.SECR.P6", "data_infrastructure", "Secure internet servers",
         "per million people", 6, provider=f"Netcraft via {_WDI}", note="from 2010"),
    _wdi("TX.VAL.TECH.MF.ZS", "data_infrastructure", "High-technology exports",
         "percent of manufactured exports", 12, note="from 2007"),
    _wdi("TX.VAL.ICTG.ZS.UN", "data_infrastructure", "ICT goods exports",
         "percent of goods exports", 18, provider=_UNCTAD, note="from 2000"),
    _wdi("TM.VAL.ICTG.ZS.UN", "data_infrastructure", "ICT goods imports",
         "percent of goods imports", 18, provider=_UNCTAD, note="from 2000"),
    _wdi("BX.GSR.CCIS.ZS", "data_infrastructure", "ICT service exports",
         "percent of service exports", 12),
)  # fmt: skip

_CSET = "CSET via Our World in Data (CC BY-NC 4.0)"
_NON_COMMERCIAL = "CC BY-NC: not for commercial use"
_AI_INDEX = "IFR via AI Index and Our World in Data (CC BY-ND 4.0)"

_FROM_OWID: tuple[ReadySeries, ...] = (
    ReadySeries(
        "AI.ARTICLES", "ai_adoption", "Scholarly publications on artificial intelligence",
        "publications per year", 24, "owid",
        "annual-scholarly-publications-on-artificial-intelligence", _CSET,
        note=f"{_NON_COMMERCIAL}; from 2016; the latest years are incomplete and revised upwards",
        columns=("num_articles__field_all",),
    ),
    ReadySeries(
        "AI.PATENTS", "ai_adoption", "Patent applications on artificial intelligence",
        "applications per year", 60, "owid", "artificial-intelligence-patents-submitted", _CSET,
        note=f"{_NON_COMMERCIAL}; by country of first filing; in May 2026 the last year was 2020, "
        "from which the lag is taken",
        columns=("num_patent_applications__field_all",),
    ),
    ReadySeries(
        "AI.INVESTMENT", "ai_adoption", "Estimated private investment in AI companies",
        "million constant 2021 USD", 12, "owid",
        "private-investment-in-artificial-intelligence-cset", _CSET, scale=1e-6,
        note=f"{_NON_COMMERCIAL}; undisclosed sums are estimated by CSET",
        columns=(
            "estimated_investment__field_all",
            "Estimated funding raised by privately held AI companies - Field: All",
        ),
    ),
    ReadySeries(
        "AI.ROBOTS.INSTALLED", "automation", "Industrial robots installed", "robots per year", 16,
        "owid", "annual-industrial-robots-installed", _AI_INDEX,
        note="CC BY-ND: may not be passed on changed; the largest users only (some six countries), "
        "from 2011",
        columns=("industrial_robot_installations", "Annual industrial robots installed"),
    ),
)  # fmt: skip

READY: tuple[ReadySeries, ...] = (*_FROM_WDI, *_FROM_OWID)
"""Every series of WDI and Our World in Data that is ready for a run."""

SETS: dict[str, frozenset[Channel]] = {
    "technology": TECHNOLOGY,
    "ai_adoption": frozenset({"ai_adoption"}),
    "automation": frozenset({"automation"}),
    "data_infrastructure": frozenset({"data_infrastructure"}),
    "economic_mass": frozenset({"economic_mass"}),
    "published_totals": frozenset({"published_totals"}),
    "trade_policy": frozenset({"trade_policy"}),
}
"""Channels of each set; ``technology`` is the three that the project tests."""


def ready_of(source: SeriesSource) -> tuple[ReadySeries, ...]:
    """Every ready series of a source."""
    return tuple(series for series in READY if series.source == source)


def ready_in(name: str) -> tuple[ReadySeries, ...]:
    """Every ready series of a set, of any source.

    Raises
    ------
    InputError
        If there is no such set.
    """
    if name not in SETS:
        raise InputError(
            f"there is no set of indicators {name!r}",
            remedy=f"Choose {', '.join(SETS)}",
        )
    return tuple(series for series in READY if series.channel in SETS[name])


def choose(source: SeriesSource, wanted: Sequence[str]) -> tuple[ReadySeries, ...]:
    """Ready series by their name in the project or id at the source; all by default.

    Returns
    -------
    tuple of ReadySeries
        Each once, in the order of the catalogue, whatever the order of ``wanted``.

    Raises
    ------
    InputError
        If one is not ready. A series needs a channel and a publication lag before a back-test may
        use it, so that ids outside the catalogue are refused.
    """
    present = ready_of(source)
    if not wanted:
        return present
    known = {word: s for s in present for word in (s.name, s.at_source)}
    for word in wanted:
        if word not in known:
            near = get_close_matches(word, known, n=3, cutoff=0.5) or sorted(known)[:5]
            raise InputError(
                f"--indicators: {word!r} is not a ready series of {source}",
                remedy=f"Similar ones are {', '.join(near)}. Others need a channel and a "
                "publication lag first: give their values and catalogue as files of your own",
            )
    chosen = {known[word] for word in wanted}
    return tuple(series for series in present if series in chosen)


def selection_word(source: SeriesSource, chosen: Sequence[ReadySeries]) -> str:
    """Word for a selection in a key: ``all``, a set, the only series' name, or a digest."""
    if tuple(chosen) == ready_of(source):
        return "all"
    for name in SETS:
        if tuple(chosen) == tuple(s for s in ready_in(name) if s.source == source):
            return name
    if len(chosen) == 1:
        return chosen[0].name
    names = "\n".join(series.name for series in chosen)
    return f"{len(chosen)}-series-{hashlib.sha256(names.encode()).hexdigest()[:8]}"
