"""Flows of the simulated world with sectors: sizes, openness, and what is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import starmap

import numpy as np
from numpy.typing import NDArray

from features.world.countries import LEAD_YEARS, Array, CountryStates, autoregression, zscore
from features.world.gravity import gravity_flows, standardised
from features.world.sectors import (
    INPUT_SHARES,
    SECTORS,
    VALUE_ADDED_SHARES,
    final_demand,
    gross_output,
    of_sectors,
)
from features.world.truth import RHO

_WALK_DEVIATION = 0.10  # of the median flow, log points a year
_AT_HOME = 2.0  # effect of automation on sales at home, against that on imports
_PHASE_IN_YEARS = 10  # Baier and Bergstrand 2007, doi:10.1016/j.jinteco.2006.02.005
_ZERO_SHARES = (0.16, 0.05)  # of the first and of the last year
_GLOBALISATION = 0.006  # log openness of foreign pairs a year


@dataclass(frozen=True, slots=True)
class SectorSizes:
    """Gross output and absorption, USD, ``[year, country, sector]``, and what AI did to output.

    `plain_output` is what output would be without AI; `ai_adoption` is in log points.
    """

    output: Array
    absorption: Array
    plain_output: Array
    ai_adoption: Array


def sector_sizes(rng: np.random.Generator, states: CountryStates, *, ai: Array) -> SectorSizes:
    """Share the world's output out to countries and sectors; ``ai`` is its strength by year.

    Value added sums to each country's output and to what the world needs of each sector. AI raises
    a country's output of the exposed sectors and nothing else: what is bought where does not
    depend on it.
    """
    gdp, spent = states.output[LEAD_YEARS:], states.expenditure[LEAD_YEARS:]
    shape = (*gdp.shape, len(SECTORS))
    advantage = 0.6 * rng.standard_normal(shape[1:])
    drift = 0.1 * autoregression(rng.standard_normal(shape), rho=0.95)
    taste = 0.2 * rng.standard_normal(shape[1:])
    final = final_demand(gdp.sum(axis=1))
    world = gross_output(final)
    added = gravity_flows(
        np.log(gdp)[:, :, None] + advantage + drift,
        output=gdp,
        expenditure=world * VALUE_ADDED_SHARES,
    )
    plain = added / VALUE_ADDED_SHARES
    path = np.zeros(shape)
    driver = zscore(states.ai[LEAD_YEARS:])[:, :, None] * of_sectors("ai")
    path[1:] = np.cumsum(ai[:, None, None] * driver, axis=0)[:-1]
    exposed = of_sectors("ai") > 0
    output = plain.copy()
    raised = plain[..., exposed] * np.exp(path[..., exposed])
    output[..., exposed] = raised * (world[:, None, exposed] / raised.sum(axis=1, keepdims=True))
    weight = spent[:, :, None] * np.exp(taste)
    absorption = plain @ INPUT_SHARES.T
    absorption += final[:, None, :] * weight / weight.sum(axis=1, keepdims=True)
    return SectorSizes(output, absorption, plain, path)


def sector_openness(
    rng: np.random.Generator,
    states: CountryStates,
    *,
    geography: dict[str, Array],
    treaties: NDArray[np.int64],
    sizes: SectorSizes,
    strengths: Mapping[str, Array],
) -> tuple[Array, dict[str, Array]]:
    """Log openness and each channel's part of it, ``[year, exp, imp, sector]``.

    ``strengths`` are by channel, shape ``[year]``.

    The noise that no channel explains is a random walk; like the transitory deviation it is larger
    for smaller flows.
    """
    n, years = len(states.codes), len(states.years) - LEAD_YEARS
    shape = (years, n, n, len(SECTORS))
    foreign = (1.0 - np.eye(n))[:, :, None]
    static = _static_openness(rng, geography, foreign=foreign)
    deviation = _deviation(static, sizes, foreign=foreign)
    transitory = autoregression(rng.standard_normal(shape), rho=RHO) * deviation
    walk = np.cumsum(rng.standard_normal(shape), axis=0) * _WALK_DEVIATION * deviation
    contributions = {"persistence": strengths["persistence"][:, None, None, None] * transitory}
    for name, driver in _drivers(states, geography=geography, treaties=treaties).items():
        path = np.zeros(shape)
        path[1:] = np.cumsum(strengths[name][:, None, None, None] * driver, axis=0)[:-1]
        contributions[name] = path
    # Its effect is on totals alone.
    contributions["ai_adoption"] = np.zeros(shape)
    border = _GLOBALISATION * foreign * np.arange(years)[:, None, None, None]
    return static + border + walk + sum(contributions.values()), contributions


def _static_openness(
    rng: np.random.Generator, geography: dict[str, Array], *, foreign: Array
) -> Array:
    n = len(foreign)
    common, own = rng.standard_normal((n, n)), rng.standard_normal((n, n, len(SECTORS)))
    ties = 0.4 * geography["contig"] + 0.4 * geography["comlang_off"] + 0.6 * geography["colony"]
    distance = np.log(geography["dist"] / np.median(geography["dist"]))[:, :, None]
    pair = ties + 0.5 * (common + common.T)
    return np.asarray(
        foreign
        * (of_sectors("distance") * distance + pair[:, :, None] + 0.5 * own + of_sectors("border"))
    )


def _deviation(static: Array, sizes: SectorSizes, *, foreign: Array) -> Array:
    """How noisy each flow is, against the median foreign flow of its sector."""
    size = static + np.log(sizes.plain_output[0])[:, None] + np.log(sizes.absorption[0])
    abroad = size[foreign[:, :, 0] > 0]
    score = (size - abroad.mean(axis=0)) / abroad.std(axis=0)
    return np.asarray(np.clip(np.exp(-0.9 * score), 0.15, 3.5))


def _drivers(
    states: CountryStates, *, geography: dict[str, Array], treaties: NDArray[np.int64]
) -> dict[str, Array]:
    """What sets each channel's annual rate of change, ``[year, exporter, importer, sector]``."""
    technology = (states.connectivity, states.automation, states.real_output)
    connectivity, automation, real = (path[LEAD_YEARS:] for path in technology)
    income = np.log(real / states.population[LEAD_YEARS:])
    years = states.years[LEAD_YEARS:, None, None]
    start = treaties.min(axis=0)
    phasing_in = (years >= start) & (years < start + _PHASE_IN_YEARS)
    wage_gap = income[:, None, :] - income[:, :, None]
    closeness = -np.log(geography["dist"]) + 0.5 * geography["contig"]
    everywhere = np.ones(len(SECTORS))
    machines = zscore(automation)
    # Machines displace imports from cheaper labour and bring production home (Krenz, Prettner and
    # Strulik 2021, European Economic Review 136).
    reshoring = standardised(-machines[:, None, :] * wage_gap)
    reshoring += _AT_HOME * machines[:, None, :] * np.eye(len(states.codes))
    pairs = {
        # The OECD convention for a pair: it is as well connected as its worse end.
        "data_infrastructure": (
            standardised(np.minimum(connectivity[:, :, None], connectivity[:, None, :])),
            of_sectors("data"),
        ),
        "automation": (reshoring, of_sectors("automation")),
        "trade_policy": (phasing_in.astype(np.float64), everywhere),
        "trade_costs": (standardised(np.broadcast_to(closeness, wage_gap.shape)), everywhere),
    }
    return dict(zip(pairs, starmap(_by_sector, pairs.values()), strict=True))


