"""Every source on one server, as a mirror has them, with data of one small world.

The world has eight countries and sixteen years, enough for a run from the store.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from fake_sources.aidiffusion import fake_diffusion
from fake_sources.baci import FakeBaci, Row, release_zip
from fake_sources.batis import FakeBatis
from fake_sources.comtrade import FakeComtrade, Flow
from fake_sources.cpb import fake_cpb
from fake_sources.desta import fake_desta
from fake_sources.eia import fake_eia
from fake_sources.eurostat import FakeEurostat
from fake_sources.geodist import HEADER, fake_geodist
from fake_sources.gravity import fake_gravity
from fake_sources.icio import ALIVE, FakeIcio
from fake_sources.imf_api import FakeDataMapper, FakeSdmx, toy_index
from fake_sources.itpde import FakeItpde
from fake_sources.larch import COLUMNS, fake_larch
from fake_sources.oecd_sdmx import FakeOecd
from fake_sources.oecd_sdmx import toy_rows as stri_rows
from fake_sources.owid import Chart, FakeOwid
from fake_sources.protee import fake_protee
from fake_sources.server import Fake, Reply, Request
from fake_sources.wdi import FakeWdi, toy
from fake_sources.weo import FakeWeo, toy_rows
from features.sources.indicator_sets import ready_of
from features.sources.presets import VINTAGES

CODES = {156: "CHN", 251: "FRA", 276: "DEU", 392: "JPN", 516: "NAM", 699: "IND", 842: "USA",
         56: "BEL"}  # fmt: skip
YEARS = range(2003, 2019)
PRODUCTS = ("010121", "847130", "847950", "851712", "854231", "870323")


def trade_rows(year: int) -> list[Row]:
    """Gravity-like flows that grow at rates of their own, some of them not in every year."""
    rng = np.random.default_rng(1)
    noise = np.random.default_rng(year)
    rows: list[Row] = []
    for exporter in CODES:
        for importer in CODES:
            for product in PRODUCTS:
                level, growth = rng.lognormal(6, 1.5), rng.normal(0.05, 0.03)
                often = rng.random() < 0.8
                grown = level * np.exp(growth * (year - YEARS[0]) + 0.15 * noise.normal())
                if exporter != importer and (often or noise.random() < 0.6):
                    rows.append((exporter, importer, product, float(grown), None))
    return rows


def everything() -> Fake:
    """Every source; a path that none of them has is 404."""
    names = list(CODES.values())
    ties = [float(k == 0) for k in range(8)]
    geography = [
        [o, d, *ties, 100.0 * (i + 1) * (j + 1), 90.0, 95.0, 94.0]
        for i, o in enumerate(names)
        for j, d in enumerate(names)
    ]
    assert len(geography[0]) == len(HEADER)
    weo = FakeWeo({vintage: toy_rows(int(vintage[:4])) for vintage in VINTAGES})
    places: list[tuple[str, Fake]] = [
        ("/DATA_DOWNLOAD/baci/", _baci()),
        ("/DATA_DOWNLOAD/gravity/", fake_gravity()),
        ("/distance/", fake_geodist(geography)),
        ("/v2/", _wdi()),
        ("/data/download/", _wdi()),
        ("/public/ddpext_download/", _wdi()),
        ("/grapher/", _owid()),
        ("/external/sdmx/3.0/structure/", weo),
        ("/external/sdmx/3.0/data/dataflow/IMF.RES/", weo),
        ("/external/sdmx/", FakeSdmx(_bilateral_totals())),
        ("/external/datamapper/", FakeDataMapper(toy_index())),
        ("/-/media/", weo),
        ("/public/rest/data/", FakeOecd(stri_rows())),
        ("/files/STI-PIE/", FakeIcio(ALIVE, years=(2016,))),
        ("/files/.Stat/BATIS/", FakeBatis()),
        ("/english/res_e/", FakeBatis()),
        ("/data/gravity/itpd_e/", FakeItpde()),
        ("/media/filer_public/", fake_desta()),
        ("/pool/dokumente/", fake_larch("\n".join(_agreements()))),
        ("/en/worldtrademonitor/", fake_cpb()),
        ("/system/files/cpbmedia/", fake_cpb()),
        ("/dnav/", fake_eia()),
        ("/DATA_DOWNLOAD/ProTEE/", fake_protee()),
        ("/eurostat/", FakeEurostat()),
        ("/microsoft/", fake_diffusion()),
        ("/", _comtrade()),
    ]

    def answer(request: Request) -> Reply:
        return next(fake for prefix, fake in places if request.path.startswith(prefix))(request)

    return answer


def _baci() -> FakeBaci:
    return FakeBaci(**_releases())


@cache
def _releases() -> dict[str, bytes]:
    bodies = {}
    for revision in ("HS92", "HS96"):
        rows = {year: trade_rows(year) for year in YEARS}
        bodies[f"BACI_{revision}_V202601"] = release_zip(rows, revision=revision)
    before = {year: trade_rows(year) for year in YEARS[:-1]}
    bodies["BACI_HS96_V202501"] = release_zip(before, release="202501")
    return bodies


def _wdi() -> FakeWdi:
    series = (ready.at_source for ready in ready_of("wdi"))
    return FakeWdi({name: toy(name, years=range(2000, 2022)) for name in series})


def _owid() -> FakeOwid:
    charts = {}
    for ready in ready_of("owid"):
        title = ready.columns[-1]
        rows = [("Germany", "DEU", year, str(year - 2000)) for year in range(2010, 2022)]
        rows += [("Namibia", "NAM", 2015, "1"), ("World", "OWID_WRL", 2015, "9")]
        unit = "constant 2021 US$" if "INVEST" in ready.name else ""
        charts[ready.at_source] = Chart(ready.columns[0], title, unit, rows)
    return FakeOwid(charts)


def _bilateral_totals() -> Sequence[tuple[str, str, str, str, str, str]]:
    names = list(CODES.values())
    return [
        (o, indicator, d, "A", str(year), str(1e6 * (i + 2 * j + year - 2000)))
        for indicator in ("XG_FOB_USD", "MG_CIF_USD")
        for i, o in enumerate(names)
        for j, d in enumerate(names)
        for year in (2016, 2017)
        if o != d
    ]


def _comtrade() -> FakeComtrade:
    there = [code for code in CODES if code not in (56, 392)]
    return FakeComtrade(
        [
            Flow(reporter, partner, year, 1e6 * (reporter + partner))
            for reporter in there
            for partner in there
            for year in (2016, 2017)
            if reporter != partner
        ]
    )


def _agreements() -> list[str]:
    rows = [",".join(COLUMNS)]
    for year in YEARS:
        marks = ",".join(["1", *("0" for _ in COLUMNS[4:])])
        rows += [f"DEU,FRA,{year},{marks}", f"FRA,DEU,{year},{marks}"]
    return [*rows, ""]
