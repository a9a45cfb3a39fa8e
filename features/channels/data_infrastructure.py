"""Data infrastructure: connectivity of the weaker end, levels, gaps, baskets and restrictions."""

from __future__ import annotations

from features.channels.automation import WORKERS, per_worker
from features.channels.economic_mass import GDP
from features.feature import (
    Feature,
    FlowValues,
    Sign,
    by_sector,
    centred,
    change,
    exporter,
    gap,
    importer,
    latest,
    log1p,
    mean_score,
    pair_max,
    pair_min,
    product,
    ratio,
)

INTERNET, BROADBAND = "IT.NET.USER.ZS", "IT.NET.BBND.P2"
SERVERS, HIGH_TECH = "IT.NET.SECR.P6", "TX.VAL.TECH.MF.ZS"
ICT_EXPORTS, ICT_IMPORTS = "TX.VAL.ICTG.ZS.UN", "TM.VAL.ICTG.ZS.UN"
RESTRICTIONS = "OECD.DSTRI"
DIGITAL_EXPORTS = "UNCTAD.DDS.EXPORTS.USDM"
COMPUTERS, TELECOM = "TECH.COMPUTERS.STOCK", "TECH.TELECOM.STOCK"
CHIPS, CHIP_MAKER = "TECH.SEMICONDUCTORS.STOCK", "TECH.SEMICONDUCTORS.PRODUCER"
CONNECTIVITY = (INTERNET, BROADBAND, SERVERS)
DIGITAL, SERVICES = "digitally_deliverable", "services"

_MINIMUM = "OECD convention: connectivity of a pair is that of its weaker end"
_DELIVERED = "IMF, OECD, UNCTAD and WTO (2023), Handbook on Measuring Digital Trade"
_CLOSED = "Ferracane and van der Marel: restrictions on data lower trade; OECD convention: max"
_GOODS = "WTO, World Trade Report 2025: AI-enabling goods"


def _data(
    name: str, unit: str, series: tuple[str, ...], sign: Sign, source: str, build: FlowValues
) -> Feature:
    return Feature(name, "data_infrastructure", unit, series, sign, source, build)


_internet, _broadband = log1p(latest(INTERNET)), log1p(latest(BROADBAND))
_servers, _digital, _services = log1p(latest(SERVERS)), by_sector(DIGITAL), by_sector(SERVICES)
connectivity = mean_score(_internet, _broadband, _servers)
"""Standing among the countries: whoever is ahead stays so when all approach saturation."""
_digital_exports = log1p(ratio(latest(DIGITAL_EXPORTS), latest(GDP), times=100.0))
_PERCENT = "ln(1 + percent of population)"
_SUBSCRIPTIONS = "ln(1 + per 100 people)"
_DOLLARS = "ln(1 + USD a worker)"

FEATURES: tuple[Feature, ...] = (
    _data("internet_min", _PERCENT, (INTERNET,), "+", _MINIMUM, pair_min(_internet)),
    _data("internet_gap", "ln ratio", (INTERNET,), "two-sided", _MINIMUM, gap(_internet)),
    _data("internet_growth_3_min", "ln change", (INTERNET,), "+", _MINIMUM,
          pair_min(change(log1p, INTERNET, years=3))),
    _data("broadband_min", _SUBSCRIPTIONS, (BROADBAND,), "+", _MINIMUM, pair_min(_broadband)),
    _data("broadband_growth_3_min", "ln change", (BROADBAND,), "+", _MINIMUM,
          pair_min(change(log1p, BROADBAND, years=3))),
    _data("servers_min", "ln(1 + per million people)", (SERVERS,), "+", _MINIMUM,
          pair_min(_servers)),
    _data("high_tech_exports_exporter", "percent of manufactured exports", (HIGH_TECH,), "+",
          _GOODS, exporter(latest(HIGH_TECH))),
    _data("ict_exports_exporter", "percent of goods exports", (ICT_EXPORTS,), "+", _GOODS,
          exporter(latest(ICT_EXPORTS))),
    _data("ict_imports_importer", "percent of goods imports", (ICT_IMPORTS,), "+", _GOODS,
          importer(latest(ICT_IMPORTS))),
    _data("computers_per_worker_min", _DOLLARS, (COMPUTERS, WORKERS), "+", _MINIMUM,
          pair_min(per_worker(COMPUTERS))),
    _data("telecom_per_worker_min", _DOLLARS, (TELECOM, WORKERS), "+", _MINIMUM,
          pair_min(per_worker(TELECOM))),
    _data("chips_per_worker_exporter", _DOLLARS, (CHIPS, WORKERS), "+", _GOODS,
          exporter(per_worker(CHIPS))),
    _data("chip_maker_exporter", "0 or 1", (CHIP_MAKER,), "+", _GOODS,
          exporter(latest(CHIP_MAKER))),
    _data("digital_services_exporter", "ln(1 + percent of GDP)", (DIGITAL_EXPORTS, GDP), "+",
          _MINIMUM, exporter(_digital_exports)),
    _data("digital_restrictions_max", "index, 0 to 1", (RESTRICTIONS,), "-", _CLOSED,
          pair_max(latest(RESTRICTIONS))),
    _data("digital_x_broadband_min", "0 in other sectors, " + _SUBSCRIPTIONS, (DIGITAL, BROADBAND),
          "+", _DELIVERED, product(_digital, pair_min(centred(_broadband)))),
    _data("digital_x_servers_min", "0 in other sectors, ln(1 + per million people)",
          (DIGITAL, SERVERS), "+", _DELIVERED, product(_digital, pair_min(centred(_servers)))),
    _data("digital_x_connectivity_min", "0 in other sectors, standard deviations",
          (DIGITAL, *CONNECTIVITY), "+", _DELIVERED, product(_digital, pair_min(connectivity))),
    _data("services_x_connectivity_min", "0 in other sectors, standard deviations",
          (SERVICES, *CONNECTIVITY), "+", _DELIVERED, product(_services, pair_min(connectivity))),
)  # fmt: skip