def _by_sector(driver: Array, exposure: Array) -> Array:
    return np.asarray(driver[..., None] * exposure)


def solved_flows(openness: Array, sizes: SectorSizes) -> Array:
    """Flows of structural gravity, sector by sector, USD, ``[year, exp, imp, sector]``."""
    return np.stack(
        [
            gravity_flows(
                openness[..., k],
                output=sizes.output[..., k],
                expenditure=sizes.absorption[..., k],
            )
            for k in range(openness.shape[-1])
        ],
        axis=-1,
    )


def published_flows(rng: np.random.Generator, flows: Array) -> Array:
    """Drop the foreign flows too small to be reported.

    A link is reported while its size, blurred by a persistent deviation, exceeds a threshold that
    moves so that the share of zeros falls from the first to the second of `_ZERO_SHARES` in every
    sector.
    """
    foreign = ~np.eye(flows.shape[1], dtype=bool)
    visible = np.log(flows) + 1.3 * autoregression(rng.standard_normal(flows.shape), rho=0.85)
    shares = np.geomspace(*_ZERO_SHARES, len(flows))
    threshold = np.stack(
        [
            np.quantile(seen[foreign], share, axis=0)
            for seen, share in zip(visible, shares, strict=True)
        ]
    )
    seen = visible > threshold[:, None, None, :]
    return np.where(seen | ~foreign[:, :, None], flows, 0.0)
