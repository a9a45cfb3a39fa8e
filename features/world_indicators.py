"""Country side of the simulated world: economies, technology and the statistics published on them.

Nothing here depends on bilateral trade, so the draws, and with them the indicators, stay the same
whatever effects are planted in the flows; only the two published trade totals are read off them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEAD_YEARS = 5  # years of indicators published before the first year of trade
_TRAIT_CORRELATION = np.array(  # income per head, connectivity, AI, automation, population
    [
        [1.0, 0.4, 0.4, 0.4, 0.0],
        [0.4, 1.0, 0.32, 0.32, 0.0],
        [0.4, 0.32, 1.0, 0.32, 0.0],
        [0.4, 0.32, 0.32, 1.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.0],
    ]
)

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
IP.JRN.ARTC.SC|Scientific and technical journal articles|articles per year|24|
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
PWT.ctfp|Total factor productivity at current PPPs|USA = 1|36|
PWT.labsh|Labour share of income|share of GDP|36|
EG.USE.ELEC.KH.PC|Electric power consumption|kWh per person|24|
""",
    "data_infrastructure": """
IT.NET.USER.ZS|Individuals using the internet|percent of population|12|
IT.NET.BBND.P2|Fixed broadband subscriptions|per 100 people|12|from the fourth year of trade
IT.CEL.SETS.P2|Mobile cellular subscriptions|per 100 people|12|
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


@dataclass(frozen=True, slots=True)
class CountryStates:
    """What is true of the simulated countries, before anything is measured.

    Arrays are ``[year, country]`` and start ``LEAD_YEARS`` before the first year of trade, except
    `region` ``[country]`` and `union_entry` ``[country]`` (year, 9999 for never).
    """

    codes: tuple[str, ...]
    years: NDArray[np.int64]
    region: NDArray[np.int64]
    population: Array  # million persons
    real_output: Array  # constant USD
    output: Array  # current USD
    expenditure: Array  # current USD
    usd_price: Array  # log deviation of the country's USD price level
    income: Array  # standardised log income per head
    connectivity: Array  # log internet users, percent of population
    ai: Array  # log AI activity per head, standardised in the first year
    automation: Array  # log automated capital per worker, standardised in the first year
    union_entry: NDArray[np.int64]

    def rescaled(self, factor: float) -> CountryStates:
        """Return the same world with every USD amount multiplied by `factor`."""
        return replace(
            self,
            real_output=self.real_output * factor,
            output=self.output * factor,
            expenditure=self.expenditure * factor,
        )


def autoregression(shocks: Array, *, rho: float) -> Array:
    """Return the stationary AR(1) of unit variance driven by standard normal `shocks`.

    Parameters
    ----------
    shocks : ndarray, shape (year, ...)
    rho : float
        Correlation of a year with the one before.
    """
    path = shocks.copy()
    innovation = np.sqrt(1.0 - rho**2)
    for year in range(1, len(path)):
        path[year] = rho * path[year - 1] + innovation * shocks[year]
    return path


def _zscore(values: Array) -> Array:
    """Standardise along the last axis."""
    centred = values - values.mean(axis=-1, keepdims=True)
    return np.asarray(centred / values.std(axis=-1, keepdims=True))


def _latent_traits(rng: np.random.Generator, region: NDArray[np.int64]) -> Array:
    """Draw ``[trait, country]``, with exact sample moments; see `_TRAIT_CORRELATION`.

    Sampling error at sixty countries would let two technologies coincide in some worlds, and no
    model could then tell them apart; whitening the draw first rules that out.
    """
    raw = rng.standard_normal((5, len(region)))
    raw[0] = 0.85 * raw[0] + 0.55 * rng.standard_normal(int(region.max()) + 1)[region]
    raw = _zscore(raw)
    white = np.linalg.solve(np.linalg.cholesky(raw @ raw.T / raw.shape[1]), raw)
    return np.asarray(np.linalg.cholesky(_TRAIT_CORRELATION) @ white)


def _world_growth(rng: np.random.Generator, n_years: int) -> Array:
    """Draw log growth of nominal world output, with a crash at 14/27 and 25/27 of the trade years.

    On the default calendar these are 2009 and 2020.
    """
    noise = 0.02 * rng.standard_normal(LEAD_YEARS + n_years)
    noise[LEAD_YEARS:] -= noise[LEAD_YEARS:].mean()
    growth = 0.036 + noise
    for crash in (14 * n_years // 27, 25 * n_years // 27):
        growth[LEAD_YEARS + crash] = -0.13
        growth[LEAD_YEARS + crash + 1 :][:1] += 0.07
    return growth


def simulate_countries(
    rng: np.random.Generator,
    *,
    codes: tuple[str, ...],
    region: NDArray[np.int64],
    n_years: int,
    first_year: int,
) -> CountryStates:
    """Draw the countries: mass, income, prices, three technologies, customs-union entry.

    Poor countries catch up, USD price levels wander and revert, technology differs across
    countries persistently and only moderately with income.
    """
    n_all, n = LEAD_YEARS + n_years, len(codes)
    clock = np.arange(n_all)[:, None]
    income, connect, ai, automation, people = _latent_traits(rng, region)
    population = np.exp(2.6 + 1.4 * np.clip(people, -2.2, 2.2) + (0.012 - 0.007 * income) * clock)
    growth = 0.018 - 0.008 * income + 0.006 * rng.standard_normal(n)
    cycle = np.cumsum(0.02 * rng.standard_normal((n_all, n)), axis=0)
    per_head = np.log(9000.0) + np.clip(1.1 * income, -2.2, 2.2) + growth * clock + cycle
    usd_price = 0.11 * autoregression(rng.standard_normal((n_all, n)), rho=0.88)
    share = np.exp(per_head + usd_price) * population
    share /= share.sum(axis=1, keepdims=True)
    world = np.cumsum(_world_growth(rng, n_years))[:, None]
    real = np.exp(per_head) * population * 1e6
    output = real[LEAD_YEARS].sum() * np.exp(world - world[LEAD_YEARS]) * share
    deficit = 0.03 * autoregression(rng.standard_normal((n_all, n)), rho=0.85)
    expenditure = output * np.exp(deficit)
    expenditure *= (output.sum(axis=1) / expenditure.sum(axis=1))[:, None]
    own = 0.35 * autoregression(rng.standard_normal((3, n_all, n)).swapaxes(0, 1), rho=0.95)
    takeoff = LEAD_YEARS + 10.0 - 1.2 * connect
    ceiling = 1.0 / (1.0 + np.exp(-0.7 - 1.1 * (connect + own[:, 0])))
    return CountryStates(
        codes=codes,
        years=first_year - LEAD_YEARS + np.arange(n_all),
        region=region,
        population=population,
        real_output=real,
        output=output,
        expenditure=expenditure,
        usd_price=usd_price,
        income=_zscore(per_head),
        connectivity=np.log(96.0 * ceiling / (1.0 + np.exp((takeoff - clock) / 3.2))),
        ai=ai + own[:, 1],
        automation=automation + own[:, 2],
        union_entry=_union_entry(rng, region=region, income=income, years=(first_year, n_years)),
    )


def _union_entry(
    rng: np.random.Generator,
    *,
    region: NDArray[np.int64],
    income: Array,
    years: tuple[int, int],
) -> NDArray[np.int64]:
    """Return the year each country joins the customs union of the richest region.

    The richer half founded it before the world begins; the others join one by one.
    """
    first_year, n_years = years
    mean_income = np.bincount(region, weights=income) / np.bincount(region)
    inside = region == mean_income.argmax()
    founder = inside & (income >= np.median(income[inside]))
    later = first_year + rng.integers(0, n_years, size=len(region))
    return np.where(founder, first_year - 30, np.where(inside, later, 9999)).astype(np.int64)


def _mass_series(rng: np.random.Generator, states: CountryStates) -> dict[str, Array]:
    """Return national accounts and the trade-policy memberships, ``[year, country]`` each."""
    shape = states.output.shape
    clock = np.arange(shape[0])[:, None]
    years, first = states.years[:, None], int(states.years[LEAD_YEARS])

    def noise(sd: float) -> Array:
        return np.asarray(sd * rng.standard_normal(shape))

    def drifting(sd: float) -> Array:
        return sd * autoregression(rng.standard_normal(shape), rho=0.9)

    inflation = np.abs(0.05 * rng.standard_normal(shape[1]))
    currency = 1.5 + 1.8 * rng.standard_normal(shape[1])
    wto_entry = np.where(
        rng.random(shape[1]) < 0.8, 0, first + rng.integers(0, shape[0] - LEAD_YEARS, shape[1])
    )
    union = years >= states.union_entry
    return {
        "MACRO.GDP": states.output / 1e6 * np.exp(noise(0.005)),
        "MACRO.GDP.REAL": states.real_output / 1e6 * np.exp(noise(0.003)),
        "MACRO.POP": states.population * np.exp(noise(0.001)),
        "MACRO.EXCH": np.exp(currency + inflation * clock - states.usd_price),
        "NV.IND.TOTL.ZS": np.clip(27.0 + 7.0 * drifting(1.0) + noise(0.5), 5.0, 75.0),
        "NE.GDI.TOTL.ZS": np.clip(24.0 + 5.0 * drifting(1.0) + noise(1.0), 4.0, 60.0),
        "WITS.TARIFF.FACED": np.exp(2.2 - 0.035 * clock + drifting(0.35) + noise(0.08)),
        "WTO.MEMBER": ((years >= wto_entry) & (years >= first)).astype(np.float64),
        "EU.MEMBER": union.astype(np.float64),
        "EURO.MEMBER": (union & (states.union_entry < first) & (years >= first + 4)).astype(float),
    }


def _ai_series(rng: np.random.Generator, states: CountryStates) -> dict[str, Array]:
    """Return the measures of AI adoption and innovation, ``[year, country]`` each."""
    shape = states.output.shape
    clock = np.arange(shape[0])[:, None] - LEAD_YEARS
    size = np.log(states.population)

    def loading(weight: float, *, own: float, noise: float) -> Array:
        persistent = own * rng.standard_normal(shape[1])
        return np.asarray(weight * states.ai + persistent + noise * rng.standard_normal(shape))

    def count(log_rate: Array) -> Array:
        return rng.poisson(np.exp(np.minimum(log_rate, 15.0))).astype(np.float64)

    gdp = np.log(states.output)
    models = count(size - 7.5 + 0.12 * clock + loading(1.5, own=0.3, noise=0.1))
    return {
        "NSF.AI.ARTICLES": count(size + 0.6 + 0.11 * clock + loading(1.2, own=0.1, noise=0.05)),
        "NSF.IPF.COMPUTER.TECH": count(
            size + 0.5 + 0.08 * clock + loading(1.4, own=0.7, noise=0.15)
        ),
        "EPOCH.NOTABLE.MODELS": np.where(models > 0, models, np.nan),
        "IP.PAT.RESD": count(size + 3.2 + 0.02 * clock + loading(1.1, own=0.8, noise=0.1)),
        "IP.JRN.ARTC.SC": count(size + 4.3 + 0.04 * clock + loading(1.0, own=0.5, noise=0.05)),
        "GB.XPD.RSDV.GD.ZS": np.exp(-0.2 + 0.01 * clock + loading(0.55, own=0.4, noise=0.05)),
        "BM.GSR.ROYL.CD": np.exp(gdp - 6.3 + 0.02 * clock + loading(0.6, own=0.7, noise=0.1)),
        "BX.GSR.ROYL.CD": np.exp(gdp - 8.5 + 0.02 * clock + loading(1.3, own=0.8, noise=0.2)),
    }


def _automation_series(rng: np.random.Generator, states: CountryStates) -> dict[str, Array]:
    """Return capital deepening and its companions, ``[year, country]`` each."""
    shape = states.output.shape
    clock = np.arange(shape[0])[:, None] - LEAD_YEARS
    level = states.automation

    def noise(own: float, sd: float) -> Array:
        return own * rng.standard_normal(shape[1]) + sd * rng.standard_normal(shape)

    employed = states.population * np.clip(0.44 + noise(0.03, 0.003), 0.25, 0.6)
    per_worker = np.exp(11.3 + 0.02 * clock + 0.9 * level + noise(0.05, 0.02))
    patents = np.exp(np.log(states.population) - 1.0 + 1.2 * level + noise(0.8, 0.1))
    return {
        "NSF.MACHINERY.VA.USDM": states.output
        / 1e6
        * np.exp(-4.0 + 0.6 * level + noise(0.5, 0.04)),
        "NSF.USPTO.SEMICOND.PATENTS": rng.poisson(np.minimum(patents, 1e6)).astype(np.float64),
        "PWT.cn": per_worker * employed,
        "PWT.emp": employed,
        "PWT.hc": np.clip(2.4 + 0.012 * clock + 0.4 * level + noise(0.3, 0.01), 1.0, 4.5),
        "PWT.ctfp": np.exp(-0.5 + 0.25 * states.income + 0.1 * level + noise(0.15, 0.03)),
        "PWT.labsh": np.clip(0.53 - 0.03 * level + noise(0.06, 0.01), 0.1, 0.9),
        "EG.USE.ELEC.KH.PC": np.exp(7.7 + 0.02 * clock + 0.7 * level + noise(0.5, 0.03)),
    }


def _data_series(rng: np.random.Generator, states: CountryStates) -> dict[str, Array]:
    """Return the diffusion of data infrastructure, ``[year, country]`` each."""
    shape = states.output.shape
    clock = np.arange(shape[0])[:, None] - LEAD_YEARS
    users = np.exp(states.connectivity)
    spread = _zscore(states.connectivity)

    def noise(own: float, sd: float) -> Array:
        return own * rng.standard_normal(shape[1]) + sd * rng.standard_normal(shape)

    def diffusion(midpoint: float, ceiling: float, weight: float) -> Array:
        start = midpoint - 1.2 * spread + noise(0.8, 0.0)
        curve = ceiling / (1.0 + np.exp((start - clock) / 2.4))
        return np.asarray(curve * np.exp(weight * spread + noise(0.2, 0.02)))

    return {
        "IT.NET.USER.ZS": np.minimum(users * np.exp(noise(0.02, 0.015)), 100.0),
        "IT.NET.BBND.P2": diffusion(12.0, 16.0, 0.5),
        "IT.CEL.SETS.P2": diffusion(9.0, 100.0, 0.2),
        "IT.NET.SECR.P6": np.exp(2.5 + 0.15 * clock + 1.2 * spread + noise(0.5, 0.1)),
        "TX.VAL.ICTG.ZS.UN": np.minimum(np.exp(0.9 + 0.5 * spread + noise(0.9, 0.1)), 60.0),
        "TM.VAL.ICTG.ZS.UN": np.minimum(np.exp(2.0 + 0.2 * spread + noise(0.3, 0.07)), 55.0),
    }


# indicator: (share of countries covered, first year of trade covered, share of cells missing)
_COVERAGE = {
    "NSF.AI.ARTICLES": (1.0, 8, 0.0),
    "NSF.IPF.COMPUTER.TECH": (0.58, 3, 0.0),
    "IP.PAT.RESD": (0.92, -LEAD_YEARS, 0.12),
    "IP.JRN.ARTC.SC": (1.0, 5, 0.0),
    "GB.XPD.RSDV.GD.ZS": (0.92, 5, 0.4),
    "BM.GSR.ROYL.CD": (1.0, -LEAD_YEARS, 0.1),
    "BX.GSR.ROYL.CD": (1.0, -LEAD_YEARS, 0.12),
    "NSF.MACHINERY.VA.USDM": (0.58, 7, 0.0),
    "NSF.USPTO.SEMICOND.PATENTS": (0.58, 3, 0.0),
    "PWT.hc": (0.92, -LEAD_YEARS, 0.0),
    "PWT.ctfp": (0.85, -LEAD_YEARS, 0.0),
    "PWT.labsh": (0.92, -LEAD_YEARS, 0.0),
    "EG.USE.ELEC.KH.PC": (1.0, -LEAD_YEARS, 0.04),
    "IT.NET.USER.ZS": (1.0, -LEAD_YEARS, 0.02),
    "IT.NET.BBND.P2": (1.0, 3, 0.04),
    "IT.CEL.SETS.P2": (1.0, -LEAD_YEARS, 0.01),
    "IT.NET.SECR.P6": (0.92, 15, 0.0),
    "TX.VAL.ICTG.ZS.UN": (0.92, 5, 0.03),
    "TM.VAL.ICTG.ZS.UN": (0.92, 5, 0.03),
    "WITS.TARIFF.FACED": (1.0, -LEAD_YEARS, 0.05),
    "NV.IND.TOTL.ZS": (1.0, -LEAD_YEARS, 0.03),
    "NE.GDI.TOTL.ZS": (1.0, -LEAD_YEARS, 0.03),
}


def _punch_holes(
    rng: np.random.Generator, series: dict[str, Array], *, states: CountryStates
) -> dict[str, Array]:
    """Set to NaN what no statistical office published: small countries, early years, odd cells."""
    n_countries = len(states.codes)
    size_rank = (-states.output[LEAD_YEARS]).argsort().argsort()
    trade_year = np.arange(len(states.years))[:, None] - LEAD_YEARS
    for name, (covered, start, missing) in _COVERAGE.items():
        hidden = (size_rank >= covered * n_countries) | (trade_year < start)
        hidden = hidden | (rng.random(series[name].shape) < missing)
        series[name] = np.where(hidden, np.nan, series[name])
    return series


def _total_indices(
    rng: np.random.Generator, flows: Array, *, states: CountryStates
) -> dict[str, Array]:
    """Return export and import value indices of the published flows ``[year, exp, imp]``, USD.

    The base year is 2000, or the first year of trade where 2000 is not in the panel.
    """
    trade_years = states.years[LEAD_YEARS:]
    base = 2000 - int(trade_years[0]) if 2000 in trade_years else 0
    indices = {}
    for name, axis in (("TX.VAL.MRCH.XD.WD", 2), ("TM.VAL.MRCH.XD.WD", 1)):
        totals = flows.sum(axis=axis)
        noise = 0.01 * rng.uniform(-1.0, 1.0, totals.shape)
        known = np.where(totals > 0, totals, np.nan)
        index = np.full(states.output.shape, np.nan)
        index[LEAD_YEARS:] = 100.0 * known / known[base] * (1.0 + noise)
        indices[name] = index
    return indices


def indicator_frame(
    rng: np.random.Generator, flows: Array, *, states: CountryStates
) -> pd.DataFrame:
    """Measure the countries: one row per published iso3, year and indicator.

    Parameters
    ----------
    rng : numpy.random.Generator
    flows : ndarray, shape (trade year, exporter, importer)
        Published flows, USD.
    states : CountryStates
    """
    series = _mass_series(rng, states) | _ai_series(rng, states)
    series |= _automation_series(rng, states) | _data_series(rng, states)
    series = _punch_holes(rng, series, states=states)
    series |= _total_indices(rng, flows, states=states)
    names = pd.array(sorted(series), dtype="str")
    values = np.stack([series[name] for name in names])
    which, year, country = np.nonzero(np.isfinite(values))
    return pd.DataFrame(
        {
            "iso3": pd.array(states.codes, dtype="str").take(country),
            "year": states.years[year].astype(np.int16),
            "indicator": names.take(which),
            "value": values[which, year, country],
        }
    )


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
