"""Automation: capital and machines per worker at both ends, and automation x wage gap.

Whether automation of the importer lowers imports from low-wage countries is contested (Artuc,
Bastos and Rijkers 2023 find more of them; Faber 2020 and Krenz, Prettner and Strulik 2021 fewer),
so every expected sign here is two-sided.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.channels.economic_mass import GDP, POPULATION, income
from features.feature import (
    CountryValues,
    Feature,
    FlowValues,
    Sign,
    by_sector,
    centred,
    exporter,
    gap,
    importer,
    latest,
    log,
    log1p,
    mean_score,
    product,
    ratio,
)
from features.information import InformationSet

CAPITAL, WORKERS = "PWT.cn", "PWT.emp"
MACHINERY = "NSF.MACHINERY.VA.USDM"
SEMICONDUCTOR_PATENTS = "NSF.USPTO.SEMICOND.PATENTS"
ELECTRICITY, LABOUR_SHARE = "EG.USE.ELEC.KH.PC", "PWT.labsh"
HUMAN_CAPITAL = "PWT.hc"
ROBOTS, ROBOT_MAKER = "TECH.ROBOTS.STOCK", "TECH.ROBOTS.PRODUCER"
EXPOSURE = "automation_exposure"

_SCALE = "Artuc, Bastos and Rijkers (2023), doi:10.1016/j.jinteco.2022.103723"
_RESHORING = (
    "contested: Krenz, Prettner and Strulik (2021), doi:10.1016/j.euroecorev.2021.103744; "
    "Faber (2020), doi:10.1016/j.jinteco.2020.103384"
)

_EXPOSED = (
    "Artuc, Bastos and Rijkers (2023), doi:10.1016/j.jinteco.2022.103723: capital where the "
    "industry's tasks can be automated"
)

capital_per_worker = log(ratio(latest(CAPITAL), latest(WORKERS)))
"""ln million USD per million workers."""


def per_worker(series: str) -> CountryValues:
    """``ln(1 + units per million workers)``."""
    return log1p(ratio(latest(series), latest(WORKERS)))


robots_per_worker = per_worker(ROBOTS)
"""``ln(1 + USD of imported robots a worker)``; a lower bound where the country makes them."""

machines = mean_score(capital_per_worker, per_worker(MACHINERY), robots_per_worker)
"""Standing among the countries in capital, machinery and robots a worker."""


def robots_growth(*, years: int) -> CountryValues:
    """Change of `robots_per_worker`."""
    then = log1p(ratio(latest(ROBOTS, back=years), latest(WORKERS, back=years)))
    return lambda info: robots_per_worker(info) - then(info)


def deepening(*, years: int) -> CountryValues:
    """Log change of capital per worker."""
    then = log(ratio(latest(CAPITAL, back=years), latest(WORKERS, back=years)))
    return lambda info: capital_per_worker(info) - then(info)


def wage_gap(info: InformationSet) -> NDArray[np.floating]:
    """Ln income per head of the importer less the exporter's: positive for a low-wage supplier."""
    return -gap(income)(info)


def _automation(
    name: str, unit: str, series: tuple[str, ...], source: str, build: FlowValues
) -> Feature:
    sign: Sign = "two-sided"
    return Feature(name, "automation", unit, series, sign, source, build)


_DOLLARS = "ln(1 + USD a worker)"
_STOCK = (CAPITAL, WORKERS)
_WAGES = (GDP, POPULATION)
_exposure = by_sector(EXPOSURE)

FEATURES: tuple[Feature, ...] = (
    _automation("capital_per_worker_exporter", "ln USD a worker", _STOCK, _SCALE,
                exporter(capital_per_worker)),
    _automation("capital_per_worker_importer", "ln USD a worker", _STOCK, _RESHORING,
                importer(capital_per_worker)),
    _automation("deepening_5_importer", "ln change", _STOCK, _RESHORING,
                importer(deepening(years=5))),
    _automation("automation_importer_x_wage_gap", "ln x ln", (*_STOCK, *_WAGES), _RESHORING,
                product(importer(centred(capital_per_worker)), wage_gap)),
    _automation("automation_exporter_x_wage_gap", "ln x ln", (*_STOCK, *_WAGES), _SCALE,
                product(exporter(centred(capital_per_worker)), wage_gap)),
    _automation("deepening_importer_x_wage_gap", "ln x ln", (*_STOCK, *_WAGES), _RESHORING,
                product(importer(centred(deepening(years=5))), wage_gap)),
    _automation("machinery_per_worker_exporter", "ln(1 + USD a worker)", (MACHINERY, WORKERS),
                _SCALE, exporter(per_worker(MACHINERY))),
    _automation("machinery_per_worker_importer", "ln(1 + USD a worker)", (MACHINERY, WORKERS),
                _RESHORING, importer(per_worker(MACHINERY))),
    _automation("semiconductor_patents_exporter", "ln(1 + per million workers)",
                (SEMICONDUCTOR_PATENTS, WORKERS), _SCALE,
                exporter(per_worker(SEMICONDUCTOR_PATENTS))),
    _automation("robots_per_worker_exporter", _DOLLARS, (ROBOTS, WORKERS), _SCALE,
                exporter(robots_per_worker)),
    _automation("robots_per_worker_importer", _DOLLARS, (ROBOTS, WORKERS), _RESHORING,
                importer(robots_per_worker)),
    _automation("robots_growth_5_importer", "ln change", (ROBOTS, WORKERS), _RESHORING,
                importer(robots_growth(years=5))),
    _automation("robots_importer_x_wage_gap", "ln x ln", (ROBOTS, WORKERS, *_WAGES), _RESHORING,
                product(importer(centred(robots_per_worker)), wage_gap)),
    _automation("robot_maker_exporter", "0 or 1", (ROBOT_MAKER,), _SCALE,
                exporter(latest(ROBOT_MAKER))),
    _automation("electricity_gap", "ln ratio", (ELECTRICITY,), _SCALE,
                gap(log(latest(ELECTRICITY)))),
    _automation("labour_share_importer", "share of GDP", (LABOUR_SHARE,), _RESHORING,
                importer(latest(LABOUR_SHARE))),
    _automation("human_capital_gap", "index", (HUMAN_CAPITAL,), _SCALE, gap(latest(HUMAN_CAPITAL))),
    _automation("automation_exposure_x_capital_exporter", "exposure x ln", (EXPOSURE, *_STOCK),
                _EXPOSED, product(_exposure, exporter(centred(capital_per_worker)))),
    _automation("automation_exposure_x_capital_importer", "exposure x ln", (EXPOSURE, *_STOCK),
                _RESHORING, product(_exposure, importer(centred(capital_per_worker)))),
    _automation("automation_exposure_x_wage_gap", "exposure x ln x ln",
                (EXPOSURE, *_STOCK, *_WAGES), _RESHORING,
                product(_exposure, product(importer(centred(capital_per_worker)), wage_gap))),
)  # fmt: skip
