"""Statistics published on the countries of the simulated world, with lags, noise and gaps.

Only the two published trade totals are read off the flows; the other draws, and with them the
indicators, stay the same whatever effects are planted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.world.catalogue import catalogue_frame
from features.world.countries import LEAD_YEARS, Array, CountryStates, autoregression, zscore


def _mass_series(rng: np.random.Generator, states: CountryStates) -> dict[str, Array]:
    """National accounts and the trade-policy memberships, ``[year, country]`` each."""
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
    """Measures of AI adoption and innovation, ``[year, country]`` each."""
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
    """Capital deepening and its companions, ``[year, country]`` each."""
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
    """Diffusion of data infrastructure, ``[year, country]`` each."""
    shape = states.output.shape
    clock = np.arange(shape[0])[:, None] - LEAD_YEARS
    users = np.exp(states.connectivity)
    spread = zscore(states.connectivity)

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
    """Export and import value indices of the published flows ``[year, exp, imp]``, USD.

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
    # Series that no feature reads are drawn, to keep the other draws, but not published.
    published = set(catalogue_frame()["indicator"])
    names = pd.array(sorted(published & set(series)), dtype="str")
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


_ACCOUNTS = ("MACRO.GDP", "MACRO.GDP.REAL")
_WORLD_GAP, _COUNTRY_GAP = 0.015, 0.015
"""Standard deviations of a year's log growth."""


def with_loose_accounts(indicators: pd.DataFrame, *, rng: np.random.Generator) -> pd.DataFrame:
    """National accounts that sales follow loosely, as gross output follows value added.

    Without it GDP of the year after the origin would tell what the world sells in that year.

    Parameters
    ----------
    indicators : DataFrame
        Of `indicator_frame`.
    rng : numpy.random.Generator
        Of the gaps: stationary, one of the world and one of each country.
    """
    years, year = np.unique(indicators["year"], return_inverse=True)
    countries, country = np.unique(indicators["iso3"], return_inverse=True)
    # Growth of such a path has the standard deviation of its level.
    world = _WORLD_GAP * autoregression(rng.standard_normal((len(years), 1)), rho=0.5)
    own = autoregression(rng.standard_normal((len(years), len(countries))), rho=0.5)
    gap = (world + _COUNTRY_GAP * own)[year, country]
    gap = np.where(indicators["indicator"].isin(_ACCOUNTS), gap, 0.0)
    return indicators.assign(value=indicators["value"] * np.exp(gap))
