"""The countries of the simulated world: economies and technology, before anything is measured.

Nothing here depends on bilateral trade, so the draws stay the same whatever effects are planted in
the flows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
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
        """The same world with every USD amount multiplied by `factor`."""
        return replace(
            self,
            real_output=self.real_output * factor,
            output=self.output * factor,
            expenditure=self.expenditure * factor,
        )


def autoregression(shocks: Array, *, rho: float) -> Array:
    """Stationary AR(1) of unit variance driven by standard normal `shocks`.

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


def zscore(values: Array) -> Array:
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
    raw = zscore(raw)
    white = np.linalg.solve(np.linalg.cholesky(raw @ raw.T / raw.shape[1]), raw)
    return np.asarray(np.linalg.cholesky(_TRAIT_CORRELATION) @ white)


def _world_growth(rng: np.random.Generator, n_years: int) -> Array:
    """Draw log growth of nominal world output, with a crash at 14/27 and 25/27 of the trade years.

    On the default calendar these are 2009 and 2020.
    """
    noise = 0.02 * rng.standard_normal(LEAD_YEARS + n_years)
    noise[LEAD_YEARS:] -= noise[LEAD_YEARS:].mean()
    growth = 0.033 + noise
    for crash in (14 * n_years // 27, 25 * n_years // 27):
        growth[LEAD_YEARS + crash] = -0.13
        growth[LEAD_YEARS + crash + 1 :][:1] += 0.07
    return growth


def _economies(rng: np.random.Generator, traits: Array, *, n_years: int) -> dict[str, Array]:
    """Draw mass, income and prices, ``[year, country]`` each.

    Poor countries catch up, and USD price levels wander and revert.
    """
    income, people = traits[0], traits[4]
    n_all, n = LEAD_YEARS + n_years, traits.shape[1]
    clock = np.arange(n_all)[:, None]
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
    return {
        "population": population,
        "real_output": real,
        "output": output,
        "expenditure": expenditure,
        "usd_price": usd_price,
        "income": zscore(per_head),
    }


def _technologies(rng: np.random.Generator, traits: Array, *, n_years: int) -> dict[str, Array]:
    """Draw connectivity, AI and automation, ``[year, country]`` each.

    They differ across countries persistently and only moderately with income.
    """
    _, connect, ai, automation, _ = traits
    n_all = LEAD_YEARS + n_years
    clock = np.arange(n_all)[:, None]
    shocks = rng.standard_normal((3, n_all, traits.shape[1])).swapaxes(0, 1)
    own = 0.35 * autoregression(shocks, rho=0.95)
    takeoff = LEAD_YEARS + 10.0 - 1.2 * connect
    ceiling = 1.0 / (1.0 + np.exp(-0.7 - 1.1 * (connect + own[:, 0])))
    return {
        "connectivity": np.log(96.0 * ceiling / (1.0 + np.exp((takeoff - clock) / 3.2))),
        "ai": ai + own[:, 1],
        "automation": automation + own[:, 2],
    }


def simulate_countries(
    rng: np.random.Generator,
    *,
    codes: tuple[str, ...],
    region: NDArray[np.int64],
    n_years: int,
    first_year: int,
    poorest: int | None = None,
) -> CountryStates:
    """Draw the countries: mass, income, prices, three technologies, customs-union entry.

    The countries of region ``poorest`` have the lowest incomes, if one is given.
    """
    traits = _latent_traits(rng, region)
    if poorest is not None:
        traits = traits[:, _order_with_poorest(traits[0], inside=region == poorest)]
    economies = _economies(rng, traits, n_years=n_years)
    technologies = _technologies(rng, traits, n_years=n_years)
    return CountryStates(
        codes=codes,
        years=first_year - LEAD_YEARS + np.arange(LEAD_YEARS + n_years),
        region=region,
        union_entry=_union_entry(rng, region=region, income=traits[0], years=(first_year, n_years)),
        **economies,
        **technologies,
    )


def _order_with_poorest(income: Array, *, inside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Draws in an order that puts the poorest ``inside`` and leaves the others as they come."""
    n_inside = int(inside.sum())
    by_income = income.argsort()
    order = np.empty(len(income), dtype=np.intp)
    order[inside], order[~inside] = by_income[:n_inside], np.sort(by_income[n_inside:])
    return order


def _union_entry(
    rng: np.random.Generator,
    *,
    region: NDArray[np.int64],
    income: Array,
    years: tuple[int, int],
) -> NDArray[np.int64]:
    """Year each country joins the customs union of the richest region.

    The richer half founded it before the world begins; the others join one by one.
    """
    first_year, n_years = years
    mean_income = np.bincount(region, weights=income) / np.bincount(region)
    inside = region == mean_income.argmax()
    founder = inside & (income >= np.median(income[inside]))
    later = first_year + rng.integers(0, n_years, size=len(region))
    return np.where(founder, first_year - 30, np.where(inside, later, 9999)).astype(np.int64)
